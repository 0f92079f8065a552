"""The suite over the network: projects of Authlib, Django REST framework and Flask-HTTPAuth, served as real servers.

They are the same projects as in this process, with the same tables of what is truly to be found.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_apiauth.auth import browsing, pages, person
from tests.here import httpx
from tests.login.conftest import free_port
from tests.servers import parts
from tests.servers.known import AUTHLIB, DRF, PROJECTS, SERVED, Project
from tests.servers.test_apps_in_process import copied, installed, rewrite
from tests.servers.test_django_oauth_toolkit import (
    EVERY_CLASS,
    Run,
    Site,
    announced,
    examine,
    inherited,
    status_of,
)
from tests.sharing import about

pytestmark = pytest.mark.slow

PROFILE = "shop.apiauth.toml"
ALLOWED = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
SERVING = Path(__file__).parent / "serving.py"
SECRETS = ("ALICE", "BOB", "SHOP", "SECOND", "SPECIAL", "ALICE_TOKEN", "BOB_TOKEN")


@contextmanager
def served(project: Project, folder: Path) -> Iterator[Site]:
    """Serve a project with secrets of its own; it says on its output where, and has a log beside it."""
    environment = {f"SITE_{name}": secrets.token_urlsafe(24) for name in SECRETS}
    environment["SITE_SPECIAL"] += "a:b+c%41 d/e=f&g?h#i\"j'k\\l~"
    environment["SITE_REDIRECT_URI"] = f"http://127.0.0.1:{free_port()}/callback"
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, SERVING],
            cwd=folder,
            env=inherited() | environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            url = announced(process)
            assert url, f"the project did not start:\n{(folder / 'log').read_text(encoding='utf-8')}"
            yield Site(url, environment | with_tokens(project, url, environment) | {"SITE_URL": url})
        finally:
            process.terminate()


def with_tokens(project: Project, url: str, environment: dict[str, str]) -> dict[str, str]:
    """Give the tokens that the server itself makes: those of Django REST framework come from its own view."""
    if project is not DRF:
        return {}
    tokens = {}
    for name in ("ALICE", "BOB"):
        form = {"username": name.lower(), "password": environment[f"SITE_{name}"]}
        answer = httpx.post(f"{url}/api-token-auth/", data=form, trust_env=False)
        tokens[f"SITE_{name}_TOKEN"] = answer.json()["token"]
    return tokens


@pytest.fixture(params=sorted(SERVED), scope="module")
def project(request: pytest.FixtureRequest) -> Project:
    """Each project whose packages are here; in CI they must be."""
    return installed(SERVED[request.param])


@dataclass(frozen=True)
class Examined:
    """A project that is served, where it lies, and what a run of all its rules left behind."""

    site: Site
    folder: Path
    run: Run


@pytest.fixture(scope="module")
def whole(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    """Serve a project as it is, and examine it once."""
    folder = copied(project, tmp_path_factory.mktemp("served"))
    with served(project, folder) as site:
        yield Examined(site, folder, examine(site, folder / PROFILE, *ALLOWED))


def test_nothing_but_what_is_true_is_reported(project: Project, whole: Examined) -> None:
    """Failures and warnings are those of the tables, and the reported line of each failure shows it with curl."""
    site, run = whole.site, whole.run

    assert run.report["profiles"][0]["target"] == "live"
    assert run.places("fail") == set(project.failures), run.output
    assert project.without_races(run.places("warning")) == project.without_races(set(project.warnings)), run.output
    assert run.places("inconclusive") | run.places("not run") == set(project.undecided), run.output
    assert run.places("pass") >= project.passes
    assert run.exit_status == (pytest.ExitCode.TESTS_FAILED if project.failures else pytest.ExitCode.OK)
    printed = run.output + json.dumps(run.report, ensure_ascii=False)
    assert [name for name in SECRETS if site.environment[f"SITE_{name}"] in printed] == []
    for name in {name for name, _ in project.failures}:
        require_shown(run, name, placeholders(site))


@about(*sorted((PROJECTS / AUTHLIB.name).rglob("*.py")), person, browsing, pages)
@pytest.mark.parametrize("project", [AUTHLIB.name], indirect=True)
def test_fewer_parts_are_skipped(whole: Examined, capsys: pytest.CaptureFixture[str]) -> None:
    """With a login every part of the rules of codes is judged, and nothing that was judged is skipped."""
    scripted = whole.folder / "scripted.apiauth.toml"
    scripted.write_text(parts.SCRIPTED, encoding="utf-8")

    after = examine(whole.site, scripted, *ALLOWED)

    parts.require_fewer_skipped("authlib", whole.run, after, capsys, AUTHLIB.undecided)


def test_without_a_protection_curl_gets_in(project: Project, tmp_path: Path) -> None:
    """With one protection removed, the suite fails on that zone, and its line gets in without a credential."""
    folder = copied(project, tmp_path)
    rewrite(folder / project.file, project.protected, project.careless)
    with served(project, folder) as site:
        run = examine(site, folder / PROFILE, "-k", "res-no-cred-401 or key-missing")

        assert {part for _, part in run.places("fail")} == {project.part}, run.output
        for name in {name for name, _ in run.places("fail")}:
            require_shown(run, name, placeholders(site))
            assert run.rules[name]["counterexample"]["got"].startswith("200 ")


def placeholders(site: Site) -> dict[str, str]:
    """Give the values of the placeholders of curl lines, but for tokens that are issued."""
    values = site.environment
    return {
        "CLIENT_ID": "the-shop",
        "CLIENT_SECRET": values["SITE_SHOP"],
        "USERNAME": "alice",
        "PASSWORD": values["SITE_ALICE"],
        "API_KEY": values["SITE_ALICE_TOKEN"],
        "PERSONAL_ACCESS_TOKEN": values["SITE_ALICE_TOKEN"],
    }


def require_shown(run: Run, rule: str, values: dict[str, str]) -> None:
    """Require that the reported line gives the reported status, and its control the status of a valid request."""
    found = run.rules[rule]["counterexample"]
    assert status_of(found["curl"], values) == int(found["got"][:3]), found
    if "${ACCESS_TOKEN" not in found["control_curl"]:
        assert status_of(found["control_curl"], values) == 200, found
