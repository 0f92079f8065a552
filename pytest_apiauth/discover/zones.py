"""From the needs of single routes to zones: as few path prefixes as tell every documented route apart.

Theory of operation. A zone is a prefix, and of several that fit a path the longest one counts. Routes are grouped
from the root down: if all below a prefix need the same, that is one zone; if they differ, each segment is
looked at by itself. On the way back up, three zones or more that need the same become one zone of their common
folder, and the others stay as exceptions in it. A route whose needs no profile can hold (None) has no zone, and no
folder is made around it. Whatever was decided is checked route by route, as a profile would look it up; what prefixes
cannot tell apart (``/users/{id}`` from ``/users/{name}/avatar``) is a remark.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pytest_apiauth.discover.findings import Needs, ZoneFound
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.kinds import KINDS, Kind, Place

FOLDER_FROM = 3
"""How many zones with the same needs make a folder of them."""
MOST_PROBES = 3
"""How many routes of a zone are examined; each costs a run a few dozen requests a rule."""
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Route:
    """One documented path, with what its GET needs, or its other methods if it has no GET."""

    path: str
    needs: Needs | None
    is_probe: bool = False
    remark: str = ""

    @property
    def prefix(self) -> str:
        """The path up to its first parameter."""
        return self.path.partition("{")[0]

    @property
    def sample(self) -> str:
        """A path that the route answers, for looking up its zone."""
        return re.sub(r"\{[^}]*\}", "0", self.path)


Cover = dict[str, Needs | None]
"""Needs by prefix."""


def zones_of(routes: Sequence[Route], placed: Mapping[Kind, Place] = MappingProxyType({})) -> list[ZoneFound]:
    """Group routes to zones, in the order of their paths. ``placed`` has what does not travel where it usually does."""
    cover = _covered(list(routes), "/") if routes else {}
    inside: dict[str, list[Route]] = {path: [] for path in cover}
    for route in routes:
        path = _prefix_at(cover, route.sample)
        if path is not None:
            inside[path].append(route)
    zones: list[ZoneFound] = []
    for path in sorted(cover):
        needs = cover[path]
        if needs is None or _is_needless(path, needs, inside[path], cover):
            continue
        names = {zone.name for zone in zones}
        zones.append(_zone(_name(path, names), path, needs, inside[path], placed))
    return zones


def prefix_of(zones: Iterable[ZoneFound], path: str) -> ZoneFound | None:
    """Return the zone that a path lies in, by the rule of profiles."""
    return max((zone for zone in zones if path.startswith(zone.path)), key=lambda zone: len(zone.path), default=None)


def _covered(routes: list[Route], prefix: str) -> Cover:
    if len({route.needs for route in routes}) == 1:
        return {_common(routes): routes[0].needs}
    cover: Cover = {}
    below: dict[str, list[Route]] = {}
    here: dict[str, list[Route]] = {}
    for route in routes:
        rest = route.prefix[len(prefix) :]
        if rest:
            below.setdefault(rest.partition("/")[0], []).append(route)
        else:
            # Here the folder ends: "/users" beside "/users/", and what has a parameter next.
            here.setdefault(route.prefix, []).append(route)
    for path, same in here.items():
        cover[path] = _usual(same)
    for segment, inner in below.items():
        cover |= _covered(inner, f"{prefix}{segment}/")
    return _folded(cover, prefix, routes)


def _common(routes: list[Route]) -> str:
    """Return the longest prefix of some routes that is a folder, or one of the paths themselves."""
    prefixes = [route.prefix for route in routes]
    first, last = min(prefixes), max(prefixes)
    same = next((place for place, letter in enumerate(first) if last[place : place + 1] != letter), len(first))
    found = first[:same]
    if any(route.path == found for route in routes):
        return found
    return found[: found.rfind("/") + 1] or "/"


def _usual(routes: list[Route]) -> Needs | None:
    """Return the needs of most routes, of the probes first."""
    deciding = [route for route in routes if route.is_probe] or routes
    return Counter(route.needs for route in deciding).most_common(1)[0][0]


def _folded(cover: Cover, prefix: str, routes: list[Route]) -> Cover:
    """Make one zone of the folder of those that need the same, unless that would change what some route needs."""
    needs, count = Counter(cover.values()).most_common(1)[0]
    if count < FOLDER_FROM or None in cover.values() or prefix in cover:
        return cover
    folded = {path: other for path, other in cover.items() if other != needs} | {prefix: needs}
    return folded if all(_needs_at(folded, r.sample) == _needs_at(cover, r.sample) for r in routes) else cover


def _prefix_at(cover: Cover, path: str) -> str | None:
    return max((prefix for prefix in cover if path.startswith(prefix)), key=len, default=None)


def _needs_at(cover: Cover, path: str) -> Needs | None:
    prefix = _prefix_at(cover, path)
    return None if prefix is None else cover[prefix]


def _is_needless(path: str, needs: Needs, routes: list[Route], cover: Cover) -> bool:
    """Whether a zone says nothing: open, without a route to try, and no exception from another zone."""
    around = any(path != other and path.startswith(other) and cover[other] is not None for other in cover)
    return not needs and not around and not any(route.is_probe for route in routes)


def _zone(name: str, path: str, needs: Needs, routes: list[Route], placed: Mapping[Kind, Place]) -> ZoneFound:
    same = [route for route in routes if route.needs == needs]
    remarks = [route.remark for route in same if route.remark]
    alone = [kind for kinds in needs for kind in kinds if len(kinds) == 1]
    spots = {(placed.get(kind) or KINDS[kind].place).spot for kind in alone}
    if len(needs) > 1 and len(spots) == len(needs):
        both = ", ".join(f'"{kind}"' for kinds in needs for kind in sorted_kinds(kinds))
        remarks.insert(
            0, f"the document says: either is enough; if all are needed, as FastAPI means it: needs = [{both}]"
        )
    for route in routes:
        if route.needs is None:
            remarks.append(f"{one_line(route.path)} lies under this path too, but needs what a profile cannot hold")
        elif route.needs != needs:
            told = needs_in_words(route.needs)
            remarks.append(f"{one_line(route.path)} needs {told}, which a path prefix cannot tell apart from the rest")
    candidates = [route.path for route in same if route.is_probe]
    probes = _spread(candidates)
    if len(candidates) > len(probes):
        further = [probe for probe in candidates if probe not in probes]
        shown = ", ".join(further[:MOST_PROBES]) + (" …" if len(further) > MOST_PROBES else "")
        remarks.append(f"further routes that could be probes: {shown}")
    others = [route.path for route in same if not route.is_probe]
    return ZoneFound(name, path, needs, tuple(probes), tuple(others), tuple(remarks))


def _spread(paths: list[str]) -> list[str]:
    """Choose few routes that lie far apart: one of each folder first, the shortest of it."""
    by_folder: dict[str, list[str]] = {}
    for path in sorted(paths, key=lambda path: (path.count("/"), len(path), path)):
        by_folder.setdefault(path.strip("/").partition("/")[0], []).append(path)
    rounds = max((len(found) for found in by_folder.values()), default=0)
    chosen = [found[number] for number in range(rounds) for found in by_folder.values() if number < len(found)]
    return chosen[:MOST_PROBES]


def _name(path: str, taken: set[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:LONGEST_NAME].strip("-") or "api"
    number = 1
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    return unique


def needs_in_words(needs: Needs) -> str:
    """Say what is needed: ``api_key and bearer, or basic``."""
    return ", or ".join(" and ".join(sorted_kinds(kinds)) for kinds in needs) or "nothing"


def sorted_kinds(kinds: Iterable[str]) -> list[str]:
    """Return kinds of credentials in the order in which they are written: that of their letters."""
    return sorted(kinds)
