"""Ways of a credential inside a body, a URL or a header: as streams, as files, broken into pieces, in other codes."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import quote

from tests.http.foreign import FOREIGN
from tests.http.hand import Hand
from tests.http.ways import WAYS, Act, Way, way

LONG = 200_000


def _over_encoded(value: str) -> str:
    return "".join(f"%{ord(letter):02X}" for letter in value)


CODES: dict[str, Callable[[str], str]] = {
    "percent-encoded": lambda value: quote(value, safe=""),
    "percent-encoded in small letters": lambda value: quote(value, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "percent-encoded letter by letter": _over_encoded,
    "percent-encoded twice": lambda value: quote(_over_encoded(value), safe=""),
    "escaped for JSON": lambda value: "".join(f"\\u{ord(letter):04x}" for letter in value),
    "in base64": lambda value: base64.b64encode(value.encode()).decode(),
    "in base64 of URLs": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "in base64 behind a name": lambda value: base64.b64encode(f"someone:{value}".encode()).decode(),
    "in base64 behind a percent-encoded name": lambda value: base64.b64encode(
        f"some%20one:{quote(value, safe='')}".encode()
    ).decode(),
    "in hexadecimal": lambda value: value.encode().hex(),
    "in hexadecimal, in capitals": lambda value: value.encode().hex().upper(),
}


def _coded(code: Callable[[str], str]) -> Act:
    async def act(hand: Hand) -> None:
        hand.value = code(hand.value)
        if hand.part == "URL":
            await hand.ask(f"{FOREIGN}/take?note={hand.value}")
        else:
            await hand.ask(f"{FOREIGN}/take")

    return act


WAYS += [Way(f"value {name}", _coded(code), ("header", "body", "URL")) for name, code in CODES.items()]


@way("value in the path", "URL")
async def _in_path(hand: Hand) -> None:
    await hand.ask(f"{FOREIGN}/take/{quote(hand.value, safe='')}/on")


@way("value in the host", "URL")
async def _in_host(hand: Hand) -> None:
    await hand.ask(f"http://{quote(hand.value, safe='').lower()}.foreign.example:8080/")


@way("value in base64, broken into lines", "body")
async def _in_lines(hand: Hand) -> None:
    coded = base64.encodebytes(b"x" * 50 + hand.value.encode() + b"y" * 50)
    await hand.ask(content=coded)


def _stream(name: str, cut: Callable[[bytes], list[bytes]]) -> None:
    async def act(hand: Hand) -> None:
        await hand.ask(content=hand.pieces(*cut(hand.value.encode())))

    WAYS.append(Way(f"stream: {name}", act, ("body",)))


_stream("in one piece", lambda value: [b"note=" + value])
_stream("broken in the middle", lambda value: [b"note=" + value[:7], value[7:] + b"&more=1"])
_stream("letter by letter", lambda value: [bytes((each,)) for each in b"note=" + value + b"&"])
_stream("empty pieces between", lambda value: [b"", value[:3], b"", value[3:], b""])
_stream("behind a long beginning", lambda value: [b"x" * LONG, value])
_stream("before a long end", lambda value: [value, b"x" * LONG])
_stream("across the end of a block", lambda value: [b"x" * (65536 - 5) + value + b"x" * LONG])
_stream("across the end of what is held back", lambda value: [b"x" * LONG, value[:9], b"", value[9:] + b"x" * LONG])
_stream("in base64, broken", lambda value: [base64.b64encode(value)[:10], base64.b64encode(value)[10:]])
_stream("percent-encoded, broken in a code", lambda value: [b"%4", _over_encoded(value.decode()).encode()[2:]])
_stream("in many pieces of a thousand", lambda value: [b"x" * 1000] * 200 + [value] + [b"x" * 1000])


@way("stream: with a length given", "body")
async def _with_length(hand: Hand) -> None:
    body = b"note=" + hand.value.encode()
    await hand.ask(content=hand.pieces(body[:9], body[9:]), headers={"Content-Length": str(len(body))})


@way("stream: a file", "body")
async def _file(hand: Hand) -> None:
    if hand.is_async:
        await hand.ask(content=hand.pieces(hand.value.encode()))
    else:
        await hand.ask(content=io.BytesIO(b"note=" + hand.value.encode()))


@way("stream: of a class of one's own", "body")
async def _own_stream(hand: Hand) -> None:
    def pieces(self: Any) -> Iterator[bytes]:
        yield hand.value.encode()

    async def later(self: Any) -> AsyncIterator[bytes]:
        yield hand.value.encode()

    module = hand.library.module
    kind = type("Own", (module.SyncByteStream, module.AsyncByteStream), {"__iter__": pieces, "__aiter__": later})
    await _send_stream(hand, kind())


@way("stream: that looks harmless at first", "body")
async def _changing_stream(hand: Hand) -> None:
    texts = iter([b"nothing", hand.value.encode(), hand.value.encode()])

    class Changing(hand.library.byte_stream):  # type: ignore[name-defined,misc]
        def __iter__(self) -> Iterator[bytes]:
            yield next(texts)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield next(texts)

    stream = Changing(b"")
    for _ in range(2):
        await _send_stream(hand, stream)


async def _send_stream(hand: Hand, stream: Any) -> None:
    client = hand.client()
    headers = {"Transfer-Encoding": "chunked", "Host": "foreign.example:8080"}
    request = hand.library.request("POST", f"{FOREIGN}/take", stream=stream, headers=headers)
    await hand.done(client.send(request))


@way("stream: set by an event hook", "body")
async def _hooked_stream(hand: Hand) -> None:
    def change(request: Any) -> None:
        request.stream = hand.library.byte_stream(hand.value.encode())
        request.headers["Content-Length"] = str(len(hand.value))

    await hand.ask(method="POST", content=None, client={"event_hooks": {"request": [hand.hook(change)]}})


@way("multipart: a field", "body")
async def _field(hand: Hand) -> None:
    await hand.ask(content=None, data={"note": hand.value}, files={"f": b"x"})


@way("multipart: a file", "body")
async def _multipart_file(hand: Hand) -> None:
    await hand.ask(content=None, files={"f": ("a.txt", io.BytesIO(b"x" * 100 + hand.value.encode()))})


@way("multipart: a long file", "body")
async def _long_file(hand: Hand) -> None:
    await hand.ask(content=None, files={"f": io.BytesIO(b"x" * LONG + hand.value.encode() + b"x" * LONG)})


@way("multipart: the name of a file", "body")
async def _file_name(hand: Hand) -> None:
    await hand.ask(content=None, files={"f": (hand.value, io.BytesIO(b"x"))})


@way("multipart: a header of a file", "body")
async def _file_header(hand: Hand) -> None:
    await hand.ask(content=None, files={"f": ("a", io.BytesIO(b"x"), "text/plain", {"X-Note": hand.value})})


@way("form", "body")
async def _form(hand: Hand) -> None:
    await hand.ask(content=None, data={"note": hand.value})


@way("JSON", "body")
async def _json(hand: Hand) -> None:
    await hand.ask(content=None, json={"note": ["x", hand.value]})


@way("JSON in JSON", "body")
async def _json_in_json(hand: Hand) -> None:
    await hand.ask(content=None, json={"note": json.dumps({"note": f'"{hand.value}"'})})


@way("compressed with gzip", "body")
async def _gzip(hand: Hand) -> None:
    body = gzip.compress(b'{"note": "' + hand.value.encode() + b'"}')
    await hand.ask(content=body, headers={"Content-Encoding": "gzip"})


@way("compressed with zlib, as a stream", "body")
async def _zlib(hand: Hand) -> None:
    body = zlib.compress(b'{"note": "' + hand.value.encode() + b'"}')
    await hand.ask(content=hand.pieces(body[:7], body[7:]), headers={"Content-Encoding": "deflate"})


@way("in UTF-16", "body")
async def _utf16(hand: Hand) -> None:
    await hand.ask(content=f"the value is {hand.value}".encode("utf-16"))


@way("text", "body")
async def _text(hand: Hand) -> None:
    await hand.ask(content=f"the value is {hand.value}, and so on")


@way("a body of GET", "body")
async def _body_of_get(hand: Hand) -> None:
    await hand.ask(method="GET")
