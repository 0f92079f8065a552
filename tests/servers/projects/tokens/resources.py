"""An API whose access tokens are JWTs, checked by PyJWT or joserfc: right, or with one of the classic mistakes."""

import base64
import json
import os
import time
import urllib.request
from urllib.parse import parse_qs

import jwt as pyjwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import load_der_x509_certificate
from joserfc import jwt as joserfc
from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

ISSUER = AUDIENCE = "https://tokens.example"
PRIVATE = load_pem_private_key(os.environ["TOKENS_SIGNING_KEY"].encode(), None)  # once: it takes longer than to sign
PUBLIC = PRIVATE.public_key()
KEY_ID = "2026"
DER = PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
JWK = {**json.loads(pyjwt.algorithms.RSAAlgorithm.to_jwk(PUBLIC)), "kid": KEY_ID}
JWK.pop("key_ops")


def issued():
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "machine", "iat": now, "exp": now + 600}
    return pyjwt.encode(claims, PRIVATE, "RS256", headers={"typ": "at+jwt", "kid": KEY_ID})


def pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def by_pyjwt(token, key, algorithm, mistake):
    if algorithm == "HS256":
        # PyJWT knows a public key when it sees one; who computes the HMAC by himself does not.
        content, _, signature = token.rpartition(".")
        method = pyjwt.algorithms.HMACAlgorithm(pyjwt.algorithms.HMACAlgorithm.SHA256)
        if not method.verify(content.encode(), pem(PUBLIC), base64.urlsafe_b64decode(signature + "==")):
            raise ValueError("signature")
        key = None
    options = {
        "require": ["exp"],
        "verify_signature": key is not None,
        "verify_exp": mistake != "expiry",
        "verify_nbf": mistake != "expiry",
        "verify_aud": mistake != "audience",
        "verify_iss": mistake != "issuer",
    }
    return pyjwt.decode(token, key, [algorithm], options, audience=AUDIENCE, issuer=ISSUER)


def by_joserfc(token, key, algorithm, mistake):
    if key is None:
        _, payload = token.split(".")[:2]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    else:
        kind = {"HS": OctKey, "ES": ECKey, "RS": RSAKey}[algorithm[:2]]
        # joserfc knows a public key when it sees one, but for its one line of Base64, as Keycloak publishes it.
        own = kind.import_key(pem(key) if kind is not OctKey else base64.b64encode(DER))
        registry = JWSRegistry(algorithms=[algorithm])
        if mistake in ("jwk", "x5c", "jku"):
            registry.max_header_length = 4096  # else no key of RSA has room in it
        claims = joserfc.decode(token, own, registry=registry).claims
    wanted = {
        "aud": {"essential": True, "value": AUDIENCE},
        "iss": {"essential": True, "value": ISSUER},
        "exp": {"essential": True},
    }
    for name, lacking in (("aud", "audience"), ("iss", "issuer"), ("exp", "expiry")):
        if mistake == lacking:
            del wanted[name]
    registry = joserfc.JWTClaimsRegistry(**wanted)
    if mistake == "expiry":
        claims = {name: value for name, value in claims.items() if name not in ("exp", "nbf")}
    registry.validate(claims)
    return claims


def key_for(header, mistake):
    """Return the key to check a token with; None if it is not checked at all."""
    if mistake == "signature" or (mistake == "algorithm" and header["alg"] == "none"):
        return None
    if mistake == "kid" and header.get("kid") != KEY_ID:
        return None
    if mistake == "jwk" and "jwk" in header:
        return pyjwt.PyJWK(header["jwk"]).key
    if mistake == "x5c" and "x5c" in header:
        return load_der_x509_certificate(base64.b64decode(header["x5c"][0])).public_key()
    if mistake == "jku" and "jku" in header:
        with urllib.request.urlopen(header["jku"]) as answer:
            return pyjwt.PyJWK(json.load(answer)["keys"][0]).key
    return PUBLIC


def checked(library, token, mistake):
    header = pyjwt.get_unverified_header(token)
    if "crit" in header or (mistake != "type" and header.get("typ") != "at+jwt"):
        raise ValueError("no access token")
    key = key_for(header, mistake)
    is_confused = mistake == "public" and header["alg"] == "HS256"
    algorithm = header["alg"] if key is not PUBLIC or is_confused else "RS256"
    return (by_pyjwt if library == "pyjwt" else by_joserfc)(token, key, algorithm, mistake)


def answer(environ, library, mistake):
    place, given = environ["PATH_INFO"], environ.get("HTTP_AUTHORIZATION", "")
    if place == "/jwks":
        return "200 OK", {"keys": [{**JWK, "alg": "RS256", "use": "sig"}]}
    if place == "/token":
        pair = base64.b64encode(f"machine:{os.environ['TOKENS_SECRET']}".encode()).decode()
        try:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
            grants = parse_qs(body, strict_parsing=True).get("grant_type", [])
        except ValueError:
            grants = []
        if given != f"Basic {pair}":
            return "401 Unauthorized", {"error": "invalid_client"}
        is_form = environ.get("CONTENT_TYPE", "").lower().startswith("application/x-www-form-urlencoded")
        if environ["REQUEST_METHOD"] != "POST" or not is_form or len(grants) != 1:
            return "400 Bad Request", {"error": "invalid_request"}
        if grants != ["client_credentials"]:
            return "400 Bad Request", {"error": "unsupported_grant_type"}
        return "200 OK", {"access_token": issued(), "token_type": "Bearer", "expires_in": 600}
    if place != "/me":
        return "404 Not Found", {"error": "not_found"}
    scheme, _, token = given.partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise ValueError(scheme)
        return "200 OK", {"sub": checked(library, token, mistake)["sub"]}
    except Exception:
        return "401 Unauthorized", {"error": "invalid_token"}


def create_app(library, mistake=""):
    def app(environ, start_response):
        status, members = answer(environ, library, mistake)
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        if status.startswith("401"):
            scheme = "Basic" if environ["PATH_INFO"] == "/token" else "Bearer"
            error = ', error="invalid_token"' if environ.get("HTTP_AUTHORIZATION") and scheme == "Bearer" else ""
            headers.append(("WWW-Authenticate", f'{scheme} realm="tokens"{error}'))
        start_response(status, headers)
        return [json.dumps(members).encode()]

    return app
