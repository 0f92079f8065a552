"""What came back to a rule, and the words to judge it with."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn, Protocol
from urllib.parse import urlsplit

from pytest_apiauth.auth.browsing import cookies_for
from pytest_apiauth.auth.drafts import Control, Draft
from pytest_apiauth.messages import Response, described, listed
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.causes import Asking, open_to_all
from pytest_apiauth.suite.content import documented_at, told_in
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.heads import head_of
from pytest_apiauth.suite.outcomes import Cause, Counterexample, Follows, Violation

LONGEST_WORDS = 400
"""Characters of what was expected, and of what came: servers have a say in both."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A control that has succeeded: the request as it was sent, and its answer."""

    control: Control
    draft: Draft
    response: Response


class Conversation(Asking, Protocol):
    """What an answer needs of the rule's conversation that it is a part of: an `Api`."""

    @property
    def examination(self) -> Examination:
        """What the rules of the profile share."""

    @property
    def profile(self) -> Profile:
        """The promise."""

    @property
    def steps(self) -> Sequence[str]:
        """The curl lines that led here."""

    @property
    def filed(self) -> MutableMapping[str, Counterexample]:
        """Advice about other rules."""

    def send(self, draft: Draft, *, server_errors: bool = False, alone: bool = False) -> Answer:
        """Send a request."""

    def see(self, control: Control) -> Seen:
        """Return a control as it has succeeded."""

    def see_again(self, control: Control) -> Seen:
        """Send a control, whether it was seen to succeed or not."""

    def forget_controls(self) -> None:
        """Send each control anew before its next altered request."""

    def recommend(self, found: Counterexample) -> None:
        """Keep a piece of advice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the words to judge it with.

    A verdict that takes a control (`refused`, `no_token`, `like_control`) is one of a request that has one: that of a
    request without is a mistake of the rule's author, and raises TypeError.

    Example::

        answer = api.send(valid.without("api_key")).refused()
        answer.advise(answer.status == 401, "401 if no credential was sent")
    """

    api: Conversation
    draft: Draft
    response: Response
    seen: Seen | None = None
    """The control of the request, if it has succeeded before."""
    cause: str = ""
    """What a breach is one with, if other rules may break by the same: the name of a `Cause`."""

    @property
    def control_response(self) -> Response | None:
        """The answer to the valid request, if it was sent before."""
        return self.seen.response if self.seen is not None else None

    @property
    def status(self) -> int:
        """The status code."""
        return self.response.status

    @property
    def got(self) -> str:
        """The answer in a few words, without its body."""
        return described(self.response)

    @property
    def asked(self) -> str:
        """The request in two words: its method, and the path of its URL."""
        return f"{self.draft.method} {urlsplit(self.draft.url).path or '/'}"

    @property
    def curl(self) -> str:
        """The request as a curl line."""
        return self.api.examination.curl(self.draft)

    @property
    def members(self) -> dict[str, object]:
        """The members of a JSON object; empty if the body is none.

        Of a login that is not OAuth's they have the names of RFC 6749 5.1, wherever the profile says that they are.
        """
        if self.draft.layout is not None:
            return self.draft.layout.read(self.response)
        body = self.response.json()
        return body if isinstance(body, dict) else {}

    def cookies_for(self, url: str) -> list[tuple[str, str]]:
        """Return the cookies in it, by name and value, that a browser would send on to a URL (RFC 6265 5)."""
        return cookies_for(url, self.response, self.draft.url)

    @property
    def has_token(self) -> bool:
        """Whether an access token came back."""
        return bool(self.members.get("access_token"))

    @property
    def succeeds(self) -> bool:
        """Whether the status is a 2xx one."""
        return 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """Whether the status refuses: a 4xx does, and what the profile documents if the control's content is not there.

        So does a 5xx, in its way; that it came is said elsewhere.
        """
        return self.status >= 400 or (self.status in self.api.profile.refusal and not self._may_be_content)

    @property
    def is_admitted(self) -> bool:
        """Whether the request got in: a 2xx status that is no documented refusal."""
        return self.succeeds and not self.is_refusal

    @property
    def _may_be_content(self) -> bool:
        """Whether a 2xx answer may be what the control got: the same text, or an object of the same members."""
        before = self.control_response
        if not self.succeeds or before is None:
            return self.succeeds
        known = before.json()
        same = isinstance(known, dict) and self.members.keys() == known.keys()
        return same or before.body == self.response.body

    @property
    def granted(self) -> list[str]:
        """The scope that came with a token, in words. An error may repeat what was asked for, and grants nothing."""
        scope = self.members.get("scope") if self.has_token else None
        words = scope.split() if isinstance(scope, str) else scope
        return [str(word) for word in words] if isinstance(words, list) else []

    def refused(self, *, again: bool = True) -> Answer:
        """Require a refusal: a 4xx or a documented status, and no protected payload; another 4xx is advice only.

        Raises Follows if anybody gets in, which is another rule's finding. Without ``again`` the control is not sent
        again at once.
        """
        words = f"a refusal with {listed(self.api.profile.refusal)}"
        answer, before = self._beside_control()
        if not answer.is_refusal:
            answer.unless_open().fails(words)
        if len(before.response.body) > 2 and before.response.body == self.response.body:
            answer.fails(f"{words} without the protected content")
        names = documented_at(self.api.profile, self.draft)
        told = told_in(self.response, before.response, names)
        if told:
            expected, got = (
                f"{words} without the protected content",
                f"{self.got}, with the content's {', '.join(told)}",
            )
            # What every answer of an API has (its version, links) an error may have too.
            if told == told_in(before.response, before.response, names):
                answer.fails(expected, got)
            answer.advise(False, expected, got)
        answer.advise(self.status in self.api.profile.refusal, words)
        return answer._held_again(self) if again else answer

    def no_token(self, unless: Cause | None = None, *, is_due: bool = True, again: bool = True) -> Answer:
        """Require a refusal without a token: a 4xx or a documented status.

        Raises Follows if a token came for a cause that is another rule's. Where no refusal ``is_due``, since the
        request may mean something else there, a 2xx or 3xx without a token is advice only. Without ``again`` the
        control is not sent again at once.
        """
        words = "a refusal with a 4xx status"
        answer, _ = self._beside_control()
        if self.has_token:
            self._follows(unless)
            answer.fails("no token")
        is_refusal = self.status >= 400 or self.status in self.api.profile.refusal
        if is_due and not is_refusal:
            answer.fails(words)
        answer.advise(is_refusal and self.status < 500, words)
        return answer._held_again(self) if again else answer

    def unless_open(self) -> Answer:
        """Raise Follows if a request without any credential gets in as well, which is one finding, and another rule's.

        `refused` asks by itself; a rule that judges what came in another way may want to.
        """
        answer, before = self._beside_control()
        cause = open_to_all(self.api, before.control, self.draft)
        self._follows(cause)
        return replace(answer, cause=cause.name) if cause.is_shown else answer

    def advise_no_token(self, words: str, unless: Cause | None = None) -> Answer:
        """Recommend that no token is issued. Raises Follows if one came for a cause that is another rule's."""
        if self.has_token:
            self._follows(unless)
        return self.advise(not self.has_token, words)

    @staticmethod
    def _follows(cause: Cause | None) -> None:
        if cause is not None and cause.holds():
            raise Follows(cause)

    def accepted(self) -> Answer:
        """Require success."""
        answer = self if 200 <= self.status < 300 else self._with_new_token()
        if not 200 <= answer.status < 300:
            answer.fails("success, a 2xx status")
        return answer

    def issued(self) -> Answer:
        """Require a token."""
        if not (200 <= self.status < 300 and self.has_token):
            self.fails("a token")
        return self

    def like_control(self) -> Answer:
        """Require the same status as the control's."""
        answer, before = self._beside_control()
        if answer.status != before.response.status:
            answer, before = answer._with_new_token()._beside_control()
        if answer.status != before.response.status:
            # A server that has broken down meanwhile breaks no promise.
            answer._held_again(self)
            answer.fails(f"the same answer as without the alteration, {described(before.response)}")
        return answer

    def _with_new_token(self) -> Answer:
        """Send a refused request again with a new token: its own may have expired while the rule was at work."""
        if self.status not in (401, 403) or not self.api.examination.renew_tokens(self.draft):
            return self
        self.api.forget_controls()
        return self.api.send(self.draft)

    def _beside_control(self) -> tuple[Answer, Seen]:
        """Return the answer beside its control, which is sent now if it was not before."""
        if self.draft.control is None:
            raise TypeError("a verdict beside no valid request: make the draft of one, or name it with `Draft.beside`")
        seen = self.seen or self.api.see(self.draft.control)
        return self if seen is self.seen else replace(self, seen=seen), seen

    def _held_again(self, sent: Answer) -> Answer:
        """Send the control again that was sent before: a server that refuses everything keeps no promise."""
        if sent.seen is not None:
            self.api.see_again(sent.seen.control)
        return self

    def require(self, holds: bool, expected: str, got: str | None = None) -> Answer:
        """Require anything else of the answer."""
        if not holds:
            self.fails(expected, got)
        return self

    def advise(self, holds: bool, expected: str, got: str | None = None) -> Answer:
        """Recommend something: a warning if it does not hold, whatever the rule's level."""
        if not holds:
            self.api.recommend(self.counterexample(expected, got))
        return self

    def file(self, rule_id: str, holds: bool, expected: str, got: str | None = None) -> Answer:
        """Recommend something that is another rule's matter: a warning under that rule's id if it does not hold."""
        known = self.api.filed.get(rule_id)
        if not holds and (known is None or len(known.steps) > len(self.api.steps)):
            self.api.filed[rule_id] = self.counterexample(expected, got)
        return self

    def fails(self, expected: str, got: str | None = None) -> NoReturn:
        """End the rule with a breach of it."""
        raise Violation(self.counterexample(expected, got), self.cause)

    def counterexample(self, expected: str, got: str | None = None) -> Counterexample:
        """Write down what was expected, what came, and how to see it again."""
        examination = self.api.examination
        control, control_got = "", ""
        if self.seen is not None:
            control, control_got = examination.curl(self.seen.draft), described(self.seen.response)
        expected, got, control_got = (
            one_line(examination.redactor.redact(text), LONGEST_WORDS)
            for text in (expected, got or self.got, control_got)
        )
        head = head_of(self.response, examination.redactor.redact)
        return Counterexample(expected, got, self.curl, control, tuple(self.api.steps), head, control_got)
