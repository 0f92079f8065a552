"""What a draft has signed at the last moment: over the request as it leaves, or over another one.

Theory of operation. A credential of a kind that signs has its key for a value, which never travels, and a `Signature`,
which says what is made with it. When the draft becomes a request, everything else is put in first; then the function of
the project's own is called. So a request that was altered elsewhere is signed rightly, as its sender would sign it, and
what a rule alters of the signature itself is altered once it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.texts import Unchanged
from pytest_apiauth.credentials.request_signing import Added, RequestSigner, adding
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.kinds import Place

Change = tuple[str, str]
"""What of the request that is signed is another one: ``("method", "POST")``."""
NAMED: Final = {"method": "METHOD", "path": "PATH", "query": "QUERY", "body": "BODY"}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a scheme's function makes of a request.

    ``over`` says in what the request that is signed differs from the one that is sent; ``made`` is what was made of an
    earlier one and is sent again; ``edit`` alters the signature; ``is_left_out`` leaves it out of what is added.
    """

    signer: RequestSigner
    over: tuple[Change, ...] = ()
    made: Added | None = None
    edit: Edit | None = None
    is_left_out: bool = False

    @property
    def placeholder(self) -> str:
        """What a reader knows the signature by, whom no shell can make it for.

        >>> signer = RequestSigner("shop", "app-sign", "shop.signing:sign", Place("header", "X-Signature"))
        >>> Signature(signer, over=(("method", "POST"),)).placeholder
        'APP_SIGN_SIGNATURE_OF_ANOTHER_METHOD'
        """
        words = [self.signer.scheme.upper().replace("-", "_"), "SIGNATURE"]
        if self.over:
            words += ["OF_ANOTHER", *(NAMED[part] for part, _ in self.over)]
        words += ["MADE", "BEFORE"] if self.made is not None else []
        return "_".join([*words, *(("ALTERED",) if self.edit is not None else ())])

    def added(self, request: Request, key: str, right: str) -> Added:
        """Return what is made of a request with a key; ``right`` is the key that the server knows.

        Raises Unchanged for a key that comes to the same, ProfileError if the function fails.
        """
        if self.made is not None:
            return self.made
        added = self.signer.made(changed(request, self.over), key)
        if key != right and self._is_same(request, added, right):
            raise Unchanged(self.placeholder)
        return added

    def altered(self, added: Added) -> Added:
        """Return what is sent of it. Raises Unchanged for an edit that changes nothing."""
        if self.is_left_out:
            return tuple(each for each in added if not self.signer.is_signature(each[0]))
        if self.edit is None:
            return added
        text = self.edit.apply(self.signer.signature(added))
        if text is None:
            raise Unchanged(self.placeholder)
        return tuple((name, text if self.signer.is_signature(name) else old) for name, old in added)

    def _is_same(self, request: Request, added: Added, right: str) -> bool:
        """Whether the right key would have made the same: that of HMAC may be spelt in several ways."""
        signed = adding(request, added, self.signer.place)
        return self.signer.holds(signed, right, self.signer.signature(added))

    def put_on(self, request: Request, added: Added, place: Place) -> Request:
        """Return a request with what is added, the signature itself in a place that may be another than documented."""
        own = self.signer.place
        if place == own:
            return adding(request, added, own)
        signature = tuple((place.name, text) for name, text in added if self.signer.is_signature(name))
        request = adding(request, tuple(each for each in added if not self.signer.is_signature(each[0])), own)
        if place.where != "cookie":
            return adding(request, signature, place)
        return replace(request, headers=(*request.headers, *(("Cookie", f"{name}={text}") for name, text in signature)))


def changed(request: Request, changes: tuple[Change, ...]) -> Request:
    """Return another request than the one that is sent, in some parts of it.

    >>> changed(Request("GET", "https://api.example/a?b=1"), (("method", "POST"), ("query", ""))).url
    'https://api.example/a'
    """
    for part, text in changes:
        request = _CHANGES[part](request, text)
    return request


def _elsewhere(request: Request, **parts: str) -> Request:
    return replace(request, url=urlunsplit(urlsplit(request.url)._replace(**parts)), target=None)


_CHANGES: Final[dict[str, Callable[[Request, str], Request]]] = {
    "method": lambda request, text: replace(request, method=text),
    "path": lambda request, text: _elsewhere(request, path=text),
    "query": lambda request, text: _elsewhere(request, query=text),
    "body": lambda request, text: replace(request, body=text.encode()),
}
