"""The clock of every app here: what ``[clock]`` of their profiles moves."""

import time

import time_machine


class Clock:
    """The time that is travelled to, from wherever it was before."""

    travel = None


def advance(seconds):
    """Move the system's clock of this process forward."""
    ahead = time.time() + seconds
    if Clock.travel is not None:
        Clock.travel.stop()
    Clock.travel = time_machine.travel(ahead)
    Clock.travel.start()
