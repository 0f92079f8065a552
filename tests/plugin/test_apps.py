"""A profile that names an app: what runs where, who supplies credentials, and what a mistake is told as."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.here import USUAL, needs
from tests.plugin.app_projects import APP, BROKEN, CONFTEST, KEY, PROFILE, report, rule, write
from tests.plugin.projects import Run, output, told

pytestmark = pytest.mark.slow  # a run of pytest each

# What runs where


def test_a_folder_walk_examines_the_app(project: Path, run: Run) -> None:
    """The suite and the ordinary tests meet one app, started once and shut down once, with the project's key."""
    result = run("--apiauth-report=report.json")

    text = output(result)
    assert result.ret == pytest.ExitCode.OK, text
    assert "apiauth: shop in this process: shop.main:app" in text
    assert "says nothing about the real API" not in text
    assert (report(project)["target"], report(project)["url"]) == ("app", "https://api.shop.example")
    assert rule(project, "zone-truth-table")["verdict"] == "pass"
    assert "test_it.py ...s" in text
    assert (project / "lifespan.txt").read_text(encoding="utf-8") == "startup shutdown "
    assert KEY not in text + json.dumps(report(project))


def test_a_named_neighbour_is_alone(project: Path, run: Run) -> None:
    """Where another file of the folder is named, the profile is not collected."""
    result = run("tests/test_it.py", "--collect-only", "-q")

    assert "shop.apiauth.toml" not in output(result)


@pytest.mark.parametrize("asked", ["--apiauth-variant=refusal-problem", "--apiauth-wire"])
def test_the_embedded_server_on_request(project: Path, run: Run, asked: str) -> None:
    """Options of the embedded server take the profile there, without app or credentials."""
    run("tests/shop.apiauth.toml", "-k", "zone-truth-table", asked, "--apiauth-report=report.json")

    assert report(project)["target"] == "embedded"
    assert not (project / "lifespan.txt").exists()


def test_workers_each_have_their_app(project: Path, run: Run) -> None:
    """With two workers every verdict is as without."""
    run("tests/shop.apiauth.toml", "--apiauth-report=report.json", "--hypothesis-seed=0")
    alone = {rule["id"]: rule["verdict"] for rule in report(project)["rules"]}

    result = run("tests/shop.apiauth.toml", "-n", "2", "--apiauth-report=report.json", "--hypothesis-seed=0")

    assert result.ret == pytest.ExitCode.OK, output(result)
    assert {rule["id"]: rule["verdict"] for rule in report(project)["rules"]} == alone


@pytest.mark.parametrize("of", [pytest.param("respx_mock", marks=needs("respx")), "vcr"])
def test_a_cassette_does_not_get_hold_of_the_app(project: Path, pytester: pytest.Pytester, of: str) -> None:
    """Under vcr and respx the clients still meet the app."""
    mark = "@pytest.mark.vcr" if of == "vcr" else f"@pytest.mark.usefixtures({of!r})"
    source = f"""
        import pytest
        {mark}
        def test_it(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
    """
    pytester.makepyfile(**{"tests/test_it": source})

    result = pytester.runpytest_subprocess("tests/test_it.py", "-p", "no:randomly")

    result.assert_outcomes(passed=1)


def test_an_unprotected_app_fails_with_curl(project: Path, run: Run) -> None:
    """Where the app lets everybody in, the counterexample is a curl line."""
    main = project / "shop" / "main.py"
    main.write_text(main.read_text(encoding="utf-8").replace("good = ", "good = True or "), encoding="utf-8")

    result = run("tests/shop.apiauth.toml", "-k", "key-missing")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert told(result, "request", "curl -i", "'https://api.shop.example/user/me'")


def test_an_exception_of_the_app_is_named(project: Path, run: Run) -> None:
    """A server error comes with the exception behind it and its place, without a traceback."""
    main = project / "shop" / "main.py"
    wrong = 'if not keys: raise KeyError("x")\n    known ='
    main.write_text(main.read_text(encoding="utf-8").replace("known =", wrong, 1), encoding="utf-8")

    result = run("tests/shop.apiauth.toml", "-k", "invalid-never-5xx or key-missing")

    text = output(result)
    assert "500 Internal Server Error (text/plain): KeyError (shop/main.py, line " in text
    assert "Traceback" not in text


def test_an_exception_of_the_app_is_logged_for_an_ordinary_test(project: Path, run: Run) -> None:
    """A test of the project's that fails on a server error has the app's traceback in its captured log."""
    main = project / "shop" / "main.py"
    main.write_text(
        main.read_text(encoding="utf-8").replace("known =", "raise KeyError\n    known =", 1), encoding="utf-8"
    )

    text = output(run("tests/test_it.py", "-k", "sync"))

    assert "500 == 200" in text
    assert "Exception in the app" in text
    assert "main.py" in text.partition("Captured log call")[2]


def test_what_the_app_logs_is_for_whoever_asks(project: Path, run: Run) -> None:
    """What is logged for hundreds of refusals does not bury the finding; with -vv it is there."""
    main = project / "shop" / "main.py"
    text = main.read_text(encoding="utf-8").replace("good = ", "good = True or ")
    text = text.replace("    known =", "    logging.getLogger('shop').error('a line of the app')\n    known =")
    main.write_text(f"import logging\n{text}", encoding="utf-8")

    assert "a line of the app" not in output(run("tests/shop.apiauth.toml", "-k", BROKEN))
    assert "a line of the app" in output(run("tests/shop.apiauth.toml", "-k", BROKEN, "-vv"))


# Credentials


def test_an_override_beside_the_profile(project: Path, run: Run) -> None:
    """Each folder's profile has the credentials of its own conftest.py."""
    other = project / "other"
    other.mkdir()
    text = PROFILE.replace("shop.main", "shop.second")
    (other / "second.apiauth.toml").write_text(text, encoding="utf-8")
    (other / "conftest.py").write_text(CONFTEST.replace(KEY, "another-key-5678"), encoding="utf-8")
    (project / "shop" / "second.py").write_text(APP.replace(KEY, "another-key-5678"), encoding="utf-8")

    result = run("other/second.apiauth.toml", "tests/shop.apiauth.toml", "-k", "zone-truth-table")

    result.assert_outcomes(passed=2)


def test_the_app_is_shut_down_before_its_credentials_go(project: Path, run: Run) -> None:
    """What the project's fixture takes back at the end, a database say, is there as long as the app is."""
    gone = '\n    open("lifespan.txt", "a").write("gone")\n'
    text = CONFTEST.replace("return", "yield").rstrip() + gone
    (project / "tests" / "conftest.py").write_text(text, encoding="utf-8")

    run("tests/test_it.py", "tests/shop.apiauth.toml", "-k", f"sync or {BROKEN}", "-W", "ignore::ResourceWarning")

    assert (project / "lifespan.txt").read_text(encoding="utf-8") == "startup shutdown gone"


def test_without_an_override_the_environment_counts(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the project does not give comes from where the profile says."""
    (project / "tests" / "conftest.py").unlink()

    result = run("tests/test_it.py")
    assert told(result, "shop: credentials.api_key: environment variable SHOP_KEY is not set")

    monkeypatch.setenv("SHOP_KEY", KEY)
    result = run("tests/test_it.py", "tests/shop.apiauth.toml")
    assert result.ret == pytest.ExitCode.OK, output(result)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('{"api_kye": "x"}', ["apiauth_credentials: the profile has no 'api_kye' (did you mean 'api_key'?)"]),
        ('{"users.second.password": "x"}', ["apiauth_credentials: the profile has no 'users.second.password'"]),
        ('{"api_key": 7}', ["apiauth_credentials: api_key: expected text, got int"]),
        ('{"api_key": ""}', ["apiauth_credentials: api_key: expected text, got an empty one"]),
        ('["x"]', ["apiauth_credentials: expected a mapping by profile key", "got list"]),
    ],
)
def test_wrong_credentials_are_one_line(project: Path, run: Run, given: str, words: list[str]) -> None:
    """A name that the profile has not, or a value that is no text, is told in one line, once."""
    (project / "tests" / "conftest.py").write_text(
        f"import pytest\n@pytest.fixture(scope='session')\ndef apiauth_credentials():\n    return {given}\n",
        encoding="utf-8",
    )

    result = run("tests/shop.apiauth.toml", "-k", "zones")

    assert told(result, "shop: ", *words)
    assert result.parseoutcomes()["errors"] == 1


def test_an_async_fixture_stops_the_profile_once(project: Path, pytester: pytest.Pytester) -> None:
    """A fixture that pytest refuses, or never awaits, is told once too."""
    conftest = project / "tests" / "conftest.py"
    conftest.write_text(CONFTEST.replace("def ", "async def "), encoding="utf-8")

    result = pytester.runpytest_subprocess("tests/shop.apiauth.toml", "-k", "zones")

    assert result.parseoutcomes()["errors"] == 1


def test_a_credential_that_nobody_gives_is_told(project: Path, run: Run) -> None:
    """Where neither profile nor project has a key, the line says where it may come from."""
    (project / "tests" / "conftest.py").unlink()
    path = project / "tests" / "shop.apiauth.toml"
    path.write_text(PROFILE.replace('api_key = { env = "SHOP_KEY" }', ""), encoding="utf-8")

    result = run("tests/shop.apiauth.toml", "-k", "zones")

    assert told(result, "shop: the profile has no api key; give it in apiauth_credentials or [credentials]")


def test_credentials_that_raise_stop_the_profile_once(project: Path, run: Run) -> None:
    """An error of the project's own fixture is shown once, with its place; the other rules are not run."""
    (project / "tests" / "conftest.py").write_text(
        CONFTEST.replace("return", "raise OSError('no database')  #"),
        encoding="utf-8",
    )

    result = run("tests/shop.apiauth.toml", "-rs", "-k", "zones")

    text = output(result)
    assert result.parseoutcomes()["errors"] == 1
    assert text.count("OSError: no database") <= 2
    assert "not run: shop: apiauth_credentials, or a fixture before it, failed: OSError" in text


def test_given_values_come_before_the_profile_s_own(project: Path, run: Run) -> None:
    """A value that the profile spells out, or takes from the environment, gives way to the project's."""
    table = '[credentials]\nusername = "nobody"\n[users.second]\nusername = "bob"\n'
    path = project / "tests" / "shop.apiauth.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("[credentials]\n", table), encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace('[users.second]\nusername = "bob"\napi_key', "api_key")
    path.write_text(text + '[users.second]\nusername = "bob"\n', encoding="utf-8")
    (project / "tests" / "conftest.py").write_text(
        f"""
import pytest
@pytest.fixture(scope="session")
def apiauth_credentials():
    return {{"api_key": "{KEY}", "username": "alice", "password": "one-password",
            "users": {{"second": {{"password": "two-password"}}}}}}
""",
        encoding="utf-8",
    )
    (project / "tests" / "test_it.py").write_text(
        """
def test_it(apiauth_client_factory, _apiauth_clients):
    identities = _apiauth_clients.target.identities
    assert (identities.user().username, identities.user("second").username) == ("alice", "bob")
    assert identities.user("second").password.reveal() == "two-password"
    print("one-password two-password")
    assert False
""",
        encoding="utf-8",
    )

    result = run("tests/test_it.py")

    assert "[apiauth:shop.credentials.password] [apiauth:shop.users.second.password]" in output(result)


# Mistakes


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("shop.min:app", ["app: no module 'shop.min' under", "pythonpath"]),
        ("shop.main:ap", ["app: shop.main has no attribute 'ap' (did you mean 'app'?)"]),
        ("shop.main:KEY", ["app: shop.main:KEY is a str, not an app"]),
        ("shop.broken:app", ["app: importing shop.broken failed: ZeroDivisionError", "(shop/broken.py, line 1)"]),
        ("shop.main:advance", ["app: shop.main:advance gives a function", "an ASGI app takes (scope, receive, send)"]),
        ("shop.failing:app", ["app: the app's startup failed: no database"]),
        ("shop.failing:make(x)", ["app: the arguments in shop.failing:make(x) should be literals"]),
        ("shop.failing:make(1)", ["app: shop.failing:make(1) failed: TypeError"]),
    ],
)
def test_a_wrong_app_is_one_line(project: Path, run: Run, app: str, words: list[str]) -> None:
    """What is wrong with an app is told in one line that names profile and key, once for the whole suite."""
    (project / "shop" / "broken.py").write_text("1 / 0", encoding="utf-8")
    (project / "shop" / "failing.py").write_text(
        """
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "Traceback\\n  line\\nno database"})
def make():
    return app
""",
        encoding="utf-8",
    )
    write(project, app=f'app = "{app}"')

    result = run("tests/shop.apiauth.toml", "-k", "zones")

    assert told(result, "shop: ", *words)
    assert result.parseoutcomes()["errors"] == 1


def test_an_app_that_fails_on_a_valid_request_says_where(project: Path, run: Run) -> None:
    """The line about the valid request names the exception, its file and its line; the message may hold a secret."""
    (project / "shop" / "failing.py").write_text(
        "def app(environ, start_response):\n    raise ValueError('a secret')\n"
    )
    write(project, app='app = "shop.failing:app"')

    result = run("tests/shop.apiauth.toml", "-k", "zones")

    line = told(result, "shop: the valid ", "answered with 500", ": ValueError (shop/failing.py, line 2)")
    assert "a secret" not in line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('app = "shop.main"', ['app: expected "module:app" or "module:create_app()"', "'shop.main'"]),
        ("app = 7", ["app: expected"]),
        ('app = { "api.shop.example" = "shop.main:app" }', ['app."api.shop.example": expected an origin such as']),
        ('app = { "https://api.shop.exampel" = "shop.main:app" }',
         ['app."https://api.shop.exampel": the profile has no such origin', "did you mean 'https://api.shop.example'"]),
    ],
)  # fmt: skip
def test_a_wrong_key_is_one_line(project: Path, run: Run, line: str, words: list[str]) -> None:
    """The key itself is checked with the profile."""
    write(project, app=line)

    result = run("tests/shop.apiauth.toml", "-k", "zones")

    assert told(result, *words)


# Origins


def test_a_table_gives_each_origin_its_app(project: Path, run: Run) -> None:
    """Each origin of the profile goes to the app that the table names for it; one app takes them all by itself."""
    (project / "shop" / "tokens.py").write_text(
        """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    assert (environ["HTTP_HOST"], environ["wsgi.url_scheme"]) == ("login.shop.example", "https")
    return [b'{"access_token": "token-of-the-other-app", "token_type": "Bearer"}']
""",
        encoding="utf-8",
    )
    table = 'app = { "https://api.shop.example" = "shop.main:app", "https://login.shop.example" = "shop.tokens:app" }'
    grant = '\n[token]\nclient_auth = "none"\n[grants.client_credentials]\n'
    write(project, grant, app=f'{table}\ntoken_url = "https://login.shop.example/token"')
    (project / "tests" / "test_it.py").write_text(
        """
def test_it(apiauth_client, apiauth_token):
    assert apiauth_client.get("/user/me").status_code == 200
    assert apiauth_token.access_token.reveal() == "token-of-the-other-app"
""",
        encoding="utf-8",
    )

    run("tests/test_it.py").assert_outcomes(passed=1)


# Time


def test_a_callable_moves_the_clock(project: Path, run: Run) -> None:
    """Only a run of the app calls it; what it raises is one line."""
    from pytest_apiauth.credentials.secrets import Redactor
    from pytest_apiauth.errors import UnreachableError
    from pytest_apiauth.profile.loading import load
    from pytest_apiauth.targets.app import AppTarget
    from pytest_apiauth.targets.apps import Loop

    write(project, '[clock]\ncallable = "shop.main:advance"\n')
    profile = load(project / "tests" / "shop.apiauth.toml")
    loop = Loop()
    target = AppTarget.build(profile, loop=loop, credentials={}, redactor=Redactor(), library=USUAL, root=project)
    try:
        assert target.can_move_clock
        target.advance(90)
        import shop.main as main  # type: ignore[import-not-found]

        assert main.OFFSET == 90
        main.advance = lambda seconds: 1 / 0
        with pytest.raises(UnreachableError, match=r"shop: clock.callable: shop.main:advance\(5\) failed: ZeroDiv"):
            target.advance(5)
    finally:
        target.close()
        loop.close()


def test_a_failing_shutdown_is_one_line(project: Path, run: Run) -> None:
    """What goes wrong when the app is shut down fails the run, in one line."""
    main = project / "shop" / "main.py"
    text = main.read_text(encoding="utf-8").replace(
        'await send({"type": f"lifespan.{part}.complete"})',
        'ended = "complete" if part == "startup" else "failed"\n'
        '            await send({"type": f"lifespan.{part}.{ended}", "message": "lost"})',
    )
    main.write_text(text, encoding="utf-8")

    result = run("tests/shop.apiauth.toml", "-k", BROKEN)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert told(result, "shop: app: the app's shutdown failed: lost")


def test_what_an_app_logs_of_edited_keys_is_hidden(project: Path, run: Run) -> None:
    """The near misses that a rule sends are in nothing that a run prints, though the app logs what it gets."""
    main = project / "shop" / "main.py"
    logging = "    import logging\n    logging.getLogger('shop').warning('unknown key %s', keys)\n    good = "
    main.write_text(main.read_text(encoding="utf-8").replace("    good = ", logging), encoding="utf-8")

    text = output(run("tests/shop.apiauth.toml", "-k", "key-bad", "-o", "log_cli=true"))

    assert text.count("unknown key") > len(KEY)
    edited = (KEY[::-1], KEY.upper(), KEY.swapcase(), KEY[:-1], f"{KEY[:9]}{KEY[10:]}", f"O{KEY[1:]}", f"E{KEY[1:]}")
    assert [each for each in (KEY, *edited) if each in text] == []
