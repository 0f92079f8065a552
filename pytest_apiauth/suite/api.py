"""The examiner's instrument: what a rule holds in its hand.

A rule builds a valid request, alters it, sends it, and says what must come back. Everything else is
done here: the control of an altered request is sent before it and again after its refusal, requests are
counted, secrets are put in on the way out, and a breach becomes an expectation, an observation and two
curl lines. A server's trouble (429, no connection) makes a verdict inconclusive and never a pass.

A control that has succeeded counts for every altered request of it until one is refused, so that of two valid
requests in turn each is sent once more than it has altered ones. What ends tokens forgets all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

from pytest_apiauth.auth.drafts import Control, Draft
from pytest_apiauth.auth.texts import Base64, FormEncoded, Ref, Unchanged
from pytest_apiauth.http import NotSendable
from pytest_apiauth.messages import FROM_GATEWAYS, described
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Kind, Zone
from pytest_apiauth.suite import consent
from pytest_apiauth.suite.answer import LONGEST_WORDS, Answer, Seen
from pytest_apiauth.suite.causes import known_as
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.observed import Admission, Life
from pytest_apiauth.suite.outcomes import (
    Breach,
    Cause,
    Counterexample,
    FromGateway,
    Inconclusive,
    NotApplicable,
    OutOfReach,
    Unjudged,
    Violation,
    says_nothing,
)
from pytest_apiauth.suite.rows import SERVER_ERROR_RULE, Rows
from pytest_apiauth.suite.steps import passing
from pytest_apiauth.suite.valid import ValidRequests

Found = TypeVar("Found")
NO_SERVER_ERROR = "a refusal, never a server error"
TARGET: Final = re.compile(r"((/|https?://)[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*)?")
"""A request target that begins and is made as one is (RFC 9112 3.2, RFC 3986 2), or none of its own."""
TABLE_SECONDS = {True: 60.0, False: 5.0}
"""How long the answers to one rule's table may take, of a live server or another; what comes then is brief."""
USUAL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that frameworks know. What they answer to others says nothing of credentials."""


def _asks_elsewhere(draft: Draft) -> bool:
    """Whether a request asks for another host or path than its valid one, or for another form of the answer.

    What renders a page, or serves another host, may be broken, and credentials have no part in it.
    """
    valid = draft if draft.control is None else draft.control.draft
    added = {name.lower() for name, _ in draft.headers} - {name.lower() for name, _ in valid.headers}
    is_moved = valid.method == "GET" and urlsplit(draft.url).path != urlsplit(valid.url).path
    return is_moved or "host" in added or (not draft.credentials and not added.isdisjoint(("accept", "content-type")))


class Api(ValidRequests):
    """One rule's conversation with one target about one part of its profile.

    Example::

        for valid in api.requests(zone, "bearer"):
            api.send(valid.anonymous()).refused()
    """

    def __init__(self, examination: Examination, rule_id: str) -> None:
        super().__init__(examination)
        self.rule_id = rule_id
        self.advice: list[Counterexample] = []
        self.filed: dict[str, Counterexample] = {}
        """Advice about other rules than the one at hand, by their ids."""
        self.controls = 0
        self.waited = 0
        """Seconds that have passed, or were waited for."""
        self.rows = Rows(lambda: examination.requests, self._unanswered)
        self.admissions: list[Admission] = []
        """What lets whom in, as far as the rule asks that."""
        self.found_out: set[str] = set()
        """What `Parts.waits_for` of other rules may name."""
        self.life: Life | None = None
        """The life of tokens of the rule's own, if it has any."""
        self._has_failed = False
        self._waited_before = examination.target.seconds_waited
        self._seen: list[Seen] = []
        self._following: dict[Hashable, tuple[int, object]] = {}

    # Sending

    def send(self, draft: Draft, *, server_errors: bool = False, alone: bool = False) -> Answer:
        """Send a request; the control of an altered one must have succeeded before.

        A 5xx breaks ``invalid-never-5xx`` wherever it comes; with ``server_errors`` the rule at hand is
        about them itself, and gets the answer. ``alone`` sends no control: the rule has seen to that by itself.

        Example::

            for valid in api.requests(zone, "bearer"):
                api.send(valid.editing(valid.token, Edit("reverse"))).refused()
        """
        seen = self.see(draft.control) if draft.control is not None and draft.is_altered and not alone else None
        # One server error is made sure of; those that follow it in the same rule are taken at their word.
        response = self.examination.send(draft, sure=not self._has_failed)
        answer = Answer(self, draft, response, seen)
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Unjudged(f"429 Too Many Requests at {draft.place}: the server limits the rate")
        if response.status in FROM_GATEWAYS and self.examination.target.kind.is_live:
            why = "a gateway's word, which says nothing of the server behind it"
            raise FromGateway(f"{described(response)} at {draft.place}: {why}")
        is_told = draft.method not in USUAL_METHODS or (response.status == 501 and draft.method not in ("GET", "POST"))
        # What a framework makes of broken HTTP, or of another spelling of a path, says nothing of credentials.
        is_told = is_told or TARGET.fullmatch(draft.target or "") is None
        is_told = is_told or (draft.target is not None and not draft.credentials) or _asks_elsewhere(draft)
        if response.status >= 500 and not is_told:  # 501 is the right answer to a method (RFC 9110 15.6.2)
            self._has_failed = True
            if seen is None and not alone:
                raise Unjudged(f"the valid request was answered with {answer.got}: {answer.curl}")
            if self.rule_id == SERVER_ERROR_RULE or server_errors:
                answer.fails(NO_SERVER_ERROR)
            raise Breach(SERVER_ERROR_RULE, answer.counterexample(NO_SERVER_ERROR))
        if self.life is not None:
            edited = {ref.bare for ref in draft.edited}
            refs = [ref for ref in draft.refs if ref not in edited]
            self.life.meet(self.examination.now, refs, f"{answer.asked}: {answer.got}", is_taken=answer.succeeds)
        return answer

    def _unanswered(self, got: str) -> Counterexample | None:
        """Write down the request that was sent last, to which no answer came."""
        examination = self.examination
        draft = examination.latest
        if draft is None:
            return None
        words = one_line(examination.redactor.redact(got), LONGEST_WORDS)
        control = "" if draft.control is None else examination.curl(draft.control.draft)
        return Counterexample("an answer", words, examination.curl(draft), control, tuple(self.steps))

    def admit(self, answer: Answer, zone: Zone, good: Collection[Kind], *, is_due: bool) -> None:
        """Keep what a zone answers to a set of credentials, for the table of what lets whom in.

        ``good`` are the kinds of those that are good; the others that the request carries are not.
        """
        wrong = (each.kind for each in answer.draft.credentials if each.kind not in good)
        self.admissions.append(
            Admission(zone.path, tuple(sorted(good)), tuple(sorted(wrong)), is_due, answer.is_admitted, answer.got)
        )

    def row(self, *, is_drawn: bool = False) -> AbstractContextManager[None]:
        """Judge one row of a table: its breach, or the server's trouble with it, does not end the rule."""
        return self.rows.row(is_drawn=is_drawn, forget=self.forget_controls)

    @contextmanager
    def connected(self, draft: Draft) -> Iterator[Callable[..., Answer]]:
        """Open one connection for several requests; gives a function that sends a draft on it.

        Its keywords are ``version`` (``1.0`` or ``1.1``) and ``close`` (end the connection after the answer).
        Raises NotApplicable if requests do not travel on connections.
        """
        target = self.examination.target
        if not target.kind.has_connections:
            raise OutOfReach(f"needs connections: {target.kind.no_connections}")
        # The control first: a server may close a connection that waits for it.
        if draft.control is not None:
            self.see(draft.control)
        with target.connection(draft.url) as connection:

            def send(draft: Draft, **how: Any) -> Answer:
                seen = self.see(draft.control) if draft.control is not None else None
                response = self.examination.send_by(lambda request: [connection.send(request, **how)], draft)[0]
                if response.status in (408, 429, *FROM_GATEWAYS):
                    raise Unjudged(f"{described(response)} on a connection of its own")
                return Answer(self, draft, response, seen)

            yield send
            if connection.carried > 1 and not connection.was_shared:
                raise NotApplicable("the server ends the connection after each answer, so none carries anything over")

    def attempt(self, draft: Draft, *, server_errors: bool = False) -> Answer | None:
        """Send a row of a table; None if the edit changes nothing or the row cannot be sent at all."""
        try:
            return self.send(draft, server_errors=server_errors)
        except (Unchanged, NotSendable):
            return None

    def each(self, drafts: Iterable[Draft], judge: Callable[[Answer], object], *, server_errors: bool = False) -> None:
        """Send every request, each as a row of its own, and judge what came; what cannot be sent at all is no row.

        Example::

            bare = valid.anonymous()
            api.each((bare.with_headers((name, "admin")) for name in NAMES), Answer.refused)
        """
        for draft in drafts:
            with self.row():
                answer = self.attempt(draft, server_errors=server_errors)
                if answer is not None:
                    judge(answer)

    def recommend(self, found: Counterexample) -> None:
        """Keep a piece of advice, unless the same was given before."""
        if all(one.expected != found.expected for one in self.advice):
            self.advice.append(found)

    def take(self, answer: Answer, words: str = "") -> None:
        """Keep a request as a step that led to what follows, with what came of it."""
        self.steps.take(answer.curl, words or answer.got)

    def needs_time(self, seconds: int) -> None:
        """Raise NotApplicable if so many seconds cannot pass: for one thing, nobody waits so long.

        Example::

            api.needs_time(lifetime + api.profile.token.leeway)
        """
        self.examination.needs_clock()
        patience = self.examination.patience
        if self.waited + seconds > patience:
            raise OutOfReach(
                f"takes {self.waited + seconds} seconds of waiting, and [live] wait permits {patience} in one rule"
            )

    def advance(self, seconds: int) -> None:
        """Move the target's clock forward, or wait. Raises NotApplicable if neither can be."""
        self.needs_time(seconds)
        self.waited += seconds
        self.examination.advance(seconds)
        self.forget_controls()
        if self.life is not None:
            self.life.wait(self.examination.now, seconds)
        clock = self.profile.clock
        place = self.profile.url(clock.url) if clock and clock.url else ""
        order = f"curl -sS --json '{{\"seconds\": {seconds}}}' {place}  " if place else ""
        self.steps.append(f"{order}# {passing(seconds)}")

    def once(self, what: Hashable, find: Callable[[], Found]) -> Found:
        """Return what was found out about the target before, by this rule or another; find it out the first time.

        Example::

            is_open = api.once("open to nobody", lambda: api.send(nobody).has_token)
        """
        known = self.examination.found
        if what not in known:
            known[what] = find()
        return cast("Found", known[what])

    def so_far(self, what: Hashable, find: Callable[[], Found]) -> Found:
        """Return what follows from what was found out so far: looked for again only once more is known.

        Example::

            closed = api.so_far("closed", lambda: [valid for valid in valids if not api.is_known_open(valid)])
        """
        known = len(self.examination.found)
        if what not in self._following or self._following[what][0] != known:
            self._following[what] = known, find()
        return cast("Found", self._following[what][1])

    def is_known_open(self, valid: Draft) -> bool:
        """Whether a valid request is known to get in without its credentials, by what rules found; sends nothing.

        Example::

            open_by_mistake = [valid for valid in api.requests(zone) if api.is_known_open(valid)]
        """
        return bool(self.examination.found.get(known_as(valid.anonymous())))

    def spares(self, rows: int = 1) -> bool:
        """Whether rows that only make a table complete are to be left out, since the answers to it took too long.

        What is left out is counted, and said. A rule asks before such a row; those that matter most it just sends.

        Example::

            if not value.is_brief and api.spares():
                return
        """
        target = self.examination.target
        is_late = target.seconds_waited - self._waited_before > TABLE_SECONDS[target.kind.is_live]
        self.rows.left_out += rows if is_late else 0
        return is_late

    # Controls

    def forget_tokens(self) -> None:
        """Get tokens anew from now on: what the rule has done may have ended those at hand."""
        self.examination.forget_tokens()
        self.forget_controls()

    def forget_controls(self) -> None:
        """Send each control anew before its next altered request."""
        self._seen.clear()

    def control(self, draft: Draft) -> None:
        """Send the control of a request, which must succeed: a server that refuses everything keeps no promise."""
        self.see_again(draft.control or Control(draft))

    def see_again(self, control: Control) -> Seen:
        """Send a control, whether it was seen to succeed or not."""
        self._seen = [each for each in self._seen if not each.control.is_same(control)]
        return self.see(control)

    def see(self, control: Control) -> Seen:
        """Return a control as it has succeeded, and send it if that was not seen. Raises Inconclusive if it fails."""
        for each in self._seen:
            if each.control.is_same(control):
                return each
        draft = control.fresh()
        response = self.examination.send(draft, sure=True)
        if not consent.succeeds(draft, response) and self.examination.renew_tokens(draft):
            draft = control.fresh()
            response = self.examination.send(draft)
        self.controls += 1
        if not consent.succeeds(draft, response):
            raise (Unjudged if says_nothing(response) else Inconclusive)(
                f"the valid request was answered with {described(response)}: {self.examination.curl(draft)}"
            )
        self.rows.server_answers()
        self._seen.append(Seen(control, draft, response))
        return self._seen[-1]


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
