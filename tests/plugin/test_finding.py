"""Which profile a test uses: what its name, its place and the project's folders say."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.__main__ import main
from tests.plugin.projects import SMALL, Run, told


def write(name: str, text: str = SMALL) -> Path:
    """Write a profile, with its folders; a small one, of a URL that tells where it lies, where nothing is said."""
    path = Path(f"{name}.apiauth.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace("api.shop.example", url_of(name).removeprefix("https://")), encoding="utf-8")
    return path


def url_of(name: str) -> str:
    """Give the URL of a profile that `write` has written."""
    return f"https://{name.replace('/', '-')}.example"


def uses(name: str | None, found: str) -> str:
    """Give a test that names a profile, or none, and finds one."""
    mark = "" if name is None else f"@pytest.mark.apiauth({name!r})\n"
    test = f"def test_it(apiauth_client):\n    assert apiauth_client.base_url == {url_of(found)!r}\n"
    return f"import pytest\n\n{mark}{test}"


def write_test(folder: str, source: str) -> str:
    """Write a file of tests into a folder."""
    path = Path(folder, f"test_{folder.replace('/', '_')}.py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return str(path)


# In which folders


def test_root_that_is_an_accident_is_not_walked(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the root folder is only what the paths have in common, a home folder say, the rest of it is left alone."""
    write("project/tests/shop")
    test = write_test("project/tests/deep", uses(None, "project/tests/shop"))
    pytester.mkdir("somewhere")
    other = str(write("other/crm").parent.absolute())
    walked: list[str] = []
    scandir = os.scandir

    def seen(path: str) -> Any:
        walked.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", seen)
    monkeypatch.chdir("somewhere")

    result = pytester.runpytest_inprocess(f"../{test}", "-p", "no:randomly", "-p", "no:cov")

    result.assert_outcomes(passed=1)
    assert result.stdout.str().count(f"rootdir: {pytester.path}\n") == 1
    assert not [path for path in walked if path.startswith(other)]


# By name


STAGING = """
schema = 1
extends = "dastra"
api_url = "https://staging.dastra.example"
"""


@pytest.mark.parametrize("way", ["mark", "option", "ini", "unasked"])
def test_own_profile_comes_before_a_built_in_one(pytester: pytest.Pytester, run: Run, way: str) -> None:
    """A project's own dastra.apiauth.toml is what "dastra" means there; in itself, the word is the built-in one."""
    write("tests/dastra", STAGING)
    pytester.makeini("[pytest]\n" + ("apiauth_profile = dastra\n" if way == "ini" else ""))
    mark = '@pytest.mark.apiauth("dastra")' if way == "mark" else ""
    source = f"""
        import pytest

        {mark}
        def test_it(apiauth_profile, apiauth_client):
            assert apiauth_client.base_url == "https://staging.dastra.example"
            assert apiauth_profile.token_url == "https://account.dastra.eu/connect/token"
    """

    result = run(pytester.makepyfile(source).name, *(["--apiauth-profile=dastra"] if way == "option" else []))

    result.assert_outcomes(passed=1)


def test_nearest_of_several_wins(pytester: pytest.Pytester, run: Run) -> None:
    """Of several profiles of one name a test uses the one that shares the deepest folder with it."""
    for name in ("packages/a/tests/shop", "packages/b/tests/shop", "packages/b/tests/deep/er/shop"):
        write(name)
    pytester.makeini("[pytest]\n")
    write_test("packages/a/tests", uses("shop", "packages/a/tests/shop"))
    write_test("packages/b/tests/unit", uses("shop", "packages/b/tests/shop"))
    write_test("packages/b/tests/deep/other", uses("shop", "packages/b/tests/deep/er/shop"))

    run().assert_outcomes(passed=3)


@pytest.mark.parametrize("way", ["mark", "option", "ini"])
def test_several_equally_near_are_one_line(pytester: pytest.Pytester, run: Run, way: str) -> None:
    """Where nothing tells which of several is meant, none is taken: one line lists them."""
    for name in ("a/tests/shop", "b/tests/shop", "c/d/tests/shop"):
        write(name)
    pytester.makeini("[pytest]\n" + ("apiauth_profile = shop\n" if way == "ini" else ""))
    test = pytester.makepyfile(uses("shop" if way == "mark" else None, "a/tests/shop")).name

    result = run(test, *(["--apiauth-profile=shop"] if way == "option" else []))

    assert result.ret == (pytest.ExitCode.USAGE_ERROR if way == "option" else pytest.ExitCode.TESTS_FAILED)
    line = told(
        result, "profile 'shop': several are equally near: a/tests/shop.apiauth.toml, b/tests/shop.apiauth.toml"
    )
    assert "c/d" not in line


@pytest.mark.parametrize("way", ["option", "ini"])
def test_option_and_ini_mean_the_nearest_to_where_the_user_stands(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """What is equally near from the root folder may be nearer from a folder below it."""
    write("a/tests/shop")
    write("b/tests/shop")
    pytester.makeini("[pytest]\n" + ("apiauth_profile = shop\n" if way == "ini" else ""))
    test = os.path.abspath(write_test("other", uses(None, "a/tests/shop")))
    monkeypatch.chdir("a")

    run(test, *(["--apiauth-profile=shop"] if way == "option" else [])).assert_outcomes(passed=1)


# By path


@pytest.mark.parametrize("way", ["option", "mark"])
@pytest.mark.parametrize("path", ["../shop.apiauth.toml", "packages/shop.apiauth.toml"])
def test_path_is_relative_to_here_or_to_the_root(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, way: str, path: str
) -> None:
    """A path starts where the user stands, or in the test's folder, or in the root folder."""
    write("packages/shop")
    write("other/shop")
    pytester.makeini("[pytest]\n")
    write_test("packages/tests", uses(path if way == "mark" else None, "packages/shop"))
    if way == "option":
        monkeypatch.chdir("packages/tests")

    options = ["--apiauth-profile", path] if way == "option" else []
    run(*options, *([] if way == "option" else ["packages/tests"])).assert_outcomes(passed=1)


def test_path_that_means_two_files_is_one_line(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that leads somewhere from here, and elsewhere from the root folder, leads nowhere."""
    write("tests/shop")
    write("packages/tests/shop")
    pytester.makeini("[pytest]\n")
    write_test("packages", uses(None, "tests/shop"))
    monkeypatch.chdir("packages")

    result = run("--apiauth-profile=tests/shop.apiauth.toml")

    told(result, "several are equally near: packages/tests/shop.apiauth.toml, tests/shop.apiauth.toml")


# By place alone


def test_profile_in_the_folders_above_a_test_is_its_default(pytester: pytest.Pytester, run: Run) -> None:
    """In a project of several profiles a test that names none uses the only one of the nearest folder above it."""
    for name in ("packages/a/tests/shop", "packages/b/crm", "packages/c/tests/deep/other"):
        write(name)
    pytester.makeini("[pytest]\n")
    write_test("packages/a/tests", uses(None, "packages/a/tests/shop"))
    write_test("packages/b/tests/unit", uses(None, "packages/b/crm"))
    write_test("packages/c/tests", uses(None, "packages/c/tests/deep/other"))

    result = run()

    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    told(result, "several profiles and none chosen: packages/a/tests/shop.apiauth.toml, packages/b/crm.apiauth.toml")


# By folder


def test_folder_chooses_in_its_conftest(pytester: pytest.Pytester, run: Run) -> None:
    """The nearest conftest.py with apiauth_profile chooses, by name or path: before the ini, after mark and option."""
    for name in ("packages/a/tests/shop", "packages/a/tests/other", "crm", "more"):
        write(name)
    pytester.makeini("[pytest]\napiauth_profile = crm\naddopts = --import-mode=importlib\n")
    Path("packages/a/conftest.py").write_text('apiauth_profile = "shop"\n', encoding="utf-8")
    Path("packages/a/tests/deep").mkdir()
    Path("packages/a/tests/deep/conftest.py").write_text(
        "from pathlib import Path\n\napiauth_profile = Path('../other.apiauth.toml')\n", encoding="utf-8"
    )
    write_test("packages/a/tests/unit", uses(None, "packages/a/tests/shop"))
    write_test("packages/a/tests/deep", uses(None, "packages/a/tests/other"))
    write_test("packages/a/tests/marked", uses("more", "more"))
    write_test("packages/b", uses(None, "crm"))

    run().assert_outcomes(passed=4)
    run("--apiauth-profile=more", "packages/a/tests/marked").assert_outcomes(passed=1)
    run("--apiauth-profile=more", "packages/a/tests/unit").assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("conftest", "words"),
    [
        ("apiauth_profile = 5", ["conftest.py: apiauth_profile: expected the name or path of a profile, got int"]),
        ("apiauth_profile = 'shp'", ["no profile 'shp' (did you mean 'shop'?)"]),
        (
            "import pytest\n\n@pytest.fixture\ndef apiauth_profile():\n    return 'shop'\n",
            ["apiauth_profile: expected a profile, got str", 'apiauth_profile = "NAME" in conftest.py'],
        ),
    ],
    ids=["no-name", "unknown", "fixture"],
)
def test_wrong_choice_of_a_folder_is_one_line(
    pytester: pytest.Pytester, run: Run, conftest: str, words: list[str]
) -> None:
    """What a conftest says that is no profile is told in one line; a fixture that gives a name learns the right way."""
    write("shop")
    pytester.makeconftest(conftest)
    pytester.makepyfile(uses(None, "shop"))

    told(run(), *words)


CASES = """
    import pytest

    @pytest.mark.apiauth("jindexe", user="second")
    @pytest.mark.parametrize("apiauth_profile", ["shop", "deep/crm.apiauth.toml"], indirect=True)
    def test_it(apiauth_client, apiauth_profile):
        assert apiauth_client.base_url == f"https://{apiauth_profile.name.replace('crm', 'deep-crm')}.example"

    @pytest.mark.parametrize("apiauth_profile", ["shop"])
    def test_direct(apiauth_client):
        pass

    @pytest.mark.parametrize("apiauth_profile", [5], indirect=True)
    def test_number(apiauth_client):
        pass
"""


def test_test_runs_for_several_profiles(pytester: pytest.Pytester, run: Run) -> None:
    """A test is parametrized by profiles; whoever forgets indirect=True, or gives no names, is told so in one line."""
    users = '\n[users.second]\nusername = "x"\npassword = { env = "X" }\n'
    write("shop", SMALL + users)
    write("deep/crm", SMALL + users)
    pytester.makepyfile(CASES)

    result = run()

    assert result.parseoutcomes() == {"passed": 2, "errors": 2}
    told(result, "apiauth_profile: expected a profile, got str", "add indirect=True to parametrize")
    told(result, "parametrize('apiauth_profile', …): expected names or paths of profiles, got int")


# Commands


@pytest.mark.parametrize("command", ["token", "record"])
@pytest.mark.parametrize("stands", [".", "tests", "tests/unit", "src"])
def test_commands_find_what_pytest_finds(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    stands: str,
) -> None:
    """A name means the project's own profile to a command too, wherever in the project somebody stands."""
    write("tests/dastra", SMALL.replace('header = "X-Shop-Key"', 'heder = "X-Shop-Key"'))
    pytester.makeini("[pytest]\n")
    for folder in ("tests/unit", "src"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(stands)

    assert main([command, "dastra"]) == 2

    assert "api_key.heder: unknown key" in capsys.readouterr().err


# Looking for them


MANY = """
    import pytest

    @pytest.mark.parametrize("number", range(20))
    def test_it(apiauth_client, number):
        assert apiauth_client.get("/user/me").status_code == 200

    @pytest.mark.apiauth("shop")
    def test_by_name(apiauth_client):
        assert apiauth_client.get("/user/me").status_code == 200
"""


@pytest.mark.parametrize("way", ["only", "option", "ini"])
def test_profiles_are_looked_for_once_a_run(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """However many tests ask for a profile, by whatever name, the project is walked once, and not where it is told."""
    write("profiles/deep/shop")
    for folder in ("node_modules/deep", "left-out", "by-option", "env"):
        write(f"{folder}/shop")
    Path("env/pyvenv.cfg").touch()
    ini = "apiauth_profile = shop" if way == "ini" else ""
    pytester.makeini(f"[pytest]\nnorecursedirs = left-*\n{ini}\n")
    entered: Counter[str] = Counter()
    scandir = os.scandir

    def counting(path: str = ".") -> object:
        entered[os.path.relpath(path, pytester.path)] += 1
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    result = run(
        pytester.makepyfile(MANY).name, "--ignore=by-option", *(["--apiauth-profile=shop"] if way == "option" else [])
    )

    result.assert_outcomes(passed=21)
    assert entered["profiles/deep"] == 1
    assert not [path for path in entered if path.split("/")[0] in ("node_modules", "left-out", "by-option", "env")]


EAR = """
import json, os, sys

seen = []

def hear(event, arguments):
    if event in ("os.scandir", "os.listdir", "open", "glob.glob") and isinstance(arguments[0], (str, bytes)):
        seen.append(os.path.abspath(os.fsdecode(arguments[0])))

sys.addaudithook(hear)

def pytest_unconfigure(config):
    with open(config.rootpath / f"seen-{os.getpid()}.json", "w") as file:
        json.dump([os.path.relpath(path, config.rootpath) for path in seen], file)
"""
LEFT_OUT = ("node_modules", "build", ".hidden", "env", "left-out", "by-option", "by-glob")


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [[], ["--apiauth-live"], ["--apiauth-profile=shop", "-o", "apiauth_collect=all"], ["-n", "1"]]
)
def test_no_file_of_an_ignored_folder_is_looked_at(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """Whatever a run is asked for, what it leaves out is neither listed nor opened, by pytest or by us."""
    for folder in LEFT_OUT:
        write(f"{folder}/deep/shop")
        write_test(f"{folder}/deep", "assert False")
    Path("env/pyvenv.cfg").touch()
    write("kept/shop")
    write_test("kept", "def test_it(apiauth_profile):\n    assert apiauth_profile.name == 'shop'\n")
    Path("ear.py").write_text(EAR, encoding="utf-8")
    pytester.makeini("[pytest]\nnorecursedirs = left-* node_modules build .*\n")
    monkeypatch.setenv("SHOP_KEY", "a key of tests")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())

    result = pytester.runpytest_subprocess(
        "-p", "ear", "--ignore=by-option", "--ignore-glob=by-g*", "-k", "test_it", *options
    )

    result.assert_outcomes(passed=1, deselected=result.parseoutcomes().get("deselected", 0))
    seen = [path for file in Path().glob("seen-*.json") for path in json.loads(file.read_text(encoding="utf-8"))]
    # The ear hears: pytest lists this folder, and so does the walk.
    assert seen.count("kept") >= 1
    assert [path for path in seen if path.split("/")[0] in LEFT_OUT] == []
