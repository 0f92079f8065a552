"""Texts with named secrets in them: literals, references to secrets by role and owner, edited or encoded.

A `Ref` says whose secret of which role is meant (`Role`), and from that follows the placeholder under which a
reader knows it (``SECOND_CLIENT_SECRET``). What becomes of a secret is decided by its role, never by how a name
is spelt.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Literal, cast

from pytest_apiauth.auth.certified import Certified
from pytest_apiauth.auth.edits import Edit
from pytest_apiauth.auth.encodings import base64_encoded, form_encoded
from pytest_apiauth.auth.forgeries import Forgery
from pytest_apiauth.auth.minting import Terms, asserted
from pytest_apiauth.credentials.binding import Binding
from pytest_apiauth.messages import ClientCertificate
from pytest_apiauth.profile.grants import GRANTS
from pytest_apiauth.profile.model import DEFAULT


class Unchanged(Exception):
    """An edit left the secret what it was (or merely spelt it differently): nothing to send.

    >>> reveal(Ref(Role.API_KEY, edit=Edit("upper")), {Ref(Role.API_KEY): "ABC"})
    Traceback (most recent call last):
    pytest_apiauth.auth.texts.Unchanged: API_KEY
    """


class Role(Enum):
    """What a value is to the request that carries it, and how its placeholder is spelt.

    >>> Role.REFRESH_TOKEN.is_spent, Role.CLIENT_ID.is_public
    (True, True)
    """

    CLIENT_ID = "CLIENT_ID"
    CLIENT_SECRET = "CLIENT_SECRET"
    USERNAME = "USERNAME"
    PASSWORD = "PASSWORD"
    PRIVATE_KEY = "PRIVATE_KEY"
    KEY_ID = "KEY_ID"
    CERTIFICATE = "CERTIFICATE"
    """What a client presents by mutual TLS. It does not travel in a message."""
    API_KEY = "API_KEY"
    PERSONAL_ACCESS_TOKEN = "PERSONAL_ACCESS_TOKEN"
    ACCESS_TOKEN = "ACCESS_TOKEN"
    REFRESH_TOKEN = "REFRESH_TOKEN"
    CODE = "CODE"
    DEVICE_CODE = "DEVICE_CODE"
    VERIFIER = "VERIFIER"
    JWT_KEY = "JWT_KEY"
    """The key that signs access tokens, of a profile that has it."""
    UNFIT = "UNFIT"
    """A JWT that is not for this API, of the ``kind`` that says why."""
    NAMED = "NAMED"
    """The value of one of a profile's ``[schemes]``."""
    SIGNING_KEY = "SIGNING_KEY"
    """The key of one of ``[schemes]`` that signs requests. It never travels: no text is revealed that has it."""
    KEPT = "KEPT"
    """A value of no other role that a rule keeps, under a name of its own."""

    # References are looked up at every turn; the one of an enumeration takes ten times as long, to the same end.
    __hash__ = object.__hash__

    @property
    def is_public(self) -> bool:
        """Whether the value merely says who is meant."""
        return self in (Role.CLIENT_ID, Role.KEY_ID, Role.USERNAME)

    @property
    def is_spent(self) -> bool:
        """Whether the value is good for one request only."""
        return self in SPENT.values()


SPENT: Final[Mapping[str, Role]] = {row.spends: Role[row.spends.upper()] for row in GRANTS.values() if row.spends}
"""The members of token requests that are good for one of them, each with its role."""


@dataclass(frozen=True, slots=True)
class Ref:
    """The secret of a role, of the default client, user or key or of another, edited on its way out.

    >>> Ref(Role.CLIENT_SECRET, "second").name
    'SECOND_CLIENT_SECRET'
    >>> Ref(Role.REFRESH_TOKEN, own="CONTROL").name
    'CONTROL_REFRESH_TOKEN'
    >>> Ref(Role.ACCESS_TOKEN, named="ACCESS_TOKEN_2").name
    'ACCESS_TOKEN_2'
    >>> Ref(Role.NAMED, "second", kind="app_key").name
    'SECOND_APP_KEY'
    """

    role: Role
    who: str = DEFAULT
    own: str = ""
    """A word that begins the placeholder of a value that is one request's own."""
    named: str = ""
    """The whole placeholder, if a rule keeps the value under a name of its own."""
    edit: Edit | Forgery | None = None
    kind: str = ""
    """Which of a profile's ``[schemes]`` the value is of, if it is of one."""

    @property
    def name(self) -> str:
        """The placeholder."""
        if self.named:
            return self.named
        who = "" if self.who == DEFAULT else self.who.upper().replace("-", "_")
        words = (self.own, who, self.kind.upper().replace("-", "_") or self.role.value)
        return "_".join(word for word in words if word)

    @property
    def bare(self) -> Ref:
        """The same secret as it is, without the edit."""
        return self if self.edit is None else self.with_edit(None)

    def with_edit(self, edit: Edit | Forgery | None) -> Ref:
        """Return the same secret edited; made anew, as `dataclasses.replace` takes five times as long."""
        return Ref(self.role, self.who, self.own, self.named, edit, self.kind)

    @property
    def is_issued(self) -> bool:
        """Whether it is the access token at hand of somebody, which is asked for when it is needed."""
        return self.role is Role.ACCESS_TOKEN and not self.own and not self.named

    def reveal(self, values: Mapping[Ref, str]) -> str:
        """Return the secret as it travels. Raises Unchanged if the edit changes nothing, or if it does not travel."""
        if self.role is Role.SIGNING_KEY:
            raise Unchanged(self.name)
        return self.edited(values)

    def edited(self, values: Mapping[Ref, str]) -> str:
        """Return the secret with its edit. Raises Unchanged if that changes nothing."""
        value = values[self.bare]
        edited = self.edit.apply(value) if self.edit else value
        if edited is None:
            raise Unchanged(self.name)
        return edited


@dataclass(frozen=True, slots=True)
class FormEncoded:
    """``application/x-www-form-urlencoded`` of a text.

    ``also`` percent-encodes those letters too, ``keep`` leaves those alone.

    >>> reveal(FormEncoded("a b/c"), {}), reveal(FormEncoded("a b", also=" "), {})
    ('a+b%2Fc', 'a%20b')
    """

    inner: Text
    also: str = ""
    keep: str = ""

    def reveal(self, values: Mapping[Ref, str]) -> str:
        """Return the encoded text."""
        return form_encoded(reveal(self.inner, values), self.also, self.keep)


@dataclass(frozen=True, slots=True)
class Base64:
    """Base64 of a text in UTF-8, with padding, as HTTP Basic wants it (RFC 7617 2).

    >>> reveal(("Basic ", Base64("id:secret")), {})
    'Basic aWQ6c2VjcmV0'
    """

    inner: Text

    def reveal(self, values: Mapping[Ref, str]) -> str:
        """Return the encoded text."""
        return base64_encoded(reveal(self.inner, values))


def system_time() -> float:
    """Return the time, as whatever moves that for a test has it."""
    return time.time()


@dataclass(frozen=True, slots=True)
class Signing:
    """When what is signed in a request is made, and who is told: for a while it is as good as what it is made with.

    ``learn`` is called with what was made and what that is.
    """

    now: Callable[[], float] = system_time
    learn: Callable[[str, str], object] = lambda text, label: None
    binding: Binding | None = None
    """What tokens are bound to by proofs, if anything."""
    certify: Callable[[Certified], ClientCertificate | None] = lambda whose: None
    """Finds the certificate that a request comes with, where there is mutual TLS."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A JWT by which a client proves itself, made anew each time that it is sent (RFC 7523 2.2).

    ``inner`` are three parts: who it is of, the key or secret that signs it, and the name of that key, which may be
    empty. ``header`` and ``claims`` are members that are set otherwise, or left out if the value is None; ``edit``
    alters it once it is signed.

    >>> assertion = Assertion(("lab", "made-up-secret", ""), "https://id.example/token", "HS256", jti="1")
    >>> [len(part) for part in assertion.made({}, 1700000000.0).split(".")]
    [40, 151, 43]
    """

    inner: Text
    audience: str
    alg: str
    lifetime: int = 60
    age: int = 0
    """How many seconds ago it was made, by what it says itself."""
    header: Parameters = ()
    claims: Parameters = ()
    jti: str = ""
    """What it is known by; empty makes one up each time."""
    edit: Edit | Forgery | None = None

    def reveal(self, values: Mapping[Ref, str]) -> str:
        """Return an assertion as it travels now."""
        return self.made(values, Signing().now())

    def made(self, values: Mapping[Ref, str], now: float) -> str:
        """Return an assertion of a moment.

        Raises Unchanged if the edit changes nothing, CredentialError for a key that signs nothing.
        """
        who, key, kid = (reveal(part, values) for part in parts_of(self.inner))
        signed = asserted((who, key, kid), self.terms, now, self.signed_by)
        edited = self.edit.apply(signed) if self.edit else signed
        if edited is None:
            raise Unchanged("the assertion")
        return edited

    @property
    def terms(self) -> Terms:
        """What it says beside whose it is."""
        return Terms(self.audience, self.alg, self.lifetime, self.age, self.header, self.claims, self.jti)

    @property
    def signed_by(self) -> str:
        """What a profile calls the key that signs it."""
        return next((ref.name.lower() for ref in list(refs_of(self.inner))[1:2]), "key")


Parameters = tuple[tuple[str, object], ...]
"""Members of a body, in order, or of a JWT: texts, and for JSON any value."""
Part = str | Ref | FormEncoded | Base64 | Assertion
Text = Part | tuple[Part, ...]


def parts_of(text: Text) -> tuple[Part, ...]:
    """Return a text as a sequence of parts."""
    return text if isinstance(text, tuple) else (text,)


def reveal(text: Text, values: Mapping[Ref, str]) -> str:
    """Return the text as it travels. Raises Unchanged if an edit changes nothing."""
    return "".join(part if isinstance(part, str) else part.reveal(values) for part in parts_of(text))


def refs_of(text: Text) -> Iterator[Ref]:
    """Return every reference in a text, edits included."""
    for part in parts_of(text):
        if isinstance(part, Ref):
            yield part
        elif not isinstance(part, str):
            yield from refs_of(part.inner)


def exchanged(text: Text, change: Callable[[Ref], Part]) -> Text:
    """Return a text with another part in the place of each reference; as it is if it has none."""

    def changed(part: Part) -> Part:
        if isinstance(part, Ref):
            return change(part)
        return part if isinstance(part, str) else replace(part, inner=exchanged(part.inner, change))

    return tuple(changed(part) for part in text) if isinstance(text, tuple) else changed(text)


def is_text(value: object) -> bool:
    """Whether a member of a body is a text, which may have secrets in it, and no other value of JSON."""
    return isinstance(value, (str, Ref, FormEncoded, Base64, Assertion, tuple))


__all__ = [
    "Assertion", "Base64", "FormEncoded", "JsonStyle", "Part", "Ref", "Role", "Signing", "Text", "Unchanged",
    "exchanged", "is_text", "parts_of", "refs_of", "reveal", "texts_of",
]  # fmt: skip


def as_text(value: object) -> Text:
    """Return a member of a body as a form writes it."""
    return cast("Text", value) if is_text(value) else json.dumps(value)


JsonStyle = Literal["", "spaced", "escaped", "raw"]
"""How JSON is written: as usual, with blanks and line breaks, with every letter of a name escaped, in raw UTF-8."""


def json_object(parameters: Parameters, write: Callable[[Text], str], style: JsonStyle = "") -> str:
    """Write a JSON object member by member, so that a repeated member stays repeated.

    >>> json_object((("a", 1), ("b", "c")), json.dumps)
    '{"a": 1, "b": "c"}'
    >>> json_object((("a", 1),), json.dumps, "escaped")
    '{"\\\\u0061": 1}'
    """
    members = []
    for name, value in parameters:
        if isinstance(value, dict) and any(_all_texts(value)):
            text = json_object(tuple(value.items()), write, style)
        elif isinstance(value, list) and value and all(map(is_text, value)):
            text = f"[{', '.join(map(write, value))}]"
        else:
            text = write(cast("Text", value)) if is_text(value) else json.dumps(value)
        spelt = f'"{_escaped(name)}"' if style == "escaped" else json.dumps(name)
        members.append(f"{spelt} :\t{text}" if style == "spaced" else f"{spelt}: {text}")
    return "\n{ " + " ,\r\n".join(members) + "\n} " if style == "spaced" else "{" + ", ".join(members) + "}"


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def texts_of(parameters: Parameters) -> Iterator[Text]:
    """Yield the texts of a body in the order in which `json_object` writes them, of objects and lists in it too."""
    for _, value in parameters:
        if isinstance(value, dict):
            yield from _all_texts(value)
        elif isinstance(value, list) and all(map(is_text, value)):
            yield from value
        elif is_text(value):
            yield cast("Text", value)


def _all_texts(value: Mapping[str, object]) -> Iterator[Text]:
    return texts_of(tuple(value.items()))
