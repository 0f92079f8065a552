"""An API that checks its tokens by a library of some version, as its users did when a vulnerability was published."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

PUBLIC = os.environ["VULNERABLE_PUBLIC_KEY"]
TOKEN = os.environ["VULNERABLE_TOKEN"]


def by_pyjwt(token):
    import jwt

    algorithms = [*jwt.algorithms.get_default_algorithms()]
    algorithms.remove("none")
    return jwt.decode(token, PUBLIC, algorithms=algorithms)


def by_authlib(token):
    from authlib.jose import jwt

    claims = jwt.decode(token, PUBLIC)
    claims.validate()
    return claims


def by_jose(token):
    from jose import jwt

    # Nobody names what the key is for: HMAC takes every text that does not look like a public key.
    header = jwt.get_unverified_header(token)
    key = PUBLIC if header["alg"].startswith("HS") else in_pem(PUBLIC)
    return jwt.decode(token, key, algorithms=["HS256", "ES256"])


def by_python_jwt(token):
    import python_jwt
    from jwcrypto.jwk import JWK

    return python_jwt.verify_jwt(token, JWK.from_pem(PUBLIC.encode()), ["RS256"], checks_optional=True)[1]


def by_jwcrypto(token):
    from jwcrypto.jwt import JWT

    return json.loads(JWT(jwt=token, key=secret(), expected_type="JWE").claims)


def encrypted():
    """Return a token that is encrypted with a secret, since those of jwcrypto's users are."""
    from jwcrypto.jwt import JWT

    token = JWT({"alg": "A256KW", "enc": "A128CBC-HS256"}, {"sub": "machine", "exp": int(time.time()) + 3600})
    token.make_encrypted_token(secret())
    return token.serialize()


def secret():
    from jwcrypto.jwk import JWK

    return JWK(kty="oct", k=PUBLIC)


def in_pem(line):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key

    key = load_ssh_public_key(line.encode())
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def where_to(uri):
    """Return where an authorization request leads, as a server by oauthlib has it."""
    from oauthlib.oauth2 import RequestValidator, WebApplicationServer

    class Validator(RequestValidator):
        def validate_client_id(self, client_id, request, *args, **kwargs):
            return True

        validate_response_type = validate_scopes = validate_client_id

        def validate_redirect_uri(self, client_id, redirect_uri, request, *args, **kwargs):
            return redirect_uri == "https://app.vulnerable.example/callback"

        def is_pkce_required(self, client_id, request):
            return False

        def get_default_scopes(self, client_id, request, *args, **kwargs):
            return []

        def save_authorization_code(self, client_id, code, request, *args, **kwargs):
            pass

    server = WebApplicationServer(Validator())
    server.validate_authorization_request(uri)
    return server.create_authorization_response(uri, scopes=[])[0]["Location"]


def form_of(label, body):
    """Read a form as python-multipart does for FastAPI."""
    from multipart.multipart import QuerystringParser, parse_options_header

    kind, _ = parse_options_header(label)
    parser = QuerystringParser({})
    parser.write(body)
    return kind == b"application/x-www-form-urlencoded"


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, members):
        body = json.dumps(members).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Bearer realm="vulnerable"')
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if sys.argv[1] == "python-multipart" and not form_of(self.headers["Content-Type"], body):
            return self.answer(400, {"error": "invalid_request"})
        return self.answer(200, {"access_token": TOKEN or encrypted(), "token_type": "Bearer", "expires_in": 3600})

    def do_GET(self):
        if self.path.startswith("/authorize"):
            return self.lead()
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = CHECKS[sys.argv[1]](token)
        except Exception:
            return self.answer(401, {"error": "invalid_token"})
        return self.answer(200, {"sub": claims["sub"], "at": int(time.time())})

    def lead(self):
        try:
            place = where_to(f"https://id.vulnerable.example{self.path}")
        except Exception:
            return self.answer(400, {"error": "invalid_request"})
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        return self.end_headers()

    def log_message(self, *args):
        pass


CHECKS = {"pyjwt": by_pyjwt, "authlib": by_authlib, "python-jose": by_jose, "python-jwt": by_python_jwt}
CHECKS["jwcrypto"] = by_jwcrypto
server = HTTPServer(("127.0.0.1", 0), Handler)
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
