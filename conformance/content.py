"""What a zone protects: how a request lacks a credential, and whether an answer holds the content all the same."""

from __future__ import annotations

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


def never_the_content(answer: Answer, zone: Zone) -> None:
    """Require that an answer does not hold what its control's holds, as far as that stays the same."""
    before = answer.control_response
    if answer.status < 300 and before is not None:
        leaked = answer.response.body == before.body or _documented(answer, zone) or _alike(answer, before)
        if leaked:
            answer.unless_open().fails("never the protected content without credentials")


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
