"""The suite on cassettes: recorded answers are examined as a server's are, and a damaged one is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_apiauth.suite.book import REGISTRY
from pytest_apiauth.targets.recorded import CHAPTERS
from tests.plugin.projects import Run, output, told

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ROOT / "tests" / "servers"
BUILTIN, REAL = ("dastra", "jindexe", "digishare"), ("dot", "oidc")
TOKEN = "client_credentials"
DAMAGE = {
    "token-lost": ("dastra", TOKEN, '"access_token"', '"token"', "tok-"),
    "type-lost": ("dastra", TOKEN, '"token_type"', '"kind"', "tok-members"),
    "type-of-mac": ("digishare", TOKEN, '"Bearer"', '"mac"', "tok-members"),
    "lifetime-as-text": ("digishare", TOKEN, ": 31536000", ': "31536000"', "tok-expires-in"),
    "longer-lifetime": ("dastra", TOKEN, ": 3600", ": 36000", "tok-expires-doc"),
    "refused": ("dastra", TOKEN, "code: 200", "code: 403", "tok-"),
    "as-text": ("digishare", TOKEN, "application/json\n      date", "text/plain\n      date", "tok-200-json"),
    "cacheable": ("dastra", TOKEN, "no-store", "private", "tok-no-store"),
    "no-json": ("jindexe", "password", "'{\"access_token\"", "'<\"access_token\"", "tok-"),
    "refresh-token-lost": ("jindexe", "password", '"refresh_token"', '"refresh"', "tok-members"),
    "refresh-token-for-a-client": ("digishare", TOKEN, '{"access', '{"refresh_token": "x", "access', "tok-"),
    "unknown-grant-served": ("digishare", "unsupported_grant", "code: 400", "code: 200", "err-shape"),
    "error-as-html": ("dastra", "unsupported_grant", '"error"', '"fault"', "err-shape"),
    "missing-grant-served": ("jindexe", "missing_grant", '{"error"', '{"access_token": "x", "error"', "err-missing"),
    # The cassettes of real servers.
    "dot-token-lost": ("dot", TOKEN, '"access_token"', '"token"', "tok-"),
    "dot-type-of-mac": ("dot", TOKEN, '"Bearer"', '"mac"', "tok-members"),
    "dot-longer-lifetime": ("dot", TOKEN, ": 600", ": 6000", "tok-expires-doc"),
    "dot-cacheable": ("dot", TOKEN, "no-store", "private", "tok-no-store"),
    "dot-refresh-token-lost": ("dot", "password", '"refresh_token": "', '"refresh": "', "tok-members"),
    "dot-password-refused": ("dot", "password", "code: 200", "code: 401", "tok-"),
    "dot-error-lost": ("dot", "unsupported_grant", '"error"', '"fault"', "err-shape"),
    "dot-missing-grant-served": ("dot", "missing_grant", "code: 400", "code: 200", "err-missing"),
    "oidc-lifetime-as-text": ("oidc", TOKEN, ":600", ':"600"', "tok-expires-in"),
    "oidc-no-json": ("oidc", TOKEN, "'{\"access_token\"", "'<\"access_token\"", "tok-"),
    "oidc-as-text": ("oidc", TOKEN, "application/json; charset", "text/plain; charset", "tok-200-json"),
    "oidc-another-scope": ("oidc", TOKEN, '"scope":"read"', '"scope":7', "tok-"),
    "oidc-unknown-grant-served": ("oidc", "unsupported_grant", "code: 400", "code: 200", "err-shape"),
    "oidc-error-of-another-kind": ("oidc", "missing_grant", '"error":"invalid_request"', '"error":7', "err-"),
}  # fmt: skip


def project(pytester: pytest.Pytester, name: str) -> Path:
    """Write a project with a profile and a copy of its cassettes; gives their folder."""
    profile = pytester.path / f"{name}.apiauth.toml"
    if name in BUILTIN:
        profile.write_text(f'schema = 1\nextends = "{name}"\n', encoding="utf-8")
    else:
        shutil.copy(SERVERS / profile.name, profile)
    folder = pytester.path / "cassettes" / name
    shutil.copytree((ROOT if name in BUILTIN else SERVERS) / "cassettes" / name, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BUILTIN, *REAL])
def test_recorded_exchanges_pass(pytester: pytest.Pytester, run: Run, name: str) -> None:
    """Token answers and errors of three APIs and two real servers are examined without any; no rule fails or warns."""
    project(pytester, name)
    result = run(f"{name}.apiauth.toml", "--apiauth-replay", "--apiauth-strict")
    outcomes = result.parseoutcomes()
    assert result.ret == 0, output(result)
    assert outcomes["passed"] >= 8
    told(result, f"apiauth: {name} on cassettes")
    told(result, f"{name} (cassette): {sum(len(REGISTRY.of_chapter(chapter)) for chapter in CHAPTERS)} rules")


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_copy_fails(pytester: pytest.Pytester, run: Run, damage: str) -> None:
    """A recording that was changed by hand to what no good server answers is found by its rule."""
    name, scene, before, after, rule = DAMAGE[damage]
    path = project(pytester, name) / f"{scene}.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    result = run(f"{name}.apiauth.toml", "--apiauth-replay", "--apiauth-strict", "-rf")
    assert result.ret == 1, output(result)
    failed = [line for line in result.outlines if line.startswith("FAILED")]
    assert any(f"::{rule}" in line for line in failed), output(result)


def test_no_cassette_is_an_error(pytester: pytest.Pytester, run: Run) -> None:
    """Without cassettes there is one line that says how to make them."""
    text = 'schema = 1\nextends = "dastra"\n'
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    result = run("shop.apiauth.toml", "--apiauth-replay")
    assert result.ret == 1
    told(result, "shop: no cassettes in", "python -m pytest_apiauth record shop")


def test_profile_of_a_built_in_name_does_not_get_the_cassettes_of_that(pytester: pytest.Pytester, run: Run) -> None:
    """The project's own dastra.apiauth.toml is another promise, and is not held to what the built-in one recorded."""
    (pytester.path / "dastra.apiauth.toml").write_text('schema = 1\nextends = "dastra"\n', encoding="utf-8")

    result = run("dastra.apiauth.toml", "--apiauth-replay")

    assert result.ret == 1
    told(result, "dastra: no cassettes in", "python -m pytest_apiauth record dastra")


def test_unreadable_cassette_is_an_error(pytester: pytest.Pytester, run: Run) -> None:
    """A file that is no cassette is named."""
    path = project(pytester, "digishare") / "client_credentials.yaml"
    path.write_text("interactions: [{]", encoding="utf-8")
    told(run("digishare.apiauth.toml", "--apiauth-replay"), "client_credentials.yaml: not a cassette")


def test_replay_is_of_cassettes_alone(pytester: pytest.Pytester, run: Run) -> None:
    """What changes or reaches a server does not go with --apiauth-replay."""
    project(pytester, "digishare")
    result = run("digishare.apiauth.toml", "--apiauth-replay", "--apiauth-live")
    assert result.ret == 4
    told(result, "--apiauth-replay examines cassettes: leave out --apiauth-live")
