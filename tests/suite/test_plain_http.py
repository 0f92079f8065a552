"""What is served over plain HTTP: where that would be, and that nothing secret is sent to find out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import GuardError, UnreachableError
from pytest_apiauth.http import InProcess, Sender, build_client
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.targets.live import LIVE
from tests.here import USUAL
from tests.http.trap import CREDENTIALS, Trap, user_of
from tests.shop import shop

from .test_api import Scripted

PLAIN = "http://127.0.0.1:8080"
HTTPS = (("Location", "https://www.jindexe.com/"),)


class Plain(Scripted):
    """A live server that answers over plain HTTP at a place of its own, and keeps what comes there."""

    def __init__(self, answer: Callable[[], Response], **changes: Any) -> None:
        self.arrived: list[Request] = []
        self.changes = changes or {"live": {"plain_url": PLAIN}}

        def serve(request: Request, handle: Callable[[Request], Response]) -> Response:
            if request.url.startswith("http:"):
                self.arrived.append(request)
                return answer()
            return handle(request)

        super().__init__(serve)
        self.kind = LIVE

    @property
    def profile(self) -> Profile:
        """The server's, with a place for plain HTTP."""
        return self.server.profile.replaced(**self.changes)

    def judged(self) -> Outcome:
        """Judge the rule on the zone ``user``."""
        zone = self.profile.zones["user"]
        return judge(REGISTRY["tls-only"], Examination(self, Redactor()), zone, Conditions(5, 0))


def no_connection() -> Response:
    """Answer nothing."""
    raise UnreachableError("no connection")


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (lambda: Response(200, body=b"{}"), Verdict.FAIL, "expected no content over plain HTTP, got 200 OK"),
        (lambda: Response(401), Verdict.FAIL, "expected no challenge for credentials over plain HTTP"),
        (lambda: Response(301, (("Location", "/elsewhere"),)), Verdict.WARNING, "advised a redirect to HTTPS"),
        (lambda: Response(301, (("Location", "https://[x/"),)), Verdict.WARNING, "advised a redirect to HTTPS"),
        (lambda: Response(308, HTTPS), Verdict.PASS, ""),
        (lambda: Response(403), Verdict.PASS, ""),
        (lambda: Response(426), Verdict.PASS, ""),
        (no_connection, Verdict.PASS, ""),
    ],
)
def test_what_is_served_in_clear(answer: Callable[[], Response], verdict: Verdict, words: str) -> None:
    """Content and challenges fail; a refusal, a redirect to HTTPS and no connection are as they should be."""
    server = Plain(answer)
    outcome = server.judged()

    assert outcome.verdict is verdict
    assert outcome.reason.startswith(words)
    assert {request.url for request in server.arrived} == {f"{PLAIN}/user/me"}
    assert {name.lower() for request in server.arrived for name, _ in request.headers} <= {"accept", "host"}


def test_another_service_beside_the_api_is_not_asked() -> None:
    """Of an API on a port of its own nobody knows what port 80 is, until the profile says."""
    server = Plain(no_connection, api_url="https://api.example:8443")
    outcome = judge(
        REGISTRY["tls-only"], Examination(server, Redactor()), server.profile.zones["user"], Conditions(5, 0)
    )

    assert (outcome.verdict, outcome.is_out_of_reach, server.arrived) == (Verdict.SKIP, True, [])
    assert "live.plain_url says" in outcome.reason


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_credential_travels_to_the_plain_place(credential: str) -> None:
    """The profile names the place, and the guard lets nothing secret go there all the same."""
    redactor = Redactor()
    profile, user = user_of(credential, redactor)
    profile = profile.replaced(live={"plain_url": "http://api.example.org"})
    trap = Trap(profile)
    connector = InProcess(USUAL, trap.handle)
    with build_client(profile, connector, redactor, authenticator=user) as client, pytest.raises(GuardError):
        client.get("http://api.example.org/v1/user/me")
    sender = Sender.in_process(connector, profile, redactor)
    with pytest.raises(GuardError, match="in clear"):
        sender.send(Request("GET", "http://api.example.org/v1/user/me", (("Authorization", "Bearer made-up"),)))

    assert trap.arrived == []
    assert sender.send(Request("GET", "http://api.example.org/v1/user/me")).status == 200


@pytest.mark.parametrize(
    "url", ["https://api.example.org", "http://api.example.org/v1", "http://me:word@api.example.org", "api.example.org"]
)
def test_the_plain_place_is_an_origin(url: str) -> None:
    """A place that is no origin over plain HTTP is refused, in words that do not repeat it."""
    with pytest.raises(ValueError, match="plain_url: expected an origin over plain HTTP") as caught:
        shop(live={"plain_url": url})
    assert "word" not in str(caught.value).partition("[type=")[0]
