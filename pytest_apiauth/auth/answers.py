"""What token and authorization endpoints answer, read as pure functions.

Nothing here does I/O. Messages of the errors are one line, name the profile and the endpoint, and contain
no secret: whatever came from outside passes the redactor before it is cut to length, since half a secret
would not be recognised.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pytest_apiauth.auth.layouts import Layout
from pytest_apiauth.auth.requester import SENDABLE, AuthorizationRequest
from pytest_apiauth.auth.tokens import Token
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import TokenError
from pytest_apiauth.messages import Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import GrantType, Profile

LONGEST_TOKEN: Final = 100_000
"""Letters of an access token. Servers take header lines of 8 to 64 kB."""
# No real token outlives this many seconds; it keeps absurd numbers within what a float can add.
_LONGEST_LIFE: Final = 10**11


def read_token(profile: Profile, grant: GrantType, response: Response, now: float, redactor: Redactor) -> Token:
    """Read a token answer (RFC 6749 5.1). Raises TokenError, one line, for anything but a usable token.

    The secrets in it are learnt by the redactor before anything else happens. An absent ``token_type`` is
    taken as Bearer, since many servers leave it out; whether they may is for a rule to say. An absent
    ``expires_in`` gives way to the documented lifetime.
    """
    answer = response.json()
    issuing = profile.request_of(grant)
    members = token_members(profile, grant, response)
    learnt = {}
    for name in ("access_token", "refresh_token", "id_token"):
        value = members.get(name)
        if isinstance(value, str) and value:
            learnt[name] = Secret(value, f"{profile.name}.{name}")
            redactor.learn(learnt[name])

    def refuse(expected: str, came: str) -> TokenError:
        quoted = one_line(redactor.redact(came))
        return TokenError(f"{profile.name}: {profile.endpoint_of(grant)} ({grant}): expected {expected}, got {quoted}")

    if not issues(profile, grant, response):
        where = "access_token" if issuing is None else issuing.access_token.spelt
        raise refuse("a token", _what_came(response, answer, members, redactor, where))
    access_token = learnt.get("access_token")
    if access_token is None:
        raise refuse("access_token to be a text that is not empty", _shape(members["access_token"]))
    text = access_token.reveal()
    if SENDABLE.fullmatch(text) is None:
        raise refuse("an access_token that a header can carry", "one with a line break, a blank or a control in it")
    if not text.isascii():
        # RFC 6749 A.12; and the libraries that clients are made of carry nothing else in a header.
        raise refuse("an access_token that a header can carry", "one with letters that are not ASCII")
    if len(text) > LONGEST_TOKEN:
        raise refuse(f"an access_token of at most {LONGEST_TOKEN // 1000} kB", f"one of {len(text)} letters")
    kind = members.get("token_type") if issuing is None else None
    if kind is not None and (not isinstance(kind, str) or kind.lower() not in profile.token_types):
        word = profile.place_of("bearer").word
        raise refuse(f"token_type {word or 'Bearer'}", f"token_type {kind!r}")
    life = members.get("expires_in") if issuing is None or issuing.expires_in is not None else None
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
        prefix=profile.place_of("bearer").prefix,
    )


def replacing(profile: Profile, response: Response, spent: Secret) -> Secret | None:
    """Return the refresh token that an answer gives in place of the one that was sent, or None if it gives no other.

    Whatever else may be wrong with the answer: the old one is dead then, so the new one is to be kept first.
    """
    found = token_members(profile, "refresh_token", response).get("refresh_token")
    if not 200 <= response.status < 300 or not isinstance(found, str) or found in ("", spent.reveal()):
        return None
    return Secret(found, f"{profile.name}.refresh_token")


def token_members(profile: Profile, grant: GrantType, response: Response) -> dict[str, object]:
    """Return the members of a token answer, by the names of RFC 6749 5.1 whatever the API calls them."""
    issuing = profile.request_of(grant)
    if issuing is not None:
        return Layout(issuing).read(response)
    answer = response.json()
    return answer if isinstance(answer, dict) else {}


def issues(profile: Profile, grant: GrantType, response: Response) -> bool:
    """Whether an answer is one that has a token: with status 200, or any 2xx where the login is not OAuth's."""
    is_good = response.status == 200 if profile.request_of(grant) is None else 200 <= response.status < 300
    return is_good and "access_token" in token_members(profile, grant, response)


def _is_lifetime(value: object) -> bool:
    # JSON's true is an int to Python, and Python's parser takes NaN and Infinity for numbers.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > 0 and (isinstance(value, int) or math.isfinite(value))


def _what_came(
    response: Response, answer: object, members: Mapping[str, object], redactor: Redactor, where: str
) -> str:
    """Describe an answer that is no token, with its OAuth error (RFC 6749 5.2) if it has one."""
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
        return f"{status} with JSON that has no {where}, only: {', '.join(sorted(map(str, members))) or 'nothing'}"
    if answer is None:
        return f"{status} with a body that is not JSON ({response.media_type or 'no content type'})"
    return f"{status} with {_shape(answer)}, not a JSON object"


def _shape(value: object) -> str:
    names = {dict: "a JSON object", list: "a JSON array", str: "an empty text", bool: "a JSON boolean"}
    return "null" if value is None else names.get(type(value), "a JSON number")


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

    Raises TokenError if the URL is not the registered one, its ``state`` is not ours (compared in constant
    time), its ``iss`` is not ``issuer``, or is absent if the server ``names_issuer`` (RFC 9207 2.4), or it
    brings an error instead of a code.
    """
    where = f"{authorization.profile}: {one_line(authorization.url.partition('?')[0])} (authorization_code)"
    if not leads_back(authorization, callback_url):
        raise TokenError(f"{where}: the answer went somewhere else than to redirect_uri")
    query = parse_qs(urlsplit(callback_url).query)
    state, code, error = (query.get(name, []) for name in ("state", "code", "error"))
    if len(state) != 1 or not hmac.compare_digest(state[0].encode(), authorization.state.encode()):
        raise TokenError(f"{where}: the state that came back is not the one that was sent; this answer is not ours")
    issuers = query.get("iss", [])
    if (names_issuer and len(issuers) != 1) or (issuer is not None and issuers not in ([], [issuer])):
        came = one_line(", ".join(issuers)) or "none"
        expected = one_line(issuer or "of the server")
        raise TokenError(f"{where}: expected iss {expected}, got {came}; this answer is not ours")
    if error:
        described = ", ".join([*error, *query.get("error_description", [])])
        raise TokenError(f"{where}: refused with {one_line(described)}")
    if len(code) != 1:
        raise TokenError(f"{where}: expected one code in the answer, got {len(code)}")
    return code[0]
