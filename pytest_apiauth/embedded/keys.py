"""Keys of clients: invented ones, their public halves, and signatures judged by them.

Keys on curves follow from the profile, as everything invented does. Those of RSA cannot, so they are made once a
process for each place that a profile names. PyJWT is imported when a profile needs it, which has an extra of its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import ssl
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from pytest_apiauth.errors import CredentialError

CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
LIFETIME: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@cache
def invented_key(alg: str, seed: str) -> str:
    """Return a private key in PEM, for a way to sign."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    digest = hashlib.sha512(seed.encode()).digest()
    key: Any
    if alg in CURVES:
        curve = {each.name: each for each in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())}[CURVES[alg]]
        # Smaller than the order of each of these curves, by far for the largest.
        key = ec.derive_private_key(int.from_bytes(digest[:31]) + 1, curve)
    elif alg == "EdDSA":
        key = ed25519.Ed25519PrivateKey.from_private_bytes(digest[:32])
    else:
        key = rsa.generate_private_key(65537, 2048)
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def public_half(private: str) -> str | None:
    """Return the public key, in PEM, of a private one in PEM or as a JWK; None for what is no such key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        if private.lstrip().startswith("{"):
            from jwt import PyJWK

            key: Any = PyJWK.from_json(private).key
        else:
            key = load_pem_private_key(private.replace("\\n", "\n").encode(), None)
        return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    except Exception:
        # Of a key that is none, libraries complain in many ways.
        return None


def verifies(alg: str, key: str, content: bytes, signature: bytes) -> bool:
    """Whether a signature is good: by a secret for HMAC, by a public key in PEM for all else.

    Raises CredentialError where PyJWT is not installed.
    """
    if alg in HASHES:
        return hmac.compare_digest(hmac.digest(key.encode(), content, HASHES[alg]), signature)
    try:
        from jwt.algorithms import get_default_algorithms
    except ImportError:
        raise CredentialError(f"client_auth: {alg} takes PyJWT: pip install 'pytest-apiauth[jwt]'") from None
    algorithm: Any = get_default_algorithms().get(alg)
    try:
        return algorithm is not None and bool(algorithm.verify(content, algorithm.prepare_key(key), signature))
    except Exception:
        # A signature of another length, a key of another kind.
        return False


def signature_by(alg: str, key: str, content: bytes) -> bytes:
    """Sign by a secret for HMAC, by a private key in PEM for all else."""
    if alg in HASHES:
        return hmac.digest(key.encode(), content, HASHES[alg])
    from jwt.algorithms import get_default_algorithms

    algorithm: Any = get_default_algorithms()[alg]
    return bytes(algorithm.sign(content, algorithm.prepare_key(key)))


def jwk_of(alg: str, public: str, kid: str) -> dict[str, object]:
    """Return a public key in PEM as a member of a key set (RFC 7517 5)."""
    from jwt.algorithms import get_default_algorithms

    algorithm: Any = get_default_algorithms()[alg]
    found: dict[str, object] = json.loads(algorithm.to_jwk(algorithm.prepare_key(public)))
    return {**found, "kid": kid, "use": "sig", "alg": alg}


def public_key_of(jwk: object) -> str | None:
    """Return a public key in PEM that is given as a JWK; None for what is no such key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from jwt import PyJWK

    try:
        key: Any = PyJWK.from_dict(jwk if isinstance(jwk, dict) else {}).key
        return str(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    except Exception:
        return None


@cache
def invented_certificate(seed: str, name: str) -> str:
    """Return a certificate in PEM, signed by the key that `invented_key` makes of a seed."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

    key: Any = load_pem_private_key(invented_key("ES256", seed).encode(), None)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:15]) + 1
    made = x509.CertificateBuilder(who, who, key.public_key(), number, *LIFETIME).sign(key, SHA256())
    return str(made.public_bytes(Encoding.PEM).decode())


def certificate_in(text: str) -> bytes | None:
    """Return the first certificate of a text in PEM, in DER; None for a text that has none."""
    found = CERTIFICATE.search(text.replace("\\n", "\n"))
    try:
        return ssl.PEM_cert_to_DER_cert(found[0]) if found is not None else None
    except ValueError:
        return None


def subject_of(certificate: bytes) -> str | None:
    """Return whose a certificate is by what it says; None for what is none."""
    from cryptography.x509 import load_der_x509_certificate

    try:
        return str(load_der_x509_certificate(certificate).subject.rfc4514_string())
    except ValueError:
        return None


def certified_key(certificate: object) -> str | None:
    """Return the public key, in PEM, of a certificate as ``x5c`` has it; None for what is none."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_der_x509_certificate

    try:
        key: Any = load_der_x509_certificate(base64.b64decode(str(certificate))).public_key()
        return str(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    except Exception:
        return None
