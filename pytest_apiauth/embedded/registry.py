"""Named ways for the server to differ: faults, which break a rule, and variants, which no standard forbids."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.messages import Request, Response

Mixin = TypeVar("Mixin", bound=type[Policy])


class UnknownNameError(ApiAuthError, ValueError):
    """There is no fault or variant of that name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One named way in which the server breaks a rule."""

    name: str
    description: str
    mixin: type[Policy]


@dataclass(frozen=True, slots=True)
class Variant:
    """One named way in which the server differs as a standard allows."""

    name: str
    description: str
    mixin: type[Policy]


Chosen: TypeAlias = str | Fault
"""A fault by its name, or one that no register knows."""
FAULTS: dict[str, Fault] = {}
VARIANTS: dict[str, Variant] = {}


def fault(name: str, description: str) -> Callable[[Mixin], Mixin]:
    """Register a subclass of `Policy` as a fault."""

    def register(mixin: Mixin) -> Mixin:
        if name in FAULTS:
            raise ValueError(f"two faults are called {name!r}")
        mixin.__doc__ = f"{description[:1].upper()}{description[1:]}."
        FAULTS[name] = Fault(name, description, mixin)
        return mixin

    return register


def variant(name: str, description: str) -> Callable[[Mixin], Mixin]:
    """Register a subclass of `Policy` as a variant."""

    def register(mixin: Mixin) -> Mixin:
        if name in VARIANTS:
            raise ValueError(f"two variants are called {name!r}")
        mixin.__doc__ = f"{description[:1].upper()}{description[1:]}."
        VARIANTS[name] = Variant(name, description, mixin)
        return mixin

    return register


def own_fault(name: str, description: str, answer: Callable[[Request, Response], Response]) -> Fault:
    """Return a fault that no register knows: ``answer`` makes it of a request and what the server answers to it."""

    class Broken(Policy):
        def revise(self, request: Request, response: Response) -> Response:
            return answer(request, super().revise(request, response))

    return Fault(name, description, Broken)


def is_own(name: str) -> bool:
    """Whether a name is that of a fault of a project's own, ``FILE.function``: whoever reads the file knows it."""
    return "." in name


def check_names(faults: Iterable[str], variants: Iterable[str] = ()) -> None:
    """Check names before anything runs, own ones aside. Raises UnknownNameError, with the nearest known name."""
    compose([name for name in faults if not is_own(name)], variants)


def compose(faults: Iterable[Chosen], variants: Iterable[str]) -> type[Policy]:
    """Put the chosen faults and variants in front of `Policy`. Raises UnknownNameError for an unknown name."""
    chosen = [
        (_named(FAULTS, "fault", each) if isinstance(each, str) else each).mixin for each in dict.fromkeys(faults)
    ]
    chosen += [_named(VARIANTS, "variant", name).mixin for name in dict.fromkeys(variants)]
    return type("Policy", (*chosen, Policy), {}) if chosen else Policy


Entry = TypeVar("Entry", Fault, Variant)


def _named(table: Mapping[str, Entry], kind: str, name: str) -> Entry:
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownNameError(f"no {kind} is called {name!r}{hint} ({len(table)} are known)")
