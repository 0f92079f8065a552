"""Which probes a row is tried on, and what is made of an answer to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from pytest_apiauth.rules import (
    Answer,
    Api,
    Cause,
    Credential,
    Draft,
    Edit,
    GrantType,
    Kind,
    NotApplicable,
    Ref,
    Role,
    Unchanged,
    UnreachableError,
    Zone,
)

from ..parts import UNATTENDED
from .classes import SIZES, is_brief, is_dress, may_be_right

UNDRESSED = "a refusal of a good credential that is not written as documented"
TOGETHER = 10
"""How many requests without a guess are sent before the control is sent again."""
LONG = frozenset(value.edit for value in SIZES)


def stands_for_others(api: Api, zone: Zone, kind: Kind) -> bool:
    """Whether a zone is the first of the profile that has a probe and takes a kind of credential.

    One that lets anybody in stands for no other: nothing of how others look at credentials is to be seen there.
    """

    def first() -> Zone | None:
        taking = [other for other in with_probes(api) if kind in kinds_at_hand(api, other)]
        return next((other for other in taking if not lets_anybody_in(api, other)), taking[0] if taking else None)

    # Asked for each example that is drawn.
    return zone == api.so_far(("stands for others", kind), first)


def lets_anybody_in(api: Api, zone: Zone) -> bool:
    """Whether a zone that needs credentials was seen to be open by mistake, by this rule or one before it."""
    with suppress(NotApplicable):
        return zone.is_protected and api.is_known_open(next(api.requests(zone)))
    return False


def kinds_at_hand(api: Api, zone: Zone) -> set[Kind]:
    """Return the kinds of credentials in the ways into a zone that the run can go."""
    return {kind for way in api.examination.ways_into(zone) for kind in way}


def probes(api: Api, zone: Zone, kinds: tuple[Kind, ...], *, brief: bool = False) -> Iterator[tuple[Kind, Draft]]:
    """Yield valid requests into a zone with the kind that is at stake in each.

    With ``brief`` all of them; else, of each kind, the one that stands for the others. Raises what `Api.requests`
    raises.
    """
    done: set[Kind] = set()
    for valid in api.requests(zone, *kinds):
        for kind in (each.kind for each in valid.credentials if each.kind in kinds):
            is_first = kind not in done and stands_for_others(api, zone, kind)
            done.add(kind)
            if brief or is_first:
                yield kind, valid


def with_probes(api: Api) -> list[Zone]:
    """Return the zones of a profile that have a probe, in their order."""
    return [zone for zone in api.profile.zones.values() if zone.probe]


def leads(api: Api, zone: Zone) -> bool:
    """Whether a zone is the first that takes what is a user's, or else that needs anything.

    What is about no credential at all is asked there in full.
    """
    zones = [each for each in with_probes(api) if each.kinds]
    return zone == next((each for each in zones if "user" in sorts_in(api, each)), zones[0])


def sorts_in(api: Api, zone: Zone) -> set[str]:
    """Return which sorts of credentials a zone takes: a key, what is a user's, or nothing."""
    found = {"key" if api.profile.kinds[kind].is_key else "user" for kind in kinds_at_hand(api, zone)}
    return found if zone.kinds else {"nothing"}


def with_the_first(api: Api, zone: Zone) -> Iterator[tuple[Draft, bool]]:
    """Yield the valid requests into a zone, and whether each stands for others.

    The first one of a zone does that is the first to take a key, the first to take what is a user's, or the first that
    takes nothing.
    """
    wanted = sorts_in(api, zone)
    before = (other for other in itertools.takewhile(zone.__ne__, with_probes(api)) if not lets_anybody_in(api, other))
    is_first = not wanted <= {sort for other in before for sort in sorts_in(api, other)}
    for number, valid in enumerate(api.requests(zone)):
        yield valid, number == 0 and is_first


def may_guess(api: Api, good: Credential) -> bool:
    """Whether a rule may try wrong values of a credential that others try too.

    Few wrong passwords may be sent to a live server: they are for the rules that say most by one.
    """
    return not (good.is_pair and api.examination.target.kind.is_live)


def is_usual(api: Api, grant: GrantType) -> bool:
    """Whether a grant stands for others at the token endpoint, which reads the requests of all of them."""
    return grant == next((name for name in UNATTENDED if name in api.profile.grants), grant)


def refused_in_turn(api: Api, valid: Draft, drafts: Iterable[Draft]) -> None:
    """Require a refusal of requests that carry no guess, each as a row.

    The control comes after the first of them and then after every tenth.
    Nobody is locked out for a request without a credential, or with a good one in a wrong place, so the control need
    not follow each.
    """
    for number, draft in enumerate(drafts, 1):
        with api.row():
            answer = api.attempt(draft)
            if answer is not None:
                answer.refused(again=number % TOGETHER == 1)
    api.control(valid)


def edited(api: Api, zone: Zone, kinds: tuple[Kind, ...], edit: Edit, which: int = 0) -> None:
    """Try a row of the grid on the probes that it is for: the secret of each kind edited, the answer judged."""
    for kind, valid in probes(api, zone, kinds, brief=is_brief(edit)):
        if not is_brief(edit) and api.spares():
            return
        good = valid.credential(kind)
        if may_be_right(edit, good.place.where):
            continue
        # A row a probe: what cannot be sent to one of them, or follows from what it lets in, is nothing about another.
        with suppress(Unchanged), api.row(), suppress_too_long(edit):
            judge(api.send(valid.editing(good.refs[which], edit)), edit)


@contextmanager
def suppress_too_long(edit: Edit) -> Iterator[None]:
    """Take the end of a connection for a refusal of what is too long (RFC 9110 15.5.14)."""
    try:
        yield
    except UnreachableError:
        if edit not in LONG:
            raise


def judge(answer: Answer, edit: Edit) -> None:
    """Require a refusal of a wrong value; recommend it of the right one in a dress."""
    if edit in LONG and answer.is_refusal:
        if answer.seen is not None:
            answer.api.see_again(answer.seen.control)  # what is too long is refused by any 4xx
    elif not is_dress(edit):
        answer.refused()
    elif answer.is_admitted:
        answer.unless_open().advise(False, UNDRESSED)


def line_of(valid: Draft, secret: Ref) -> str:
    """Return where a secret stands as it is in a header line, as the login of some APIs has it; else an empty text."""
    for name, value in valid.laid_out.headers:
        if secret in (value if isinstance(value, tuple) else (value,)):
            return "cookie" if name.lower() == "cookie" else "header"
    return ""


def is_alias(api: Api, name: Ref, edit: Edit) -> bool:
    """Whether an edited user's name may be another name of the same user: the part before @, or after a domain.

    Keycloak takes name and address for one account, Active Directory two names.
    """
    if name.role is not Role.USERNAME:
        return False
    value = api.examination.value(name)
    return edit.apply(value) in {value.partition("@")[0], value.rpartition("\\")[2]} - {value}


def guessed(api: Api, valid: Draft, secret: Ref, edit: Edit, cause: Cause | None = None) -> Answer | None:
    """Try a row of the grid on a token request: the secret edited, and no token for it; return what a wrong one got."""
    if may_be_right(edit, line_of(valid, secret)) or is_alias(api, secret, edit):
        return None
    if not is_brief(edit) and api.spares():
        return None
    try:
        answer = api.send(valid.editing(secret, edit))
    except UnreachableError:
        if edit not in LONG:
            raise
        return None
    if is_dress(edit):
        answer.advise_no_token(UNDRESSED, cause)
        return None
    told = answer.no_token(cause)
    return told.advise(400 <= told.status <= 403 or not is_brief(edit), "400, 401 or 403")
