"""Forms as browsers read them: what belongs to one, what is sent, which input and which button is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.auth.pages import Form, forms_of


def form_of(page: str) -> Form:
    """Give the only form of a page."""
    (form,) = forms_of(page)
    return form


def test_a_form_is_sent_as_it_stands() -> None:
    """Hidden values, ticked boxes, chosen options and texts are sent, and nothing that is off or nameless."""
    form = form_of("""
    <form action="/in?a=1&amp;b=2" method=post>
      <input type=hidden name=csrf value="x&quot;y"><input name=user value=ada><input value=nameless>
      <input type=checkbox name=all checked><input type=checkbox name=none><input name=off value=1 disabled>
      <input type=radio name=kind value=a><input type=radio name=kind value=b checked>
      <select name=land><option value=de><option value=fr selected></select><select name=first><option value=1></select>
      <textarea name=note>so &amp; so</textarea><input type=file name=file><button type=button name=js>no</button>
      <button name=go value=yes>Go on</button>""")

    assert (form.action, form.method) == ("/in?a=1&b=2", "POST")
    assert form.pairs({"user": "eve"}, form.pressed(())) == [
        ("csrf", 'x"y'), ("user", "eve"), ("all", "on"), ("kind", "b"), ("land", "fr"), ("first", "1"),
        ("note", "so & so"), ("go", "yes"),
    ]  # fmt: skip


def test_a_box_that_is_named_is_ticked() -> None:
    """A value that is given for a box ticks it, and a choice is the one of that value."""
    form = form_of(
        "<form><input type=checkbox name=ok value=1><input type=radio name=k value=a><input type=radio name=k value=b>"
    )

    assert form.pairs({"ok": "on", "k": "b"}, None) == [("ok", "1"), ("k", "b")]


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ("<input name=a><input type=password name=p>", "a"),
        ("<input name=tenant><input name=userId><input type=password name=p>", "userId"),
        ("<input name=x><input name=y autocomplete='section-a username'><input type=password name=p>", "y"),
        ("<input name=x><input name=y><input type=password name=p>", None),
    ],
    ids=["the only one", "called so", "marked", "none"],
)
def test_the_input_for_a_name(inputs: str, name: str | None) -> None:
    """A name is typed where only one input could take it, into none that is merely there."""
    found = form_of(f"<form>{inputs}").username()

    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("buttons", "named", "label"),
    [
        ("<button>Weiter</button>", (), "Weiter"),
        ("<input type=submit value=Cancel><input type=submit name=allow value=Authorize>", (), "Authorize"),
        ("<button>Deny</button><button>Allow</button>", (), "Allow"),
        ("<button>Ja</button><button>Nein</button>", (), None),
        ("<button>Ja</button><button>Nein</button>", ("other", " ja "), "Ja"),
        ("<button name=answer value=yes><b>J</b>a</button><button name=answer value=no>Nein</button>", ("yes",), "Ja"),
        ("<button>Cancel</button>", (), None),
        ("<button>Log out</button>", (), None),
        ("<button>Cancel</button>", ("cancel",), "Cancel"),
    ],
)
def test_the_button_that_is_pressed(buttons: str, named: tuple[str, ...], label: str | None) -> None:
    """It is the one that is named, or the only one that says yes; of two that might, none is guessed."""
    found = form_of(f"<form>{buttons}").pressed(named)

    assert (found and found.label) == label


def test_a_control_elsewhere_belongs_to_its_form() -> None:
    """A button or an input outside of a form belongs to the one that it names."""
    form = form_of('<form id=f></form><input form=f name=a value=1><button form=f formaction="/other">Go</button>')

    assert (form.pairs({}, None), form.buttons[0].action) == ([("a", "1")], "/other")


@given(st.text())
def test_any_page_can_be_read(page: str) -> None:
    """No text breaks the reading."""
    for form in forms_of(f"<form><input name=a>{page}</form><button>"):
        form.pairs({}, form.pressed(()))
