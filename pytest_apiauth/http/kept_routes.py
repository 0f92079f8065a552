"""The routes of a router at one moment, so that it can be brought back there: of respx's router, and of our own.

Tests that share a double share its router. What one of them adds there, changes or sees is its own, as
`pytest_apiauth.plugin.lifetimes` has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol


class AnyRoute(Protocol):
    """What both kinds of routes have; ``return_value`` and ``side_effect`` are in the words of the HTTP library."""

    calls: Any
    return_value: Any
    side_effect: Any

    @property
    def name(self) -> str | None:
        """How the test calls it, if it does."""

    @property
    def is_pass_through(self) -> bool:
        """Whether it lets requests go on."""

    def pass_through(self, value: bool = True) -> Any:
        """Let requests go on, or not."""


@dataclass(frozen=True, slots=True)
class KeptRoute:
    """A route at one moment: adding one with its pattern changes it."""

    route: AnyRoute = field(compare=False)
    name: str | None
    return_value: object
    side_effect: object
    is_pass_through: bool
    calls: tuple[Any, ...] = field(compare=False)

    @classmethod
    def of(cls, route: AnyRoute) -> KeptRoute:
        """Take it as it is."""
        return cls(
            route, route.name, route.return_value, route.side_effect, route.is_pass_through, tuple(route.calls)
        )  # fmt: skip

    def put_back(self) -> None:
        """Have it as it was."""
        self.route.return_value, self.route.side_effect = self.return_value, self.side_effect
        self.route.pass_through(self.is_pass_through)
        self.route.calls[:] = self.calls


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes of a router at one moment, and what it was called with."""

    kept: dict[int, KeptRoute]
    calls: tuple[Any, ...]

    @classmethod
    def of(cls, routes: Iterable[Any], calls: Iterable[Any]) -> Routes:
        """Take them as they are."""
        return cls({id(route): KeptRoute.of(route) for route in routes}, tuple(calls))

    def plus(self, before: Routes, after: Routes) -> Routes:
        """Add the routes that came between two moments, or changed."""
        new = {place: replace(kept, calls=()) for place, kept in after.kept.items() if before.kept.get(place) != kept}
        return Routes({**self.kept, **new}, self.calls)

    def minus(self, before: Routes, after: Routes) -> Routes:
        """Take out the routes that came between two moments."""
        new = after.kept.keys() - before.kept.keys()
        return Routes({place: kept for place, kept in self.kept.items() if place not in new}, self.calls)
