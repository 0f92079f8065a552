"""What tokens are bound to: keys that are made for a run, and the nonces that servers want to see in proofs (RFC 9449).

A key is made when the first proof is, and dies with the process. So a token that is bound to it is of no use to another
process, or to another run.
"""

from __future__ import annotations

import threading
from typing import Final

from pytest_apiauth.credentials import signing
from pytest_apiauth.messages import Origin, Response

ALGORITHM: Final = "ES256"
NONCE: Final = "DPoP-Nonce"
WANTED: Final = "use_dpop_nonce"
"""What a server says that wants a nonce, or another one, in a proof (RFC 9449 8, 9)."""


class Binding:
    """The keys and nonces of whoever acts in a run.

    >>> binding = Binding("shop")
    >>> binding.learn("https://id.shop.example/token", Response(200, (("DPoP-Nonce", "n-1"),)))
    >>> binding.nonce("https://id.shop.example/token")
    'n-1'
    """

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._keys: dict[str, str] = {}
        self._nonces: dict[Origin, str] = {}
        self._mutex = threading.Lock()

    def key(self, name: str = "") -> str:
        """Return the private key that tokens are bound to; another one by another name. Raises CredentialError."""
        with self._mutex:
            if name not in self._keys:
                self._keys[name] = signing.new_key(f"{self._profile}: token.bound")
            return self._keys[name]

    def jwk(self, name: str = "") -> dict[str, object]:
        """Return the public half of a key, as a JWK."""
        return signing.public_jwk(self.key(name), ALGORITHM, "token.bound")

    def nonce(self, url: str) -> str | None:
        """Return the nonce that the server of a URL has given last; None if it has given none."""
        return self._nonces.get(Origin.of(url))

    def learn(self, url: str, response: Response) -> None:
        """Take note of the nonce in an answer (RFC 9449 8.2)."""
        given = response.header(NONCE)
        if given is not None:
            self._nonces[Origin.of(url)] = given


def wants_nonce(response: Response) -> bool:
    """Whether a request was refused since its proof had not the nonce that the server wants.

    >>> wants_nonce(Response(401, (("WWW-Authenticate", 'DPoP error="use_dpop_nonce"'), ("DPoP-Nonce", "n-1"))))
    True
    """
    if response.header(NONCE) is None:
        return False
    body = response.json() if response.status == 400 else None
    if isinstance(body, dict) and body.get("error") == WANTED:
        return True
    return response.status == 401 and any(WANTED in line for line in response.header_lines("www-authenticate"))
