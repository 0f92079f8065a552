"""A caller of the embedded server that writes every message by hand, so that it shares no code with the flows."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from pytest_apiauth import bundled
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile

CONFORMANCE = bundled.folder()
VERIFIER = "a-verifier-of-forty-three-characters-or-more-0"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BUILT_IN = ("dastra", "jindexe", "digishare")
OWN: dict[str, dict[str, Any]] = {
    # Everything at once: a confidential client by form, every grant, rotation that kills, a zone with Basic.
    "harbour": {
        "api_url": "https://harbour.example/api",
        "token_url": "/token",
        "authorize_url": "/authorize",
        "rotation": "old-dies",
        "token": {
            "client_auth": "client_secret_post",
            "scope": "read",
            "answer": {"expires_in": 600, "scope": "read", "refresh_token": True},
            "refresh_expires_in": 7200,
        },
        "grants": {
            "password": {"scope": "read write", "answer": {"expires_in": 600, "refresh_token": True}},
            "client_credentials": {"answer": {"expires_in": 60, "refresh_token": False}},
            "authorization_code": {"client": "app", "user": "second"},
            "refresh_token": {},
        },
        "credentials": {"client_id": "lab", "client_secret": {"env": "HARBOUR_SECRET"}},
        "users": {"second": {"username": "ada", "password": {"env": "HARBOUR_ADA"}}},
        "clients": {"app": {"client_id": "app", "redirect_uri": "https://app.example/back?from=harbour"}},
        "zones": {
            "quay": {"path": "/quay/", "needs": ["bearer"], "probe": ["/quay/ships"]},
            "office": {"path": "/office/", "needs": ["basic"], "probe": ["/office/me"]},
        },
    },
    # Basic without form encoding, and keys and clients that may not see everything.
    "mill": {
        "api_url": "https://mill.example",
        "token_url": "https://login.mill.example/token",
        "api_key": {"header": "X-Mill-Key"},
        "token": {"basic_encoding": "raw"},
        "grants": {"client_credentials": {}},
        "keys": {"narrow": {"api_key": {"env": "MILL_NARROW_KEY"}, "denied": ["/flour/rye"]}},
        "clients": {
            "narrow": {"client_id": "mill-4711", "client_secret": {"env": "MILL_NARROW"}, "denied": ["/either/two"]}
        },
        "zones": {
            "flour": {"path": "/flour/", "needs": ["api_key"], "probe": ["/flour/wheat", "/flour/rye"]},
            "either": {"path": "/either/", "needs": [["api_key"], ["bearer"]], "probe": ["/either/one"]},
            "gate": {"path": "/gate/", "needs": [], "probe": ["/gate/open"]},
        },
    },
}
PROFILES = (*BUILT_IN, *OWN)


@cache
def profile_named(name: str) -> Profile:
    """Give a built-in profile or one of our own."""
    if name in OWN:
        return Profile.model_validate({"schema": 1, "name": name, **OWN[name]})
    return loading.load(CONFORMANCE / f"{name}.apiauth.toml")


class Caller:
    """Somebody who knows all credentials of a server and writes their own requests."""

    def __init__(self, name: str, *faults: str, variants: tuple[str, ...] = ()) -> None:
        self.server = Server(profile_named(name), faults=faults, variants=variants)
        self.profile = self.server.profile

    # Credentials.

    def client(self, name: str = "default") -> tuple[str, str | None]:
        """Give identifier and secret of a client."""
        row = self.server.identities.client(name)
        return row.client_id or "", row.client_secret.reveal() if row.client_secret else None

    def user(self, name: str = "default") -> tuple[str, str]:
        """Give name and password of a user."""
        row = self.server.identities.user(name)
        assert row.username
        assert row.password
        return row.username, row.password.reveal()

    def key(self, name: str = "default") -> str:
        """Give an API key."""
        secret = self.server.identities.key(name).api_key
        assert secret
        return secret.reveal()

    def personal(self) -> str:
        """Give the personal access token."""
        secret = self.server.identities.personal_access_token()
        assert secret
        return secret.reveal()

    # Requests for tokens.

    def basic(self, client: str = "default") -> str:
        """Write the Basic credentials of a client as the profile documents them."""
        client_id, secret = self.client(client)
        parts = [client_id, secret or ""]
        if self.profile.token.basic_encoding == "form":
            parts = [quote(part, safe="") for part in parts]
        return "Basic " + base64.b64encode(":".join(parts).encode()).decode()

    def headers(self, client: str | None = "default") -> dict[str, str]:
        """Give the header fields of a valid token request, its body's type aside."""
        lines = {}
        if self.profile.token.client_auth == "client_secret_basic" and client is not None:
            lines["Authorization"] = self.basic(client)
        if self.profile.token_route_keys:
            assert self.profile.api_key
            lines[self.profile.api_key.header] = self.key()
        return lines

    def parameters(self, grant: str, client: str | None = "default", **values: Any) -> dict[str, Any]:
        """Give the parameters of a valid token request; a value of None leaves one out."""
        found: dict[str, Any] = {"grant_type": grant, "scope": self.profile.scope_of(grant) or None}  # type: ignore[arg-type]
        if self.profile.token.client_auth not in ("none", "client_secret_basic") and client is not None:
            found["client_id"], found["client_secret"] = self.client(client)
        if grant == "password":
            found["username"], found["password"] = self.user()
        found |= values
        return {name: value for name, value in found.items() if value is not None}

    def send(
        self,
        parameters: Mapping[str, Any] | str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        query: str = "",
        content_type: str | None = None,
    ) -> Response:
        """Send parameters, or a body as it is, to the token endpoint."""
        usual = "application/json" if self.profile.token.body == "json" else "application/x-www-form-urlencoded"
        if isinstance(parameters, str):
            body = parameters
        else:
            body = json.dumps(parameters) if self.profile.token.body == "json" else urlencode(parameters)
        lines = {**(self.headers() if headers is None else headers), "Content-Type": content_type or usual}
        url = self.profile.token_endpoint + (f"?{query}" if query else "")
        return self.server.handle(Request(method, url, tuple(lines.items()), body.encode()))

    def ask(self, grant: str, client: str | None = "default", **values: Any) -> Response:
        """Send a valid token request, save for the values given."""
        return self.send(self.parameters(grant, client, **values), self.headers(client))

    def token(self, grant: str | None = None, client: str = "default", **values: Any) -> dict[str, Any]:
        """Get a token; give the answer's members."""
        grant = grant or self.profile.usual_grant or ""
        if grant == "authorization_code" and "code" not in values:
            values |= self.code(client)
        answer = self.ask(grant, client, **values)
        assert answer.status == 200, answer.body
        found = answer.json()
        assert isinstance(found, dict)
        return found

    def authorize(self, client: str = "default", **values: str | None) -> Response:
        """Send a valid authorization request, save for the values given."""
        row = self.server.identities.client(client)
        found: dict[str, str | None] = {
            "response_type": "code",
            "client_id": row.client_id,
            "redirect_uri": row.redirect_uri,
            "scope": self.profile.scope_of("authorization_code"),
            "state": "a state/with=signs",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        found |= values
        query = urlencode({name: value for name, value in found.items() if value is not None})
        return self._through_pages(Request("GET", f"{self.profile.authorization_endpoint}?{query}"))

    def _through_pages(self, request: Request) -> Response:
        """Send an authorization request, and do what a person does at the pages that may come in between."""
        jar: dict[str, str] = {}
        while True:
            answer = self.server.handle(request)
            jar |= dict(line.partition(";")[0].split("=", 1) for line in answer.header_lines("set-cookie"))
            cookies = ("Cookie", "; ".join(f"{key}={value}" for key, value in jar.items()))
            location = answer.header("location") or ""
            if location.startswith("/"):
                request = Request("GET", urljoin(request.url, location), (cookies,))
                continue
            action = re.search(r'<form action="([^"]+)" method="post">', answer.body.decode("latin-1"))
            if action is None:
                return answer
            hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.body.decode())
            fields = {key: html.unescape(value) for key, value in hidden}
            if 'type="password"' in answer.body.decode():
                user = self.user(self.profile.grants["authorization_code"].user)
                fields |= dict(zip(("username", "password"), user, strict=True))
            body = urlencode({**fields, "answer": "allow"}).encode()
            form = ("Content-Type", "application/x-www-form-urlencoded")
            request = Request("POST", urljoin(request.url, html.unescape(action[1])), (form, cookies), body)

    def code(self, client: str = "default", **values: str | None) -> dict[str, Any]:
        """Get a code; give the parameters that redeem it."""
        answer = redirected(self.authorize(client, **values))
        redirect_uri = self.server.identities.client(client).redirect_uri
        return {"code": answer["code"], "redirect_uri": redirect_uri, "code_verifier": VERIFIER}

    # Requests for resources.

    def get(
        self,
        place: str,
        *,
        token: str | None = None,
        key: str | None = None,
        authorization: str | None = None,
        lines: tuple[tuple[str, str], ...] = (),
        method: str = "GET",
        target: str | None = None,
    ) -> Response:
        """Ask for a resource with these credentials and no others."""
        headers = list(lines)
        if token is not None:
            headers.append(("Authorization", f"Bearer {token}"))
        if authorization is not None:
            headers.append(("Authorization", authorization))
        if key is not None:
            assert self.profile.api_key
            headers.append((self.profile.api_key.header, key))
        return self.server.handle(Request(method, self.profile.url(place), tuple(headers), b"", target))


def redirected(answer: Response) -> dict[str, str]:
    """Read the parameters of a redirection."""
    assert answer.status == 302, answer.body
    return dict(parse_qsl(urlsplit(answer.header("location") or "").query))


def swapped(text: str, at: int = 10) -> str:
    """Give the text with one character changed to another of the alphabet."""
    return text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
