"""Goes every way with every library, kind of client and part of a request, and counts what arrives.

``python -m tests.http.attempts`` prints the table. With ``--without-guard`` it shows that the ways do lead there.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unittest import mock

from pytest_apiauth.http import Guard
from pytest_apiauth.installed import LIBRARIES
from tests.here import USUAL, has
from tests.http import body_ways, client_ways
from tests.http.foreign import HARMLESS, KNOWN, Net, leaks
from tests.http.hand import PARTS, Hand, World
from tests.http.ways import ARRIVES, AT_HOME, WAYS, Way

__all__ = ["SIDES", "Attempt", "all_ways", "attempts", "body_ways", "client_ways", "unguarded"]
SIDES = [
    (library, kind)
    for library in sorted(filter(has, LIBRARIES), key=lambda name: name != USUAL)
    for kind in ("sync", "async")
]
"""Each library that is here, and each kind of client; the usual one first."""


@dataclass(frozen=True)
class Attempt:
    """One way, gone twice: with a harmless value and with a credential."""

    way: Way
    part: str
    harmless_end: str
    harmless_arrived: bool
    end: str
    leaked: list[str]

    @property
    def is_real(self) -> bool:
        """Whether the way is what it is listed as, so that nothing arriving means something."""
        expected = self.way.ends
        if expected == ARRIVES:
            return self.harmless_arrived
        if expected == AT_HOME:
            return self.harmless_end == "answer" and not self.harmless_arrived
        # A proxy that is foreign may be asked for a tunnel.
        return self.harmless_end.startswith(expected) and (not self.harmless_arrived or "ProxyError" in expected)

    @property
    def is_the_guards(self) -> bool:
        """Whether nothing but the guard keeps the credential from the foreign origin."""
        expected = self.way.ends
        is_open = expected == ARRIVES or expected.startswith("GuardError")
        return is_open and self.part not in self.way.drops and not self.end.startswith("ProfileError")

    def __str__(self) -> str:
        arrived = "arrived" if self.harmless_arrived else "did not arrive"
        return (
            f"{self.way.name} [{self.part}]: harmless: {self.harmless_end}, {arrived}; credential: {self.end},"
            f" leaked {self.leaked}"
        )


def all_ways() -> list[Way]:
    """Give every way."""
    return list(WAYS)


def attempts(library: str, kind: str, ways: Sequence[Way] | None = None) -> Iterator[Attempt]:
    """Go ways with one library and kind of client, each with every part that it has."""
    net = Net()
    with net.up(), contextlib.ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner()) if kind == "async" else None
        world = World(net, library)
        for way in WAYS if ways is None else ways:
            for part in way.parts:
                harmless_end, arrived = _tried(world, runner, way, part, is_secret=False)
                end, got = _tried(world, runner, way, part, is_secret=True)
                yield Attempt(way, part, harmless_end, bool(arrived), end, [each for raw in got for each in leaks(raw)])


def unguarded() -> contextlib.AbstractContextManager[object]:
    """Have the guard let everything pass."""
    return mock.patch.object(Guard, "check", return_value=None)


def _tried(
    world: World, runner: asyncio.Runner | None, way: Way, part: str, *, is_secret: bool
) -> tuple[str, list[bytes]]:
    world.net.redirect, world.net.cookie = None, ""
    hand = Hand(world, runner, part, KNOWN if is_secret else HARMLESS)
    hand.is_authenticated = is_secret and part == "credentials"
    end = hand.tried(way.act)
    world.net.home.settle()
    return end, world.net.foreign.settle()


def main() -> int:
    """Print how many attempts were made and how many credentials arrived."""
    is_guarded = "--without-guard" not in sys.argv
    wrong = 0
    with contextlib.nullcontext() if is_guarded else unguarded():
        print(f"{len(WAYS)} ways; attempts, and arrivals of a credential at a foreign origin, by where it stands")
        for library, kind in SIDES:
            tried, arrived = Counter[str](), Counter[str]()
            for attempt in attempts(library, kind):
                tried[attempt.part] += 1
                arrived[attempt.part] += bool(attempt.leaked)
                if is_guarded and (attempt.leaked or not attempt.is_real):
                    wrong += 1
                    print(f"  wrong: {attempt}")
            row = ", ".join(f"{part} {tried[part]}: {arrived[part]}" for part in PARTS)
            print(f"{library:6} {kind:5}  {row}; in all {tried.total()}: {arrived.total()}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
