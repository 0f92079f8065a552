"""How long an event loop stands still while a token is fetched."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from .figures import NOT_INSTALLED, Measured, Plan, Value
from .herds import IN_TASKS, THREADS, Caller, callers, in_tasks
from .measuring import quartile
from .server import Counting, serving

PEERS: Final = IN_TASKS
TICK: Final = 0.001
"""Seconds that the probe asks to sleep."""


class _Probe:
    """A task that wakes again and again, and notes by how much it was late at worst."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK)
            self.longest = max(self.longest, time.perf_counter() - began - TICK)

    async def end(self) -> float:
        """Stop, and return the longest stall in seconds."""
        await asyncio.sleep(TICK)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return self.longest


def longest(plan: Plan) -> Measured:
    """Longest stall of 50 tasks that find their token expired, over that of the same load with a ready token.

    Lower quartiles of rounds in turn.
    """
    with serving() as server:
        told: dict[str, Value | str] = {}
        control: Value | None = None
        for name, caller in callers(server.url, is_async=True).items():
            if caller is None:
                told[name] = NOT_INSTALLED
                continue
            expired, ready, again = asyncio.run(_of(server, caller, plan.rounds(25, 7), is_ours=name == "ours"))
            told[name] = _over(expired, ready)
            control = _over(again, ready) if name == "ours" else control
    ours = told.pop("ours")
    assert isinstance(ours, Value)
    return Measured(ours, control, told)


def _over(stalls: list[float], ready: list[float]) -> Value:
    # A process that takes the processor meanwhile makes a stall longer and never shorter.
    ours, base = quartile(stalls), quartile(ready)
    return Value(ours / base, beside=f"{1000 * ours:.0f} over {1000 * base:.0f} ms")


async def _of(
    server: Counting, caller: Caller, rounds: int, *, is_ours: bool
) -> tuple[list[float], list[float], list[float]]:
    """Return the stalls of rounds with an expired token, and twice those with a ready one."""
    server.reset()
    await in_tasks(caller.call, THREADS)
    stalls: tuple[list[float], list[float], list[float]] = ([], [], [])
    for _ in range(rounds):
        for number, found in enumerate(stalls):
            if number == 0:
                caller.expire()
                server.expire()
            probe = _Probe()
            failed = await in_tasks(caller.call, THREADS)
            found.append(await probe.end())
            if failed and is_ours:
                raise RuntimeError(f"{failed} of {THREADS} calls failed")
    return stalls
