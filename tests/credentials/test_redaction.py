"""Values are found in whatever way pytest shows them: encoded, escaped, broken over lines, coloured, cut."""

from __future__ import annotations

import base64
import gc
import html
import itertools
import json
import logging
import pprint
import textwrap
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_apiauth.credentials.redaction import OutputRedactor, changed_value, redact_report
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.credentials.unwrapping import Unwrapped, unwrapped

PLAIN = "Zq7Lw2Xk9Vb4Nc8Mt3Rj6Hd5Gs1Fp0"
PHRASE = "walrus kettle ombre juniper plinth mosaic"
ODD = "k:Zq7Lw2/+%41 é\"'\\Xk9Vb4"
VALUES = pytest.mark.parametrize("value", [PLAIN, PHRASE, ODD], ids=["plain", "phrase", "odd"])

SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "percent": lambda value: quote(value, safe=""),
    "percent twice": lambda value: quote(quote(value, safe=""), safe=""),
    "form thrice": lambda value: quote_plus(quote_plus(quote_plus(value))),
    "json": json.dumps,
    "json of json of json": lambda value: json.dumps(json.dumps([json.dumps(value)])),
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda value: repr(value.encode()),
    "repr of repr of repr": lambda value: repr(repr([repr(value)])),
    "repr of json": lambda value: repr(json.dumps({"v": value})),
    "html of json": lambda value: html.escape(json.dumps(value)),
    "html twice": lambda value: html.escape(html.escape(value)),
    "percent of json": lambda value: quote(json.dumps(value)),
    "hex": lambda value: value.encode().hex(),
    "large hex": lambda value: value.encode().hex().upper(),
    "base64": lambda value: base64.b64encode(f"id:{value}".encode()).decode(),
    "base64 of percent": lambda value: base64.b64encode(f"id:{quote(value, safe='')}".encode()).decode(),
    "base64 of form": lambda value: base64.b64encode(f"client:{quote_plus(value)}".encode()).decode(),
    "base64 in lines": lambda value: base64.encodebytes(b"before " * 6 + value.encode() + b" after" * 9).decode(),
    "base64 in a query": lambda value: quote(base64.b64encode(b"k" + value.encode()).decode(), safe=""),
}


def seconds(call: Callable[[], object]) -> float:
    """Give the CPU time of a call, without the collector of garbage, who looks through all that other tests have."""
    gc.disable()
    try:
        start = time.process_time()
        call()
        return time.process_time() - start
    finally:
        gc.enable()


def learnt(*values: str) -> OutputRedactor:
    """Make a redactor that knows some values."""
    redactor = OutputRedactor()
    for number, value in enumerate(values):
        redactor.learn(value, f"shop.value{number}")
    return redactor


def letters_left(value: str, text: str) -> str:
    """Give a piece of ten letters of a value that a text still has, in whatever dress; empty where it has none."""
    plain = "".join(letter for letter in unwrapped(text) if not letter.isspace())
    tight = "".join(letter for letter in unwrapped(value) if not letter.isspace())
    return next((tight[at : at + 10] for at in range(len(tight) - 9) if tight[at : at + 10] in plain), "")


def base64_forms(value: str) -> list[str]:
    """Give what base64 of anything with the value in it has in it, but for letters at the ends."""
    texts = (value, quote(value, safe=""), quote_plus(value))
    return [base64.b64encode(bytes(shift) + text.encode()).decode()[4:-4] for text in texts for shift in range(3)]


@VALUES
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spelling_is_found(value: str, spelling: str) -> None:
    """A value is found in every encoding, and in encodings of encodings."""
    shown = learnt(value).redact_shown(f"before {SPELLINGS[spelling](value)} after")

    assert "[apiauth:shop.value0]" in shown
    for form in base64_forms(value) if spelling.startswith("base64") else [SPELLINGS[spelling](value)]:
        assert letters_left(form, shown) == ""
    assert shown.startswith("before ")
    assert shown.rstrip().endswith("after")


@pytest.mark.parametrize("value", ["pässword with ünicode", "clé-secrète:%"])
def test_value_in_iso_8859_1_is_found(value: str) -> None:
    """A value is found as requests encodes a user and a password, which is not in UTF-8."""
    raw = value.encode("latin-1")
    pair = base64.b64encode(b"bob:" + raw).decode()

    for form in (quote(raw, safe=""), quote_plus(raw), quote(raw, safe="").lower(), raw.hex(), repr(raw), pair):
        assert "[apiauth:shop.value0]" in learnt(value).redact_shown(f"before {form} after")


@given(st.text(st.characters(codec="utf-8"), min_size=8, max_size=24))
@settings(deadline=None, max_examples=300)
def test_plain_redactor_knows_encodings_of_encodings(value: str) -> None:
    """Any value is found by the plain redactor in any two encodings, one in the other."""
    redactor = Redactor()
    redactor.learn(value, "v")
    quoted = quote(value, safe="")

    for form in (
        repr(repr(value)),
        json.dumps(repr(value)),
        repr(json.dumps(value)),
        quote(json.dumps(value), safe=""),
    ):
        assert redactor.finds(form)
    assert redactor.finds(quote(quoted, safe=""))
    assert redactor.finds(value.encode().hex())


@VALUES
@pytest.mark.parametrize("width", [20, 40, 79])
def test_value_over_several_lines_is_found(value: str, width: int) -> None:
    """What pprint breaks into pieces over lines, str and bytes, is found; what stands around it stays."""
    data = {"first": 1, "key": f"{'word ' * 9}{value}", "raw": [b"x" * 21 + value.encode()], "last": 2}
    text = "\n".join(f"E     {line}" for line in pprint.pformat(data, width=width).split("\n"))

    shown = learnt(value).redact_shown(text)

    assert letters_left(value, shown) == ""
    assert "'first': 1" in shown
    assert "'last': 2" in shown
    assert shown.count("\n") == text.count("\n")


def test_value_broken_between_words_is_found() -> None:
    """A passphrase that was filled into a column has lost its blanks at the ends of lines, and is found."""
    shown = learnt(PHRASE).redact_shown(textwrap.fill(f"the phrase is {PHRASE}, they say", width=22))

    assert "kettle" not in shown
    assert "plinth" not in shown
    assert "the phrase is" in shown
    assert "they" in shown


def test_value_between_lines_of_the_other_side_is_found() -> None:
    """In a difference, pieces of a value are found with the other side's lines and hints between them."""
    text = "\n".join(
        [
            "E       - {'key': 'other words and '", "E       ?          ^^^^^", f"E       + {{'key': b'{PLAIN[:12]}'",
            "E       ?         ++", "E       -         'more of them',", f"E       +         b'{PLAIN[12:]}',",
        ]
    )  # fmt: skip

    shown = learnt(PLAIN).redact_shown(text)

    assert letters_left(PLAIN[:12], shown) == letters_left(PLAIN[12:], shown) == ""
    assert "'more of them'" in shown


def test_colours_hide_nothing() -> None:
    """A value that is coloured in the middle is found."""
    text = f"E  \x1b[33m'{PLAIN[:9]}\x1b[39;49;00m\x1b[35m{PLAIN[9:]}'\x1b[0m and more"

    assert learnt(PLAIN).redact_shown(text) == "E  \x1b[33m'[apiauth:shop.value0]'\x1b[0m and more"


@pytest.mark.parametrize(
    "text",
    [
        f"assert '{PLAIN[:14]}...{PLAIN[-9:]}' == 'x'",
        f"assert 'Bearer {PLAIN[:20]}...' == 'x'",
        f"E    - b'xxxx{PLAIN[:20]}'...\nE\nE     ...Full output truncated, use '-vv' to show",
        f"ValueError: invalid literal for int() with base 10: '{'x' * 70}{PLAIN[:20]}\nand so on",
        f"E     {'x' * 30}\x1b[33mxxxx{PLAIN[:20]}'\x1b[39;49;00m\x1b[39;49...\x1b[0m\nE     ...Full output truncated",
        f"E    Skipping 52 identical leading characters in diff, use -v to show\nE     - {PLAIN[-10:]} more\nE     + x",
    ],
    ids=["middle", "end", "end of the line", "by Python", "in a colour", "beginning"],
)
def test_cut_value_shows_no_half(text: str) -> None:
    """Of a value that pytest has cut, no half is left."""
    shown = learnt(PLAIN).redact_shown(text)

    assert letters_left(PLAIN[:14], shown) == letters_left(PLAIN[-10:], shown) == ""


def test_long_pieces_of_a_value_are_found() -> None:
    """A token with one letter changed, and sixteen letters of one in a row, show nothing of it."""
    long = PLAIN + PLAIN[::-1]
    redactor = learnt(long)

    for piece in [f"{long[:20]}_{long[21:]}", *(long[at : at + 16] for at in range(len(long) - 15))]:
        assert letters_left(long, redactor.redact_shown(f"before {piece} after")) == ""
    assert redactor.redact_shown(f"{PLAIN[:7]} {PLAIN[9:16]}") == f"{PLAIN[:7]} {PLAIN[9:16]}"


def test_harmless_text_stays_as_it_is() -> None:
    """Text without a value comes back letter for letter, with all its escapes, entities and margins."""
    text = "E   'a\\\\b'\nE   ? ^^\n\x1b[31m- x\x1b[0m\n+ %2525 &amp;quot; ... 'c'\n  'd'"

    assert learnt(PLAIN, PHRASE, ODD).redact_shown(text) == text


@given(st.text(alphabet="ab'\"\\%25&;amp \n\tE+-?|\x1b[0m", max_size=60))
def test_every_letter_knows_where_it_stood(text: str) -> None:
    """The one form of a text leads back to the text: places ascend, and plain letters stand where it says."""
    for side in ("", "-", "+"):
        form = Unwrapped(text, side)
        spans = [next(form.places(at, at + 1)) for at in range(len(form.letters))]
        assert spans == sorted(spans)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
        assert all(
            text[start:end] == letter
            for letter, (start, end) in zip(form.letters, spans, strict=True)
            if end - start == 1
        )


@pytest.mark.parametrize(
    "text", [" " * 60_000, "\n" * 60_000, "\\" * 60_000, "%25" * 30_000, "&amp;" * 20_000, "\n? " * 20_000]
)
def test_long_runs_take_no_long_time(text: str) -> None:
    """What could make a pattern try again and again is read in time that grows with its length alone."""
    redactor = learnt(PLAIN)
    start = time.process_time()

    assert redactor.redact_shown(text + "x") == text + "x"

    assert time.process_time() - start < 5


def test_text_is_looked_through_anew_once_a_value_is_learnt() -> None:
    """What was shown of a text before says nothing of a value that came since."""
    redactor, text = learnt(ODD), f"it is {PLAIN}, and {PLAIN[:20]}... and {PLAIN[8:30]}"
    assert redactor.redact_shown(text) == text

    redactor.learn(PLAIN, "late.token")
    shown = redactor.redact_shown(text)

    assert shown.count("[apiauth:late.token]") == 3
    assert letters_left(PLAIN, shown) == ""


def test_thousands_of_tokens_cost_little() -> None:
    """To search costs much the same with a thousand tokens as with ten."""
    text = "\n".join(f"E   line {number} of a long output, {'x' * 60}" for number in range(300))

    def cost(count: int) -> float:
        redactor = learnt(*(f"{number:08d}{PLAIN}" for number in range(count)))
        redactor.redact_shown(text)
        return seconds(lambda: [redactor.redact_shown(text) for _ in range(5)])

    assert cost(1000) < 10 * cost(10)


def test_tokens_that_begin_alike_cost_no_more_each() -> None:
    """What is learnt of one JWT does not grow with those before it, which all begin as it does."""

    def cost(count: int) -> float:
        redactor = OutputRedactor()

        def learn() -> None:
            for number in range(count):
                redactor.learn(f"eyJhbGciOiJIUzI1NiJ9.{number:08d}.{PLAIN}", "shop.token")
            redactor.redact_shown("a text of no interest")

        return seconds(learn)

    assert cost(8000) < 30 * cost(800)


@pytest.mark.parametrize("value", ["password", "credentials", "apiauth", "staging", "shop.value0"])
def test_marks_are_not_redacted_again(value: str) -> None:
    """A text may pass more than once, also where a value is a word that its own mark has in it."""
    redactor = OutputRedactor()
    redactor.learn(value, "staging.credentials.password")

    once = redactor.redact_shown(f"it is {value}, and\n{value} again")

    assert once.count("[apiauth:staging.credentials.password]") == 2
    assert redactor.redact_shown(once) == redactor.redact(once) == once


def test_label_brings_nothing_of_its_own() -> None:
    """The name of a profile, which a mark begins with, brings no control character and no markup."""
    redactor = OutputRedactor()
    redactor.learn(PLAIN, "\x1b[2Ja<b>&.token")

    assert redactor.redact_shown(PLAIN) == "[apiauth:__2Ja_b__.token]"


def test_objects_of_a_test_stay_as_they_are() -> None:
    """An object that a test hands over as a property is not changed: what is shown of it is."""

    class Holder:
        def __init__(self) -> None:
            self.value = PLAIN

        def __str__(self) -> str:
            return f"Holder of {self.value}"

    holder = Holder()

    changed = changed_value({"a": holder, "b": [PLAIN.encode(), 3, None]}, learnt(PLAIN).redact_shown)

    assert changed == {"a": "Holder of [apiauth:shop.value0]", "b": ["b'[apiauth:shop.value0]'", 3, None]}
    assert holder.value == PLAIN


def test_what_was_collected_stays_what_it_is() -> None:
    """Of a report of a collection the texts are changed; its nodes are what pytest goes on with."""

    class Node:
        def __str__(self) -> str:
            return f"<Dir {PLAIN}>"

    node: Any = Node()
    report = pytest.CollectReport("shop", "passed", None, [node], [("Captured stdout", PLAIN)])

    redact_report(report, learnt(PLAIN).redact_shown)

    assert report.result == [node]
    assert report.sections == [("Captured stdout", "[apiauth:shop.value0]")]


def test_record_of_a_logger_is_left_alone() -> None:
    """Learning and redacting of shown text changes no log record."""
    record = logging.LogRecord("shop", logging.ERROR, __file__, 1, "token %s", (PLAIN,), None)

    assert learnt(PLAIN).redact_shown(record.getMessage()) == "token [apiauth:shop.value0]"
    assert record.getMessage() == f"token {PLAIN}"


def test_what_public_keys_have_in_common_with_private_ones_is_shown() -> None:
    """A curl line may hold a public key of RSA, which says so by the letters that a private one says it by."""
    private = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDGq7Lw2Xk9Vb4Nc8Mt3Rj6Hd5"
    public = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0Zx1Cv2Bn3Mq4Ws5Ed6Rf7Tg8Yh9Uj"
    redactor = OutputRedactor()
    redactor.learn(private, "shop.jwt.signing_key")

    assert redactor.redact_shown(f"key={public}") == f"key={public}"
    assert redactor.redact_shown(f"key={private[:4]}x{private[5:]}") != f"key={private[:4]}x{private[5:]}"
