"""Rules about what becomes of tokens: sequences, time, and what is filed under another rule's id."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.http import InProcess, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.outcomes import Counterexample, NotApplicable
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.limits import Limits, Throttle
from pytest_apiauth.targets.live import LiveTarget
from tests.faults.examining import PROFILES
from tests.here import USUAL

TIMED = ("exp-boundary", "exp-monotone", "exp-honest-countdown", "exp-code-short", "ref-lifetime")


def examination_of(profile: str, *, faults: Iterable[str] = (), variants: Iterable[str] = ()) -> Examination:
    """Prepare an examination of a profile on the embedded server."""
    redactor = Redactor()
    target = EmbeddedTarget.build(PROFILES[profile], redactor=redactor, library=USUAL, faults=faults, variants=variants)
    examination = Examination(target, redactor)
    make_ready(examination)
    return examination


def judged(rule_id: str, examination: Examination, *, seed: int = 0) -> Outcome:
    """Judge a rule on the first part of the profile that it applies to."""
    rule = REGISTRY[rule_id]
    part = next(iter(rule.applies.find(examination.profile).values()))
    return judge(rule, examination, part, Conditions(30, seed))


def found(rule_id: str, profile: str, fault: str, *, seed: int = 0) -> Counterexample:
    """Give the counterexample that a rule has for a server with a fault."""
    counterexample = judged(rule_id, examination_of(profile, faults=[fault]), seed=seed).counterexample
    assert counterexample is not None
    return counterexample


# Sequences


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "rule_id", "steps"),
    [
        ("refresh-revives-other-login", "life-cycle", 4),
        ("refresh-prolongs-expired", "life-cycle", 3),
        ("refresh-gives-latest-user", "life-cycle", 3),
        ("reuse-ends-other-users", "life-isolation", 4),
        ("refresh-ends-other-users", "life-isolation", 3),
        ("refresh-ancestor-revives", "ref-ancestor-dead", 3),
    ],
)
def test_the_shortest_sequence(fault: str, rule_id: str, steps: int) -> None:
    """A breach that takes a sequence is shown by the shortest one, with a name for each token in it."""
    counterexample = found(rule_id, "reference", fault)

    assert len(counterexample.steps) == steps
    assert "gives ACCESS_TOKEN_1, REFRESH_TOKEN_1" in counterexample.steps[0]
    named = {word.strip(',"') for step in counterexample.steps for word in step.partition("# gives ")[2].split()}
    used = counterexample.curl.partition("_TOKEN_")
    assert used[0].rpartition("{")[2] + "_TOKEN_" + used[2].partition("}")[0] in named


@pytest.mark.slow
def test_one_seed_one_sequence() -> None:
    """Two runs with one seed show the same sequence."""
    one, other = (found("life-cycle", "jindexe", "refresh-gives-latest-user", seed=7) for _ in range(2))

    assert one == other


def test_no_secret_in_a_step() -> None:
    """Steps name secrets and hold none."""
    examination = examination_of("jindexe", faults=["refresh-prolongs-expired"])
    counterexample = judged("life-cycle", examination).counterexample

    assert counterexample is not None
    assert not any(examination.redactor.finds(text) for text in (*counterexample.steps, counterexample.curl))


@pytest.mark.slow
@pytest.mark.parametrize("variants", [("rotation",), ("rotation", "old-refresh-token-dies"), ("same-token",)])
def test_what_good_servers_do_differently(variants: tuple[str, ...]) -> None:
    """Rotation where none is promised, old tokens that die of it and tokens handed out again break nothing."""
    for profile in ("dastra", "digishare", "jindexe"):
        for rule_id in ("life-cycle", "life-isolation", "exp-monotone"):
            outcome = judged(rule_id, examination_of(profile, variants=variants), seed=1)
            assert (outcome.verdict, outcome.filed) == (Verdict.PASS, {}), outcome.reason


# What is filed under other ids


@pytest.mark.parametrize(
    ("fault", "profile", "rule_id"),
    [
        ("challenge-missing", "jindexe", "res-401-challenge"),
        ("refusal-echoes-credential", "jindexe", "leak-canary"),
        ("introspection-live-inactive", "reference", "int-agrees"),
    ],
)
def test_invariants_warn_under_their_own_id(fault: str, profile: str, rule_id: str) -> None:
    """What every answer of a sequence must keep to is filed under its own rule, and the sequence goes on."""
    outcome = judged("life-cycle", examination_of(profile, faults=[fault]))

    assert outcome.verdict is Verdict.PASS
    assert rule_id in outcome.filed


@pytest.mark.parametrize(
    ("fault", "profile", "rule_id"),
    [("refresh-any-client", "reference", "ref-client-bound"), ("refresh-prolongs-expired", "dastra", "exp-monotone")],
)
@pytest.mark.slow
def test_breaches_of_other_rules_fail_under_their_id(fault: str, profile: str, rule_id: str) -> None:
    """A breach of another rule is filed as its failure; nothing is concluded of the rule at hand."""
    outcome = judged("life-cycle", examination_of(profile, faults=[fault]))

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert list(outcome.breaches) == [rule_id]
    assert outcome.breaches[rule_id].steps


# Time


@pytest.mark.slow
def test_time_rules_disturb_nobody() -> None:
    """Rules that move the clock may come anywhere in the order."""
    for seed in range(2):
        examination = examination_of("reference")
        items = [
            (rule, part)
            for rule in REGISTRY
            if not rule.wire
            for part in rule.applies.find(examination.profile).values()
        ]
        random.Random(seed).shuffle(items)
        outcomes = [(rule.id, judge(rule, examination, part, Conditions(3, seed))) for rule, part in items]
        wrong = [(name, one.reason) for name, one in outcomes if one.verdict not in (Verdict.PASS, Verdict.SKIP)]
        assert wrong == []


def live(clock: str | None) -> tuple[Examination, Server]:
    """Examine a live target that is the embedded server, with a clock of its own at a URL."""
    clocked = {"clock": {"url": clock}} if clock else {}
    redactor = Redactor()
    server = Server(PROFILES["jindexe"].replaced(api_url="https://api.example", **clocked), redactor=redactor)

    def handle(request: Request) -> Response:
        if request.path == "/clock":
            body = request.body.removeprefix(b'{"seconds": ').removesuffix(b"}")
            server.clock.advance(int(body))
            return Response(204)
        return server.handle(request)

    profile: Profile = server.profile
    identities = Identities(profile, server.lookup, redactor)
    throttle = Throttle("jindexe", Limits(None, 10_000, 100))
    connector = InProcess(USUAL, handle)
    sender = Sender(connector, "jindexe", redactor)
    return Examination(LiveTarget(profile, identities, redactor, connector, sender, throttle), redactor), server


def test_a_live_clock() -> None:
    """Where the profile names a clock, a live run moves it, and shows that among the steps."""
    examination, server = live("/clock")
    before = server.clock.now()

    assert judged("exp-boundary", examination).verdict is Verdict.PASS
    assert server.clock.now() - before == 86400 + 30


def test_without_a_clock_nothing_is_asked() -> None:
    """Rules about time do not apply where the clock cannot be moved, and cost no request."""
    examination, _ = live(None)
    with pytest.raises(NotApplicable):
        examination.advance(1)
    for rule_id in TIMED:
        if not REGISTRY[rule_id].applies.find(examination.profile):
            continue
        outcome = judged(rule_id, examination)
        assert (outcome.verdict, outcome.requests) == (Verdict.SKIP, 0)
        assert "[clock]" in outcome.reason


@pytest.mark.slow
def test_steps_reach_the_reader(pytester: pytest.Pytester) -> None:
    """The failure's text and the JSON report show every step."""
    (pytester.path / "shop.apiauth.toml").write_text('schema = 1\nextends = "jindexe"\n', encoding="utf-8")
    result = pytester.runpytest_subprocess(
        "shop.apiauth.toml", "-k", "life-cycle", "--apiauth-fault=refresh-gives-latest-user",
        "--apiauth-report=report.json", "-p", "no:randomly",
    )  # fmt: skip

    result.stdout.fnmatch_lines(["*step 1 *# gives ACCESS_TOKEN_1, REFRESH_TOKEN_1", "*step 3 *", "*request *curl*"])
    assert "# gives ACCESS_TOKEN_1, REFRESH_TOKEN_1" in Path("report.json").read_text(encoding="utf-8")
