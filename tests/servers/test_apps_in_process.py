"""The suite in process: projects in the style of each framework's tutorial, run as their owners would run them.

What the suite reports is compared with tables, each line of which was looked up in the source of the packages or of
the project. A line more is a false alarm or a new finding, a line less a bug that the suite no longer sees.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from pytest_apiauth.targets.apps import asgi, importing, supplied
from tests.servers import parts
from tests.servers.known import (
    AUTHLIB,
    BY_NAME,
    DJANGO,
    PROJECTS,
    SERVED,
    Breakage,
    Project,
    about_project,
)
from tests.servers.test_django_oauth_toolkit import INSTALL, Place, Run, inherited
from tests.sharing import about

pytestmark = pytest.mark.slow

RUN_LIMIT = 300
Ran = Callable[..., Run]
BY_CODES: dict[Place, str] = {
    ("code-reuse-revokes", "authorization_code"): "a code is deleted as it is used, so nobody knows what it has given",
    ("pkce-plain", "authorization_code"): "Authlib's CodeChallenge takes plain, as RFC 7636 4.2 permits and RFC 9700"
    " 2.1.1 advises against",
}


@pytest.fixture(params=sorted(BY_NAME))
def project(request: pytest.FixtureRequest) -> Project:
    """Each project whose packages are here; in CI they must be."""
    return installed(BY_NAME[request.param])


def installed(found: Project) -> Project:
    """Give a project whose packages are here, else skip the test; in CI it fails."""
    missing = [name for name in found.packages if importlib.util.find_spec(name) is None]
    if missing:
        reason = f"needs {', '.join(missing)}: {INSTALL}"
        if os.environ.get("APIAUTH_REQUIRE_SERVERS") == "1":
            pytest.fail(f"APIAUTH_REQUIRE_SERVERS is 1, but the project {reason}", pytrace=False)
        pytest.skip(reason)
    return found


def copied(project: Project, folder: Path) -> Path:
    """Put a project into a folder."""
    target = folder / project.name
    shutil.copytree(PROJECTS / project.name, target, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    return target


def examine(folder: Path, *options: str) -> Run:
    """Run pytest in another process, in a project's folder, as its owner would: the suite and the project's tests."""
    command = [sys.executable, "-m", "pytest", "--apiauth-report=report.json", "--hypothesis-seed=0"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={name: value for name, value in inherited().items() if not name.startswith("DJANGO_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    file = folder / "report.json"
    assert file.is_file(), done.stdout
    return Run(done.returncode, done.stdout, json.loads(file.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run each project once for each spelling of its app."""

    @cache
    def run(name: str, app: str = "") -> Run:
        folder = copied(BY_NAME[name], tmp_path_factory.mktemp("project"))
        if app:
            rewrite(folder / "shop.apiauth.toml", 'app = "mysite.wsgi:application"', f'app = "{app}"')
        # Those that are served too meet as many draws as there.
        return examine(folder, *(["--apiauth-examples=5"] if name in SERVED else []))

    return run


def rewrite(path: Path, old: str, new: str) -> None:
    """Replace the one place of a text in a file."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def check(project: Project, run: Run) -> None:
    """Require that a run reports what is true and nothing else, and that the project's own tests pass."""
    assert run.report["profiles"][0]["target"] == "app"
    assert run.places("fail") == set(project.failures), run.output
    assert project.without_races(run.places("warning")) == project.without_races(set(project.warnings)), run.output
    assert run.places("inconclusive") | run.places("not run") == set(project.undecided), run.output
    assert run.places("pass") >= project.passes
    assert "test_shop.py" not in run.output.partition("short test summary")[2], run.output
    assert run.exit_status == (pytest.ExitCode.TESTS_FAILED if project.failures else pytest.ExitCode.OK), run.output


def test_nothing_but_what_is_true_is_reported(project: Project, ran: Ran) -> None:
    """Failures and warnings are those of the tables, and the project's own tests pass beside the suite."""
    check(project, ran(project.name))


@about(*sorted((PROJECTS / DJANGO.name).rglob("*.py")), asgi, importing, supplied)
def test_django_by_asgi(ran: Ran) -> None:
    """The same Django project by its ASGI app: the same verdicts, the same transaction of each test."""
    if importlib.util.find_spec("pytest_django") is None:
        pytest.skip(f"needs pytest_django: {INSTALL}")
    check(DJANGO, ran(DJANGO.name, "mysite.asgi:application"))


@pytest.mark.parametrize(
    "project",
    [
        pytest.param(name, marks=about_project(name, "res-no-cred-401", "key-missing"))
        for name in sorted(BY_NAME.keys() - SERVED.keys())
    ],
    indirect=True,
)
def test_without_a_protection_it_fails_with_curl(project: Project, tmp_path: Path) -> None:
    """With one protection removed, the suite fails on that zone and on no other one, and shows what got in."""
    folder = copied(project, tmp_path)
    rewrite(folder / project.file, project.protected, project.careless)

    run = examine(folder, "shop.apiauth.toml", "-k", "resource or routes or carry_over or zones or api_keys")

    assert run.exit_status == pytest.ExitCode.TESTS_FAILED, run.output
    new = run.places("fail") - set(project.failures)
    assert ("res-no-cred-401", project.part) in new or ("key-missing", project.part) in new, run.output
    others = {part for _, part in project.passes} - {project.part, "password", "refresh_token"}
    assert others & {part for _, part in new} == set(), run.output
    name = next(name for name in ("res-no-cred-401", "key-missing") if (name, project.part) in new)
    found = run.rules[name]["counterexample"]
    assert found["got"].startswith("200 "), found
    assert found["curl"].startswith("curl -i "), found
    assert found["curl"] in run.output


@pytest.mark.parametrize(
    ("name", "breakage"),
    [
        pytest.param(project.name, breakage, marks=about_project(project.name, breakage.rule))
        for project in SERVED.values()
        for breakage in project.breakages
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.rule}-{value.part}",
)
def test_each_protection_has_a_rule_that_misses_it(name: str, breakage: Breakage, tmp_path: Path) -> None:
    """With one protection removed, the rule that it belongs to fails, and nothing is passed over in its place."""
    folder = copied(installed(BY_NAME[name]), tmp_path)
    rewrite(folder / breakage.file, breakage.protected, breakage.careless)

    run = examine(folder, "shop.apiauth.toml", "-k", breakage.rule)

    assert (breakage.rule, breakage.part) in run.places("fail"), run.output


def test_django_without_a_test_database_is_refused(tmp_path: Path) -> None:
    """Without pytest-django at work the app would use its real database: one line, nothing sent."""
    if importlib.util.find_spec("django") is None:
        pytest.skip(f"needs django: {INSTALL}")
    folder = tmp_path / "django_shop"
    shutil.copytree(PROJECTS / "django_shop", folder, ignore=shutil.ignore_patterns("__pycache__", "conftest.py"))
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")

    run = examine(folder, "shop.apiauth.toml")

    assert "shop: app: Django's test environment is not set up" in run.output, run.output
    assert "Traceback" not in run.output
    assert run.report["profiles"][0]["requests"] == 0
    assert not (folder / "db.sqlite3").exists()


@pytest.fixture(scope="module")
def by_script(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Examine the app in process once with an empty ``[login]``."""
    folder = copied(installed(AUTHLIB), tmp_path_factory.mktemp("scripted"))
    (folder / "scripted.apiauth.toml").write_text(parts.SCRIPTED, encoding="utf-8")
    return examine(folder, "scripted.apiauth.toml", "--apiauth-examples=5")


def test_a_script_logs_in(by_script: Run) -> None:
    """With an empty ``[login]`` the rules of codes run in process through the page that asks for a password."""
    run = by_script

    assert run.places("fail") == set(AUTHLIB.failures), run.output
    assert AUTHLIB.without_races(run.places("warning")) == AUTHLIB.without_races({*AUTHLIB.warnings, *BY_CODES})
    assert run.places("inconclusive") == set(AUTHLIB.undecided), run.output
    assert run.places("pass") >= {
        (rule, "authorization_code")
        for rule in ("code-single-use", "code-bound", "pkce-verifier", "az-bad-redirect", "az-state-echo")
    }, run.output


def test_fewer_parts_are_skipped(ran: Ran, by_script: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """With a login every part of the rules of codes is judged, and nothing that was judged is skipped."""
    parts.require_fewer_skipped("authlib in process", ran(AUTHLIB.name), by_script, capsys, AUTHLIB.undecided)
