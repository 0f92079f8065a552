"""The commands of cassettes: ``record`` makes them anew and says what has changed, ``scan`` searches them."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from pytest_apiauth.credentials.names import names_of
from pytest_apiauth.printable import printable
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.finding import profiles_under, root_above
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording import library
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.reading import cassettes_in, read_exchanges
from pytest_apiauth.recording.scenes import scenes
from pytest_apiauth.recording.shapes import differences, shapes_of
from pytest_apiauth.scratch import scratch_folder
from pytest_apiauth.whole import write_whole

PAGE = "README.md"


def scan(asked: argparse.Namespace) -> Iterator[str]:
    """Search folders and files, by what the project's profiles say too.

    Raises CassetteError if anything is found, or a folder has no cassette; ProfileError if a profile cannot be read.
    """
    from pytest_apiauth.recording.harmless import Allowed
    from pytest_apiauth.recording.scan import Search, unclean

    found = 0
    profiles = [loading.load(path) for path in profiles_under(root_above(Path.cwd()))]
    for place in map(Path, asked.places):
        count, search = 0, Search(names_of(profiles), Allowed(profiles))
        for path in cassettes_in(place):
            count += 1
            for line in unclean(path, search):
                found += 1
                yield printable(line)
        if not count and not place.is_file():
            raise CassetteError(f"scan: no cassettes under {place}")
        if not found:
            passed = f"; {search.passed} values are harmless, as a profile says" if search.passed else ""
            yield f"{place}: {count} cassettes, no secret found{passed}"
    if found:
        raise CassetteError(f"scan: {found} places in {', '.join(map(str, asked.places))} may hold a secret")


def run(asked: argparse.Namespace, script: library.Script) -> Iterator[str]:
    """Record, with ``script`` in a person's place, and give a line for each cassette.

    Raises an ApiAuthError if something stays undone.
    """
    if bool(asked.name) == asked.all:
        raise CassetteError("record: name one profile, or give --all")
    builtin = loading.builtin_profiles().values()
    files = list(builtin) if asked.all else [loading.find_from(Path.cwd(), asked.name)]
    folder, held_back = Path(asked.folder), 0
    for file in files:
        profile = loading.load(file)
        stage = library.live_stage(profile, Path.cwd(), script) if asked.live else library.embedded_stage(profile)
        with stage as on:
            played = library.chosen(on, is_live=asked.live)
            for scene in played:
                path = folder / profile.name / f"{scene.name}.yaml"
                with scratch_folder() as place:
                    new = place / path.name
                    try:
                        library.record(scene, on, new, is_live=asked.live)
                    except CassetteError as error:
                        # It was made elsewhere first, which nobody has to know.
                        raise CassetteError(str(error).replace(str(new), str(path))) from None
                    changes = _changes(path, new)
                    yield from (f"{path}: {change}" for change in changes)
                    if changes and not asked.force:
                        held_back += 1
                        continue
                    _put(path, new.read_bytes())
                    yield f"{path}: {'overwritten' if changes else 'recorded'}"
        yield from _left_out(profile, {scene.name for scene in played})
    _put(folder / PAGE, library.page(folder))
    if held_back:
        raise CassetteError(f"record: {held_back} changed shape and stay as they were; --force overwrites them")


def _put(path: Path, content: str | bytes) -> None:
    """Write a file. Raises CassetteError, one line, if that fails."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise CassetteError(f"{path}: not written: {error.strerror or type(error).__name__}") from None


def _changes(old: Path, new: Path) -> list[str]:
    if not old.is_file():
        return []
    with contextlib.suppress(CassetteError):
        return list(differences(shapes_of(read_exchanges(old)), shapes_of(read_exchanges(new))))
    return ["is not a readable cassette"]


def _left_out(profile: Profile, recorded: set[str]) -> Iterator[str]:
    for scene in scenes(profile):
        if scene.name not in recorded:
            of_person = "needs a person at a browser, or a script: [login]"
            why = of_person if scene.needs_browser else "sends what a live API should not get"
            yield f"{profile.name}/{scene.name}: left out: it {why}"
