"""What the live tests of one profile share, in one process and with the other workers of its run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_apiauth.auth.shared import SharedTokenStore
from pytest_apiauth.auth.tokens import SystemClock, TokenStore
from pytest_apiauth.credentials.identities import Identities, learn_credentials
from pytest_apiauth.credentials.located import located_profile
from pytest_apiauth.credentials.refresh_tokens import live_identities
from pytest_apiauth.http import Network
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile

if TYPE_CHECKING:
    from pytest_apiauth.plugin.run import State


class LiveSide:
    """What the live tests of one profile share: TLS, identities, and a token store a set of credentials."""

    def __init__(self, state: State, profile: Profile) -> None:
        folder = state.config.rootpath
        learn_credentials(profile, folder, state.redactor)
        with loading.explained(profile.name):
            self.profile = located_profile(profile, folder)
        self.identities: Identities = live_identities(self.profile, folder, state.redactor)
        self.carrier: Network = Network(
            state.options.http,
            ca_file=self.profile.ca_file,
            turn=state.limits.throttle(self.profile).turn,
            seen=None if state.drift is None else partial(state.drift.see, self.profile),
        )
        self._state = state
        self._stores: dict[tuple[str, ...], TokenStore] = {}

    def store(self, who: tuple[str, ...]) -> TokenStore:
        """Give the token store of one set of credentials."""
        if who not in self._stores:
            file = self._state.shared_file("token", self.profile.place, *who)
            leeway = self.profile.token.leeway
            if file is None:
                self._stores[who] = TokenStore(SystemClock(), leeway)
            else:
                self._stores[who] = SharedTokenStore(SystemClock(), leeway, file, self._state.redactor)
        return self._stores[who]
