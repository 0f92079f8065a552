"""A shop whose requests are signed by RFC 9421: Flask, and the package http-message-signatures."""

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from urllib.parse import quote

from flask import Flask, jsonify, request
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256

app = Flask(__name__)
REQUIRED = ("@method", "@path", "@query", "content-digest")
USED = set()


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return os.environ[f"SITE_{key_id.upper()}"].encode()

    def resolve_private_key(self, key_id):
        raise NotImplementedError


@dataclass
class Message:
    method: str
    url: str
    headers: dict


VERIFIER = HTTPMessageVerifier(signature_algorithm=HMAC_SHA256, key_resolver=Keys())


def is_signed():
    url = request.host_url.rstrip("/") + quote(request.path)
    query = request.query_string.decode("latin-1")
    message = Message(request.method, f"{url}?{query}" if query else url, dict(request.headers))
    try:
        body = request.get_data()
        (result,) = VERIFIER.verify(message, max_age=timedelta(minutes=5), require_components=REQUIRED, body=body)
    except Exception:
        return False
    if result.nonce is None or result.nonce in USED:
        return False
    USED.add(result.nonce)
    return True


def signed(view):
    @wraps(view)
    def checked(*args, **kwargs):
        if not is_signed():
            return jsonify(error="unsigned"), 401, {"WWW-Authenticate": "Signature"}
        return view(*args, **kwargs)

    return checked


@app.get("/orders/latest")
@signed
def latest():
    return jsonify(order=17)


@app.post("/orders/latest")
@signed
def update():
    return jsonify(order=17, label=request.get_json().get("label"))


@app.get("/status")
def status():
    return jsonify(status="ok")
