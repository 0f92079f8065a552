"""Invented identities: a value for everything a profile references, and a second of each kind.

A profile says where its secrets are. The embedded server has secrets of its own, so that no test needs
a real one: each reference gets an invented value, always the same for the same reference. What the
profile writes out (``client_id = "lab"``) is kept. Missing pieces that a grant or a zone cannot do without
are added, and so are a second client, user and key, and a client ``special`` whose secret has the characters
that clumsy encodings trip over.

The server of a project's own tests is given what the environment holds: a variable that is set is the value behind its
reference, so that code which read it before the test is understood. Who is who stays certain all the same: a client id,
a user name or a key that two would have is one's own, and invented for the other.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pytest_apiauth.credentials.identities import Lookup, is_text
from pytest_apiauth.embedded.granting import CONSENTED
from pytest_apiauth.embedded.jwt import unfit_token
from pytest_apiauth.embedded.keys import certificate_in, invented_certificate, invented_key, public_half
from pytest_apiauth.embedded.state import ClientRecord, KeyRecord, UserRecord, opaque
from pytest_apiauth.profile.model import DEFAULT, Kind, Plain, Profile, Reference, Scheme
from pytest_apiauth.profile.references import is_public, references
from pytest_apiauth.same import Same

SECOND: Final = "second"
SPECIAL: Final = "special"
# Percent-decoding twice, splitting at the last colon or taking a plus for a blank all change this one.
TRICKY: Final = "s+c%41r:t/=& x"
FIELDS: Final = {
    "clients": (
        "client_id",
        "client_secret",
        "private_key",
        "key_id",
        "certificate",
        "certificate_key",
        "redirect_uri",
    ),
    "users": ("username", "password"),
    "keys": ("api_key",),
}
NAMING: Final = ("client_id", "username", "api_key")
"""Values that tell who somebody is."""
Place = tuple[str | None, str | None, str]


class Invention:
    """The invented values of one profile; ``given`` knows those that the environment holds.

    Where a server ``asks_people`` to log in before they get a code, somebody can.
    """

    def __init__(self, profile: Profile, given: Lookup | None = None, *, asks_people: bool = False) -> None:
        self.url_variable = profile.api_url.env if isinstance(profile.api_url, Reference) else None
        """The variable that names the API's base URL."""
        if given is not None:
            profile = _located(profile, given)
        # A URL with a user or a query may hold a secret, and is in no cache.
        complete = _known.__wrapped__ if "?" in profile.base_url else _known
        known = complete(Same(profile), asks_people)
        self.profile = known.profile
        self._references = known.references
        self._values = dict(known.values)
        if given is not None:
            self._take(given)
        self.environment = {
            reference.env: self._values[place] for _, reference, place in self._references if reference.env is not None
        }
        if self.url_variable is not None:
            self.environment[self.url_variable] = self.profile.base_url

    def _take(self, given: Lookup) -> None:
        """Take the values of variables that are set."""
        named: dict[str, dict[Place, str]] = {}
        found = [(label, place, given(label, reference)) for label, reference, place in self._references]
        if not any(value for _, _, value in found):
            return
        for label, place, _ in found:
            named.setdefault(label.rpartition(".")[2], {})[place] = self._values[place]
        for label, place, value in found:
            field = label.rpartition(".")[2]
            others = [each for there, each in named[field].items() if there != place]
            if value and is_text(value) and not (field in NAMING and value in others):
                self._values[place] = named[field][place] = value

    def lookup(self, label: str, reference: Reference) -> str | None:
        """Return the invented value behind a reference; usable as `identities.Lookup`."""
        known = self._values.get(_place(reference))
        return known if known is not None else _invent(self.profile, label, reference)

    def environment_of(self, *, client: str = DEFAULT, user: str = DEFAULT, key: str = DEFAULT) -> dict[str, str]:
        """Return the environment of code that reads the variables of ``[credentials]`` and is to act as somebody else.

        Raises KeyError for an unknown name.
        """
        found = dict(self.environment)
        for section, name in (("clients", client), ("users", user), ("keys", key)):
            row = self.profile.credentials if name == DEFAULT else getattr(self.profile, section)[name]
            for field in FIELDS[section]:
                reference, value = getattr(self.profile.credentials, field), getattr(row, field)
                if isinstance(reference, Reference) and reference.env is not None and value is not None:
                    found[reference.env] = self.text(value) or ""
        for scheme in self.profile.schemes.values():
            own, other = scheme.value, scheme.of(key)
            if own is not None and own.env is not None and other is not None:
                found[own.env] = self.text(other) or ""
        return found

    def text(self, value: Plain | None) -> str | None:
        """Return a value that is written out, or the invented one if it is referenced."""
        if value is None or isinstance(value, str):
            return value
        return self._values[_place(value)]

    def clients(self) -> Iterator[ClientRecord]:
        """Yield every client that has an identifier."""
        for name, row in {DEFAULT: self.profile.credentials, **self.profile.clients}.items():
            client_id = self.text(row.client_id)
            denied = self.profile.clients[name].denied if name in self.profile.clients else ()
            if client_id is not None:
                key = self.text(row.private_key) if _has_keys(self.profile) else None
                public = None if key is None else public_half(key) or ""
                secret, uri = self.text(row.client_secret), self.text(row.redirect_uri)
                certificate = certificate_in(self.text(row.certificate) or "") if self._has_certificates else None
                yield ClientRecord(name, client_id, secret, uri, row.grants, public, certificate, denied)

    @property
    def _has_certificates(self) -> bool:
        return self.profile.token.is_certified

    def certificates(self) -> str:
        """Return the certificate of every client, in PEM."""
        rows = (self.profile.credentials, *self.profile.clients.values())
        found = (certificate_in(self.text(row.certificate) or "") for row in rows)
        return "".join(ssl.DER_cert_to_PEM_cert(each) for each in found if each is not None)

    @property
    def signing_key(self) -> str:
        """What JWTs are signed with; empty if tokens are none."""
        jwt = self.profile.jwt
        if jwt is None:
            return ""
        return self.text(jwt.signing_key) or _signing_key(self.profile)

    def unfit_tokens(self) -> dict[str, str]:
        """Return the JWTs that are not for this API, by what is wrong with them."""
        rows = self.profile.jwt.unfit if self.profile.jwt is not None else ()
        return {name: self.text(reference) or "" for name, reference in rows if reference is not None}

    def users(self) -> Iterator[UserRecord]:
        """Yield every user that has a name and a password, and may log in."""
        return (user for user in self._everybody() if user.name not in self.profile.ended_users.values())

    def ended_users(self) -> Iterator[UserRecord]:
        """Yield the users that have a name and a password, and log in no more."""
        return (user for user in self._everybody() if user.name in self.profile.ended_users.values())

    def _everybody(self) -> Iterator[UserRecord]:
        for name, row in {DEFAULT: self.profile.credentials, **self.profile.users}.items():
            username, password = self.text(row.username), self.text(row.password)
            if username is not None and password is not None:
                yield UserRecord(name, username, password)

    def api_keys(self) -> Iterator[KeyRecord]:
        """Yield every API key."""
        for name, row in {DEFAULT: self.profile.credentials, **self.profile.keys}.items():
            value = self.text(row.api_key)
            if value is not None:
                denied = self.profile.keys[name].denied if name in self.profile.keys else ()
                yield KeyRecord(name, value, denied)

    def named_keys(self) -> Iterator[tuple[Kind, KeyRecord]]:
        """Yield the values of ``[schemes]``, each with the scheme that it is of."""
        for kind, scheme in self.profile.schemes.items():
            for name, reference in {DEFAULT: scheme.value, **scheme.values}.items():
                value = self.text(reference)
                if value is not None:
                    yield kind, KeyRecord(name, value)

    def ended(self) -> Iterator[tuple[str, str]]:
        """Yield what each value is that was good once, and the value."""
        for (_, name), reference in self.profile.ended.items():
            yield name, self._values[_place(reference)]

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Yield label and value of everything invented that must not be printed."""
        for label, _, place in self._references:
            if not is_public(label):
                yield label, self._values[place]


def _located(profile: Profile, given: Lookup) -> Profile:
    """Return the profile at the URL that its variable holds, if that is one where a client may send credentials."""
    place = profile.api_url
    url = given("api_url", place) if isinstance(place, Reference) else None
    if not url:
        return profile
    move = _moved.__wrapped__ if {"@", "?"} & {*url} else _moved
    return move(Same(profile), url)


def _signing_key(profile: Profile) -> str:
    alg, text = (profile.jwt.alg if profile.jwt is not None else ""), opaque(profile.name, "jwt-key")
    return text if alg.startswith("HS") else invented_key(alg, text)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "api"


def _place(reference: Reference) -> Place:
    return (reference.env, reference.keyring or reference.file, reference.username)


@lru_cache(maxsize=16)
def _moved(same: Same[Profile], url: str) -> Profile:
    try:
        return same.value.replaced(api_url=url)
    except ValueError:
        return same.value


@dataclass(frozen=True, slots=True)
class _Known:
    """A completed profile, every reference of it with its place, and the values that were invented for these."""

    profile: Profile
    references: tuple[tuple[str, Reference, Place], ...]
    values: dict[Place, str]


@lru_cache(maxsize=16)
def _known(same: Same[Profile], asks_people: bool) -> _Known:
    """Return what the servers of a run's tests share: to check a profile and to invent for it again takes long."""
    profile = _completed(same.value, asks_people)
    every = tuple((label, reference, _place(reference)) for label, reference in references(profile))
    values: dict[Place, str] = {}
    for label, reference, place in every:
        values.setdefault(place, _invent(profile, label, reference))
    return _Known(profile, every, values)


def _invent(profile: Profile, label: str, reference: Reference) -> str:
    table, _, kind = label.rpartition(".")
    who = table.rpartition(".")[2]
    who = DEFAULT if who in ("credentials", "") else who
    text = opaque(profile.name, kind, *_place(reference))
    short = opaque(profile.name, kind, *_place(reference), length=8).lower()
    short = re.sub(r"[^a-z0-9]", "0", short)
    match kind:
        case "client_id":
            return f"{_slug(profile.name)}-{_slug(who)}-{short}"
        case "redirect_uri":
            return f"https://{_slug(who)}.client.example/callback"
        case "username":
            return f"{_slug(who)}.{short}@example.org"
        case "password":
            # Those of others are longer than the 72 bytes that bcrypt looks at.
            return text[:24] if who == DEFAULT else text + text[::-1]
        case "private_key" if _has_keys(profile):
            return invented_key(str(profile.token.signs_with), text)
        case "certificate" | "certificate_key":
            return _certified(profile, kind, table, who)
        case "signing_key" if table == "jwt":
            return _signing_key(profile)
        case "public_key" if table == "jwt":
            return public_half(_signing_key(profile)) or ""
        case "audience" | "issuer" | "type" if table == "jwt.unfit":
            return unfit_token(profile, _signing_key(profile), kind)
        case "client_secret" if who == SPECIAL:
            # Longer than the 72 bytes that bcrypt looks at.
            return TRICKY + text + text[::-1]
    return text


def _certified(profile: Profile, kind: str, table: str, who: str) -> str:
    """Return the certificate of a client, or its key; both at once if the profile has no place for the key."""
    seed = opaque(profile.name, "certificate", table)
    key, made = invented_key("ES256", seed), invented_certificate(seed, f"{_slug(profile.name)}-{_slug(who)}")
    if kind == "certificate_key":
        return key
    row = profile.credentials if table == "credentials" else profile.clients[who]
    return made if row.certificate_key is not None and row.certificate_key != row.certificate else made + key


def _has_keys(profile: Profile) -> bool:
    return profile.token.client_auth == "private_key_jwt"


def _completed(profile: Profile, asks_people: bool) -> Profile:
    """Return the profile with everything it cannot do without, and with the further identities."""

    def reference(name: str, field: str) -> dict[str, str]:
        words = ("apiauth", profile.name, *((name,) if name != DEFAULT else ()), field)
        return {"env": re.sub(r"[^A-Z0-9]+", "_", "_".join(words).upper())}

    own: dict[str, Any] = profile.credentials.model_dump(exclude_unset=True)
    for field in _indispensable(profile, asks_people):
        if getattr(profile.credentials, field) is None:
            own[field] = reference(DEFAULT, field)
    tables: dict[str, dict[str, Any]] = {
        section: {name: row.model_dump(exclude_unset=True) for name, row in getattr(profile, section).items()}
        for section in ("clients", "users", "keys")
    }

    def add(section: str, name: str, *fields: str) -> None:
        if fields[0] in own:
            tables[section].setdefault(name, {field: reference(name, field) for field in fields if field in own})

    for section, fields in FIELDS.items():
        add(section, SECOND, *fields)
    if "client_secret" in own and profile.token.signs_with is None:
        add("clients", SPECIAL, *FIELDS["clients"])
    schemes = {
        name: scheme.model_dump(by_alias=True, exclude_unset=True)
        | {"value": reference(DEFAULT, name) if scheme.value is None else scheme.value.model_dump(exclude_unset=True)}
        | {"values": _further(scheme, reference(SECOND, name) if SECOND in tables["keys"] else None)}
        for name, scheme in profile.schemes.items()
    }
    jwt: dict[str, Any] = {}
    if profile.jwt is not None and isinstance(profile.jwt.public_key, str):
        # The one that is written out belongs to a private one that nobody has here.
        jwt = {**profile.jwt.model_dump(exclude_unset=True), "public_key": public_half(_signing_key(profile))}
    changes = {section: rows for section, rows in {**tables, "schemes": schemes, "jwt": jwt}.items() if rows}
    return profile.replaced(credentials=own, **changes)


def _further(scheme: Scheme, second: dict[str, str] | None) -> dict[str, dict[str, Any]]:
    """Return the further values of a scheme, with one for the second key if there is one."""
    found = {who: value.model_dump(exclude_unset=True) for who, value in scheme.values.items()}
    return found if second is None else {SECOND: second, **found}


def _indispensable(profile: Profile, asks_people: bool) -> Iterator[str]:
    """Yield the names of the credentials without which some grant or zone of the profile has no valid request."""
    kinds = {kind for zone in profile.zones.values() for kind in zone.kinds}
    if profile.api_key is not None:
        yield "api_key"
    if "personal_access_token" in kinds:
        yield "personal_access_token"
    if profile.grants and profile.token.client_auth != "none":
        by_key = {"private_key_jwt": ["private_key"], "tls_client_auth": [], "self_signed_tls_client_auth": []}
        yield from ("client_id", *by_key.get(profile.token.client_auth, ["client_secret"]))
    if profile.grants and profile.token.takes_certificate:
        yield "certificate"
    if CONSENTED & profile.grants.keys():
        yield "client_id"
    if "authorization_code" in profile.grants:
        yield "redirect_uri"
        if asks_people:
            yield from ("username", "password")
    if profile.login is not None and profile.login.way == "form":
        yield from ("username", "password")
    if "password" in profile.grants or ("basic" in kinds and profile.credentials.client_id is None):
        yield from ("username", "password")
