"""How many examples a drawn rule tries in a second, over a bare property that sends the same requests."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings

from pytest_apiauth import bundled
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.http import Sender
from pytest_apiauth.messages import Request
from pytest_apiauth.suite.book import REGISTRY, Rule
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget

from .figures import Measured, Plan, Value
from .requesting import PATH, PROFILE

RULE = "res-garbage-token"


def rate(plan: Plan) -> Measured:
    """Examples a second of CPU of a rule on the embedded server, over those of a bare property in turn with it."""
    bundled.load_chapters()
    rule = REGISTRY[RULE]
    target = EmbeddedTarget.build(PROFILE, redactor=Redactor(), library="httpx", faults=(), variants=())
    examination = Examination(target, Redactor())
    zone, count = target.profile.zones["api"], 300
    bare = _bare(rule, target, examination.value(Ref(Role.ACCESS_TOKEN)), count)
    first: list[float] = []
    second: list[float] = []
    ours: list[float] = []
    for seed in range(plan.rounds(15, 7)):
        first.append(_seconds(bare))
        second.append(_seconds(bare))
        began = time.process_time()
        outcome = judge(rule, examination, zone, Conditions(count, seed))
        # A rule's table comes before its draws, and each of its rows is an example too.
        ours.append((time.process_time() - began) / outcome.examples * count)
    # The collector of garbage comes into some rounds and not into others, and takes half as long as one of them.
    base = min(*first, *second)
    told = f"{count / min(ours):.0f} over {count / base:.0f} a second; medians"
    middle = statistics.median([*first, *second]) / statistics.median(ours)
    return Measured(Value(base / min(ours), beside=f"{told} {middle:.3f}"), Value(min(first) / min(second)))


def _seconds(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _bare(rule: Rule, target: EmbeddedTarget, token: str, count: int) -> Callable[[], None]:
    """Return a property that draws what the rule draws, and sends the altered request and its control."""
    sender = Sender.embedded("httpx", target.server.handle)
    url = target.profile.url(PATH)

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(edit=rule.draws["edit"])
    def bare(edit: Any) -> None:
        sender.send(Request("GET", url, (("Authorization", f"Bearer {edit.apply(token)}"),)))
        sender.send(Request("GET", url, (("Authorization", f"Bearer {token}"),)))

    return bare
