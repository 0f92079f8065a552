"""The token endpoint's two messages, as pure functions: the request a profile documents, and its answer.

Nothing here does I/O. Messages of the errors are one line, name the profile and the endpoint, and contain
no secret: whatever came from outside passes the redactor before it is cut to length, since half a secret
would not be recognised.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

from pytest_apiauth.auth.tokens import Token
from pytest_apiauth.credentials.identities import ClientIdentity, Identities
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError, TokenError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import DEFAULT, GrantSettings, GrantType, Profile

# What one header value can carry on the wire (RFC 9110 5.5).
_SENDABLE: Final = re.compile(r"[!-~\x80-\xff](?:[ \t!-~\x80-\xff]*[!-~\x80-\xff])?")
# No real token outlives this many seconds; it keeps absurd numbers within what a float can add.
_LONGEST_LIFE: Final = 10**11


def header_value(secret: Secret) -> str:
    """Reveal a secret for use in a header. Raises CredentialError where no header can carry it.

    The HTTP library would refuse it too, but with the value in the message.
    """
    value = secret.reveal()
    if _SENDABLE.fullmatch(value) is None:
        raise CredentialError(
            f"{secret.where}: its value cannot travel in a header; look for a line break or a blank at either end"
        )
    return value


def basic_credentials(user_id: str, password: str, *, encoding: str) -> str:
    """Give the value of an ``Authorization: Basic`` header (RFC 7617 2; ``form`` as in RFC 6749 2.3.1)."""
    if encoding == "form":
        user_id, password = quote(user_id, safe=""), quote(password, safe="")
    return "Basic " + base64.b64encode(f"{user_id}:{password}".encode()).decode()


def token_request(
    profile: Profile,
    grant: GrantType,
    identities: Identities,
    *,
    client: str | None = None,
    user: str | None = None,
    key: str = DEFAULT,
    refresh_token: Secret | str | None = None,
    code: Secret | str | None = None,
    verifier: str | None = None,
    redirect_uri: str | None = None,
) -> Request:
    """Build the token request that the profile documents for a grant (RFC 6749 4.1.3, 4.3.2, 4.4.2, 6).

    ``client`` and ``user`` default to those of the grant's own table. Raises CredentialError for whatever is
    needed and not there.
    """
    table = profile.grants.get(grant, GrantSettings())
    identity = identities.client(client or table.client)
    parameters = {"grant_type": str(grant)}
    if grant == "password":
        owner = identities.user(user or table.user)
        parameters["username"] = _needed(profile, "username", owner.username, grant)
        parameters["password"] = _needed(profile, "password", owner.password, grant)
    elif grant == "refresh_token":
        parameters["refresh_token"] = _needed(profile, "refresh_token", refresh_token, grant)
    elif grant == "authorization_code":
        parameters["code"] = _needed(profile, "code", code, grant)
        parameters["redirect_uri"] = _needed(profile, "redirect_uri", redirect_uri or identity.redirect_uri, grant)
        if verifier is not None:
            parameters["code_verifier"] = verifier
    # A code was given for its scope already; a refresh keeps its scope unless the profile says more.
    has_scope = grant in ("client_credentials", "password") or (grant == "refresh_token" and grant in profile.grants)
    scope = profile.scope_of(grant) if has_scope else None
    if scope:
        parameters["scope"] = scope
    parameters.update(table.extra)
    headers = [("Accept", "application/json")]
    headers += _authenticate_client(profile, identity, parameters)
    if profile.token_route_needs_key and profile.api_key is not None:
        api_key = identities.key(key).api_key
        if api_key is None:
            raise CredentialError(f"{profile.name}: keys: {key!r} has no api_key, and the token endpoint needs one")
        headers.append((profile.api_key.header, profile.api_key.prefix + header_value(api_key)))
    return _posted(profile, headers, parameters)


def _authenticate_client(profile: Profile, client: ClientIdentity, parameters: dict[str, str]) -> list[tuple[str, str]]:
    """Add the client's credentials to the parameters, or give the header that has them."""
    method = profile.token.client_auth
    if method == "none":
        # A public client still says who it is (RFC 6749 3.2.1), where it has a name at all.
        if client.client_id is not None:
            parameters["client_id"] = client.client_id
        return []
    client_id = _needed(profile, "client_id", client.client_id, method)
    client_secret = _needed(profile, "client_secret", client.client_secret, method)
    if method != "client_secret_basic":
        parameters.update(client_id=client_id, client_secret=client_secret)
        return []
    encoding = profile.token.basic_encoding
    if encoding == "raw" and ":" in client_id:
        raise CredentialError(
            f"{profile.name}: client {client.name!r}: a client_id with a colon cannot travel with"
            ' basic_encoding = "raw" (RFC 7617 2)'
        )
    return [("Authorization", basic_credentials(client_id, client_secret, encoding=encoding))]


def _posted(profile: Profile, headers: list[tuple[str, str]], parameters: Mapping[str, str]) -> Request:
    if profile.token.body == "json":
        kind, body = "application/json", json.dumps(parameters)
    else:
        kind, body = "application/x-www-form-urlencoded", urlencode(parameters)
    return Request("POST", profile.token_endpoint, (*headers, ("Content-Type", kind)), body.encode())


def _needed(profile: Profile, name: str, value: Secret | str | None, purpose: str) -> str:
    if value is None:
        raise CredentialError(f"{profile.name}: {name}: the profile names none, and {purpose} needs one")
    return value.reveal() if isinstance(value, Secret) else value


def read_token(profile: Profile, grant: GrantType, response: Response, now: float, redactor: Redactor) -> Token:
    """Read a token answer (RFC 6749 5.1). Raises TokenError, one line, for anything but a usable token.

    The secrets in it are learnt by the redactor before anything else happens. An absent ``token_type`` is
    taken as Bearer, since many servers leave it out; whether they may is for a rule to say. An absent
    ``expires_in`` gives way to the documented lifetime.
    """
    answer = response.json()
    members: dict[str, object] = answer if isinstance(answer, dict) else {}
    learnt = {}
    for name in ("access_token", "refresh_token", "id_token"):
        value = members.get(name)
        if isinstance(value, str) and value:
            learnt[name] = Secret(value, f"{profile.name}.{name}")
            redactor.learn(learnt[name])

    def refuse(expected: str, came: str) -> TokenError:
        quoted = one_line(redactor.redact(came))
        return TokenError(f"{profile.name}: {profile.token_endpoint} ({grant}): expected {expected}, got {quoted}")

    if response.status != 200 or not isinstance(answer, dict) or "access_token" not in members:
        raise refuse("a token", _what_came(response, answer, members, redactor))
    access_token = learnt.get("access_token")
    if access_token is None:
        raise refuse("access_token to be a text that is not empty", _shape(members["access_token"]))
    if _SENDABLE.fullmatch(access_token.reveal()) is None:
        raise refuse("an access_token that a header can carry", "one with a line break, a blank or a control in it")
    kind = members.get("token_type")
    if kind is not None and (not isinstance(kind, str) or kind.lower() != "bearer"):
        raise refuse("token_type Bearer", f"token_type {kind!r}")
    life = members.get("expires_in")
    if life is not None and not _is_lifetime(life):
        raise refuse("expires_in to be a positive number of seconds", f"expires_in {life!r}")
    if not isinstance(life, int | float):
        life = profile.answer_of(grant).expires_in
    scope = members.get("scope")
    return Token(
        access_token=access_token,
        token_type=kind if isinstance(kind, str) else "Bearer",
        expires_at=None if life is None else now + min(life, _LONGEST_LIFE),
        refresh_token=learnt.get("refresh_token"),
        scope=scope if isinstance(scope, str) else None,
        grant=grant,
        issued_at=now,
    )


def _is_lifetime(value: object) -> bool:
    # JSON's true is an int to Python, and Python's parser takes NaN and Infinity for numbers.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > 0 and (isinstance(value, int) or math.isfinite(value))


def _what_came(response: Response, answer: object, members: Mapping[str, object], redactor: Redactor) -> str:
    """Describe an answer that is no token, with its OAuth error (RFC 6749 5.2) where it has one."""
    status = f"status {response.status}"
    if "error" in members:
        described = [members["error"], members.get("error_description")]
        return f"{status}: " + ", ".join(str(text) for text in described if text)
    location = response.header("location")
    if 300 <= response.status < 400 and location is not None:
        return f"{status}, a redirect to {redactor.redact(location)}; a token request follows none"
    if response.media_type == "text/html" or response.body.lstrip()[:1] == b"<":
        return f"{status} with an HTML page, as a login page or a proxy sends"
    if isinstance(answer, dict):
        return f"{status} with JSON that has no access_token, only: {', '.join(sorted(map(str, members))) or 'nothing'}"
    if answer is None:
        return f"{status} with a body that is not JSON ({response.media_type or 'no content type'})"
    return f"{status} with {_shape(answer)}, not a JSON object"


def _shape(value: object) -> str:
    names = {dict: "a JSON object", list: "a JSON array", str: "an empty text", bool: "a JSON boolean"}
    return "null" if value is None else names.get(type(value), "a JSON number")


@dataclass(frozen=True, slots=True, repr=False)
class AuthorizationRequest:
    """Where to send the user's browser (RFC 6749 4.1.1), and what to check when it comes back."""

    url: str
    state: str
    verifier: str
    redirect_uri: str
    profile: str = ""

    def __repr__(self) -> str:
        return f"<AuthorizationRequest {self.profile}>"


def authorization_request(
    profile: Profile, identities: Identities, *, client: str | None = None, redirect_uri: str | None = None
) -> AuthorizationRequest:
    """Build an authorization request with a random state and a PKCE S256 challenge (RFC 7636 4).

    ``redirect_uri`` is the client's registered one unless another is given (its port, RFC 8252 7.3). Raises
    CredentialError for whatever is needed and not there.
    """
    table = profile.grants.get("authorization_code", GrantSettings())
    identity = identities.client(client or table.client)
    redirect_uri = _needed(profile, "redirect_uri", redirect_uri or identity.redirect_uri, "authorization_code")
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": _needed(profile, "client_id", identity.client_id, "authorization_code"),
        "redirect_uri": redirect_uri,
        "scope": profile.scope_of("authorization_code") or "",
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    query = urlencode({name: value for name, value in parameters.items() if value})
    parts = urlsplit(profile.authorization_endpoint)
    # The endpoint's own query is kept (RFC 6749 3.1).
    url = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query, fragment=""))
    return AuthorizationRequest(url, state, verifier, redirect_uri, profile.name)


def leads_back(authorization: AuthorizationRequest, callback_url: str) -> bool:
    """Whether a URL is the registered redirection URI, whatever parameters it has in addition."""
    try:
        meant, came = urlsplit(authorization.redirect_uri), urlsplit(callback_url)
    except ValueError:
        return False
    same_place = (came.scheme.lower(), came.netloc, came.path) == (meant.scheme.lower(), meant.netloc, meant.path)
    return same_place and parse_qs(meant.query).items() <= parse_qs(came.query).items()


def code_from_callback(
    authorization: AuthorizationRequest, callback_url: str, *, issuer: str | None = None, names_issuer: bool = False
) -> str:
    """Take the code out of the URL the browser was sent back to (RFC 6749 4.1.2).

    Raises TokenError where the URL is not the registered one, its ``state`` is not ours (compared in constant
    time), its ``iss`` is not ``issuer``, or is absent where the server ``names_issuer`` (RFC 9207 2.4), or it
    brings an error instead of a code.
    """
    where = f"{authorization.profile}: authorization_code"
    if not leads_back(authorization, callback_url):
        raise TokenError(f"{where}: the answer went somewhere else than to redirect_uri")
    query = parse_qs(urlsplit(callback_url).query)
    state, code, error = (query.get(name, []) for name in ("state", "code", "error"))
    if len(state) != 1 or not hmac.compare_digest(state[0].encode(), authorization.state.encode()):
        raise TokenError(f"{where}: the state that came back is not the one that was sent; this answer is not ours")
    issuers = query.get("iss", [])
    if (names_issuer and not issuers) or (issuer is not None and issuers not in ([], [issuer])):
        came = one_line(", ".join(issuers)) or "none"
        expected = one_line(issuer or "of the server")
        raise TokenError(f"{where}: expected iss {expected}, got {came}; this answer is not ours")
    if error:
        described = ", ".join([*error, *query.get("error_description", [])])
        raise TokenError(f"{where}: refused with {one_line(described)}")
    if len(code) != 1:
        raise TokenError(f"{where}: expected one code in the answer, got {len(code)}")
    return code[0]
