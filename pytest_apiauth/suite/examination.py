"""One profile against one target: what its rules share while they send requests and let time pass.

What a draft needs is obtained in a step of its own, which may send token requests (`Obtaining`); then its values are
looked up, which sends nothing (`Placeholders`); then it leaves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlsplit

from pytest_apiauth.auth import requests, shell
from pytest_apiauth.auth.certified import Certified
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.person import sent_by
from pytest_apiauth.auth.pushing import request_uri_in
from pytest_apiauth.auth.texts import Assertion, Ref, Signing
from pytest_apiauth.credentials import certificates
from pytest_apiauth.credentials.binding import ALGORITHM, Binding, wants_nonce
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.credentials.signing import public_half
from pytest_apiauth.errors import CredentialError, HandshakeError, NotRecordedError
from pytest_apiauth.messages import ClientCertificate, Request, Response, described
from pytest_apiauth.profile.model import DEFAULT, GrantType, Kind, Profile, Zone
from pytest_apiauth.suite.guesses import wrong_passwords
from pytest_apiauth.suite.limited import RateLimits
from pytest_apiauth.suite.obtaining import Obtaining
from pytest_apiauth.suite.outcomes import OUT_OF_GUESSES, Counterexample, NotApplicable, OutOfGuesses, OutOfReach
from pytest_apiauth.suite.placeholders import Placeholders
from pytest_apiauth.suite.steps import Recent
from pytest_apiauth.targets.target import Target


class Examination:
    """The state that the rules of one profile share."""

    def __init__(self, target: Target, redactor: Redactor) -> None:
        self.target = target
        self.redactor = redactor
        self._began = target.sent
        self.tokens_issued = 0
        self._ways: dict[str, list[tuple[Kind, ...]]] = {}
        self._requests: dict[tuple[str, tuple[Kind, ...]], Draft] = {}
        self.placeholders = Placeholders(target, redactor)
        self.obtaining = Obtaining(target, self.placeholders, lambda draft: self.send(draft, sure=True))
        self._moved = 0
        self._signed: Signing | None = None
        self.clock: Callable[[], float] = time.monotonic
        """What time is measured by."""
        self.recent = Recent()
        self.latest: Draft | None = None
        """The request that left last, or is leaving."""
        self.rate_limits = RateLimits(self.curl)
        """Every 429 that was met."""
        self.found: dict[Hashable, object] = {}
        """What rules have found out about the target, for those that come after them."""
        self._certificates: dict[Certified, ClientCertificate] = {}
        self._recovery: Counterexample | None = None
        self._is_recovery_told = False

    @property
    def profile(self) -> Profile:
        """The target's profile."""
        return self.target.profile

    # Requests

    @property
    def requests(self) -> int:
        """How many requests have left, as the target counts them."""
        return self.target.sent - self._began

    def send(self, draft: Draft, *, sure: bool = False) -> Response:
        """Send a request with its secrets put in, and learn every token that comes back.

        With ``sure`` a server error is made sure of, as the target's `Retries` say.
        """
        settled = self.target.retries.settle(self._attempts(draft), lambda: not draft.spends, sure=sure)
        response, failed = settled.response, settled.failed
        if failed is not None and response.status < 500 and self._recovery is None:
            self._recovery = Counterexample("no server error, not even once", described(failed), self.curl(draft), "")
        return response

    def _attempts(self, draft: Draft) -> Callable[[], Response]:
        """Return what sends a request, each time that it is called; after a 429 it is called if its time is over."""
        before: list[Response] = []

        def attempt() -> Response:
            response = self._sent(draft)
            if before and before[-1].status == HTTPStatus.TOO_MANY_REQUESTS:
                self.rate_limits.see_again(draft, response)
            before.append(response)
            return response

        return attempt

    def _sent(self, draft: Draft) -> Response:
        """Send a request, and once more if its proof is to have another nonce (RFC 9449 8, 9).

        One that TLS refuses for a certificate which is not the valid request's is refused as if by an answer.
        """
        try:
            return self._answered_at_last(draft)
        except HandshakeError as refused:
            if draft.control is None or draft.certificate == draft.control.draft.certificate:
                raise
            return Response(401, note=str(refused))

    def _answered_at_last(self, draft: Draft) -> Response:
        response = self.send_by(lambda request: [self._answered(request, draft)], draft)[0]
        if draft.proof is not None and wants_nonce(response):
            response = self.send_by(lambda request: [self._answered(request, draft)], draft)[0]
        return response

    def _answered(self, request: Request, draft: Draft) -> Response:
        """Send a request; as a browser with a person before it would, if it is opened in a user's.

        What is pushed first is opened under the name that came; if none did, that is the answer.
        """
        if draft.push is not None:
            told = self.target.send(draft.pushed.request(self.placeholders, self._signing))
            request_uri = request_uri_in(told)
            if request_uri is None:
                return told
            self.redactor.learn(request_uri, "REQUEST_URI")
            request = draft.opening(request_uri).request(self.placeholders)
        person = self.target.person
        if person is None or not draft.browser:
            return self.target.send(request)
        opening = person.opens(request, draft.browser, in_private=draft.in_private, user_code=draft.user_code)
        return sent_by(opening, self.target.send)

    @property
    def has_browser(self) -> bool:
        """Whether codes can be had here without a person.

        Example::

            if not api.examination.has_browser:
                raise OutOfReach("takes a code")
        """
        return self.obtaining.has_browser

    def can_use(self, grant: GrantType) -> bool:
        """Whether a grant gives tokens here: it needs nobody, or somebody plays the person.

        Example::

            giving = [name for name in api.profile.grants if api.examination.can_use(name)]
        """
        return self.obtaining.can_use(grant)

    def told_once(self) -> Counterexample | None:
        """Return the first server error that a repetition did not meet again; once, since it is one finding."""
        if self._is_recovery_told or self._recovery is None:
            return None
        self._is_recovery_told = True
        return self._recovery

    def send_by(self, carry: Callable[[Request], list[Response]], draft: Draft) -> list[Response]:
        """Hand a request to what sends it, once or several times at once, and learn every token that comes back."""
        # What is asked for before it has no answer to this one.
        self.latest = None
        self.obtaining.obtain(draft.refs)
        request = draft.request(self.placeholders, self._signing)
        self._learn_edits(draft)
        if self.target.kind.is_live:
            self._spare_accounts(request)
        self.latest = draft
        try:
            responses = carry(request)
        except NotRecordedError as reason:
            raise NotApplicable(str(reason)) from None
        for response in responses:
            self.rate_limits.see(draft, response)
            if (binding := self.target.identities.binding) is not None:
                binding.learn(request.url, response)
            self._learn(draft, response)
            self.recent.add(draft, response)
        return responses

    def _learn_edits(self, draft: Draft) -> None:
        """Keep out of all output what an edit makes of a secret: an app may log what it gets, a server repeat it."""
        for ref in draft.edited:
            told = ref.edit.telling(self.placeholders[ref.bare]) if isinstance(ref.edit, Edit) else None
            if told is not None and not ref.role.is_public:
                self.redactor.learn(told, ref.name)

    @property
    def _signing(self) -> Signing:
        """How requests are signed: by the system's time, and by a real server's where that was moved."""
        binding = self.target.identities.binding
        if self._signed is None or self._signed.binding is not binding:
            self._signed = Signing(
                lambda: time.time() + (0 if self.target.kind.is_double else self._moved),
                lambda made, label: self.redactor.learn(made, label.upper()),
                binding,
                self._certificate,
            )
        return self._signed

    def _certificate(self, whose: Certified) -> ClientCertificate:
        """Return what a request comes with by mutual TLS; what is made for this run is made once."""
        if not whose.made:
            with self.placeholders.reached():
                return self.target.identities.certificate(whose.who)
        if whose not in self._certificates:
            own = self._certificate(replace(whose, made="")).chain
            self._certificates[whose] = certificates.self_made(own if whose.made == "namesake" else "")
        return self._certificates[whose]

    def thumbprint(self, client: str = DEFAULT) -> str:
        """Return what a token says that is bound to a client's certificate (RFC 8705 3.1).

        Example::

            answer.require(members["cnf"]["x5t#S256"] == api.examination.thumbprint(), "the certificate's own")
        """
        return certificates.thumbprint(self._certificate(Certified(client)).chain)

    def signed(self, assertion: Assertion) -> str:
        """Return an assertion of this moment, for a rule that sends one twice."""
        made = assertion.made(self.placeholders, self._signing.now())
        self._signing.learn(made, "client_assertion")
        return made

    def signed_once(self, draft: Draft, kind: Kind) -> Draft:
        """Return a request with a signature of this moment, for a rule that sends one twice."""
        self.obtaining.obtain(draft.refs)
        each = draft.credential(kind)
        assert each.signature is not None
        key = self.placeholders[each.refs[0]]
        return draft.signing(kind, made=each.signature.added(draft.without(kind).request(self.placeholders), key, key))

    def proved_once(self, draft: Draft) -> Draft:
        """Return a request with a proof of this moment, for a rule that sends one twice."""
        assert draft.proof is not None
        self.obtaining.obtain(draft.refs)
        request = replace(draft, proof=None).request(self.placeholders, self._signing)
        return draft.proving(made=draft.proof.of(request, self._binding, self._signing.now()))

    @property
    def _binding(self) -> Binding:
        binding = self.target.identities.binding
        assert binding is not None
        return binding

    @property
    def bound_to(self) -> str:
        """The public key, in PEM, that tokens are bound to.

        Example::

            forged = Forgery(header=(("alg", "HS256"),), signature="forged", key=api.examination.bound_to)
        """
        return public_half(self._binding.key(), ALGORITHM, "token.bound")

    def has_nonce(self, draft: Draft) -> bool:
        """Whether the server of a request has given a nonce for proofs."""
        return self._binding.nonce(draft.url) is not None

    def shown(self, assertion: Assertion) -> str:
        """Write how an assertion is made as one word for bash, with placeholders, and no secret in it."""
        return self.redactor.redact(shell.shown(assertion, self.placeholders))

    def _spare_accounts(self, request: Request) -> None:
        """Raise OutOfGuesses if a wrong password would be one too many for an account."""
        login = self.profile.login_request
        of_client = request.method == "POST" and request.url in self.profile.client_endpoints and login is None
        of_client |= self.profile.has_key_for_pair(request.path)
        names = (login.names_of("username"), login.names_of("password")) if login is not None else ((), ())
        users, keys = self.placeholders.passwords(), self.placeholders.keys_in_pairs()
        for username in wrong_passwords(request, users, of_client=of_client, keys=keys, names=names):
            if not self.target.guess(username):
                raise OutOfGuesses(OUT_OF_GUESSES)

    def curl(self, draft: Draft) -> str:
        """Write a request as a curl line with placeholders, and make sure that it holds no secret."""
        return self.redactor.redact(shell.curl(draft, self.placeholders))

    def request(self, path: str, kinds: tuple[Kind, ...]) -> Draft:
        """Return a GET of a path with the named credentials: the same one each time, as drafts do not change."""
        if (path, kinds) not in self._requests:
            made = requests.resource_request(self.profile, path, kinds)
            zone = self.profile.zone_at(urlsplit(made.url).path)
            headers = () if zone is None else tuple(zone.headers.items())
            self._requests[path, kinds] = made.with_headers(*headers).as_control() if headers else made
        return self._requests[path, kinds]

    def ways_into(self, zone: Zone) -> list[tuple[Kind, ...]]:
        """Return the alternatives of a zone's needs whose credentials are there."""
        # Asked once an example, and the credentials that a run has do not change while it runs.
        if zone.path not in self._ways:
            found = [way for way in zone.needs or ((),) if all(self._why_absent(kind) is None for kind in way)]
            self._ways[zone.path] = found
        return self._ways[zone.path]

    def why_closed(self, zone: Zone) -> str:
        """Say why no alternative of a zone's needs is at hand."""
        reasons = [self._why_absent(kind) for way in zone.needs for kind in way]
        return next((reason for reason in reasons if reason), f"no credential for {zone.path}")

    def _why_absent(self, kind: Kind) -> str | None:
        try:
            if (whose := self.request("/", (kind,)).certificate) is not None:
                self._certificate(whose)
            if self.profile.kinds[kind].is_issued:
                grant = self.profile.usual_grant
                if grant and not self.obtaining.can_use(grant):
                    self.obtaining.kept_refresh_token(DEFAULT)
                    return None
                refs = self.obtaining.token_request(grant).refs if grant else ()
            else:
                refs = requests.credential(self.profile, kind).refs
            for ref in refs:
                self.value(ref)
        except (NotApplicable, CredentialError) as reason:
            return str(reason)
        return None

    # Credentials

    def value(self, ref: Ref) -> str:
        """Return the value behind a reference, asking for a token first. Raises NotApplicable if there is none."""
        self.obtaining.obtain([ref])
        return self.placeholders[ref]

    def renew_tokens(self, draft: Draft) -> bool:
        """Have the issued tokens that a request carries got anew; whether there are any."""
        return self.placeholders.end(draft.refs)

    def forget_tokens(self) -> None:
        """Have the access tokens at hand got anew when they are needed: what a rule has done may have ended them."""
        self.placeholders.end(self.placeholders)

    # Time

    @property
    def now(self) -> float:
        """The time in seconds, by a clock of this run's own that moves along with the target's."""
        return self.clock() + self._moved

    def advance(self, seconds: int) -> None:
        """Move the target's clock forward and forget the tokens at hand, which may have ended by it.

        Where the clock cannot be moved and the profile permits it, the time is waited for. Raises NotApplicable else.
        """
        self.needs_clock()
        if self.target.can_move_clock:
            self.target.advance(seconds)
            self._moved += seconds
        else:
            self.target.pause(seconds)
        self.forget_tokens()

    @property
    def patience(self) -> float:
        """The seconds that one rule may wait for, in all; no end to them where the clock can be moved."""
        if self.target.can_move_clock:
            return math.inf
        return self.profile.live.wait if self.target.kind.is_live else 0

    def needs_clock(self) -> None:
        """Raise NotApplicable if the target's time cannot pass: its clock stays, and nobody waits."""
        if not self.patience:
            waiting = ", or time to pass, which [live] wait permits" if self.target.kind.is_live else ""
            raise OutOfReach(f"lifetimes take a clock that can be moved, which the profile's [clock] names{waiting}")

    def _learn(self, draft: Draft, response: Response) -> None:
        body = response.json() if b"token" in response.body else None
        if draft.layout is not None:
            body = draft.layout.read(response)
        if isinstance(body, dict):
            self.tokens_issued += isinstance(body.get("access_token"), str)
            for member in ("access_token", "refresh_token", "id_token"):
                if isinstance(body.get(member), str):
                    self.redactor.learn(body[member], f"{self.profile.name}.{member}")
