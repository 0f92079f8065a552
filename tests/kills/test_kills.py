"""The program that kills runs sees what it is there for: each check fails on what it looks for."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from . import serving
from .__main__ import Outcome, breaches, killed, row
from .projects import Death, Ended, Project, project
from .scenes import SCENES

SUITE, LOGIN = SCENES[0], next(scene for scene in SCENES if scene.logs_in)
KILLED = Death(signal.SIGKILL, seconds=0.0)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Project]:
    """The project of a scene with a kept token, that writes reports."""
    with project(replace(LOGIN, results=("report.*",)), tmp_path / "own") as found:
        yield found


def runs(own: Project, monkeypatch: pytest.MonkeyPatch, *statuses: int) -> None:
    """Have runs come to these ends, and do nothing."""
    left = list(statuses)
    monkeypatch.setattr(own.__class__, "run", lambda self, death=None: Ended(left.pop(0), "its last line", 0.1, True))


def test_all_is_well(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that changes nothing, before one that is green, is no breach."""
    runs(own, monkeypatch, -9, 0)

    assert killed(own, KILLED, own.names()).breaches == ()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("report.json", "", "is no JSON"),
        ("report.json", "{", "is no JSON"),
        ("report.md", "", "has no beginning or no end"),
        ("report.md", "## API authentication\n\n| prof", "has no beginning or no end"),
        ("report.yaml", "interactions: []", "has nothing in it"),
        ("report.yaml", "interactions: [", "not a cassette"),
    ],
)
def test_a_torn_file_is_a_breach(own: Project, name: str, text: str, told: str) -> None:
    """A file that is neither as before nor whole."""
    (own.folder / name).write_text(text, "utf-8")

    assert told in next(own.torn({}))
    assert list(own.torn(own.results())) == []


def test_a_file_that_is_gone_is_a_breach(own: Project) -> None:
    """What was there before the run is there afterwards."""
    assert list(own.torn({own.folder / "report.json": b"{}"})) == ["report.json is gone"]


def test_litter_is_a_breach(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beside another, in the state folder too, and a folder for temporary files of ours."""
    names = own.names()
    (own.folder / ".report.json.0a1b2c3d.new").touch()
    (own.state / ".shop.json.0a1b2c3d.new").touch()
    (own.folder / "tmp" / "apiauth-left").mkdir()
    runs(own, monkeypatch, -9, 0)

    assert len(killed(own, KILLED, names).breaches) == 3


def test_a_red_run_is_a_breach(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run in the same folder has to be green."""
    runs(own, monkeypatch, -9, 1)

    assert killed(own, KILLED, own.names()).breaches == ("the next run ended with status 1: its last line",)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_token_that_is_lost_is_a_breach(
    own: Project, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The server has given another one that is not on the disk: no signal that can be held back may do that."""
    runs(own, monkeypatch, -9, 0)
    own.given.append("the one after it")

    outcome = killed(own, Death(number), own.names())

    assert outcome.was_in_flight == (number == signal.SIGKILL)
    assert bool(outcome.breaches) == (number != signal.SIGKILL)
    assert own.kept() == own.given[-1]


def test_the_server_has_read_all_before_anybody_looks(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is open still may bring something; once it has ended nothing comes any more."""
    monkeypatch.setattr(serving, "PATIENCE", 0.2)
    with socket.create_connection(("127.0.0.1", own.listener.server_address[1])):
        assert not own.listener.settle()
    monkeypatch.setattr(serving, "PATIENCE", 60.0)
    assert own.listener.settle()


def test_the_table_counts_and_tells() -> None:
    """What was tried and what survived, by signal; a line for each breach."""
    fine, bad = Outcome(SUITE, KILLED, was_in_flight=True), Outcome(SUITE, Death(signal.SIGINT), ("it is gone",))

    assert row("all", [fine, bad]).split() == ["all", "0", "of", "1", "0", "of", "0", "1", "of", "1", "0", "1"]
    assert list(breaches([fine, bad])) == ["BREACH: suite: SIGINT at the answer: it is gone"]
