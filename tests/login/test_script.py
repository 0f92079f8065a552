"""A script in the person's place, against pages that ask: rules, fixtures' clients and the command ``token``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.errors import TokenError
from pytest_apiauth.http import fetch_token
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.faults.examining import PROFILES, QUICK
from tests.here import USUAL
from tests.login.browser import PROFILE

PAGES = ("login-pages", "login-before-errors")
CREDENTIALS = PROFILES["reference"].credentials
BASE = PROFILES["reference"].model_copy(
    # A query of its own, so that all rules of redirections have something to look at.
    update={"credentials": CREDENTIALS.model_copy(update={"redirect_uri": f"{CREDENTIALS.redirect_uri}?from=tenant"})}
)
SCRIPTED = BASE.replaced(login={})
OF_CODES = [rule for rule in REGISTRY if "authorization_code" in rule.applies.find(BASE) and not rule.wire]
BROKEN = [(fault, rule.id) for rule in OF_CODES if set(rule.applies.find(BASE)) == {"authorization_code"}
          for fault in rule.faults]  # fmt: skip


def target_of(profile: Profile, *variants: str, faults: tuple[str, ...] = ()) -> EmbeddedTarget:
    """Start a server with pages to log in at."""
    return EmbeddedTarget.build(profile, redactor=Redactor(), library=USUAL, faults=faults, variants=variants)


def judged(target: EmbeddedTarget, rule_id: str) -> Outcome:
    """Judge a rule on the grant."""
    rule = REGISTRY[rule_id]
    return judge(rule, Examination(target, Redactor()), rule.applies.find(BASE)["authorization_code"], QUICK)


@pytest.mark.parametrize("rule_id", ["code-single-use", "pkce-verifier", "az-state-echo", "az-params"])
def test_rules_of_codes_run_through_the_pages(rule_id: str) -> None:
    """What was skipped for want of a browser is judged, where the server asks for a login before anything else."""
    assert judged(target_of(BASE, "login-before-errors"), rule_id).verdict is Verdict.SKIP
    assert judged(target_of(SCRIPTED, "login-before-errors"), rule_id).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("fault", "rule_id"), [("redirect-any", "az-bad-redirect"), ("code-reusable", "code-single-use")]
)
def test_what_is_broken_behind_the_login_is_found(fault: str, rule_id: str) -> None:
    """A protection that is missing behind the login fails its rule."""
    assert judged(target_of(SCRIPTED, "login-before-errors", faults=(fault,)), rule_id).verdict is Verdict.FAIL


@pytest.mark.slow
@pytest.mark.parametrize("variant", PAGES)
@pytest.mark.parametrize(("fault", "rule_id"), BROKEN)
def test_each_protection_of_the_code_flow_is_missed(fault: str, rule_id: str, variant: str) -> None:
    """Each fault of the authorization endpoint and of codes is found by its rule through the pages, as without them."""
    found = judged(target_of(SCRIPTED, variant, faults=(fault,)), rule_id).verdict

    assert found is judged(target_of(BASE, faults=(fault,)), rule_id).verdict
    assert found in (Verdict.FAIL, Verdict.WARNING)


@pytest.mark.slow
@pytest.mark.parametrize("variant", PAGES)
def test_a_good_server_with_pages_is_called_good(variant: str) -> None:
    """No rule finds a fault with a server whose only difference is that it asks."""
    target = target_of(SCRIPTED, variant)

    assert {rule.id: judged(target, rule.id).verdict for rule in OF_CODES} == {
        rule.id: Verdict.PASS for rule in OF_CODES
    }


def test_a_row_takes_one_control() -> None:
    """A valid request is a whole login, so a table sends it first and after every tenth row, and draws after each."""
    target = target_of(SCRIPTED, "login-before-errors")

    outcome = judged(target, "az-redirect-near-miss")

    consents = sum(request.path == "/authorize/consent" for request in target.server.requests)
    assert outcome.verdict is Verdict.PASS
    least = QUICK.examples + (outcome.rows - QUICK.examples) // 10
    assert least <= consents <= least + 5


def test_a_login_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that does not get in is no reason to skip: the rule is inconclusive, and says what the page said."""
    target = target_of(SCRIPTED, "login-pages")
    monkeypatch.setitem(target.identities._found, "credentials.password", "wrong")

    outcome = judged(target, "code-single-use")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "asks for the password again" in outcome.reason
    assert "wrong" not in outcome.reason.replace("wrong password", "")


def test_clients_log_in_by_the_script() -> None:
    """A client whose grant takes a person gets its token, as each of the profile's users."""
    target = target_of(SCRIPTED.replaced(token={"grant": "authorization_code", "scope": "read"}), "login-pages")

    for user in ("default", "second"):
        client = Authenticator(
            target.profile, target.identities, target.store(("", user, "")), target.redactor, user=user,
            person=target.person,
        )  # fmt: skip
        token = fetch_token(client, target.connector, target.redactor)
        assert target.server._state.access[token.access_token.reveal()].user == user


def test_zones_of_several_users_are_examined() -> None:
    """Where only a code gives a token, a second user logs in too."""
    target = target_of(SCRIPTED.replaced(token={"grant": "authorization_code", "scope": "read"}), "login-pages")
    rule = REGISTRY["zone-identity"]

    outcome = judge(rule, Examination(target, Redactor()), rule.applies.find(target.profile)["user"], QUICK)

    assert outcome.verdict is Verdict.PASS


@pytest.fixture
def shop(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve pages to log in at, and write a profile with a login for them."""
    path = project / "shop.apiauth.toml"
    text = PROFILE.replace("PORT", "1") + "[login]\n"
    path.write_text(text, encoding="utf-8")
    server = Server(loading.load(path), variants=["login-pages"])
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with serve(server) as url:
        path.write_text(text.replace("https://shop.example", url), encoding="utf-8")
        yield server


def test_the_command_logs_in_by_the_script(shop: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """``token --script`` gets a token without a person, keeps the refresh token, and prints no secret."""
    assert main(["token", "shop", "--script"]) == 0

    printed = "".join(capsys.readouterr())
    assert "the script has logged in as default" in printed
    assert "the refresh token is kept in" in printed
    state = shop._state
    assert [secret for secret in (*state.access, *state.refresh, *state.codes) if secret in printed] == []
    assert [token.user for token in state.access.values()] == ["default"]


def test_the_command_says_why_a_script_gets_no_code(
    shop: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password is one line, and so is a profile that does not say how to log in."""
    monkeypatch.setenv("SHOP_PASSWORD", "not-the-password")
    assert main(["token", "shop", "--script"]) == 2
    assert "/authorize/login asks for the password again: it took no name and password" in capsys.readouterr().err
    path = Path("shop.apiauth.toml")
    path.write_text(path.read_text(encoding="utf-8").replace("[login]\n", ""), encoding="utf-8")
    assert main(["token", "shop", "--script"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("answered 303; [login] says how to log in")


def test_clients_say_why_no_code_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test whose client cannot log in is told what the page said, in one line."""
    target = target_of(SCRIPTED.replaced(token={"grant": "authorization_code", "scope": "read"}), "login-pages")
    monkeypatch.setitem(target.identities._found, "credentials.password", "wrong")
    client = Authenticator(
        target.profile, target.identities, target.store(("", "", "")), target.redactor, person=target.person
    )

    with pytest.raises(TokenError, match=r"no code came: login: .*/authorize/login asks for the password again"):
        fetch_token(client, target.connector, target.redactor)
