"""What a test wants of an API: the arguments of its mark ``apiauth``, read and checked.

Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, NoReturn, TypeAlias

import pytest

SIGNATURE: Final = (
    "@pytest.mark.apiauth(profile, …, *, user, client, key, scope, changes, variant, fault, lifetime, server_scope)"
)
WHO: Final = ("user", "client", "key")
SHARING: Final = ("function", "class", "module", "package", "session")
"""How many tests may share a server, from one on."""
PLURALS: Final = {"variants": "variant", "faults": "fault"}
"""Other spellings of arguments."""
Arguments = dict[str, Any]
Names: TypeAlias = str | Iterable[str] | None
"""A name or several; None leaves it open."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One API as a test wants it."""

    name: str | None = None
    """The profile, by name or path; None is the one that tests have which name none."""
    who: Mapping[str, str] = field(default_factory=dict)
    """Names of user, client and key to act as."""
    scope: str | None = None
    """The scope to ask for."""
    changes: tuple[Mapping[str, object], ...] = ()
    """Keys of the profile that are others in this test; the latest of these count first."""
    variants: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    lifetime: int | None = None
    """Seconds that access tokens live for."""
    server_scope: str | None = None
    """How many tests share its server."""

    def beyond(self, other: Wanted) -> str:
        """Say what this one wants that another does not, the profile aside; empty if it is nothing."""
        said = [f"{name}={value!r}" for name, value in self.who.items() if other.who.get(name) != value]
        said += [name for name in ("scope", "changes") if getattr(self, name) != getattr(other, name)]
        return ", ".join([*said, *([self.of_double] if self.of_double != other.of_double else [])])

    def choosing(self, variant: Names, fault: Names) -> Wanted:
        """Return it with what the fixtures ``apiauth_variant`` and ``apiauth_fault`` give, where they give anything."""
        if variant is None and fault is None:
            return self
        try:
            return replace(
                self,
                variants=self.variants if variant is None else names(variant),
                faults=self.faults if fault is None else names(fault),
            )
        except ValueError as error:
            wrong = str(error)
        pytest.fail(f"apiauth_variant, apiauth_fault: {wrong}", pytrace=False)

    @property
    def of_double(self) -> str:
        """What only the embedded server can do, as the mark says it; empty if it is nothing."""
        given = {"variant": self.variants, "fault": self.faults, "lifetime": self.lifetime}
        said = [f"{name}={_shown(value)}" for name, value in given.items() if value not in ((), None)]
        return ", ".join(said)


USUAL: Final = (Wanted(),)
"""What a test wants that has no mark."""


def _shown(value: tuple[str, ...] | int | None) -> str:
    return repr(value[0] if isinstance(value, tuple) and len(value) == 1 else value)


def wanted_of(**arguments: object) -> Wanted:
    """Return what arguments of a function say that are called as those of the mark. Raises ValueError.

    >>> wanted_of(variant="jwt-tokens", lifetime=None).of_double
    "variant='jwt-tokens'"
    """
    found: Arguments = {}
    for name, value in arguments.items():
        if value is not None:
            try:
                found[name] = ARGUMENTS[name](value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    return _wanted(None, [found])


def wanted_by(levels: Iterable[Iterable[pytest.Mark]], other: str | None = None) -> tuple[Wanted, ...]:
    """Return the APIs that marks ask for, the test's own first; ``levels`` are the marks of it, its class and so on.

    The nearest level that names profiles decides which there are, or ``other`` does. What a mark leaves out, the next
    one says: of those that name the same profile, or none. Fails the test for what no mark can mean.
    """
    read = [[_read(mark) for mark in level] for level in levels]
    if other is not None:
        read.insert(0, [((other,), {})])
    names = next((found for level in read if (found := [name for names, _ in level for name in names])), [None])
    every = [mark for level in read for mark in level]
    if not every:
        return USUAL
    return tuple(
        _wanted(name, [said for named, said in every if name in named or not named]) for name in dict.fromkeys(names)
    )


def _wanted(name: str | None, arguments: Iterable[Arguments]) -> Wanted:
    found: Arguments = {}
    changes: list[Mapping[str, object]] = []
    for each in arguments:
        if "changes" in each:
            changes.insert(0, each["changes"])
        found = {**each, **found}
    return Wanted(
        name,
        {key: found[key] for key in WHO if key in found},
        found.get("scope"),
        tuple(changes),
        found.get("variant", ()),
        found.get("fault", ()),
        found.get("lifetime"),
        found.get("server_scope"),
    )


def _read(mark: pytest.Mark) -> tuple[tuple[str, ...], Arguments]:
    """Return the profiles that a mark names, and what it says of them."""
    wrong: list[str] = []
    names = [*mark.args, mark.kwargs["profile"]] if mark.kwargs.get("profile") is not None else [*mark.args]
    wrong += [f"profile: expected a name, got {type(name).__name__}" for name in names if not isinstance(name, str)]
    if mark.args and "profile" in mark.kwargs:
        wrong.append("profile is given twice")
    found: Arguments = {}
    for given, value in mark.kwargs.items():
        name = PLURALS.get(given, given)
        if given == "profile" or (value is None and name in ARGUMENTS):
            continue
        if name not in ARGUMENTS:
            wrong.append(f"unknown argument {given!r}")
        elif name in found:
            wrong.append(f"{name} is given twice")
        else:
            try:
                found[name] = ARGUMENTS[name](value)
            except ValueError as error:
                wrong.append(f"{given}: {error}")
    if wrong:
        pytest.fail(f"{SIGNATURE}: {', '.join(wrong)}", pytrace=False)
    return tuple(names), found


# What an argument may be. Each raises ValueError.


def _expected(what: str, value: object) -> NoReturn:
    raise ValueError(f"expected {what}, got {type(value).__name__}")


def _name(value: object) -> str:
    return value if isinstance(value, str) else _expected("a name", value)


def names(value: object) -> tuple[str, ...]:
    """Return names that are given as one, or as several. Raises ValueError for what is neither."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple | set | frozenset):
        _expected("a name, or a list of names", value)
    found = tuple(sorted(value) if isinstance(value, set | frozenset) else value)
    for each in found:
        if not isinstance(each, str):
            _expected("a name, or a list of names", each)
    return found


def _server_scope(value: object) -> str:
    scope = _name(value)
    if scope not in SHARING:
        raise ValueError(f"expected one of {', '.join(SHARING)}, got {scope!r}")
    return scope


def _text(value: object) -> str:
    return value if isinstance(value, str) else _expected("words with a blank between", value)


def _keys(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        _expected('keys of the profile, such as {"token.leeway": 0}', value)
    for key in value:
        if not isinstance(key, str):
            _expected('keys of the profile, such as {"token.leeway": 0}', key)
    return value


def _seconds(value: object) -> int:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        _expected("seconds or a timedelta", value)
    if not 1 <= seconds < 1e10 or seconds != int(seconds):
        raise ValueError(f"expected whole seconds, from 1 on, got {value}")
    return int(seconds)


ARGUMENTS: Final[Mapping[str, Callable[[object], Any]]] = {
    **dict.fromkeys(WHO, _name),
    "scope": _text,
    "changes": _keys,
    "variant": names,
    "fault": names,
    "lifetime": _seconds,
    "server_scope": _server_scope,
}
"""How each argument of the mark is read."""
