"""The table: every figure with its goal, in the order in which it is printed."""

from __future__ import annotations

from functools import partial
from typing import Final

from . import (
    examples,
    faults,
    fixtures,
    growth,
    herds,
    hostile,
    leaving_out,
    matrix,
    requesting,
    stalls,
    starting,
    suite,
    workers,
)
from .figures import Figure, Goal

ONE: Final = Goal(at_most=1, at_least=1, is_count=True)
NONE: Final = Goal(at_most=0, at_least=0, is_count=True)
PRINTED: Final = Goal()
FIXED: Final = Goal(at_most=1.02)

FIGURES: Final = (
    Figure("start-up, unused, over an empty entry point", Goal(at_most=20), starting.added_cpu),
    Figure("start-up, modules outside stdlib and pytest", NONE, starting.imported),
    Figure("start-up with dependencies, over bare pytest", PRINTED, starting.over_bare, starting.PEERS, in_quick=False),
    *(
        Figure(
            f"request with a token at hand, {library} {name}, over a fixed header",
            FIXED,
            partial(measure, library=library),
            requesting.PEERS,
        )
        for library in ("httpx", "httpx2")
        for name, measure in (("sync", requesting.sync), ("async", requesting.asynchronous))
    ),
    Figure("token requests, cold start, 50 threads", ONE, herds.cold_threads, herds.IN_THREADS),
    Figure("token requests, cold start, 200 tasks", ONE, herds.cold_tasks, herds.IN_TASKS),
    Figure("refreshes, expired token, 50 threads", ONE, herds.expired_threads, herds.IN_THREADS),
    Figure("  failed calls among them", NONE, herds.failed_threads, herds.IN_THREADS),
    Figure("refreshes, expired token, 50 tasks", ONE, herds.expired_tasks, herds.IN_TASKS),
    Figure("  failed calls among them", NONE, herds.failed_tasks, herds.IN_TASKS),
    Figure("longest event-loop stall, over a ready token", Goal(at_most=2), stalls.longest, stalls.PEERS),
    Figure("token requests of 4 workers", ONE, workers.token_requests, workers.PEERS),
    Figure(
        "client fixture, with a server of its own",
        Goal(at_most=0.5),
        fixtures.milliseconds,
        fixtures.PEERS,
        in_quick=False,
    ),
    Figure("  the client alone", Goal(at_most=0.5), fixtures.client_alone, fixtures.IN_PROCESS),
    Figure("TLS contexts of a session, in process", NONE, fixtures.contexts_in_process),
    Figure("TLS contexts of a session, live", ONE, fixtures.contexts_live),
    Figure("examples a second, over a bare @given", Goal(at_least=0.9), examples.rate),
    Figure("auth matrix of Jindexe's zones, in process", Goal(at_most=2), matrix.in_process),
    Figure("auth matrix of Jindexe's zones, loopback", Goal(at_most=5), matrix.over_loopback, matrix.PEERS),
    Figure("pytest conformance, three profiles", Goal(at_most=8), suite.wall, in_quick=False),
    Figure("  with 2 workers, times as fast", Goal(at_least=1.8), suite.faster, suite.PEERS, in_quick=False),
    Figure("  memory at its peak, above pytest", Goal(at_most=150), suite.memory, in_quick=False),
    Figure("requests per fault found, mean", PRINTED, faults.requests_per_fault),
    Figure("  over two controls for each request", Goal(at_most=0.999, is_count=True), faults.over_two_controls),
    Figure("50,000 files in folders that are left out", Goal(at_most=1.05), leaving_out.left_out),
    Figure("hostile servers, longest answer", PRINTED, hostile.longest, in_quick=False),
)

GROWTH: Final = (
    Figure("collection of 100 profiles", Goal(at_most=2), growth.collection),
    *(
        Figure(
            f"many {what}, {workers} worker{'s' * (workers > 1)}: each rule, over a tenth of them",
            Goal(at_most=1.1),
            partial(growth.each_over, what=what, workers=workers),
        )
        for what in ("profiles", "zones")
        for workers in growth.WORKERS
    ),
)
"""What takes minutes: printed by ``--growth``."""
