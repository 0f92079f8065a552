"""Where pytest meets refusals: which tests keep which hosts out of reach, and for how long."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from pytest_apiauth.credentials.identities import Surroundings
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.messages import Origin
from pytest_apiauth.offline.culprit import versioned
from pytest_apiauth.offline.hosts import Hosts
from pytest_apiauth.offline.refusal import OfflineError, Refusal, at_work, offline_error_in
from pytest_apiauth.plugin.marks import RULES, chosen_profile, wanted_by_test
from pytest_apiauth.plugin.run import STATE, State
from pytest_apiauth.plugin.wanted import Wanted
from pytest_apiauth.profile.model import Profile, Reference

__all__ = [
    "add_to_report", "advice_beside_mock", "enter", "hosts_of", "keep_out", "kept_out", "leave", "offline_error_in",
    "profiles_of", "refusals",
]  # fmt: skip

OPEN: pytest.StashKey[ExitStack] = pytest.StashKey()
REFUSAL: pytest.StashKey[Refusal] = pytest.StashKey()
SHARED: pytest.StashKey[list[OfflineError]] = pytest.StashKey()
"""Of a class, a module or the run: what went past a double that its tests share."""


def enter(item: pytest.Item) -> None:
    """Keep a test's hosts out of reach before any fixture of it, of whatever scope, is set up."""
    state = item.config.stash[STATE]
    profiles = profiles_of(item, state)
    if profiles and not _is_on_a_socket(item):
        _begin(item, hosts_of(profiles, state.root))


def leave(item: pytest.Item) -> None:
    """Let them be reached again, once the test's fixtures are gone."""
    for node in item.listchain():
        node.stash.get(SHARED, []).clear()
    opened = item.stash.get(OPEN, None)
    if opened is not None:
        opened.close()
        del item.stash[OPEN]


def keep_out(item: pytest.Item, profile: Profile) -> None:
    """Keep the hosts of a profile out of reach from now on: of one that a test asked for while it ran, say."""
    state = item.config.stash[STATE]
    if state.options.live:
        return
    hosts = hosts_of([profile], state.root)
    known = item.stash.get(REFUSAL, None)
    if known is not None and item.stash.get(OPEN, None) is not None:
        known.hosts |= hosts
    else:
        _begin(item, hosts)


@contextmanager
def kept_out(node: pytest.Collector, profile: Profile) -> Generator[None]:
    """Keep the hosts of a profile out of reach while the block runs: of one that wide fixtures are about.

    Whoever asks for one of those by ``getfixturevalue`` is not known to, and finds nothing that stands in.
    """
    state = node.config.stash[STATE]
    if state.options.live:
        yield
        return
    refusal = Refusal(hosts_of([profile], state.root), _advice_to_others)
    refusal.errors = refusals(node)
    with at_work(refusal):
        yield


def refusals(node: pytest.Item | pytest.Collector) -> list[OfflineError]:
    """Return what was refused while a test ran; of a node, to what its tests share, in the test that runs."""
    if not isinstance(node, pytest.Item):
        return node.stash.setdefault(SHARED, [])
    known = node.stash.get(REFUSAL, None)
    return [] if known is None else known.errors


def add_to_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Say beside a failure what was refused to the test, if its own code kept that to itself."""
    errors = [*refusals(item), *(error for node in item.listchain() for error in node.stash.get(SHARED, ()))]
    lines = [line for line in dict.fromkeys(map(str, errors)) if line not in report.longreprtext]
    if lines:
        report.sections.append(("apiauth", "\n".join(lines)))


def profiles_of(item: pytest.Item, state: State) -> list[Profile]:
    """Return the profiles that a test has to do with: those chosen for it, and for a cassette all of the project's.

    What a cassette holds is known when it is read or written, and that is late.
    """
    own = getattr(item, "profile_file", None)
    if own is not None:
        return [own.profile]
    found: dict[int, Profile] = {}
    wanted: Iterable[Wanted] = ()
    # Whoever needs one that is wrong is told by the fixtures.
    with suppress(ApiAuthError, pytest.fail.Exception):
        wanted = wanted_by_test(item)
    for each in wanted:
        with suppress(ApiAuthError):
            profile = chosen_profile(item, state, each)
            found[id(profile)] = profile
    if item.get_closest_marker("vcr") is not None:
        for profile in state.project_profiles():
            found.setdefault(id(profile), profile)
    return list(found.values())


def hosts_of(profiles: Iterable[Profile], root: Path) -> Hosts:
    """Return the hosts of profiles: those that they name, and those that the environment does for them.

    ``root`` is the project's folder, in which ``.env`` may lie.
    """
    origins: set[Origin] = set()
    for profile in profiles:
        origins |= profile.origins
        place = profile.api_url
        if isinstance(place, Reference) and place.env is not None:
            try:
                origins.add(Origin.of(Surroundings(root)("api_url", place) or ""))
            except ValueError:
                continue  # no URL, so nobody can go there
    return Hosts.of(origins)


def _begin(item: pytest.Item, hosts: Hosts) -> None:
    opened = ExitStack()
    item.stash[REFUSAL] = opened.enter_context(at_work(Refusal(hosts, _advice_for(item))))
    item.stash[OPEN] = opened


def _is_on_a_socket(item: pytest.Item) -> bool:
    """Whether a rule talks to the embedded server on a socket, whose own port is none of the profile's."""
    own = getattr(item, "profile_file", None)
    return own is not None and RULES in getattr(item, "fixturenames", ()) and bool(own.kind.has_connections)


def _advice_for(item: pytest.Item) -> Callable[[str], str]:
    nothing = "a run without --apiauth-live lets nothing out"
    if item.get_closest_marker("vcr") is None:
        return lambda library: f"{nothing}; add it, or let apiauth_mock or @pytest.mark.vcr stand in"
    if item.config.getoption("disable_recording", False):
        return lambda library: f"{nothing}; add it, or leave out --disable-recording"
    record = f"pytest {shlex.quote(item.nodeid)} --apiauth-live --record-mode=rewrite"
    return lambda library: f"{nothing}, and no cassette answers this; record it: {record}"


def _advice_to_others(library: str) -> str:
    return (
        "a run without --apiauth-live lets nothing out; add it, or name among the test's arguments the fixture that is"
        " to stand in"
    )


def advice_beside_mock(library: str, mock: str = "apiauth_mock", url: str = "apiauth_url") -> str:
    """Say what to do if something goes past the embedded server that stands in for its host."""
    return (
        f"{versioned(library)} goes past {mock}, by a proxy or a network of its own;"
        f" let it connect itself, give it the URL of {url}, or record the test with @pytest.mark.vcr"
    )
