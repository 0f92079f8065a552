"""A rule shown by two exchanges of the embedded server: the one that a fault makes wrong, and the same without it.

Both are real. The rule is run on a server that has the fault until it catches it; then with what it had drawn for that
alone, on another such server and on one that keeps its promise, which both get the same requests up to the one that is
shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth import bundled
from pytest_apiauth.auth import shell
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.texts import parts_of
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.api import Api
from pytest_apiauth.suite.book import Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.heads import head_of
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.outcomes import Counterexample, Violation
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.target import Target

CONDITIONS = Conditions(examples=12, seed=0)
LONGEST_BODY = 200
"""Characters of a body that are shown."""
LONGEST_LINE = 200
"""The same of a line of a request's head."""
FIRST: Final[Mapping[str, str]] = {
    "assertions": "assertion", "bombs": "jwt", "claims": "jwt", "issuer": "target", "logins": "login", "par": "pushed",
    "scopes": "scoped", "signatures": "signed", "targets": "target",
}  # fmt: skip
"""The profile that shows a chapter best, by the name of its file, if that is not the chapter's.

Where there is no such file, the one with most in it shows it.
"""
USUAL: Final = "reference"
Build = Callable[[Profile, tuple[str, ...], Redactor], Target]
"""Makes an embedded server that keeps a profile's promise, save for some faults."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, fit to be printed."""

    curl: str
    request: tuple[str, ...] = ()
    """Its head; nothing if no answer came."""
    answer: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a fault does, on the profile that shows it."""

    fault: str
    profile: str
    expected: str
    got: str
    failing: Exchange
    passing: Exchange | None
    """None where the server that keeps its promise is asked nothing."""


def examples(rule: Rule) -> Iterator[Profile]:
    """Yield the profiles that may show a rule at work, the best first."""
    first = FIRST.get(rule.chapter, rule.chapter)
    files = [*bundled.examples(), *loading.builtin_profiles().values()]
    order = {f"{first}.apiauth.toml": 0, f"{USUAL}.apiauth.toml": 1}
    for file in sorted(files, key=lambda file: order.get(file.name, 2)):
        yield loading.load(file)


def shown(rule: Rule, fault: str, profiles: Iterable[Profile], build: Build) -> Shown | None:
    """Return what a fault of a rule does on the first of some profiles that shows it; None if none does.

    One that shows what comes without the fault too is preferred.
    """
    half = None
    for profile in profiles:
        if not rule.applies.find(profile):
            continue
        found = _caught(rule, fault, profile, build)
        if found is not None and found.passing is not None:
            return found
        half = half or found
    return half


def _caught(rule: Rule, fault: str, profile: Profile, build: Build) -> Shown | None:
    for part in rule.applies.find(profile):
        run = _Run(rule, part, profile, build)
        found = run.breach_of(fault)
        if found is not None:
            failing, number = run.failing(fault, found)
            passing = run.passing(found.curl, number)
            return Shown(fault, profile.title or profile.name, found.expected, found.got, failing, passing)
    return None


class _Run:
    """One rule on one part of a profile, each time on a server of its own."""

    def __init__(self, rule: Rule, part: str, profile: Profile, build: Build) -> None:
        self._rule, self._part, self._profile, self._build = rule, part, profile, build
        self._drawn: dict[str, object] = {}

    def breach_of(self, fault: str) -> Counterexample | None:
        """Return what the rule finds wrong with a server that has a fault, and keep what it had drawn for that."""

        def function(api: Api, argument: object, **drawn: object) -> None:
            try:
                self._rule.function(api, argument, **drawn)
            except Violation:
                self._drawn = drawn
                raise
            if api.rows.failed or api.advice or api.rows.breaches:
                self._drawn = drawn

        with suppress(ApiAuthError, KeyError), closing(self._ready(fault)) as watched:
            outcome = judge(replace(self._rule, function=function), watched, self._argument(watched), CONDITIONS)
            return outcome.counterexample if outcome.verdict in (Verdict.FAIL, Verdict.WARNING) else None
        return None

    def failing(self, fault: str, found: Counterexample) -> tuple[Exchange, int]:
        """Return the exchange of a breach, and which of those with its curl line it is; its lines if it is none."""
        with suppress(ApiAuthError), closing(self._ready(fault)) as watched:
            self._once(watched)
            # Rows that have one line, since a signature has one name, say, differ in what came of them.
            alike = watched.exchanges_of(found.curl)
            number = max((n for n, (_, answer) in enumerate(alike, 1) if _has_head(answer, found)), default=len(alike))
            if alike:
                return watched.written(*alike[number - 1], found.steps), number
        return Exchange(found.curl, answer=found.head, steps=found.steps), 1

    def passing(self, curl: str, number: int) -> Exchange | None:
        """Return what a server that keeps its promise answers where the other one has failed."""
        with suppress(ApiAuthError), closing(self._ready()) as watched:
            watched.until(curl, number)
            self._once(watched)
            alike = watched.exchanges_of(curl)[:number] or watched.exchanges
            return watched.written(*alike[-1]) if alike else None
        return None

    def _ready(self, *faults: str) -> _Watched:
        redactor = Redactor()
        watched = _Watched(self._build(self._profile, faults, redactor), redactor)
        try:
            make_ready(watched)
        except BaseException:
            watched.close()
            raise
        watched.exchanges.clear()
        return watched

    def _argument(self, watched: _Watched) -> object:
        return self._rule.applies.find(watched.profile)[self._part]

    def _once(self, watched: _Watched) -> None:
        """Run the rule with what it had drawn, and nothing else; whatever ends it has been seen by then."""
        with suppress(Exception, _Met):
            self._rule.function(Api(watched, self._rule.id), self._argument(watched), **self._drawn)


class _Met(BaseException):
    """The request that was looked for has been answered: what the rule would do after it shows nothing more."""


class _Watched(Examination):
    """An examination that remembers its exchanges, and may end with a certain one."""

    def __init__(self, target: Target, redactor: Redactor) -> None:
        super().__init__(target, redactor)
        self.exchanges: list[tuple[Draft, Response]] = []
        self._until = ""
        self._left = 0

    def close(self) -> None:
        """Stop the server."""
        self.target.close()

    def until(self, curl: str, number: int) -> None:
        """End with the first, second or later request that has a curl line."""
        self._until, self._left = _anywhere(curl), number

    def send_by(self, carry: Callable[[Request], list[Response]], draft: Draft) -> list[Response]:
        """Send a request as it is, and remember it; of several at once the first answer."""
        responses = super().send_by(carry, draft)
        self.exchanges.append((draft, responses[0]))
        if self._until and self._line(draft) == self._until:
            self._left -= 1
            if not self._left:
                raise _Met
        return responses

    def exchanges_of(self, curl: str) -> list[tuple[Draft, Response]]:
        """Return the exchanges of a curl line, in order."""
        return [each for each in self.exchanges if self._line(each[0]) == _anywhere(curl)]

    def written(self, draft: Draft, response: Response, steps: tuple[str, ...] = ()) -> Exchange:
        """Write an exchange down, with no value of the run in it."""
        *head, body = head_of(response, self.redactor.redact)
        if response.body:
            body = one_line(self.redactor.redact(response.body.decode("utf-8", "replace")), LONGEST_BODY)
        return Exchange(self.curl(draft), _head(draft), (*head, body), steps)

    def _line(self, draft: Draft) -> str:
        """Return what `curl` writes of a request, on any port; not redacted, which takes long where much is known."""
        return _anywhere(shell.curl(draft, self.placeholders))


def _has_head(response: Response, found: Counterexample) -> bool:
    """Whether an answer has the status of the one that broke the rule."""
    return head_of(response, str)[:1] == found.head[:1]


def _head(draft: Draft) -> tuple[str, ...]:
    """Return the head of a request; where there is a secret in it, or what became of one, the curl line says which."""
    draft = draft.laid_out
    query = "?…" if draft.pairs and draft.target is None else ""
    lines = [f"{draft.method} {draft.path}{query} HTTP/1.1", f"Host: {urlsplit(draft.url).netloc}"]
    lines += [
        f"{name}: {''.join(part if isinstance(part, str) else '…' for part in parts_of(value))}"
        for name, value in draft.lines
    ]
    lines += [f"Content-Type: {draft.media_type}"] * bool(draft.media_type)
    return tuple(one_line(line, LONGEST_LINE) for line in lines)


def _anywhere(line: str) -> str:
    """Return a curl line whatever port a server on loopback has, and whatever was made up for it, such as a state."""
    return re.sub(r"[\w~-]{22,}", "…", re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", line))
