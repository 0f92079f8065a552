"""Flows driven by hand: what they yield, what comes of each answer. No network, no HTTP library."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_apiauth.auth.flow import Forward, Send, Wait
from pytest_apiauth.auth.tokens import Token, TokenStore
from pytest_apiauth.errors import CredentialError, TokenError, UnreachableError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from tests.shop import ManualClock, answered, authenticator, parameters, shop

Flow = Generator[Any, Any, Any]
KEY = {"X-API-Key": "value-of-credentials.api_key"}


def issued(number: int, **members: Any) -> Response:
    """Answer with the token of that number."""
    return answered({"access_token": f"access-{number}", "token_type": "Bearer", "expires_in": 3600, **members})


def bearing(number: int) -> dict[str, str]:
    """Give the headers of a request with the key and the token of that number."""
    return {**KEY, "Authorization": f"Bearer access-{number}"}


def request_in(step: object) -> Request:
    """Take the request out of a Send step."""
    assert isinstance(step, Send)
    return step.request


def headers_in(step: object) -> dict[str, str]:
    """Take the headers out of a Forward step."""
    assert isinstance(step, Forward)
    return step.headers


def ended(flow: Flow, answer: Response | None) -> Any:
    """Send the last answer in, and give what the flow returns."""
    with pytest.raises(StopIteration) as end:
        flow.send(answer)
    return end.value.value


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> TokenStore:
    """An empty store."""
    return TokenStore(clock, leeway=30)


def fill(store: TokenStore, **members: Any) -> None:
    """Put the token number 1 in a store."""
    flow = authenticator(store=store).token()
    next(flow)
    ended(flow, issued(1, **members))


def test_the_first_request_fetches_a_token(store: TokenStore) -> None:
    """At a cold start, the token request comes first, then the user's own with key and token."""
    flow = authenticator(store=store).authenticate()

    assert parameters(request_in(next(flow)))["grant_type"] == "password"
    assert headers_in(flow.send(issued(1))) == bearing(1)
    ended(flow, Response(200))


def test_the_next_request_uses_the_same_token(store: TokenStore) -> None:
    """A cached token needs one step only."""
    fill(store)
    flow = authenticator(store=store).authenticate()

    assert headers_in(next(flow)) == bearing(1)
    ended(flow, Response(200))


def test_the_headers_are_made_once_per_token(store: TokenStore) -> None:
    """The same token gives the very same step: a cached token costs next to nothing."""
    fill(store)
    user = authenticator(store=store)

    assert next(user.authenticate()) is next(user.authenticate())


def test_a_stale_token_is_refreshed(store: TokenStore, clock: ManualClock) -> None:
    """A token near its end is renewed with the refresh token before the user's request leaves."""
    fill(store, refresh_token="refresh-1")
    clock.advance(3600)
    flow = authenticator(store=store).authenticate()

    assert parameters(request_in(next(flow)))["refresh_token"] == "refresh-1"
    assert headers_in(flow.send(issued(2, refresh_token="refresh-2"))) == bearing(2)
    latest = store.latest
    assert latest is not None
    assert latest.refresh_token is not None
    assert latest.refresh_token.reveal() == "refresh-2"


def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one(store: TokenStore, clock: ManualClock) -> None:
    """An answer that brings no refresh token leaves the old one in force (RFC 6749 6)."""
    fill(store, refresh_token="refresh-1")
    clock.advance(3600)
    flow = authenticator(store=store).token()
    next(flow)
    token: Token = ended(flow, issued(2))

    assert token.refresh_token is not None
    assert token.refresh_token.reveal() == "refresh-1"


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_refresh_falls_back_to_the_grant(store: TokenStore, clock: ManualClock, status: int) -> None:
    """A spent refresh token is no failure as long as the user can log in again."""
    fill(store, refresh_token="refresh-1")
    clock.advance(3600)
    flow = authenticator(store=store).authenticate()
    next(flow)

    assert parameters(request_in(flow.send(answered({"error": "invalid_grant"}, status))))["grant_type"] == "password"
    assert headers_in(flow.send(issued(2))) == bearing(2)


def test_a_broken_refresh_does_not_fall_back(store: TokenStore, clock: ManualClock) -> None:
    """A server in trouble is told of, not asked again in another way."""
    fill(store, refresh_token="refresh-1")
    clock.advance(3600)
    flow = authenticator(store=store).authenticate()
    next(flow)

    with pytest.raises(TokenError, match=r"^shop: .* \(refresh_token\): expected a token, got status 503"):
        flow.send(Response(503))


def test_a_refused_token_is_renewed_once(store: TokenStore) -> None:
    """After a 401 there is one retry with a new token, and no second one."""
    fill(store)
    flow = authenticator(store=store).authenticate()

    assert headers_in(next(flow)) == bearing(1)
    assert parameters(request_in(flow.send(Response(401))))["grant_type"] == "password"
    assert headers_in(flow.send(issued(2))) == bearing(2)
    ended(flow, Response(401))


def test_a_token_fetched_in_this_call_is_not_renewed(store: TokenStore) -> None:
    """A server that refuses a brand-new token would refuse the next one too."""
    flow = authenticator(store=store).authenticate()
    next(flow)
    flow.send(issued(1))

    ended(flow, Response(401))


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 404, 500])
def test_only_401_renews(store: TokenStore, status: int) -> None:
    """No other status says that the token is no good."""
    fill(store)
    flow = authenticator(store=store).authenticate()
    next(flow)

    ended(flow, Response(status))
    assert store.fresh() is not None


def test_a_token_that_somebody_renewed_meanwhile_is_used(store: TokenStore) -> None:
    """A refusal of the old token does not throw the new one away."""
    fill(store)
    late = authenticator(store=store).authenticate()
    next(late)
    quick = authenticator(store=store).authenticate()
    next(quick)
    quick.send(Response(401))
    quick.send(issued(2))

    assert headers_in(late.send(Response(401))) == bearing(2)


def test_a_request_that_cannot_be_replayed_is_not(store: TokenStore) -> None:
    """The 401 is returned as it is; the next request gets a new token."""
    fill(store)
    user = authenticator(store=store)
    flow = user.authenticate(replayable=False)
    next(flow)
    ended(flow, Response(401))

    assert parameters(request_in(next(user.authenticate())))["grant_type"] == "password"


def test_only_the_kinds_asked_for_are_sent(store: TokenStore) -> None:
    """A subset of credentials needs no token request, and is not renewed."""
    user = authenticator(store=store, kinds=["api_key"])
    flow = user.authenticate()

    assert headers_in(next(flow)) == KEY
    ended(flow, Response(401))
    assert headers_in(next(user.authenticate(kinds=[]))) == {}


def test_a_personal_access_token_is_not_renewed() -> None:
    """A token that was not issued to us cannot be renewed by us."""
    profile = shop(
        credentials={"personal_access_token": {"env": "PAT"}},
        grants={},
        api_key=None,
        zones={"all": {"path": "/", "needs": ["personal_access_token"]}},
    )
    flow = authenticator(profile).authenticate("/v1/x")

    assert headers_in(next(flow)) == {"Authorization": "Bearer value-of-credentials.personal_access_token"}
    ended(flow, Response(401))


def test_an_unset_variable_is_one_line_before_anything_is_sent() -> None:
    """What is missing is named, and no request leaves."""
    flow = authenticator(lookup=lambda label, reference: None).authenticate("/v1/user/me")

    with pytest.raises(CredentialError, match=r"^shop: credentials.api_key: environment variable SHOP_KEY is not set$"):
        next(flow)


def test_a_second_flow_waits_for_the_first(store: TokenStore) -> None:
    """Who comes while a token is being fetched waits, and gets it."""
    first, second = authenticator(store=store).token(), authenticator(store=store).token()
    next(first)
    step = next(second)

    assert isinstance(step, Wait)
    assert step.flight.is_over is False
    token = ended(first, issued(1))
    assert ended(second, None) is token


def test_a_failure_is_shared(store: TokenStore) -> None:
    """Who waited for a failure gets the same one, and sends nothing itself."""
    first, second = authenticator(store=store).token(), authenticator(store=store).token()
    next(first)
    next(second)
    with pytest.raises(UnreachableError, match="shop: no answer"):
        first.throw(UnreachableError("shop: no answer"))

    with pytest.raises(UnreachableError, match="shop: no answer"):
        second.send(None)


def test_a_failure_of_another_kind_is_shared_too(store: TokenStore) -> None:
    """Even a bug in the driver reaches those who wait, so that nobody hangs."""
    first, second = authenticator(store=store).token(), authenticator(store=store).token()
    next(first)
    next(second)
    with pytest.raises(ZeroDivisionError):
        first.throw(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        second.send(None)


def test_a_cancelled_leader_hands_on(store: TokenStore) -> None:
    """When the leader is closed, one of those who wait sends the request in its place, the others wait for that."""
    first, second, third = (authenticator(store=store).token() for _ in range(3))
    next(first), next(second), next(third)
    first.close()

    assert isinstance(second.send(None), Send)
    assert isinstance(third.send(None), Wait)
    token = ended(second, issued(1))
    assert ended(third, None) is token


def test_renew_leaves_a_newer_token_alone(store: TokenStore) -> None:
    """Renewing a token that is not the current one gives the current one."""
    fill(store)
    old = store.latest
    assert old is not None
    user = authenticator(store=store)
    flow = user.renew(old)
    next(flow)
    new = ended(flow, issued(2))

    with pytest.raises(StopIteration) as end:
        next(user.renew(old))
    assert end.value.value is new


def test_a_profile_without_grants_gives_no_token() -> None:
    """Asking for a token that nobody issues is one line."""
    profile = shop(grants={}, zones={})

    with pytest.raises(CredentialError, match=r"^shop: grants: the profile names no way to get a token$"):
        next(authenticator(profile).token())


def test_another_user_and_client_are_asked_for() -> None:
    """A factory's user and client are those of the token request."""
    profile = shop(
        clients={"second": {"client_id": "two", "client_secret": {"env": "TWO"}}},
        users={"bob": {"username": "bob", "password": {"env": "BOB"}}},
        token={"client_auth": "client_secret_post"},
    )
    asked = parameters(request_in(next(authenticator(profile, client="second", user="bob").token())))

    assert asked == {
        "grant_type": "password",
        "username": "bob",
        "password": "value-of-users.bob.password",
        "client_id": "two",
        "client_secret": "value-of-clients.second.client_secret",
    }


class TestAuthorizationCode:
    """The interactive grant: a refresh token got elsewhere, or a server that asks nobody."""

    @pytest.fixture
    def profile(self) -> Profile:
        """A profile whose only grant is interactive."""
        return shop(grants={"authorization_code": {}, "refresh_token": {"scope": ""}})

    @pytest.fixture
    def profile_with_refresh_token(self, profile: Profile) -> Profile:
        """The same with a refresh token in it."""
        credentials = profile.credentials.model_dump(exclude_unset=True)
        return profile.replaced(credentials={**credentials, "refresh_token": {"env": "SHOP_REFRESH"}})

    @staticmethod
    def redirected(asked: Request, **changes: str) -> Response:
        """Send the browser back as the standard says, save for the changes."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.url).query).items()}
        answer = {"code": "the-code", "state": query["state"], **changes}
        location = query["redirect_uri"] + "?" + "&".join(f"{name}={value}" for name, value in answer.items())
        return Response(302, (("Location", location),))

    def test_a_server_that_asks_nobody_gives_a_code(self, profile: Profile) -> None:
        """The redirect's code is exchanged with the verifier, without a browser."""
        flow = authenticator(profile).token()
        asked = request_in(next(flow))
        exchange = parameters(request_in(flow.send(self.redirected(asked))))

        assert asked.method == "GET"
        assert exchange["code"] == "the-code"
        assert 43 <= len(exchange["code_verifier"]) <= 128
        assert ended(flow, issued(1)).access_token.reveal() == "access-1"

    @pytest.mark.parametrize(
        "answer",
        [
            Response(200, (("Content-Type", "text/html"),), b"<form>"),
            Response(302, (("Location", "/login?next=authorize"),)),
            Response(302),
            Response(500),
        ],
    )
    def test_a_server_that_shows_a_login_page_needs_a_browser(self, profile: Profile, answer: Response) -> None:
        """Where no code comes, the line says what to do."""
        flow = authenticator(profile).token()
        next(flow)

        with pytest.raises(TokenError, match=r"^shop: authorization_code: .* this grant needs a browser"):
            flow.send(answer)

    def test_a_state_that_is_not_ours_is_refused(self, profile: Profile) -> None:
        """A code that comes with somebody else's state is not exchanged."""
        flow = authenticator(profile).token()
        asked = request_in(next(flow))

        with pytest.raises(TokenError, match="not the one that was sent"):
            flow.send(self.redirected(asked, state="forged"))

    def test_a_refresh_token_from_elsewhere_comes_first(self, profile_with_refresh_token: Profile) -> None:
        """With a refresh token in the profile, nobody needs a browser."""
        flow = authenticator(profile_with_refresh_token).token()

        assert parameters(request_in(next(flow))) == {
            "grant_type": "refresh_token",
            "refresh_token": "value-of-credentials.refresh_token",
        }
        assert ended(flow, issued(1)).access_token.reveal() == "access-1"

    def test_a_spent_refresh_token_from_elsewhere_is_named(self, profile_with_refresh_token: Profile) -> None:
        """The line says that the refresh token was refused too."""
        flow = authenticator(profile_with_refresh_token).token()
        next(flow)
        flow.send(answered({"error": "invalid_grant"}, 400))

        with pytest.raises(TokenError, match=r"the refresh token was refused and .* answered 200"):
            flow.send(Response(200))
