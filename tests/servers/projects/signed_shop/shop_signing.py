"""How the shop's clients sign a request: by the package http-message-signatures."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

import http_sf
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256

COVERED = ("@method", "@path", "@query", "content-digest")
NAMES = ("content-digest", "signature-input", "signature")


@dataclass
class Key(HTTPSignatureKeyResolver):
    secret: str

    def resolve_private_key(self, key_id):
        return self.secret.encode()

    def resolve_public_key(self, key_id):
        raise NotImplementedError


@dataclass
class Message:
    method: str
    url: str
    headers: dict


def sign(request, key):
    """Sign a request; one that is signed already keeps its time and its nonce."""
    created, nonce = int(datetime.now(UTC).timestamp()), secrets.token_urlsafe(12)
    if request.header("signature-input"):
        (_, parameters) = http_sf.parse(request.header("signature-input").encode(), tltype="dictionary")["pyhms"]
        created, nonce = parameters["created"], parameters["nonce"]
    headers = {name: value for name, value in request.headers if name.lower() not in NAMES}
    message = Message(request.method, request.url, headers)
    signer = HTTPMessageSigner(signature_algorithm=HMAC_SHA256, key_resolver=Key(key))
    when = datetime.fromtimestamp(created, UTC)
    signer.sign(message, key_id="shop", created=when, nonce=nonce, covered_component_ids=COVERED, body=request.body)
    return {name: message.headers[name] for name in ("Content-Digest", "Signature-Input", "Signature")}
