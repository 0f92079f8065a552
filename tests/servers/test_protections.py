"""Each protection of the code flow taken from a real provider in turn: the rule whose business it is fails.

The provider is Authlib's in the project ``authlib_shop``, which asks a person to log in; ``[login]`` does. Each row
writes what a careless author would write, in the project's own code, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.known import AUTHLIB, about_project
from tests.servers.parts import SCRIPTED
from tests.servers.test_apps_in_process import copied, examine, installed, rewrite

pytestmark = pytest.mark.slow

CODE, RULES = "authorization_code", "codes or authorization or exp-code-short"
PROFILE = f"""{SCRIPTED}
[clock]
callable = "moving:advance"
"""
MOVING = """
import time
import authlib.integrations.sqla_oauth2.tokens_mixins as mixins

class Clock:
    moved = 0
    def time(self):
        return time.time() + self.moved

mixins.time = Clock()

def advance(seconds):
    mixins.time.moved += seconds
"""
"""Moves the time by which a code ends."""
METHODS = "class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):\n"
CLIENT = "class Client(db.Model, OAuth2ClientMixin):\n"
CODES = "class AuthorizationCode(db.Model, OAuth2AuthorizationCodeMixin):\n"
FOUND = ".filter_by(code=code, client_id=client.client_id)"


@dataclass(frozen=True)
class Removal:
    """What is taken away, where, and the rule that is to find it."""

    file: str
    protected: str
    careless: str
    rule: str
    verdict: str = "fail"
    also: tuple[str, ...] = ()
    """Rules about what follows from it."""


REMOVED = {
    "verifier check": Removal(
        "provider.py", ", [CodeChallenge(required=True)]", "", "pkce-verifier", also=("pkce-downgrade",)
    ),
    "verifier required": Removal(
        "provider.py",
        "[CodeChallenge(required=True)]",
        "[type('Lax', (CodeChallenge,), {'validate_code_verifier': lambda self, grant, result: grant.request.form.get("
        "'code_verifier') and super(type(self), self).validate_code_verifier(grant, result)})()]",
        "pkce-verifier",
    ),
    "verifier only with a challenge": Removal(
        "provider.py",
        "[CodeChallenge(required=True)]",
        "[type('Lax', (CodeChallenge,), {'validate_code_verifier': lambda self, grant, result: grant.request."
        "authorization_code.code_challenge and super(type(self), self).validate_code_verifier(grant, result)})()]",
        "pkce-downgrade",
        "warning",
    ),
    "redirect_uri registered": Removal(
        "models.py",
        CLIENT,
        f"{CLIENT}    def check_redirect_uri(self, uri):\n        return True\n\n",
        "az-bad-redirect",
        # That of a bomb is no URL, which only a list of registered ones keeps from being taken apart.
        also=("az-redirect-near-miss", "az-params", "az-redirect-bomb"),
    ),
    "redirect_uri exact": Removal(
        "models.py",
        CLIENT,
        f"{CLIENT}    def check_redirect_uri(self, uri):\n        return uri.startswith(tuple(self.redirect_uris))\n\n",
        "az-redirect-near-miss",
    ),
    "redirect_uri at the exchange": Removal(
        "models.py", CODES, f"{CODES}    def get_redirect_uri(self):\n        return None\n\n", "code-bound"
    ),
    "code used once": Removal(
        "provider.py",
        "        db.session.delete(authorization_code)\n        db.session.commit()\n",
        "        pass\n",
        "code-single-use",
    ),
    "code bound to its client": Removal("provider.py", FOUND, ".filter_by(code=code)", "code-bound"),
    "code short-lived": Removal(
        "provider.py", "item if item and not item.is_expired() else None", "item", "exp-code-short", "warning"
    ),
    "client authenticates": Removal(
        "provider.py",
        METHODS,
        f"{METHODS}    def authenticate_token_endpoint_client(self):\n"
        "        item = AuthorizationCode.query.filter_by(code=self.request.form.get('code')).first()\n"
        "        return Client.query.filter_by(client_id=item.client_id if item else 'the-shop').first()\n\n",
        "code-client-auth",
        also=("code-bound",),
    ),
    "state kept": Removal(
        "provider.py",
        METHODS,
        f"{METHODS}    def create_authorization_response(self, redirect_uri, grant_user):\n"
        "        status, body, lines = super().create_authorization_response(redirect_uri, grant_user)\n"
        "        return status, body, [(name, value.partition('&state=')[0]) for name, value in lines]\n\n",
        "az-state-echo",
    ),
}


def folder_with(tmp_path: Path) -> Path:
    """Give a copy of the project that logs in by its page, and whose codes end by a clock of its own."""
    folder = copied(installed(AUTHLIB), tmp_path)
    (folder / "moving.py").write_text(MOVING, encoding="utf-8")
    (folder / "scripted.apiauth.toml").write_text(PROFILE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[str, str]]]:
    """What is to be found with every protection in its place."""
    run = examine(
        folder_with(tmp_path_factory.mktemp("whole")), "scripted.apiauth.toml", "--apiauth-examples=1", "-k", RULES
    )
    assert ("exp-code-short", CODE) in run.places("pass"), run.output
    assert ("code-client-auth", CODE) in run.places("pass"), run.output
    return {verdict: run.places(verdict) for verdict in ("fail", "warning")}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=about_project(AUTHLIB.name, each.rule, *each.also)) for name, each in REMOVED.items()],
)
def test_a_protection_that_is_missing_is_found(
    name: str, usual: dict[str, set[tuple[str, str]]], tmp_path: Path
) -> None:
    """The rule that owns a protection tells that it is missing, with a line that shows how."""
    removal, folder = REMOVED[name], folder_with(tmp_path)
    rewrite(folder / removal.file, removal.protected, removal.careless)

    run = examine(folder, "scripted.apiauth.toml", "--apiauth-examples=1", "-k", RULES)

    new = AUTHLIB.without_races(run.places("fail") | run.places("warning")) - usual["fail"] - usual["warning"]
    assert (removal.rule, CODE) in run.places(removal.verdict), run.output
    assert new == {(rule, CODE) for rule in (removal.rule, *removal.also)}, run.output
    assert run.rules[removal.rule]["counterexample"]["curl"].startswith("curl -i "), run.output


def test_a_challenge_that_hides_nothing_is_told_until_it_is_refused(
    usual: dict[str, set[tuple[str, str]]], tmp_path: Path
) -> None:
    """As it comes the package takes the method plain, which is a warning; told to take S256 alone, it passes."""
    folder = folder_with(tmp_path)
    strict = "{'SUPPORTED_CODE_CHALLENGE_METHOD': ['S256'], 'DEFAULT_CODE_CHALLENGE_METHOD': 'S256'}"
    rewrite(folder / "provider.py", "[CodeChallenge(", f"[type('Strict', (CodeChallenge,), {strict})(")

    run = examine(folder, "scripted.apiauth.toml", "-k", "pkce-plain")

    assert ("pkce-plain", CODE) in usual["warning"]
    assert run.places("pass") == {("pkce-plain", CODE)}, run.output
