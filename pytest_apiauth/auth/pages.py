"""The forms of a page, read as a browser reads them, and which of their inputs and buttons a person would use.

Pure functions of a page's bytes. HTML comes as it is: what is not closed is closed at the end, names come twice, a
button may belong to a form that it does not stand in (HTML 4.10.18.3). What decides is what an input is and what it is
called, never where it stands on the page; what cannot be told from that is for the profile to say.

>>> (form,) = forms_of('<form method=post action="/in"><input name=user><input type=password name=word></form>')
>>> form.password().name, form.username().name
('word', 'user')
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from pytest_apiauth.messages import Response

MOST_LETTERS: Final = 1_000_000
"""Letters of a page that are read."""
MOST_CONTROLS: Final = 3_000
"""Inputs and buttons of one form that are read; more are more than a person could look at."""
MARKS: Final = " \t\n\r\f/\"'"
"""What stands between two attributes of a tag."""
MOST_MARKS: Final = 60_000
_TAG: Final = re.compile("<[A-Za-z]")
NO_CHARSETS: Final = frozenset(("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"))
"""Codecs of Python's that decode text, and that no page is written in."""
TYPED: Final = frozenset(("text", "email", "tel", "search", "url", "number"))
"""Types of inputs that a person writes into, beside passwords."""
NO_INPUT: Final = frozenset(("submit", "image", "button", "reset", "file"))
CALLED_USERNAME: Final = re.compile(r"(?i)user|login|e?mail|identifier|account|uid")
CALLED_USER_CODE: Final = re.compile(r"(?i)user.?code|device.?code|^(code|otc)$")
REFUSING: Final = re.compile(
    r"(?i)\W*(cancel|deny|decline|reject|refuse|disallow|abort|back|no|not now|log ?out|sign ?out|switch account)\b"
)
"""Words on buttons that nobody presses who wants to go on."""


@dataclass(slots=True)
class Input:
    """One control of a form that has a name and a value."""

    name: str
    kind: str
    value: str = ""
    is_on: bool = True
    """Whether it is sent as it stands: a box or a choice that is not ticked is not."""
    autocomplete: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One button that sends a form."""

    name: str
    value: str
    text: str
    action: str | None = None
    method: str | None = None

    @property
    def label(self) -> str:
        """What a person reads on it."""
        return self.text or self.value or self.name

    @property
    def refuses(self) -> bool:
        """Whether it is there to say no."""
        return any(REFUSING.match(word) is not None for word in (self.text, self.value, self.name) if word)

    def is_called(self, name: str) -> bool:
        """Whether a name given by a person means it."""
        return name.strip().lower() in (word.strip().lower() for word in (self.text, self.value, self.name) if word)


@dataclass(slots=True)
class Form:
    """One form, with its controls in their order."""

    action: str = ""
    method: str = "GET"
    inputs: list[Input] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    id: str = ""

    def password(self, named: str | None = None) -> Input | None:
        """Return the input that takes a password, if there is one alone; by its name if one is given."""
        if named is not None:
            return self._called(named)
        found = [each for each in self.inputs if each.kind == "password"]
        return found[0] if len(found) == 1 else None

    def username(self, named: str | None = None) -> Input | None:
        """Return the input that takes a user's name: the one that is marked, the only one, or the one called so."""
        if named is not None:
            return self._called(named)
        typed = self.typed
        marked = [each for each in typed if "username" in each.autocomplete.split()]
        called = [each for each in typed if CALLED_USERNAME.search(each.name)]
        for found in (marked, typed, called):
            if len(found) == 1:
                return found[0]
        return called[0] if called else None

    def user_code(self, named: str | None = None) -> Input | None:
        """Return the input that takes the code of a device: by its name if one is given, else the one called so."""
        if named is not None:
            return self._called(named)
        return next((each for each in self.typed if CALLED_USER_CODE.search(each.name)), None)

    @property
    def typed(self) -> list[Input]:
        """Inputs that a person writes into, passwords aside."""
        return [each for each in self.inputs if each.kind in TYPED]

    def pressed(self, named: Iterable[str], *, by_enter: bool = False) -> Button | None:
        """Return the button to press: one that is named, the only one that does not refuse, or that of Enter.

        Enter presses the first one (HTML 4.10.22.2).
        """
        for button in filter(None, map(self.called, named)):
            return button
        willing = [button for button in self.buttons if not button.refuses]
        return willing[0] if len(willing) == 1 or (by_enter and willing) else None

    def pairs(self, filled: Mapping[str, str], button: Button | None) -> list[tuple[str, str]]:
        """Return what is sent: the controls as they stand but for those that are filled in, and the button."""
        sent = []
        for each in self.inputs:
            if each.name in filled and each.kind in ("checkbox", "radio"):
                if each.value == filled[each.name] or each.kind == "checkbox":
                    sent.append((each.name, each.value))
            elif each.is_on or each.name in filled:
                sent.append((each.name, filled.get(each.name, each.value)))
        if button is not None and button.name:
            sent.append((button.name, button.value))
        return sent

    def called(self, name: str) -> Button | None:
        """Return the button that a name means."""
        return next((button for button in self.buttons if button.is_called(name)), None)

    def _called(self, name: str) -> Input | None:
        return next((each for each in self.inputs if each.name == name), None)


def text_of(response: Response) -> str:
    """Return the text of a page; empty if an answer is none."""
    kind = response.header("content-type") or ""
    if response.media_type not in ("text/html", "application/xhtml+xml", ""):
        return ""
    charset = kind.lower().partition("charset=")[2].strip(" \"'").partition(";")[0] or "utf-8"
    body = response.body[:MOST_LETTERS]
    try:
        known = codecs.lookup(charset).name.replace("-", "_")
        return body.decode("utf-8" if known in NO_CHARSETS else charset, "replace")
    except (LookupError, ValueError):  # no codec, one that decodes no bytes, or no name of one
        return body.decode("utf-8", "replace")


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page, in their order."""
    reader = _Reader()
    # Never closed: what then becomes of a tag without an end takes time by the square of its length, and has no form.
    # What the parser takes for a declaration and cannot read ends the page for it.
    with contextlib.suppress(AssertionError):
        reader.feed(_bearable(page[:MOST_LETTERS]))
    return reader.finished()


def _bearable(page: str) -> str:
    """Return a page without the tags that have very many attributes, which take the parser hundreds of megabytes."""
    kept, place, start = [], 0, 0
    while start < len(page):
        end = page.find(">", start) + 1 or len(page)
        tag = _TAG.search(page, start, end) if end - start > MOST_MARKS else None
        if tag is not None and sum(page.count(mark, tag.start(), end) for mark in MARKS) > MOST_MARKS:
            kept.append(page[place : tag.start()])
            place = end
        start = end
    return "".join((*kept, page[place:])) if kept else page


class _Reader(HTMLParser):
    """Collects forms and their controls."""

    def __init__(self) -> None:
        super().__init__()
        self._forms: list[Form] = []
        self._at: Form | None = None
        self._elsewhere: list[tuple[str, Input | Button]] = []
        self._button: dict[str, str] | None = None
        self._words: list[str] = []
        self._choice: Input | None = None
        self._has_option = False
        self._area: Input | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of a form or a control."""
        found = {name: value or "" for name, value in reversed(attrs)}
        if tag == "form" and self._at is None:
            method = found.get("method", "").upper()
            self._at = Form(
                found.get("action", ""), method if method in ("POST", "DIALOG") else "GET", id=found.get("id", "")
            )
            self._forms.append(self._at)
        elif tag == "input":
            self._input(found)
        elif tag == "button":
            self._end_button()
            self._button, self._words = found, []
        elif tag == "select":
            self._choice, self._has_option = Input(found.get("name", ""), "select"), False
            self._add(found, self._choice)
        elif tag == "option" and self._choice is not None:
            if not self._has_option or "selected" in found:
                self._choice.value, self._has_option = found.get("value", ""), True
        elif tag == "textarea":
            self._area = Input(found.get("name", ""), "textarea")
            self._add(found, self._area)

    def handle_endtag(self, tag: str) -> None:
        """End what a tag ends."""
        if tag == "form":
            self._end_button()
            self._at = None
        elif tag == "button":
            self._end_button()
        elif tag == "select":
            self._choice = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        """Take note of what stands on a button, or in an area for text."""
        if self._button is not None:
            self._words.append(data)
        elif self._area is not None:
            self._area.value += data

    def finished(self) -> list[Form]:
        """Return the forms, with what belongs to them from elsewhere on the page."""
        self._end_button()
        by_id = {form.id: form for form in reversed(self._forms) if form.id}
        for name, control in self._elsewhere:
            if name in by_id:
                _put(by_id[name], control)
        return self._forms

    def _input(self, found: dict[str, str]) -> None:
        kind = found.get("type", "text").lower() or "text"
        if kind in ("submit", "image"):
            self._add(found, Button(found.get("name", ""), found.get("value", ""), "", *_override(found)))
        elif kind not in NO_INPUT:
            is_box = kind in ("checkbox", "radio")
            value = found.get("value", "on" if is_box else "")
            is_on = not is_box or "checked" in found
            self._add(found, Input(found.get("name", ""), kind, value, is_on, found.get("autocomplete", "").lower()))

    def _end_button(self) -> None:
        found, self._button = self._button, None
        if found is not None and found.get("type", "submit").lower() not in ("button", "reset"):
            text = " ".join("".join(self._words).split())
            self._add(found, Button(found.get("name", ""), found.get("value", ""), text, *_override(found)))

    def _add(self, found: dict[str, str], control: Input | Button) -> None:
        if "disabled" in found or (isinstance(control, Input) and not control.name):
            return
        if "form" in found:
            self._elsewhere.append((found["form"], control))
        elif self._at is not None:
            _put(self._at, control)


def _put(form: Form, control: Input | Button) -> None:
    if len(form.inputs) + len(form.buttons) >= MOST_CONTROLS:
        return
    if isinstance(control, Button):
        form.buttons.append(control)
    else:
        form.inputs.append(control)


def _override(found: dict[str, str]) -> tuple[str | None, str | None]:
    return found.get("formaction"), found.get("formmethod", "").upper() or None
