"""What a test says of profiles: its mark ``apiauth``, and the fixtures that it asks for.

Standard library and pytest only at import.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from pytest_apiauth.errors import ApiAuthError, ProfileError
from pytest_apiauth.plugin.run import State
from pytest_apiauth.plugin.wanted import SHARING, Wanted, wanted_by

if TYPE_CHECKING:
    from pytest_apiauth.profile.model import Profile

Node: TypeAlias = pytest.Item | pytest.Collector
RULES: Final = "_apiauth_examination"
"""The fixture of the items that rules are."""
BEHIND_CLIENTS: Final = "_apiauth_apis"
"""The fixture behind every client of a test."""
FIXTURES: Final = frozenset(
    (
        "apiauth_profile", "apiauth_client", "apiauth_async_client", "apiauth_client_factory", "apiauth_token",
        "apiauth_server", "apiauth_servers", "apiauth_mock", "apiauth_url", "apiauth_urls", "apiauth_tls_url",
        "apiauth_credentials", BEHIND_CLIENTS, RULES,
    )
)  # fmt: skip
"""Who asks for one of these has to do with a profile."""
WIDE: Final = FIXTURES - {"apiauth_credentials", RULES}
"""What is of the scope that ``apiauth_server_scope`` says."""


def wanted_by_test(item: Node, other: str | None = None) -> tuple[Wanted, ...]:
    """Return the APIs that a test asks for by its marks ``apiauth``, its own first; without a mark the usual one.

    ``other`` names a profile that no mark need name: then it is that one alone, as the marks have it.

    Of a class, a module or the run it is what all of its tests ask for. A parameter ``apiauth_profile`` is nearer than
    a parameter's mark, that is nearer than the test's own, and that than its class's and its module's. Raises
    ProfileError for a parameter that is no name.
    """
    parameters = getattr(getattr(item, "callspec", None), "marks", ())
    name = _parameter_of(item)
    levels: dict[object, list[pytest.Mark]] = {"name": [pytest.mark.apiauth(name).mark] if name else [], "marks": []}
    for node, mark in item.iter_markers_with_node("apiauth"):
        level = "marks" if node is item and any(mark is each for each in parameters) else node
        levels.setdefault(level, []).append(mark)
    return wanted_by(levels.values(), other)


def refuse_double_beside_cassette(item: Node, wanted: Wanted) -> None:
    """Fail a test that is marked ``vcr`` and wants of its API what only the embedded server can do."""
    if wanted.of_double and item.get_closest_marker("vcr") is not None:
        pytest.fail(
            f"@pytest.mark.apiauth({wanted.of_double}) and @pytest.mark.vcr in one test: a cassette answers as the API"
            " did, and nothing of that can be chosen",
            pytrace=False,
        )


def scope_node(node: Node, scope: str) -> Node:
    """Return what of a test's surroundings is of a scope; where there is none, what was given, as pytest does."""
    kinds: dict[str, type[pytest.Collector]] = {
        "class": pytest.Class, "module": pytest.Module, "package": pytest.Package, "session": pytest.Session
    }  # fmt: skip
    found: Node | None = node.getparent(kinds[scope]) if scope in kinds else node
    if found is None:
        return node.session if scope == "package" else node
    return found


def uses_ours(item: pytest.Item) -> bool:
    """Whether a test has to do with a profile by its fixtures or its mark."""
    names = getattr(item, "fixturenames", ())
    return not FIXTURES.isdisjoint(names) or item.get_closest_marker("apiauth") is not None


def needs_clients(item: pytest.Item) -> bool:
    """Whether a test asks for a client of ours, or for what comes with one."""
    return BEHIND_CLIENTS in getattr(item, "fixturenames", ())


def may_have_profile(item: pytest.Item, state: State) -> bool:
    """Whether a test may have to do with a profile: any other one is none of our business."""
    return uses_ours(item) or (item.get_closest_marker("vcr") is not None and state.may_have_profile())


def chosen_profile(item: Node, state: State, wanted: Wanted | None = None) -> Profile:
    """Return the profile of a test, or of one of the APIs that it wants, as changed for it. Raises ProfileError."""
    wanted = wanted or wanted_by_test(item)[0]
    folder = item.path if item.path.is_dir() else item.path.parent
    profile = state.named_profile(wanted.name, folder) if wanted.name else state.default_profile(folder)
    return state.changed(profile, wanted, folder)


def chosen_profiles(item: Node, state: State) -> list[Profile]:
    """Return the profile of every API that a test's marks name, its own first. Raises ProfileError."""
    return [chosen_profile(item, state, wanted) for wanted in wanted_by_test(item)]


def refuse_what_is_not_shared(item: pytest.Item, state: State) -> None:
    """Fail a test whose marks say something else than those of what its fixtures are shared by."""
    scope = state.options.server_scope
    node = scope_node(item, scope)
    if node is item or WIDE.isdisjoint(getattr(item, "fixturenames", ())):
        return
    wrong = ""
    with contextlib.suppress(ApiAuthError):
        # What is wrong with either, the fixtures say.
        wrong = _beyond(item, node, state)
    if wrong:
        where = "" if scope == "session" else f" mark the {scope},"
        pytest.fail(
            f"apiauth_server_scope = {scope}: {wrong}, but each {scope} has one set of clients;{where} let"
            " apiauth_client_factory make another client, or use pytest_apiauth.serving() here",
            pytrace=False,
        )


def _beyond(item: pytest.Item, node: Node, state: State) -> str:
    """Say what a test's marks ask for that its fixtures have not; empty if it is nothing. Raises ProfileError."""
    wanted, given = _by_place(item, state), _by_place(node, state)
    if next(iter(wanted)) != next(iter(given)) or not wanted.keys() <= given.keys():
        return f"this test is about {_told(wanted, state)}, and its fixtures are about {_told(given, state)}"
    for place, (_, each) in wanted.items():
        if each.beyond(given[place][1]):
            return f"this test has a mark of its own ({each.beyond(given[place][1])})"
    scope = next(iter(wanted.values()))[1].server_scope or SHARING[-1]
    if SHARING.index(scope) < SHARING.index(state.options.server_scope):
        return f"this test asks for server_scope={scope!r}"
    writes = [each.get_closest_marker("apiauth_writes") is not None for each in (item, node)]
    return "this test has the mark apiauth_writes for itself" if state.options.live and writes == [True, False] else ""


def _by_place(node: Node, state: State) -> dict[str, tuple[Profile, Wanted]]:
    """Return the APIs that marks name, unchanged, by their profiles' files, the first one first."""
    found: dict[str, tuple[Profile, Wanted]] = {}
    for wanted in wanted_by_test(node):
        profile = chosen_profile(node, state, replace(wanted, scope=None, changes=()))
        found.setdefault(profile.place, (profile, wanted))
    return found


def _told(apis: Mapping[str, tuple[Profile, Wanted]], state: State) -> str:
    return ", ".join(f"{profile.name} ({os.path.relpath(place, state.root)})" for place, (profile, _) in apis.items())


def _parameter_of(item: Node) -> str | None:
    """Return what ``parametrize("apiauth_profile", […], indirect=True)`` says to this case of a test."""
    said = getattr(getattr(item, "callspec", None), "params", {}).get("apiauth_profile")
    if said is None or isinstance(said, str | os.PathLike):
        return None if said is None else os.fspath(said)
    raise ProfileError(
        f"parametrize('apiauth_profile', …): expected names or paths of profiles, got {type(said).__name__}"
    )


def used_live(items: Iterable[pytest.Item], state: State) -> list[Path]:
    """Return the files of the profiles whose servers the clients of these tests are about to ask, in a live run."""
    found: dict[Path, None] = {}
    for item in items if state.options.live else ():
        if needs_clients(item):
            # The test's own fixture says what is wrong.
            with contextlib.suppress(ApiAuthError, pytest.fail.Exception):
                found |= {Path(profile.place): None for profile in chosen_profiles(item, state)}
    return list(found)
