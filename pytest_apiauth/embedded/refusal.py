"""How a decision says no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a ``WWW-Authenticate`` field (RFC 9110 11.6.1)."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        quoted = ", ".join(f'{name}="{value}"' for name, value in self.parameters.items())
        return f"{self.scheme} {quoted}".rstrip()


class Refusal(Exception):
    """A request is refused. ``error`` is a code of RFC 6749 5.2 or RFC 6750 3.1; nothing of the request is in it."""

    def __init__(self, status: int, error: str, description: str = "", challenges: Iterable[Challenge] = ()) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error
        self.description = description
        self.challenges = list(challenges)


class Crash(Exception):
    """A faulty server falls over; the client sees 500."""
