"""Signatures of requests, made by a function of the project's own, which one of ``[schemes]`` names as ``sign``.

Theory of operation. The function is called with a request as it will be sent, all but what a library adds on the way
(Host, which the URL has), and with the key; it returns what to add, by name: a text for the scheme's own name, which is
the signature, and for whatever goes with it, such as a time. All of it travels where the scheme says, in headers or in
the query.

Called with a request that has all this already, it comes to the same: it takes a time or a nonce from there. That is
how the embedded server checks a signature that nothing but this function knows how to make, and how an altered key is
found that signs like the right one. A function that draws a new nonce each time is found out when the first valid
request is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from pytest_apiauth.credentials.importing import article, described, load_object
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.kinds import Place
from pytest_apiauth.profile.model import Kind, Profile

SignRequest = Callable[[Request, str], Mapping[str, str]]
"""What ``sign`` names: it is called with a request and a key, and returns what to add."""
Added = tuple[tuple[str, str], ...]
"""What a function has returned, by name, in its order."""


class StandIn(str):
    """A placeholder that stands for a credential where a recording is played: no function can sign with it.

    >>> StandIn("apiauth-key") == "apiauth-key"
    True
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RequestSigner:
    """The function of one of ``[schemes]``, and what holds of what it makes.

    Example::

        signer = RequestSigner.of(profile, "hmac")
        request = signer.signed(request, key, signer.place)
    """

    profile: str
    scheme: Kind
    function: str
    place: Place
    root: Path | None = None
    """Where the project's modules are; by default where the process stands."""

    @classmethod
    def of(cls, profile: Profile, scheme: Kind) -> RequestSigner:
        """Return the signer of a scheme that names a function."""
        table = profile.schemes[scheme]
        assert table.sign is not None
        return cls(profile.name, scheme, table.sign, table.place)

    @property
    def where(self) -> str:
        """What begins every message: profile and key."""
        return f"{self.profile}: schemes.{self.scheme}.sign"

    @property
    def label(self) -> str:
        """What a signature is called where it is left out of all output."""
        return f"{self.scheme}.signature"

    def made(self, request: Request, key: str) -> Added:
        """Return what is added to a request. Raises ProfileError, in one line, whatever goes wrong.

        What comes back is not quoted: the key may be in it.
        """
        if isinstance(key, StandIn):
            # A recording has none either, and is matched without it.
            return ((self.place.name, f"{key}-signature"),)
        root = self.root or Path.cwd()
        function: SignRequest = load_object(self.function, where=self.where, root=root)
        expected = f"expected a mapping of texts by name, among them {self.place.name}"
        try:
            found = function(request, key)
        except Exception as error:
            raise ProfileError(f"{self.where}: {self.function} failed: {_shown(error, key, root)}") from None
        if not isinstance(found, Mapping):
            raise ProfileError(f"{self.where}: {self.function} returned {article(found)}; {expected}")
        for name, text in found.items():
            if not isinstance(name, str) or not isinstance(text, str):
                what = f"{article(text)} for {name!r}" if isinstance(name, str) else f"{article(name)} for a name"
                raise ProfileError(f"{self.where}: {self.function} returned {what}; {expected}")
        wanted = self.place.name.lower() if self.place.where == "header" else self.place.name
        names = [name.lower() if self.place.where == "header" else name for name in found]
        if wanted not in names:
            got = f"only {', '.join(map(repr, found))}" if found else "nothing"
            raise ProfileError(f"{self.where}: {self.function} returned {got}; {expected}")
        return tuple(found.items())

    def is_signature(self, name: str) -> bool:
        """Whether it is the signature that is added under a name, and not what goes with it."""
        if self.place.where == "header":
            return name.lower() == self.place.name.lower()
        return name == self.place.name

    def signature(self, added: Added) -> str:
        """Return the signature among what is added."""
        return next(text for name, text in added if self.is_signature(name))

    def holds(self, request: Request, key: str, text: str) -> bool:
        """Whether a text is the signature of a request that has it, by a key.

        A request for which the function fails is signed by nobody.
        """
        return self.expected(request, key) == text

    def expected(self, request: Request, key: str) -> str | None:
        """Return the signature that a request which has one ought to have, by a key; None if the function fails."""
        try:
            return self.signature(self.made(request, key))
        except ProfileError:
            return None


def adding(request: Request, added: Added, place: Place) -> Request:
    """Return a request with what is added to it, in a place, behind what it has.

    >>> adding(Request("GET", "https://api.example/a?b=1"), (("sig", "x/y"),), Place("query", "sig")).url
    'https://api.example/a?b=1&sig=x%2Fy'
    """
    if place.where == "header":
        return replace(request, headers=(*request.headers, *added))
    pairs = "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in added)
    target = None if request.target is None else _with_query(request.target, pairs)
    return replace(request, url=_with_query(request.url, pairs), target=target)


def _with_query(url: str, pairs: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{pairs}"


def _shown(error: Exception, key: str, root: Path) -> str:
    text = described(error, root)
    return text.replace(key, "[its key]") if key else text
