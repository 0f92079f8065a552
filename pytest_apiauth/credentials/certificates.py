"""Certificates that clients present by mutual TLS (RFC 8705): those of a profile, and such as are made for a run.

Theory of operation. A certificate says who somebody is, and everybody may see it; its key proves that, and stays in the
function that puts both into a TLS context. OpenSSL reads keys from files only, so the two are written into a folder
that nobody else may enter, and are gone once they are read. What is made for a run is in memory alone until then.
"""

from __future__ import annotations

import base64
import hashlib
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from pytest_apiauth.credentials.request_signing import StandIn
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.messages import ClientCertificate
from pytest_apiauth.scratch import scratch_folder

CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
KEY: Final = re.compile(
    r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----[^-]+?(-[^-]+)*?-----END ([A-Z0-9]+ )*PRIVATE KEY-----"
)
ENCRYPTED: Final = re.compile(r"BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED")
LIFETIME: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""Of a certificate that is made for a run, whatever time a test has it be."""


def read(text: Secret, key: Secret | None, where: str) -> ClientCertificate:
    """Read a certificate, and its key, which may stand in the same text. Raises CredentialError if one is none.

    >>> read(Secret("made-up", "shop.certificate"), None, "shop: credentials.certificate")
    Traceback (most recent call last):
    pytest_apiauth.errors.CredentialError: shop: credentials.certificate: expected a certificate in PEM
    """
    value = text.reveal()
    if isinstance(value, StandIn):
        return ClientCertificate(value)
    # A variable of the environment may have its line breaks escaped.
    found = split(value.replace("\\n", "\n"))
    if not found:
        raise CredentialError(f"{where}: expected a certificate in PEM")
    keys = (value if key is None else key.reveal()).replace("\\n", "\n")
    if ENCRYPTED.search(keys) is not None:
        raise CredentialError(f"{where}_key: the private key is encrypted; give one without a passphrase")
    own = KEY.search(keys)
    if own is None:
        what = "needed: no private key is behind the certificate" if key is None else "expected a private key in PEM"
        raise CredentialError(f"{where}_key: {what}")
    chain = "".join(f"{each}\n" for each in found)
    return ClientCertificate(chain, _loading(chain, Secret(own[0], f"{text.where}_key"), where))


def _loading(chain: str, key: Secret, where: str) -> Callable[[ssl.SSLContext], None]:
    def load(context: ssl.SSLContext) -> None:
        with scratch_folder() as folder:
            path = folder / "client.pem"
            path.touch(mode=0o600)
            try:
                path.write_text(f"{key.reveal()}\n{chain}", encoding="ascii")
                context.load_cert_chain(path)
            except (OSError, ssl.SSLError, ValueError):
                raise CredentialError(f"{where}: it cannot be read, or its private key is another one's") from None

    return load


def split(chain: str) -> list[str]:
    """Return the certificates of a chain, each by itself."""
    return CERTIFICATE.findall(chain)


def thumbprint(chain: str) -> str:
    """Return what a token says of the certificate that it is bound to, its ``x5t#S256`` (RFC 8705 3.1)."""
    der = ssl.PEM_cert_to_DER_cert(split(chain)[0])
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def self_made(like: str = "") -> ClientCertificate:
    """Return a certificate that nobody knows, signed by itself; with the names and the number of another one.

    >>> "BEGIN CERTIFICATE" in self_made().chain, self_made().load is None
    (True, False)
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "apiauth-stranger")])
    number, names = x509.random_serial_number(), list[Any]()
    if like:
        other = x509.load_pem_x509_certificate(like.encode())
        who, number = other.subject, other.serial_number
        names = [each for each in other.extensions if isinstance(each.value, x509.SubjectAlternativeName)]
    made = x509.CertificateBuilder(who, who, key.public_key(), number, *LIFETIME, names).sign(key, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    chain = made.public_bytes(Encoding.PEM).decode()
    return ClientCertificate(chain, _loading(chain, Secret(private, "certificate_key"), "a certificate of this run"))


def subject_of(chain: str) -> str:
    """Return whose a certificate is, as RFC 4514 writes a distinguished name.

    >>> subject_of(self_made().chain)
    'CN=apiauth-stranger'
    """
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(chain.encode()).subject.rfc4514_string()


__all__ = ["read", "self_made", "split", "subject_of", "thumbprint"]
