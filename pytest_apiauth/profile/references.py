"""Where the values of a profile are: every reference in it, by the label that names it everywhere.

Who invents values, learns secrets, records and replays takes the same walk, so that nothing is known in one place and
unknown in another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_apiauth.profile.model import Ending, Profile, Reference

PUBLIC: Final = frozenset(("client_id", "key_id", "public_key", "redirect_uri", "username"))
"""Values that are no secrets."""
_FIELDS: Final = (
    *("client_id", "client_secret", "private_key", "key_id", "redirect_uri", "username", "password", "session"),
    *("certificate", "certificate_key", "api_key", "personal_access_token", "refresh_token"),
)


def references(profile: Profile) -> Iterator[tuple[str, Reference]]:
    """Yield label and reference of every value that a profile does not write out.

    >>> profile = Profile.model_validate({"schema": 1, "credentials": {"api_key": {"env": "SHOP_KEY"}}})
    >>> [(label, str(reference)) for label, reference in references(profile)]
    [('credentials.api_key', 'environment variable SHOP_KEY')]
    """
    tables: dict[str, object] = {"credentials": profile.credentials}
    for section in ("clients", "users", "keys"):
        tables |= {f"{section}.{name}": row for name, row in getattr(profile, section).items()}
    for place, table in tables.items():
        for name in _FIELDS:
            value = getattr(table, name, None)
            if isinstance(value, Reference):
                yield f"{place}.{name}", value
    for (ending, name), reference in profile.ended.items():
        yield label_of_ended(profile, ending, name), reference
    if profile.jwt is not None:
        yield from profile.jwt.references
    for kind, scheme in profile.schemes.items():
        yield from ((f"schemes.{kind}.values.{who}", reference) for who, reference in scheme.values.items())
        if scheme.value is not None:
            yield f"schemes.{kind}.value", scheme.value


def label_of_ended(profile: Profile, ending: Ending, name: str) -> str:
    """Return what a value is called that was good once."""
    return f"schemes.{name}.{ending}" if name in profile.schemes else f"credentials.{ending}.{name}"


def is_public(label: str) -> bool:
    """Whether a value merely says who is meant, by its label."""
    return label.rpartition(".")[2] in PUBLIC
