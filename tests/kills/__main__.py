"""Kill runs at random moments, and look at what they leave: ``python -m tests.kills --count 200 --seed 1``.

Each scene is run once undisturbed, to see how long it takes and how often it writes. Then it is killed by Ctrl-C,
SIGTERM and SIGKILL in turn: after some time, at one of its writes, or as the server answers with a new refresh token.
Afterwards each of its files is whole or as before, the kept refresh token is the last one that the server has given,
nobody lives on, the next run in the same folder is green (now and then two of them at once), and nothing is left that
was not there before.

One loss cannot be helped, and is counted apart: a process that is killed outright while the answer is on its way.

Prints how many were tried and how many survived, by scene and signal; exits with 1 if anything else was found.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .projects import Death, Ended, Project, project
from .scenes import SCENES, Scene

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
HEADER: Final = f"{'survived of tried':20}{'SIGINT':>12}{'SIGTERM':>12}{'SIGKILL':>12}{'too late':>12}{'in flight':>12}"
TWICE: Final = 7
"""The next run of each so many kills is two runs at once."""


@dataclass(frozen=True)
class Outcome:
    """What has come of one kill. Of one that came too late the run was over before."""

    scene: Scene
    death: Death | None
    breaches: tuple[str, ...] = ()
    came_too_late: bool = False
    was_in_flight: bool = False


def main() -> int:
    """Print the table. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=20, metavar="N", help="how many runs are killed (default: 20)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="what the moments are drawn from (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="how many scenes are played at once (default: 2)")
    parser.add_argument("--only", action="append", metavar="WORD", help="only scenes whose name has the word")
    asked = parser.parse_args()
    start = time.perf_counter()
    chosen = [scene for scene in SCENES if not asked.only or any(word in scene.name for word in asked.only)]
    shares = [range(place, asked.count, len(chosen)) for place in range(len(chosen))]
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(asked.workers) as pool:
        print(HEADER, flush=True)
        for found in pool.map(lambda scene, share: list(play(scene, share, asked.seed)), chosen, shares):
            outcomes += found
            for scene in {outcome.scene.name for outcome in found}:
                print(row(scene, found), flush=True)
    print(row("all", outcomes))
    for line in breaches(outcomes):
        print(line)
    print(f"seed {asked.seed}, {time.perf_counter() - start:.0f} s")
    return 1 if any(outcome.breaches for outcome in outcomes) else 0


def play(scene: Scene, share: range, seed: int) -> Iterator[Outcome]:
    """Kill a scene's command once for each number."""
    draw = random.Random(f"{seed} {scene.name}")
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, project(scene, Path(folder).resolve()) as own:
        usual, writes = own.count()
        if usual.status != 0:
            yield Outcome(scene, None, (f"does not run undisturbed: {_last(usual)}",))
            return
        names = own.names()
        for number in share:
            death = drawn(draw, SIGNALS[number % len(SIGNALS)], usual.seconds, writes, own)
            yield killed(own, death, names, at_once=1 if number % TWICE else 2)


def drawn(draw: random.Random, number: signal.Signals, seconds: float, writes: int, own: Project) -> Death:
    """Draw the moment at which a run is killed."""
    kinds = ["time", "write"] if own.scene.logs_in is False else ["time", "write", "answer"]
    kind = draw.choice(kinds)
    if kind == "time":
        return Death(number, seconds=draw.uniform(0, seconds))
    return Death(number, write=draw.randint(1, writes)) if kind == "write" else Death(number)


def killed(own: Project, death: Death, names: set[str], *, at_once: int = 1) -> Outcome:
    """Kill one run, and look at what it has left, and at the next one, or the next ones at once."""
    before = own.results()
    ended = own.run(death)
    found = [*own.torn(before)]
    if ended.status == -1 and "did not end within" in ended.output:
        found.append(_last(ended))
    is_in_flight = False
    if own.scene.logs_in:
        if not own.listener.settle():
            found.append("the server still reads what was sent by who is dead")
        kept, given = own.kept(), own.given
        if kept != given[-1]:
            # A process that is killed outright has no say in what comes then.
            is_in_flight = death.number == signal.SIGKILL and kept == given[-2]
            if not is_in_flight:
                found.append(f"the kept token is not the last one: {kept if kept not in given else 'an older one'}")
            own.log_in()
    before = own.results()
    with ThreadPoolExecutor(at_once) as pool:
        red = [after for after in pool.map(lambda _: own.run(), range(at_once)) if after.status != 0]
    found += [f"the next run ended with status {after.status}: {_last(after)}" for after in red]
    found += [*own.torn(before), *own.left_over(names)]
    if own.scene.logs_in and own.kept() != own.given[-1]:
        own.log_in()
    return Outcome(own.scene, death, tuple(found), not ended.was_killed, is_in_flight)


def row(name: str, outcomes: list[Outcome]) -> str:
    """Return a line of the table: what survived of what was tried, by signal."""
    tried = [(outcome, outcome.death.number) for outcome in outcomes if outcome.death is not None]
    cells = []
    for number in SIGNALS:
        own = [outcome for outcome, by in tried if by == number]
        cells.append(f"{sum(not outcome.breaches for outcome in own)} of {len(own)}")
    late, lost = sum(each.came_too_late for each in outcomes), sum(each.was_in_flight for each in outcomes)
    return f"{name:20}" + "".join(f"{cell:>12}" for cell in cells) + f"{late:>12}{lost:>12}"


def breaches(outcomes: list[Outcome]) -> Iterator[str]:
    """Yield a line for each breach."""
    for outcome in outcomes:
        yield from (f"BREACH: {outcome.scene.name}: {outcome.death}: {breach}" for breach in outcome.breaches)


def _last(ended: Ended) -> str:
    lines = [line for line in ended.output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


if __name__ == "__main__":
    raise SystemExit(main())
