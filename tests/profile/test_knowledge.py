"""Grants and kinds of credentials are known once, in two tables, and the rest reads them."""

from __future__ import annotations

import ast
import doctest
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from pytest_apiauth.auth.requester import sendable
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.profile import endpoints, grants, kinds, model, placing
from pytest_apiauth.profile.endpoints import URL_KEYS
from pytest_apiauth.profile.grants import GRANTS, GrantType
from pytest_apiauth.profile.kinds import KINDS
from pytest_apiauth.profile.kinds import Role as RoleName
from pytest_apiauth.profile.model import ApiKey, Credentials, PersonalToken, Profile

ROOT = Path(__file__).resolve().parents[2]


def test_every_grant_and_kind_has_a_row() -> None:
    """The names that annotations allow are those of the rows, each under its own name."""
    assert set(GRANTS) == set(get_args(GrantType))
    assert {name for row in KINDS.values() for roles in row.roles for name in roles} <= set(get_args(RoleName))
    assert all(row.name == name for table in (GRANTS, KINDS) for name, row in table.items())


def test_grants_name_what_there_is() -> None:
    """What a grant spends is a member of its request, and what it needs is a key of the profile."""
    assert all(row.spends in row.members for row in GRANTS.values() if row.spends)
    assert {key for row in GRANTS.values() for key in row.urls} <= Profile.model_fields.keys()
    assert all(
        row.begins_at in row.urls and row.spends and row.needs_person for row in GRANTS.values() if row.is_polled
    )


def test_endpoints_are_keys_of_a_profile() -> None:
    """Every endpoint is a key of the profile, and every key that is a URL is an endpoint or the API."""
    assert set(URL_KEYS) == {name for name in Profile.model_fields if name.endswith("_url")}


def test_kinds_name_what_there_is() -> None:
    """What a kind is made of is in ``[credentials]`` unless it is issued; what is declared has a table for it."""
    given = [row for row in KINDS.values() if not row.is_issued]
    assert {role.lower() for row in given for roles in row.roles for role in roles} <= Credentials.model_fields.keys()
    assert {row.name for row in KINDS.values() if row.is_declared} <= Profile.model_fields.keys()


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (None, ("header", "X-API-Key", "", False)),
        (ApiKey(header="authorization"), ("header", "authorization", "", True)),
        (ApiKey(header="X-Key", scheme="Key"), ("header", "X-Key", "Key ", False)),
        (ApiKey.model_validate({"in": "query", "name": "Authorization"}), ("query", "Authorization", "", False)),
        (ApiKey.model_validate({"in": "cookie", "name": "key"}), ("cookie", "key", "", False)),
    ],
)
def test_a_profile_says_where_its_key_travels(key: ApiKey | None, place: tuple[str, str, str, bool]) -> None:
    """The place of a key is that of ``[api_key]``; one in Authorization is known for it, however it is spelled."""
    found = Profile(schema=1, api_key=key).place_of("api_key")

    assert (found.where, found.name, found.prefix, found.is_authorization) == place


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"in": "query"}, 'in = "query" needs a name'),
        ({"in": "cookie", "name": "a;b"}, "expected the name of a cookie"),
        ({"in": "cookie", "name": "key", "scheme": "Token"}, 'scheme does not go with in = "cookie"'),
        ({"in": "query", "name": "key", "header": "X-API-Key"}, 'header does not go with in = "query"'),
        ({"name": "key"}, "a header is named by header"),
        ({"in": "query", "name": ""}, "name"),
        ({"pair": "{key}"}, 'pair: expected "{key}:…" or "…:{key}".* got \'{key}\''),
        ({"pair": "a:{key}:b"}, "of which one is the key"),
        ({"pair": "{token}:"}, "of which one is the key"),
        ({"pair": "{key}:\n"}, "of which one is the key"),
        ({"pair": "{key}:{key}"}, "of which one is the key"),
        ({"pair": "{key}:x}"}, "of which one is the key"),
        ({"pair": "{key}:", "header": "Authorization"}, "header does not go with pair.*; header = false takes away"),
        ({"pair": "{key}:", "header": "X", "scheme": "Token"}, "header and scheme do not go with pair"),
        ({"pair": "{key}:", "in": "query", "name": "key"}, "in does not go with pair"),
    ],
)
def test_a_key_has_one_place(table: dict[str, str], words: str) -> None:
    """What names two places, or none, is refused."""
    with pytest.raises(ValueError, match=words):
        ApiKey.model_validate(table)


def test_a_key_is_a_half_of_basic() -> None:
    """What stands beside it is as the profile writes it, colons behind it too; a token has a name of its own there."""
    pairs = [ApiKey(pair="{key}:x:y").place, ApiKey(pair="any one:{key}").place, PersonalToken(pair=":{token}").place]

    assert {(place.name, place.prefix, place.scheme) for place in pairs} == {("Authorization", "Basic ", "basic")}
    assert [place.pair for place in pairs] == [("", ":x:y"), ("any one:", ""), (":", "")]


def test_a_key_that_is_a_user_name_has_no_colon() -> None:
    """It would end there (RFC 7617 2); the line says whose it is and what is wrong, and not the value."""
    value = Secret("with:colon", "shop.credentials.api_key")

    assert sendable(value, ApiKey(pair="x:{key}").place) == "with:colon"
    with pytest.raises(CredentialError, match=r"^shop\.credentials\.api_key: its value has a colon") as caught:
        sendable(value, ApiKey(pair="{key}:x").place)
    assert "with" not in str(caught.value)


@pytest.mark.parametrize("module", [endpoints, grants, kinds, model, placing])
def test_examples_are_true(module: ModuleType) -> None:
    """What the tables' examples show is what comes."""
    assert doctest.testmod(module).failed == 0


NAMES = {*GRANTS, *KINDS}
BRANCHING = ("pytest_apiauth", "conformance")
OWN_KNOWLEDGE = ("pytest_apiauth/profile/", "pytest_apiauth/embedded/")
ABOUT_SOMETHING_ELSE = {
    ("conformance/basic.py", "challenge.scheme == 'basic'"): "HTTP's name of the scheme",
    ("conformance/client_authentication.py", "'basic' in schemes"): "HTTP's name of the scheme",
    ("pytest_apiauth/auth/pages.py", "each.kind == 'password'"): "HTML's type of an input",
    ("conformance/resource.py", "'bearer' in schemes"): "HTTP's name of the scheme",
    ("conformance/resource.py", "'basic' in zone.kinds"): "a table of dresses for pairs of Basic",
    ("conformance/resource.py", "challenge.scheme == 'bearer'"): "HTTP's name of the scheme",
    ("conformance/parts.py", "kind.place.scheme == 'bearer'"): "HTTP's name of the scheme",
    (
        "pytest_apiauth/recording/walking.py",
        "scheme.lower() in ('bearer', 'basic', 'dpop', 'digest')",
    ): "HTTP's names of schemes",
    ("pytest_apiauth/recording/walking.py", "kind == 'basic'"): "HTTP's name of the scheme",
    ("pytest_apiauth/suite/guesses.py", "scheme.lower() == 'basic'"): "HTTP's name of the scheme",
    ("pytest_apiauth/suite/guesses.py", "('password',)"): "a member of the request",
    ("pytest_apiauth/targets/apps/supplied.py", "('api_key',)"): "the keys of a table of the profile",
}
"""Comparisons and collections with such a word that ask no grant and no kind for its name, each with what it is."""


def constants(node: ast.AST) -> list[str]:
    """Return the texts that a node is, or holds as elements or keys."""
    elements = [node]
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        elements = [*node.elts]
    elif isinstance(node, ast.Dict):
        elements = [key for key in node.keys if key is not None]
    return [each.value for each in elements if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def is_about_names(node: ast.AST) -> bool:
    """Whether code compares with the name of a grant or kind, looks one up in ``grants``, or lists nothing else."""
    if isinstance(node, ast.Compare):
        if any(ast.unparse(side).endswith(("spends", "spent", "members")) for side in (node.left, *node.comparators)):
            return False  # members of messages have such names too
        return any(NAMES & set(constants(side)) for side in (node.left, *node.comparators))
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.value).endswith("grants") and bool(NAMES & set(constants(node.slice)))
    if isinstance(node, ast.Call):
        of_grants = ast.unparse(node.func).endswith("grants.get")
        return of_grants and any(NAMES & set(constants(argument)) for argument in node.args)
    if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
        found = constants(node)
        return bool(found) and NAMES.issuperset(found)
    return False


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("grant == 'password'", True),
        ("grant not in ('client_credentials', 'password')", True),
        ("'api_key' in zone.kinds", True),
        ("profile.grants['authorization_code']", True),
        ("profile.grants.get('authorization_code')", True),
        ("KNOWN = ('bearer', 'basic')", True),
        ("{'bearer': 1}", True),
        ("members['refresh_token']", False),
        ("GRANTS[grant].spends == 'device_code'", False),
        ("'refresh_token' not in answer.members", False),
        ("('access_token', 'refresh_token')", False),
        ("api.requests(zone, 'basic')", False),
        ("GRANTS[grant].needs_person", False),
    ],
)
def test_reading_of_names(line: str, is_found: bool) -> None:
    """The reading sees comparisons, look-ups and lists, and leaves members of messages and plain arguments alone."""
    assert any(is_about_names(node) for node in ast.walk(ast.parse(line))) == is_found


def test_grants_and_kinds_are_not_asked_for_by_name() -> None:
    """Code asks a row what holds of a grant or a kind of credential: a new one is a row, and no search for branches."""
    found = {
        (str(path.relative_to(ROOT)), ast.unparse(node))
        for folder in BRANCHING
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not str(path.relative_to(ROOT)).startswith(OWN_KNOWLEDGE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if is_about_names(node)
    }

    assert found - ABOUT_SOMETHING_ELSE.keys() == set()
    assert ABOUT_SOMETHING_ELSE.keys() - found == set(), "remove what is no longer there"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"grants": {"token_exchange": {}}}, "grants.token_exchange: begins with another grant's token"),
        (
            {"grants": {"password": {}, "token_exchange": {}}, "token": {"grant": "token_exchange"}},
            "token.grant: token_exchange begins with another grant's token; name that grant",
        ),
    ],
)
def test_a_grant_that_begins_with_a_token_needs_another(table: dict[str, Any], complaint: str) -> None:
    """Token exchange begins with what another grant has given, which the profile then has to list."""
    with pytest.raises(ValidationError, match=complaint):
        Profile.model_validate({"schema": 1, "token_url": "https://id.example/token", **table})
