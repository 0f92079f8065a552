"""Signatures of clients: JWTs made with a client's secret or private key (RFC 7515), and what is known of such a key.

HMAC is the standard library's. All else is PyJWT's, which few profiles need: it comes with an extra of its own and is
imported when the first key is read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from pytest_apiauth.credentials.names import PLACEHOLDER
from pytest_apiauth.errors import CredentialError

HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
NEEDED: Final = "takes PyJWT: pip install 'pytest-apiauth[jwt]'"


def jwt(header: Mapping[str, object], claims: Mapping[str, object], key: str, alg: str, name: str) -> str:
    """Return a signed JWT in compact form. Raises CredentialError, which calls the key by its ``name``.

    The header is as it was given: that ``alg`` says there how it is signed is the caller's to see to.

    >>> jwt({"alg": "HS256"}, {"sub": "1"}, "made-up-key", "HS256", "client_secret").rpartition(".")[0]
    'eyJhbGciOiAiSFMyNTYifQ.eyJzdWIiOiAiMSJ9'
    """
    content = ".".join(encoded(json.dumps(dict(part)).encode()) for part in (header, claims))
    return f"{content}.{encoded(signature(content.encode(), key, alg, name))}"


def signature(content: bytes, key: str, alg: str, name: str) -> bytes:
    """Sign. Raises CredentialError if the library or a key that fits is lacking.

    What stands for a key where a tape is played makes what stands for a signature: nobody looks at it, and the library
    need not be there.
    """
    if alg in HASHES or PLACEHOLDER.fullmatch(key) is not None:
        return hmac.digest(key.encode(), content, HASHES.get(alg, hashlib.sha256))
    algorithm, private = _read(key, alg, name)
    try:
        return bytes(algorithm.sign(content, private))
    except Exception:
        # PyJWT and cryptography raise errors of many kinds for a key of another kind, and name the key in some.
        raise _unfit(name, alg) from None


def public_half(key: str, alg: str, name: str) -> str:
    """Return the public key that belongs to a private one, in PEM. Raises CredentialError as `signature` does.

    Example::

        pem = public_half(api.examination.value(valid.carried(Role.PRIVATE_KEY)), "RS256", "private_key")
    """
    _, private = _read(key, alg, name)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return str(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


def public_jwk(key: str, alg: str, name: str) -> dict[str, object]:
    """Return the public key that belongs to a private one, as a JWK (RFC 7517).

    Example::

        valid.asserting(header=(("jwk", public_jwk(made_up, "RS256", "made_up")),))
    """
    algorithm, private = _read(key, alg, name)
    found: dict[str, object] = json.loads(algorithm.to_jwk(private.public_key()))
    return {member: value for member, value in found.items() if member != "key_ops"}


def private_member(key: str, alg: str, name: str) -> str:
    """Return what the JWK of a private key has beside the public members (RFC 7518 6.2.2).

    Example::

        wrong = {**public_jwk(key, "ES256", "key"), "d": private_member(key, "ES256", "key")}
    """
    algorithm, private = _read(key, alg, name)
    return str(json.loads(algorithm.to_jwk(private))["d"])


def fresh_key(like: str, alg: str, name: str) -> str:
    """Return a private key that nobody knows, of the kind of another one, in PEM.

    Example::

        other = api.keep("OTHER_PRIVATE_KEY", fresh_key(value, "RS256", "private_key"))
    """
    _, private = _read(like, alg, name)
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    new: Any
    if isinstance(private, ec.EllipticCurvePrivateKey):
        new = ec.generate_private_key(private.curve)
    elif isinstance(private, rsa.RSAPrivateKey):
        new = rsa.generate_private_key(65537, 2048)
    else:
        is_long = isinstance(private, ed448.Ed448PrivateKey)
        new = (ed448.Ed448PrivateKey if is_long else ed25519.Ed25519PrivateKey).generate()
    return str(new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def new_key(name: str) -> str:
    """Return a private key for ES256 that nobody knows, in PEM. Raises CredentialError where the library is lacking."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    except ImportError:
        raise CredentialError(f"{name}: ES256 {NEEDED}") from None
    made = ec.generate_private_key(ec.SECP256R1())
    return str(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def encoded(content: bytes) -> str:
    """Encode in base64url without padding (RFC 7515 2)."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _read(key: str, alg: str, name: str) -> tuple[Any, Any]:
    try:
        from jwt.algorithms import get_default_algorithms
    except ImportError:
        raise CredentialError(f"{name}: {alg} {NEEDED}") from None
    algorithms: dict[str, Any] = dict(get_default_algorithms())
    try:
        found = algorithms[alg].from_jwk(key) if key.lstrip().startswith("{") else _from_pem(algorithms[alg], key)
    except Exception:
        raise _unfit(name, alg) from None
    if not hasattr(found, "public_key"):
        raise _unfit(name, alg)
    return algorithms[alg], found


def _from_pem(algorithm: Any, key: str) -> Any:
    # A variable often has a line break as two characters.
    return algorithm.prepare_key(key.replace("\\n", "\n") if "\n" not in key else key)


def _unfit(name: str, alg: str) -> CredentialError:
    return CredentialError(f"{name}: expected a private key for {alg}, in PEM without a passphrase or as a JWK")
