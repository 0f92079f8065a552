"""Requests whose texts name their secrets, and how they leave: what a draft is made of.

A credential is a part of a request, with its kind, and not a header line. On the way out come the plain header lines,
then the credentials in their order, then Content-Type; a credential in a cookie joins the Cookie line, one in the query
the query. What is signed comes last of all (`signatures`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self
from urllib.parse import quote_plus, urlsplit

from pytest_apiauth.auth.carried import Credential, CredentialKind
from pytest_apiauth.auth.certified import Certified
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
    json_object,
    parts_of,
    refs_of,
    reveal,
    texts_of,
)
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.messages import Request

FORM: Final = "application/x-www-form-urlencoded"
USUAL_TYPES: Final = {"form": FORM, "json": "application/json"}


@dataclass(frozen=True)
class Template:
    """One request before its secrets are put in; a `Draft` can be changed.

    >>> key = Credential("api_key", Ref(Role.API_KEY))
    >>> template = Template("GET", "https://api.example/cards", credentials=(key,))
    >>> [ref.name for ref in template.refs], template.request({Ref(Role.API_KEY): "made-up-key"}).headers
    (['API_KEY'], (('Authorization', 'made-up-key'),))
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
    after: Self | None = None
    """The request before it on the same connection, if that matters."""
    is_doubted: bool = False
    """Whether it need not succeed although its form is valid."""
    browser: str = ""
    """Whose browser it is opened in, which goes on from its answer; empty sends it by itself, as nobody."""
    in_private: bool = False
    """Whether that is a window of its own, which holds nothing of a login before."""
    user_code: str = ""
    """What a device shows to whoever opens it, if it is the page where that is entered."""
    push: Self | None = None
    """The request of its client that takes its query to the server beforehand (RFC 9126), still without it."""
    proof: PossessionProof | None = None
    """What proves that its sender has the key that its token is bound to, or is to be (RFC 9449)."""
    certificate: Certified | None = None
    """What its sender presents by mutual TLS (RFC 8705)."""
    layout: Layout | None = None
    """How the members of its body are written, if it is a token request that is not OAuth's."""

    def _with(self, **changes: Any) -> Self:
        """Return a draft with some fields changed, as `dataclasses.replace` does in a fifth of its time."""
        new = object.__new__(type(self))
        fields = new.__dict__
        fields.update(self.__dict__)
        for known in _DERIVED:
            fields.pop(known, None)
        fields.update(changes)
        return new

    @property
    def is_altered(self) -> bool:
        """Whether it is another request than a valid one that it came from."""
        return False

    # What it carries

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

    def spelt(self, member: str) -> str:
        """Return the name that a member of the body has on the wire."""
        names = self.layout.table.names_of(member) if self.layout is not None else ()
        return names[0] if names else member

    @property
    def assertion(self) -> Assertion:
        """What a client proves itself by, if it signs that. Raises LookupError if the request carries none."""
        for _, value in self.parameters:
            if isinstance(value, Assertion):
                return value
        raise LookupError("the request carries no assertion of a client")

    # On the way out

    @property
    def laid_out(self) -> Self:
        """The same request with the names that its members have on the wire, each in its place."""
        if self.layout is None:
            return self
        written = self.layout.written(self.parameters)
        return self._with(headers=(*self.headers, *written.headers), parameters=written.parameters, layout=None)

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

    def _signed(self, values: Mapping[Ref, str], signing: Signing) -> Self:
        """Make the assertion, and tell who has to know it."""

        def made(value: object) -> object:
            if not isinstance(value, Assertion):
                return value
            text = value.made(values, signing.now())
            signing.learn(text, "client_assertion")
            return text

        return self._with_parameters(made)

    def _with_parameters(self, change: Callable[[object], object]) -> Self:
        return self._with(parameters=tuple((name, change(value)) for name, value in self.parameters))

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


_DERIVED: Final = tuple(name for name, each in vars(Template).items() if isinstance(each, cached_property))
"""What a template keeps of what follows from its fields."""
