"""What a test says of profiles: its mark ``apiauth``, and the fixtures that it asks for.

Standard library and pytest only at import.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pytest_apiauth.errors import ApiAuthError, ProfileError
from pytest_apiauth.plugin.run import State
from pytest_apiauth.plugin.wanted import Wanted, wanted_by

if TYPE_CHECKING:
    from pytest_apiauth.profile.model import Profile

RULES: Final = "_apiauth_examination"
"""The fixture of the items that rules are."""
BEHIND_CLIENTS: Final = "_apiauth_clients"
"""The fixture behind every client of a test."""
FIXTURES: Final = frozenset(
    (
        "apiauth_profile", "apiauth_client", "apiauth_async_client", "apiauth_client_factory", "apiauth_token",
        "apiauth_server", "apiauth_mock", "apiauth_url", "apiauth_tls_url", "apiauth_credentials",
        BEHIND_CLIENTS, RULES,
    )
)  # fmt: skip
"""Who asks for one of these has to do with a profile."""


def wanted_by_test(item: pytest.Item) -> tuple[Wanted, ...]:
    """Return the APIs that a test asks for by its marks ``apiauth``, its own first; without a mark the usual one.

    A parameter ``apiauth_profile`` is nearer than a parameter's mark, that is nearer than the test's own, and that than
    its class's and its module's. Raises ProfileError for a parameter that is no name.
    """
    parameters = getattr(getattr(item, "callspec", None), "marks", ())
    name = _parameter_of(item)
    levels: dict[object, list[pytest.Mark]] = {"name": [pytest.mark.apiauth(name).mark] if name else [], "marks": []}
    for node, mark in item.iter_markers_with_node("apiauth"):
        level = "marks" if node is item and any(mark is each for each in parameters) else node
        levels.setdefault(level, []).append(mark)
    return wanted_by(levels.values())


def refuse_double_beside_cassette(item: pytest.Item, wanted: Wanted) -> None:
    """Fail a test that is marked ``vcr`` and wants of its API what only the embedded server can do."""
    if wanted.of_double and item.get_closest_marker("vcr") is not None:
        pytest.fail(
            f"@pytest.mark.apiauth({wanted.of_double}) and @pytest.mark.vcr in one test: a cassette answers as the API"
            " did, and nothing of that can be chosen",
            pytrace=False,
        )


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


def chosen_profile(item: pytest.Item, state: State, wanted: Wanted | None = None) -> Profile:
    """Return the profile of a test, or of one of the APIs that it wants, as changed for it. Raises ProfileError."""
    wanted = wanted or wanted_by_test(item)[0]
    folder = item.path.parent
    profile = state.named_profile(wanted.name, folder) if wanted.name else state.default_profile(folder)
    return state.changed(profile, wanted, folder)


def _parameter_of(item: pytest.Item) -> str | None:
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
                found[Path(chosen_profile(item, state).place)] = None
    return list(found)
