"""A shop with Flask-HTTPAuth: HTTP Basic gives a token of itsdangerous, which is deleted at a log-out."""

import os
import secrets

from flask import Flask, jsonify
from flask_httpauth import HTTPBasicAuth, HTTPTokenAuth
from itsdangerous import BadSignature, URLSafeTimedSerializer

USERS = {name: os.environ.get(f"SITE_{name.upper()}", "") for name in ("alice", "bob")}


def create_app(lacking=""):
    """Return the shop without one of its protections."""
    app, basic, token = Flask(__name__), HTTPBasicAuth(), HTTPTokenAuth()
    signer, sessions = URLSafeTimedSerializer(secrets.token_hex(32)), set()

    @basic.verify_password
    def verify_password(name, word):
        is_right = secrets.compare_digest(word.encode("utf-8"), USERS.get(name, "").encode("utf-8"))
        return name if name in USERS and (is_right or lacking == "password") else None

    @token.verify_token
    def verify_token(text):
        try:
            found = signer.loads(text, max_age=10**9 if lacking == "expiry" else 300)
        except BadSignature:
            found = signer.loads_unsafe(text)[1] if lacking == "signature" else None
        if not isinstance(found, list) or (found[1] not in sessions and lacking != "sessions"):
            return None
        return tuple(found)

    @app.post("/tokens")
    @basic.login_required
    def log_in():
        session = secrets.token_hex(8)
        sessions.add(session)
        return jsonify(data={"token": signer.dumps([basic.current_user(), session])}), 201

    @app.delete("/tokens")
    @token.login_required
    def log_out():
        sessions.discard(token.current_user()[1])
        return "", 204

    @app.get("/me")
    @token.login_required
    def me():
        return jsonify(user=token.current_user()[0])

    return app
