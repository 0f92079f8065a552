"""The suite against a real server: django-oauth-toolkit, over the network, as a user of it runs them both.

What the suite reports is compared with two tables, each line of which was looked up in the source of the
packages. A line more is a false alarm or a new finding, a line less a bug that the suite no longer sees.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.here import httpx
from tests.servers import parts

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PROFILE = HERE / "dot.apiauth.toml"
PACKAGES = ("django", "gunicorn", "oauth2_provider", "rest_framework")
INSTALL = "pip install --group servers"
EVERY_CLASS = ("consume", "revoke", "lockout", "load")
START_LIMIT, RUN_LIMIT = 60, 300

Place = tuple[str, str]
"""A rule, and the part of the profile it was examined on."""

TAB = (
    "oauthlib splits the header at any white space to find the token, but at a blank to find the scheme, so no type"
    " of token claims 'Bearer<TAB>x' and with OIDC on the last by name is tried, JWT; django-oauth-toolkit's"
    " _get_key_for_token then lets jwcrypto's InvalidJWSObject pass. (The decorator's server knows no JWT.)"
)
NOT_ASCII = (
    "base64.b64decode raises ValueError for text that is not ASCII; django-oauth-toolkit's _authenticate_basic_auth"
    " catches binascii.Error, which is a kind of ValueError, and TypeError"
)
FAILURES: dict[Place, str] = {
    ("invalid-never-5xx", "drf"): TAB,
    ("basic-malformed", "client_credentials"): NOT_ASCII,
    ("basic-malformed", "password"): NOT_ASCII,
}

QUERY = "oauthlib takes a token from the query, as RFC 6750 2.3 defines and RFC 9700 4.3.2 forbids"
ONE_CASE = "_authenticate_basic_auth compares the word with Basic, letter by letter"
TWICE = "Django's QueryDict gives the last of repeated parameters, so oauthlib never sees the first"
EITHER = "authenticate_client of django-oauth-toolkit tries the body's secret where the header's is wrong"
BEARER = "every 401 of oauthlib has a Bearer challenge, those of its token endpoint too"
REUSE = "REFRESH_TOKEN_REUSE_PROTECTION is off by default: a replayed refresh token leaves the latest one alive"
WARNINGS: dict[Place, str] = {
    ("res-no-cred-401", "decorated"): "the decorator answers every refusal with a bare 403",
    ("res-challenge-content", "decorated"): "the same for a token that nobody issued",
    ("tok-scheme-case", "client_credentials"): ONE_CASE,
    ("tok-in-url-refused", "drf"): QUERY,
    ("tok-in-url-refused", "decorated"): QUERY,
    ("tok-401-challenge", "client_credentials"): BEARER,
    ("tok-401-challenge", "password"): BEARER,
    ("tok-two-auth-methods", "client_credentials"): EITHER,
    ("tok-two-auth-methods", "password"): EITHER,
    ("err-duplicate-param", "client_credentials"): TWICE,
    ("err-duplicate-param", "password"): TWICE,
    ("ref-reuse-kills-family", "refresh_token"): REUSE,
}


REPLAYED = "a code is deleted as it is used, so nobody knows what it has given"
OF_THE_WEB: dict[Place, str] = {
    **{
        (rule, part): why
        for (rule, part), why in WARNINGS.items()
        if part in ("drf", "decorated", "client_credentials")
    },
    ("ref-reuse-kills-family", "refresh_token"): REUSE,
    ("az-redirect-near-miss", "authorization_code"): "redirect_to_uri_allowed compares what urlparse made of it, which"
    " writes a scheme in small letters; RFC 6749 3.1.2.3 wants a comparison of the strings",
    ("az-framing", "authorization_code"): "the site is without Django's XFrameOptionsMiddleware",
    (
        "code-bound",
        "authorization_code",
    ): "RFC 6749 4.1.3: redirect_uri is REQUIRED; oauthlib fills in the client's own",
    ("code-reuse-revokes", "authorization_code"): REPLAYED,
    ("pkce-plain", "authorization_code"): "COMPLIANT_BCP_RFC9700_PKCE_METHOD is off by default",
}
BY_CODES: set[Place] = {
    *((rule, "authorization_code") for rule in (
        "code-single-use", "code-race", "pkce-verifier", "az-bad-redirect", "az-response-type", "az-state-echo",
        "az-params", "tok-members",
    )),
    ("ref-old-dead", "refresh_token"),
    ("zone-identity", "drf"),
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """A running site, and the environment that its profile refers to."""

    url: str
    environment: dict[str, str]

    def placeholders(self) -> dict[str, str]:
        """Give the values of the placeholders of curl lines, with an access token of their own."""
        client, secret = "site-login", self.environment["DOT_LOGIN_SECRET"]
        user, password = "alice", self.environment["DOT_ALICE_PASSWORD"]
        form = {"grant_type": "password", "username": user, "password": password, "scope": "read"}
        answer = httpx.post(f"{self.url}/o/token/", data=form, auth=(client, secret), trust_env=False)
        return {
            "CLIENT_ID": "site-machine",
            "CLIENT_SECRET": self.environment["DOT_MACHINE_SECRET"],
            "LOGIN_CLIENT_ID": client,
            "LOGIN_CLIENT_SECRET": secret,
            "USERNAME": user,
            "PASSWORD": password,
            "ACCESS_TOKEN": answer.json()["access_token"],
        }


@dataclass(frozen=True)
class Run:
    """What a run of the suite left behind."""

    exit_status: int
    output: str
    report: dict[str, Any]

    @property
    def rules(self) -> dict[str, Any]:
        """The rules of the one profile, by id."""
        return {rule["id"]: rule for rule in self.report["profiles"][0]["rules"]}

    def places(self, verdict: str) -> set[Place]:
        """Give the places with a verdict."""
        return {(name, part["part"]) for name, rule in self.rules.items() for part in _with(rule, verdict)}

    def among(self, known: dict[Place, str], allowed: tuple[str, ...]) -> set[Place]:
        """Give the known places that a run may touch which is allowed these safety classes."""
        classes = ("read-only", "issue", *allowed)
        return {place for place in known if self.rules[place[0]]["safety"] in classes}


def _with(rule: dict[str, Any], verdict: str) -> list[dict[str, str]]:
    return [part for part in rule["parts"] if part["verdict"] == verdict]


def inherited() -> dict[str, str]:
    """Give the environment without what would steer another pytest."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DOT_"))}


@contextmanager
def running(folder: Path, **more: str) -> Iterator[Site]:
    """Run the site with secrets of its own, and more variables; it says on its output when and where it serves."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        reason = f"needs {', '.join(missing)}: {INSTALL}"
        if os.environ.get("APIAUTH_REQUIRE_SERVERS") == "1":
            pytest.fail(f"APIAUTH_REQUIRE_SERVERS is 1, but the site {reason}", pytrace=False)
        pytest.skip(reason)
    names = ("ALICE_PASSWORD", "BOB_PASSWORD", "MACHINE_SECRET", "LOGIN_SECRET", "SECOND_SECRET", "SPECIAL_SECRET",
             "WEB_SECRET", "OTHER_SECRET")  # fmt: skip
    environment = {f"DOT_{name}": secrets.token_urlsafe(24) for name in names}
    environment["DOT_REDIRECT_URI"] = "http://127.0.0.1:9/callback"
    environment["DOT_SPECIAL_SECRET"] += "a:b+c%41 d/e=f&g?h#i\"j'k\\l~"
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, HERE / "site.py", folder],
            env=inherited() | environment | more,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            url = announced(process)
            assert url, f"the site did not start:\n{(folder / 'log').read_text(encoding='utf-8')}"
            address = urlsplit(url)
            socket.create_connection((address.hostname or "", address.port or 0), timeout=START_LIMIT).close()
            yield Site(url, environment | {"DOT_URL": url})
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run the site for all tests of a module."""
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


def announced(process: subprocess.Popen[str]) -> str:
    """Give the URL in the site's line ``ready URL``; empty where it dies, or an alarm ends it, before that."""
    assert process.stdout is not None
    alarm = threading.Timer(START_LIMIT, process.kill)
    alarm.start()
    try:
        return next((line.split()[1] for line in process.stdout if line.startswith("ready ")), "")
    finally:
        alarm.cancel()


def examine(site: Site, profile: Path, *options: str) -> Run:
    """Run the suite on a profile in another process, from the profile's own folder, as its user would."""
    file = profile.with_name("report.json")
    command = [sys.executable, "-m", "pytest", profile.name, "--apiauth-live", f"--apiauth-report={file}"]
    steady = ["--hypothesis-seed=0", "--apiauth-examples=5", "-p", "no:cacheprovider", f"--rootdir={profile.parent}"]
    done = subprocess.run(
        [*command, *steady, *options],
        cwd=profile.parent,
        env=inherited() | site.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_LIMIT,
        check=False,
    )
    assert file.is_file(), done.stdout
    return Run(done.returncode, done.stdout, json.loads(file.read_text(encoding="utf-8")))


def status_of(line: str, placeholders: dict[str, str]) -> int:
    """Run a curl line in bash, with its placeholders in the environment; give the status that it prints."""
    missing = [name for name in ("bash", "curl") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here to run the reported line with")
    # The reader's Python is the one that the suite runs on.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line],
        env=inherited() | placeholders | {"no_proxy": "*", "PATH": path},
        capture_output=True,
        timeout=START_LIMIT,
        check=True,
    )
    return int(done.stdout.split()[1])


Examined = Callable[[tuple[str, ...]], Run]


@pytest.fixture(scope="module")
def examined(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Examined:
    """Examine the site once for each set of safety classes allowed."""

    @cache
    def run(allowed: tuple[str, ...]) -> Run:
        profile = copied(tmp_path_factory.mktemp("project"))
        return examine(site, profile, "-v", *(f"--apiauth-allow={name}" for name in allowed))

    return run


def copied(folder: Path) -> Path:
    """Put the profile into a project's folder."""
    return Path(shutil.copy(PROFILE, folder))


@pytest.mark.parametrize("allowed", [(), EVERY_CLASS], ids=["default", "every class"])
def test_nothing_but_what_is_true_is_reported(site: Site, examined: Examined, allowed: tuple[str, ...]) -> None:
    """Failures and warnings are those of the tables, nothing is left open, and no secret is printed."""
    run = examined(allowed)

    assert run.exit_status == pytest.ExitCode.TESTS_FAILED, run.output
    assert run.among(FAILURES, allowed) == run.places("fail"), run.output
    assert run.among(WARNINGS, allowed) == run.places("warning"), run.output
    assert run.places("inconclusive") | run.places("not run") == set(), run.output
    assert run.places("pass") >= {("zone-truth-table", "drf"), ("zone-identity", "decorated"), ("zone-open", "open")}
    printed = run.output + json.dumps(run.report, ensure_ascii=False)
    assert [name for name, value in site.environment.items() if name != "DOT_URL" and value in printed] == []


def test_every_class_leaves_no_rule_out(examined: Examined) -> None:
    """With every safety class allowed, rules that use tokens up are examined, and none waits for permission."""
    run = examined(EVERY_CLASS)

    assert run.places("pass") >= {("ref-client-bound", "refresh_token"), ("ref-rotation", "refresh_token")}
    assert [rule["id"] for rule in run.rules.values() if "--apiauth-allow" in rule["reason"]] == []


@pytest.mark.parametrize("name", sorted({name for name, _ in FAILURES}))
def test_a_server_error_is_seen_with_curl(site: Site, examined: Examined, name: str) -> None:
    """The reported line of a server error gives 500, and its control 200, to whoever has the secrets."""
    counterexample, placeholders = examined(EVERY_CLASS).rules[name]["counterexample"], site.placeholders()

    assert status_of(counterexample["curl"], placeholders) == 500
    assert status_of(counterexample["control_curl"], placeholders) == 200


def test_an_open_view_fails(site: Site, tmp_path: Path) -> None:
    """A profile that promises protection fails on a view that has none, and curl shows why."""
    profile = copied(tmp_path).with_name("careless.apiauth.toml")
    zones = '[zones]\ndecorated = false\nopen = false\n[zones.drf]\npath = "/open/"\nprobe = ["/open/"]\n'
    profile.write_text(f'schema = 1\nextends = "{PROFILE.name}"\n{zones}', encoding="utf-8")

    run = examine(site, profile)

    assert run.exit_status == pytest.ExitCode.TESTS_FAILED, run.output
    assert ("res-no-cred-401", "drf") in run.places("fail"), run.output
    for name in ("res-garbage-token", "res-mutated-token", "hdr-duplicate-credential", "zone-swap"):
        assert run.rules[name]["reason"] == "follows from res-no-cred-401", name

    counterexample, placeholders = run.rules["res-no-cred-401"]["counterexample"], site.placeholders()
    assert counterexample["got"].startswith("200 "), counterexample
    assert status_of(counterexample["curl"], placeholders) == 200
    assert status_of(counterexample["control_curl"], placeholders) == 200


@pytest.fixture(scope="module")
def by_script(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """Examine the site once with an empty ``[login]``; gives the profile too."""
    folder = tmp_path_factory.mktemp("web")
    copied(folder)
    profile = Path(shutil.copy(HERE / "dot_web.apiauth.toml", folder))
    return profile, examine(site, profile, *(f"--apiauth-allow={name}" for name in EVERY_CLASS))


def test_a_script_logs_in_and_consents(site: Site, by_script: tuple[Path, Run]) -> None:
    """With an empty ``[login]`` all rules of codes run through Django's login and the package's consent."""
    _, run = by_script

    assert run.places("fail") == {place for place in FAILURES if place[1] != "password"}, run.output
    assert run.places("warning") - {("pwd-grant-off", "client_credentials")} == set(OF_THE_WEB), run.output
    assert run.places("inconclusive") == set(), run.output
    assert run.places("pass") >= BY_CODES, run.output
    printed = run.output + json.dumps(run.report, ensure_ascii=False)
    assert [
        name for name, value in site.environment.items() if name.endswith(("SECRET", "PASSWORD")) and value in printed
    ] == []


def test_fewer_parts_are_skipped(site: Site, by_script: tuple[Path, Run], capsys: pytest.CaptureFixture[str]) -> None:
    """With a login every part of the rules of codes is judged, and nothing that was judged is skipped."""
    profile, after = by_script
    before = examine(site, parts.without_login(profile), *(f"--apiauth-allow={name}" for name in EVERY_CLASS))

    parts.require_fewer_skipped("django-oauth-toolkit", before, after, capsys)
