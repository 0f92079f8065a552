"""Who a run may act as: clients, users and keys of a profile, with their secrets resolved.

A value is looked up only when something needs it, so that a personal access token suffices if the
client's secret is not set, and an unset variable is named the moment it matters.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, TypeVar

from pytest_apiauth.bounded import read_bounded
from pytest_apiauth.credentials import certificates, dotenv
from pytest_apiauth.credentials.binding import Binding
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.errors import CredentialError, UnsetError
from pytest_apiauth.messages import ClientCertificate
from pytest_apiauth.profile.model import DEFAULT, Client, Ending, Key, Kind, Plain, Profile, Reference, User
from pytest_apiauth.profile.references import is_public, label_of_ended, references

LARGEST: Final = 100_000
"""Bytes of a file that holds a credential."""
Row = TypeVar("Row", Client, User, Key)
Lookup = Callable[[str, Reference], str | None]
"""Gives the value that a reference points at, by its label (``clients.second.client_secret``)."""


class Kept(Protocol):
    """Where refresh tokens are kept between runs. ``given`` is what the profile's reference holds, if anything."""

    def turn(self, client_id: str, user: str) -> AbstractContextManager[None]:
        """Have the token for oneself, from reading it to writing the one that replaces it."""

    def read(self, client_id: str, user: str, given: str | None, reference: Reference | None) -> str | None:
        """Return the token to use."""

    def spending(
        self, client_id: str, user: str, token: Secret, given: str | None, reference: Reference | None
    ) -> AbstractContextManager[Callable[[Secret], str]]:
        """Use a token up in a block, which is given what keeps the next one, and says where."""

    def write(self, client_id: str, user: str, token: Secret, given: str | None, reference: Reference | None) -> str:
        """Keep a token in place of the one before, and say where."""


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """An OAuth client, ready to use; None if the profile names no such value."""

    name: str
    client_id: str | None
    client_secret: Secret | None
    redirect_uri: str | None
    private_key: Secret | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """A resource owner, ready to use.

    Example::

        def log_in(url, user):  # the callable of [login]
            page.goto(url)
            page.get_by_label("Password").fill(user.password.reveal())
    """

    name: str
    username: str | None
    password: Secret | None


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """An API key, ready to use."""

    name: str
    api_key: Secret | None
    denied: tuple[str, ...]


class Identities:
    """Resolves the credentials of a profile by name, each at most once.

    ``lookup`` gives the value behind a reference, or None if it is not set. Every secret that is
    resolved is learnt by ``redactor`` first. ``kept`` is where refresh tokens outlive the run, on a live one.
    """

    def __init__(self, profile: Profile, lookup: Lookup, redactor: Redactor, *, kept: Kept | None = None) -> None:
        self.profile = profile
        self._kept = kept
        self._lookup = lookup
        self._redactor = redactor
        self._found: dict[str, str] = {}

    def client(self, name: str = DEFAULT) -> ClientIdentity:
        """Return a client. Raises CredentialError for an unknown name or an unset value."""
        table: Client = self._table("clients", name, self.profile.credentials, self.profile.clients)
        label = self._label("clients", name)
        return ClientIdentity(
            name,
            self._plain(f"{label}.client_id", table.client_id),
            self._secret(f"{label}.client_secret", table.client_secret),
            self._plain(f"{label}.redirect_uri", table.redirect_uri, optional=True),
            self._secret(f"{label}.private_key", table.private_key if self._takes_keys else None),
            self._plain(f"{label}.key_id", table.key_id if self._takes_keys else None),
        )

    def certificate(self, name: str = DEFAULT) -> ClientCertificate:
        """Return what a client presents by mutual TLS. Raises CredentialError if that is not there, or is none."""
        table: Client = self._table("clients", name, self.profile.credentials, self.profile.clients)
        label = self._label("clients", name)
        where = f"{self.profile.name}: {label}.certificate"
        if table.certificate is None:
            needs = self.profile.token
            needed_by = needs.client_auth if needs.is_certified else "token.bound"
            raise CredentialError(f"{where}: the profile names none, and {needed_by} needs one")
        text = self._secret(f"{label}.certificate", table.certificate)
        key = self._secret(f"{label}.certificate_key", table.certificate_key)
        assert text is not None
        return certificates.read(text, key, where)

    @cached_property
    def binding(self) -> Binding | None:
        """What tokens are bound to by proofs; None where the profile has none."""
        return Binding(self.profile.name) if self.profile.token.bound == "dpop" else None

    @property
    def _takes_keys(self) -> bool:
        """Whether clients prove themselves by a key: what nothing takes need not be set."""
        return self.profile.token.client_auth == "private_key_jwt"

    def learn(self, value: str, label: str) -> None:
        """Keep a value out of all output that was made with a secret, and is as good as that for a while."""
        self._redactor.learn(value, f"{self.profile.name}.{label}")

    def user(self, name: str = DEFAULT) -> UserIdentity:
        """Return a user. Raises CredentialError for an unknown name or an unset value."""
        table: User = self._table("users", name, self.profile.credentials, self.profile.users)
        label = self._label("users", name)
        return UserIdentity(
            name,
            self._plain(f"{label}.username", table.username),
            self._secret(f"{label}.password", table.password),
        )

    def session(self, name: str = DEFAULT) -> Secret | None:
        """Return the session that a user has logged in to, or None. Raises CredentialError as `user` does."""
        table: User = self._table("users", name, self.profile.credentials, self.profile.users)
        return self._secret(f"{self._label('users', name)}.session", table.session)

    def key(self, name: str = DEFAULT) -> KeyIdentity:
        """Return an API key. Raises CredentialError for an unknown name or an unset value."""
        table: Key = self._table("keys", name, self.profile.credentials, self.profile.keys)
        label = self._label("keys", name)
        denied = self.profile.keys[name].denied if name in self.profile.keys else ()
        return KeyIdentity(name, self._secret(f"{label}.api_key", table.api_key), denied)

    def named(self, kind: Kind, who: str = DEFAULT) -> Secret | None:
        """Return the value of one of ``[schemes]``, or None if the profile says of none. Raises CredentialError."""
        self.check_names(key=who)
        reference = self.profile.schemes[kind].of(who)
        return self._secret(f"schemes.{kind}.value" if who == DEFAULT else f"schemes.{kind}.values.{who}", reference)

    def ended(self, ending: Ending, name: str) -> Secret | None:
        """Return a credential that was good once, or None if the profile names none. Raises CredentialError."""
        reference = self.profile.ended.get((ending, name))
        return self._secret(label_of_ended(self.profile, ending, name), reference)

    def public_key(self) -> str | None:
        """Return the public key that JWTs are checked with, or None if the profile names none."""
        return None if self.profile.jwt is None else self._plain("jwt.public_key", self.profile.jwt.public_key)

    def signing_key(self) -> Secret | None:
        """Return the key that signs JWTs, or None if the profile names none. Raises CredentialError."""
        return None if self.profile.jwt is None else self._secret("jwt.signing_key", self.profile.jwt.signing_key)

    def unfit_token(self, name: str) -> Secret | None:
        """Return a JWT that is not for this API, or None if the profile names none. Raises CredentialError."""
        found = None if self.profile.jwt is None else getattr(self.profile.jwt.unfit, name)
        return self._secret(f"jwt.unfit.{name}", found)

    def personal_access_token(self) -> Secret | None:
        """Return the personal access token, or None if the profile names none."""
        return self._secret("credentials.personal_access_token", self.profile.credentials.personal_access_token)

    def refresh_token(self, client: str = DEFAULT, user: str = DEFAULT) -> Secret | None:
        """Return a refresh token got elsewhere, or None if there is none.

        Another run may have replaced a kept one meanwhile, so that one is read each time.
        """
        given, reference = self._given_refresh_token(client, user)
        if self._kept is not None:
            given = self._kept.read(self._client_id(client), user, given, reference)
        if given is None:
            return None
        secret = Secret(given, f"{self.profile.name}.refresh_token")
        self._redactor.learn(secret)
        return secret

    @property
    def keeps(self) -> bool:
        """Whether refresh tokens outlive this run: then the kept one is the newest."""
        return self._kept is not None

    def turn(self, client: str = DEFAULT, user: str = DEFAULT) -> AbstractContextManager[None]:
        """Have the refresh token for oneself while a block reads, uses and replaces it."""
        return nullcontext() if self._kept is None else self._kept.turn(self._client_id(client), user)

    def spending(
        self, token: Secret, client: str = DEFAULT, user: str = DEFAULT
    ) -> AbstractContextManager[Callable[[Secret], str]]:
        """Use a refresh token up while a block runs: it is given what keeps the next one, and says where.

        That is to be the first thing that is done with an answer, since the old token may be dead from then on.
        Raises CredentialError, before the block begins, if the next one could not be kept.
        """
        if self._kept is None:
            return nullcontext(lambda new: "")
        given, reference = self._given_refresh_token(client, user)
        return self._kept.spending(self._client_id(client), user, token, given, reference)

    def keep_refresh_token(self, token: Secret, client: str = DEFAULT, user: str = DEFAULT) -> str:
        """Keep a refresh token for later runs, and say where; empty if this run keeps none."""
        if self._kept is None:
            return ""
        given, reference = self._given_refresh_token(client, user)
        return self._kept.write(self._client_id(client), user, token, given, reference)

    def _client_id(self, name: str) -> str:
        table: Client = self._table("clients", name, self.profile.credentials, self.profile.clients)
        return self._plain(f"{self._label('clients', name)}.client_id", table.client_id, optional=True) or ""

    def _given_refresh_token(self, client: str, user: str) -> tuple[str | None, Reference | None]:
        """Return what the profile's reference holds: it belongs to the default client and user."""
        reference = self.profile.credentials.refresh_token
        if reference is None or (client, user) != (DEFAULT, DEFAULT):
            return None, None
        return self._lookup("credentials.refresh_token", reference) or None, reference

    def has(self, section: str, name: str) -> bool:
        """Whether ``clients``, ``users`` or ``keys`` has an entry of that name with every value set."""
        ask: Mapping[str, Callable[[str], object]] = {"clients": self.client, "users": self.user, "keys": self.key}
        try:
            ask[section](name)
        except CredentialError:
            return False
        return True

    def check_names(self, *, client: str = DEFAULT, user: str = DEFAULT, key: str = DEFAULT) -> None:
        """Raise CredentialError for a name that the profile has not. Nothing is looked up."""
        self._table("clients", client, self.profile.credentials, self.profile.clients)
        self._table("users", user, self.profile.credentials, self.profile.users)
        self._table("keys", key, self.profile.credentials, self.profile.keys)

    def _table(self, section: str, name: str, own: Row, more: Mapping[str, Row]) -> Row:
        if name == DEFAULT:
            return own
        if name in more:
            return more[name]
        known = ", ".join((DEFAULT, *more))
        raise CredentialError(f"{self.profile.name}: no {name!r} in [{section}]; known are: {known}")

    @staticmethod
    def _label(section: str, name: str) -> str:
        return "credentials" if name == DEFAULT else f"{section}.{name}"

    def _plain(self, label: str, value: Plain | None, *, optional: bool = False) -> str | None:
        if value is None or isinstance(value, str):
            return value
        try:
            return self._value(label, value)
        except CredentialError:
            if optional:
                return None
            raise

    def _secret(self, label: str, reference: Reference | None) -> Secret | None:
        if reference is None:
            return None
        secret = Secret(self._value(label, reference), f"{self.profile.name}.{label}")
        self._redactor.learn(secret)
        return secret

    def _value(self, label: str, reference: Reference) -> str:
        if label not in self._found:
            value = self._lookup(label, reference)
            if not value:
                raise UnsetError(f"{self.profile.name}: {label}: {reference} {self._what_is_wrong(reference)}")
            if not is_text(value):
                raise CredentialError(f"{self.profile.name}: {label}: {reference}: expected text in UTF-8")
            self._found[label] = value
        return self._found[label]

    def _what_is_wrong(self, reference: Reference) -> str:
        if reference.file is not None:
            return "is not there, or is empty"
        return self._lookup.what_is_wrong(reference) if isinstance(self._lookup, Surroundings) else "is not set"


class Surroundings:
    """Looks references up in the environment, then in ``.env``; in the system keyring; in a file.

    ``.env`` is read from ``folder`` if python-dotenv is installed, without changing the environment.
    Every error of a keyring counts as "not there": in CI it has no back end, or one that hangs up. Raises
    CredentialError if ``.env`` cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, label: str, reference: Reference) -> str | None:
        if reference.env is not None:
            return os.environ.get(reference.env) or self._dotenv.get(reference.env)
        if reference.file is not None:
            try:
                return read_bounded(Path(reference.file), LARGEST).decode("utf-8", "surrogateescape").rstrip("\r\n")
            except (OSError, ValueError):
                return None
        try:
            import keyring

            return keyring.get_password(reference.keyring or "", reference.username)
        except Exception:
            return None

    def what_is_wrong(self, reference: Reference) -> str:
        """Say why there is no value: nothing is set, or an empty text is; and where one stands that nothing reads."""
        is_empty = reference.env is not None and reference.env in os.environ
        what = "is empty, as a CI sets one for a secret that it does not have" if is_empty else "is not set"
        if reference.env is None or importlib.util.find_spec("dotenv") is not None:
            return what
        with suppress(OSError, ValueError):
            text = (self._folder / ".env").read_text(encoding="utf-8")
            if re.search(rf"^\s*(export\s+)?{re.escape(reference.env)}\s*=", text, re.MULTILINE):
                return f"{what}; .env has it, which takes python-dotenv: pip install 'pytest-apiauth[dotenv]'"
        return what

    @cached_property
    def _dotenv(self) -> Mapping[str, str | None]:
        file = self._folder / ".env"
        try:
            return dotenv.values_of(file)
        except UnicodeDecodeError:
            raise CredentialError(f"{file}: not text in UTF-8") from None
        except OSError as error:
            raise CredentialError(f"{file}: cannot be read: {error.strerror or error}") from None


class SetVariables(Surroundings):
    """Looks references up in the environment, ``.env`` and files only, for who can do without: no keyring is opened."""

    def __call__(self, label: str, reference: Reference) -> str | None:
        try:
            return super().__call__(label, reference) if reference.keyring is None else None
        except CredentialError:
            return None


def is_text(value: str) -> bool:
    """Whether a value of the environment was text: other bytes come as lone surrogates (PEP 383)."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def learn_credentials(profile: Profile, folder: Path, redactor: Redactor) -> None:
    """Learn every credential of a profile that is set, needed or not: a test may print its whole environment."""
    surroundings = Surroundings(folder)
    for label, reference in references(profile):
        # A keyring may ask for a password of its own: not before its secret is needed.
        if reference.keyring is None and not is_public(label):
            # What cannot be read, or is no text, is said where it is needed.
            with suppress(CredentialError):
                value = surroundings(label, reference) or ""
                if is_text(value):
                    redactor.learn(value, f"{profile.name}.{label}")
