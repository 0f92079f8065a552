"""The life of tokens over whole sequences: log in, use, refresh, replay, revoke, let time pass, in any order.

What is drawn is a list of operations that pick among the tokens at hand; it shrinks to the shortest sequence
that still shows a breach. What must come of each step says the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from hypothesis import strategies as st

from pytest_apiauth.rules import (
    DEFAULT,
    DOC,
    GRANTS,
    MUST,
    PROFILE,
    REGISTRY,
    REVOKE,
    SHOULD,
    Answer,
    Api,
    Breach,
    Draft,
    History,
    Inconclusive,
    NotApplicable,
    Parts,
    Profile,
    Ref,
    Role,
    Tokens,
    UnreachableError,
    Violation,
    Zone,
    draws,
    logout_request,
    read_challenges,
    rule,
)

from .leaks import echoes
from .model import Actor, Fate, Known, Model
from .parts import issued_token_zones
from .revocation import asking, client_of, introspection, revocation

LOOK = (
    "The store of tokens: which row an operation finds, updates or deletes. Filter by user, client and"
    " family each time, and never by 'the latest'."
)

LENGTH = 16


def _one_zone(profile: Profile) -> dict[str, Zone]:
    zones = issued_token_zones.find(profile)
    told = {name: zone for name, zone in zones.items() if zone.identity}
    return dict(list((told or zones).items())[:1])


one_token_zone = Parts(issued_token_zones.otherwise, _one_zone)


@dataclass(frozen=True, slots=True)
class Operation:
    """One step; ``pick`` chooses among the actors or tokens there are."""

    name: str
    pick: int = 0


picks = st.integers(0, 7)
operations = st.lists(
    st.builds(
        Operation,
        # The first is the simplest, so a step that is not needed shrinks to it; repetition is weight.
        st.sampled_from(
            (
                "rest",
                *["log_in"] * 3,
                *["refresh"] * 4,
                *["replay"] * 2,
                "use",
                "revoke",
                "expire",
                "present_elsewhere",
            ),
        ),
        picks,
    ),
    min_size=LENGTH,
    max_size=LENGTH,
)


class Cast:
    """Who takes part: the users and clients whose own requests are seen to succeed. This is the control."""

    def __init__(self, api: Api, zone: Zone) -> None:
        self.zone, self.valid = zone, next(api.requests(zone, "bearer"))
        actors = [Actor(DEFAULT, DEFAULT), *_others(api)]
        self.actors = [found for actor in actors if (found := self._tried(api, actor))]
        if not self.actors:
            raise Inconclusive(f"no token could be had and used at {self.valid.url}")
        api.controls += 1

    def _tried(self, api: Api, actor: Actor) -> Actor | None:
        history, is_default = History(api), actor == Actor(DEFAULT, DEFAULT)
        grant = history.grant()
        takes_anyone = grant is not None and GRANTS[grant].takes_password
        if actor.user != DEFAULT and not takes_anyone:
            return None
        try:
            tokens = history.log_in(client=actor.client, user=actor.user)
            if is_default:
                self._find_place(history, tokens)
            answer = api.send(self.request(api, tokens.access)).accepted()
            identity = answer.members.get(self.zone.identity) if self.zone.identity else None
            refreshes = tokens.refresh is not None and api.profile.can_refresh
            if refreshes:
                again = history.refresh(tokens, client=actor.client)
                api.send(self.request(api, again.access)).accepted()
        except NotApplicable:
            if is_default:
                raise
            return None
        except (Inconclusive, UnreachableError, Violation):
            if is_default:
                raise Inconclusive(
                    "a login, a use of the token and a refresh do not all succeed by themselves"
                ) from None
            return None
        return Actor(actor.client, actor.user, identity, refreshes)

    def _find_place(self, history: History, tokens: Tokens) -> None:
        """Choose the first zone that takes a token of the grant that the sequences begin with."""
        api, grant = history.api, history.grant()
        others = [zone for zone in issued_token_zones.find(api.profile).values() if zone is not self.zone]
        for zone in (self.zone, *others):
            opened = history.opened(tokens, api.requests(zone, "bearer"))
            if opened:
                self.zone, self.valid = zone, opened[0]
                return
        if grant != api.profile.usual_grant:
            raise NotApplicable(f"no zone takes a token of the grant {grant}, with which a sequence begins")

    def request(self, api: Api, token: Ref) -> Draft:
        """Return the valid request with a token of ours."""
        return self.valid.presenting("bearer", token).as_control()


def _others(api: Api) -> Iterator[Actor]:
    """Yield another user at the usual client, and the usual user at another client: another by their values."""
    grant = History(api).grant()
    row = api.profile.grants.get(grant) if grant else None
    with suppress(NotApplicable):
        yield Actor(DEFAULT, api.another(Role.USERNAME, than=row.user if row else DEFAULT).who)
    if api.profile.token.client_auth != "none":
        with suppress(NotApplicable):
            yield Actor(api.another(Role.CLIENT_ID, than=row.client if row else DEFAULT, grant=grant).who, DEFAULT)


class Life:
    """One sequence on one target beside its model."""

    def __init__(self, api: Api, zone: Zone, *, about: Fate) -> None:
        if min(api.profile.refusal) < 300:
            raise NotApplicable("where a refusal has a 2xx status, a sequence cannot tell it from a success")
        self.api, self.about = api, about
        self.cast = api.once(("cast", api), lambda: Cast(api, zone))
        self.history = History(api)
        self.model = Model(api.profile)
        grant = self.history.grant()
        self.documented = api.profile.answer_of(grant).expires_in if grant else None

    def run(self, steps: list[Operation]) -> None:
        """Take the steps, then use every access token once more."""
        for step in steps:
            # A first step that has no token to work on makes one, so that hardly any sequence is in vain.
            is_vain = not self.model.access and step.name != "rest"
            method: Callable[[int], None] = self.log_in if is_vain else getattr(self, step.name)
            method(step.pick)
        for token in self.model.access:
            self._use(token)

    # The operations

    def rest(self, pick: int) -> None:
        """Do nothing."""

    def log_in(self, pick: int) -> None:
        """Get new tokens for one of the actors, and use the access token."""
        actor = self.cast.actors[pick % len(self.cast.actors)]
        tokens = self.history.log_in(client=actor.client, user=actor.user)
        self.model.logged_in(actor, tokens, self.documented, self._now)

    def refresh(self, pick: int) -> None:
        """Present a refresh token that may live."""
        self._present([token for token in self.model.refresh if token.fate is not Fate.DEAD], pick)

    def replay(self, pick: int) -> None:
        """Present any refresh token there ever was, ancestors included."""
        self._present(self.model.refresh, pick)

    def _present(self, tokens: list[Known], pick: int) -> None:
        token = self._one_of([token for token in tokens if token.actor.refreshes], pick)
        if token is None:
            return
        draft = self.history.refresh_request(token.ref, client=token.actor.client)
        answer = self._checked(self.api.send(draft, alone=True))
        self._judge(token, answer, accepted=answer.has_token)
        if answer.has_token:
            documented = self.api.profile.answer_of("refresh_token").expires_in
            self.model.refreshed(token, self.history.taken(answer), documented, self._now)
        else:
            self.history.keep(answer)
            self.model.replayed(token)

    def use(self, pick: int) -> None:
        """Use any access token there ever was."""
        token = self._one_of(self.model.access, pick)
        if token is not None:
            self._use(token, keep=True)

    def revoke(self, pick: int) -> None:
        """Revoke a refresh token, or an access token if there is none."""
        token = self._one_of(self._revocable(), pick)
        if token is None or self.api.profile.revocation_url is None:
            return
        client = self._client(token)
        if self.api.profile.is_oauth:
            draft = revocation(self.api, token.ref, client)
        else:
            given = {"access_token" if token.is_access else "refresh_token": token.ref}
            draft = logout_request(self.api.profile, given, client=client)
        answer = self._checked(self.api.send(draft, alone=True))
        self.history.keep(answer)
        if answer.status == 200 or (answer.succeeds and not self.api.profile.is_oauth):
            self.model.revoked(token)
        else:
            self.model.replayed(token)

    def _revocable(self) -> list[Known]:
        """Return the tokens that can be revoked: of a login that is not OAuth's, those that a log-out carries alone."""
        table = self.api.profile.logout_request
        if table is None:
            return self.model.refresh or self.model.access
        if table.carries_both:
            return []
        return self.model.access if table.is_about(access=True) else self.model.refresh

    def expire(self, pick: int) -> None:
        """Let the lifetime of every access token pass."""
        lifetimes = [token.lifetime for token in self.model.access if token.lifetime]
        if lifetimes and self.api.examination.target.can_move_clock:
            self.api.advance(max(lifetimes) + self._leeway)

    def present_elsewhere(self, pick: int) -> None:
        """Present a refresh token as another client than the one it was given to."""
        token = self._one_of([token for token in self.model.refresh if token.actor.refreshes], pick)
        others = [] if token is None else [a for a in self.cast.actors if a.client != token.actor.client]
        if token is None or not others:
            return
        draft = self.history.refresh_request(token.ref, client=others[0].client)
        answer = self._checked(self.api.send(draft, alone=True))
        if answer.has_token and self.about is Fate.DEAD:
            self._breach("ref-client-bound", answer, "no token for another client than the token's own")
        self.history.keep(answer)
        self.model.replayed(token)

    # Judging

    def _use(self, token: Known, *, keep: bool = False) -> None:
        answer = self._checked(self.api.send(self.cast.request(self.api, token.ref), alone=True))
        accepted = not answer.is_refusal
        self._judge(token, answer, accepted=accepted)
        if accepted and self.about is Fate.DEAD and token.actor.identity is not None:
            same = answer.members.get(str(self.cast.zone.identity)) == token.actor.identity
            answer.require(same, "the user that the token was issued for", "another user")
        if asking.find(self.api.profile) and token.fate is not Fate.OPEN:
            self._introspect(token, answer, accepted=accepted)
        if keep:
            self.history.keep(answer)

    def _judge(self, token: Known, answer: Answer, *, accepted: bool) -> None:
        fate = token.fate_at(self._now, self._leeway)
        name = "access token" if token.is_access else "refresh token"
        if accepted and fate is Fate.DEAD and self.about is Fate.DEAD:
            answer.fails(f"a refusal of ${{{token.ref.name}}}: {token.why}", f"{answer.got}, so this {name} lives")
        if accepted and token.was_refused and self.about is Fate.DEAD:
            self._breach("exp-monotone", answer, f"a refusal of ${{{token.ref.name}}}, which was refused before")
        if not accepted and fate is Fate.LIVE:
            if self.about is Fate.LIVE:
                answer.fails(f"success, since nothing has ended ${{{token.ref.name}}}")
            token.may_die()
        token.was_refused = token.was_refused or (not accepted and fate is not Fate.LIVE)

    def _introspect(self, token: Known, used: Answer, *, accepted: bool) -> None:
        draft = introspection(self.api, token.ref, self._client(token))
        answer = self.api.send(draft, alone=True)
        if answer.status == 200 and "active" in answer.members:
            words = f"active {str(accepted).lower()}, as the resource answered {used.status}"
            answer.file("int-agrees", answer.members["active"] is accepted, words, "the opposite")

    def _checked(self, answer: Answer) -> Answer:
        """Hold an answer to what holds for every answer."""
        for ref in answer.draft.refs:
            if not ref.role.is_public and not answer.has_token:
                echoed = echoes(answer, self.api.examination.value(ref))
                answer.file("leak-canary", not echoed, "no credential repeated in the answer", f"${{{ref.name}}} in it")
        if answer.status == 401:
            try:
                found = bool(read_challenges(answer.response.header_lines("www-authenticate")))
            except ValueError:
                found = False
            answer.file("res-401-challenge", found, "a challenge that can be parsed with the 401", "none")
        return answer

    def _breach(self, rule_id: str, answer: Answer, expected: str) -> None:
        if REGISTRY[rule_id].level_for(self.api.profile) in (MUST, DOC):
            raise Breach(rule_id, answer.counterexample(expected))
        answer.file(rule_id, False, expected)

    def _client(self, token: Known) -> str:
        grant = self.history.grant()
        return client_of(self.api, grant) if grant and token.actor.client == DEFAULT else token.actor.client

    @property
    def _now(self) -> float:
        return self.api.examination.now

    @property
    def _leeway(self) -> int:
        return self.api.profile.token.leeway

    @staticmethod
    def _one_of(tokens: list[Known], pick: int) -> Known | None:
        return tokens[pick % len(tokens)] if tokens else None


def lived(api: Api, zone: Zone, steps: list[Operation], about: Fate) -> None:
    """Run one sequence; whatever it has ended is got anew by those who come after it."""
    try:
        Life(api, zone, about=about).run(steps)
    finally:
        api.forget_tokens()


@rule(
    DOC,
    PROFILE,
    "RFC 6749 1.5",
    "RFC 6749 6",
    "RFC 9700 4.14.2",
    applies=one_token_zone,
    catches=("refresh-revives-other-login", "refresh-prolongs-expired", "refresh-gives-latest-user"),
    safety=REVOKE,
    look="The shortest sequence is in the steps: look which row each of them should have ended or left, and"
    " compare by user, client and family.",
)
@draws(steps=operations)
def life_cycle(api: Api, zone: Zone, steps: list[Operation]) -> None:
    """Whatever comes in between, a dead token stays dead and a token acts for its own user."""
    lived(api, zone, steps, Fate.DEAD)


@rule(
    SHOULD,
    "RFC 6749 1.5",
    "RFC 9700 4.14.2",
    applies=one_token_zone,
    catches=("reuse-ends-other-users", "refresh-ends-other-users"),
    safety=REVOKE,
    look="What ends too much: a revocation, refresh or reuse that deletes by user or client where it should"
    " by family or token.",
)
@draws(steps=operations)
def life_isolation(api: Api, zone: Zone, steps: list[Operation]) -> None:
    """Whatever becomes of other tokens, a token that nothing has ended works."""
    lived(api, zone, steps, Fate.LIVE)
