"""What is recorded of a token endpoint: each documented grant, and the usual refusals. Requests are not sent here.

A scene yields requests and is sent their answers. It does not judge: what came is what is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

from pytest_apiauth.auth.identified import authorization_request, token_request
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import GrantType, Profile
from pytest_apiauth.recording.contents import CassetteError


@dataclass(frozen=True, slots=True)
class Spend:
    """A step that is no request: end this token, where that is in one's hands. What is sent back is nothing."""

    token: str


Steps = Generator[Request | Spend, Response, None]
Asking = Generator[Request | Spend, Response, Response]
UNKNOWN_GRANT: Final = "urn:example:apiauth"
WRONG: Final = "apiauth-wrong-value"
DOCUMENTED, ASSUMED = "documented", "assumed"


@dataclass(frozen=True, slots=True)
class Scene:
    """One cassette to be: its name, whether a document shows it, what happens in it, whether a person must log in."""

    name: str
    provenance: str
    play: Callable[[Profile, Identities], Steps]
    needs_browser: bool = False

    @property
    def is_guess(self) -> bool:
        """Whether it sends wrong or spent values, which may lock an account."""
        return self.name.startswith(("wrong_", "spent_"))


def scenes(profile: Profile) -> list[Scene]:
    """Give what there is to record of a profile's token endpoint, documented grants first."""
    found = [_grant_scene(profile, grant) for grant in profile.grants]
    usual = profile.usual_grant
    if usual is not None and not GRANTS[usual].needs_person:
        asks = _alone(usual)
        if profile.token.client_auth != "none":
            found.append(Scene("wrong_secret", ASSUMED, _with_wrong("client_secret", asks)))
        by_password = next((grant for grant in profile.grants if GRANTS[grant].takes_password), None)
        if by_password is not None:
            found.append(Scene("wrong_password", ASSUMED, _with_wrong("password", _alone(by_password))))
        if profile.token_route_needs_key:
            found.append(Scene("missing_key", ASSUMED, _without_key(profile, asks)))
        found.append(Scene("unsupported_grant", ASSUMED, _changed(asks, [{"grant_type": UNKNOWN_GRANT}])))
        found.append(Scene("missing_grant", ASSUMED, _changed(asks, [{"grant_type": None}, {"grant_type": ""}, {}])))
    if profile.can_refresh:
        found.append(Scene("spent_refresh_token", ASSUMED, _spent, _refreshes_a_login(profile)))
    return found


def kept_scene(profile: Profile, identities: Identities) -> Scene | None:
    """Give the scene that needs no browser, where somebody has logged in before: one refresh with the kept token."""
    if not profile.can_refresh or not _refreshes_a_login(profile):
        return None
    table = profile.grants[_refresh_source(profile)]
    if not identities.keeps or identities.refresh_token(table.client, table.user) is None:
        return None
    return Scene("refresh_token", DOCUMENTED, _goes_on)


def _refresh_source(profile: Profile) -> GrantType:
    """Give the grant whose answer is documented to bring a refresh token."""
    others = [grant for grant in profile.grants if GRANTS[grant].stands_alone]
    return next((grant for grant in others if profile.answer_of(grant).refresh_token), others[0])


def _refreshes_a_login(profile: Profile) -> bool:
    return GRANTS[_refresh_source(profile)].needs_person


def _grant_scene(profile: Profile, grant: GrantType) -> Scene:
    if GRANTS[grant].needs_person:
        return Scene(grant, DOCUMENTED, _authorizes, needs_browser=True)
    if GRANTS[grant].refreshes:
        return Scene(grant, DOCUMENTED, _refreshed(profile), _refreshes_a_login(profile))
    return Scene(grant, DOCUMENTED, _alone(grant))


def _alone(grant: GrantType) -> Callable[[Profile, Identities], Steps]:
    def play(profile: Profile, identities: Identities) -> Steps:
        yield token_request(profile, grant, identities)

    return play


def _authorizes(profile: Profile, identities: Identities) -> Steps:
    yield from _authorized(profile, identities)


def _authorized(profile: Profile, identities: Identities) -> Asking:
    asked = authorization_request(profile, identities)
    response = yield Request("GET", asked.url, (("Accept", "text/html"),))
    callback = urljoin(asked.url, response.header("location") or "")
    codes = parse_qs(urlsplit(callback).query).get("code")
    if not codes:
        raise CassetteError(f"{profile.name}: authorization_code: status {response.status} without a code")
    return (
        yield token_request(
            profile,
            "authorization_code",
            identities,
            code=codes[0],
            verifier=asked.verifier,
            redirect_uri=asked.redirect_uri,
        )
    )


def _refresh_token_of(profile: Profile, response: Response) -> str:
    members = response.json()
    token = members.get("refresh_token") if isinstance(members, dict) else None
    if not isinstance(token, str) or not token:
        raise CassetteError(f"{profile.name}: {profile.token_endpoint}: status {response.status} and no refresh token")
    return token


def _first(profile: Profile, identities: Identities) -> Asking:
    source = _refresh_source(profile)
    if GRANTS[source].needs_person:
        return (yield from _authorized(profile, identities))
    return (yield token_request(profile, source, identities))


def _refreshed(profile: Profile) -> Callable[[Profile, Identities], Steps]:
    times = 1 if profile.rotation in (None, "none") else 2

    def play(profile: Profile, identities: Identities) -> Steps:
        token = _refresh_token_of(profile, (yield from _first(profile, identities)))
        for turn in range(times):
            answer = yield token_request(profile, "refresh_token", identities, refresh_token=token)
            if turn + 1 < times:
                token = _refresh_token_of(profile, answer)

    return play


def _goes_on(profile: Profile, identities: Identities) -> Steps:
    source = _refresh_source(profile)
    table = profile.grants[source]
    with identities.turn(table.client, table.user):
        kept = identities.refresh_token(table.client, table.user)
        answer = yield token_request(
            profile, "refresh_token", identities, client=table.client, user=table.user, refresh_token=kept
        )
        if answer.status != 200:
            raise CassetteError(
                f"{profile.name}: refresh_token: the kept token was refused with status {answer.status}; log in again:"
                f" python -m pytest_apiauth token {profile.name} --grant {source}"
            )
        members = answer.json()
        new = members.get("refresh_token") if isinstance(members, dict) else None
        if isinstance(new, str) and new:
            # The old one may be dead from now on.
            identities.keep_refresh_token(Secret(new, f"{profile.name}.refresh_token"), table.client, table.user)


def _spent(profile: Profile, identities: Identities) -> Steps:
    token = _refresh_token_of(profile, (yield from _first(profile, identities)))
    yield token_request(profile, "refresh_token", identities, refresh_token=token)
    yield Spend(token)
    yield token_request(profile, "refresh_token", identities, refresh_token=token)


def _with_wrong(member: str, play: Callable[[Profile, Identities], Steps]) -> Callable[[Profile, Identities], Steps]:
    def wrong(profile: Profile, identities: Identities) -> Steps:
        yield from play(profile, identities.altered(lambda label: WRONG if label.endswith(f".{member}") else None))

    return wrong


def _without_key(
    profile: Profile, play: Callable[[Profile, Identities], Steps]
) -> Callable[[Profile, Identities], Steps]:
    header = profile.api_key.header.lower() if profile.api_key else ""

    def keyless(profile: Profile, identities: Identities) -> Steps:
        for request in _requests(play(profile, identities)):
            lines = tuple(line for line in request.headers if line[0].lower() != header)
            yield Request(request.method, request.url, lines, request.body)

    return keyless


def _requests(steps: Steps) -> Iterator[Request]:
    """Give the requests of a scene that needs no answers."""
    return (step for step in steps if isinstance(step, Request))


def _changed(
    play: Callable[[Profile, Identities], Steps], changes: list[dict[str, str | None]]
) -> Callable[[Profile, Identities], Steps]:
    """Give a scene in which each request is sent once for every change of its parameters; no change is none at all."""

    def changed(profile: Profile, identities: Identities) -> Steps:
        for request in _requests(play(profile, identities)):
            for change in changes:
                yield Request(request.method, request.url, request.headers, _with(request, change))

    return changed


def _with(request: Request, change: dict[str, str | None]) -> bytes:
    is_json = "json" in (request.header("content-type") or "")
    known = json.loads(request.body) if is_json else dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    new = {name: value for name, value in {**known, **change}.items() if value is not None} if change else {}
    return (json.dumps(new) if is_json else urlencode(new)).encode()
