"""The promise: what one API says about authentication, as a checked, immutable model.

`Profile` is read from a ``NAME.apiauth.toml`` file by `pytest_apiauth.profile.loading`. Every key is documented where
it is declared, in `document` and the tables that it names; the JSON Schema of ``python -m pytest_apiauth schema`` is
made from these declarations. What follows from the keys stands in `promise`, whether they hang together in `coherence`.
What holds of a grant or of a kind of credential in every API stands in `grants` and `kinds`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, model_validator

from pytest_apiauth.profile.coherence import mistakes
from pytest_apiauth.profile.grants import GrantType
from pytest_apiauth.profile.inherited import InheritedUrl, refuse_inherited
from pytest_apiauth.profile.kinds import Kind
from pytest_apiauth.profile.placing import ApiKey, PersonalToken, Scheme, TokenPlacing, is_free
from pytest_apiauth.profile.promise import Promise
from pytest_apiauth.profile.running import Live, Login
from pytest_apiauth.profile.tables import (
    DEFAULT,
    Algorithm,
    Answer,
    Client,
    ClientAuth,
    Credentials,
    Ending,
    GrantSettings,
    Key,
    Model,
    Needs,
    Plain,
    Reference,
    Rotation,
    Seconds,
    Texts,
    TokenSettings,
    User,
    Zone,
)

__all__ = [
    "DEFAULT",
    "Algorithm",
    "Answer",
    "ApiKey",
    "Client",
    "ClientAuth",
    "Credentials",
    "Ending",
    "GrantSettings",
    "GrantType",
    "Key",
    "Kind",
    "Live",
    "Login",
    "Model",
    "Needs",
    "PersonalToken",
    "Plain",
    "Profile",
    "Reference",
    "Rotation",
    "Scheme",
    "Seconds",
    "Texts",
    "TokenPlacing",
    "TokenSettings",
    "User",
    "Zone",
    "is_free",
]


class Profile(Promise):
    """What one API promises about authentication.

    >>> profile = Profile(schema=1, name="shop", api_url="https://api.shop.example", token_url="/token")
    >>> profile.token_endpoint, sorted(map(str, profile.origins))
    ('https://api.shop.example/token', ['https://api.shop.example'])
    """

    _file: Path | None = PrivateAttr(None)
    _unchanged: Profile | None = PrivateAttr(None)
    _changes: str = PrivateAttr("")
    _inherited: tuple[InheritedUrl, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _hangs_together(self) -> Profile:
        wrong = mistakes(self)
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def place(self) -> str:
        """The file that the profile was read from: two profiles of one name have two. Its name, if there is none."""
        return self.name if self._file is None else str(self._file)

    @property
    def key(self) -> str:
        """What tells this promise from every other one of a run: its place, and how a test has changed it."""
        return f"{self.place}\n{self._changes}" if self._changes else self.place

    @property
    def unchanged(self) -> Profile | None:
        """The profile as its file has it, if this is how a test has changed it."""
        return self._unchanged

    def read_from(self, file: Path, inherited: Iterable[InheritedUrl]) -> Profile:
        """Return a copy that knows which file it was read from, and which of its URLs are those of another API."""
        found = self.model_copy()
        found._file, found._inherited = file, tuple(inherited)
        return found

    def changed_from(self, unchanged: Profile, changes: str) -> Profile:
        """Return a copy that knows which profile it was before a test has changed it; ``changes`` tells how."""
        found = self.model_copy()
        found._unchanged, found._changes = unchanged, changes
        return found

    def refuse_inherited(self) -> None:
        """Raise ProfileError if it sends something to where the profile that it extends does, and not its own API."""
        refuse_inherited(self.name, self.base_url, self._inherited)

    def replaced(self, **changes: Any) -> Profile:
        """Return a copy with some keys changed, checked again."""
        found = Profile.model_validate({**self.model_dump(by_alias=True, exclude_unset=True), **changes})
        found._file, found._inherited = self._file, self._inherited
        found._unchanged, found._changes = self._unchanged, self._changes
        return found
