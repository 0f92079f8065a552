"""The decisions at the token endpoint (RFC 6749 2.3, 3.2, 4, 5 and 6), and those it shares with resources."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from pytest_apiauth.embedded.places import keys_of, spots
from pytest_apiauth.embedded.reading import form_decoded, form_pairs, is_text, json_members
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.refusal_policy import JSON, NO_STORE, RefusalPolicy
from pytest_apiauth.embedded.state import AccessToken, ClientRecord, Code, State, UserRecord
from pytest_apiauth.messages import Headers, Request, Response
from pytest_apiauth.profile.model import GrantType, Kind, Profile

Parameters = dict[str, str]
PARAMETERS: Final = frozenset(
    {"grant_type", "client_id", "client_secret", "scope", "username", "password"}
    | {"refresh_token", "code", "redirect_uri", "code_verifier"}
    | {"token", "token_type_hint", "client_assertion", "client_assertion_type"}
)
FORM: Final = "application/x-www-form-urlencoded"
SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*\Z")
FALLBACK_LIFETIME: Final = 3600
REFRESH_LIFETIME: Final = 30 * 86400


class TokenPolicy(RefusalPolicy):
    """Decisions of the token endpoint; `AuthorizationPolicy` adds those that a code leads to."""

    def __init__(self, profile: Profile, state: State) -> None:
        super().__init__(profile, state)
        self.spots = spots(profile)
        self.keys = keys_of(profile)
        self.client_auth = profile.token.client_auth
        self.usual_type = "DPoP" if profile.token.bound == "dpop" else "Bearer"
        scopes = [profile.token.scope, profile.token.answer.scope]
        for row in profile.grants.values():
            scopes += [row.scope, row.answer.scope if row.answer else None]
        rows = profile.grants.values()
        self.known_parameters = PARAMETERS.union(self.extension_members(), *(row.extra for row in rows))
        self.known_scopes = frozenset(word for text in scopes for word in (text or "").split())

    # Header fields.

    def choose_line(self, lines: list[str]) -> str | None:
        """Return the one value of a field; a field that may come once and came twice is refused (RFC 9110 5.3)."""
        if len(lines) > 1:
            status = self.refusal_status(400)
            raise Refusal(status, "invalid_request", "A header field for credentials came more than once.")
        return lines[0].strip(" \t") if lines else None

    def parse_authorization(self, value: str) -> tuple[str, str]:
        """Split ``Authorization`` into scheme and credentials (RFC 9110 11.4: one or more spaces between)."""
        scheme, _, credentials = value.partition(" ")
        return scheme, credentials.lstrip(" ")

    def is_scheme(self, presented: str, wanted: str) -> bool:
        """Whether a scheme is the wanted one, in any case (RFC 9110 11.1)."""
        return presented.lower() == wanted

    def decode_base64(self, text: str) -> str:
        """Decode the credentials of Basic. Raises Refusal for what is not base64 of UTF-8 text."""
        try:
            return base64.b64decode(text.encode("latin-1"), validate=True).decode("utf-8")
        except ValueError:
            raise Refusal(401, "invalid_client", "The Basic credentials are malformed.") from None

    def split_basic(self, pair: str) -> tuple[str, str]:
        """Split at the first colon, since a password may have colons (RFC 7617 2)."""
        name, colon, password = pair.partition(":")
        if not colon:
            raise Refusal(401, "invalid_client", "The Basic credentials have no colon.")
        return name, password

    def decode_basic_part(self, text: str) -> str:
        """Undo the form encoding of id and secret, if the profile has one (RFC 6749 2.3.1)."""
        if self.profile.token.basic_encoding == "raw":
            return text
        try:
            return form_decoded(text)
        except ValueError:
            raise Refusal(401, "invalid_client", "The Basic credentials are malformed.") from None

    # The request.

    def arrives(self, request: Request) -> None:
        """See a request come in, before its turn."""

    def is_token_method(self, method: str) -> bool:
        """Whether a token may be asked for with this method: POST alone (RFC 6749 3.2)."""
        return method == "POST"

    def is_token_request(self, request: Request) -> bool:
        """Whether a request to the token endpoint is one for a token."""
        return self.is_token_method(request.method)

    def looks_at_grant_first(self) -> bool:
        """Whether a grant that is not documented is refused before the client is looked at."""
        return False

    def token_route_keys(self) -> tuple[Kind, ...]:
        """Return the keys that a token request needs, since its route lies in a zone that does."""
        return self.profile.token_route_keys

    def check_content_type(self, lines: list[str], wanted: str) -> None:
        """Refuse a body of another type; parameters of the type, such as ``charset``, change nothing."""
        if len(lines) != 1 or lines[0].partition(";")[0].strip().lower() != wanted:
            raise Refusal(400, "invalid_request", f"The body must be {wanted}.")

    def parameters(self, request: Request) -> Parameters:
        """Read the parameters from the body, and from nowhere else. An empty one counts as absent (RFC 6749 3.2)."""
        if self.profile.token.body == "json":
            self.check_content_type(request.header_lines("content-type"), JSON)
            found = self.read_json(request.body)
        else:
            self.check_content_type(request.header_lines("content-type"), FORM)
            found = self.read_form(request.body.decode("latin-1"))
        return {name: value for name, value in found.items() if value}

    def read_form(self, text: str) -> Parameters:
        """Read a form. Raises Refusal for a repeated parameter (RFC 6749 3.2) and for what is no form."""
        try:
            pairs = form_pairs(text)
        except ValueError:
            raise Refusal(400, "invalid_request", "The body is not form-encoded UTF-8.") from None
        names: set[str] = set()
        for name, _ in pairs:
            if name in names and not self.may_repeat(name):
                self.repeated_parameter()
            if name not in self.known_parameters:
                self.unknown_parameter()
            names.add(name)
        return self.joined(pairs)

    def may_repeat(self, name: str) -> bool:
        """Whether a parameter may come more than once: none of RFC 6749 may."""
        return False

    def joined(self, pairs: Iterable[tuple[str, str]]) -> Parameters:
        """Return the values by name, those of what may be repeated between blanks; else the last counts."""
        found: Parameters = {}
        for name, value in pairs:
            found[name] = f"{found[name]} {value}" if name in found and self.may_repeat(name) else value
        return found

    def read_json(self, body: bytes) -> Parameters:
        """Read a JSON object of strings. Raises Refusal for a repeated member and for any other body."""
        try:
            members = json_members(body)
        except ValueError:
            raise Refusal(400, "invalid_request", "The body is not a JSON object.") from None
        found: Parameters = {}
        for name, value in members:
            if name in found:
                raise Refusal(400, "invalid_request", "A member came more than once.")
            if name not in self.known_parameters:
                self.unknown_parameter()
                value = ""
            found[name] = self.json_text(name, value)
        return found

    def repeated_parameter(self) -> None:
        """Refuse a form parameter that came twice (RFC 6749 3.2)."""
        raise Refusal(400, "invalid_request", "A parameter came more than once.")

    def unknown_parameter(self) -> None:
        """Ignore a parameter that is not documented (RFC 6749 3.2)."""

    def json_text(self, name: str, value: object) -> str:
        """Read the value of a known member: a string, or the request is malformed."""
        if not isinstance(value, str) or not is_text(value):
            raise Refusal(400, "invalid_request", "A member is not a string.")
        return value

    # The client (RFC 6749 2.3).

    def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
        """Return the identifier and the secret that the request brings in the documented way."""
        lines = request.header_lines("authorization") if self.client_auth != "none" else []
        in_body = parameters.get("client_id"), parameters.get("client_secret")
        if self.client_auth == "none":
            # Where no client is registered, client_id is a parameter like any other unknown one.
            return in_body[0] if self.state.clients else None, None
        if self.client_auth != "client_secret_basic":
            if any(self.is_scheme(self.parse_authorization(line)[0], "basic") for line in lines):
                raise self.two_methods() if in_body[1] else self.invalid_client()
            return in_body
        value = self.choose_line(lines)
        if value is None:
            if in_body[1]:
                raise self.invalid_client("Clients authenticate with HTTP Basic here.")
            return in_body
        scheme, credentials = self.parse_authorization(value)
        if not self.is_scheme(scheme, "basic"):
            raise self.invalid_client("Clients authenticate with HTTP Basic here.")
        client_id, secret = map(self.decode_basic_part, self.split_basic(self.decode_base64(credentials)))
        if in_body[1] or in_body[0] not in (None, client_id):
            raise self.two_methods()
        return client_id, secret

    def two_methods(self) -> Refusal:
        """Make the refusal of a client that authenticates in two ways at once (RFC 6749 2.3)."""
        return Refusal(400, "invalid_request", "The client authenticates in more than one way.")

    def invalid_client(self, description: str = "The client is not known or its secret is wrong.") -> Refusal:
        """Make the refusal of a client (RFC 6749 5.2)."""
        return Refusal(401, "invalid_client", description)

    def find_client(self, client_id: str) -> ClientRecord | None:
        """Find a client by its identifier."""
        return self.state.clients.get(client_id)

    def client_passes(self, client: ClientRecord, secret: str) -> bool:
        """Whether a secret proves that the client is the one it says it is."""
        return client.secret is not None and self.same_secret(secret, client.secret)

    def same_secret(self, presented: str, known: str) -> bool:
        """Compare a secret: every character counts."""
        return _same(presented, known)

    def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
        """Decide on a client that brought no secret; None is an anonymous one."""
        if self.client_auth == "none" or (client is not None and client.is_public):
            return client
        raise self.invalid_client("Client authentication is missing.")

    # Grants.

    def grant_type(self, parameters: Parameters) -> GrantType:
        """Return the grant that is asked for, one of the documented ones."""
        name = parameters.get("grant_type")
        if name is None:
            return self.without_grant_type()
        known: dict[str, GrantType] = {self.extensions().get(grant, grant): grant for grant in self.profile.grants}
        return known[name] if name in known else self.unsupported_grant_type()

    def may_use(self, client: ClientRecord | None, grant: GrantType) -> bool:
        """Whether a client may have tokens by a grant (RFC 6749 5.2, unauthorized_client)."""
        return client is None or client.grants is None or grant in client.grants

    def extensions(self) -> Mapping[str, str]:
        """Return what token requests and metadata call the grants that are not RFC 6749's own (RFC 6749 4.5)."""
        return {}

    def extension_members(self) -> frozenset[str]:
        """Return the parameters of those grants that no other one has."""
        return frozenset()

    def without_grant_type(self) -> GrantType:
        """Decide on a request without ``grant_type``."""
        raise Refusal(400, "invalid_request", "grant_type is missing.")

    def unsupported_grant_type(self) -> GrantType:
        """Decide on a grant that is not documented."""
        raise Refusal(400, "unsupported_grant_type")

    def find_user(self, username: str) -> UserRecord | None:
        """Find a user by name."""
        return self.state.users.get(username)

    def same_password(self, presented: str, known: str) -> bool:
        """Compare a password: every character counts."""
        return _same(presented, known)

    def find_code(self, value: str) -> Code | None:
        """Find an authorization code."""
        return self.state.codes.get(value)

    def code_has_expired(self, code: Code) -> bool:
        """Whether a code's time is over: ten minutes (RFC 6749 4.1.2)."""
        return self.state.clock.now() >= code.expires_at

    # Scopes (RFC 6749 3.3).

    def grantable_scopes(self, grant: GrantType) -> frozenset[str]:
        """Return the scopes that may be asked for with a grant. A client on its own gets the documented ones only."""
        if grant != "client_credentials":
            return self.known_scopes
        return frozenset(f"{self.profile.scope_of(grant) or ''} {self.profile.answer_of(grant).scope or ''}".split())

    def mandatory_scopes(self, grant: GrantType) -> frozenset[str]:
        """Return the scopes that must be asked for."""
        asked = frozenset((self.profile.scope_of(grant) or "").split())
        if grant == "authorization_code":
            return asked & frozenset((self.profile.token.scope or "").split())
        return asked if grant == "client_credentials" else frozenset()

    def granted_scope(self, grant: GrantType, requested: str | None) -> str:
        """Return the scope of a new token. Raises Refusal if a mandatory one is missing or one is unknown."""
        documented = self.profile.answer_of(grant).scope
        mandatory = self.mandatory_scopes(grant)
        if requested is None and not mandatory:
            return documented or self.profile.scope_of(grant) or ""
        words = self.scope_words(requested or "")
        if not mandatory <= set(words):
            raise Refusal(400, "invalid_scope", "A mandatory scope is missing.")
        grantable = self.grantable_scopes(grant)
        words = [word for word in words if word in grantable or self.keeps_unknown_scope()]
        as_documented = set(words) == set((self.profile.scope_of(grant) or "").split())
        return documented if documented and as_documented else " ".join(words)

    def scope_words(self, scope: str) -> list[str]:
        """Split a scope. Raises Refusal for what is none."""
        if scope and not SCOPE.match(scope):
            raise Refusal(400, "invalid_scope", "The scope is malformed.")
        return list(dict.fromkeys(scope.split()))

    def keeps_unknown_scope(self) -> bool:
        """Decide on a scope that nobody has documented: grant it, leave it out, or refuse."""
        raise Refusal(400, "invalid_scope", "A scope is not known.")

    # The answer (RFC 6749 5.1).

    def new_access_token(self) -> str:
        """Mint an access token."""
        return self.state.mint("access_token")

    def reissued(
        self, grant: GrantType, client: str | None, user: str | None, scope: str, resource: str | None
    ) -> AccessToken | None:
        """Return a token issued before that is handed out again; none is, each grant gives a new one."""
        return None

    def countdown(self, grant: GrantType, token: AccessToken) -> object:
        """Return the lifetime to answer with a token, new or handed out again."""
        return self.expires_in(grant)

    def lifetime(self, grant: GrantType) -> int:
        """Return the lifetime of an access token in seconds."""
        return self.profile.answer_of(grant).expires_in or self.profile.token.answer.expires_in or FALLBACK_LIFETIME

    def refresh_lifetime(self) -> int:
        """Return the lifetime of a refresh token in seconds: as documented, or longer than any access token's."""
        longest = max((self.lifetime(grant) for grant in self.profile.grants), default=0)
        return self.profile.token.refresh_expires_in or max(REFRESH_LIFETIME, 2 * longest)

    def gives_refresh_token(self, grant: GrantType, scope: str) -> bool:
        """Whether a refresh token comes with a grant: as documented, or for ``offline_access`` if the grant asks."""
        if "offline_access" in (self.profile.scope_of(grant) or "").split():
            return "offline_access" in scope.split()
        documented = self.profile.answer_of(grant).refresh_token
        if documented is None:
            return "refresh_token" in self.profile.grants and grant != "client_credentials"
        return documented

    def repeats_refresh_token(self) -> bool:
        """Whether a refresh that gives no new refresh token answers the old one again."""
        return self.profile.answer_of("refresh_token").refresh_token is True

    def token_type(self, grant: GrantType) -> str | None:
        """Return the type as the profile spells it."""
        return self.profile.answer_of(grant).token_type or self.usual_type

    def expires_in(self, grant: GrantType) -> object:
        """Return the lifetime as it is answered; None leaves it out."""
        return self.lifetime(grant)

    def answered_scope(self, scope: str) -> str:
        """Return the scope as it is answered; an empty one is left out."""
        return scope

    def extra_members(self) -> dict[str, object]:
        """Return members of the answer beyond the documented ones."""
        return {}

    def arranged(self, grant: GrantType, members: dict[str, object]) -> dict[str, object]:
        """Return the members of a token answer as they are written, in their order."""
        return members

    def token_answer(self, grant: GrantType, members: dict[str, object], lines: Headers) -> Response:
        """Write a token answer (RFC 6749 5.1)."""
        return Response(200, lines, json.dumps(members).encode())

    def answer_headers(self, grant: GrantType | None = None) -> Headers:
        """Return the header fields of an answer that holds a token."""
        return (("Content-Type", JSON), *NO_STORE)


def _same(presented: str, known: str) -> bool:
    return hmac.compare_digest(presented.encode(), known.encode())
