"""Which credentials a request carries, by zone and by what is set."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.selection import Plan, Plans
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Kind, Profile, Reference
from tests.shop import shop

KEY_IN_AUTHORIZATION = {"token": "api_key", "bearer": "personal_access_token", "basic": "basic"}


def plans(profile: Profile, *, unset: str = "-") -> Plans:
    """Make the plans of a profile where every value whose label contains ``unset`` is not set."""

    def lookup(label: str, reference: Reference) -> str | None:
        return None if unset in label else f"value-of-{label}"

    identities = Identities(profile, lookup, Redactor())
    return Plans(Requester(identities, client="default", user="default"), profile.usual_grant)


def builtin(name: str) -> Profile:
    """Load a profile of the suite."""
    return loading.load(loading.builtin_profiles()[name])


@pytest.mark.parametrize("path", ["/v1/open/x", "/v1/public/x", "/v1/user/x", "/elsewhere"])
def test_everything_travels_everywhere_where_all_is_set(path: str) -> None:
    """A surplus credential never hurts, so a test need not know which zone it asks in."""
    assert plans(shop()).at(path) == Plan({"X-API-Key": "value-of-credentials.api_key"}, has_token=True)


def test_the_path_is_not_asked_for_where_zones_do_not_differ() -> None:
    """The usual request does not pay for looking at its path."""

    def path() -> str:
        raise AssertionError("the path was asked for")

    assert plans(shop()).at(path).has_token


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/v1/open/x", None),
        ("/v1/public/x", None),
        ("/v1/user/x", "credentials.password: environment variable SHOP_PASSWORD is not set"),
        ("/elsewhere", "credentials.password: environment variable SHOP_PASSWORD is not set"),
    ],
)
def test_what_is_not_set_is_missed_only_where_it_is_needed(path: str, problem: str | None) -> None:
    """A password that is not set keeps nobody from the public zone."""
    plan = plans(shop(), unset="password").at(path)

    assert plan.problem == (None if problem is None else f"shop: {problem}")
    assert plan.has_token is False


@pytest.mark.parametrize(
    ("unset", "plan"),
    [
        ("-", Plan({}, has_token=True)),
        ("personal", Plan({}, has_token=True)),
        ("client_", Plan({"Authorization": "Bearer value-of-credentials.personal_access_token"}, has_token=False)),
        (
            "credentials",
            Plan({}, False, "digishare: credentials.client_id: environment variable DIGISHARE_CLIENT_ID is not set"),
        ),
    ],
)
def test_of_alternatives_the_first_that_is_set_is_taken(unset: str, plan: Plan) -> None:
    """Digishare takes a token or a personal access token: whichever is there, in the document's order."""
    assert plans(builtin("digishare"), unset=unset).at("/v1/campaigns") == plan


@pytest.mark.parametrize(
    ("kinds", "plan"),
    [
        ((), Plan({}, has_token=False)),
        (("api_key",), Plan({"X-API-Key": "value-of-credentials.api_key"}, has_token=False)),
        (("bearer",), Plan({}, has_token=True)),
        (
            ("personal_access_token",),
            Plan({}, False, "shop: personal_access_token: the profile names none"),
        ),
    ],
)
def test_exactly_the_kinds_asked_for_travel(kinds: tuple[Kind, ...], plan: Plan) -> None:
    """A subset of credentials is that subset, and what is not there is named."""
    assert plans(shop()).exactly(frozenset(kinds)) == plan


@pytest.mark.parametrize(
    ("credentials", "value"),
    [
        ({"username": "al", "password": {"env": "P"}}, "Basic YWw6dmFsdWUtb2YtY3JlZGVudGlhbHMucGFzc3dvcmQ="),
        (
            {"client_id": "al", "client_secret": {"env": "P"}},
            "Basic YWw6dmFsdWUtb2YtY3JlZGVudGlhbHMuY2xpZW50X3NlY3JldA==",
        ),
    ],
)
def test_basic_carries_the_user_or_else_the_client(credentials: dict[str, Any], value: str) -> None:
    """A zone that needs Basic gets the profile's user, or its client where it has no user."""
    profile = shop(credentials=credentials, grants={}, api_key=None, zones={"all": {"path": "/", "needs": ["basic"]}})

    assert plans(profile).at("/v1/x") == Plan({"Authorization": value}, has_token=False)


@pytest.mark.parametrize(
    ("path", "plan"),
    [
        ("/v1/a/x", Plan({}, has_token=True)),
        ("/v1/b/x", Plan({"Authorization": "Bearer value-of-credentials.personal_access_token"}, has_token=False)),
        ("/v1/c/x", Plan({}, has_token=True)),
    ],
)
def test_one_request_has_one_authorization(path: str, plan: Plan) -> None:
    """Where zones want different credentials in the one header, each gets its own and no surplus one."""
    profile = shop(
        api_key=None,
        credentials={
            "username": "alice",
            "password": {"env": "P"},
            "client_id": "id",
            "client_secret": {"env": "S"},
            "personal_access_token": {"env": "T"},
        },
        zones={
            "a": {"path": "/a/", "needs": ["bearer"]},
            "b": {"path": "/b/", "needs": ["personal_access_token"]},
            "c": {"path": "/c/", "needs": []},
        },
    )

    assert plans(profile).at(path) == plan


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/token/me", "Token value-of-credentials.api_key"),
        ("/bearer/me", "Bearer value-of-credentials.personal_access_token"),
        ("/basic/me", "Basic YWxpY2U6dmFsdWUtb2YtY3JlZGVudGlhbHMucGFzc3dvcmQ="),
        ("/open", "Token value-of-credentials.api_key"),
        ("/elsewhere", "Token value-of-credentials.api_key"),
    ],
)
def test_a_key_in_authorization_gives_way_to_what_the_zone_needs(path: str, value: str) -> None:
    """A key that travels in Authorization, as Django REST framework's, is neither replaced nor replaces another."""
    zones = {name: {"path": f"/{name}/", "needs": [kind]} for name, kind in KEY_IN_AUTHORIZATION.items()}
    profile = Profile.model_validate(
        {
            "schema": 1,
            "name": "drf",
            "api_key": {"header": "authorization", "scheme": "Token"},
            "credentials": {
                "api_key": {"env": "KEY"},
                "personal_access_token": {"env": "TOKEN"},
                "username": "alice",
                "password": {"env": "PASSWORD"},
            },
            "zones": {**zones, "open": {"path": "/open"}},
        }
    )

    headers = {name.lower(): sent for name, sent in plans(profile).at(path).headers.items()}
    assert headers == {"authorization": value}


def test_a_key_in_authorization_that_no_zone_names_is_sent() -> None:
    """Outside of every zone the only documented way in is taken."""
    table = {
        "schema": 1,
        "name": "drf",
        "api_key": {"header": "Authorization"},
        "credentials": {"api_key": {"env": "KEY"}},
    }

    assert plans(Profile.model_validate(table)).at("/x") == Plan(
        {"Authorization": "value-of-credentials.api_key"}, False
    )
