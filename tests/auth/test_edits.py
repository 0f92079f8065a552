"""Edits: what they make of a value, and that bash and its command make the same of it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_apiauth import bundled
from pytest_apiauth.auth.bash import edited, joined, quoted
from pytest_apiauth.auth.editing import made, words_of
from pytest_apiauth.auth.edits import Edit, equivalent

bundled.load_chapters()
VALUE = "eyJh.b2V5-Token_0123"
SHELL = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}


def drawn_edits() -> st.SearchStrategy[Edit]:
    """Give the strategies of the suite itself."""
    some = importlib.import_module("pytest_apiauth.conformance.strategies")
    edits: st.SearchStrategy[Edit] = some.near_misses | some.case_changes | some.wildcards | some.strangers
    return edits


def in_bash(edits: Iterable[Edit]) -> list[str]:
    """Have bash, and the commands that it calls, make each edit of a variable."""
    script = "".join(f'printf "%s\\n" {joined(edited("TOKEN", edit))}\n' for edit in edits)
    answer = subprocess.run(["bash", "-c", script], env=SHELL | {"TOKEN": VALUE}, capture_output=True, check=True)
    return answer.stdout.decode().splitlines()


@given(edit=drawn_edits())
@settings(max_examples=300, deadline=None)
def test_the_command_makes_the_same_edit(edit: Edit) -> None:
    """The words of an edit make what the edit makes, with the value in a variable, or say that nothing comes of it."""
    if edit.apply(VALUE) is None:
        return
    assert made(["TOKEN", *words_of(edit)], {"TOKEN": VALUE}) == edit.apply(VALUE)


SHORT = [
    Edit("extend", text="x y"), Edit("prepend", text="$`\\!"), Edit("around", text='"'), Edit("double"), Edit("upper"),
    Edit("lower"), Edit("first", 8), Edit("whole", text="it's"), Edit("insert", 0, "%"), Edit("replace", 0, "x"),
    Edit("delete", 0), Edit("cut", 0, "none"), Edit("cut", 999, "x"), Edit("truncate", 999), Edit("delete", 999),
    Edit("replace", 999, "x"),
]  # fmt: skip
"""What bash says by itself."""
PLACES = [Edit("change", at) for at in (0, 200, 500, 999)]
WHOLE = [Edit("swapcase"), Edit("percent"), Edit("base64"), Edit("reverse"), Edit("without", text="0-9"), Edit(
    "digest", text="sha256"), Edit("insert", 500, " }%\xe9"), Edit("cut", 300)]  # fmt: skip


def test_bash_makes_the_same_edit_by_itself() -> None:
    """What is short in bash calls no command, and is the same there, whatever letters it puts in."""
    assert "pytest_apiauth" not in "".join(joined(edited("TOKEN", edit)) for edit in SHORT)
    assert in_bash(SHORT) == [edit.apply(VALUE) for edit in SHORT]


@pytest.mark.parametrize("edit", [*WHOLE, *PLACES], ids=str)
def test_what_is_not_short_is_the_same_by_the_command(edit: Edit) -> None:
    """What bash cannot say shortly the command says."""
    assert "$(python -m pytest_apiauth edit TOKEN " in joined(edited("TOKEN", edit, "utf-8"))
    assert made(["TOKEN", *words_of(edit)], {"TOKEN": VALUE}) == edit.apply(VALUE)


def test_bash_calls_the_command() -> None:
    """Through a shell it is one word, printed as it is and without a line break."""
    assert in_bash([Edit("reverse"), Edit("insert", 500, "it's }")]) == [
        VALUE[::-1], f"{VALUE[:10]}it's }}{VALUE[10:]}"
    ]  # fmt: skip


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
