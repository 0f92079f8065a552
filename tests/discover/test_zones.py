"""Routes to zones: whatever the routes, each lies in a zone with its own needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.discover.findings import Needs
from pytest_apiauth.discover.zones import Route, prefix_of, zones_of

KEY: Needs = (frozenset({"api_key"}),)
TOKEN: Needs = (frozenset({"bearer"}),)
OPEN: Needs = ()

SEGMENTS = st.sampled_from(["a", "ab", "a-b", "b", "users", "v1"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


@st.composite
def apis(draw: st.DrawFn) -> list[Route]:
    """Draw routes; one with a parameter needs what its folder's other routes with one need."""
    needs = st.sampled_from([KEY, TOKEN, OPEN])
    literal = draw(st.dictionaries(PATHS, needs, max_size=8))
    routes = [Route(path, each, is_probe=True) for path, each in literal.items()]
    below = draw(st.dictionaries(st.sampled_from(sorted(literal) or ["/x"]), needs, max_size=3))
    return routes + [Route(f"{path}/{{id}}", each) for path, each in below.items()]


@given(apis())
def test_each_route_gets_its_own_needs(routes: list[Route]) -> None:
    """The longest prefix that fits a documented path has that path's needs; none is needed for an open one."""
    zones = zones_of(routes)

    for route in routes:
        zone = prefix_of(zones, route.sample)
        assert (zone.needs if zone is not None else OPEN) == route.needs


@given(apis())
def test_probes_and_names_are_sound(routes: list[Route]) -> None:
    """A probe lies in its own zone and needs what the zone needs; names are unique; every probe-able zone has one."""
    zones = zones_of(routes)

    needs = {route.path: route.needs for route in routes if route.is_probe}
    assert len({zone.name for zone in zones}) == len(zones) == len({zone.path for zone in zones})
    for zone in zones:
        assert all(needs[probe] == zone.needs and prefix_of(zones, probe) == zone for probe in zone.probes)
    assert {zone.needs for zone in zones if zone.probes} == set(needs.values())


def zones(*routes: tuple[str, Needs | None]) -> dict[str, Needs]:
    """Give needs by path of the zones of some routes."""
    return {zone.path: zone.needs for zone in zones_of([Route(path, needs, is_probe=True) for path, needs in routes])}


def test_one_zone_where_all_need_the_same() -> None:
    """An API that needs one thing everywhere is one zone, as deep as its paths have in common."""
    assert zones(("/v1/a", KEY), ("/v1/b/{id}", KEY)) == {"/v1/": KEY}
    assert zones(("/a", KEY), ("/b", KEY)) == {"/": KEY}
    assert zones(("/a", KEY), ("/a/{id}", KEY)) == {"/a": KEY}


def test_folders_become_zones() -> None:
    """Where folders differ, each is a zone."""
    routes = [
        ("/ext/a", OPEN),
        ("/ext/b", OPEN),
        ("/user/me", KEY),
        ("/user/cards", KEY),
        ("/pro/x", TOKEN),
        ("/pro/y", TOKEN),
    ]

    assert zones(*routes) == {"/ext/": OPEN, "/pro/": TOKEN, "/user/": KEY}


def test_exceptions_stand_beside_a_folder() -> None:
    """Three that need the same are one folder, with the others as exceptions in it."""
    routes = [("/a", KEY), ("/b", KEY), ("/c", KEY), ("/status", OPEN), ("/me", TOKEN)]

    assert zones(*routes) == {"/": KEY, "/me": TOKEN, "/status": OPEN}


def test_no_folder_around_what_no_profile_can_hold() -> None:
    """A route with needs that have no words gets no zone, and no folder's needs by accident."""
    routes = [("/a", KEY), ("/b", KEY), ("/c", KEY), ("/odd", None)]

    assert zones(*routes) == {"/a": KEY, "/b": KEY, "/c": KEY}


def test_what_prefixes_cannot_tell_apart_is_a_remark() -> None:
    """Two routes whose literal part is the same cannot be two zones; the probe decides, the other one is told."""
    found = zones_of([Route("/a/{id}", KEY), Route("/a/{name}/open", OPEN), Route("/a/", KEY, is_probe=True)])

    assert [(zone.path, zone.needs) for zone in found] == [("/a/", KEY)]
    assert "/a/{name}/open needs nothing" in found[0].remarks[0]
