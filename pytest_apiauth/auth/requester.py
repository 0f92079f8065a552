"""Valid requests of somebody: the drafts of `requests`, with the values of a profile's identities put in at once.

Here a secret becomes a request of the fixtures' clients. Whatever is not there is said in one line before anything is
sent, in this order: the client's own values that are not set, the members of the request, the client, the API key.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, cast
from urllib.parse import parse_qsl, urlencode

from pytest_apiauth.auth import requests
from pytest_apiauth.auth.carried import Credential
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.proofs import DPOP, PossessionProof
from pytest_apiauth.auth.requests import Proof
from pytest_apiauth.auth.texts import SPENT, Ref, Role, Signing, Text, is_text, parts_of, refs_of, reveal, system_time
from pytest_apiauth.credentials.binding import Binding
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.request_signing import Added, RequestSigner
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import CredentialError, UnsetError
from pytest_apiauth.messages import ClientCertificate, Request
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.kinds import Place
from pytest_apiauth.profile.model import DEFAULT, Ending, GrantType, Kind

Value = Secret | str
ISSUED: Final = frozenset((Role.ACCESS_TOKEN, Role.VERIFIER, *SPENT.values()))
"""What no profile has: it is given, or made, on the way to a token."""
ENDED: Final[Mapping[str, Ending]] = MappingProxyType({"REVOKED": "revoked", "EXPIRED": "expired"})
"""How a credential that was good once has ended, by the word that its placeholder begins with."""
OF_CLIENT: Final = frozenset((Role.CLIENT_ID, Role.CLIENT_SECRET, Role.PRIVATE_KEY, Role.KEY_ID))
NOTHING: Final[Mapping[Role, Value | None]] = MappingProxyType({})
# What one header value can carry on the wire (RFC 9110 5.5).
SENDABLE: Final = re.compile(r"[!-~\x80-\xff](?:[ \t!-~\x80-\xff]*[!-~\x80-\xff])?")

# What a cookie can carry (RFC 6265 4.1.1).
COOKIE_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]*")


def header_value(secret: Secret) -> str:
    """Reveal a secret for use in a header. Raises CredentialError if no header can carry it.

    The HTTP library would refuse it too, but with the value in the message.
    """
    value = secret.reveal()
    if SENDABLE.fullmatch(value) is None:
        raise CredentialError(
            f"{secret.where}: its value cannot travel in a header; look for a line break or a blank at either end"
        )
    return value


def sendable(secret: Secret, place: Place) -> str:
    """Reveal a secret for use in a place. Raises CredentialError if it cannot travel there."""
    if place.pair is not None:
        # In Base64 whatever there is travels, but a user name ends at the first colon (RFC 7617 2).
        if place.pair[0] == "" and ":" in secret.reveal():
            raise CredentialError(f"{secret.where}: its value has a colon, which no user name of HTTP Basic can have")
        return secret.reveal()
    if place.where == "header":
        return header_value(secret)
    value = secret.reveal()
    if place.where == "cookie" and COOKIE_VALUE.fullmatch(value) is None:
        raise CredentialError(
            f"{secret.where}: its value cannot travel in a cookie; look for a blank, a quotation mark, a comma, a"
            " semicolon, a backslash or a character beyond ASCII"
        )
    return value


def value_of(identities: Identities, ref: Ref) -> Value | None:
    """Return what a reference to a configured credential stands for; None if the profile names none.

    Raises CredentialError for a name that the profile does not know and for a value that is not set.
    """
    if (ending := ENDED.get(ref.own)) is not None:
        return identities.ended(ending, ref.kind or ref.role.value.lower())
    if ref.role is Role.CLIENT_ID:
        return identities.client(ref.who).client_id
    if ref.role is Role.CLIENT_SECRET:
        return identities.client(ref.who).client_secret
    if ref.role is Role.PRIVATE_KEY:
        return identities.client(ref.who).private_key
    if ref.role is Role.CERTIFICATE:
        return identities.certificate(ref.who).chain
    if ref.role is Role.KEY_ID:
        return identities.client(ref.who).key_id
    if ref.role is Role.USERNAME:
        return identities.user(ref.who).username
    if ref.role is Role.PASSWORD:
        return identities.user(ref.who).password
    if ref.role is Role.API_KEY:
        return identities.key(ref.who).api_key
    if ref.role in requests.OF_SCHEMES:
        return identities.named(ref.kind, ref.who)
    if ref.role is Role.JWT_KEY:
        return identities.signing_key()
    if ref.role is Role.UNFIT:
        return identities.unfit_token(ref.kind)
    if ref.role is Role.PERSONAL_ACCESS_TOKEN:
        return identities.personal_access_token()
    raise LookupError(f"{ref.name} is no credential of a profile")


@dataclass(frozen=True, slots=True, repr=False)
class AuthorizationRequest:
    """Where to send the user's browser (RFC 6749 4.1.1), and what to check when it comes back."""

    request: Request
    state: str
    verifier: str
    redirect_uri: str
    profile: str = ""
    push: Request | None = None
    """What is to be sent first, where requests are pushed (RFC 9126); `pushed` takes what came of it."""

    def pushed(self, request_uri: str) -> AuthorizationRequest:
        """Return the same request as one that was pushed, under the name that the server has given it (RFC 9126 4)."""
        endpoint, _, query = self.url.partition("?")
        client = [pair for pair in parse_qsl(query) if pair[0] == "client_id"]
        url = f"{endpoint}?{urlencode([*client, ('request_uri', request_uri)])}"
        return replace(self, request=replace(self.request, url=url), push=None)

    @property
    def url(self) -> str:
        """Where the browser goes."""
        return self.request.url

    def __repr__(self) -> str:
        return f"<AuthorizationRequest {self.profile}>"


@dataclass(frozen=True, slots=True, repr=False)
class Signed:
    """What signs the requests of a client, each as it leaves. ``learn`` is told what must not be printed.

    >>> signer = RequestSigner("shop", "hmac", "shop.signing:sign", Place("header", "X-Signature"))
    >>> Signed(signer, Secret("made-up-key", "shop.schemes.hmac.value"), print)
    Signed(hmac)
    """

    signer: RequestSigner
    key: Secret
    learn: Callable[[str, str], object]

    def added(self, request: Request) -> Added:
        """Return what is to be added to a request. Raises ProfileError if the function fails."""
        added = self.signer.made(request, self.key.reveal())
        self.learn(self.signer.signature(added), self.signer.label)
        return added

    @property
    def place(self) -> Place:
        """Where that goes."""
        return self.signer.place

    def __repr__(self) -> str:
        return f"Signed({self.signer.scheme})"


@dataclass(frozen=True, slots=True, repr=False)
class Proved:
    """What proves, of each request of a client as it leaves, that it has the key which its token is bound to."""

    binding: Binding
    learn: Callable[[str, str], object]

    @property
    def place(self) -> Place:
        """Where that goes."""
        return Place("header", DPOP)

    def added(self, request: Request) -> Added:
        """Return the proof of a request. Raises CredentialError where what signs is not installed."""
        proof = PossessionProof().of(request, self.binding, system_time())
        self.learn(proof, "dpop_proof")
        return ((DPOP, proof),)

    def __repr__(self) -> str:
        return "Proved()"


class Requester:
    """Builds the valid requests of one client, user and key of a profile, ready to be sent.

    ``client`` and ``user`` default to those that a grant's own table names, ``identities`` know the profile and the
    values. What is not there raises a CredentialError, in one line that says what it is needed for.

    Example::

        requester = Requester(identities, user="second")
        requester.token_request("refresh_token", {Role.REFRESH_TOKEN: token.refresh_token})
    """

    def __init__(
        self,
        identities: Identities,
        *,
        client: str | None = None,
        user: str | None = None,
        key: str = DEFAULT,
    ) -> None:
        self.profile = identities.profile
        self.identities = identities
        self.client = client
        self.user = user
        self.key = key

    def token_request(
        self,
        grant: GrantType,
        issued: Mapping[Role, Value | None] = NOTHING,
        *,
        redirect_uri: str | None = None,
        alter: Callable[[Draft], Draft] | None = None,
    ) -> Request:
        """Return the token request that the profile documents for a grant.

        ``issued`` is what the server has given for it, or will know it by (a code, its verifier); ``redirect_uri`` is
        the client's registered one unless another is given. ``alter`` changes the draft first.
        """
        client = self.client or requests.row_of(self.profile, grant).client
        redirect_uri = redirect_uri or self.identities.client(client).redirect_uri
        given: dict[str, Text | None] = {} if issued.get(Role.VERIFIER) is not None else {"code_verifier": None}
        if "redirect_uri" in GRANTS[grant].members:
            given["redirect_uri"] = self._needed("redirect_uri", redirect_uri, grant)
        draft = requests.token_request(self.profile, grant, client=client, user=self.user, key=self.key, given=given)
        return self._revealed(alter(draft) if alter else draft, grant, issued)

    def authorization_request(self, *, redirect_uri: str | None = None) -> AuthorizationRequest:
        """Return an authorization request with a random state and a PKCE S256 challenge (RFC 7636 4).

        ``redirect_uri`` is the client's registered one unless another is given (its port, RFC 8252 7.3).
        """
        grant: GrantType = "authorization_code"
        client = self.client or requests.row_of(self.profile, grant).client
        identity = self.identities.client(client)
        redirect_uri = self._needed("redirect_uri", redirect_uri or identity.redirect_uri, grant)
        state, proof = secrets.token_urlsafe(32), Proof.fresh()
        draft = requests.authorization_request(self.profile, redirect_uri, proof, client=client, state=state)
        client_id = self._needed("client_id", identity.client_id, grant)
        request = draft.request({Ref(Role.CLIENT_ID, client): client_id})
        push = self._revealed(draft.pushed, grant) if draft.push is not None else None
        return AuthorizationRequest(request, state, str(proof.verifier), redirect_uri, self.profile.name, push)

    def beginning(self, grant: GrantType) -> Request:
        """Return the request with which a grant begins that takes a person."""
        if not GRANTS[grant].is_polled:
            return self.authorization_request().request
        return self._revealed(requests.beginning(self.profile, grant, client=self.client, key=self.key), grant)

    def text_of(self, kind: Kind) -> str:
        """Return what travels as a credential of a kind, in its place."""
        user = self.user or DEFAULT
        found = requests.credential(self.profile, kind, client=self.client, user=user, key=self.key)
        has_place = kind in self.profile.kinds
        values: dict[Ref, str] = {}
        for ref in found.refs:
            value = value_of(self.identities, ref) if has_place else None
            if value is None:
                lacking = "no username and password" if found.is_pair else "none"
                raise CredentialError(f"{self.profile.name}: {kind}: the profile names {lacking}")
            # In a pair whatever there is travels in Base64.
            whole = isinstance(value, Secret) and not found.is_pair
            values[ref] = sendable(value, found.place) if isinstance(value, Secret) and whole else raw(value)
        return reveal(found.text, values)

    def signing_of(self, kind: Kind) -> Signed:
        """Return what signs requests as a credential of a kind that does."""
        signer = RequestSigner.of(self.profile, kind)
        key = self.identities.named(kind, self.key)
        if key is None:
            raise CredentialError(f"{self.profile.name}: {kind}: the profile names no key to sign with")
        return Signed(signer, key, self.identities.learn)

    @property
    def proving(self) -> tuple[Proved, ...]:
        """What proves requests that carry a token, if tokens are bound."""
        binding = self.identities.binding
        return () if binding is None else (Proved(binding, self.identities.learn),)

    def _revealed(self, draft: Draft, purpose: str, issued: Mapping[Role, Value | None] = NOTHING) -> Request:
        """Put values into a draft: those that are ``issued``, and those of the profile's identities."""
        values: dict[Ref, str] = {}
        texts = [value for _, value in draft.parameters if is_text(value)] + [each.value for each in draft.credentials]
        for ref in (ref.bare for text in texts for ref in refs_of(cast("Text", text))):
            value = issued.get(ref.role) if ref.role in ISSUED else value_of(self.identities, ref)
            if ref.role in (Role.API_KEY, *requests.OF_SCHEMES):
                values[ref] = self._key_of(ref, value)
            else:
                is_of_client = ref.role in OF_CLIENT
                needed_by = self.profile.token.client_auth if is_of_client else purpose
                values[ref] = self._needed(ref.role.value.lower(), value, needed_by)
        for each in draft.credentials:
            self._check_colon(each, values)
        whose, own = draft.certificate, self.identities
        certificate = None if whose is None else own.certificate(whose.who)
        signing = Signing(learn=own.learn, binding=own.binding, certify=lambda whose: certificate)
        try:
            return draft.request(values, signing)
        except CredentialError as error:
            raise CredentialError(f"{self.profile.name}: {error}") from None

    def certificate(self, *, is_needed: bool) -> ClientCertificate | None:
        """Return what the client presents to the API; None if the profile names none, or it is not set nor needed."""
        client = self.client or DEFAULT
        whose = requests.certified(self.profile, client, is_bound=is_needed)
        try:
            return None if whose is None else self.identities.certificate(whose.who)
        except UnsetError:
            if is_needed:
                raise
            return None

    def _key_of(self, ref: Ref, value: Value | None) -> str:
        kind = ref.kind or "api_key"
        if not isinstance(value, Secret):
            raise CredentialError(
                f"{self.profile.name}: keys: {ref.who!r} has no {kind}, and the token endpoint needs one"
            )
        return value.reveal() if ref.role is Role.SIGNING_KEY else sendable(value, self.profile.place_of(kind))

    def _check_colon(self, each: Credential, known: Mapping[Ref, str]) -> None:
        """Raise CredentialError if a client's id would end at a colon of its own."""
        first = parts_of(each.value)[0]
        if each.kind == "client" and isinstance(first, Ref) and ":" in known[first.bare]:
            raise CredentialError(
                f"{self.profile.name}: client {first.who!r}: a client_id with a colon cannot travel with"
                ' basic_encoding = "raw" (RFC 7617 2)'
            )

    def _needed(self, name: str, value: Value | None, purpose: str) -> str:
        if value is None:
            raise CredentialError(f"{self.profile.name}: {name}: the profile names none, and {purpose} needs one")
        return raw(value)


def raw(value: Value) -> str:
    """Return the text of a value."""
    return value.reveal() if isinstance(value, Secret) else value
