"""The examiner's instrument: what a rule holds in its hand.

A rule builds a valid request, alters it, sends it, and says what must come back. Everything else is
done here: the valid twin is sent before an altered request and again after its refusal, requests are
counted, secrets are put in on the way out, and a breach becomes an expectation, an observation and two
curl lines. A server's trouble (429, no connection) makes a verdict inconclusive and never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from pytest_apiauth.auth.drafts import Base64, Draft, FormEncoded, Ref, Text, Unchanged
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import NotSendable
from pytest_apiauth.messages import FROM_GATEWAYS, Response, described
from pytest_apiauth.profile.model import DEFAULT, GrantType, Kind, Profile, Zone
from pytest_apiauth.suite import consent
from pytest_apiauth.suite.answer import Answer, Twin
from pytest_apiauth.suite.consent import Callback, Proof
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.outcomes import (
    Breach,
    Cause,
    Counterexample,
    Inconclusive,
    NotApplicable,
    OutOfReach,
    Unjudged,
    Violation,
    says_nothing,
)
from pytest_apiauth.suite.rows import SERVER_ERROR_RULE, Rows
from pytest_apiauth.suite.steps import Steps, naming

NO_SERVER_ERROR = "a refusal, never a server error"
CONNECTIONS = {
    "embedded": "--apiauth-wire serves the embedded server on a socket",
    "app": "an app in this process has none, a live run of it has",
}
"""Where connections are to be had, by what is examined instead."""
USUAL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that frameworks know. What they answer to others says nothing of credentials."""


class Api:
    """One rule's conversation with one target about one part of its profile."""

    def __init__(self, examination: Examination, rule_id: str) -> None:
        self.examination = examination
        self.rule_id = rule_id
        self.advice: list[Counterexample] = []
        self.filed: dict[str, Counterexample] = {}
        """Advice about other rules than the one at hand, by their ids."""
        self.steps = Steps()
        """The curl lines that led here, where a rule keeps them."""
        self.controls = 0
        self.rows = Rows(lambda: examination.requests)
        self._has_failed = False
        self._proved: Twin | None = None
        self._twin_answer: Response | None = None
        self._twin_draft: Draft | None = None
        self._twins: dict[tuple[str, str], Callable[[], Draft]] = {}

    @property
    def profile(self) -> Profile:
        """The promise, with every URL known and every identity that the target has."""
        return self.examination.profile

    # Valid requests

    def requests(self, zone: Zone, *kinds: Kind) -> Iterator[Draft]:
        """Give a valid request for each probe of a zone and each way into it.

        With ``kinds``, only the ways that use one of them.
        """
        ways = [way for way in self.examination.ways_into(zone) if not kinds or set(kinds) & set(way)]
        if not ways:
            raise OutOfReach(self.examination.why_closed(zone))
        for probe in zone.probe:
            for way in ways:
                yield self.request(probe, way)

    def request(self, path: str, kinds: tuple[Kind, ...] = ()) -> Draft:
        """Give a GET of a path that carries the named credentials."""
        return self.examination.request(path, kinds)

    def header(self, kind: Kind, value: Text | None = None) -> tuple[str, Text]:
        """Give the header line of a credential, or of another value in its place."""
        return self.examination.header(kind, value)

    def token_request(self, grant: GrantType, *, client: str = DEFAULT, user: str = DEFAULT) -> Draft:
        """Give a valid token request. A refresh request carries a refresh token of its own."""
        return self.examination.token_request(grant, client=client, user=user)

    def as_client(self, url: str, *parameters: tuple[str, object], client: str = DEFAULT) -> Draft:
        """Give a POST to another endpoint in which a client proves itself as it does for a token."""
        return self.examination.as_client(self.profile.url(url), parameters, client)

    def twin(self, grant: GrantType, *, client: str = DEFAULT) -> Twin:
        """Give the valid twin of altered requests of a grant, made anew each time it is sent.

        It has refresh tokens and codes of its own, so that it never spends the altered request's.
        """
        make = partial(self.examination.token_request, grant, client=client, own="CONTROL_")
        return self._twins.setdefault((grant, client), make)

    def authorization_request(self, proof: Proof | None = None) -> Draft:
        """Give a valid authorization request, with a proof key of its own or a chosen one."""
        return self.examination.authorization_request(proof=proof)

    def followed(self, answer: Answer) -> Draft | None:
        """Give the request that a browser makes next, where it is sent on to the same origin; else None."""
        target = consent.landing(answer.draft, answer.response)
        same = bool(target) and consent.place(target)[:3] == consent.place(answer.draft.url)[:3]
        if not same or consent.sort_of(answer.draft, answer.response) == "client":
            return None
        cookies = [line.partition(";")[0] for line in answer.response.header_lines("set-cookie")]
        url, _, query = target.partition("#")[0].partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        draft = Draft("GET", url, query=tuple((name, naming(value, self.examination.known)) for name, value in pairs))
        return draft.with_headers(("Cookie", self.keep("LOGIN_COOKIE", "; ".join(cookies)))) if cookies else draft

    def redemption(self, found: Callback, own: str = "") -> Draft:
        """Give a token request for a code at hand; ``own`` begins its placeholder's name."""
        return self.examination.token_request("authorization_code", callback=found, own=own)

    def refresh_token(self) -> Ref:
        """Get a refresh token that nothing else uses. Raises NotApplicable where no grant gives one."""
        return self.examination.fresh_refresh_token()

    def keep(self, name: str, value: str) -> Ref:
        """Keep a value that came in an answer, to send it under a placeholder name; the step that gave it is shown."""
        ref = self.examination.keep(name, value)
        found = self.examination.recent.giving(value)
        if found is not None:
            draft, response = found
            self.steps.give(name, self.examination.curl(draft), response)
        return ref

    def credential(self, kind: str, who: str = DEFAULT) -> Ref:
        """Name a credential (``CLIENT_SECRET``, ``ACCESS_TOKEN`` …) of the default or another identity.

        Raises NotApplicable where the profile or the target cannot supply it.
        """
        ref = self.examination.ref(kind, who)
        self.examination.value(ref.name)
        return ref

    # Sending

    def send(
        self, draft: Draft, *, twin: Twin | None = None, server_errors: bool = False, proved: bool = False
    ) -> Answer:
        """Send a request; an altered one names its valid ``twin``, which must have succeeded before.

        A 5xx breaks ``invalid-never-5xx`` wherever it comes; with ``server_errors`` the rule at hand is
        about them itself, and gets the answer. ``proved`` says that the rule has seen its own control succeed.
        """
        if twin is not None:
            self._prove(twin)
        # One server error is made sure of; those that follow it in the same rule are taken at their word.
        response = self.examination.send(draft, sure=not self._has_failed)
        answer = Answer(self, draft, response, twin, self._twin_draft, self._twin_answer)
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unjudged("429 Too Many Requests: the server limits the rate")
        if response.status in FROM_GATEWAYS and self.examination.target.kind == "live":
            raise Unjudged(f"{described(response)}: a gateway's word, which says nothing of the server behind it")
        is_told = draft.method not in USUAL_METHODS or (response.status == 501 and draft.method not in ("GET", "POST"))
        if response.status >= 500 and not is_told:  # 501 is the right answer to a method (RFC 9110 15.6.2)
            self._has_failed = True
            if twin is None and not proved:
                raise Unjudged(f"the valid request was answered with {answer.got}: {answer.curl}")
            if self.rule_id == SERVER_ERROR_RULE or server_errors:
                answer.fails(NO_SERVER_ERROR)
            raise Breach(SERVER_ERROR_RULE, answer.counterexample(NO_SERVER_ERROR))
        return answer

    @contextmanager
    def row(self, *, is_drawn: bool = False) -> Iterator[None]:
        """Judge one row of a table: its breach, or the server's trouble with it, does not end the rule."""
        with self.rows.row(is_drawn=is_drawn):
            try:
                yield
            except (Violation, Inconclusive, UnreachableError):
                self.forget_proof()
                raise

    @contextmanager
    def connected(self, draft: Draft) -> Iterator[Callable[..., Answer]]:
        """Open one connection for several requests; gives a function that sends a draft on it.

        Its keywords are ``version`` (``1.0`` or ``1.1``), ``close`` (end the connection after the answer) and
        ``twin``. Raises NotApplicable where requests do not travel on connections.
        """
        target = self.examination.target
        if not target.has_connections:
            raise OutOfReach(f"needs connections: {CONNECTIONS.get(target.kind, 'recordings have none')}")
        # The twin first: a server may close a connection that waits for it.
        self._prove(draft)
        with target.connection(draft.url) as connection:

            def send(draft: Draft, *, twin: Draft | None = None, **how: Any) -> Answer:
                if twin is not None:
                    self._prove(twin)
                response = self.examination.send_by(lambda request: [connection.send(request, **how)], draft)[0]
                if response.status in (408, 429, 503):
                    raise Unjudged(f"{described(response)} on a connection of its own")
                return Answer(self, draft, response, twin, self._twin_draft, self._twin_answer)

            yield send
            if connection.carried > 1 and not connection.was_shared:
                raise NotApplicable("the server ends the connection after each answer, so none carries anything over")

    def attempt(self, draft: Draft, *, twin: Twin, server_errors: bool = False) -> Answer | None:
        """Send a row of a table; None where the edit changes nothing or the row cannot be sent at all."""
        try:
            return self.send(draft, twin=twin, server_errors=server_errors)
        except (Unchanged, NotSendable):
            return None

    def recommend(self, found: Counterexample) -> None:
        """Keep a piece of advice, unless the same was given before."""
        if all(one.expected != found.expected for one in self.advice):
            self.advice.append(found)

    def take(self, answer: Answer, words: str = "") -> None:
        """Keep a request as a step that led to what follows, with what came of it."""
        self.steps.take(answer.curl, words or answer.got)

    def advance(self, seconds: int) -> None:
        """Move the target's clock forward. Raises NotApplicable where it cannot be moved."""
        self.examination.advance(seconds)
        self._proved = None
        clock = self.profile.clock
        place = self.profile.url(clock.url) if clock and clock.url else ""
        order = f"curl -sS --json '{{\"seconds\": {seconds}}}' {place}  " if place else ""
        self.steps.append(f"{order}# {seconds} seconds pass")

    def forget_proof(self) -> None:
        """Prove the twin anew before the next altered request."""
        self._proved = None

    def proved_again(self, twin: Twin) -> None:
        """Send the twin after a refusal: a server that refuses everything keeps no promise."""
        self._proved = None
        self._prove(twin)

    def _prove(self, twin: Twin) -> None:
        if self._proved is not None and (self._proved is twin or self._proved == twin):
            return
        draft = twin() if callable(twin) else twin
        response = self.examination.send(draft, sure=True)
        if not consent.succeeds(draft, response) and self.examination.renew_tokens(draft):
            draft = twin() if callable(twin) else twin
            response = self.examination.send(draft)
        self.controls += 1
        if not consent.succeeds(draft, response):
            raise (Unjudged if says_nothing(response) else Inconclusive)(
                f"the valid twin was answered with {described(response)}: {self.examination.curl(draft)}"
            )
        self._proved, self._twin_draft, self._twin_answer = twin, draft, response


__all__ = [
    "Answer",
    "Api",
    "Base64",
    "Breach",
    "Cause",
    "Counterexample",
    "Draft",
    "FormEncoded",
    "Ref",
    "Violation",
]  # fmt: skip
