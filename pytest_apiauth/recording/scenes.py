"""What is recorded of a token endpoint: each documented grant, and the usual refusals. Requests are not sent here.

A scene yields requests and is sent their answers. It does not judge: what came is what is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs

from pytest_apiauth.auth.answers import replacing, token_members
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.polling import read_begun
from pytest_apiauth.auth.pushing import read_request_uri
from pytest_apiauth.auth.requester import AuthorizationRequest, Requester
from pytest_apiauth.auth.texts import Role
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.messages import Request, Response, joined, parts_of
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import GrantType, Profile
from pytest_apiauth.recording.contents import CassetteError


@dataclass(frozen=True, slots=True)
class Spend:
    """A step that is no request: end this token, if that is in one's hands. What is sent back is nothing."""

    token: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A step that takes a person: they open a page, and enter the code that they were shown if it is for that."""

    request: Request
    user_code: str = ""
    asked: AuthorizationRequest | None = None
    """What the page is opened for, if that is a code."""


Step = Request | Spend | Visit
Steps = Generator[Step, Response, None]
Asking = Generator[Step, Response, Response]
Change = Callable[[Draft], Draft]
WRONG: Final = "apiauth-wrong-value"
UNSUPPORTED: Final[tuple[Change, ...]] = (lambda draft: draft.setting("grant_type", "urn:example:apiauth"),)
LACKING: Final[tuple[Change, ...]] = (
    lambda draft: draft.omitting("grant_type"),
    lambda draft: draft.setting("grant_type", ""),
    lambda draft: replace(draft, parameters=()),
)
"""A token request that does not say what it asks for, or nothing at all."""
DOCUMENTED, ASSUMED = "documented", "assumed"


@dataclass(frozen=True, slots=True)
class Scene:
    """One cassette to be: its name, whether a document shows it, what happens in it, whether a person must log in."""

    name: str
    provenance: str
    play: Callable[[Requester], Steps]
    needs_browser: bool = False

    @property
    def is_guess(self) -> bool:
        """Whether it sends wrong or spent values, which may lock an account."""
        return self.name.startswith(("wrong_", "spent_"))


def scenes(profile: Profile) -> list[Scene]:
    """Return what there is to record of a profile's token endpoint, documented grants first."""
    found = [_grant_scene(profile, grant) for grant in profile.grants]
    usual = profile.usual_grant
    if usual is not None and not GRANTS[usual].needs_person:
        # What makes a wrong certificate wrong is in no message, and so on no tape.
        if profile.token.client_auth != "none" and not profile.token.is_certified:
            found.append(Scene("wrong_secret", ASSUMED, _alone(usual, _wrong_client)))
        by_password = next((grant for grant in profile.grants if GRANTS[grant].takes_password), None)
        if by_password is not None:
            found.append(Scene("wrong_password", ASSUMED, _alone(by_password, _wrong(Role.PASSWORD))))
        if profile.token_route_keys:
            found.append(Scene("missing_key", ASSUMED, _alone(usual, _keyless)))
        if profile.is_oauth:
            found.append(Scene("unsupported_grant", ASSUMED, _alone(usual, *UNSUPPORTED)))
            found.append(Scene("missing_grant", ASSUMED, _alone(usual, *LACKING)))
    if profile.can_refresh:
        found.append(Scene("spent_refresh_token", ASSUMED, _spent, _refreshes_a_login(profile)))
    return found


def kept_scene(profile: Profile, identities: Identities) -> Scene | None:
    """Return the scene that needs no browser, if somebody has logged in before: one refresh with the kept token."""
    if not profile.can_refresh or not _refreshes_a_login(profile):
        return None
    table = profile.grants[profile.refresh_source]
    if not identities.keeps or identities.refresh_token(table.client, table.user) is None:
        return None
    return Scene("refresh_token", DOCUMENTED, _goes_on)


def _refreshes_a_login(profile: Profile) -> bool:
    return GRANTS[profile.refresh_source].needs_person


def _grant_scene(profile: Profile, grant: GrantType) -> Scene:
    if GRANTS[grant].needs_person:
        return Scene(grant, DOCUMENTED, _authorizes(grant), needs_browser=True)
    if GRANTS[grant].refreshes:
        return Scene(grant, DOCUMENTED, _refreshed(profile), _refreshes_a_login(profile))
    if not GRANTS[grant].stands_alone:
        return Scene(grant, DOCUMENTED, _exchanged(grant), GRANTS[profile.usual_grant or grant].needs_person)
    return Scene(grant, DOCUMENTED, _alone(grant))


def _alone(grant: GrantType, *changes: Change) -> Callable[[Requester], Steps]:
    """Return a scene of one token request, sent once for every change of it."""

    def play(ask: Requester) -> Steps:
        for change in changes or (None,):
            yield ask.token_request(grant, alter=change)

    return play


def _wrong(role: Role) -> Change:
    return lambda draft: draft.editing(draft.carried(role), Edit("whole", text=WRONG))


def _wrong_client(draft: Draft) -> Draft:
    """Have a client prove itself wrongly: by another secret, or by a signature that is none."""
    return draft.proving_wrongly(Edit("whole", text=WRONG))


def _keyless(draft: Draft) -> Draft:
    """Take away whatever key the token endpoint needs; what is left is the client's own."""
    return draft.without(*(each.kind for each in draft.credentials if each.kind != "client"))


def _authorizes(grant: GrantType) -> Callable[[Requester], Steps]:
    def play(ask: Requester) -> Steps:
        yield from _authorized(ask, grant)

    return play


def _authorized(ask: Requester, grant: GrantType) -> Asking:
    if GRANTS[grant].is_polled:
        told = read_begun(ask.profile, grant, (yield ask.beginning(grant)), Redactor())
        page = Request("GET", told.verification_uri_complete or told.verification_uri, (("Accept", "text/html"),))
        yield Visit(page, told.user_code)
        return (yield ask.token_request(grant, told.issued))
    asked = ask.authorization_request()
    if asked.push is not None:
        asked = asked.pushed(read_request_uri(ask.profile, (yield asked.push), Redactor()))
    response = yield Visit(asked.request, asked=asked)
    callback = joined(asked.url, response.header("location") or "")
    codes = parse_qs(parts_of(callback).query).get("code")
    if not codes:
        why = f": {response.note}" if response.note else ""
        raise CassetteError(f"{ask.profile.name}: {grant}: status {response.status} without a code{why}")
    issued = {Role.CODE: codes[0], Role.VERIFIER: asked.verifier}
    return (yield ask.token_request(grant, issued, redirect_uri=asked.redirect_uri))


def _token_of(
    profile: Profile, response: Response, member: str = "refresh_token", grant: GrantType | None = None
) -> str:
    token = token_members(profile, grant or profile.refresh_source, response).get(member)
    if not isinstance(token, str) or not token:
        kind = member.replace("_", " ")
        raise CassetteError(f"{profile.name}: {profile.token_endpoint}: status {response.status} and no {kind}")
    return token


def _exchanged(grant: GrantType) -> Callable[[Requester], Steps]:
    def play(ask: Requester) -> Steps:
        usual = ask.profile.usual_grant
        first = yield from _first(ask, usual)
        yield ask.token_request(grant, {Role.ACCESS_TOKEN: _token_of(ask.profile, first, "access_token", usual)})

    return play


def _first(ask: Requester, grant: GrantType | None = None) -> Asking:
    source = grant or ask.profile.refresh_source
    if GRANTS[source].needs_person:
        return (yield from _authorized(ask, source))
    return (yield ask.token_request(source))


def _refresh(ask: Requester, token: str) -> Request:
    return ask.token_request("refresh_token", {Role.REFRESH_TOKEN: token})


def _refreshed(profile: Profile) -> Callable[[Requester], Steps]:
    times = 1 if profile.rotation in (None, "none") else 2

    def play(ask: Requester) -> Steps:
        token = _token_of(ask.profile, (yield from _first(ask)))
        for turn in range(times):
            answer = yield _refresh(ask, token)
            if turn + 1 < times:
                token = _token_of(ask.profile, answer, grant="refresh_token")

    return play


def _goes_on(ask: Requester) -> Steps:
    profile, identities = ask.profile, ask.identities
    source = profile.refresh_source
    table = profile.grants[source]
    with identities.turn(table.client, table.user):
        kept = identities.refresh_token(table.client, table.user)
        giver = Requester(identities, client=table.client, user=table.user)
        if kept is None:
            raise CassetteError(f"{profile.name}: refresh_token: the kept token has been deleted meanwhile")
        with identities.spending(kept, table.client, table.user) as keep:
            answer = yield giver.token_request("refresh_token", {Role.REFRESH_TOKEN: kept})
            new = replacing(profile, answer, kept)
            if new is not None:
                keep(new)
        if answer.status != 200:
            raise CassetteError(
                f"{profile.name}: refresh_token: the kept token was refused with status {answer.status}; log in again:"
                f" python -m pytest_apiauth token {profile.name} --grant {source}"
            )


def _spent(ask: Requester) -> Steps:
    token = _token_of(ask.profile, (yield from _first(ask)))
    yield _refresh(ask, token)
    yield Spend(token)
    yield _refresh(ask, token)
