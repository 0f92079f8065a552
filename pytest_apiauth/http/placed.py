"""Credentials in the URL or in a cookie: put on a request as it leaves, and taken off again.

Theory of operation. A header stands on the user's request itself. A URL is shown wherever a request is: the libraries
log it, errors quote it, answers and their histories keep it. So what travels in the query goes along as an extension,
and stands in the URL only while the guarded transport has the request, which looks at it as it will leave. A cookie
travels by the same way, since a client writes its Cookie line anew on a redirect. A redirect takes extensions along as
it takes headers, so a key follows to the profile's own origins, and is stopped by the guard before any other place.

What signs the request goes along likewise: the signature is made while the transport has the request, when nothing of
it changes any more, and anew each time that it is sent on. And so does the certificate that its client presents: it
takes a connection that was made with that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_plus

from pytest_apiauth.auth.requester import Proved, Signed
from pytest_apiauth.http.translation import CERTIFICATE, received
from pytest_apiauth.messages import ClientCertificate
from pytest_apiauth.profile.kinds import Place

if TYPE_CHECKING:
    import httpx

EXTENSION: Final = "apiauth_placed"
"""The extension of a request that has something travel elsewhere than in a header of its own: hardly ever."""
GIVEN: Final = "apiauth_given"
"""The extension of a request that tells which headers it was given here: by their values' hashes, which are no secret.
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """Credentials that travel elsewhere than in a header, and what signs. Their values are in no text of it."""

    values: Mapping[Place, str]
    signing: tuple[Signed | Proved, ...] = ()
    certificate: ClientCertificate | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """Where something travels."""
        return (*self.values, *(each.place for each in self.signing))

    def __repr__(self) -> str:
        return f"Placed({', '.join(place.name for place in self.places)})"


def place(
    request: httpx.Request,
    values: Mapping[Place, str],
    signing: tuple[Signed | Proved, ...] = (),
    certificate: ClientCertificate | None = None,
) -> None:
    """Have credentials travel with a request, by which their places are taken from whatever stands there."""
    if values or signing or certificate is not None:
        request.extensions = {**request.extensions, EXTENSION: Placed(values, signing, certificate)}


def is_signed(request: httpx.Request) -> bool:
    """Whether a request is signed as it leaves, so that its body has to be at hand."""
    placed = request.extensions.get(EXTENSION)
    return isinstance(placed, Placed) and any(isinstance(each, Signed) for each in placed.signing)


def placed_in(request: httpx.Request) -> str | None:
    """Say where a request carries such a credential, or None if it carries none."""
    placed = request.extensions.get(EXTENSION)
    return (", ".join(each.where for each in placed.places) or None) if isinstance(placed, Placed) else None


@contextmanager
def standing(request: httpx.Request) -> Iterator[None]:
    """Let a request carry its placed credentials for as long as it is on its way."""
    placed = request.extensions.get(EXTENSION)
    if not isinstance(placed, Placed):
        yield
        return
    url, cookie, extensions = request.url, request.headers.get("cookie"), request.extensions
    given = dict(extensions.get(GIVEN, {}))
    try:
        for each, value in placed.values.items():
            if each.where == "query":
                _ask(request, each.name, value)
            elif each.where == "cookie":
                request.headers["cookie"] = _with_cookie(request.headers.get("cookie"), each.name, value)
        for signed in placed.signing:
            _sign(request, signed, given)
        if placed.certificate is not None:
            request.extensions = {**request.extensions, CERTIFICATE: placed.certificate}
        yield
    finally:
        request.url, request.extensions = url, {**extensions, GIVEN: given} if given else extensions
        if cookie is not None:
            request.headers["cookie"] = cookie
        else:
            request.headers.pop("cookie", None)


def _sign(request: httpx.Request, signed: Signed | Proved, given: dict[bytes, int]) -> None:
    body = request.content if isinstance(signed, Signed) else b""
    for name, text in signed.added(received(request, body)):
        if signed.place.where == "query":
            _ask(request, name, text)
        else:
            request.headers[name] = text
            given[name.lower().encode()] = hash(text)


def _ask(request: httpx.Request, name: str, value: str) -> None:
    """Put a parameter into the URL, and into a target that stands in its place; the rest stays letter by letter."""
    request.url = request.url.copy_with(raw_path=_with_parameter(request.url.raw_path, name, value))
    target: Any = request.extensions.get("target")
    if target is not None:
        raw = target.encode("ascii", "replace") if isinstance(target, str) else target
        request.extensions = {**request.extensions, "target": _with_parameter(raw, name, value)}


def _with_parameter(target: bytes, name: str, value: str) -> bytes:
    path, _, query = target.partition(b"?")
    others = [piece for piece in query.split(b"&") if piece and _name_of(piece) != name]
    mine = f"{quote(name, safe='')}={quote(value, safe='')}".encode()
    return path + b"?" + b"&".join([*others, mine])


def _name_of(piece: bytes) -> str:
    return unquote_plus(piece.partition(b"=")[0].decode("latin-1"))


def _with_cookie(line: str | None, name: str, value: str) -> str:
    others = [pair.strip() for pair in (line or "").split(";") if pair.strip()]
    return "; ".join([*(pair for pair in others if pair.partition("=")[0].strip() != name), f"{name}={value}"])
