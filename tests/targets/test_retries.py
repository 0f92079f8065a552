"""What is sent again and what is not, over real connections: what arrives, what is counted, what the budget says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import rebased
from pytest_apiauth.errors import BudgetError, DroppedError
from pytest_apiauth.http import Network, NotSendable, Sender
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.outcomes import OutOfGuesses
from pytest_apiauth.targets.limits import Limits, Throttle
from pytest_apiauth.targets.live import LiveTarget
from pytest_apiauth.targets.retries import NEARBY, REPEAT_AFTER, Retries, Settled
from tests.faults.examining import PROFILES
from tests.here import USUAL

Trouble = Callable[[Request], Response | None]
"""Answers in the server's place; None ends the connection without an answer."""
LATER = Response(429, (("Retry-After", "0"),))


class Live:
    """The embedded server as a live one that makes trouble: on a socket, with kept connections, within a budget."""

    def __init__(self, url: str) -> None:
        self.arrived: list[Request] = []
        redactor = Redactor()
        server = Server(rebased(PROFILES["jindexe"], url).replaced(clock={"url": f"{url}/clock"}), redactor=redactor)
        profile = server.profile
        self.serve: Trouble = server.handle
        self.trouble: Trouble = server.handle
        self.throttle = Throttle("jindexe", Limits(None, 1000, 100))
        network = Network(USUAL, turn=self.throttle.turn)
        sender = Sender.live(USUAL, profile, redactor, network=network)
        identities = Identities(profile, server.lookup, redactor)
        self.target = LiveTarget(profile, identities, redactor, network, sender, self.throttle)
        self.examination = Examination(self.target, redactor)

    def handle(self, request: Request) -> Response | None:
        """Answer one request."""
        self.arrived.append(request)
        if request.path == "/clock":
            return Response(204)
        return self.trouble(request)

    def counts(self) -> tuple[int, int, int]:
        """How many requests arrived, how many the report counts, and how many were taken off the budget."""
        return len(self.arrived), self.examination.requests, self.throttle.sent


@contextmanager
def listening() -> Iterator[Live]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            headers = tuple(self.headers.items())
            answer = live.handle(Request(self.command, url + self.path, headers, body, target=self.path))
            if answer is None:
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
                if name.lower() != "content-length" or value == str(len(answer.body)):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

    for method in ("GET", "POST"):
        setattr(Handler, f"do_{method}", Handler.answer)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        url = f"http://127.0.0.1:{listener.server_address[1]}"
        live = Live(url)
        Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield live
        finally:
            live.target.close()
            listener.shutdown()


def once(answer: Response | None, serve: Trouble) -> Trouble:
    """Make trouble once, and serve from then on."""
    seen: list[Request] = []

    def trouble(request: Request) -> Response | None:
        seen.append(request)
        return answer if len(seen) == 1 else serve(request)

    return trouble


@pytest.fixture
def live() -> Iterator[Live]:
    """A live server of one's own."""
    with listening() as live:
        yield live


def test_a_get_that_is_dropped_is_two_requests_and_counts_as_two(live: Live) -> None:
    """A kept connection that ends is no reason to ask four times; what has left is counted, by the budget too."""
    draft = live.examination.request("/user/me", ("bearer", "api_key"))
    assert live.examination.send(draft).status == 200
    before = live.counts()
    live.trouble = lambda request: None
    with pytest.raises(DroppedError):
        live.examination.send(draft)
    assert [after - one for after, one in zip(live.counts(), before, strict=True)] == [2, 2, 2]


def test_the_budget_and_the_report_count_the_same(live: Live) -> None:
    """Repetitions, clock orders and connections of a rule's own are counted as they leave, each once."""
    examination = live.examination
    draft = examination.request("/user/me", ("bearer", "api_key"))
    assert examination.send(draft).status == 200
    for trouble in (None, LATER):
        live.trouble = once(trouble, live.serve)
        assert examination.send(draft).status == 200
    with live.target.connection(draft.url) as connection:
        for _ in range(2):
            examination.send_by(lambda request: [connection.send(request)], draft)
    examination.advance(10)
    # A token and a request; twice two; two; the clock.
    assert live.counts() == (9, 9, 9)


def test_what_does_not_leave_does_not_count(live: Live) -> None:
    """A request that no connection carries, and one beyond the budget, are none."""
    examination = live.examination
    draft = examination.request("/user/me", ("api_key",))
    with pytest.raises(NotSendable):
        examination.send(draft.with_header("X-A", " edge"))
    live.throttle.limits = Limits(None, 1, 100)
    examination.send(draft)
    with pytest.raises(BudgetError):
        examination.send(draft)
    assert live.counts() == (1, 1, 1)


@pytest.mark.parametrize(
    "ref",
    [
        Ref(Role.REFRESH_TOKEN),
        Ref(Role.REFRESH_TOKEN, "second"),
        Ref(Role.REFRESH_TOKEN, named="REFRESH_TOKEN_2"),
        Ref(Role.CODE, own="CONTROL"),
    ],
    ids=lambda ref: ref.name,
)
@pytest.mark.parametrize("trouble", [None, LATER, Response(500)], ids=["dropped", "limited", "failed"])
def test_what_is_used_up_is_never_sent_twice(live: Live, ref: Ref, trouble: Response | None) -> None:
    """The server may have taken the refresh token before the trouble, and a good one then ends the whole login."""
    examination = live.examination
    examination.placeholders.keep(ref, "a-token-that-is-spent")
    live.trouble = lambda request: trouble
    with nullcontext() if trouble else pytest.raises(DroppedError):
        examination.send(examination.obtaining.token_request("refresh_token", refresh_token=ref), sure=True)
    assert live.counts() == (1, 1, 1)


def test_a_limited_rate_is_waited_for_once(live: Live) -> None:
    """A server that says when to ask again is asked again then, and the second answer counts, whatever it is."""
    live.trouble = lambda request: LATER
    assert live.examination.send(live.examination.request("/user/me", ("api_key",)), sure=True).status == 429
    assert live.counts() == (2, 2, 2)


def test_another_try_of_a_wrong_password_is_another_guess(live: Live) -> None:
    """Accounts lock by what arrives, so a repetition stands under the same bound as the first."""
    examination = live.examination
    live.throttle.limits = Limits(None, 100, 1)
    wrong = examination.obtaining.token_request("password").setting("password", "a-wrong-one")
    live.trouble = lambda request: LATER
    with pytest.raises(OutOfGuesses):
        examination.send(wrong)
    assert live.counts() == (1, 1, 1)


ERROR = Response(500)
GOOD = Response(200)
GATEWAY = Response(503, (("Retry-After", "7"),))
HOPELESS = Response(429, (("Retry-After", "3600"),))


@pytest.mark.parametrize(
    ("came", "expected", "waited"),
    [
        ([GOOD], Settled(GOOD), []),
        ([DroppedError(), GOOD], Settled(GOOD), []),
        ([LATER, DroppedError(), ERROR, GOOD], Settled(GOOD, ERROR), [0.0, REPEAT_AFTER]),
        ([DroppedError(), GATEWAY, ERROR, LATER], Settled(LATER, ERROR), [7.0, REPEAT_AFTER]),
        ([GATEWAY, GATEWAY, GATEWAY], Settled(GATEWAY, GATEWAY), [7.0, REPEAT_AFTER]),
        ([HOPELESS], Settled(HOPELESS), []),
        ([Response(501)], Settled(Response(501)), []),
    ],
)
def test_each_trouble_is_given_one_chance(
    came: list[Response | DroppedError], expected: Settled, waited: list[float]
) -> None:
    """The chances of a request add up, whatever their order, and the wait is the one that fits the trouble."""
    attempts, waits = list(came), list[float]()
    retries = Retries(lambda seconds: seconds < 60, waits.append)
    settled = retries.settle(lambda: taken(attempts), lambda: True, sure=True)
    assert (settled, waits, attempts) == (expected, waited, [])


@pytest.mark.parametrize("came", [ERROR, LATER, GATEWAY])
def test_a_server_nearby_is_taken_at_its_word(came: Response) -> None:
    """What runs on this machine neither limits a rate nor fails under load."""
    assert NEARBY.settle(lambda: came, lambda: True, sure=True) == Settled(came)


def test_a_server_error_is_made_sure_of_on_request_only() -> None:
    """A caller that has seen one such error takes the next at its word."""
    assert Retries(lambda seconds: True).settle(lambda: ERROR, lambda: True) == Settled(ERROR)


def taken(attempts: list[Response | DroppedError]) -> Response:
    """Return the next answer, or raise the next error."""
    came = attempts.pop(0)
    if isinstance(came, DroppedError):
        raise came
    return came
