"""What may stand beside a request and mean nothing: what is valid stays valid, what is refused stays refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.rules import Draft

SESSIONS: Final = (
    "session", "sessionid", "PHPSESSID", "JSESSIONID", "connect.sid", "ASP.NET_SessionId", "laravel_session",
    "csrftoken",
)  # fmt: skip
"""Names by which frameworks know a browser's session. A stale one is in every browser; it is nobody's credential."""
NO_CONTENT: Final = (206, 304, 416)
"""What tells as much of who was let in as a whole answer does."""


@dataclass(frozen=True, slots=True)
class Inert:
    """One thing that means nothing to authentication: a header field, or a parameter of the URL."""

    name: str
    value: str
    in_query: bool = False
    is_brief: bool = False
    """Whether every probe is asked with it."""

    def beside(self, draft: Draft) -> Draft:
        """Return a request with it."""
        parts = urlsplit(draft.url)
        value = self.value.format(origin=f"{parts.scheme}://{parts.netloc}", host=parts.netloc)
        return draft.with_query((self.name, value)) if self.in_query else draft.with_headers((self.name, value))

    def __str__(self) -> str:
        return f"{'?' if self.in_query else ''}{self.name}={self.value}"


def _fields(*fields: tuple[str, str], brief: bool = False) -> tuple[Inert, ...]:
    return tuple(Inert(name, value, is_brief=brief) for name, value in fields)


INERT: Final = (
    *_fields(
        ("X-Apiauth", "1"), ("Cookie", "sessionid=apiauth"), ("X-Forwarded-For", "203.0.113.7"), ("Range", "bytes=0-0"),
        brief=True,
    ),
    Inert("apiauth", "1", in_query=True, is_brief=True),
    Inert("apiauth", "", in_query=True),
    *_fields(("Cookie", "apiauth=1"), *(("Cookie", f"{name}=apiauth") for name in SESSIONS if name != "sessionid")),
    # What proxies add on the way. The scheme and the host are the true ones: another may rightly be sent on.
    *_fields(
        ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "{host}"), ("Forwarded", "for=203.0.113.7;proto=https"),
        ("Via", "1.1 apiauth"), ("X-Real-IP", "203.0.113.7"), ("X-Request-ID", "0b3a7c1e-2f4d-4b6a-8c9e-1d2f3a4b5c6d"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ),
    # What browsers and libraries add. No Origin: a server may keep a list of those for each client.
    *_fields(
        ("User-Agent", "apiauth"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"), ("Accept-Language", "fr-CH, fr;q=0.9"), ("DNT", "1"),
        ("Referer", "{origin}/"), ("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "cors"),
        ("X-Requested-With", "XMLHttpRequest"), ("Priority", "u=3"),
    ),
    # What caches ask with. RFC 9110 13.1.3: a date that is no date is passed over.
    *_fields(
        ("If-None-Match", '"apiauth"'), ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Cache-Control", "no-cache"), ("Cache-Control", "max-age=0"), ("Pragma", "no-cache"),
    ),
)  # fmt: skip


def inert_together(draft: Draft) -> Iterator[Draft]:
    """Yield a request with all that means nothing, each name once a request.

    Of one that lacks its credentials: whoever is let in by one of them is let in by all.
    """
    left = [thing for thing, _ in inert_beside(draft) if not thing.in_query or thing.is_brief]
    while left:
        names = {thing.name: thing for thing in reversed(left)}
        request = draft
        for thing in names.values():
            request = thing.beside(request)
        yield request
        left = [thing for thing in left if names[thing.name] is not thing and thing.name != "Cookie"]


def inert_beside(draft: Draft, *, brief: bool = False) -> Iterator[tuple[Inert, Draft]]:
    """Yield a request with each inert thing, and the thing.

    What the valid request has of its own, in a cookie, a header or the URL, is not repeated.
    """
    valid = draft if draft.control is None else draft.control.draft
    own = {each.name.lower() for each in valid.credentials} | {name.lower() for name, _ in draft.query}
    own |= {name.lower() for name, _ in valid.headers}
    for thing in INERT:
        name = thing.value.partition("=")[0] if thing.name == "Cookie" else thing.name
        if (thing.is_brief or not brief) and name.lower() not in own:
            yield thing, thing.beside(draft)
