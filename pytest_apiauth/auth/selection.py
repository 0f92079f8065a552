"""Which credentials a request carries, decided once per zone.

A zone's need is met by the first alternative whose credentials are set. On top come the API key and one way to log in
(what travels in ``Authorization``, or a token wherever it travels) if they are set, because a surplus credential never
hurts and a test of an open route should not have to know that it is open. Outside of every zone, everything the profile
documents is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from pytest_apiauth.auth.requester import Requester, Signed
from pytest_apiauth.errors import CredentialError, UnsetError
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import Place
from pytest_apiauth.profile.model import DEFAULT, GrantType, Kind, Zone


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """What a request carries: fixed headers, whether a token as well, or why it cannot be sent."""

    headers: Mapping[str, str]
    has_token: bool
    problem: str | None = None
    placed: dict[Place, str] = field(default_factory=dict)
    """What travels in the query or in a cookie."""
    signing: tuple[Signed, ...] = ()
    """What signs the request as it leaves."""
    is_unset: bool = field(default=False, compare=False)
    """Whether the problem is a value that is not set, rather than a name that the profile does not know."""


class Plans:
    """Makes and keeps the plans of one set of credentials."""

    def __init__(self, requester: Requester, grant: GrantType | None) -> None:
        self._requester = requester
        self._profile = profile = requester.profile
        self._grant = grant
        # A request logs in once: there is one Authorization header, and two tokens say who is meant twice.
        self._logins = frozenset(
            kind for kind, row in profile.kinds.items() if row.place.is_authorization or row.is_token
        )
        # What a table of its name declares goes beside it.
        self._beside = [kind for kind, row in profile.kinds.items() if row.is_declared and kind not in self._logins]
        self._problems: dict[Kind, str | None] = {}
        self._unset: set[str] = set()
        self._exact: dict[frozenset[Kind], Plan] = {}
        self._zoned: dict[str | None, Plan] = {}
        self._common: Plan | None = None

    def exactly(self, kinds: frozenset[Kind]) -> Plan:
        """Plan to send these kinds of credentials and no other."""
        plan = self._exact.get(kinds)
        if plan is None:
            plan = self._exact[kinds] = self._planned(kinds, self._first_problem(kinds))
        return plan

    def at(self, path: str | Callable[[], str]) -> Plan:
        """Plan for a request to an absolute path; a function is asked for it only if the zones differ."""
        # Threads that come here first at the same moment do the same work twice, to the same end.
        if self._common is not None:
            return self._common
        if not self._zoned:
            zones = (*self._profile.zones.values(), None)
            zoned = {zone.path if zone is not None else None: self._chosen(zone) for zone in zones}
            first, *others = zoned.values()
            if all(plan == first for plan in others):
                self._common = first
                return first
            self._zoned = zoned
        zone = self._profile.zone_at(path if isinstance(path, str) else path())
        return self._zoned[zone.path if zone is not None else None]

    def _chosen(self, zone: Zone | None) -> Plan:
        alternatives = self._outside() if zone is None else [frozenset(kinds) for kinds in zone.needs] or [frozenset()]
        usable = [kinds for kinds in alternatives if self._first_problem(kinds) is None]
        wanted = usable[0] if usable else alternatives[0]
        if not usable:
            problem = self._first_problem(wanted)
            return self._planned(wanted, problem)
        surplus = {kind for kind in self._beside if self._problem(kind) is None}
        if not wanted & self._logins:
            surplus.update([kind for kind in self._documented() if self._problem(kind) is None][:1])
        return self._planned(wanted | surplus, None)

    def _outside(self) -> list[frozenset[Kind]]:
        """Return the alternatives outside of every zone: everything, with each of the ways to log in."""
        always = frozenset(self._beside)
        return [always | {kind} for kind in self._documented()] or [always]

    def _documented(self) -> list[Kind]:
        """Return the ways to log in that the profile documents, in its own order."""
        named = [kind for zone in self._profile.zones.values() for kinds in zone.needs for kind in kinds]
        named += [kind for kind, row in self._profile.kinds.items() if row.is_issued and self._grant is not None]
        named += [kind for kind, row in self._profile.kinds.items() if row.is_declared]
        return [kind for kind in dict.fromkeys(named) if kind in self._logins]

    def _planned(self, kinds: frozenset[Kind], problem: str | None) -> Plan:
        if problem is not None:
            return Plan({}, False, problem, is_unset=problem in self._unset)
        # A token is put in by the flow, which gets it.
        configured = [row for row in self._profile.kinds.values() if row.name in kinds and not row.is_issued]
        texts = {row.place: self._requester.text_of(row.name) for row in configured if not row.is_signed}
        # What is signed may be the query.
        signed = sorted((row for row in configured if row.is_signed), key=lambda row: row.place.where == "header")
        return Plan(
            {place.name: text for place, text in texts.items() if place.where == "header"},
            len(configured) < len(kinds),
            placed={place: text for place, text in texts.items() if place.where != "header"},
            signing=tuple(self._requester.signing_of(row.name) for row in signed),
        )

    def _first_problem(self, kinds: Collection[Kind]) -> str | None:
        problems = (self._problem(kind) for kind in sorted(kinds))
        return next((problem for problem in problems if problem is not None), None)

    def _problem(self, kind: Kind) -> str | None:
        """Return the reason why a credential cannot be sent, or None if it can."""
        if kind not in self._problems:
            try:
                self._try(kind)
                self._problems[kind] = None
            except CredentialError as error:
                self._problems[kind] = str(error)
                if isinstance(error, UnsetError):
                    self._unset.add(str(error))
        return self._problems[kind]

    def _try(self, kind: Kind) -> None:
        row = self._profile.kinds.get(kind)
        if row is not None and row.is_issued:
            self._try_token()
        elif row is not None and row.is_signed:
            self._requester.signing_of(kind)
        else:
            self._requester.text_of(kind)

    def _try_token(self) -> None:
        """Build what would be sent for a token, which costs nothing and names whatever is missing."""
        if self._grant is None:
            raise CredentialError(f"{self._profile.name}: grants: the profile names no way to get a token")
        ask = self._requester
        if not GRANTS[self._grant].needs_person:
            ask.token_request(self._grant)
        elif ask.identities.refresh_token(ask.client or DEFAULT, ask.user or DEFAULT) is None:
            ask.beginning(self._grant)
