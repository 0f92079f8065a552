"""Asking the target for tokens and codes: what a request needs, before its secrets are put in.

A token request that spends a code or a refresh token gets one of its own, and its control is made anew each time, so
that no two requests share what only one of them can spend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pytest_apiauth.auth import requests
from pytest_apiauth.auth.answers import issues, replacing, token_members
from pytest_apiauth.auth.drafts import Control, Draft
from pytest_apiauth.auth.person import Person
from pytest_apiauth.auth.polling import page_for, read_begun
from pytest_apiauth.auth.requests import Proof, row_of
from pytest_apiauth.auth.texts import Ref, Role, Text
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import CredentialError, TokenError, UnreachableError
from pytest_apiauth.messages import Response, described
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import DEFAULT, GrantType, Profile
from pytest_apiauth.suite import consent
from pytest_apiauth.suite.consent import Callback
from pytest_apiauth.suite.outcomes import Inconclusive, NotApplicable, OutOfReach, Refused, Unjudged, says_nothing
from pytest_apiauth.suite.placeholders import Placeholders
from pytest_apiauth.targets.target import Target


@dataclass(frozen=True, slots=True)
class _Anew:
    """Makes a token request that spends something anew. Two of one grant and client make the same request."""

    obtaining: Obtaining
    grant: GrantType
    client: str

    def __call__(self) -> Draft:
        return self.obtaining.token_request(self.grant, client=self.client, own="CONTROL")


class Obtaining:
    """Makes token requests, and asks for what they and other requests carry. ``send`` makes sure of server errors."""

    def __init__(self, target: Target, placeholders: Placeholders, send: Callable[[Draft], Response]) -> None:
        self._target = target
        self._placeholders = placeholders
        self._send = send

    @property
    def _profile(self) -> Profile:
        return self._target.profile

    def obtain(self, refs: Iterable[Ref]) -> None:
        """Ask for the access tokens that are not at hand. Raises NotApplicable if there is no way to get one."""
        for ref in self._placeholders.lacking(refs):
            with self._placeholders.reached():
                self._placeholders.keep(ref, self._access_token(ref.who))

    def _access_token(self, user: str) -> str:
        grant = self._profile.usual_grant
        if grant is None:
            raise NotApplicable("the profile has no grant")
        if GRANTS[grant].needs_person:
            if not self.can_use(grant):
                return self._renewed(user)
            if self._target.person is not None and not self._target.person.can_be(user):
                raise OutOfReach(f"whoever consents to the grant {grant} here is always the same person")
        return str(self.issue(grant, user=user)["access_token"])

    # Token requests

    def token_request(
        self,
        grant: GrantType,
        *,
        client: str = DEFAULT,
        user: str = DEFAULT,
        own: str = "",
        refresh_token: Ref | None = None,
        callback: Callback | None = None,
        in_private: bool = False,
    ) -> Draft:
        """Return a valid token request, with a fresh refresh token or code if the grant takes one.

        ``own`` begins the placeholder names of those, so that two requests do not share one. With ``refresh_token``
        or ``callback`` that one is sent instead of a fresh one. ``in_private`` is in a login of its own, if it takes
        one: what a person consents to twice in one session is one authorization to some servers, and ends as one.
        """
        row = row_of(self._profile, grant)
        client, user = (row.client if client == DEFAULT else client), (row.user if user == DEFAULT else user)
        given: dict[str, Text | None] = {}
        spent = GRANTS[grant].spends
        if GRANTS[grant].refreshes:
            given["refresh_token"] = refresh_token or self.fresh_refresh_token(client=client, own=own)
        elif spent is not None and GRANTS[grant].is_polled:
            given[spent] = self.fresh_polled(grant, client, own, user=user, in_private=in_private)
        elif spent is not None:
            given = self._redeeming(callback or self.fresh_callback(client, user, in_private=in_private), client, own)
        draft = requests.token_request(self._profile, grant, client=client, user=user, own=own, given=given)
        return draft if spent is None else draft.as_control(_Anew(self, grant, client))

    def control_of(self, grant: GrantType, client: str = DEFAULT) -> Control:
        """Return the control of requests of a grant, made anew each time if it spends something."""
        client = row_of(self._profile, grant).client if client == DEFAULT else client
        draft = requests.token_request(self._profile, grant, client=client)
        return Control(draft, None if GRANTS[grant].spends is None else _Anew(self, grant, client))

    def issue(
        self, grant: GrantType, *, client: str = DEFAULT, user: str = DEFAULT, draft: Draft | None = None
    ) -> dict[str, object]:
        """Ask for a token and return the members of the answer. Raises Unjudged or Refused if none comes."""
        draft = draft or self.token_request(grant, client=client, user=user, in_private=True)
        return self._issued(grant, draft, self._send(draft))

    def _issued(self, grant: GrantType, draft: Draft, response: Response) -> dict[str, object]:
        members = token_members(self._profile, grant, response)
        if not issues(self._profile, grant, response) or not isinstance(members.get("access_token"), str):
            issuing = self._profile.request_of(grant)
            where = issuing.access_token.spelt if issuing is not None else "access_token"
            what = f"{response.status}" if response.status != 200 else f"200 without an {where}"
            error = members.get("error")
            raise (Unjudged if says_nothing(response) else Refused)(
                f"the valid token request to {draft.url} was answered with {what}"
                f"{f' ({error})' if isinstance(error, str) else ''}"
                f"{f', {response.media_type}' if response.media_type else ''}"
                f"{f': {one_line(response.note)}' if response.note else ''}; expected 200 with a"
                f" {'JSON access_token' if issuing is None else f'token ({where})'}"
            )
        return members

    # Refresh tokens

    def fresh_refresh_token(self, *, client: str = DEFAULT, user: str = DEFAULT, own: str = "") -> Ref:
        """Get a refresh token that nothing else uses, and return its reference."""
        for grant in self._profile.grants:
            promises = self._profile.answer_of(grant).refresh_token
            if not GRANTS[grant].stands_alone or not promises:
                continue
            if not self.can_use(grant):
                continue
            found = self.issue(grant, client=client, user=user).get("refresh_token")
            if isinstance(found, str):
                return self._placeholders.keep(Ref(Role.REFRESH_TOKEN, client, own), found)
        raise OutOfReach("no grant that works without a person gives a refresh token")

    def kept_refresh_token(self, user: str) -> Secret:
        """Return the refresh token that a person has got by logging in.

        Raises CredentialError if there is none, and says why no script has logged in if one should have.
        """
        try:
            return consent.refresh_token_of(self._profile, self._target.identities, user)
        except CredentialError:
            person = self._target.person
            if person is None or not person.is_scripted or not person.trouble:
                raise
            where = f"{self._profile.name}: {self._profile.interactive_grant}"
            raise CredentialError(
                f"{where}: no token came of the login that {self._by} says: {person.trouble}"
            ) from None

    def _renewed(self, user: str) -> str:
        """Get an access token by the refresh token of a person, and keep the one that takes its place."""
        identities, (client, user) = self._target.identities, consent.login_of(self._profile, user)
        with identities.turn(client, user):
            stored = self.kept_refresh_token(user)
            spent = self._placeholders.keep(Ref(Role.REFRESH_TOKEN, user, "LOGIN"), stored.reveal())
            draft = self.token_request("refresh_token", client=client, user=user, refresh_token=spent)
            with identities.spending(stored, client, user) as keep:
                response = self._send(draft)
                new = replacing(self._profile, response, stored)
                if new is not None:
                    keep(new)
        return str(self._issued("refresh_token", draft, response)["access_token"])

    # Codes

    def authorization_request(self, client: str = DEFAULT, proof: Proof | None = None, user: str = DEFAULT) -> Draft:
        """Return a valid authorization request, opened in a user's browser.

        Raises NotApplicable if the client has no redirection URI.
        """
        row = row_of(self._profile, self._profile.code_grant)
        client, user = (row.client if client == DEFAULT else client), (row.user if user == DEFAULT else user)
        try:
            redirect_uri = self._target.identities.client(client).redirect_uri
        except CredentialError as reason:
            raise NotApplicable(str(reason)) from None
        if redirect_uri is None:
            raise NotApplicable(f"the client {client} has no redirect_uri")
        draft = requests.authorization_request(self._profile, redirect_uri, proof or Proof.fresh(), client=client)
        return draft.opened_by(user).as_control()

    def fresh_callback(self, client: str = DEFAULT, user: str = DEFAULT, *, in_private: bool = False) -> Callback:
        """Get a code that nothing else uses. Raises NotApplicable if that takes a browser."""
        self.need_browser()
        proof = Proof.fresh()
        draft = self.authorization_request(client, proof, user)
        draft = draft.opened_by(draft.browser, in_private=in_private)
        response = self._send(draft)
        found = consent.callback(draft, response, proof)
        if found is None:
            raise (Unjudged if says_nothing(response) else Inconclusive)(
                f"the valid authorization request was answered with {described(response)} and no code"
            )
        return found

    # What is polled for

    def fresh_polled(
        self, grant: GrantType, client: str = DEFAULT, own: str = "", *, user: str = DEFAULT, in_private: bool = False
    ) -> Ref:
        """Get a code to poll with that nothing else uses and that somebody has consented to.

        Raises NotApplicable if that takes a person, and Inconclusive if a script should have been one.
        """
        if not self._enters_codes:
            person = self._target.person
            if person is not None and person.is_scripted:
                raise Inconclusive(f"no consent to {grant} came of the login that {self._by} says: {person.trouble}")
            raise OutOfReach(
                f"the grant {grant} needs a person who enters the user's code, whom this run does not have; [login]"
                " has a script enter it"
            )
        try:
            return self._consented(grant, client, own, user=user, in_private=in_private)[0]
        except TokenError as reason:
            raise Inconclusive(str(reason)) from None

    def _consented(
        self, grant: GrantType, client: str, own: str, *, user: str = DEFAULT, in_private: bool = False
    ) -> tuple[Ref, str]:
        """Begin, and have the user's code entered; returns the client's, and where the pages have ended."""
        response = self._send(requests.beginning(self._profile, grant, client=client))
        told = read_begun(self._profile, grant, response, self._target.redactor)
        ref = self._placeholders.keep(Ref(told.role, client, own), told.code.reveal())
        if self._target.kind.is_double:
            # Behind a socket of this machine it has another origin than the one that it writes.
            told = told.at(self._profile.beginning_of(grant))
        person = self._target.person
        page = page_for(self._profile, told, is_scripted=person is not None and person.is_scripted)
        if page is None:
            return ref, ""
        opening = Draft("GET", page.url, page.headers)
        last = self._send(opening.opened_by(user, in_private=in_private, user_code=told.user_code))
        return ref, last.note or f"the last page answered {described(last)}"

    @property
    def _enters_codes(self) -> bool:
        """Whether somebody enters the codes that are shown here.

        The pages for it do not say how it went, so the first client polls for its token, once a target.
        """
        person, grant = self._target.person, self._profile.polled_grant
        if person is None:
            return False
        if person.enters_codes is None:
            person.enters_codes = False
            if grant is not None:
                self._try_polling(person, grant)
        return person.enters_codes

    def _try_polling(self, person: Person, grant: GrantType) -> None:
        client = row_of(self._profile, grant).client
        try:
            with self._placeholders.reached():
                _, where = self._consented(grant, client, "TRIAL")
                response = self._send(requests.token_request(self._profile, grant, client=client, own="TRIAL"))
        except (NotApplicable, UnreachableError, TokenError) as reason:
            person.trouble = str(reason)
            return
        person.enters_codes = issues(self._profile, grant, response)
        person.trouble = f"{where}, and the client was answered with {described(response)}"

    # Who is there

    def can_use(self, grant: GrantType) -> bool:
        """Whether a grant gives tokens here: it needs nobody, or somebody plays the person."""
        if not GRANTS[grant].needs_person:
            return True
        return self._enters_codes if GRANTS[grant].is_polled else self.has_browser

    @property
    def has_browser(self) -> bool:
        """Whether codes can be had here: by a script, or since the authorization endpoint answers at once.

        Nobody knows before a code was asked for, so that is done once a target.
        """
        person = self._target.person
        if person is None:
            return False
        if person.gets_codes is None:
            person.gets_codes, person.trouble = False, ""
            if self._profile.code_grant is not None and self._profile.authorize_url is not None:
                self._try_for_a_code(person)
        return person.gets_codes

    def _try_for_a_code(self, person: Person) -> None:
        proof = Proof.fresh()
        try:
            draft = self.authorization_request(proof=proof)
            with self._placeholders.reached():
                response = self._send(draft)
        except (NotApplicable, UnreachableError) as reason:
            person.trouble = str(reason)
            return
        person.gets_codes = consent.callback(draft, response, proof) is not None
        person.trouble = response.note or f"the authorization request was answered with {described(response)}"

    def need_browser(self) -> None:
        """Raise NotApplicable if a code takes a browser, and Inconclusive if a script should have brought one."""
        if self.has_browser:
            return
        person = self._target.person
        if person is not None and person.is_scripted:
            raise Inconclusive(f"no code came of the login that {self._by} says: {person.trouble}")
        raise OutOfReach(consent.needs_browser(self._profile))

    @property
    def _by(self) -> str:
        """What says how a script logs in."""
        return "apiauth_login" if self._profile.login is None else "[login]"

    def _redeeming(self, found: Callback, client: str, own: str) -> dict[str, Text | None]:
        code = self._placeholders.keep(Ref(Role.CODE, client, own), found.code)
        verifier = None
        if found.verifier is not None:
            verifier = self._placeholders.keep(Ref(Role.VERIFIER, client, own), found.verifier)
        return {"code": code, "redirect_uri": found.redirect_uri, "code_verifier": verifier}
