"""Bodies that are looked through on their way out: nothing is changed, and of a known value nothing leaves."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.http import bodies, library
from pytest_apiauth.http.bodies import AsyncLookedThrough, LookedThrough, Window, holds
from tests.here import EACH

VALUE = 'c0rrect/horse "b\xe4ttery"'


class Stopped(Exception):
    """What a window raises here."""


def knowing(*values: str) -> Redactor:
    """Make a redactor that knows values."""
    redactor = Redactor()
    for value in values:
        redactor.learn(value, "shop.password")
    return redactor


def passed(window: Window, pieces: list[bytes]) -> tuple[bytes, bool]:
    """Push pieces through a window: what left it, and whether it was stopped."""
    left = b""
    try:
        for piece in pieces:
            left += window.push(piece)
        return left + window.rest(), False
    except Stopped:
        return left, True


@given(pieces=st.lists(st.binary(max_size=40)), block=st.integers(1, 50))
def test_what_holds_no_value_passes_as_it_is(pieces: list[bytes], block: int) -> None:
    """However it is cut, every byte of a harmless stream leaves, in order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "BLOCK", block)
        assert passed(Window(knowing("a-known-value"), Stopped), pieces) == (b"".join(pieces), False)


@given(
    before=st.integers(0, 900),
    after=st.integers(0, 900),
    cuts=st.lists(st.integers(0, 1800), max_size=6),
    block=st.integers(1, 50),
)
def test_not_a_byte_of_a_value_leaves(before: int, after: int, cuts: list[int], block: int) -> None:
    """Wherever a value stands and however it is cut, the stream is stopped before its first byte is out."""
    text = b"." * before + b"a-known-value" + b"." * after
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "BLOCK", block)
        left, is_stopped = passed(Window(knowing("a-known-value"), Stopped), pieces)

    assert is_stopped
    assert left == b"." * len(left)
    assert len(left) <= before


@pytest.mark.parametrize(
    "data",
    [
        VALUE.encode(),
        VALUE.encode("latin-1"),
        quote(VALUE).encode(),
        "".join(f"%{each:02x}" for each in VALUE.encode()).encode(),
        quote(quote(quote(VALUE))).encode(),
        b'{"a": "c0rrect\\/horse \\"b\\u00e4ttery\\""}',
        "".join(f"\\u{ord(each):04x}" for each in VALUE).encode(),
        base64.b64encode(f"alice:{VALUE}".encode()),
        base64.b64encode(f"alice:{quote(VALUE, safe='')}".encode()),
        base64.urlsafe_b64encode(b"??>" + VALUE.encode()),
        base64.encodebytes(b"x" * 70 + VALUE.encode() + b"x" * 70),
        VALUE.encode().hex().encode(),
        VALUE.encode().hex().upper().encode(),
        b"0" + VALUE.encode().hex().encode(),
        b"\xff\xfe" + VALUE.encode(),
    ],
)
def test_a_value_is_found_in_every_code(data: bytes) -> None:
    """What servers decode without being asked is decoded here."""
    assert holds(knowing(VALUE), b"note=" + data)
    assert not holds(knowing("another-value-of-all"), b"note=" + data)


@pytest.mark.parametrize(
    "data", [b"A" * 9, b"-" * 7, b"_/+=" * 5, b"%", b"%zz", b"\\u12", b"0" * 13, bytes(range(256))]
)
def test_what_only_looks_coded_is_no_error(data: bytes) -> None:
    """Whatever bytes there are, they are read."""
    assert not holds(knowing(VALUE), data)


def test_single_letters_are_not_looked_at_one_by_one() -> None:
    """A stream of single letters takes as long as a whole one."""
    looks = []

    class Counting(Redactor):
        def finds(self, text: str) -> bool:
            looks.append(len(text))
            return super().finds(text)

    redactor = Counting()
    redactor.learn("a-known-value")
    left, is_stopped = passed(Window(redactor, Stopped), [b"."] * 200_000)

    assert (len(left), is_stopped) == (200_000, False)
    assert sum(looks) < 4 * 200_000


@pytest.mark.parametrize("name", EACH)
def test_a_stream_that_can_be_read_again_is(name: str) -> None:
    """A transport that tries once more sends the whole body once more, looked through."""
    module = library(name).module
    stream: Any = module.Request("POST", "http://x.example", files={"f": io.BytesIO(b"content")}).stream
    kind = library(name).bind(LookedThrough, "SyncByteStream")
    looked = kind(stream, lambda: Window(knowing(VALUE), Stopped))
    looked.begin()
    first, second = b"".join(looked), b"".join(looked)

    assert isinstance(looked, module.SyncByteStream)
    assert first == second == b"".join(stream)


@pytest.mark.parametrize("name", EACH)
def test_a_stream_that_can_be_read_once_says_so(name: str) -> None:
    """What was generated is not sent half a second time."""
    module = library(name).module

    async def generated() -> Any:
        yield b"content"

    stream: Any = module.Request("POST", "http://x.example", content=generated()).stream
    kind = library(name).bind(AsyncLookedThrough, "AsyncByteStream")

    async def main() -> None:
        looked = kind(stream, lambda: Window(knowing(VALUE), Stopped))
        await looked.begin()
        assert [piece async for piece in looked] == [b"content"]
        with pytest.raises(module.StreamConsumed):
            [piece async for piece in looked]

    asyncio.run(main())
