"""What a zone protects: how a request lacks a credential, and whether an answer holds the content all the same."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_apiauth.rules import Answer, Api, Draft, Response, Zone


def lacking(api: Api, zone: Zone, valid: Draft) -> list[Draft]:
    """Return a valid request without any credential, and without each of several, as far as the zone needs it."""
    fewer = [valid.anonymous()]
    for good in valid.credentials if len(valid.credentials) > 1 else ():
        draft = valid.without(good.kind)
        left = {each.kind for each in draft.credentials}
        if not any(left >= set(way) for way in zone.needs):
            fewer.append(draft)
    return fewer


def still_opens(zone: Zone, draft: Draft) -> bool:
    """Whether what a request carries is enough for a zone, whatever else was taken from it."""
    left = {each.kind for each in draft.credentials}
    return any(left >= set(way) for way in zone.needs)


def never_the_content(answer: Answer, zone: Zone) -> None:
    """Require that an answer does not hold what its control's holds, as far as that stays the same."""
    before = answer.control_response
    if answer.status < 300 and before is not None:
        found, content = answer.response.json(), before.json()
        # Two routes to the same may write it with other blanks.
        # What is empty is the same everywhere.
        is_same = (len(before.body) > 2 and answer.response.body == before.body) or (bool(content) and found == content)
        expected = "never the protected content without credentials"
        if is_same or _documented(answer, zone) or _alike(answer, before) or _holds(found, content):
            answer.unless_open().fails(expected)
        elif _same_shape(found, content):
            answer.unless_open().advise(False, f"{expected}, nor what has its members")


def _documented(answer: Answer, zone: Zone) -> bool:
    """Whether an answer has every member that the zone's is documented to have, each with a value."""
    names = {*zone.members, *([zone.identity] if zone.identity else [])}
    return bool(names) and all(answer.members.get(name) is not None for name in names)


def _alike(answer: Answer, before: Response) -> bool:
    """Whether an answer differs from the valid one in nothing but what differs from one valid answer to the next."""
    known = before.json()
    if not isinstance(known, dict) or answer.members.keys() != known.keys() or answer.seen is None:
        return False
    again = answer.api.send(answer.seen.draft).members
    lasting = [name for name, value in known.items() if value is not None and again.get(name) == value]
    return bool(lasting) and all(answer.members[name] == known[name] for name in lasting)


def _holds(found: object, content: object) -> bool:
    """Whether the content is one of several that an answer lists, or a part of it."""
    names = _several(content)
    return bool(names) and any(each == content for each in _objects(found))


def _same_shape(found: object, content: object) -> bool:
    """Whether anything in an answer has most members of a record of the content, whatever their values, and few others.

    Members of the one that are empty in the other do not count.
    """
    for record in _records(content):
        for each in _objects(found):
            both = sum(1 for name, value in record.items() if each.get(name) or (name in each and not value))
            if both > 1 and 2 * both > max(len(record), len(each)):
                return True
    return False


def _records(content: object) -> list[dict[str, object]]:
    """Return the content itself and the objects in its lists, as far as they have several members."""
    listed = [each for found in _objects(content) for each in found.values() if isinstance(each, list)]
    lists = [content, *listed] if isinstance(content, list) else listed
    return [each for each in (content, *(each for found in lists for each in found)) if _several(each)]


def _several(content: object) -> frozenset[str]:
    """Return the names of the content's members if there are two or more: one by itself may stand in any answer."""
    return frozenset(content) if isinstance(content, dict) and len(content) > 1 else frozenset()


def _objects(found: object) -> Iterator[dict[str, object]]:
    """Yield the objects in an answer, wherever they stand. Nothing is asked of the stack: a server may nest deeply."""
    left = [found]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            yield each
        left += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
