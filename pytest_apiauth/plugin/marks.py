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

if TYPE_CHECKING:
    from pytest_apiauth.profile.model import Profile

MARK_ARGUMENTS: Final = ("profile", "user", "client", "key")
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


def mark_of(item: pytest.Item) -> tuple[str | None, dict[str, str]]:
    """Read ``@pytest.mark.apiauth``, as a profile's name and who acts.

    What a test's own mark leaves out, that of its class or module says.
    """
    found: dict[str, str] = {}
    for mark in item.iter_markers("apiauth"):
        arguments = {**mark.kwargs, **({"profile": mark.args[0]} if mark.args else {})}
        wrong = [f"unknown argument {name!r}" for name in arguments if name not in MARK_ARGUMENTS]
        if len(mark.args) > 1 or (mark.args and "profile" in mark.kwargs):
            wrong.append("profile is given twice")
        wrong += [
            f"{name}: expected a name, got {type(value).__name__}"
            for name, value in arguments.items()
            if not (isinstance(value, str) or value is None)
        ]
        if wrong:
            pytest.fail(f"@pytest.mark.apiauth(profile, *, user, client, key): {', '.join(wrong)}", pytrace=False)
        found = {**{name: value for name, value in arguments.items() if value is not None}, **found}
    return found.pop("profile", None), found


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


def chosen_profile(item: pytest.Item, state: State) -> Profile:
    """Return the profile of a test: of its parameter, its mark, or its place. Raises ProfileError if none is chosen."""
    name = _parameter_of(item) or mark_of(item)[0]
    return state.named_profile(name, item.path.parent) if name else state.default_profile(item.path.parent)


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
