"""What a run found out, as values: the record of a run, and the entries that it is made from.

An `Entry` is what came of one rule on one part of one profile; under pytest-xdist it crosses from a worker to the
controller. The ledger merges entries to a `RunRecord`, which is what every format writes: it has the members of the
JSON report, version 1, in their order. `pytest_apiauth.report.plain` turns both into plain JSON data and back.

A part has its own ``reason`` and ``level`` (that of what decided: advice is SHOULD whatever the rule is), its
``counterexample`` if it was not passed, and its ``rows`` if it has a table. ``advice`` is every warning of a rule, each
with the level of its own. A profile has a ``verdict``, that of its worst rule; if its own valid requests fail the
verdict is ``not ready`` (``inconclusive`` if no answer came), ``error`` says why, and no rule was run.
``not_examined`` is what the profile promises and the run could not look at, ``left_out`` the draws that were not tried
since the server is slow, ``limited`` where the rate was limited, and
``causes`` what all failures come from. Members may be added in version 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

Verdict: TypeAlias = Literal[
    "fail", "unexpected pass", "inconclusive", "warning", "not run", "expected failure", "pass", "skip",
]  # fmt: skip
"""What came of a rule, or of one part of it; worst first."""
ProfileVerdict: TypeAlias = Verdict | Literal["not ready"]
"""What came of a profile."""
WORST_FIRST: Final[tuple[Verdict, ...]] = get_args(Verdict)
"""The worst part decides a rule. A rule that passed on one part and does not apply to another has passed."""
BARE: Final = {"bare": True}
"""Marks a member that plain data leave out if there is nothing in it."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that decides.

    >>> worst(["pass", "warning", "skip"])
    'warning'
    """
    return min(verdicts, key=WORST_FIRST.index)


@dataclass(frozen=True, slots=True)
class Counterexample:
    """What it takes to see for oneself what is wrong."""

    expected: str
    got: str
    curl: str
    control_curl: str
    steps: tuple[str, ...] = field(default=(), metadata=BARE)
    """What was sent before, in order: only a counterexample of a life cycle has any."""
    head: tuple[str, ...] = field(default=(), metadata=BARE)
    """The answer's status line, the headers that authentication has to do with, and what its body is."""
    control_got: str = field(default="", metadata=BARE)
    """What the valid request was answered with; empty if there was none beside it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One warning: what is recommended and did not hold on one part, with a level of its own."""

    part: str
    level: str
    expected: str
    got: str
    curl: str
    control_curl: str
    steps: tuple[str, ...] = field(default=(), metadata=BARE)
    head: tuple[str, ...] = field(default=(), metadata=BARE)
    control_got: str = field(default="", metadata=BARE)


@dataclass(frozen=True, slots=True)
class Admission:
    """What a zone answered to one set of credentials, and whether the profile says that they open it."""

    path: str
    good: tuple[str, ...]
    wrong: tuple[str, ...]
    is_due: bool
    is_admitted: bool
    got: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to tokens of one rule, by their placeholder names."""

    at: int
    """Whole seconds since the rule's first token, by the server's clock as far as the run moves it."""
    what: Literal["issued", "renewed", "used", "refused", "passed"]
    tokens: tuple[str, ...]
    words: str
    times: int = field(default=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows of a rule's table, or examples, were looked at on one part."""

    tried: int = 0
    failed: int = 0
    not_judged: int = 0


@dataclass(frozen=True, slots=True)
class PartRecord:
    """One rule on one part of a profile: a zone, a grant, a user."""

    nodeid: str
    part: str
    verdict: Verdict
    reason: str
    level: str
    rows: Rows | None = field(default=None, metadata=BARE)
    counterexample: Counterexample | None = field(default=None, metadata=BARE)
    cause: str = field(default="", metadata=BARE)
    """What a failure is one of, what a skipped part follows from, or whose breach left one open."""
    line: int = field(default=0, metadata=BARE)
    """Where the part stands in the profile's file; 0 if it does not."""
    life: tuple[Event, ...] = field(default=(), metadata=BARE)
    """What became of the rule's own tokens, if it has any."""


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule on all of a profile."""

    id: str
    chapter: str
    level: str
    sources: tuple[str, ...]
    safety: str
    verdict: Verdict
    reason: str
    requests: int
    examples: int
    parts: tuple[PartRecord, ...]
    counterexample: Counterexample | None
    advice: tuple[Advice, ...]
    unproven: bool = field(default=False, metadata=BARE)
    """Whether nothing shows that it can fail: only a rule of a project's own may lack a fault."""
    sentence: str = field(default="", metadata=BARE)
    """What a conforming server does."""
    look: str = field(default="", metadata=BARE)
    """Where whoever has to mend the server looks first; a rule of a project's own may not say."""


@dataclass(frozen=True, slots=True)
class NotExamined:
    """What the profile promises and the run could not look at, for one reason."""

    reason: str
    chapters: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong: failures that come from it, and rules that say that they follow from it."""

    name: str
    failures: int
    follow: tuple[str, ...] = field(default=(), metadata=BARE)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Draws, and rows of tables, that were not tried, since the server is slow."""

    draws: int
    rules: tuple[str, ...]
    seconds_an_answer: float
    rows: int = field(default=0, metadata=BARE)


@dataclass(frozen=True, slots=True)
class Limited:
    """How an endpoint limited the rate, as far as the run met it: 429 (RFC 6585 4)."""

    endpoint: str
    answers: int
    timed: int
    """Answers with a Retry-After that can be read."""
    waited_for: int
    """Answers after which the run waited as long and asked again."""
    again: int
    """Those of them after which another 429 came."""


@dataclass(frozen=True, slots=True)
class ProfileRecord:
    """One profile of a run."""

    name: str
    target: str
    url: str
    requests: int
    tokens_issued: int
    seconds: float
    verdict: ProfileVerdict
    rules: tuple[RuleRecord, ...]
    not_examined: tuple[NotExamined, ...] = ()
    left_out: LeftOut | None = field(default=None, metadata=BARE)
    error: str = field(default="", metadata=BARE)
    """Why nothing could be examined, in one line."""
    note: str = field(default="", metadata=BARE)
    """What a run on such a target is worth."""
    limited: tuple[Limited, ...] = field(default=(), metadata=BARE)
    """Where the rate was limited."""
    causes: tuple[Cause, ...] = field(default=(), metadata=BARE)
    """What all failures come from; there are as many failures as these have together."""
    file: str = field(default="", metadata=BARE)
    """The profile's file, from the root folder of the run if it lies there, with ``/``."""
    statements: dict[str, str] = field(default_factory=dict, metadata=BARE)
    """The sentences of the API's document that are sources of a rule, by id."""
    admissions: tuple[Admission, ...] = field(default=(), metadata=BARE)
    """What lets whom in, as the rules of zones saw it; of several answers to one set the first that is wrong."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All of a run, as the JSON report has it."""

    version: Literal[1]
    versions: dict[str, str]
    seed: int
    started: str
    profiles: tuple[ProfileRecord, ...]


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What a report says of a rule, whatever came of it."""

    id: str
    chapter: str
    level: str
    sources: tuple[str, ...]
    safety: str
    catches: tuple[str, ...] = ()
    """The faults that it must catch."""
    unproven: bool = False
    sentence: str = ""
    look: str = ""
    """Where whoever has to mend the server looks first."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What was found about another rule than the one at hand, and counts for that one."""

    rule: RuleFacts
    verdict: Literal["fail", "expected failure", "warning"]
    counterexample: Counterexample


@dataclass(frozen=True, slots=True)
class NotReady:
    """Why nothing of a profile could be examined."""

    verdict: Literal["not ready", "inconclusive"]
    error: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What came of one rule on one part of one profile."""

    profile: str
    target: str
    url: str
    rule: RuleFacts
    part: str
    verdict: Verdict
    level: str
    """That of what decided, which is not always the rule's own."""
    reason: str = ""
    counterexample: Counterexample | None = None
    requests: int = 0
    examples: int = 0
    tokens_issued: int = 0
    advice: tuple[Advice, ...] = ()
    rows: Rows = Rows()
    cause: str = ""
    """What a failure is one of, what a skipped part follows from, or whose breach left one open."""
    filed: tuple[Filed, ...] = ()
    left_out: int = 0
    """Draws that were not tried."""
    rows_left_out: int = 0
    """Rows of a table that were not."""
    seconds_an_answer: float = 0.0
    limited: tuple[Limited, ...] = ()
    is_out_of_reach: bool = False
    """Whether it was skipped although the profile promises what it is about."""
    not_ready: NotReady | None = None
    """Why the profile could not be examined, if this is what found out."""
    is_real: bool = False
    """Whether the API itself was examined, so that what was not looked at is worth a word."""
    note: str = ""
    """What a run on such a target is worth."""
    file: str = ""
    """The profile's file, as a person reads it."""
    line: int = 0
    statements: dict[str, str] = field(default_factory=dict)
    """Those sentences of the API's document that back the rule, by id."""
    admissions: tuple[Admission, ...] = ()
    life: tuple[Event, ...] = ()
    waits_for: str = ""
    """What would make it a pity that the rule does not apply."""
    found_out: tuple[str, ...] = ()
    """What was found out that others wait for."""
