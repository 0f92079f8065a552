"""What a login by a script opens on real servers: parts skipped without ``[login]`` and with it, counted and printed.

A part is what of a profile a rule is about. Where only a code gives a token, nothing at all runs without a login.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import test_django_oauth_toolkit as dot
from tests.servers import test_oidc_provider as oidc
from tests.servers.known import AUTHLIB
from tests.servers.test_apps_in_process import copied, installed
from tests.servers.test_apps_in_process import examine as examine_in_process
from tests.servers.test_authlib_login import SCRIPTED
from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Place, Run, Site, examine
from tests.servers.test_served import PROFILE, served

pytestmark = pytest.mark.slow

ALLOWED = [f"--apiauth-allow={name}" for name in EVERY_CLASS]
Runs = tuple[Run, Run]
NOTHING_TO_ASK: set[Place] = {("pkce-downgrade", "authorization_code"), ("az-query-kept", "authorization_code")}
"""A server that demands a proof key gives no code without one; a redirect_uri without a query has none to keep."""
UNDECIDED: set[Place] = set(AUTHLIB.undecided)


def without_login(path: Path) -> Path:
    """Write the profile beside itself, without its ``[login]``."""
    lines = path.read_text(encoding="utf-8").split("[login]\n")
    after = lines[1].partition("\n[")
    other = path.with_name("without.apiauth.toml")
    other.write_text(f"{lines[0]}[{after[2]}" if after[1] else lines[0], encoding="utf-8")
    return other


def both(site: Site, scripted: Path) -> Runs:
    """Examine a running server without and with a login."""
    return examine(site, without_login(scripted), *ALLOWED), examine(site, scripted, *ALLOWED)


def of_django(tmp_path: Path) -> Runs:
    """Django OAuth Toolkit, live."""
    dot.copied(tmp_path)
    scripted = Path(shutil.copy(dot.HERE / "dot_web.apiauth.toml", tmp_path))
    folder = tmp_path / "site"
    folder.mkdir()
    with dot.running(folder) as site:
        return both(site, scripted)


def of_authlib(tmp_path: Path) -> Runs:
    """Authlib's provider under waitress, live; its codes alone give tokens."""
    folder = copied(installed(AUTHLIB), tmp_path)
    scripted = folder / "scripted.apiauth.toml"
    scripted.write_text(SCRIPTED, encoding="utf-8")
    with served(AUTHLIB, folder) as site:
        return both(site, scripted)


def of_authlib_in_process(tmp_path: Path) -> Runs:
    """The same as an app in the test's own process."""
    folder = copied(installed(AUTHLIB), tmp_path)
    (folder / "scripted.apiauth.toml").write_text(SCRIPTED, encoding="utf-8")
    few = "--apiauth-examples=5"
    return examine_in_process(folder, PROFILE, few), examine_in_process(folder, "scripted.apiauth.toml", few)


def of_oidc(tmp_path: Path, package: Path) -> Runs:
    """npm's oidc-provider, live."""
    secret = secrets.token_urlsafe(24)
    with oidc.running(package, OIDC_MACHINE_SECRET=secret) as site:
        (tmp_path / "site.apiauth.toml").write_text(oidc.PROFILE.format(url=site.url), encoding="utf-8")
        scripted = tmp_path / "scripted.apiauth.toml"
        scripted.write_text(oidc.SCRIPTED, encoding="utf-8")
        more = {"OIDC_PASSWORD": secrets.token_urlsafe(16), "OIDC_SECOND_SECRET": f"{secret}-second"}
        return both(Site(site.url, site.environment | more), scripted)


CHAPTERS = ("codes", "authorization")


def skipped(run: Run) -> set[Place]:
    """Give the parts that rules are about and that were not looked at."""
    return {(rule, part) for rule, part in run.places("skip") | run.places("not run") if part}


def judged(run: Run) -> set[Place]:
    """Give the parts that were."""
    return {place for verdict in ("pass", "fail", "warning") for place in run.places(verdict)}


def of_codes(run: Run, places: set[Place]) -> set[Place]:
    """Leave only parts of the chapters about codes and the authorization endpoint."""
    return {place for place in places if run.rules[place[0]]["chapter"] in CHAPTERS}


@pytest.fixture(params=["django-oauth-toolkit", "authlib", "authlib in process", "oidc-provider"])
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Runs]]:
    """Each server, examined twice."""
    name = request.param
    if name == "oidc-provider":
        yield name, of_oidc(tmp_path, request.getfixturevalue("package"))
    else:
        of = {"django-oauth-toolkit": of_django, "authlib": of_authlib, "authlib in process": of_authlib_in_process}
        yield name, of[name](tmp_path)


def test_fewer_parts_are_skipped(runs: tuple[str, Runs], capsys: pytest.CaptureFixture[str]) -> None:
    """With a login every part of the rules of codes is judged, and nothing that was judged is skipped."""
    name, (before, after) = runs

    with capsys.disabled():
        without, by_script = [
            f"{len(skipped(run))} parts skipped, {len(of_codes(run, skipped(run)))} of codes, {len(judged(run))} judged"
            for run in (before, after)
        ]
        print(f"\n{name:22} without [login]: {without}; with it: {by_script}")
    assert len(skipped(after)) < len(skipped(before))
    assert of_codes(after, skipped(after)) <= NOTHING_TO_ASK, after.output
    assert judged(before) - judged(after) - UNDECIDED == set(), after.output
