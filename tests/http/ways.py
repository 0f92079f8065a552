"""The ways by which a fixture's client may come to a foreign origin, as data.

A way says which parts of a request it can carry a value in, and how it ends with a value that is no secret: it arrives
at the foreign listener, at home, or is refused by a line. With a credential nothing of it may arrive there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tests.http.foreign import FOREIGN
from tests.http.hand import PARTS, Hand

Act = Callable[[Hand], Coroutine[Any, Any, None]]
ARRIVES: Final = "arrives"
AT_HOME: Final = "at home"


@dataclass(frozen=True)
class Way:
    """One way, with the parts of a request it applies to."""

    name: str
    act: Act
    parts: tuple[str, ...] = PARTS
    ends: str = ARRIVES
    """How it ends with a harmless value: `ARRIVES`, `AT_HOME`, or the beginning of the error."""
    drops: tuple[str, ...] = ()
    """Parts that the library itself leaves behind on this way."""
    only: str = ""
    """The one library, or kind of client, that has it."""


WAYS: list[Way] = []


def way(name: str, *parts: str, ends: str = ARRIVES, only: str = "") -> Callable[[Act], Act]:
    """List a way."""

    def listed(act: Act) -> Act:
        WAYS.append(Way(name, act, parts or PARTS, ends, only=only))
        return act

    return listed


# Absolute URLs, by the place that a library makes of them

SPELLINGS: Final = {
    "plain": (f"{FOREIGN}/take", ARRIVES),
    "default port": ("http://foreign.example/take", ARRIVES),
    "default port written": ("http://foreign.example:80/take", ARRIVES),
    "port 0": ("http://foreign.example:0/take", ARRIVES),
    "home at port 0": ("https://home.example:0/v1/x", AT_HOME),
    "TLS": ("https://foreign.example/take", ARRIVES),
    "TLS, port written": ("https://foreign.example:443/take", ARRIVES),
    "TLS, other port": ("https://home.example:8443/take", ARRIVES),
    "home in clear": ("http://home.example/v1/x", ARRIVES),
    "home in clear at the port of TLS": ("http://home.example:443/v1/x", AT_HOME),
    "home by number over TLS": ("https://127.0.0.1:8123/x", AT_HOME),
    "home by number, other port": ("http://127.0.0.1:8124/x", ARRIVES),
    "home by number, no port": ("http://127.0.0.1/x", ARRIVES),
    "home by number, port of TLS": ("https://127.0.0.1/x", ARRIVES),
    "capitals": ("HTTP://FOREIGN.EXAMPLE:8080/take", ARRIVES),
    "trailing dot": ("http://foreign.example.:8080/take", ARRIVES),
    "home with a trailing dot": ("https://home.example./v1/x", AT_HOME),
    "home with two trailing dots": ("http://home.example../v1/x", ARRIVES),
    "user name like home": ("http://home.example@foreign.example:8080/take", "GuardError: "),
    "user name and port like home": ("https://home.example:443@foreign.example/take", "GuardError: "),
    "two at signs": ("http://home.example@foreign.example@foreign.example:8080/", "GuardError: "),
    "encoded at sign": ("http://home.example%40foreign.example:8080/take", ARRIVES),
    "backslash before home": ("http://foreign.example:8080\\@home.example/take", "GuardError: "),
    "backslash after home": ("http://home.example\\@foreign.example:8080/take", "GuardError: "),
    "backslashes for slashes": ("http:\\\\foreign.example:8080\\take", AT_HOME),
    "one slash": ("http:/foreign.example:8080/take", AT_HOME),
    "three slashes": ("http:///foreign.example:8080/take", AT_HOME),
    "no slash": ("http:foreign.example:8080/take", AT_HOME),
    "no scheme": ("//foreign.example:8080/take", AT_HOME),
    "no scheme, three slashes": ("///foreign.example:8080/take", AT_HOME),
    "a path that looks like a URL": ("/http://foreign.example:8080/take", AT_HOME),
    "at sign as path": ("@foreign.example:8080/take", AT_HOME),
    "dots above the root": ("../../../../foreign.example:8080/take", AT_HOME),
    "home as a part": ("http://home.example.foreign.example:8080/take", ARRIVES),
    "home as an end": ("http://nothome.example/take", ARRIVES),
    "below home": ("https://api.home.example/take", ARRIVES),
    "above home": ("https://example/take", ARRIVES),
    "home in the fragment": ("http://foreign.example:8080/take#@home.example/", ARRIVES),
    "home behind a question mark": ("http://foreign.example:8080?@home.example/", ARRIVES),
    "another alphabet": ("https://h\u043eme.example/v1/x", ARRIVES),
    "another alphabet, as the DNS writes it": ("https://xn--hme-8cd.example/v1/x", ARRIVES),
    "wide letters": ("https://\uff48ome.example/v1/x", "library: "),
    "an ideographic stop": ("https://home\u3002example/v1/x", AT_HOME),
    "an encoded host": ("http://%66oreign.example:8080/take", ARRIVES),
    "home with an encoded letter": ("https://%68ome.example/v1/x", ARRIVES),
    "a tab": ("http://foreign\t.example:8080/take", "library: "),
    "a line break": ("http://foreign.example\n:8080/take", "library: "),
    "a blank": ("http://foreign.example :8080/take", ARRIVES),
    "a NUL": ("http://home.example\0.foreign.example:8080/take", "library: "),
    "IPv6": ("http://[::1]:8080/take", ARRIVES),
    "home's number in IPv6": ("http://[::ffff:127.0.0.1]:8123/x", ARRIVES),
    "home's number in IPv6, in hexadecimal": ("http://[::ffff:7f00:1]:8123/x", ARRIVES),
    "another number of loopback": ("http://127.0.0.2:8123/x", ARRIVES),
    "localhost": ("http://localhost:8080/x", ARRIVES),
    "a foreign number": ("http://192.0.2.1:8080/take", ARRIVES),
    "a foreign number in decimal": ("http://3221225985:8080/take", ARRIVES),
    "a foreign number in octal": ("http://0300.0.02.01:8080/take", "library: "),
    "a foreign number in hexadecimal": ("http://0xc0000201:8080/take", ARRIVES),
    "a short foreign number": ("http://192.513:8080/take", ARRIVES),
    "home's number in decimal": ("http://2130706433:8123/x", AT_HOME),
    "home's number in decimal, elsewhere": ("http://2130706433:8080/x", ARRIVES),
    "home's number in octal": ("http://0177.0.0.1:8123/x", "library: "),
    "a short number of home": ("http://127.1:8123/x", AT_HOME),
    "any number": ("http://0.0.0.0:8123/x", ARRIVES),
}


def _spelled(place: str) -> Act:
    async def act(hand: Hand) -> None:
        await hand.ask(hand.url(place))

    return act


WAYS += [Way(f"URL: {name}", _spelled(place), PARTS, ends) for name, (place, ends) in SPELLINGS.items()]


# Redirects

STATUSES: Final = (301, 302, 303, 307, 308)
LOCATIONS: Final = {
    "another host": f"{FOREIGN}/take",
    "home in clear": "http://home.example/v1/x",
    "another port of home": "https://home.example:8443/x",
    "the number's other port": "http://127.0.0.1:8124/x",
    "TLS elsewhere": "https://foreign.example/take",
    "no scheme": "//foreign.example/take",
    "user name like home": "https://home.example:443@foreign.example/take",
    "backslash": "https://home.example\\@foreign.example/take",
    "below home": "https://x.home.example/take",
}


def _redirected(status: int, place: str, kind: str) -> Act:
    async def act(hand: Hand) -> None:
        value = hand.value if hand.part == "URL" else "x"
        hand.net.redirect = status, f"{place}?note={quote(value, safe='')}"
        content: Any = {"content": hand.content}
        if kind == "stream" and hand.content is not None:
            content = {"content": hand.pieces(hand.content[:15], hand.content[15:])}
        if kind == "multipart" and hand.content is not None:
            content = {"content": None, "files": {"f": io.BytesIO(hand.content)}}
        client: dict[str, Any] = {"follow_redirects": True}
        if kind == "client's headers":
            client["headers"] = hand.headers
        await hand.ask("/r", client=client, **content)

    return act


def _drops(status: int) -> tuple[str, ...]:
    return ("body",) if status <= 303 else ()


WAYS += [
    Way(f"redirect {status}: {name}", _redirected(status, place, ""), PARTS, drops=_drops(status))
    for status in STATUSES
    for name, place in LOCATIONS.items()
]
WAYS += [
    Way(f"redirect {status}: multipart", _redirected(status, FOREIGN, "multipart"), ("body",)) for status in (307, 308)
]
WAYS += [
    Way(f"redirect {status}: stream", _redirected(status, FOREIGN, "stream"), ("body",), "library: StreamConsumed")
    for status in (307, 308)
]
WAYS += [
    Way(f"redirect {status}: headers of the client", _redirected(status, FOREIGN, "client's headers"), ("header",))
    for status in STATUSES
]


@way("redirect: sent by hand")
async def _next_request(hand: Hand) -> None:
    hand.net.redirect = 307, hand.url()
    client = hand.client()
    answer = await hand.done(client.request(hand.method, "/r", headers=hand.headers, content=hand.content))
    await hand.done(client.send(answer.next_request))
