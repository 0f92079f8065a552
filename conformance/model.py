"""What is promised of tokens: which must live, which must be dead, and which may be either.

The model follows the profile's rotation policy and leaves open what good servers do differently: old access
tokens may live or die at a refresh, a replay may end its family or not, a new login may end the user's earlier
ones, a revoked refresh token may or may not take its access tokens along, and a token may be handed out again.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from pytest_apiauth.rules import Profile, Ref, Tokens

MARGIN = 30
"""Seconds in which an undocumented lifetime is taken to last."""


class Fate(enum.Enum):
    """What must come of presenting a token."""

    LIVE = "live"
    OPEN = "open"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Actor:
    """A user at a client."""

    client: str
    user: str
    identity: object = None
    """Who the API says it is, where it says so."""
    refreshes: bool = False


@dataclass(slots=True)
class Known:
    """A token and what is known of it."""

    ref: Ref
    actor: Actor
    family: int
    since: float
    lifetime: int | None
    is_documented: bool
    is_access: bool
    fate: Fate = Fate.LIVE
    why: str = ""
    was_refused: bool = False

    def fate_at(self, now: float, leeway: int) -> Fate:
        """Return the fate at a time: a documented lifetime ends it, an undocumented one leaves it open."""
        if self.fate is Fate.DEAD:
            return Fate.DEAD
        age = now - self.since
        lifetime = self.lifetime or MARGIN
        if self.is_documented and age >= lifetime + leeway:
            self.dies("its lifetime was over")
        elif age >= lifetime - min(leeway, lifetime // 4):
            self.fate = Fate.OPEN
        return self.fate

    def dies(self, why: str) -> None:
        """Take note that it must not be accepted any more."""
        self.fate, self.why = Fate.DEAD, why

    def may_die(self) -> None:
        """Take note that it may live or be dead."""
        if self.fate is Fate.LIVE:
            self.fate = Fate.OPEN


@dataclass(slots=True)
class Model:
    """Every token of one run."""

    profile: Profile
    access: list[Known] = field(default_factory=list)
    refresh: list[Known] = field(default_factory=list)
    families: int = 0

    def of_family(self, family: int) -> list[Known]:
        """Return every token of a family."""
        return [token for token in (*self.access, *self.refresh) if token.family == family]

    def logged_in(self, actor: Actor, tokens: Tokens, documented: int | None, now: float) -> None:
        """Begin a family. The same user's earlier tokens may end by it."""
        for token in (*self.access, *self.refresh):
            if token.actor.user == actor.user:
                token.may_die()
        self.families += 1
        self._add(actor, tokens, self.families, documented, now)

    def refreshed(self, old: Known, tokens: Tokens, documented: int | None, now: float) -> None:
        """Continue a family."""
        for token in self.of_family(old.family):
            if token is not old:
                token.may_die()
        rotation, same = self.profile.rotation, tokens.refresh == old.ref
        if rotation == "old-dies" and tokens.refresh and not same:
            old.dies("a refresh had used it up")
        elif not same and not (rotation == "none" and tokens.refresh is None):
            old.may_die()
        # A server may count the life of a token that stays from its last use.
        old.since = now
        self._add(old.actor, tokens, old.family, documented, now)

    def replayed(self, token: Known) -> None:
        """Take note of a refused refresh: the whole family may be dead by it."""
        for each in self.of_family(token.family):
            each.may_die()

    def revoked(self, token: Known) -> None:
        """End a refresh token (RFC 7009 2.1); what else of the same grant of a user ends is the server's policy."""
        self.replayed(token)
        for each in (*self.access, *self.refresh):
            if (each.actor.client, each.actor.user) == (token.actor.client, token.actor.user):
                each.may_die()
        if not self._ends(token):
            return
        token.dies("it was revoked")

    def _ends(self, token: Known) -> bool:
        """Whether a revocation ends the token itself: a refresh token, or what a log-out is documented to end."""
        table = self.profile.logout_request
        if table is None:
            return not token.is_access
        return table.does_end(access=token.is_access)

    def _add(self, actor: Actor, tokens: Tokens, family: int, documented: int | None, now: float) -> None:
        told = max(tokens.expires_in or 0, documented or 0) or None
        self._put(self.access, Known(tokens.access, actor, family, now, told, documented is not None, is_access=True))
        lasts = self.profile.token.refresh_expires_in
        if tokens.refresh is not None:
            self._put(
                self.refresh, Known(tokens.refresh, actor, family, now, lasts, lasts is not None, is_access=False)
            )

    def _put(self, table: list[Known], token: Known) -> None:
        """Enter a token; of one that is handed out again, with a new lifetime or the old one, little is certain."""
        known = next((each for each in table if each.ref == token.ref), None)
        if known is None:
            table.append(token)
            return
        lives_on = known.fate is Fate.LIVE and known.family == token.family
        known.fate = Fate.LIVE if lives_on else Fate.OPEN
        known.since, known.was_refused = token.since, False
