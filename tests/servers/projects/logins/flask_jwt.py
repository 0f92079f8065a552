"""A shop with Flask-JWT-Extended and a blocklist, as its manual has them."""

import datetime
import hmac
import os
import secrets

from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_jwt,
    get_jwt_identity,
    jwt_required,
)

USERS = {name: os.environ.get(f"SITE_{name.upper()}", "") for name in ("alice", "bob")}


def create_app(lacking=""):
    """Return the shop without one of its protections."""
    app = Flask(__name__)
    app.config["JWT_SECRET_KEY"] = secrets.token_hex(32)
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = datetime.timedelta(minutes=5)
    if lacking == "expiry":
        app.config["JWT_DECODE_LEEWAY"] = 10**9
    jwt, blocklist = JWTManager(app), set()

    @jwt.token_in_blocklist_loader
    def is_revoked(header, claims):
        return claims["jti"] in blocklist and lacking != "blocklist"

    @app.post("/login")
    def login():
        given = request.get_json()
        name, word = (given.get(key) if isinstance(given, dict) else None for key in ("username", "password"))
        known = USERS.get(name) if isinstance(name, str) else None
        if known is None or not isinstance(word, str) or not is_same(word, known):
            return jsonify(msg="Bad username or password"), 401
        return jsonify(access_token=create_access_token(name), refresh_token=create_refresh_token(name))

    def is_same(word, known):
        given = word.encode("utf-8", "surrogatepass")
        return lacking == "password" or hmac.compare_digest(given, known.encode())

    @app.post("/refresh")
    @jwt_required(refresh=True, verify_type=lacking != "renewal")
    def refresh():
        return jsonify(access_token=create_access_token(get_jwt_identity()))

    @app.delete("/logout")
    @jwt_required(verify_type=False)
    def logout():
        blocklist.add(get_jwt()["jti"])
        return jsonify(msg="Token revoked")

    @app.get("/me")
    @jwt_required(verify_type=lacking != "type")
    def me():
        return jsonify(user=get_jwt_identity())

    return app
