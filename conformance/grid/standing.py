"""Which probes a row is tried on, and what is made of an answer to it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_apiauth.rules import Answer, Api, Cause, Draft, Edit, Kind, Ref, UnreachableError, Zone

from .classes import SIZES, is_brief, is_dress, may_be_right

UNDRESSED = "a refusal of a good credential that is not written as documented"
LONG = frozenset(value.edit for value in SIZES)


def stands_for_others(api: Api, zone: Zone, kind: Kind) -> bool:
    """Whether a zone is the first of the profile that has a probe and takes a kind of credential."""
    taking = (other for other in api.profile.zones.values() if other.probe and kind in other.kinds)
    return next(taking, None) == zone


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


def with_the_first(api: Api, zone: Zone) -> Iterator[tuple[Draft, bool]]:
    """Yield the valid requests into a zone, and whether each stands for others: the first of those of equal needs."""
    like = next(other for other in api.profile.zones.values() if other.probe and other.needs == zone.needs)
    for number, valid in enumerate(api.requests(zone)):
        yield valid, number == 0 and like == zone


def edited(api: Api, zone: Zone, kinds: tuple[Kind, ...], edit: Edit, which: int = 0) -> None:
    """Try a row of the grid on the probes that it is for: the secret of each kind edited, the answer judged."""
    for kind, valid in probes(api, zone, kinds, brief=is_brief(edit)):
        good = valid.credential(kind)
        if may_be_right(edit, good.place.where):
            continue
        try:
            answer = api.send(valid.editing(good.refs[which], edit))
        except UnreachableError:
            if edit not in LONG:
                raise
            continue  # whoever finds a request too long may end the connection (RFC 9110 15.5.14)
        judge(answer, edit)


def judge(answer: Answer, edit: Edit) -> None:
    """Require a refusal of a wrong value; recommend it of the right one in a dress."""
    if is_dress(edit):
        answer.advise(not answer.is_admitted, UNDRESSED)
    else:
        answer.refused()


def guessed(api: Api, valid: Draft, secret: Ref, edit: Edit, cause: Cause | None = None) -> None:
    """Try a row of the grid on a token request: the secret edited, and no token for it."""
    try:
        answer = api.send(valid.editing(secret, edit))
    except UnreachableError:
        if edit not in LONG:
            raise
        return
    if is_dress(edit):
        answer.advise_no_token(UNDRESSED, cause)
    else:
        told = answer.no_token(cause)
        told.advise(400 <= told.status <= 403 or edit in LONG, "400, 401 or 403")
