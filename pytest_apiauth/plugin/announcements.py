"""The lines before a run, as text: what is examined, where, and where a live run is about to send its requests.

Under pytest-xdist a worker knows what was collected and the controller has the terminal, so one notes it for the other.
Standard library and pytest only at import.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.plugin.run import State
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.finding import SUFFIX

if TYPE_CHECKING:
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.targets.target import TargetKind

COLLECTED: Final = "collected"
"""What the file is about in which a worker notes what it has collected."""


def examined(state: State, files: Iterable[Path]) -> str:
    """Return which profiles are examined and on what: apps one by one, the others by what they have in common."""
    from pytest_apiauth.targets.choose import choose

    apps: list[str] = []
    others: dict[str, list[str]] = {}
    for file in files:
        name = file.name.removesuffix(SUFFIX)
        with contextlib.suppress(ApiAuthError):
            profile = state.load(file)
            kind = choose(profile, state.options, "rules")
            if kind.is_app:
                apps.append(f"{name} {kind.announced}: {_shown_app(profile.app)}")
            else:
                others.setdefault(kind.announced, []).append(name)
    return "; ".join([*apps, *(f"{', '.join(names)} {where}" for where, names in others.items())])


def _shown_app(app: object) -> str:
    return ", ".join(dict.fromkeys(app.values())) if isinstance(app, dict) else str(app)


def warn_of_live(state: State, files: Iterable[Path]) -> list[str]:
    """Return a line for each profile of a live run: where requests are about to go, how fast, how many at most."""
    from pytest_apiauth.credentials.located import located_profile
    from pytest_apiauth.messages import Origin

    lines = []
    for file in files:
        try:
            profile = located_profile(state.load(file), state.root)
            limits = state.limits.throttle(profile).limits
        except ApiAuthError:
            continue  # said again, as an error, where the profile is used
        plain = {Origin.of(profile.live.plain_url)} if profile.live.plain_url is not None else set()
        origins = ", ".join(sorted(map(str, profile.origins | plain)))
        pace = f"at most {limits.rate:g} a second, " if limits.rate else ""
        budget = f"{pace}{limits.max_requests} in all"
        lines.append(f"apiauth: {shown_file(state, file)}: about to send requests to {origins}: {budget}")
    return lines


def not_examined(state: State, files: Sequence[Path]) -> list[str]:
    """Return a line on the profiles that a run has come upon and leaves alone, if there are any."""
    if not files:
        return []
    shown = ", ".join(shown_file(state, file) for file in files)
    otherwise = "let it say examine = true" if state.options.live else "set apiauth_collect = all"
    return [f"apiauth: not examined: {shown}; name a profile for that, or {otherwise}"]


def shown_file(state: State, file: Path) -> str:
    """Return a file as people read it: from the root folder of the run, if it lies there."""
    place, root = file.resolve(), state.root.resolve()
    return one_line((place.relative_to(root) if place.is_relative_to(root) else place).as_posix())


def shown_url(state: State, profile: Profile, kind: TargetKind) -> str:
    """Return the URL that a run of a profile touches, for people to read."""
    try:
        return kind.located(profile, state.root).base_url
    except ApiAuthError:
        return profile.base_url


class Collected(NamedTuple):
    """What a run is about to do, as far as whoever has collected its tests knows."""

    shown: str = ""
    """Which profiles are examined and on what; empty if none is."""
    used: Sequence[Path] = ()
    """The profiles that clients of ordinary tests are for, in a live run."""
    left_alone: Sequence[Path] = ()
    """The profiles that are not examined, in a live run, or in one that found nothing else."""

    @classmethod
    def of(cls, state: State, nodeids: Sequence[str], used: Sequence[Path]) -> Collected:
        """Find it out by what was collected."""
        files = examined_files(state, nodeids)
        is_told = state.options.live or not (nodeids or state.has_deselected)
        return cls(examined(state, files) if files else "", used, state.left_alone if is_told else ())


def examined_files(state: State, nodeids: Iterable[str]) -> list[Path]:
    """Return the files of the profiles whose rules were collected."""
    names = dict.fromkeys(nodeid.partition("::")[0] for nodeid in nodeids)
    return [state.config.rootpath / name for name in names if name.endswith(SUFFIX)]


def note_collected(state: State, found: Collected) -> None:
    """Tell the controller what a worker has found.

    So the controller need not import what examines, while all workers wait for it.
    """
    file = state.shared_file(COLLECTED) if found.shown or found.used or found.left_alone else None
    if file is not None:
        file.write(json.dumps([found.shown, list(map(str, found.used)), list(map(str, found.left_alone))]))


def take_collected(state: State) -> Collected:
    """Return what a worker noted."""
    file = state.shared_file(COLLECTED)
    text = file.read() if file is not None else ""
    shown, used, left_alone = json.loads(text or '["", [], []]')
    return Collected(shown, list(map(Path, used)), list(map(Path, left_alone)))
