"""Edits: what they make of a value, and that the shell makes the same of it."""

from __future__ import annotations

import importlib
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_apiauth import bundled
from pytest_apiauth.auth.edits import Edit, equivalent, quoted

bundled.load_chapters()
VALUE = "eyJh.b2V5-Token_0123"


def drawn_edits() -> st.SearchStrategy[Edit]:
    """Give the strategies of the suite itself."""
    some = importlib.import_module("pytest_apiauth.conformance.strategies")
    edits: st.SearchStrategy[Edit] = some.near_misses | some.case_changes | some.wildcards | some.strangers
    return edits


@given(edits=st.lists(drawn_edits(), min_size=20, max_size=20))
@settings(max_examples=10, deadline=None)
def test_the_shell_makes_the_same_edit(edits: list[Edit]) -> None:
    """The bash expression of an edit gives what the edit gives, with the value in a variable."""
    script = "".join(f'printf "%s\\n" "{edit.shell("TOKEN", VALUE)}"\n' for edit in edits)
    answer = subprocess.run(["bash", "-c", script], env={"TOKEN": VALUE, "PATH": "/usr/bin:/bin"}, capture_output=True)
    shown = answer.stdout.decode().splitlines()
    for edit, line in zip(edits, shown, strict=True):
        assert edit.apply(VALUE) in (line, None)


WHOLE = [Edit("swapcase"), Edit("around", text='"'), Edit("percent"), Edit("base64"), Edit("first", 8)]
PLACES = [Edit("change", at) for at in (0, 200, 500, 999)]


@pytest.mark.parametrize("edit", [*WHOLE, *PLACES], ids=str)
def test_the_shell_writes_the_whole_value_in_the_same_way(edit: Edit) -> None:
    """What is no draw but a row of a table is the same in bash too."""
    script = f'printf %s "{edit.shell("TOKEN", VALUE)}"'
    answer = subprocess.run(["bash", "-c", script], env={"TOKEN": VALUE, "PATH": "/usr/bin:/bin"}, capture_output=True)
    assert answer.stdout.decode() == edit.apply(VALUE)


def test_another_letter_decodes_to_other_bits() -> None:
    """A changed last letter of base64 is another value, also where the letter has unused bits (RFC 4648 3.5)."""
    assert [Edit("change", 999).apply(text) for text in ("Q0JTQUI", "Q0JTQUJ", "!!", "a!")] == [
        "Q0JTQUo", "Q0JTQUp", None, "6!"
    ]  # fmt: skip


@given(edit=drawn_edits(), value=st.text("abcXYZ019-_.", min_size=1, max_size=40))
def test_an_edit_changes_the_value_or_nothing_is_sent(edit: Edit, value: str) -> None:
    """An edit gives another value, or None where it would give the same or an equivalent one."""
    edited = edit.apply(value)
    assert edited is None or not equivalent(edited, value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Q0JTQUI", "Q0JTQUJ", True),  # the last letter's unused bits
        ("Q0JTQUI", "Q0JTQUI=", True),
        ("e30.e30.Q0JTQUI", "e30.e30.Q0JTQUJ", True),
        ("Q0JTQUI", "q0JTQUI", False),
        ("Q0JTQUI", "Q0JTQUIQ", False),
        ("a.b", "a.b.c", False),
    ],
)
def test_spellings_of_the_same_bytes(one: str, other: str, same: bool) -> None:
    """Base64 spellings of the same bytes are not another token (RFC 4648 3.5)."""
    assert equivalent(one, other) is same


@pytest.mark.parametrize("text", ["", "plain", "it's", 'a"b$c`d\\e', "tab\tbell\x07", "\xe9\xff"])
def test_quoting_survives_the_shell(text: str) -> None:
    """A literal, quoted for bash, arrives as it was."""
    answer = subprocess.run(["bash", "-c", f"printf %s {quoted(text)}"], capture_output=True, check=True)
    assert text.encode("latin-1") == answer.stdout
