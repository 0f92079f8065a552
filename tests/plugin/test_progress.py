"""How far a live run is: said now and then, to who sits before a terminal, with workers too."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from pytest_apiauth.plugin import progress
from pytest_apiauth.plugin.progress import EVERY, Progress
from tests.plugin.projects import Run, output, served

LIVE = 'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n'


def test_a_line_says_rules_requests_and_pace() -> None:
    """Not with the first rule, and not before its time."""
    times, sent = iter([0.0, EVERY - 1, EVERY, EVERY + 1, 3 * EVERY]), iter([0, 50, 150])
    counting = Progress(lambda: next(times), lambda: (next(sent), 1000))
    counting.total = 20
    lines = []
    for number in range(5):
        lines.append(counting.line(f"shop::rule-{number}"))
        counting.done += 1

    assert lines == [
        None,
        None,
        "apiauth: 2 of 20 rules, 50 of 1000 requests, 5.0 a second; at work: shop::rule-2",
        None,
        "apiauth: 4 of 20 rules, 150 of 1000 requests, 5.0 a second; at work: shop::rule-4",
    ]


@pytest.fixture
def live(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> Callable[..., list[str]]:
    """Run some rules live, each of which begins ten seconds after the one before; gives the lines about progress."""

    def live(*arguments: str, is_terminal: bool) -> list[str]:
        clock = itertools.count(step=EVERY)
        monkeypatch.setattr(progress, "Progress", lambda now, requests: Progress(lambda: next(clock), requests))
        monkeypatch.setattr(progress, "is_watched", lambda terminal: is_terminal)
        with served("jindexe") as (url, server):
            for variable, value in server.environment.items():
                monkeypatch.setenv(variable, value)
            (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url=url), encoding="utf-8")
            result = run("shop.apiauth.toml", "--apiauth-live", "-k", "api_keys", *arguments)
        return [line for line in output(result).splitlines() if "; at work: " in line]

    return live


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_a_terminal_shows_it(live: Callable[..., list[str]], workers: tuple[str, ...]) -> None:
    """Whoever sends the requests: those of workers are counted together."""
    lines = live(*workers, is_terminal=True)
    counted = [int(line.split(" rules, ")[1].split(" ")[0]) for line in lines]
    assert len(lines) > 3
    assert counted == sorted(counted)
    assert counted[-1] > 0


def test_a_log_does_not(live: Callable[..., list[str]]) -> None:
    """Nobody waits for it there."""
    assert live(is_terminal=False) == []
