"""The cells of the grid: which rule puts which class of value into which slot, and why some are empty."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Final, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Class(enum.Enum):
    """What is put into a slot."""

    NOTHING = "nothing"
    NEAR = "near miss"
    CASE = "other case"
    DRESS = "in a dress"
    STAND_IN = "stand-in"
    ANOTHERS = "another's"
    TYPES = "JSON types"
    SIZE = "size"
    BYTES = "bytes"
    REPEATED = "repetition"


class Slot(enum.Enum):
    """Where a value stands by which somebody proves something, or asks for something."""

    BEARER = "bearer token"
    PERSONAL = "personal access token"
    KEY = "API key"
    NAMED = "named credential"
    BASIC_USER = "user name of Basic"
    BASIC_PASSWORD = "password of Basic"
    CLIENT_ID = "client_id"
    CLIENT_SECRET = "client_secret"
    USERNAME = "username"
    PASSWORD = "password"
    REFRESH = "refresh_token"
    CODE = "code"
    VERIFIER = "code_verifier"
    REDIRECT = "redirect_uri"
    SCOPE = "scope"
    GRANT_TYPE = "grant_type"
    ASKED = "token asked about"


FILLED: Final[dict[tuple[Slot, Class], list[str]]] = {}
"""The ids of the rules that fill a cell."""


def fills(slots: Slot | tuple[Slot, ...], *classes: Class) -> Callable[[Function], Function]:
    """Say which classes of values a rule puts into which slots; it stands above ``@rule``.

    Example::

        @fills(Slot.KEY, Class.NEAR, Class.CASE)
        @rule(MUST, PROFILE, applies=key_zones, catches="key-prefix-compare")
        @draws(rows(NEAR_MISSES, CASES), edit=some.near_misses)
        def key_bad(api: Api, zone: Zone, edit: Edit) -> None: ...
    """

    def note(function: Function) -> Function:
        for slot in slots if isinstance(slots, tuple) else (slots,):
            for each in classes:
                FILLED.setdefault((slot, each), []).append(function.__name__.replace("_", "-"))
        return function

    return note
