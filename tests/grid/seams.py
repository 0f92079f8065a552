"""Faults made for one cell: the embedded server, with one value let through in one slot.

`letting` gives the fault for a slot and a function that says of a presented value and a right one whether it is let
through. What a cell's own row does to a right value is known from the tables, so nothing here is written by hand for
a row. A seam counts what it has let through: a row that leaves a value as it is lets nothing through.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from pytest_apiauth.auth.requests import Proof
from pytest_apiauth.embedded.policy import Holder, Policy, Presented
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.embedded.revocation_policy import IssuedToken
from pytest_apiauth.embedded.state import ClientRecord, Code, RefreshToken, State, UserRecord
from pytest_apiauth.embedded.token_policy import Parameters
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import GrantType, Kind, Profile

VERIFIERS: list[str] = []
"""The verifiers of the run: a server knows their challenges only."""


@dataclass
class Lets:
    """What is let through, and how often it was."""

    through: Callable[[str, str], bool]
    """Whether a presented value counts as a right one."""
    nothing: bool = False
    """Whether an absent value does."""
    raw: Callable[[str], bool] = lambda text: False
    """Whether a body as it came has what is let through."""
    types: Callable[[object], bool] = lambda value: False
    """Whether a value of JSON is let through that is no text."""
    third: bool = False
    """Whether any wrong value is, the third time it comes."""
    others: bool = False
    """Whether any other value that the server knows is."""
    state: State | None = None
    hits: int = 0
    _seen: Counter[str] = field(default_factory=Counter)

    def __call__(self, presented: str, right: str) -> bool:
        found = presented != right and self.through(presented, right)
        if self.third and presented != right:
            self._seen[presented] += 1
            found = self._seen[presented] % 3 == 0
        if self.others and self.state is not None:
            found = presented != right and presented in values_of(self.state)
        return self.hit(found)

    def hit(self, found: bool) -> bool:
        """Count what is let through."""
        self.hits += found
        return found


def nobody(presented: str, right: str) -> bool:
    """Let nothing through."""
    return False


def letting(slot: str, lets: Lets) -> Fault:
    """Return the fault of a server that lets something through in a slot."""
    made = MEMBERS[slot](lets) if slot in MEMBERS else in_zone(slot, lets)

    class Knowing(Policy):
        def __init__(self, profile: Profile, state: State) -> None:
            super().__init__(profile, state)
            lets.state = state

    return Fault(f"grid-{slot}", f"lets something through as {slot}", together(Knowing, made))


def together(*mixins: type[Policy]) -> type[Policy]:
    """Return a policy of several."""
    return type("Letting", mixins, {})


def values_of(state: State) -> set[str]:
    """Return every value by which somebody proves something to a server."""
    people = {text for name, user in state.users.items() for text in (name, user.password)}
    clients = {text for client in state.clients.values() for text in (client.client_id, client.secret or "")}
    return {*people, *clients, *state.keys, *state.access, *state.personal, *state.refresh, *state.codes} - {""}


# At a zone


def known_at(policy: Policy, kind: Kind) -> Iterator[tuple[str, Holder]]:
    """Yield the right values of a kind of credential, the latest first."""
    if kind in policy.keys:
        yield from policy.state.keys_of(kind).items()
    elif kind in ("bearer", "personal_access_token"):
        known = policy.state.access if kind == "bearer" else policy.state.personal
        yield from reversed(list(known.items()))


def is_of(slot: str, policy: Policy, kind: Kind) -> bool:
    """Whether a kind of credential is what a slot is about."""
    if slot == "named credential":
        return kind in policy.keys and kind != "api_key"
    return {"bearer token": "bearer", "personal access token": "personal_access_token", "API key": "api_key"}.get(
        slot, "basic"
    ) == kind


def in_zone(slot: str, lets: Lets) -> type[Policy]:
    """Let something through in the place of a credential at a resource."""

    class Letting(Policy):
        def holder(self, kind: Kind, presented: Presented) -> Holder | None:
            found = super().holder(kind, presented)
            shown = presented.shown.get(kind)
            if found is not None or shown is None or not is_of(slot, self, kind):
                return found
            text = shown.text
            if kind == "basic":
                return self._user(text)
            return next((record for right, record in known_at(self, kind) if lets(text, right)), None)

        def _user(self, text: str) -> Holder | None:
            try:
                pair = base64.b64decode(text).decode("latin-1")
            except ValueError:
                pair = ""
            name, _, password = pair.partition(":")
            for known, user in self.state.users.items():
                if slot == "user name of Basic":
                    is_let = password == user.password and lets(name, known)
                else:
                    is_let = name == known and lets(password, user.password)
                if is_let or (not pair and lets.hit(lets.raw(text))):
                    return user
            return None

    return Letting


# At the token endpoint


def filled(member: str, right: Callable[[Policy], str | None], lets: Lets) -> type[Policy]:
    """Let through that a member is absent, is no text, or is spelt as none can be: the right value is put there."""

    class Letting(Policy):
        def parameters(self, request: Request) -> Parameters:
            value = right(self)
            try:
                found = super().parameters(request)
            except Refusal:
                if value is None or not lets.hit(lets.raw(request.body.decode("latin-1"))):
                    raise
                kept = [pair for pair in request.body.split(b"&") if not pair.startswith(f"{member}=".encode())]
                found = self.read_form(b"&".join(kept).decode("latin-1"))
                return {**found, member: value}
            is_raw = lets.raw(request.body.decode("latin-1"))
            if value is not None and ((member not in found and lets.nothing) or is_raw):
                lets.hits += 1
                return {**found, member: value}
            return found

        def json_text(self, name: str, value: object) -> str:
            asked = right(self)
            if name == member and asked is not None and lets.hit(lets.types(value)):
                return asked
            return super().json_text(name, value)

    return Letting


def in_client_id(lets: Lets) -> type[Policy]:
    """Let something through as a client's id."""

    class Letting(Policy):
        def find_client(self, client_id: str) -> ClientRecord | None:
            near = (client for right, client in self.state.clients.items() if lets(client_id, right))
            return super().find_client(client_id) or next(near, None)

        def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
            if lets.hit(lets.nothing):
                return self.state.client_named("default")
            return super().unproven_client(client, parameters)

    return together(Letting, filled("client_id", lambda policy: next(iter(policy.state.clients), None), lets))


def _secret(policy: Policy) -> str | None:
    return next((client.secret for client in policy.state.clients.values() if client.secret), None)


def in_client_secret(lets: Lets) -> type[Policy]:
    """Let something through as a client's secret."""

    class Letting(Policy):
        def client_passes(self, client: ClientRecord, secret: str) -> bool:
            return super().client_passes(client, secret) or lets(secret, client.secret or "")

        def client_credentials(self, request: Request, parameters: Parameters) -> tuple[str | None, str | None]:
            if lets.hit(any(map(lets.raw, request.header_lines("authorization")))):
                client = self.state.client_named("default")
                assert client is not None
                return client.client_id, client.secret
            return super().client_credentials(request, parameters)

        def unproven_client(self, client: ClientRecord | None, parameters: Parameters) -> ClientRecord | None:
            if client is not None and lets.hit(lets.nothing):
                return client
            return super().unproven_client(client, parameters)

    as_text = Lets(nobody, types=lambda value: lets.hit(lets.types(value)))
    return together(Letting, filled("client_secret", _secret, as_text))


def in_username(lets: Lets) -> type[Policy]:
    """Let something through as a user's name."""

    class Letting(Policy):
        def find_user(self, username: str) -> UserRecord | None:
            near = (user for right, user in self.state.users.items() if lets(username, right))
            return super().find_user(username) or next(near, None)

    return together(Letting, filled("username", lambda policy: next(iter(policy.state.users), None), lets))


def _password(policy: Policy) -> str | None:
    return next((user.password for user in policy.state.users.values()), None)


def in_password(lets: Lets) -> type[Policy]:
    """Let something through as a user's password."""

    class Letting(Policy):
        def same_password(self, presented: str, known: str) -> bool:
            return super().same_password(presented, known) or lets(presented, known)

    return together(Letting, filled("password", _password, lets))


def _living(policy: Policy) -> str | None:
    return next((value for value, token in reversed(policy.state.refresh.items()) if not token.dead), None)


def in_refresh_token(lets: Lets) -> type[Policy]:
    """Let something through as a refresh token."""

    class Letting(Policy):
        def find_refresh_token(self, value: str) -> RefreshToken | None:
            near = (token for right, token in reversed(self.state.refresh.items()) if lets(value, right))
            return super().find_refresh_token(value) or next(near, None)

    return together(Letting, filled("refresh_token", _living, lets))


def in_code(lets: Lets) -> type[Policy]:
    """Let something through as a code."""

    class Letting(Policy):
        def find_code(self, value: str) -> Code | None:
            near = (code for right, code in reversed(self.state.codes.items()) if lets(value, right))
            return super().find_code(value) or next(near, None)

        def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
            # A code that was found for another one was asked for with another challenge.
            return bool(lets.hits) or super().verifier_fits(challenge, verifier)

    return together(Letting, filled("code", lambda policy: next(reversed(policy.state.codes), None), lets))


def in_verifier(lets: Lets) -> type[Policy]:
    """Let something through as a code's verifier."""

    class Letting(Policy):
        def verifier_fits(self, challenge: str | None, verifier: str | None) -> bool:
            if super().verifier_fits(challenge, verifier):
                return True
            if not verifier:
                return lets.hit(lets.nothing)
            return any(lets(verifier, right) for right in VERIFIERS)

    return Letting


def in_redirect_uri(lets: Lets) -> type[Policy]:
    """Let something through as a client's redirection URI."""

    class Letting(Policy):
        def same_redirect_uri(self, presented: str, registered: str) -> bool:
            return super().same_redirect_uri(presented, registered) or lets(presented, registered)

    return Letting


def in_scope(lets: Lets) -> type[Policy]:
    """Let something through as a scope."""

    class Letting(Policy):
        def granted_scope(self, grant: GrantType, requested: str | None) -> str:
            for word in (requested or "").split():
                if any(lets(word, right) for right in self.known_scopes):
                    return requested or ""
            return super().granted_scope(grant, requested)

    return Letting


def in_grant_type(lets: Lets) -> type[Policy]:
    """Let something through as the name of a grant."""

    class Letting(Policy):
        def grant_type(self, parameters: Parameters) -> GrantType:
            name = parameters.get("grant_type", "")
            # Of several grants that a value may stand for, the one whose request it is.
            grants = sorted(self.profile.grants, key=lambda grant: (grant == "password") != ("username" in parameters))
            near = (grant for grant in grants if name and lets(name, grant))
            return next(near, None) or super().grant_type(parameters)

    return together(Letting, filled("grant_type", lambda policy: policy.profile.usual_grant, lets))


def in_question(lets: Lets) -> type[Policy]:
    """Let something through as the token that introspection is asked about."""

    class Letting(Policy):
        def find_introspected(self, value: str) -> IssuedToken | None:
            near = (token for right, token in reversed(self.state.access.items()) if lets(value, right))
            return super().find_introspected(value) or next(near, None)

        def token_asked_about(self, parameters: Parameters) -> str:
            if "token" not in parameters and lets.hit(lets.nothing):
                return next(reversed(self.state.access))
            return super().token_asked_about(parameters)

    return Letting


MEMBERS: dict[str, Callable[[Lets], type[Policy]]] = {
    "client_id": in_client_id,
    "client_secret": in_client_secret,
    "username": in_username,
    "password": in_password,
    "refresh_token": in_refresh_token,
    "code": in_code,
    "code_verifier": in_verifier,
    "redirect_uri": in_redirect_uri,
    "scope": in_scope,
    "grant_type": in_grant_type,
    "token asked about": in_question,
}


def remember_verifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every verifier of a run remembered."""
    usual = Proof.of

    def of(verifier: str) -> Proof:
        VERIFIERS.append(verifier)
        return usual(verifier)

    monkeypatch.setattr(Proof, "of", of)
