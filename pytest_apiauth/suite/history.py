"""Tokens step by step: each under a placeholder name of its own, each request kept as a curl line.

Rules about what becomes of tokens need more than one request to show a breach. A `History` sends those
requests, names what they give (``ACCESS_TOKEN_2``, ``REFRESH_TOKEN_2`` for the second answer), and writes
each step into `Api.steps`, which a counterexample then shows in order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import DEFAULT, GrantType
from pytest_apiauth.suite.api import Answer, Api
from pytest_apiauth.suite.observed import Life
from pytest_apiauth.suite.outcomes import NotApplicable, OutOfReach
from pytest_apiauth.targets.target import Target


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one token answer gave.

    Example::

        tokens = History(api).log_in()
        api.send(valid.presenting("bearer", tokens.access)).accepted()
    """

    access: Ref
    refresh: Ref | None
    expires_in: int | None
    scope: str | None


class History:
    """One chain of requests about tokens.

    Example::

        history = History(api)
        first = history.log_in()
        history.refresh(first)
        api.send(history.request(first).in_doubt()).no_token()
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self._answers = 0
        self._names: dict[str, Ref] = {}
        api.steps.clear()
        api.life = Life(api.examination.now)

    def grant(self) -> GrantType | None:
        """Return the grant that begins a chain: one that gives a refresh token, or the usual one.

        Where zones take a person's token, as the usual grant gives it, a client's own stands for nothing.
        """
        profile = self.api.profile
        usual = profile.usual_grant
        possible = [
            name
            for name in profile.grants
            if GRANTS[name].stands_alone
            and self.api.examination.can_use(name)
            and (GRANTS[name].acts_for_user or usual is None or not GRANTS[usual].acts_for_user)
        ]
        giving = [name for name in possible if profile.answer_of(name).refresh_token]
        return next(iter(giving), usual if usual in possible else next(iter(possible), None))

    def opened(self, tokens: Tokens, drafts: Iterable[Draft]) -> list[Draft]:
        """Return those of some valid requests that succeed with the access token at hand as well.

        Grants differ in scope, so a zone that takes the usual grant's tokens may be closed to another's: what is said
        of a token later on is said of the requests that it was good for.
        """
        return [draft for draft in drafts if self.api.send(self.using(tokens, draft), alone=True).succeeds]

    def using(self, tokens: Tokens, draft: Draft) -> Draft:
        """Return a valid request with another access token in it."""
        return draft.presenting("bearer", tokens.access)

    def log_in(self, grant: GrantType | None = None, *, client: str = DEFAULT, user: str = DEFAULT) -> Tokens:
        """Begin a chain with new tokens. Raises NotApplicable if that takes a person."""
        grant = grant or self.grant()
        if grant is None:
            raise OutOfReach("each step takes tokens of its own, and no grant that works without a person gives them")
        obtaining = self.api.examination.obtaining
        return self.send(obtaining.token_request(grant, client=client, user=user, in_private=True))

    def refresh(self, tokens: Tokens, *, client: str = DEFAULT) -> Tokens:
        """Refresh once, which must succeed."""
        return self.send(self.request(tokens, client=client))

    def request(self, tokens: Tokens, *, client: str = DEFAULT) -> Draft:
        """Return the refresh request for tokens. Raises NotApplicable if none came with them."""
        if tokens.refresh is None:
            raise NotApplicable("no refresh token came with the token")
        return self.refresh_request(tokens.refresh, client=client)

    def refresh_request(self, token: Ref, *, client: str = DEFAULT) -> Draft:
        """Return the refresh request for a refresh token."""
        return self.api.examination.obtaining.token_request("refresh_token", client=client, refresh_token=token)

    def send(self, draft: Draft) -> Tokens:
        """Send a valid token request, and name what it gives."""
        return self.taken(self.api.send(draft).issued())

    def taken(self, answer: Answer) -> Tokens:
        """Name what a token answer gave, and keep the step."""
        tokens = self._named(answer)
        names = [ref.name for ref in (tokens.access, tokens.refresh) if ref is not None]
        self.keep(answer, f"gives {', '.join(names)}")
        return tokens

    def keep(self, answer: Answer, words: str = "") -> None:
        """Keep a request as a step, with what came of it."""
        self.api.take(answer, words)

    def all_at_once(self, draft: Draft, times: int) -> list[Tokens]:
        """Send one request several times at the same moment, and name what the ones that succeed give."""
        target = self.api.examination.target
        if not target.is_parallel:
            raise OutOfReach("requests at once take a server: the app shares its thread with this run")
        responses = self.api.examination.send_by(lambda request: send_together(target, request, times), draft)
        answers = [Answer(self.api, draft, response) for response in responses]
        won = [answer for answer in answers if answer.has_token]
        found = [self._named(answer) for answer in won]
        names = dict.fromkeys(ref.name for tokens in found for ref in (tokens.access, tokens.refresh) if ref)
        outcome = f"{len(won)} succeed: {', '.join(names)}" if won else "none succeeds"
        self.api.steps.append(f"{answers[0].curl}  # {times} times at once; {outcome}")
        return found

    def _named(self, answer: Answer) -> Tokens:
        self._answers += 1
        members = answer.members
        access, refresh, lifetime = (members.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        scope = members.get("scope")
        tokens = Tokens(
            self._name(Role.ACCESS_TOKEN, str(access)),
            self._name(Role.REFRESH_TOKEN, refresh) if isinstance(refresh, str) and refresh else None,
            lifetime if isinstance(lifetime, int) and not isinstance(lifetime, bool) else None,
            scope if isinstance(scope, str) else None,
        )
        self._enter(answer, tokens)
        return tokens

    def _enter(self, answer: Answer, tokens: Tokens) -> None:
        """Enter what was given in the life of the rule's tokens."""
        life = self.api.life
        if life is not None:
            lasts = "" if tokens.expires_in is None else f", for {tokens.expires_in} s"
            refs = [ref for ref in (tokens.access, tokens.refresh) if ref is not None]
            is_renewal = life.knows_refresh(answer.draft.refs)
            life.give(self.api.examination.now, refs, f"{answer.asked}: {answer.got}{lasts}", is_renewal=is_renewal)

    def _name(self, role: Role, value: str) -> Ref:
        """Name a value; one that came before keeps its name, since a server may hand out the same token again."""
        if value not in self._names:
            ref = Ref(role, named=f"{role.value}_{self._answers}")
            self._names[value] = self.api.examination.placeholders.keep(ref, value)
        return self._names[value]


def send_together(target: Target, request: Request, times: int) -> list[Response]:
    """Send one request from several threads that start together. Raises UnreachableError if no answer comes."""
    start = threading.Barrier(times)

    def run() -> Response | UnreachableError:
        start.wait()
        try:
            return target.send(request)
        except UnreachableError as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        outcomes = [future.result() for future in [pool.submit(run) for _ in range(times)]]
    responses = [outcome for outcome in outcomes if isinstance(outcome, Response)]
    if not responses:
        raise next(outcome for outcome in outcomes if isinstance(outcome, UnreachableError))
    return responses
