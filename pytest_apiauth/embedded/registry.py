"""Named ways for the server to differ: faults, which break a rule, and variants, which no standard forbids."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import GrantType

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
Kind: TypeAlias = Literal["fault", "variant"]
FAULTS: dict[str, Fault] = {}
VARIANTS: dict[str, Variant] = {}
TABLES: Final[Mapping[Kind, Mapping[str, Fault | Variant]]] = {"fault": FAULTS, "variant": VARIANTS}
NEAR: Final = 0.75
"""How alike a suggestion has to be; difflib's own 0.6 takes "nope" for "zone-open"."""
MOST: Final = 3
"""Names that a suggestion has."""
LONGEST: Final = 100
"""Letters of a name that is compared with others."""


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
    """Check names before anything runs, own ones aside. Raises UnknownNameError, with what is near."""
    compose([name for name in faults if not is_own(name)], variants)


def compose(
    faults: Iterable[Chosen], variants: Iterable[str], lifetime: int | None = None, *more: type[Policy]
) -> type[Policy]:
    """Put the chosen faults and variants in front of `Policy`. Raises UnknownNameError for an unknown name.

    ``lifetime`` is that of access tokens in seconds, if it is not the profile's. ``more`` are decisions of a kind that
    the profile has, behind all others.
    """
    chosen = [
        (_named(FAULTS, "fault", each) if isinstance(each, str) else each).mixin for each in dict.fromkeys(faults)
    ]
    if lifetime is not None:
        chosen.append(_lasting(lifetime))
    chosen += [_named(VARIANTS, "variant", name).mixin for name in dict.fromkeys(variants)]
    # What others derive from stands behind them.
    chosen += [each for each in more if not any(issubclass(one, each) for one in chosen)]
    return type("Policy", (*chosen, Policy), {}) if chosen else Policy


def listed(kind: Kind, word: str = "", more: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield a line for each fault or variant, its name and a sentence; with a ``word`` only those that have it.

    ``more`` are sentences by name, of such that no register knows. Raises UnknownNameError if none has the word.
    """
    table = {**{each.name: each.description for each in TABLES[kind].values()}, **(more or {})}
    found = {name: text for name, text in table.items() if word.lower() in f"{name} {text}".lower()}
    if not found:
        raise UnknownNameError(f"no {kind} has {word!r} in its name or its sentence")
    width = max(map(len, found))
    for name, text in found.items():
        yield f"{name:{width}}  {text}"


def no_such(kind: Kind, name: str, more: Iterable[str] = ()) -> UnknownNameError:
    """Return the error for an unknown name: what is near, or what it is instead. ``more`` are names that count too."""
    command = f"`python -m pytest_apiauth {kind}s`"
    other: Kind = "variant" if kind == "fault" else "fault"
    if name in TABLES[other]:
        return UnknownNameError(f"no {kind} is called {name!r}: it is a {other}; {command} lists them")
    near = _near(name, [*TABLES[kind], *more])
    hint = f"did you mean {' or '.join(map(repr, near))}? {command} lists all" if near else f"{command} lists them"
    return UnknownNameError(f"no {kind} is called {name!r}; {hint}")


def _lasting(seconds: int) -> type[Policy]:
    class Lasting(Policy):
        def lifetime(self, grant: GrantType) -> int:
            return seconds

    return Lasting


Entry = TypeVar("Entry", Fault, Variant)


def _named(table: Mapping[str, Entry], kind: Kind, name: str) -> Entry:
    if name in table:
        return table[name]
    raise no_such(kind, name)


def _near(name: str, known: Collection[str]) -> list[str]:
    """Return names that are spelled nearly so, or else those that have all its words; none that are far."""
    name = name.lower().replace("_", "-")[:LONGEST]
    near = difflib.get_close_matches(name, known, n=1, cutoff=NEAR)
    words = [word for word in re.split(r"[\W_]+", name) if len(word) > 2]
    having = [each for each in known if words and all(word in each for word in words)]
    return near or (having if len(having) <= MOST else [])
