"""The fixtures in the tests of a project: clients, token, server, mock; synchronous and asynchronous."""

from __future__ import annotations

import pytest

from tests.plugin.projects import SHOP, Run, passes


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def test_a_test_that_is_over_keeps_nothing(pytester: pytest.Pytester, run: Run) -> None:
    """Its server goes with it: pytest keeps each test until the run ends, and of those there may be thousands."""
    source = """
        import gc
        import weakref

        servers = []

        def test_one(apiauth_client, apiauth_server):
            assert apiauth_client.get("/user/me").status_code == 200
            servers.append(weakref.ref(apiauth_server))

        def test_after_it():
            gc.collect()
            assert [server() for server in servers] == [None]
        """
    passes(pytester, run, source, "-p", "no:randomly")


def test_second_user_is_another_one(pytester: pytest.Pytester, run: Run) -> None:
    """The mark's user, or the factory's, is who the API sees; each has a token of its own."""
    source = """
        import pytest

        def test_default(apiauth_client):
            assert apiauth_client.get("/user/me").json()["user"].startswith("default.")

        @pytest.mark.apiauth("jindexe", user="second")
        def test_second(apiauth_client, apiauth_client_factory, apiauth_token):
            assert apiauth_client.get("/user/me").json()["user"].startswith("second.")
            first = apiauth_client_factory(user="default")
            assert first.get("/user/me").json()["user"].startswith("default.")
            used = first.get("/user/me").request.headers["authorization"]
            assert used != "Bearer " + apiauth_token.access_token.reveal()

        @pytest.mark.apiauth("jindexe", key="second")
        class TestMarksAddUp:
            @pytest.mark.apiauth(user="second")
            def test_second(self, apiauth_profile, apiauth_client, apiauth_client_factory):
                assert apiauth_profile.name == "jindexe"
                answer = apiauth_client.get("/user/me")
                assert answer.json()["user"].startswith("second.")
                other = apiauth_client_factory(key="default").get("/user/me").request
                assert other.headers["x-api-key"] != answer.request.headers["x-api-key"]

        @pytest.mark.apiauth("dastra", client="second")
        def test_client(apiauth_client):
            assert apiauth_client.get("/v1/workspaces").status_code == 200

        @pytest.mark.apiauth("jindexe", key="second")
        def test_key(apiauth_client, apiauth_client_factory):
            other = apiauth_client_factory(key="default")
            keys = {client.get("/public/cards").request.headers["x-api-key"] for client in (apiauth_client, other)}
            assert len(keys) == 2
    """

    passes(pytester, run, source)


@pytest.mark.slow
def test_factory_makes_clients_for_a_zone_a_subset_or_none(pytester: pytest.Pytester, run: Run) -> None:
    """The factory's clients send what a zone needs, exactly the named kinds, or nothing."""
    source = """
        import asyncio
        import pytest

        SECRET = {"x-api-key", "authorization"}

        def sent(client, path="/user/me"):
            answer = client.get(path)
            return answer.status_code, SECRET & set(answer.request.headers)

        @pytest.mark.parametrize(("arguments", "status", "names"), [
            ({}, 200, SECRET),
            ({"zone": "user"}, 200, SECRET),
            ({"zone": "public"}, 401, {"x-api-key"}),
            ({"zone": "ext"}, 401, set()),
            ({"credentials": ["api_key"]}, 401, {"x-api-key"}),
            ({"credentials": ("bearer",)}, 401, {"authorization"}),
            ({"credentials": {"api_key", "bearer"}}, 200, SECRET),
            ({"credentials": ()}, 401, set()),
        ])
        def test_kinds(apiauth_client_factory, arguments, status, names):
            assert sent(apiauth_client_factory(**arguments)) == (status, names)
            client = apiauth_client_factory.async_client(**arguments)
            answer = asyncio.run(client.get("/user/me"))
            assert (answer.status_code, SECRET & set(answer.request.headers)) == (status, names)

        def test_options_are_the_library_s(apiauth_client_factory):
            client = apiauth_client_factory(zone="public", headers={"x-mine": "1"}, timeout=3, follow_redirects=True)
            assert client.get("/public/cards").request.headers["x-mine"] == "1"
            assert (client.timeout.read, client.follow_redirects) == (3, True)

        def test_clients_are_closed(apiauth_client_factory):
            test_clients_are_closed.made = apiauth_client_factory()

        def test_clients_were_closed():
            assert test_clients_are_closed.made.is_closed
    """

    passes(pytester, run, source)


def test_token_is_the_one_that_clients_send(pytester: pytest.Pytester, run: Run) -> None:
    """apiauth_token is the token of this test's clients, and shows its secret to nobody who does not ask."""
    source = """
        def test_token(apiauth_client, apiauth_token, apiauth_server):
            used = apiauth_client.get("/user/me").request.headers["authorization"]
            assert used == "Bearer " + apiauth_token.access_token.reveal()
            assert apiauth_server.token_requests == 1
            assert apiauth_token.access_token.reveal() not in f"{apiauth_token} {apiauth_token!r}"
    """

    passes(pytester, run, source)


def test_server_can_be_made_to_refuse(pytester: pytest.Pytester, run: Run) -> None:
    """The embedded server's clock, expire, refuse_next and revoke make a client renew its token, or not."""
    source = """
        import pytest

        def test_requests(apiauth_client, apiauth_server):
            apiauth_client.get("/user/me")
            assert [(seen.method, seen.path) for seen in apiauth_server.requests] == [
                ("POST", "/public/token"), ("GET", "/user/me")]

        def test_expire(apiauth_client, apiauth_server):
            before = apiauth_client.get("/user/me").request.headers["authorization"]
            apiauth_server.expire()
            after = apiauth_client.get("/user/me")
            assert (after.status_code, apiauth_server.token_requests) == (200, 2)
            assert before != after.request.headers["authorization"]

        def test_clock(apiauth_client, apiauth_server):
            apiauth_client.get("/user/me")
            apiauth_server.clock.advance(86400 - 31)
            apiauth_client.get("/user/me")
            assert apiauth_server.token_requests == 1
            apiauth_server.clock.advance(2)
            assert apiauth_client.get("/user/me").status_code == 200
            assert apiauth_server.token_requests == 2

        def test_refuse_next(apiauth_client, apiauth_server):
            apiauth_client.get("/user/me")
            apiauth_server.refuse_next(401)
            assert apiauth_client.get("/user/me").status_code == 200
            assert apiauth_server.token_requests == 2

        def test_refuse_forever(apiauth_client, apiauth_server):
            apiauth_server.refuse_next(401, times=5)
            assert apiauth_client.get("/user/me").status_code == 401
            assert apiauth_server.token_requests <= 2

        def test_refuse_with_403(apiauth_client, apiauth_server):
            apiauth_client.get("/user/me")
            apiauth_server.refuse_next(403)
            assert apiauth_client.get("/user/me").status_code == 403
            assert apiauth_server.token_requests == 1

        def test_revoke(apiauth_client, apiauth_server, apiauth_token):
            apiauth_server.revoke(apiauth_token.access_token)
            assert apiauth_client.get("/user/me").status_code == 200
            assert apiauth_server.token_requests == 2
    """

    passes(pytester, run, source)


def test_tests_share_nothing(pytester: pytest.Pytester, run: Run) -> None:
    """Each test has a server of its own: no token, request, clock or refusal of another test."""
    source = """
        import pytest

        @pytest.mark.parametrize("turn", range(3))
        def test_alone(apiauth_client, apiauth_server, turn):
            assert (apiauth_server.requests, apiauth_server.token_requests) == ([], 0)
            assert apiauth_server.clock.now() == 1_700_000_000
            assert apiauth_client.get("/user/me").status_code == 200
            assert len(apiauth_server.requests) == 2
            apiauth_server.expire()
            apiauth_server.refuse_next(403, times=9)
    """

    passes(pytester, run, source)


def test_fixtures_under_fault_and_variant(pytester: pytest.Pytester, run: Run) -> None:
    """Faults and variants of the command line change the server behind the fixtures too."""
    source = """
        def test_fault(apiauth_client_factory):
            assert apiauth_client_factory(credentials=()).get("/user/me").status_code == 200
    """

    passes(pytester, run, source, "--apiauth-fault=zone-open")


def test_options_of_the_library_work_offline_and_behind_the_guard(pytester: pytest.Pytester, run: Run) -> None:
    """What shapes connections means nothing offline; a transport of one's own stands between two guards."""
    source = """
        import httpx
        import pytest
        from pytest_apiauth.errors import GuardError

        class Retries(httpx.BaseTransport):
            def __init__(self, inner):
                self.inner = inner

            def handle_request(self, request):
                answer = self.inner.handle_request(request)
                return answer if answer.status_code < 500 else self.inner.handle_request(request)

        OPTIONS = {"proxy": "http://proxy.example:3128", "verify": "ca.pem", "transport": Retries}

        def test_options(apiauth_client_factory, apiauth_server):
            client = apiauth_client_factory(**OPTIONS)
            apiauth_server.refuse_next(503)
            assert client.get("/user/me").status_code == 200
            with pytest.raises(GuardError):
                client.get("https://evil.example/")

        def test_own_auth(apiauth_client_factory):
            client = apiauth_client_factory(credentials=(), auth=("someone", "a wrong password"))
            assert client.get("/user/me").status_code == 401
            with pytest.raises(GuardError):
                client.post("https://evil.example/", content=iter([b"a wrong ", b"password"]), auth=None)
    """

    passes(pytester, run, source)
