"""Credentials that the project itself gives: what its fixture ``apiauth_credentials`` returned.

A mapping by profile key, flat or nested: ``{"api_key": …, "users.second.password": …}`` says the same as
``{"credentials": {"api_key": …}, "users": {"second": {"password": …}}}``. What is given here is not looked for in the
environment, and takes the place of a value that the profile spells out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_apiauth.credentials.identities import Identities, Lookup, Surroundings
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.profile.loading import did_you_mean, explained
from pytest_apiauth.profile.model import Profile, Reference
from pytest_apiauth.profile.references import label_of_ended

FIXTURE = "apiauth_credentials"
FIELDS = {
    "credentials": (
        "client_id", "client_secret", "private_key", "key_id", "certificate", "certificate_key", "redirect_uri",
        "username", "password", "api_key", "personal_access_token", "refresh_token",
    ),
    "clients": (
        "client_id", "client_secret", "private_key", "key_id", "certificate", "certificate_key", "redirect_uri",
    ),
    "users": ("username", "password"),
    "keys": ("api_key",),
}  # fmt: skip
PLAIN = ("client_id", "key_id", "redirect_uri", "username")


def supplied_identities(profile: Profile, given: object, redactor: Redactor, root: Path) -> Identities:
    """Return who the tests of an app may act as: what the fixture gave, and what is set beside it.

    Raises CredentialError for what is given and has no place, ProfileError for a profile that it makes a wrong one.
    """
    supplied = Supplied(profile, given, redactor)
    return Identities(supplied.completed(profile), supplied.lookup(Surroundings(root)), redactor)


class Supplied:
    """Credentials by label, as `Identities` asks for them: ``credentials.api_key``, ``users.second.password``.

    Raises CredentialError, a line for each mistake, for a name that the profile has not or a value that is no text.
    """

    def __init__(self, profile: Profile, given: object, redactor: Redactor) -> None:
        if not isinstance(given, Mapping):
            raise CredentialError(
                f"{profile.name}: {FIXTURE}: expected a mapping by profile key, such as"
                f' {{"api_key": …}}, got {type(given).__name__}'
            )
        self._name = profile.name
        known = list(_labels(profile))
        wrong: list[str] = []
        self._values: dict[str, str] = {}
        for name, value in _flat(given):
            label = _label(profile, name)
            shown = label.removeprefix("credentials.")
            if label not in known:
                near = did_you_mean(shown, [each.removeprefix("credentials.") for each in known])
                wrong.append(f"{profile.name}: {FIXTURE}: the profile has no {shown!r}{near}")
            elif not isinstance(value, str) or not value:
                got = type(value).__name__ if value != "" else "an empty one"
                wrong.append(f"{profile.name}: {FIXTURE}: {shown}: expected text, got {got}")
            else:
                self._values[label] = value
                if label.rpartition(".")[2] not in PLAIN:
                    redactor.learn(value, f"{profile.name}.{label}")
        if wrong:
            raise CredentialError("\n".join(wrong))

    def lookup(self, otherwise: Lookup) -> Lookup:
        """Return a look-up that knows these values first."""

        def look(label: str, reference: Reference) -> str | None:
            return self._values.get(label) or otherwise(label, reference)

        return look

    def completed(self, profile: Profile) -> Profile:
        """Return the profile with a reference for each value given, so that none of its own comes first.

        Raises ProfileError if it is none with them.
        """
        tables: dict[str, Any] = profile.model_dump(by_alias=True, exclude_unset=True)
        for label in self._values:
            *path, field = label.split(".")
            table = tables
            for part in path:
                table = table.setdefault(part, {})
            table[field] = {"env": FIXTURE}
        with explained(self._name):
            return Profile.model_validate(tables)


def _flat(given: Mapping[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif value is not None:
            yield f"{above}{name}", value


def _label(profile: Profile, name: str) -> str:
    """Return the label that a name means: ``api_key``, ``users.second.password``, one of ``[schemes]``."""
    if name in profile.schemes:
        return f"schemes.{name}.value"
    return name if name.partition(".")[0] in (*FIELDS, "schemes", "jwt") else f"credentials.{name}"


def _labels(profile: Profile) -> Iterator[str]:
    """Yield every label that the profile has room for."""
    yield from (f"credentials.{field}" for field in FIELDS["credentials"])
    for section in ("clients", "users", "keys"):
        yield from (f"{section}.{name}.{field}" for name in getattr(profile, section) for field in FIELDS[section])
    yield from (label_of_ended(profile, ending, name) for ending, name in profile.ended)
    if profile.jwt is not None:
        yield "jwt.signing_key"
    for kind, scheme in profile.schemes.items():
        yield from (f"schemes.{kind}.value", *(f"schemes.{kind}.values.{who}" for who in scheme.values))
