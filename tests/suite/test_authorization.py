"""The authorization rules on servers that ask for a login, as live ones do: nothing passes unseen."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.consent import asked, asking, differ_by_port, leads_to, place, sort_of
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.live import LIVE
from tests.faults.examining import CONDITIONS, PROFILES
from tests.here import USUAL

REGISTERED = "https://app.reference.example/callback"
LOGIN = Response(302, (("Location", "/login?next=%2Fauthorize"), ("Set-Cookie", "sid=cookie-of-the-login; Path=/")))
FRAMABLE = Response(200, (("Content-Type", "text/html"),), b"<form>")
FRAMED = Response(200, (*FRAMABLE.headers, ("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")))


class Gated:
    """The embedded server behind a login: it decides on errors before it, or on nothing."""

    kind = LIVE
    person = None

    def __init__(self, *faults: str, decides_first: bool, page: Response = FRAMED) -> None:
        redactor = Redactor()
        self.inner = EmbeddedTarget.build(
            PROFILES["reference"], redactor=redactor, library=USUAL, faults=faults, variants=()
        )
        self.examination = Examination(self, redactor)
        self.decides_first = decides_first
        self.page = page
        self.cookies: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, request: Request) -> Response:
        """Answer as the embedded server does, with a login in the place of every code."""
        if request.path == "/login":
            self.cookies += request.header_lines("cookie")
            return self.page
        answer = self.inner.send(request)
        if request.path != "/authorize" or request.method != "GET":
            return answer
        if self.decides_first and "code=" not in (answer.header("location") or ""):
            return answer
        return LOGIN

    def judged(self, rule_id: str) -> Outcome:
        """Judge one rule."""
        rule = REGISTRY[rule_id]
        (argument,) = rule.applies.find(PROFILES["reference"]).values()
        return judge(rule, self.examination, argument, CONDITIONS)


AT_THE_DOOR = ("az-bad-redirect", "az-redirect-near-miss", "az-response-type", "az-state-echo", "az-params")
WITH_A_CODE = ("code-single-use", "code-reuse-revokes", "code-bound", "pkce-verifier", "pkce-downgrade")


@pytest.mark.parametrize("rule_id", [*AT_THE_DOOR, "az-no-cors", "az-framing", "pkce-plain"])
def test_what_is_decided_before_the_login_is_judged(rule_id: str) -> None:
    """A server that decides on errors before the login is examined without a browser."""
    assert Gated(decides_first=True).judged(rule_id).verdict is Verdict.PASS


@pytest.mark.parametrize("rule_id", [*AT_THE_DOOR, "pkce-plain"])
def test_what_is_decided_after_the_login_is_not_passed(rule_id: str) -> None:
    """A server that asks for a login first has shown nothing yet: the rule does not apply, and says why."""
    outcome = Gated(decides_first=False).judged(rule_id)

    assert outcome.verdict is Verdict.SKIP
    assert "login" in outcome.reason


@pytest.mark.parametrize("rule_id", WITH_A_CODE)
def test_codes_take_a_browser(rule_id: str) -> None:
    """A rule that needs a code does not apply where nobody can consent."""
    outcome = Gated(decides_first=True).judged(rule_id)

    assert outcome.verdict is Verdict.SKIP
    assert "browser" in outcome.reason


@pytest.mark.parametrize(
    ("fault", "rule_id", "verdict"),
    [
        ("redirect-any", "az-bad-redirect", Verdict.FAIL),
        ("redirect-prefix-match", "az-redirect-near-miss", Verdict.FAIL),
        ("redirect-parsed", "az-redirect-near-miss", Verdict.FAIL),
        ("redirect-query-ignored", "az-redirect-near-miss", Verdict.WARNING),
        ("state-dropped-on-error", "az-state-echo", Verdict.FAIL),
        ("authorize-first-checked-last-used", "az-params", Verdict.FAIL),
        ("authorize-unknown-parameter-refused", "az-params", Verdict.WARNING),
    ],
)
def test_faults_show_before_the_login(fault: str, rule_id: str, verdict: Verdict) -> None:
    """A response type nobody knows makes a server redirect at once, so faults show without a browser."""
    assert Gated(fault, decides_first=True).judged(rule_id).verdict is verdict


def test_the_login_page_is_looked_at() -> None:
    """The page that a login redirects to is asked for with its cookie, and judged."""
    gated = Gated(decides_first=True, page=FRAMABLE)

    outcome = gated.judged("az-framing")

    assert outcome.verdict is Verdict.WARNING
    assert outcome.counterexample is not None
    assert "/login" in outcome.counterexample.curl
    assert "cookie-of-the-login" not in outcome.counterexample.curl
    assert gated.cookies == ["sid=cookie-of-the-login"]


@pytest.mark.parametrize(
    "same",
    [
        "HTTPS://APP.reference.example./callback/", "https://app.reference.example:443/callback?a=b#c",
        "https://you@app.reference.example/callback", "https:\\\\app.reference.example\\x\\..\\callback",
        "https://app.reference.example/x/%2E%2e/callback", "https://app.refer\tence.example/call\nback",
    ],
)  # fmt: skip
def test_other_spellings_of_a_place(same: str) -> None:
    """What a browser reads as the same place is the same place."""
    assert place(same) == place(REGISTERED)
    assert leads_to(same, REGISTERED)


@pytest.mark.parametrize(
    "other",
    [
        "http://app.reference.example/callback", "https://app.reference.example:8443/callback",
        "https://app.reference.example/Callback", "https://app.reference.example/callback%2f",
        "https://app.reference.example@evil.example/callback", "https://evil.example\\@app.reference.example/callback",
        "https://app.reference.example:x/callback", "https://[/callback", "",
    ],
)  # fmt: skip
def test_other_places(other: str) -> None:
    """What a browser reads as another place is another place."""
    assert place(other) != place(REGISTERED)
    assert not leads_to(other, REGISTERED, REGISTERED)


def test_a_foreign_origin_is_reached_at_any_path() -> None:
    """Arriving at a foreign origin counts whatever the path, at a known one it does not."""
    assert leads_to("https://evil.example/other", "https://evil.example/callback", REGISTERED)
    assert not leads_to("https://app.reference.example/login", REGISTERED, "https://app.reference.example/authorize")


@pytest.mark.parametrize(
    ("status", "location", "sort"),
    [
        (200, None, "page"), (400, None, "refused"), (302, None, "nowhere"), (303, f"{REGISTERED}?code=x", "client"),
        (302, "/login", "onward"), (302, "https://[", "onward"), (500, f"{REGISTERED}?code=x", "refused"),
    ],
)  # fmt: skip
def test_sorts_of_answers(status: int, location: str | None, sort: str) -> None:
    """An answer leads to the client, onward, or nowhere."""
    draft = Gated(decides_first=True).examination.obtaining.authorization_request()
    lines = () if location is None else (("Location", location),)

    assert sort_of(draft, Response(status, lines)) == sort


def test_parameters_are_set_in_place() -> None:
    """A parameter is replaced where it stands, added at the end, or taken away."""
    draft = Gated(decides_first=True).examination.obtaining.authorization_request()

    changed = asking(draft, redirect_uri="https://evil.example", scope=None, extra="1")

    assert asked(changed, "redirect_uri") == "https://evil.example"
    names = [name for name, _ in draft.query]
    assert [name for name, _ in changed.query] == [*(name for name in names if name != "scope"), "extra"]


@pytest.mark.parametrize(
    ("near", "registered", "skipped"),
    [
        ("http://127.0.0.1:1234/cb", "http://127.0.0.1:9999/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:9999/cb", True),
        ("http://[::1]:1234/cb", "http://[::1]/cb", True),
        ("http://127.0.0.1:1234/other", "http://127.0.0.1:9999/cb", False),
        ("http://127.0.0.2:9999/cb", "http://127.0.0.1:9999/cb", False),
        ("https://app.example:8443/cb", "https://app.example/cb", False),
        ("http://127.0.0.1:9999/cb?x=1", "http://127.0.0.1:9999/cb", False),
    ],
)
def test_the_port_of_a_loopback_address_is_free(near: str, registered: str, skipped: bool) -> None:
    """An application on a person's machine chooses its port anew each time (RFC 8252 7.3), so that is no near miss."""
    assert differ_by_port(near, registered) is skipped
