"""The fixtures in the tests of a project: clients, token, server, mock; synchronous and asynchronous."""

from __future__ import annotations

import pytest

from tests.plugin.projects import SHOP, Run, output, told

PROBES = {"dastra": "/v1/workspaces", "jindexe": "/user/me", "digishare": "/campaigns"}


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def passes(pytester: pytest.Pytester, run: Run, source: str, *options: str) -> None:
    """Write a test file, run it with warnings as errors, and require that all of it passes."""
    path = pytester.makepyfile(source)
    result = run(path.name, "-W", "error", *options)
    outcomes = result.parseoutcomes()
    assert result.ret == 0, output(result)
    assert set(outcomes) == {"passed"}, output(result)


def test_three_apis_in_one_run(pytester: pytest.Pytester, run: Run) -> None:
    """Marks choose the API for each test, in one run, for blocking and asynchronous clients alike."""
    tests = "\n".join(
        f"""
@pytest.mark.apiauth({name!r})
def test_{name}(apiauth_client, apiauth_profile):
    assert apiauth_profile.name == {name!r}
    assert apiauth_client.get({probe!r}).status_code == 200

@pytest.mark.anyio
@pytest.mark.apiauth(profile={name!r})
async def test_{name}_async(apiauth_async_client):
    async with apiauth_async_client as client:
        assert (await client.get({probe!r})).status_code == 200

@pytest.mark.apiauth({name!r})
def test_{name}_asyncio(apiauth_async_client):
    async def ask():
        return await asyncio.gather(*(apiauth_async_client.get({probe!r}) for _ in range(3)))
    assert [answer.status_code for answer in asyncio.run(ask())] == [200, 200, 200]
"""
        for name, probe in PROBES.items()
    )
    backend = "@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"

    passes(pytester, run, f"import asyncio\nimport pytest\n{backend}{tests}")


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
@pytest.mark.parametrize("by_ini", [False, True])
def test_library_is_chosen(pytester: pytest.Pytester, run: Run, name: str, by_ini: bool) -> None:
    """--apiauth-http and apiauth_http choose the library of the clients."""
    if by_ini:
        pytester.makeini(f"[pytest]\napiauth_http = {name}\n")
    source = f"""
        import asyncio
        import {name}

        def test_sync(apiauth_client):
            assert isinstance(apiauth_client, {name}.Client)
            assert apiauth_client.get("/user/me").status_code == 200

        def test_async(apiauth_async_client, apiauth_token):
            assert isinstance(apiauth_async_client, {name}.AsyncClient)
            assert asyncio.run(apiauth_async_client.get("/user/me")).status_code == 200
            assert apiauth_token.token_type.lower() == "bearer"
    """

    passes(pytester, run, source, *([] if by_ini else [f"--apiauth-http={name}"]))


def test_only_profile_of_the_project_is_the_default(pytester: pytest.Pytester, run: Run) -> None:
    """Without mark, option and ini the fixtures use the project's only profile."""
    source = """
        def test_default(apiauth_profile, apiauth_client):
            assert apiauth_profile.name == "shop"
            assert str(apiauth_client.base_url) == "https://api.shop.example"
    """

    passes(pytester, run, source)


@pytest.mark.parametrize("way", ["option", "ini", "path"])
def test_default_profile_is_chosen(pytester: pytest.Pytester, run: Run, way: str) -> None:
    """--apiauth-profile and apiauth_profile choose the default profile, by name or by path; the mark overrides."""
    (pytester.mkdir("profiles") / "second.apiauth.toml").write_text('schema = 1\nextends = "dastra"\n')
    options = {"option": ["--apiauth-profile=second"], "path": ["--apiauth-profile=profiles/second.apiauth.toml"]}
    if way == "ini":
        pytester.makeini("[pytest]\napiauth_profile = second\n")
    source = """
        import pytest

        def test_default(apiauth_profile):
            assert apiauth_profile.name == "second"

        @pytest.mark.apiauth("shop")
        def test_marked(apiauth_profile):
            assert apiauth_profile.name == "shop"
    """

    passes(pytester, run, source, *options.get(way, []))


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


PRODUCTION = """
    import asyncio
    import os

    import httpx

    def payload():
        return {"grant_type": "password", "username": os.environ["JINDEXE_USERNAME"],
                "password": os.environ["JINDEXE_PASSWORD"]}

    def key():
        return {"X-API-KEY": os.environ["JINDEXE_API_KEY"]}

    def name():
        with httpx.Client() as client:
            token = client.post("https://api.shop.example/public/token", json=payload(), headers=key())
            bearer = {"Authorization": "Bearer " + token.raise_for_status().json()["access_token"]}
            return client.get("https://api.shop.example/user/me", headers=key() | bearer).raise_for_status().json()

    async def name_async():
        async with httpx.AsyncClient(base_url="https://api.shop.example") as client:
            token = await client.post("/public/token", json=payload(), headers=key())
            bearer = {"Authorization": "Bearer " + token.raise_for_status().json()["access_token"]}
            return (await client.get("/user/me", headers=key() | bearer)).raise_for_status().json()
"""


def test_mock_stands_in_for_production_code(pytester: pytest.Pytester, run: Run) -> None:
    """Production code with httpx clients and environment variables of its own meets the embedded server."""
    pytester.makepyfile(production=PRODUCTION)
    source = """
        import asyncio
        import os

        import httpx
        import production
        import pytest

        def test_sync(apiauth_mock, apiauth_server):
            assert production.name()["user"].startswith("default.")
            assert len(apiauth_server.requests) == 2
            assert apiauth_mock.calls.call_count == 2

        def test_async(apiauth_mock):
            assert asyncio.run(production.name_async())["user"].startswith("default.")

        def test_expired(apiauth_mock, apiauth_server):
            apiauth_server.refuse_next(401)
            with pytest.raises(httpx.HTTPStatusError, match="401"):
                production.name()

        def test_other_hosts_are_refused(apiauth_mock):
            with pytest.raises(AssertionError, match="not mocked"):
                httpx.get("https://other.example/")

        def test_with_our_client(apiauth_mock, apiauth_client, apiauth_server):
            assert apiauth_client.get("/user/me").status_code == 200
            production.name()
            assert len(apiauth_server.requests) == 4

        def test_environment_is_restored():
            assert "JINDEXE_API_KEY" not in os.environ
    """

    passes(pytester, run, source)


def test_mock_serves_every_origin_of_a_profile(pytester: pytest.Pytester, run: Run) -> None:
    """Token endpoint and API of a profile may be different hosts: the mock stands in for both."""
    source = """
        import os
        import httpx
        import pytest

        @pytest.mark.apiauth("dastra")
        def test_two_hosts(apiauth_mock):
            pair = os.environ["DASTRA_CLIENT_ID"], os.environ["DASTRA_CLIENT_SECRET"]
            data = {"grant_type": "client_credentials", "scope": "api1"}
            token = httpx.post("https://account.dastra.eu/connect/token", data=data, auth=pair).json()["access_token"]
            answer = httpx.get("https://api.dastra.eu/v1/workspaces", headers={"Authorization": f"Bearer {token}"})
            assert answer.raise_for_status().json()["items"]
    """

    passes(pytester, run, source)


@pytest.mark.parametrize(
    ("fixtures", "options", "words"),
    [
        ("apiauth_client", ["--apiauth-live"], ["shop", "JINDEXE_", "is not set"]),
    ],
)
def test_what_cannot_be_is_one_line(
    pytester: pytest.Pytester, run: Run, fixtures: str, options: list[str], words: list[str]
) -> None:
    """What a fixture cannot give is one line."""
    source = f"def test_it({fixtures}):\n    {fixtures}.get('/user/me')\n"
    path = pytester.makepyfile(source)
    result = run(path.name, *options)

    assert result.ret == 1
    told(result, *words)


@pytest.mark.parametrize("fixture", ["apiauth_server", "apiauth_mock"])
def test_live_runs_skip_what_is_embedded(pytester: pytest.Pytester, run: Run, fixture: str) -> None:
    """In a live run the tests of the embedded server are skipped, with a reason."""
    path = pytester.makepyfile(f"def test_it({fixture}): raise AssertionError")

    result = run(path.name, "--apiauth-live", "-rs")

    result.assert_outcomes(skipped=1)
    assert "this is a live run" in output(result)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('"jindexe", "dastr"', ["no profile 'dastr'", "did you mean 'dastra'"]),
        ('"jindexe", usr="second"', ["unknown argument 'usr'"]),
        ('"jindexe", profile="dastra"', ["profile is given twice"]),
        ("1", ["profile", "expected a name"]),
        ('"jindexe", user=2', ["user", "expected a name"]),
        ('"jindexe", user="third"', ["no 'third' in [users]", "default, second"]),
        ('"jindexe", client="third"', ["no 'third' in [clients]"]),
        ('"jindexe", key="third"', ["no 'third' in [keys]", "default, second"]),
        ('"jindex"', ["no profile 'jindex'", "did you mean 'jindexe'", "dastra, digishare, jindexe, shop"]),
    ],
)
def test_wrong_mark_is_one_line(pytester: pytest.Pytester, run: Run, mark: str, words: list[str]) -> None:
    """A mark with wrong arguments is one line that says which."""
    path = pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.apiauth({mark})
        def test_it(apiauth_client):
            apiauth_client.get("/user/me")
        """
    )

    result = run(path.name)

    assert result.ret == 1
    told(result, *words)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('zone="usr"', ["shop: no zone 'usr'", "ext, public, user, pro"]),
        ('credentials=["token"]', ["no kind of credential 'token'", "bearer"]),
        ('credentials="bearer"', ["credentials", "['bearer']"]),
        ('zone="user", credentials=()', ["zone or credentials, not both"]),
        ('user="third"', ["no 'third' in [users]"]),
        ('base_url="https://evil.example"', ["base_url: https://evil.example is none of the profile's origins"]),
        ('auth=("someone", "a password")', ["auth: ", "credentials=()"]),
        ("transport=object()", ["transport: object would take the place of the API", "transport=lambda inner: "]),
        ('mounts={"all://": None}', ["mounts: it would take the guard's place"]),
        ('prox="http://proxy.example"', ["prox: no option of httpx.Client; did you mean proxy?"]),
    ],
)
def test_wrong_factory_argument_is_one_line(pytester: pytest.Pytester, run: Run, call: str, words: list[str]) -> None:
    """A factory that is called wrongly says so in one line."""
    path = pytester.makepyfile(
        f"""
        def test_it(apiauth_client_factory):
            apiauth_client_factory({call}).get("/user/me")
        """
    )

    result = run(path.name)

    assert result.ret == 1
    told(result, *words)


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
