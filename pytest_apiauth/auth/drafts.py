"""Requests before their secrets are put in: built valid, altered, and never apart from the valid one.

Theory of operation. A `Draft` is a request whose texts name their secrets (`texts.Ref`). Revealed, it is the
request on the wire; `shell.curl` writes the same for whoever has the secrets in the environment.

- A credential is a part of a draft, with its kind, and not a header line: it is taken away, exchanged or dressed
  otherwise by its kind, wherever it travels. On the way out come the plain header lines, then the credentials in
  their order, then Content-Type; a credential in a cookie joins the Cookie line, one in the query the query. What is
  signed comes last of all (`signatures`).
- An authorization request that is pushed first (RFC 9126) has all that it asks for in its query as any other has,
  so that it is altered as any other is. Whoever sends it sends `pushed`, and `opening` with what came of that.
- A draft that was built valid remembers itself as its `control`, and every change keeps it (`dataclasses.replace`
  does too). So a draft is altered if it is not what its control is, and whoever sends one knows which valid request
  must succeed beside it. A request that spends a code or a refresh token says how to make its control anew, since
  the control must not spend the altered request's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, cast
from urllib.parse import quote_plus, urlsplit

from pytest_apiauth.auth.carried import Credential, CredentialKind
from pytest_apiauth.auth.certified import Certified
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.layouts import Layout
from pytest_apiauth.auth.proofs import DPOP, PossessionProof
from pytest_apiauth.auth.texts import (
    Assertion,
    FormEncoded,
    JsonStyle,
    Parameters,
    Part,
    Ref,
    Role,
    Signing,
    Text,
    Unchanged,
    as_text,
    exchanged,
    is_text,
    json_object,
    parts_of,
    refs_of,
    reveal,
    texts_of,
)
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request

CLIENT_MEMBERS: Final = ("client_id", "client_secret", "client_assertion_type", "client_assertion")
"""Members of a body in which a client says who it is."""
FORM: Final = "application/x-www-form-urlencoded"
USUAL_TYPES: Final = {"form": FORM, "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Control:
    """A valid request beside which altered ones are judged."""

    draft: Draft
    anew: Callable[[], Draft] | None = None
    """How to make it anew, if it spends something. Equal ones make the same request."""

    def is_same(self, other: Control) -> bool:
        """Whether two controls show the same."""
        return self is other or (self.anew == other.anew if self.anew is not None else self.draft == other.draft)

    def fresh(self) -> Draft:
        """Return the request to send."""
        return self.draft if self.anew is None else self.anew()


@dataclass(frozen=True)
class Draft:
    """One request before its secrets are put in. Change it with the methods, or with `dataclasses.replace`.

    >>> valid = Draft("GET", "https://api.example/cards").as_control()
    >>> altered = valid.with_query(("page", "2"))
    >>> valid.is_altered, altered.is_altered, altered.control.draft == valid
    (False, True, True)
    """

    method: str
    url: str
    headers: tuple[tuple[str, Text], ...] = ()
    """Plain header lines: none of them is a credential."""
    credentials: tuple[Credential, ...] = ()
    query: tuple[tuple[str, Text], ...] = ()
    parameters: Parameters = ()
    """Members of the body, in order: texts, and for JSON any value."""
    encoding: str = ""
    """``form``, ``json``, or empty if there is no body."""
    content_type: str = ""
    raw_body: str | None = None
    tail: str = ""
    """Text that stands at the end of a form as it is, whatever is wrong with it: ``a=%zz``."""
    style: JsonStyle = ""
    """How a body of JSON is written."""
    target: str | None = None
    flags: tuple[str, ...] = ()
    """Options of curl for what is not in the message: ``--http1.0``."""
    after: Draft | None = None
    """The request before it on the same connection, if that matters."""
    control: Control | None = field(default=None, compare=False, repr=False)
    """The valid request that this one was before it was altered."""
    is_doubted: bool = False
    """Whether it need not succeed although its form is valid."""
    browser: str = ""
    """Whose browser it is opened in, which goes on from its answer; empty sends it by itself, as nobody."""
    in_private: bool = False
    """Whether that is a window of its own, which holds nothing of a login before."""
    user_code: str = ""
    """What a device shows to whoever opens it, if it is the page where that is entered."""
    push: Draft | None = None
    """The request of its client that takes its query to the server beforehand (RFC 9126), still without it."""
    proof: PossessionProof | None = None
    """What proves that its sender has the key that its token is bound to, or is to be (RFC 9449)."""
    certificate: Certified | None = None
    """What its sender presents by mutual TLS (RFC 8705)."""
    layout: Layout | None = None
    """How the members of its body are written, if it is a token request that is not OAuth's."""

    def _with(self, **changes: Any) -> Draft:
        """Return a draft with some fields changed, as `dataclasses.replace` does in a fifth of its time."""
        new = object.__new__(type(self))
        fields = new.__dict__
        fields.update(self.__dict__)
        for known in _DERIVED:
            fields.pop(known, None)
        fields.update(changes)
        return new

    # The control

    def as_control(self, anew: Callable[[], Draft] | None = None) -> Draft:
        """Return the draft as a valid request of its own."""
        return self._with(control=Control(self._with(control=None), anew))

    def beside(self, valid: Draft | Control) -> Draft:
        """Return the draft as one that is judged beside a valid request that it was not made from."""
        return self._with(control=valid.control if isinstance(valid, Draft) else valid)

    def in_doubt(self) -> Draft:
        """Return the same request as one that need not succeed: what it carries was used up, has ended, or never held.

        >>> spent = Draft("POST", "https://api.example/token").as_control()
        >>> spent.is_altered, spent.in_doubt().is_altered
        (False, True)
        """
        return self._with(is_doubted=True)

    def opened_by(self, user: str, *, in_private: bool = False, user_code: str = "") -> Draft:
        """Return the draft as one that a user opens in a browser and goes on from, or nobody if it is empty.

        With ``user_code`` that is where the code of a device is entered.

        >>> Draft("GET", "https://login.example/authorize").opened_by("default").browser
        'default'
        """
        return self._with(browser=user, in_private=in_private, user_code=user_code)

    @property
    def pushed(self) -> Draft:
        """The request that pushes an authorization request: all that it asks for, sent by the client itself.

        >>> asking = Draft("GET", "https://id.example/authorize", query=(("client_id", "lab"), ("state", "a")))
        >>> replace(asking, push=Draft("POST", "https://id.example/par", encoding="form")).pushed.parameters
        (('client_id', 'lab'), ('state', 'a'))
        """
        if self.push is None:
            raise LookupError("an authorization request that is not pushed")
        return replace(self.push, parameters=(*self.query, *self.push.parameters)).as_control()

    @property
    def unpushed(self) -> Draft:
        """The same authorization request as one that the browser takes there, with all that it asks for in the URL.

        ::

            answer = api.send(api.authorization_request().unpushed)
        """
        return self._with(push=None)

    def opening(self, request_uri: Text) -> Draft:
        """Return the authorization request that a browser makes of a pushed one (RFC 9126 4).

        >>> asking = Draft("GET", "https://id.example/authorize", query=(("client_id", "lab"), ("state", "a")))
        >>> asking.opening("urn:example:a").query
        (('client_id', 'lab'), ('request_uri', 'urn:example:a'))
        """
        client = tuple((name, value) for name, value in self.query if name == "client_id")
        return self._with(query=(*client, ("request_uri", request_uri)), push=None)

    @property
    def is_altered(self) -> bool:
        """Whether it is another request than the valid one that it came from."""
        return self.control is not None and self != self.control.draft

    # Credentials

    def credential(self, kind: CredentialKind) -> Credential:
        """Return the credential of a kind. Raises LookupError if the request carries none."""
        for each in self.credentials:
            if each.kind == kind:
                return each
        raise LookupError(f"the request carries no {kind}, only {[each.kind for each in self.credentials]}")

    @property
    def token_kind(self) -> CredentialKind:
        """The kind of the credential that is the bearer token. Raises LookupError if the request carries none."""
        return next(each.kind for each in self.credentials if self.token in each.refs)

    def anonymous(self) -> Draft:
        """Take every credential away; a token may still be asked for to be bound to a key, by nobody.

        A certificate that proves no client stays: the connection takes it, whatever travels there.
        """
        left = self._with(credentials=(), proof=self.proof if self.encoding else None)
        return left._unproven().omitting(*CLIENT_MEMBERS)

    def _unproven(self) -> Draft:
        """Take the certificate away, if that is what a client proves itself by."""
        is_proof = self.certificate is not None and self.certificate.proves_client
        return self._with(certificate=None) if is_proof else self

    def without(self, *kinds: CredentialKind) -> Draft:
        """Take the credentials of some kinds away. Raises LookupError if the request carries one of them not."""
        left = self
        for kind in kinds:
            if kind == "client" and any(name in CLIENT_MEMBERS for name, _ in left.parameters):
                left = left._unproven().omitting(*CLIENT_MEMBERS)
            else:
                left.credential(kind)
            left = replace(left, credentials=tuple(each for each in left.credentials if each.kind != kind))
        return left

    def adding(self, *credentials: Credential) -> Draft:
        """Add credentials, behind those that are there."""
        return self._with(credentials=(*self.credentials, *credentials))

    def presenting(self, kind: CredentialKind, value: Text) -> Draft:
        """Put another value into a credential, in the documented dress. Raises LookupError if there is none."""
        return self.holding(self.credential(kind).presenting(value))

    def dressed(self, kind: CredentialKind, text: Text) -> Draft:
        """Put any text in the place of a credential. Raises LookupError if there is none."""
        return self.holding(self.credential(kind).dressed(text))

    def holding(self, new: Credential) -> Draft:
        """Put a credential in the place of that of its kind; add it if there is none."""
        if all(each.kind != new.kind for each in self.credentials):
            return self.adding(new)
        return self._with(credentials=tuple(new if each.kind == new.kind else each for each in self.credentials))

    # Secrets

    @cached_property
    def refs(self) -> tuple[Ref, ...]:
        """The secrets that the request carries, without their edits, by name."""
        return tuple(sorted({ref.bare for ref in self._dressed_refs()}, key=lambda ref: ref.name))

    @cached_property
    def edited(self) -> tuple[Ref, ...]:
        """The secrets that the request carries edited, with their edits."""
        return tuple(ref for ref in self._dressed_refs() if ref.edit is not None)

    def _dressed_refs(self) -> Iterator[Ref]:
        texts = [value for _, value in (*self.headers, *self.query)] + [each.value for each in self.credentials]
        texts += texts_of(self.parameters)
        return (ref for text in texts for ref in refs_of(text))

    def carried(self, role: Role) -> Ref:
        """Refer to the secret of a role, whoever's it is. Raises LookupError if the request carries none."""
        for ref in self.refs:
            if ref.role is role:
                return ref
        raise LookupError(f"the request carries no {role.value}, only {[ref.name for ref in self.refs]}")

    @property
    def token(self) -> Ref:
        """The bearer token that the request carries. Raises LookupError if it carries none."""
        for ref in self.refs:
            if ref.role in (Role.ACCESS_TOKEN, Role.PERSONAL_ACCESS_TOKEN):
                return ref
        raise LookupError(f"the request carries no token, only {[ref.name for ref in self.refs]}")

    @property
    def spends(self) -> bool:
        """Whether it carries what can be sent once only."""
        return any(ref.role.is_spent for ref in self.refs)

    def editing(self, secret: Ref, edit: Edit | Forgery) -> Draft:
        """Edit a secret wherever the request carries it. Raises LookupError if it does not."""
        self._require(secret)
        # An edit takes no secret away, and brings none in.
        return self._exchanged(lambda ref: ref.with_edit(edit) if ref.bare == secret.bare else ref, refs=self.refs)

    def replacing(self, secret: Ref, other: Ref) -> Draft:
        """Put another secret in the place of one that the request carries. Raises LookupError if it does not."""
        self._require(secret)
        return self._exchanged(lambda ref: other if ref.bare == secret.bare else ref)

    def _require(self, secret: Ref) -> None:
        if secret.bare not in self.refs:
            raise LookupError(f"the request carries no {secret.name}, only {[ref.name for ref in self.refs]}")

    def editing_all(self, edit: Edit) -> Draft:
        """Edit every secret that the request carries."""
        return self._exchanged(lambda ref: ref.with_edit(edit))

    def _exchanged(self, change: Callable[[Ref], Part], **known: Any) -> Draft:
        """Change each reference to a secret; ``known`` is what is known to follow from what comes of it."""
        return self._with(
            **known,
            headers=tuple((name, exchanged(value, change)) for name, value in self.headers),
            credentials=tuple(each.presenting(exchanged(each.value, change)) for each in self.credentials),
            query=tuple((name, exchanged(value, change)) for name, value in self.query),
            parameters=tuple(
                (name, exchanged(cast("Text", value), change) if is_text(value) else value)
                for name, value in self.parameters
            ),
        )

    # Plain headers, the query and the body

    def with_headers(self, *headers: tuple[str, Text]) -> Draft:
        """Add plain header lines."""
        return self._with(headers=(*self.headers, *headers))

    def without_header(self, name: str) -> Draft:
        """Take every line of a plain header away. Raises ValueError if a credential travels in it."""
        if ("header", name.lower()) in {each.slot for each in self.credentials}:
            raise ValueError(f"{name} is where a credential travels: speak of that")
        return self._with(headers=tuple(line for line in self.headers if line[0].lower() != name.lower()))

    def with_header(self, name: str, value: Text) -> Draft:
        """Put one plain header line in the place of whatever lines there are. Raises ValueError as above."""
        return self.without_header(name).with_headers((name, value))

    def with_query(self, *pairs: tuple[str, Text]) -> Draft:
        """Add parameters to the URL."""
        return self._with(query=(*self.query, *pairs))

    def encoded(self, encoding: str) -> Draft:
        """Write the body as ``form`` or ``json`` instead, with the label that goes with it."""
        return self._with(encoding=encoding, content_type="")

    def labelled(self, content_type: str) -> Draft:
        """Label the body with another media type without changing the body."""
        return self._with(content_type=content_type)

    def written(self, style: JsonStyle) -> Draft:
        """Write a body of JSON in another way that means the same (RFC 8259 2, 7, 8.1).

        >>> valid = Draft("POST", "https://id.example/token", encoding="json", parameters=(("scope", "read"),))
        >>> valid.written("escaped").request({}).body
        b'{"\\\\u0073\\\\u0063\\\\u006f\\\\u0070\\\\u0065": "read"}'
        """
        return self._with(style=style)

    def setting(self, name: str, value: object) -> Draft:
        """Set one member of the body in its place, or add it."""
        if any(key == name for key, _ in self.parameters):
            changed = tuple((key, value if key == name else old) for key, old in self.parameters)
        else:
            changed = (*self.parameters, (name, value))
        return self._with(parameters=changed)

    def omitting(self, *names: str) -> Draft:
        """Take members of the body away."""
        return self._with(parameters=tuple(entry for entry in self.parameters if entry[0] not in names))

    def spelt(self, member: str) -> str:
        """Return the name that a member of the body has on the wire."""
        names = self.layout.table.names_of(member) if self.layout is not None else ()
        return names[0] if names else member

    # On the way out

    @property
    def laid_out(self) -> Draft:
        """The same request with the names that its members have on the wire, each in its place."""
        if self.layout is None:
            return self
        written = self.layout.written(self.parameters)
        return self._with(headers=(*self.headers, *written.headers), parameters=written.parameters, layout=None)

    @property
    def assertion(self) -> Assertion:
        """What a client proves itself by, if it signs that. Raises LookupError if the request carries none."""
        for _, value in self.parameters:
            if isinstance(value, Assertion):
                return value
        raise LookupError("the request carries no assertion of a client")

    def asserting(self, **changes: Any) -> Draft:
        """Change how the client's assertion is made, by the fields of `Assertion`. Raises LookupError if it has none.

        >>> proof = Assertion(("lab", "made-up-secret", ""), "https://id.example/token", "HS256")
        >>> valid = Draft("POST", "https://id.example/token", parameters=(("client_assertion", proof),))
        >>> valid.asserting(age=600).assertion.age
        600
        """
        old = self.assertion
        return self._with_parameters(lambda value: replace(old, **changes) if value is old else value)

    def proving_wrongly(self, edit: Edit) -> Draft:
        """Spoil what its client proves itself by: its secret by an edit, or the signature that it makes by its key.

        Of a certificate nothing can be spoilt: the client presents none. Raises LookupError if it has none of these.
        """
        if self.certificate is not None and self.certificate.proves_client:
            return self._with(certificate=None)
        if any(ref.role is Role.CLIENT_SECRET for ref in self.refs):
            return self.editing(self.carried(Role.CLIENT_SECRET), edit)
        return self.asserting(edit=Forgery(signature="reversed"))

    def signing(self, kind: CredentialKind, **changes: Any) -> Draft:
        """Change how the request is signed, by the fields of `Signature`. Raises LookupError if it is not.

        Example::

            api.send(valid.signing("hmac", edit=Edit("reverse"))).refused()
        """
        found = self.credential(kind)
        if found.signature is None:
            raise LookupError(f"{kind} signs nothing")
        return self.holding(replace(found, signature=replace(found.signature, **changes)))

    def proving(self, **changes: Any) -> Draft:
        """Change how the request is proved, by the fields of `PossessionProof`. Raises LookupError if it is not.

        >>> Draft("GET", "https://api.example/", proof=PossessionProof()).proving(age=600).proof.age
        600
        """
        if self.proof is None:
            raise LookupError("the request carries no proof of possession")
        return self._with(proof=replace(self.proof, **changes))

    def certified(self, **changes: Any) -> Draft:
        """Change whose certificate it comes with, by the fields of `Certified`. Raises LookupError if it has none.

        >>> Draft("GET", "https://api.example/", certificate=Certified()).certified(made="stranger").certificate
        Certified(who='default', proves_client=False, made='stranger')
        """
        if self.certificate is None:
            raise LookupError("the request comes with no certificate")
        return self._with(certificate=replace(self.certificate, **changes))

    def _with_parameters(self, change: Callable[[object], object]) -> Draft:
        return self._with(parameters=tuple((name, change(value)) for name, value in self.parameters))

    def request(self, values: Mapping[Ref, str], signing: Signing | None = None) -> Request:
        """Put the secrets in, and sign what is signed. Raises Unchanged if an edit changes nothing."""
        if self.layout is not None:
            return self.laid_out.request(values, signing)
        if signing is not None and any(isinstance(value, Assertion) for _, value in self.parameters):
            return self._signed(values, signing).request(values, signing)
        headers = [(name, reveal(value, values)) for name, value in self.lines]
        if self.media_type:
            headers.append(("Content-Type", self.media_type))
        target = None if self.target_text is None else reveal(self.target_text, values)
        request = Request(self.method, self._url(values), tuple(headers), self._body(values), target)
        return self._with_signatures(request, values, signing or Signing())

    def _with_signatures(self, request: Request, values: Mapping[Ref, str], signing: Signing) -> Request:
        """Have the request signed by each credential that signs, and tell who has to know what comes of it."""
        for each in self.signatures:
            try:
                request = each.signing(request, values, signing.learn)
            except ProfileError:
                if self.is_altered:
                    # A function need not know what to do with a key, or a request, of no sense.
                    raise Unchanged(each.kind) from None
                raise
        if self.proof is not None and signing.binding is not None:
            proof = self.proof.of(request, signing.binding, signing.now())
            signing.learn(proof, "dpop_proof")
            request = replace(request, headers=(*request.headers, *[(DPOP, proof)] * self.proof.times))
        if self.certificate is not None:
            request = replace(request, client_certificate=signing.certify(self.certificate))
        return request

    def _signed(self, values: Mapping[Ref, str], signing: Signing) -> Draft:
        """Make the assertion, and tell who has to know it."""

        def made(value: object) -> object:
            if not isinstance(value, Assertion):
                return value
            text = value.made(values, signing.now())
            signing.learn(text, "client_assertion")
            return text

        return self._with_parameters(made)

    @cached_property
    def _carried(self) -> tuple[Credential, ...]:
        """The credentials that travel as they are."""
        return tuple(each for each in self.credentials if each.signature is None)

    @cached_property
    def signatures(self) -> tuple[Credential, ...]:
        """The credentials that sign, in the order in which they do, once all else is there: a query may be signed."""
        found = (each for each in self.credentials if each.signature is not None)
        return tuple(sorted(found, key=lambda each: each.place.where == "header"))

    @cached_property
    def lines(self) -> tuple[tuple[str, Text], ...]:
        """Every header line but Content-Type, with the credentials that travel in one."""
        jar: tuple[Part, ...] = ()
        for each in self._carried:
            if each.place.where == "cookie":
                jar += (*(("; ",) if jar else ()), f"{each.name}=", *parts_of(each.text))
        lines: list[tuple[str, Text]] = []
        for name, value in self.headers:
            if jar and name.lower() == "cookie":
                value, jar = (*parts_of(value), "; ", *jar), ()
            lines.append((name, value))
        lines += [(each.name, each.text) for each in self._carried if each.place.where == "header"]
        return (*lines, ("Cookie", jar)) if jar else tuple(lines)

    @cached_property
    def pairs(self) -> tuple[tuple[str, Text], ...]:
        """Every parameter of the URL, with the credentials that travel in one."""
        return (*self.query, *((each.name, each.text) for each in self._carried if each.place.where == "query"))

    @cached_property
    def target_text(self) -> Text | None:
        """A request target in the place of the URL's, which takes over the credentials that travel in the query."""
        asked = tuple(each for each in self._carried if each.place.where == "query")
        if self.target is None or not asked:
            return self.target
        marks = ("&" if "?" in self.target else "?", *("&" for _ in asked[1:]))
        pairs = (
            (f"{mark}{quote_plus(each.name)}=", FormEncoded(each.text)) for mark, each in zip(marks, asked, strict=True)
        )
        return (self.target, *(part for pair in pairs for part in pair))

    @property
    def media_type(self) -> str:
        """What Content-Type says of the body; empty if there is none."""
        return self.content_type or USUAL_TYPES.get(self.encoding, "")

    @property
    def place(self) -> str:
        """Method and path of the URL, for people: ``GET /user/me``."""
        return f"{self.method} {urlsplit(self.url).path or '/'}"

    @property
    def path(self) -> str:
        """The path as it travels."""
        return self.target or urlsplit(self.url).path

    def _url(self, values: Mapping[Ref, str]) -> str:
        pairs = "&".join(f"{quote_plus(name)}={quote_plus(reveal(value, values))}" for name, value in self.pairs)
        return f"{self.url}?{pairs}" if pairs else self.url

    def _body(self, values: Mapping[Ref, str]) -> bytes:
        if self.raw_body is not None:
            return self.raw_body.encode("latin-1")
        if self.encoding == "form":
            fields = ((name, reveal(as_text(value), values)) for name, value in self.parameters)
            pairs = [f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields]
            return "&".join([*pairs, *filter(None, [self.tail])]).encode("latin-1")
        if self.encoding == "json":
            is_ascii = self.style != "raw"

            def write(text: Text) -> str:
                return json.dumps(reveal(text, values), ensure_ascii=is_ascii)

            return json_object(self.parameters, write, self.style).encode()
        return b""


_DERIVED: Final = tuple(name for name, each in vars(Draft).items() if isinstance(each, cached_property))
"""What a draft keeps of what follows from its fields."""

__all__ = ["Control", "Credential", "CredentialKind", "Draft"]
