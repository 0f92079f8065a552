"""Faults that take two requests at the same moment: both are let through before either is written down."""

from __future__ import annotations

import threading
from collections import Counter

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.refusal import Refusal
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import Code, RefreshToken, State
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Profile

ONCE = ("refresh_token", "code")
"""Parameters with a value that works once."""


class _Meeting(Policy):
    """Lets two requests that come at the same moment with one value of `ONCE` meet, and remembers that they did."""

    MOMENT = 0.05
    """Seconds that a request waits for another one, as one that reads before the other writes."""

    def __init__(self, profile: Profile, state: State) -> None:
        super().__init__(profile, state)
        self._lock = threading.Lock()
        self._waiting: dict[str, threading.Event] = {}
        self._passes: Counter[str] = Counter()

    def arrives(self, request: Request) -> None:
        super().arrives(request)
        for value in self._values_in(request):
            with self._lock:
                met = self._waiting.pop(value, None)
                if met is not None:
                    self._passes[value] += 2
                else:
                    mine = self._waiting[value] = threading.Event()
            if met is not None:
                met.set()
            elif not mine.wait(self.MOMENT):
                with self._lock:
                    self._waiting.pop(value, None)

    def passes(self, value: str) -> bool:
        """Whether a request with this value goes through since it met another one; each counts once."""
        if self._passes[value] > 0:
            self._passes[value] -= 1
            return True
        return False

    def _values_in(self, request: Request) -> list[str]:
        if request.method != "POST" or not any(name.encode() in request.body for name in ONCE):
            return []
        try:
            found = self.parameters(request)
        except Refusal:
            return []
        return [found[name] for name in ONCE if name in found]


@fault("refresh-race-lost", "two refreshes that come at the same moment with one token both succeed")
class RefreshRaceLost(_Meeting):
    def is_spent(self, token: RefreshToken) -> bool:
        return not self.passes(token.value) and super().is_spent(token)


@fault("code-race-lost", "two requests that come at the same moment with one code both get a token")
class CodeRaceLost(_Meeting):
    def is_used(self, code: Code) -> bool:
        return not self.passes(code.value) and super().is_used(code)
