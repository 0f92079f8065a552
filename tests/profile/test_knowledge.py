"""Grants and kinds of credentials are known once, in two tables, and the rest reads them."""

from __future__ import annotations

import doctest
from types import ModuleType
from typing import get_args

import pytest

from pytest_apiauth.profile import grants, kinds, model
from pytest_apiauth.profile.grants import GRANTS, GrantType
from pytest_apiauth.profile.kinds import KINDS, Kind
from pytest_apiauth.profile.model import ApiKey, Credentials, Profile


def test_every_grant_and_kind_has_a_row() -> None:
    """The names that annotations allow are those of the rows, each under its own name."""
    assert set(GRANTS) == set(get_args(GrantType))
    assert set(KINDS) == set(get_args(Kind))
    assert all(row.name == name for table in (GRANTS, KINDS) for name, row in table.items())


def test_grants_name_what_there_is() -> None:
    """What a grant spends is a member of its request, and what it needs is a key of the profile."""
    assert all(row.spends in row.members for row in GRANTS.values() if row.spends)
    assert {key for row in GRANTS.values() for key in row.urls} <= Profile.model_fields.keys()


def test_kinds_name_what_there_is() -> None:
    """What a kind is made of is in ``[credentials]`` unless it is issued; its place is in its row or in the profile."""
    given = [row for row in KINDS.values() if not row.is_issued]
    assert {role.lower() for row in given for roles in row.roles for role in roles} <= Credentials.model_fields.keys()
    assert {row.name for row in KINDS.values() if row.place is None} <= Profile.model_fields.keys()


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (None, ("header", "X-API-Key", "", False)),
        (ApiKey(header="authorization"), ("header", "authorization", "", True)),
        (ApiKey(header="X-Key", scheme="Key"), ("header", "X-Key", "Key ", False)),
    ],
)
def test_a_profile_says_where_its_key_travels(key: ApiKey | None, place: tuple[str, str, str, bool]) -> None:
    """The place of a key is that of ``[api_key]``; one in Authorization is known for it, however it is spelled."""
    found = Profile(schema=1, api_key=key).place_of("api_key")

    assert (found.where, found.name, found.prefix, found.is_authorization) == place


@pytest.mark.parametrize("module", [grants, kinds, model])
def test_examples_are_true(module: ModuleType) -> None:
    """What the tables' examples show is what comes."""
    assert doctest.testmod(module).failed == 0
