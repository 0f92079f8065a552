"""Requests before their secrets are put in: built valid, altered, and never apart from the valid one.

Theory of operation. A `Draft` is a request whose texts name their secrets (`texts.Ref`). Revealed, it is the
request on the wire (`templates`); `shell.curl` writes the same for whoever has the secrets in the environment.

- A credential is a part of a draft, with its kind, and not a header line: it is taken away, exchanged or dressed
  otherwise by its kind, wherever it travels.
- An authorization request that is pushed first (RFC 9126) has all that it asks for in its query as any other has,
  so that it is altered as any other is. Whoever sends it sends `pushed`, and `opening` with what came of that.
- A draft that was built valid remembers itself as its `control`, and every change keeps it (`dataclasses.replace`
  does too). So a draft is altered if it is not what its control is, and whoever sends one knows which valid request
  must succeed beside it. A request that spends a code or a refresh token says how to make its control anew, since
  the control must not spend the altered request's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from pytest_apiauth.auth.carried import Credential, CredentialKind
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.templates import Template
from pytest_apiauth.auth.texts import JsonStyle, Part, Ref, Role, Text, exchanged, is_text

CLIENT_MEMBERS: Final = ("client_id", "client_secret", "client_assertion_type", "client_assertion")
"""Members of a body in which a client says who it is."""


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
class Draft(Template):
    """One request before its secrets are put in. Change it with the methods, or with `dataclasses.replace`.

    >>> valid = Draft("GET", "https://api.example/cards").as_control()
    >>> altered = valid.with_query(("page", "2"))
    >>> valid.is_altered, altered.is_altered, altered.control.draft == valid
    (False, True, True)
    """

    control: Control | None = field(default=None, compare=False, repr=False)
    """The valid request that this one was before it was altered."""

    # The control

    @property
    def is_altered(self) -> bool:
        """Whether it is another request than the valid one that it came from."""
        return self.control is not None and self != self.control.draft

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

    # Credentials

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

    # What proves and signs

    def asserting(self, **changes: Any) -> Draft:
        """Change how the client's assertion is made, by the fields of `Assertion`. Raises LookupError if it has none.

        >>> from pytest_apiauth.auth.texts import Assertion
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

        >>> from pytest_apiauth.auth.proofs import PossessionProof
        >>> Draft("GET", "https://api.example/", proof=PossessionProof()).proving(age=600).proof.age
        600
        """
        if self.proof is None:
            raise LookupError("the request carries no proof of possession")
        return self._with(proof=replace(self.proof, **changes))

    def certified(self, **changes: Any) -> Draft:
        """Change whose certificate it comes with, by the fields of `Certified`. Raises LookupError if it has none.

        >>> from pytest_apiauth.auth.certified import Certified
        >>> Draft("GET", "https://api.example/", certificate=Certified()).certified(made="stranger").certificate
        Certified(who='default', proves_client=False, made='stranger')
        """
        if self.certificate is None:
            raise LookupError("the request comes with no certificate")
        return self._with(certificate=replace(self.certificate, **changes))


__all__ = ["Control", "Credential", "CredentialKind", "Draft"]
