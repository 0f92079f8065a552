"""What a server knows before the first request: who there is, and which long-lived tokens are good.

All of it is invented (`invention`), or what the environment holds in its place.
"""

from __future__ import annotations

from collections.abc import Callable

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded.granting import Award
from pytest_apiauth.embedded.invention import Invention
from pytest_apiauth.embedded.state import AccessToken, ManualClock, State
from pytest_apiauth.embedded.token_endpoint import TokenEndpoint
from pytest_apiauth.profile.model import DEFAULT, GrantType


def seeded(invention: Invention, clock: ManualClock, redactor: Redactor) -> State:
    """Return a state with the clients, users and keys of a profile; ``redactor`` learns their secrets, and later ones.

    Of two that would have one name, the first is who has it.
    """
    name = invention.profile.name

    def learn(value: str, kind: str) -> None:
        redactor.learn(value, f"{name}.{kind}")

    state = State(name, clock, learn)
    for client in invention.clients():
        state.clients.setdefault(client.client_id, client)
    for user in invention.users():
        state.users.setdefault(user.username, user)
    for user in invention.ended_users():
        state.ended_users.setdefault(user.username, user)
    for key in invention.api_keys():
        state.keys.setdefault(key.value, key)
    for kind, key in invention.named_keys():
        state.named.setdefault(kind, {}).setdefault(key.value, key)
    for ended, value in invention.ended():
        state.ended.setdefault(ended, set()).add(value)
    state.signing_key, state.unfit = invention.signing_key, invention.unfit_tokens()
    for label, value in invention.secrets():
        learn(value, label)
    return state


def seed_tokens(
    invention: Invention, state: State, tokens: TokenEndpoint, usual_scope: Callable[[GrantType], str]
) -> None:
    """Make the long-lived tokens of ``[credentials]`` good; ``usual_scope`` is what a grant gives unasked."""
    profile = invention.profile
    personal = invention.text(profile.credentials.personal_access_token)
    if personal is not None:
        state.personal[personal] = AccessToken(personal, None, DEFAULT, "", float("inf"), state.new_family())
    refresh = invention.text(profile.credentials.refresh_token)
    if refresh is None:
        return
    interactive: GrantType = "authorization_code"
    grant = interactive if interactive in profile.grants else profile.usual_grant
    row = profile.grants.get(grant) if grant else None
    client = state.client_named(row.client if row else DEFAULT)
    award = Award(
        grant or interactive,
        client.name if client else None,
        row.user if row else DEFAULT,
        usual_scope(grant) if grant else "",
        state.new_family(),
    )
    tokens.new_refresh_token(award, refresh)
