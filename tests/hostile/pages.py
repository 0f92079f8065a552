"""Behaviours of pages: what an authorization endpoint shows to whoever logs in, here the script that plays a person."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from tests.hostile.behaviours import PAGE, Later, answer, behaves
from tests.hostile.texts import POISON

HTML = b"Content-Type: text/html; charset=utf-8"
INPUTS = b"<input name=user><input type=password name=word>"
FORM = b"<form method=post action=/authorize>" + INPUTS + b"<button>In</button></form>"


def page(body: bytes, *lines: bytes, status: int = 200) -> bytes:
    """Write a page."""
    return answer(body, *lines, status=status, media=HTML)


def _packed(make: Callable[[], bytes]) -> Later:
    return Later(lambda: page(gzip.compress(make()), b"Content-Encoding: gzip"))


def _to(place: bytes, status: int = 302) -> bytes:
    return answer(b"", b"Location: " + place, status=status)


def _pages() -> None:
    family = "pages"
    count = 100_000
    behaves(family, "a login without end", page(FORM), PAGE)
    behaves(
        family,
        "a consent without end",
        page(b"<form method=post action=/authorize><button>Allow</button></form>"),
        PAGE,
    )
    behaves(family, "no form", page(b"<p>Nobody is here"), PAGE)
    behaves(family, "forms by the hundred thousand", page(b"<form>" * count), PAGE)
    behaves(
        family, "inputs by the hundred thousand", page(b"<form method=post>" + b"<input name=a value=b>" * count), PAGE
    )
    behaves(
        family,
        "buttons by the hundred thousand",
        page(b"<form method=post>" + b"<button name=a>x</button>" * count),
        PAGE,
    )
    behaves(
        family,
        "passwords by the hundred thousand",
        page(b"<form method=post>" + b"<input type=password name=a>" * count),
        PAGE,
    )
    behaves(family, "elements, deep", page(b"<div>" * count + FORM), PAGE)
    behaves(family, "attributes by the hundred thousand", page(b"<form " + b"a=b " * count + b">" + INPUTS), PAGE)
    behaves(family, "an attribute of five megabytes", _packed(lambda: b"<input name='" + b"x" * 5_000_000), PAGE)
    behaves(family, "a tag that is not closed", _packed(lambda: b"<form " + b"<a " * 2_000_000), PAGE)
    behaves(family, "comments that are not closed", page(b"<!--" * count + FORM), PAGE)
    behaves(family, "references to letters", page(b"&#x41;" * count + b"&#99999999999999;&#xd800;" + FORM), PAGE)
    behaves(family, "declarations that are not closed", page(b"<![" * count + b"<!" * count + b"<?" * count), PAGE)
    behaves(
        family,
        "options by the hundred thousand",
        page(b"<form method=post><select name=a>" + b"<option>x" * count),
        PAGE,
    )
    behaves(family, "a charset of nothing", answer(FORM, media=b"Content-Type: text/html; charset=idna"), PAGE)
    behaves(
        family,
        "UTF-16 by name",
        answer(FORM.decode().encode("utf-16"), media=b"Content-Type: text/html; charset=utf-16"),
        PAGE,
    )
    behaves(family, "UTF-7 by name", answer(FORM, media=b"Content-Type: text/html; charset=utf-7"), PAGE)
    behaves(family, "a form that goes elsewhere", page(FORM.replace(b"/authorize", b"//evil.example/")), PAGE)
    behaves(family, "a form that is got", page(FORM.replace(b"post", b"get")), PAGE)
    behaves(family, "a code that nobody has asked for", _to(b"http://127.0.0.1:9/back?code=a&state=b"), PAGE)
    behaves(family, "a code twice", _to(b"http://127.0.0.1:9/back?code=a&code=b&state=b"), PAGE)
    behaves(family, "an error of ninety kilobytes", _to(b"http://127.0.0.1:9/back?error=" + b"x" * 90_000), PAGE)
    behaves(family, "parameters by the ten thousand", _to(b"http://127.0.0.1:9/back?" + b"a=b&" * 10_000), PAGE)
    for place in (
        b"/authorize",
        b"",
        b"?",
        b"#",
        b"//",
        b"http://[::::]/",
        b"/authorize/" + b"x" * 90_000,
        b"javascript:1",
    ):
        behaves(family, f"to {place[:20].decode() or 'nothing'}", _to(place), PAGE)
    cookies = [b"Set-Cookie: a%d=%s" % (number, b"x" * 80) for number in range(900)]
    behaves(
        family, "nine hundred cookies, and to itself", answer(b"", b"Location: /authorize", *cookies, status=302), PAGE
    )
    odd = (
        b"=",
        b";",
        b"a",
        b"a=b; Domain=.",
        b"a=b; Expires=never; Max-Age=1e999",
        b"a=\xff\xfe",
        b"__Host-a=b; Path=/x",
    )
    behaves(family, "odd cookies, and a login", page(FORM, *[b"Set-Cookie: " + each for each in odd]), PAGE)
    for name, text in POISON.items():
        raw = text.encode("utf-8", "surrogatepass")
        shown = b"<title>%s</title><h1>%s</h1><form method=post><input name='%s'><button>%s</button></form>" % (
            raw,
            raw,
            raw,
            raw,
        )
        behaves(family, f"{name} on a page", page(shown), PAGE)
        told = "".join(f"%{byte:02X}" for byte in raw[:3000])
        behaves(
            family,
            f"{name} in a refusal",
            _to(f"http://127.0.0.1:9/back?error={told}&error_description={told}".encode()),
            PAGE,
        )


_pages()
