"""Bad input is one clear line: no traceback, no source line, no frame, whichever door it comes in by."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_apiauth.plugin.hooks import pytest_configure_node
from pytest_apiauth.plugin.run import STATE
from pytest_apiauth.scratch import scratch_folder
from tests.plugin.doors import CLIENT, EVERY_DOOR, NOBODY, TOKEN_API, write
from tests.plugin.projects import SMALL, Run, output, told


@pytest.fixture(autouse=True)
def _in_the_project(pytester: pytest.Pytester) -> None:
    """Be in the project's folder."""


# Profiles

WRONG_PROFILES = [
    ("unknown key", SMALL.replace("probe =", "prob ="), ["zones.user.prob: unknown key", "did you mean 'probe'?"]),
    ("unknown key at the top", f'base = "dastra"{SMALL}', ["base: unknown key"]),
    ("wrong type", SMALL.replace('needs = ["api_key"]', "needs = 7"), ["zones.user.needs: expected"]),
    ("no list", SMALL.replace('["api_key"]', '"api_key"'), ["zones.user.needs: expected a list, in brackets"]),
    ("no table", f"token = 3{SMALL}", ["token: expected a table"]),
    ("no text", SMALL.replace('"https://api.shop.example"', "7"), ['api_url: expected text, or { env = "NAME" }']),
    ("no reference", SMALL.replace('{ env = "SHOP_KEY" }', "7"), ['credentials.api_key: expected { env = "NAME" }']),
    ("variable", SMALL.replace("https://api.shop.example", "${X}"), ["api_url", 'URL: api_url = { env = "NAME" }']),
    ("variable below", f'token_url = "$X/token"{SMALL}', ["token_url", '{ env = "NAME" }, which a path here']),
    ("unknown kind", SMALL.replace('["api_key"]', '["api-key"]'), ["zones.user.needs", "'api_key'"]),
    ("literal secret", SMALL.replace('{ env = "SHOP_KEY" }', '"canary-1234"'), ["credentials.api_key", "env"]),
    ("schema missing", SMALL.replace("schema = 1", ""), ["schema: missing"]),
    ("schema unknown", SMALL.replace("schema = 1", "schema = 2"), ["schema: expected 1"]),
    ("not TOML", "schema = = 1", ["shop.apiauth.toml: not TOML", "line 1"]),
    ("unknown base", 'schema = 1\nextends = "jindex"', ["extends: no profile 'jindex'", "did you mean 'jindexe'?"]),
    ("cyclic extends", 'schema = 1\nextends = "shop.apiauth.toml"', ["extends: goes in a circle"]),
    ("plain http", SMALL.replace("https://", "http://"), ["api_url: http://api.shop.example", "use https"]),
    ("password in URL", SMALL.replace("https://", "https://me:canary-1234@"), ["api_url: a URL with a user name"]),
    ("no URL", SMALL.replace("https://api.shop.example", "shop"), ["api_url: expected an absolute http or https URL"]),
    ("key without a name", SMALL.replace("header =", 'in = "query"\nheader ='), ['api_key: in = "query" needs a name']),
    ("unknown grant", f"{SMALL}\n[grants.implicit]", ["grants.implicit"]),
    ("long number", f"refusal = [{'4' * 5000}]{SMALL}", ["shop.apiauth.toml: not TOML that can be read: a number"]),
    ("deep nesting", f"refusal = {'[' * 9000}", ["shop.apiauth.toml: not TOML that can be read: nested too deeply"]),
    ("much text", f"{SMALL}#{'x' * 1_000_000}", ["shop.apiauth.toml: cannot be read: larger than 1000 kB"]),
    ("long base", f'schema = 1\nextends = "{"x" * 5000}"', ["extends: no profile 'xxx", "…'"]),
    ("no IP address", SMALL.replace("api.shop.example", "127.0.0.999"), ["api_url: expected", "looks like an IP"]),
    ("no name", SMALL.replace("api.shop.example", "api..example"), ["api_url: expected", "whose host is no name"]),
    ("no port", SMALL.replace("api.shop.example", "api.shop.example:99999"), ["api_url: expected", "host or port"]),
    ("tab", SMALL.replace("api.shop.example", "api.\\tshop.example"), ["api_url: expected", "a control character"]),
    ("tab in a path", f'token_url = "/to\\tken"{SMALL}', ["token_url: expected", "a control character"]),
    ("escape", SMALL.replace("probe =", '"\\u001b[2Jprobe" ='), [r"zones.user.\x1b[2Jprobe: unknown key"]),
    ("many zones", SMALL + "".join(f'[zones.z{n}]\npath = "/z{n}/"\n' for n in range(500)), ["zones: 502 zones, exp"]),
]


@pytest.mark.parametrize(("text", "words"), [row[1:] for row in WRONG_PROFILES], ids=[row[0] for row in WRONG_PROFILES])
def test_wrong_profile_is_one_line(pytester: pytest.Pytester, run: Run, text: str, words: Sequence[str]) -> None:
    """A mistake in a profile is one line with file and key, from the file itself and from a fixture."""
    write(text)
    test = pytester.makepyfile(test_it=CLIENT).name

    result = run("shop.apiauth.toml", test, "--continue-on-collection-errors")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["errors"] == 2
    line = told(result, "shop.apiauth.toml: ", *words)
    assert result.outlines.count(line) == 2
    assert "canary" not in output(result)


@pytest.mark.parametrize("door", ["file", "option", "ini", "fixture"])
def test_all_mistakes_are_told_at_once(pytester: pytest.Pytester, run: Run, door: str) -> None:
    """Two mistakes are two lines, told at once."""
    write(SMALL.replace("probe =", "prob =").replace("header =", "heder ="))
    test = pytester.makepyfile(test_it=CLIENT).name
    if door == "ini":
        pytester.makeini("[pytest]\napiauth_profile = shop\n")

    result = run(*{"file": ["shop.apiauth.toml"], "option": [test, "--apiauth-profile=shop"]}.get(door, [test]))

    told(result, "zones.user.prob: unknown key (did you mean 'probe'?)")
    told(result, "zones.open.prob: unknown key (did you mean 'probe'?)")
    told(result, "api_key.heder: unknown key (did you mean 'header'?)")


@pytest.mark.parametrize("place", ['{ Env = "X" }', "{ env = 3 }", "{}"])
def test_table_in_the_place_of_a_text_is_one_line(pytester: pytest.Pytester, run: Run, place: str) -> None:
    """Where a table stands, that it is no text is not said beside what is wrong with the table."""
    write(SMALL.replace('"https://api.shop.example"', place))

    text = output(run(pytester.makepyfile(test_it=CLIENT).name))

    assert [line for line in text.splitlines() if line.startswith("shop.apiauth.toml: api_url")] != []
    assert len([line for line in text.splitlines() if line.startswith("shop.apiauth.toml: ")]) == 1
    assert "api_url: expected text" not in text


@pytest.mark.slow
def test_long_chain_of_bases_is_one_line(run: Run) -> None:
    """Profiles that build on each other without end are one line, however many there are."""
    for number in range(1500):
        write(f'schema = 1\nextends = "link{number + 1}.apiauth.toml"', f"link{number}")
    write(SMALL, "link1500")

    told(run("link0.apiauth.toml"), "link0.apiauth.toml: extends: more than 20 profiles")


def test_circle_over_two_files_is_one_line(run: Run) -> None:
    """Profiles that extend each other are one line that names the circle."""
    write('schema = 1\nextends = "b.apiauth.toml"', "a")
    write('schema = 1\nextends = "a.apiauth.toml"', "b")

    told(run("a.apiauth.toml"), "a.apiauth.toml -> b.apiauth.toml -> a.apiauth.toml")


def test_wrong_profile_does_not_hide_other_tests(pytester: pytest.Pytester, run: Run) -> None:
    """In a folder walk a wrong profile is an error of its own; other profiles are still collected."""
    write("schema = 2", "bad")
    write(SMALL, "good")
    pytester.makeini("[pytest]\napiauth_collect = all\n")

    result = run("--continue-on-collection-errors", "-k", "key-missing")

    told(result, "bad.apiauth.toml: schema: expected 1")
    assert result.parseoutcomes()["passed"] == 1


# Choosing a profile


@pytest.mark.parametrize("door", ["option", "ini", "mark"])
def test_unknown_profile_is_one_line(pytester: pytest.Pytester, run: Run, door: str) -> None:
    """An unknown name of a profile is one line with the nearest name and all known ones."""
    write(SMALL)
    mark = "import pytest\n@pytest.mark.apiauth('dastr')\n" if door == "mark" else ""
    test = pytester.makepyfile(test_it=mark + CLIENT).name
    if door == "ini":
        pytester.makeini("[pytest]\napiauth_profile = dastr\n")

    result = run(test, *(["--apiauth-profile=dastr"] if door == "option" else []))

    assert result.ret == (pytest.ExitCode.USAGE_ERROR if door == "option" else pytest.ExitCode.TESTS_FAILED)
    told(result, "no profile 'dastr'", "did you mean 'dastra'?", "dastra, digishare, jindexe, shop")


def test_several_profiles_and_none_chosen(pytester: pytest.Pytester, run: Run) -> None:
    """Several profiles, none of them in a folder above the test, and none chosen: one line that lists them."""
    for folder in ("less", "more"):
        pytester.mkdir(folder)
    write(SMALL, "less/shop")
    write(SMALL, "more/other")

    result = run(pytester.makepyfile(test_it=CLIENT).name)

    told(
        result, "several profiles and none chosen: less/shop.apiauth.toml, more/other.apiauth.toml", "--apiauth-profile"
    )


def test_no_profile_at_all(pytester: pytest.Pytester, run: Run) -> None:
    """No profile is one line that says how to choose one."""
    told(
        run(pytester.makepyfile(test_it=CLIENT).name), "no profile chosen and none under", "dastra", "NAME.apiauth.toml"
    )


@pytest.mark.parametrize(
    ("name", "meant"), [("tests/shop.toml", "shop.apiauth.toml"), ("apiauth.toml", "NAME.apiauth.toml")]
)
def test_profile_by_another_name_is_told(pytester: pytest.Pytester, run: Run, name: str, meant: str) -> None:
    """A file that reads like a profile and is not called so is named, with what to call it; others are not."""
    for other, text in {"other.toml": 'name = "x"', name: SMALL, "bytes.toml": "", ".hidden/more.toml": SMALL}.items():
        path = Path(other)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() or b"\xff\xfe")

    line = told(run(pytester.makepyfile(test_it=CLIENT).name), f"({name} reads like one: call it {meant})")

    assert not [other for other in ("other", "bytes", ".hidden") if f"{other}.toml" in line or f"{other}/" in line]


# Live runs


def test_unset_variable_is_one_line(pytester: pytest.Pytester, run: Run) -> None:
    """A live run whose variable is not set names profile, key and variable; nothing is sent."""
    write(TOKEN_API.replace("URL", NOBODY))

    result = run(pytester.makepyfile(test_it=EVERY_DOOR).name, "--apiauth-live")

    line = told(result, "shop: credentials.client_secret: environment variable SHOP_SECRET is not set")
    assert result.outlines.count(line) == 3


def test_empty_variable_is_told_to_be_there(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CI sets a variable to nothing for a secret that it does not have: the line says that it is empty."""
    monkeypatch.setenv("SHOP_SECRET", "")
    write(TOKEN_API.replace("URL", NOBODY))

    result = run(pytester.makepyfile(test_it=EVERY_DOOR).name, "--apiauth-live")

    assert told(result, "environment variable SHOP_SECRET is empty, as a CI sets one")


@pytest.mark.parametrize("variable", ["SHOP_URL", "SHOP_KEY"])
def test_variable_in_a_file_that_nothing_reads_is_told(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Where .env has the value and python-dotenv is not installed, the line says so; where it is, nothing is said."""
    values = {"SHOP_URL": NOBODY, "SHOP_KEY": "a key of tests"}
    Path(".env").write_text(f"OTHER=1\nexport {variable} = {values.pop(variable)!r}\n", encoding="utf-8")
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    write(SMALL.replace('"https://api.shop.example"', '{ env = "SHOP_URL" }'))
    file = pytester.makepyfile(test_it=CLIENT).name
    assert "is not set" not in output(run(file, "--apiauth-live"))

    # As it is where the package is not there.
    monkeypatch.setitem(sys.modules, "dotenv", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    line = told(run(file, "--apiauth-live"), f"environment variable {variable} is not set; .env has it")

    assert "pip install 'pytest-apiauth[dotenv]'" in line
    assert "a key of tests" not in line


def test_line_of_the_test_is_told(pytester: pytest.Pytester, run: Run) -> None:
    """Below a failure in one line stands which line of the test it came from: its own, not that of a helper."""
    write(SMALL)
    pytester.makepyfile(
        test_it="""
        import asyncio

        def ask(client):
            return client.get("https://other.example")

        def test_it(apiauth_client):
            apiauth_client.get("/user/me")
            ask(apiauth_client)

        def test_async(apiauth_async_client):
            async def main():
                await apiauth_async_client.get("https://other.example")
            asyncio.run(main())
        """
    )
    result = run("test_it.py", "-p", "no:randomly")

    pairs = itertools.pairwise(result.outlines)
    places = [after for line, after in pairs if line.startswith("shop: header ")]
    assert places == ["  at line 8 of test_it.py", "  at line 13 of test_it.py"]


def test_unset_variable_in_the_suite_is_one_line(run: Run) -> None:
    """The suite says the same, once, and runs nothing."""
    write(TOKEN_API.replace("URL", NOBODY))

    result = run("shop.apiauth.toml", "--apiauth-live", "-k", "resource")

    told(result, "credentials.client_secret: environment variable SHOP_SECRET is not set")
    assert result.parseoutcomes()["errors"] == 1


def test_unready_profile_is_named_once(run: Run) -> None:
    """The line that says why nothing can be examined names the profile once."""
    write(TOKEN_API.replace("URL", NOBODY))

    result = run("shop.apiauth.toml", "--apiauth-live", "-k", "res-garbage-token")

    assert "shop: credentials.client_secret: environment variable SHOP_SECRET is not set" in result.outlines


@pytest.mark.parametrize("door", ["file", "fixture"])
def test_profile_without_a_host_cannot_be_live(pytester: pytest.Pytester, run: Run, door: str) -> None:
    """Jindexe's document names no host, so a live run asks for one, in one line."""
    write('schema = 1\nextends = "jindexe"')
    test = pytester.makepyfile(test_it=CLIENT).name

    result = run("shop.apiauth.toml" if door == "file" else test, "--apiauth-live")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, "shop: api_url: the document names no host", "extends this one")


def test_host_of_a_variable_must_not_be_plain(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL that comes out of a variable is held to HTTPS like one that is written out."""
    monkeypatch.setenv("SHOP_URL", "http://api.shop.example")
    write(SMALL.replace('"https://api.shop.example"', '{ env = "SHOP_URL" }'))

    result = run(pytester.makepyfile(test_it=CLIENT).name, "--apiauth-live")

    told(result, "api_url: http://api.shop.example would send credentials in clear")


URLS = [
    "shop", "https://", "ftp://api.shop.example", "https://me:canary-1234@a.example", "https://127.0.0.1\t:9",
    "https://127.0.0.999", "https://[::1", "https://a.example:99999", "https://a.example\n.evil.example",
]  # fmt: skip


@pytest.mark.parametrize("door", ["file", "fixture"])
@pytest.mark.parametrize("url", URLS)
def test_host_of_a_variable_must_be_a_url(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, url: str, door: str
) -> None:
    """A variable that holds no usable URL is one line that names profile, key and variable, and not its value."""
    monkeypatch.setenv("SHOP_URL", url)
    monkeypatch.setenv("SHOP_KEY", "key-of-the-shop")
    write(SMALL.replace('"https://api.shop.example"', '{ env = "SHOP_URL" }'))
    test = pytester.makepyfile(test_it=CLIENT).name

    result = run("shop.apiauth.toml" if door == "file" else test, "--apiauth-live", "-k", "key-missing or test_it")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, "shop: environment variable SHOP_URL: api_url: ")
    assert "canary" not in output(result)


@pytest.mark.parametrize("door", ["file", "fixture"])
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_credential_that_is_no_text_is_one_line(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, door: str, place: str
) -> None:
    """A key, or a .env, with bytes that are no UTF-8 is one line that says where they stand."""
    value = b"key-\xe9\xff-of-the-shop"
    if place == "environment":
        monkeypatch.setenv("SHOP_KEY", os.fsdecode(value))
    else:
        monkeypatch.delenv("SHOP_KEY", raising=False)
        (pytester.path / ".env").write_bytes(b"SHOP_KEY=" + value)
    write(SMALL.replace("https://api.shop.example", NOBODY))
    test = pytester.makepyfile(test_it=CLIENT).name

    result = run("shop.apiauth.toml" if door == "file" else test, "--apiauth-live", "-k", "key-missing or test_it")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, "shop: credentials.api_key: " if place == "environment" else ".env", "text in UTF-8")
    assert "of-the-shop" not in output(result)


# Options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--apiauth-examples=0"], ["--apiauth-examples: expected a positive number, got 0"]),
        (["--apiauth-examples=many"], ["--apiauth-examples", "invalid int value: 'many'"]),
        (["--apiauth-http=requests"], ["--apiauth-http", "'requests'", "httpx"]),
        (["--apiauth-allow=delete"], ["--apiauth-allow: no safety class 'delete'", "consume, revoke, lockout, load"]),
        (["--apiauth-report=out.xml"], ["--apiauth-report: 'out.xml' should end with"]),
        (["--apiauth-report=out"], ["--apiauth-report: 'out' should end with"]),
        (["--apiauth-variant=jwt-token"], ["no variant is called 'jwt-token'", "did you mean 'jwt-tokens'?"]),
        (["--apiauth-fault=xyzzy"], ["no fault is called 'xyzzy'"]),
        (["--apiauth-live", "--apiauth-variant=jwt-tokens"], ["--apiauth-variant", "embedded server"]),
        (["-o", "apiauth_http=requests"], ["apiauth_http: expected httpx or httpx2, got 'requests'"]),
        (["-o", "apiauth_collect=some"], ["apiauth_collect: expected one of none, servers, all"]),
        (["--apiauth-profile=nowhere/x.apiauth.toml"], ["--apiauth-profile: no profile 'nowhere/x.apiauth.toml'"]),
        (["--apiauth-profile=\x1b[2J"], [r"--apiauth-profile: no profile '[2J'"]),
        ([f"--apiauth-profile={'x' * 100_000}"], ["--apiauth-profile: no profile 'xxx", "…'"]),
        (["nowhere.apiauth.toml"], ["file or directory not found: nowhere.apiauth.toml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and value[0].startswith("-") else "",
)
def test_bad_option_is_one_line(run: Run, options: list[str], words: list[str]) -> None:
    """A bad value of an option or ini key is a usage error of one line, before anything runs."""
    result = run(*options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told(result, *words)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("file/report.json", ""),
        ("folder.json", "Is a directory"),
        pytest.param(
            "full.json",
            "No space left on device",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device here that is always full"),
        ),
    ],
)
def test_report_that_cannot_be_written_is_one_line(run: Run, file: str, why: str) -> None:
    """A file where a folder should be, a folder where the file should be, a disk that is full: a line, and a red run.

    Whoever is root may write anywhere: a folder without that right is the same error.
    """
    write(SMALL)
    Path("file").write_text("")
    Path("folder.json").mkdir()
    Path("full.json").symlink_to("/dev/full")

    result = run("shop.apiauth.toml", "-k", "key-missing", f"--apiauth-report={file}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, file, "cannot be written", why)


def test_workers_without_a_folder_to_share_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run by several workers that has no place for temporary files does not begin."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    opened = contextlib.ExitStack()
    run = types.SimpleNamespace(seed=1, shared_folder=lambda: opened.enter_context(scratch_folder()))
    node = types.SimpleNamespace(config=types.SimpleNamespace(stash={STATE: run}), workerinput={})

    with pytest.raises(pytest.UsageError, match="no folder for what workers share: No such file or directory"):
        pytest_configure_node(node)
