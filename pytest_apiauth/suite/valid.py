"""What a rule builds before it sends anything: valid requests, and references to what they carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl

from pytest_apiauth.auth import requests
from pytest_apiauth.auth.carried import Credential
from pytest_apiauth.auth.drafts import Control, Draft
from pytest_apiauth.auth.requester import ISSUED
from pytest_apiauth.auth.requests import Proof
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import DEFAULT, Ending, GrantType, Kind, Profile, Zone
from pytest_apiauth.suite import consent
from pytest_apiauth.suite.answer import Answer
from pytest_apiauth.suite.consent import Callback
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.outcomes import Inconclusive, NotApplicable, OutOfReach
from pytest_apiauth.suite.steps import Steps, naming


class ValidRequests:
    """The requests of one rule that must succeed, each made for the target at hand.

    ::

        for valid in api.requests(zone, "bearer"):
            api.send(valid).accepted()
    """

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.steps = Steps()
        """The curl lines that led here, where a rule keeps them."""
        self._authorization: Draft | None = None

    @property
    def profile(self) -> Profile:
        """The promise, with every URL known and every identity that the target has."""
        return self.examination.profile

    def requests(self, zone: Zone, *kinds: Kind) -> Iterator[Draft]:
        """Yield a valid request for each probe of a zone and each way into it.

        With ``kinds``, only the ways that use one of them.
        """
        ways = [way for way in self.examination.ways_into(zone) if not kinds or set(kinds) & set(way)]
        if not ways:
            raise OutOfReach(self.examination.why_closed(zone))
        for probe in zone.probe:
            for way in ways:
                yield self.request(probe, way)

    def request(self, path: str, kinds: tuple[Kind, ...] = ()) -> Draft:
        """Return a GET of a path that carries the named credentials."""
        return self.examination.request(path, kinds)

    def credential(self, kind: Kind) -> Credential:
        """Return the credential of a kind, as the profile documents it."""
        return requests.credential(self.profile, kind)

    def token_request(self, grant: GrantType, *, client: str = DEFAULT, user: str = DEFAULT) -> Draft:
        """Return a valid token request. A refresh request carries a refresh token of its own."""
        return self.examination.obtaining.token_request(grant, client=client, user=user)

    def as_client(self, url: str, *parameters: tuple[str, object], client: str = DEFAULT) -> Draft:
        """Return a POST to another endpoint in which a client proves itself as it does for a token."""
        return requests.posted(self.profile, self.profile.url(url), dict(parameters), client=client)

    def control_of(self, grant: GrantType, *, client: str = DEFAULT) -> Control:
        """Return the control of token requests of a grant, made anew each time if it spends something."""
        return self.examination.obtaining.control_of(grant, client)

    def authorization_request(self, proof: Proof | None = None) -> Draft:
        """Return a valid authorization request, with a chosen proof key or the one of all such requests of a rule.

        So the rows of a table have one control, which is sent once for each of them: with a login that is many pages.
        """
        if proof is not None:
            return self.examination.obtaining.authorization_request(proof=proof)
        if self._authorization is None:
            self._authorization = self.examination.obtaining.authorization_request()
        return self._authorization

    def pushed_request(self, *, client: str = DEFAULT) -> Draft:
        """Return the request in which a client pushes a valid authorization request (RFC 9126 2.1).

        Example::

            answer = api.send(api.pushed_request().without("client"))
            answer.refused()
        """
        return self.examination.obtaining.authorization_request(client).pushed

    def followed(self, answer: Answer) -> Draft | None:
        """Return the request that a browser makes next, if it is sent on to the same origin; else None."""
        target = consent.landing(answer.draft, answer.response)
        same = bool(target) and consent.place(target)[:3] == consent.place(answer.draft.url)[:3]
        if not same or consent.sort_of(answer.draft, answer.response) == "client":
            return None
        cookies = [line.partition(";")[0] for line in answer.response.header_lines("set-cookie")]
        url, _, query = target.partition("#")[0].partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        named = tuple((name, naming(value, self.examination.placeholders)) for name, value in pairs)
        draft = Draft("GET", url, query=named).beside(answer.draft)
        return draft.with_headers(("Cookie", self.keep("LOGIN_COOKIE", "; ".join(cookies)))) if cookies else draft

    def redemption(self, found: Callback, own: str = "") -> Draft:
        """Return a token request for a code at hand; ``own`` begins its placeholder's name."""
        return self.examination.obtaining.token_request("authorization_code", callback=found, own=own)

    def beginning(self, grant: GrantType, *, client: str = DEFAULT) -> Draft:
        """Return the request with which a client begins a grant that it then polls for (RFC 8628 3.1)."""
        return requests.beginning(self.profile, grant, client=None if client == DEFAULT else client)

    def polling(self, grant: GrantType, code: Ref | str, *, client: str = DEFAULT) -> Draft:
        """Return the request with which a client asks whether a person has decided (RFC 8628 3.4)."""
        member, who = GRANTS[grant].spends, None if client == DEFAULT else client
        assert member is not None, "what is polled for is spent"
        return requests.token_request(self.profile, grant, client=who, given={member: code})

    def refresh_token(self) -> Ref:
        """Get a refresh token that nothing else uses. Raises NotApplicable if no grant gives one."""
        return self.examination.obtaining.fresh_refresh_token()

    def keep(self, name: str, value: str, role: Role = Role.KEPT) -> Ref:
        """Keep a value that came in an answer, to send it under a placeholder name; the step that gave it is shown."""
        ref = self.examination.placeholders.keep(Ref(role, named=name), value)
        found = self.examination.recent.giving(value)
        if found is not None:
            draft, response = found
            self.steps.give(name, self.examination.curl(draft), response)
        return ref

    def ref(self, role: Role, who: str = DEFAULT) -> Ref:
        """Refer to a credential of the default or another identity, which is there.

        Raises NotApplicable if the profile or the target cannot supply it.
        """
        ref = Ref(role, who)
        self.examination.value(ref)
        return ref

    def ended(self, ending: Ending, name: str) -> Ref:
        """Refer to a credential that was good once. Raises NotApplicable if it is not there.

        Example::

            old = api.ended("revoked", "api_key")
            api.send(valid.replacing(valid.carried(Role.API_KEY), old)).refused()
        """
        is_named = name in self.profile.schemes
        good = Ref(Role.NAMED if is_named else Role[name.upper()], kind=name if is_named else "")
        ref = replace(good, own=ending.upper())
        value = self.examination.value(ref)
        if good.role not in ISSUED and self._value_of(good) == value:
            raise Inconclusive(f"the {ending} {name} is the one in use, by its value: name one that was {ending}")
        return ref

    def another(self, role: Role, than: str = DEFAULT, *, grant: GrantType | None = None) -> Ref:
        """Refer to a credential of somebody else, by what the values are: two names of one client are one client.

        It is that of ``second`` if that is another, else of the first of ``[clients]`` or ``[users]`` that is; with
        ``grant``, of those that may use it.
        Raises NotApplicable if nobody is.

        Example::

            other = api.another(Role.CLIENT_SECRET, than=api.profile.grants[grant].client)
            foreign = api.token_request(grant, client=other.who)
        """
        of_client = role in (Role.CLIENT_ID, Role.CLIENT_SECRET, Role.PRIVATE_KEY, Role.CERTIFICATE)
        naming = Role.CLIENT_ID if of_client else Role.USERNAME
        section = "clients" if of_client else "users"
        own = self._value_of(Ref(naming, than))
        reasons = []
        for name in dict.fromkeys(("second", *getattr(self.profile, section))):
            try:
                if not of_client and name in self.profile.ended_users.values():
                    raise NotApplicable(f"the user {name} was deactivated")
                if of_client and grant and name in self.profile.clients and not self.profile.may_use(name, grant):
                    raise NotApplicable(f"the client {name} may not use the grant {grant}")
                # Whoever has no name, but a session that somebody gave, is taken to be another.
                if own is None or self._value_of(Ref(naming, name)) != own:
                    return self.ref(role, name)
            except NotApplicable as reason:
                reasons.append(reason)
        if reasons:
            raise reasons[0]
        raise NotApplicable(f"every one of [{section}] has the {naming.value.lower()} of {than}, so none is another")

    def _value_of(self, ref: Ref) -> str | None:
        try:
            return self.examination.value(ref)
        except NotApplicable:
            return None
