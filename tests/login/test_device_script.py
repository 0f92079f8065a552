"""A script that enters a device's code on pages that ask: rules, fixtures' clients and the command ``token``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.errors import TokenError
from pytest_apiauth.http import InProcess, fetch_token
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.faults.examining import PROFILES, QUICK
from tests.here import USUAL
from tests.login.test_device import PROFILE

BASE = PROFILES["device"].replaced(
    credentials={"client_id": {"env": "A"}, "username": "alice", "password": {"env": "B"}},
    users={"second": {"username": "bob", "password": {"env": "C"}}},
)
SCRIPTED = BASE.replaced(login={})
CODES = PROFILES["reference"].replaced(login={}, token={"grant": "authorization_code", "scope": "read"})
CONSENTED = ("device-single-use", "device-near-miss", "device-expires")


def target_of(profile: Profile, *faults: str) -> EmbeddedTarget:
    """Start a server with pages to log in at."""
    return EmbeddedTarget.build(
        profile, redactor=Redactor(), library=USUAL, faults=faults, variants=["login-pages"]
    )  # fmt: skip


def judged(target: EmbeddedTarget, rule_id: str) -> Outcome:
    """Judge a rule on the grant."""
    rule = REGISTRY[rule_id]
    return judge(rule, Examination(target, Redactor()), rule.applies.find(BASE)["device_code"], QUICK)


@pytest.mark.parametrize("rule_id", CONSENTED)
def test_rules_of_consented_devices_run_through_the_pages(rule_id: str) -> None:
    """What was skipped for want of a person is judged."""
    skipped = judged(target_of(BASE), rule_id)

    assert (skipped.verdict, "[login] has a script enter it" in skipped.reason) == (Verdict.SKIP, True)
    assert judged(target_of(SCRIPTED), rule_id).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("fault", "rule_id"),
    [("device-code-reusable", "device-single-use"), ("device-code-case-folded", "device-near-miss")],
)
def test_what_is_broken_behind_the_login_is_found(fault: str, rule_id: str) -> None:
    """A protection that is missing behind the login fails its rule."""
    assert judged(target_of(SCRIPTED, fault), rule_id).verdict is judged(
        EmbeddedTarget.build(BASE, redactor=Redactor(), library=USUAL, faults=[fault], variants=[]), rule_id
    ).verdict  # fmt: skip
    assert judged(target_of(SCRIPTED, fault), rule_id).verdict in (Verdict.FAIL, Verdict.WARNING)


@pytest.mark.slow
def test_a_good_server_with_pages_is_called_good() -> None:
    """No rule of devices finds a fault with a server whose only difference is that it asks."""
    target = target_of(SCRIPTED)

    rules = [rule.id for rule in REGISTRY if rule.id.startswith("device-")]
    assert {judged(target, rule).verdict for rule in rules if REGISTRY[rule].applies.find(BASE)} == {Verdict.PASS}


def test_a_login_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that does not get in is no reason to skip: the rule is inconclusive, and one password was typed."""
    target = target_of(SCRIPTED)
    monkeypatch.setitem(target.identities._found, "credentials.password", "wrong")

    outcomes = [judged(target, rule) for rule in CONSENTED]

    assert {outcome.verdict for outcome in outcomes} == {Verdict.INCONCLUSIVE}
    assert "no consent to device_code came of the login that [login] says" in outcomes[0].reason
    assert "asks for the password again" in outcomes[0].reason
    assert sum(asked.path.endswith("/login") and asked.method == "POST" for asked in target.server.requests) == 1


@pytest.mark.parametrize("profile", [SCRIPTED, CODES], ids=["device", "codes"])
def test_a_profile_whose_login_fails_says_what_the_page_said(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    """If every token takes a login that fails, the profile is not ready for that, and not for want of a browser."""
    target = target_of(profile)
    monkeypatch.setitem(target.identities._found, "credentials.password", "wrong")
    examination = Examination(target, Redactor())
    (zone, *_) = [zone for zone in target.profile.zones.values() if zone.kinds == {"bearer"}]

    assert examination.ways_into(zone) == []
    reason = examination.why_closed(zone)
    assert "no token came of the login that [login] says: " in reason
    assert "asks for the password again" in reason


def test_clients_enter_the_code_by_the_script() -> None:
    """A client of a device gets its token, as each of the profile's users, also where the code must be typed."""
    target = target_of(SCRIPTED)

    def without_the_code(request: Request) -> Response:
        response = target.server.handle(request)
        return replace(response, body=response.body.replace(b"_complete", b"_other"))

    for user, handle in (("default", target.server.handle), ("second", without_the_code)):
        client = Authenticator(
            target.profile, target.identities, target.store(("", user, "")), target.redactor, user=user,
            person=target.person,
        )  # fmt: skip
        token = fetch_token(client, InProcess(USUAL, handle), target.redactor)
        assert target.server._state.access[token.access_token.reveal()].user == user


def test_clients_say_why_nobody_has_consented(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test whose client's code could not be entered is told what the page said, in one line."""
    target = target_of(SCRIPTED)
    monkeypatch.setitem(target.identities._found, "credentials.password", "wrong")
    client = Authenticator(
        target.profile, target.identities, target.store(("", "", "")), target.redactor, person=target.person
    )

    with pytest.raises(TokenError, match=r"nobody has entered the code: login: .*/login asks for the password again"):
        fetch_token(client, target.connector, target.redactor)


def test_who_says_no_ends_the_waiting() -> None:
    """A script that presses the other button denies the device, which is told so (RFC 8628 3.5)."""
    target = target_of(BASE.replaced(login={"buttons": ["Log in", "Deny"]}))
    client = Authenticator(
        target.profile, target.identities, target.store(("", "", "")), target.redactor, person=target.person
    )

    with pytest.raises(TokenError, match="access_denied"):
        fetch_token(client, target.connector, target.redactor)
    outcome = judged(target, "device-single-use")
    assert (outcome.verdict, "access_denied" in outcome.reason) == (Verdict.INCONCLUSIVE, True)


def test_the_command_enters_the_code(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``token --script`` gets a device its token; with a wrong password or without ``[login]`` it says so in a line."""
    path = project / "shop.apiauth.toml"
    users = 'client_id = "shop-device"\nusername = "alice"\npassword = { env = "SHOP_PASSWORD" }'
    text = PROFILE.replace('client_id = "shop-device"', users) + "[login]\n"
    path.write_text(text, encoding="utf-8")
    server = Server(loading.load(path), variants=["login-pages"])
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with serve(server) as url:
        own = text.replace("https://shop.example", url)
        monkeypatch.setattr(server._policy, "verification_uri", lambda: f"{url}/device/verify")
        path.write_text(own, encoding="utf-8")
        assert main(["token", "shop", "--script"]) == 0
        printed = "".join(capsys.readouterr())
        assert "the script has entered the code as default" in printed
        assert [secret for secret in (*server._state.access, *server._state.devices) if secret in printed] == []
        monkeypatch.setenv("SHOP_PASSWORD", "not-the-password")
        assert main(["token", "shop", "--script"]) == 2
        assert "the script has not entered the code: login: " in capsys.readouterr().err
        path.write_text(own.replace("[login]\n", ""), encoding="utf-8")
        assert main(["token", "shop", "--script"]) == 2
        assert capsys.readouterr().err.splitlines()[-1].endswith("; [login] says how to log in")
