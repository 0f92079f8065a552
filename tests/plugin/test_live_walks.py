"""What a live run examines, and where it says that it goes: a client's tests do not examine somebody else's API."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.plugin import collecting
from pytest_apiauth.profile.finding import SUFFIX
from tests.plugin.projects import SMALL, Run, output, served
from tests.test_readme import BLOCKS, block

pytestmark = pytest.mark.slow  # a run of pytest each

OWN = f"examine = true\n{SMALL}"
CHILD = 'schema = 1\nextends = "own.apiauth.toml"\n'
APP = f'app = "shop:app"\n{SMALL}'
LIVE = 'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n'
TEST = """
def test_me(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200
"""


@pytest.fixture
def profiles(pytester: pytest.Pytester) -> None:
    """Write profiles of every kind, and a test beside them."""
    for name, text in {"client": SMALL, "own": OWN, "child": CHILD, "app": APP}.items():
        (pytester.path / f"{name}.apiauth.toml").write_text(text, encoding="utf-8")
    pytester.makepyfile(test_it="def test_it(): pass")


def collected(result: pytest.RunResult) -> dict[str, set[str]]:
    """Give the rules that are collected, by profile."""
    found: dict[str, set[str]] = {}
    for line in result.outlines:
        file, _, rest = line.partition(".apiauth.toml::")
        if rest:
            found.setdefault(file, set()).add(rest.rpartition("::")[2].partition("[")[0])
    return found


# What is examined


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize(
    ("walk", "live", "expected"),
    [
        ("servers", True, {"own"}),
        ("all", True, {"own"}),
        ("none", True, set()),
        ("servers", False, {"app"}),
        ("all", False, {"client", "own", "child", "app"}),
        ("none", False, set()),
    ],
)
def test_walk_examines_what_asks_for_it(
    pytester: pytest.Pytester, run: Run, walk: str, live: bool, expected: set[str]
) -> None:
    """A live walk examines what itself says examine = true, one that is not an app; the ini may let it do less."""
    pytester.makeini(f"[pytest]\napiauth_collect = {walk}\n")

    result = run("--collect-only", "-q", *(["--apiauth-live"] if live else []))

    assert set(collected(result)) == expected
    assert "test_it.py::test_it" in output(result)


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("walk", ["none", "servers"])
@pytest.mark.parametrize("name", ["client", "child", "app"])
def test_named_file_is_examined_live(pytester: pytest.Pytester, run: Run, name: str, walk: str) -> None:
    """Who names a file means it."""
    pytester.makeini(f"[pytest]\napiauth_collect = {walk}\n")

    found = collected(run(f"{name}.apiauth.toml", "--collect-only", "-q", "--apiauth-live"))

    assert set(found) == {name}
    assert len(found[name]) > 100


@pytest.mark.usefixtures("profiles")
def test_smoke_is_of_every_profile_and_of_no_more_rules(run: Run) -> None:
    """Who asks for the smoke rules of a folder gets those of all profiles, and others only of what asks for them."""
    words = ("--collect-only", "-q", "--apiauth-live", "-m")
    smoke = collected(run(*words, "apiauth_smoke"))
    either = collected(run(*words, "apiauth_smoke or apiauth_wire"))
    neither = collected(run(*words, "not (apiauth_smoke or apiauth_wire)"))

    assert set(smoke) == {"client", "own", "child", "app"}
    assert all(rules <= bundled.smoke() for rules in smoke.values())
    assert either["client"] == smoke["client"]
    assert either["own"] > smoke["own"]
    assert set(neither) == {"own"}


def test_folder_of_the_suite_is_examined_where_it_is_named(run: Run) -> None:
    """The built-in profiles say nothing of examining; who names the suite's own folder means them all the same."""
    found = collected(run(str(bundled.folder()), "--collect-only", "-q", "--apiauth-live"))

    assert {name.rpartition("/")[2] for name in found} == {"dastra", "digishare", "jindexe"}


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 5000, "schema = = 1", ""])
@pytest.mark.parametrize("options", [[], ["--apiauth-live"]], ids=["offline", "live"])
def test_walk_does_not_stumble_over_a_broken_profile(
    pytester: pytest.Pytester, run: Run, text: str, options: list[str]
) -> None:
    """What cannot be read asks for nothing, and other tests run."""
    (pytester.path / "broken.apiauth.toml").write_text(text, encoding="utf-8")
    pytester.makepyfile("def test_it(): pass")

    run(*options).assert_outcomes(passed=1)


@pytest.mark.parametrize("count", [1, 2, 1200])
def test_chain_that_does_not_end_names_no_app(pytester: pytest.Pytester, count: int) -> None:
    """Profiles that extend each other in a circle, or without end, ask for nothing; no file is read over and over."""
    for number in range(count):
        path = pytester.path / f"p{number}.apiauth.toml"
        path.write_text(f'schema = 1\nextends = "p{(number + 1) % count}.apiauth.toml"\n', encoding="utf-8")

    assert not collecting.names_app(pytester.path / "p0.apiauth.toml")


def test_client_tests_send_only_their_own_requests(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """A live run of a folder of tests asks the API what the tests ask it, and nothing more."""
    with served("jindexe") as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url=url), encoding="utf-8")
        pytester.makepyfile(TEST)
        run("--apiauth-live").assert_outcomes(passed=1)

    assert [request.path for request in server.requests] == ["/public/token", "/user/me"]


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize("options", [[], pytest.param(["-n", "1"], marks=pytest.mark.slow)])
def test_what_is_left_alone_is_named(pytester: pytest.Pytester, run: Run, options: list[str]) -> None:
    """A live run of a folder names the profiles in it that it does not examine, so that nobody takes it for granted."""
    (pytester.path / "own.apiauth.toml").unlink()
    (pytester.path / "child.apiauth.toml").unlink()

    result = pytester.runpytest_subprocess("--apiauth-live", *options) if options else run("--apiauth-live")

    result.assert_outcomes(passed=1)
    line = "apiauth: not examined: app.apiauth.toml, client.apiauth.toml; name a profile for that, or let it say"
    assert [text for text in result.outlines if text.startswith(line)]


def test_nightly_line_of_the_readme_examines_what_it_means_to(pytester: pytest.Pytester, run: Run) -> None:
    """The line that the page of live runs gives to nightly jobs runs the smoke rules of each of its profiles."""
    names = [name for kind, name in BLOCKS if kind == "file" and name.startswith("tests/") and name.endswith(SUFFIX)]
    for name in names:
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block("file", name), encoding="utf-8")
    line = next(line for line in block("run", "platform").splitlines() if "apiauth_smoke" in line)
    python, module, pytest_, *words = shlex.split(line)

    found = collected(run(*words, "--collect-only", "-q"))
    walked = collected(run("tests", "--apiauth-live", "--collect-only", "-q"))

    assert (python, module, pytest_) == ("python", "-m", "pytest")
    assert found.keys() == {name.removesuffix(SUFFIX) for name in names} >= {"tests/shop", "tests/mine"}
    assert all(rules <= bundled.smoke() for rules in found.values())
    assert set(walked) == {"tests/mine"}


# Where it goes


BY_FIXTURE = TEST
BY_NAME = """
def test_before():
    pass

def test_me(request):
    client = request.getfixturevalue("apiauth_client")
    assert client.get("/user/me").status_code == 200
"""
SILENT = """
import pytest

@pytest.mark.apiauth("other")
def test_nothing(apiauth_client):
    pass
"""


@pytest.mark.parametrize(
    ("source", "options", "process"),
    [
        (BY_FIXTURE, [], "inprocess"),
        (BY_FIXTURE, ["-q"], "inprocess"),
        (BY_NAME, [], "inprocess"),
        pytest.param(BY_NAME, ["-q"], "subprocess", marks=pytest.mark.slow),
        pytest.param(BY_FIXTURE, ["-n", "1", "-v"], "subprocess", marks=pytest.mark.slow),
    ],
)
def test_each_url_is_said_before_the_first_request(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
    source: str,
    options: list[str],
    process: str,
) -> None:
    """Where only a file of tests is named, too, a live run says where it goes, how fast, and how much at most."""
    with served("jindexe") as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        (pytester.path / "shop.apiauth.toml").write_text(LIVE.format(url=url), encoding="utf-8")
        (pytester.path / "other.apiauth.toml").write_text(SMALL, encoding="utf-8")
        pytester.makeini("[pytest]\napiauth_profile = shop\n")
        pytester.makepyfile(test_it=source)
        words = ("test_it.py", "--apiauth-live", "--apiauth-rate=50", "--apiauth-max-requests=99", *options)
        result = run(*words) if process == "inprocess" else pytester.runpytest_subprocess("-p", "no:randomly", *words)

    result.assert_outcomes(passed=source.count("def "))
    line = f"apiauth: shop.apiauth.toml: about to send requests to {url}: at most 50 a second, 99 in all"
    assert result.outlines.count(line) == 1
    verdict = next(i for i, text in enumerate(result.outlines) if "PASSED" in text or text.endswith("[100%]"))
    assert result.outlines.index(line) < verdict


def test_urls_of_all_profiles_are_said_and_of_no_other(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Each profile that some test's client is for has a line; one that no test uses, and an offline run, have none."""
    monkeypatch.setenv("SHOP_KEY", "a key of canaries")
    for name in ("shop", "other", "unused"):
        text = SMALL.replace("api.shop", name)
        Path(f"{name}.apiauth.toml").write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]\napiauth_profile = shop\n")
    pytester.makepyfile(test_it=f"def test_it(apiauth_client): pass\n{SILENT}\ndef test_plain(): pass")

    live, offline = run("test_it.py", "--apiauth-live"), run("test_it.py")

    lines = [line for line in live.outlines if "about to send" in line]
    assert [line.partition(": at most")[0] for line in lines] == [
        f"apiauth: {name}.apiauth.toml: about to send requests to https://{name}.example" for name in ("shop", "other")
    ]
    assert "about to send" not in output(offline)
