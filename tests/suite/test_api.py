"""The examiner's instrument: paired control, inconclusive answers, breaches, what is filed where."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.texts import Ref, Role
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import DroppedError, UnreachableError
from pytest_apiauth.http import InProcess
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.api import Api
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.outcomes import Inconclusive, Unready
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.connection import Connection
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.live import LIVE
from pytest_apiauth.targets.retries import NEARBY, Retries
from pytest_apiauth.targets.target import EMBEDDED, Who
from tests.here import USUAL

bundled.load_chapters()
Answer = Callable[[Request, Callable[[Request], Response]], Response]


class Scripted:
    """An embedded server behind a function that may answer in its place."""

    kind = EMBEDDED
    person = None
    can_move_clock = False
    is_parallel = True
    seconds_an_answer = 0.0
    seconds_waited = 0.0

    def __init__(self, answer: Answer) -> None:
        self.server = Server(loading.load(loading.builtin_profiles()["jindexe"]))
        self.redactor = Redactor()
        self.identities = Identities(self.server.profile, self.server.lookup, self.redactor)
        self.connector = InProcess(USUAL, self.send)
        self._answer = answer
        self.sent = 0

    @property
    def profile(self) -> Profile:
        """The server's profile."""
        return self.server.profile

    def send(self, request: Request) -> Response:
        """Answer by the script."""
        self.sent += 1
        return self._answer(request, self.server.handle)

    @property
    def retries(self) -> Retries:
        """Those of its kind, for which nobody waits."""
        return Retries(lambda seconds: True, self.pause) if self.kind.is_live else NEARBY

    def store(self, who: Who) -> TokenStore:
        """Return a new one."""
        return TokenStore(self.server.clock, 0)

    def advance(self, seconds: int) -> None:
        """Time stands still here."""

    def connection(self, url: str) -> Connection:
        """There is none."""
        raise UnreachableError("no connections")

    def pause(self, seconds: float) -> None:
        """Nobody waits in a test."""

    def guess(self, username: str) -> bool:
        """No account locks here."""
        return True

    def close(self) -> None:
        """Nothing is open."""


def judged(rule_id: str, answer: Answer, *, seed: int = 0, live: bool = False) -> Outcome:
    """Judge one rule on the zone ``user`` of the scripted server."""
    target = Scripted(answer)
    if live:
        target.kind = LIVE
    examination = Examination(target, Redactor())
    return judge(REGISTRY[rule_id], examination, target.profile.zones["user"], Conditions(30, seed))


def is_valid(request: Request) -> bool:
    """Whether a request carries both credentials that the zone needs."""
    return request.header("authorization") is not None and request.header("x-api-key") is not None


def test_a_refusal_counts_only_beside_a_success() -> None:
    """A server that refuses everything passes no rule: the valid request fails, so nothing is concluded."""
    outcome = judged(
        "res-no-cred-401", lambda request, serve: Response(401) if "/user" in request.url else serve(request)
    )
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "the valid request was answered with 401" in outcome.reason


def test_the_control_is_sent_again_after_a_refusal() -> None:
    """A server that locks the caller out after one bad request is noticed, not praised."""
    locked: list[bool] = []

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        if "/user" not in request.url:
            return serve(request)
        if not is_valid(request):
            locked.append(True)
        return Response(401) if locked else serve(request)

    assert judged("res-no-cred-401", answer).verdict is Verdict.INCONCLUSIVE


def test_a_limited_rate_is_never_a_pass() -> None:
    """429 is no refusal: the rule is inconclusive."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        return serve(request) if "/user" not in request.url or is_valid(request) else Response(429)

    outcome = judged("res-no-cred-401", answer)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert "429" in outcome.reason


def test_no_answer_is_never_a_pass() -> None:
    """A connection that fails leaves the rule inconclusive, under Hypothesis too."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        if "/user" in request.url and request.header("authorization") != "":
            raise UnreachableError("nothing listens")
        return serve(request)

    assert judged("res-no-cred-401", answer).verdict is Verdict.INCONCLUSIVE
    assert judged("res-mutated-token", answer).verdict is Verdict.INCONCLUSIVE


def test_a_server_error_is_filed_under_its_own_rule() -> None:
    """A 5xx that comes while another rule is examined is a breach of invalid-never-5xx."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        return serve(request) if "/user" not in request.url or is_valid(request) else Response(500)

    outcome = judged("res-no-cred-401", answer)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert list(outcome.breaches) == ["invalid-never-5xx"]


@pytest.mark.parametrize("broken", [r".*\\", "%", ".*;"])
def test_a_server_error_on_another_spelling_is_none_of_credentials(broken: str) -> None:
    """What a framework makes of a target that is none, or of another spelling of a path, is no finding here."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        return Response(500) if re.match(broken, request.target or "") else serve(request)

    assert judged("res-path-variants", answer).verdict is Verdict.PASS


def test_protected_content_in_a_refusal_is_no_refusal() -> None:
    """A 401 that carries the protected content all the same breaks the rule."""

    content: list[bytes] = []

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        if "/user" not in request.url:
            return serve(request)
        if is_valid(request):
            content.append(serve(request).body)
            return Response(200, body=content[0])
        return Response(401, body=content[0])

    outcome = judged("res-no-cred-401", answer)
    assert outcome.verdict is Verdict.FAIL
    assert "without the protected content" in outcome.reason


def test_an_undocumented_refusal_is_a_warning() -> None:
    """A refusal with a status that nobody documents refuses all the same."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        return serve(request) if "/user" not in request.url or is_valid(request) else Response(404)

    assert judged("res-no-cred-401", answer).verdict is Verdict.WARNING


def test_one_seed_one_verdict() -> None:
    """Two runs with one seed ask the same questions."""
    asked: list[list[str | None]] = [[], []]
    for run in asked:

        def answer(request: Request, serve: Callable[[Request], Response], run: list[str | None] = run) -> Response:
            run.append(request.header("authorization"))
            return serve(request)

        judged("res-garbage-token", answer, seed=7)
    assert asked[0] == asked[1]


def test_an_intermittent_fault_is_reported_as_one() -> None:
    """A server that lets one bad token in and not again is broken, and the report says intermittent."""
    let_in: list[bool] = []

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        response = serve(request)
        if "/user" in request.url and response.status == 401 and not let_in:
            let_in.append(True)
            return Response(200, body=b"{}")
        return response

    outcome = judged("res-mutated-token", answer)
    assert outcome.verdict is Verdict.FAIL
    assert "intermittent" in outcome.reason


def test_shrinking_is_bounded_on_a_live_server() -> None:
    """A live server is asked a bounded number of times after the first counterexample."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        is_let_in = "/user" in request.url and request.header("authorization")
        return Response(200, body=b"{}") if is_let_in else serve(request)

    outcome = judged("res-mutated-token", answer, live=True)
    assert outcome.verdict is Verdict.FAIL
    assert outcome.requests < 200


def test_a_profile_whose_valid_request_fails_is_not_ready() -> None:
    """Where the valid request fails at the start, one line says which and how to see it."""
    examination = Examination(
        Scripted(lambda request, serve: Response(404) if "/user" in request.url else serve(request)), Redactor()
    )
    with pytest.raises(Unready, match=r"jindexe: the valid request to \S+/user/me was answered with 404"):
        make_ready(examination)


@pytest.mark.parametrize("role", [Role.ACCESS_TOKEN, Role.API_KEY])
def test_what_no_header_can_carry_is_told_with_the_request(role: Role) -> None:
    """A token or a key of letters that are no bytes ends the start in a line with the profile, and not with itself."""
    profile = loading.load(loading.builtin_profiles()["jindexe"])
    profile = profile.replaced(zones={name: zone for name, zone in profile.zones.items() if "bearer" in zone.kinds})
    target = EmbeddedTarget.build(profile, redactor=Redactor(), library=USUAL, faults=(), variants=())
    examination = Examination(target, Redactor())
    examination.placeholders.keep(Ref(role), "мир-и-мир")

    words = r"jindexe: the valid request to \S+/user/me is not sendable: .*; look at .*: curl "
    with pytest.raises(Unready, match=words) as raised:
        make_ready(examination)

    assert "мир" not in str(raised.value)


def test_a_connection_that_ends_is_no_verdict() -> None:
    """A request whose connection ends before the answer is sent once more; a second end is inconclusive."""
    seen: list[Request] = []

    def drops(times: int) -> Answer:
        def answer(request: Request, good: Callable[[Request], Response]) -> Response:
            if request.method == "HEAD":
                seen.append(request)
                if len(seen) <= times:
                    raise DroppedError("jindexe: no answer")
            return good(request)

        return answer

    assert judged("res-no-cred-401", drops(1)).verdict is Verdict.PASS
    seen.clear()
    assert judged("res-no-cred-401", drops(2)).verdict is Verdict.INCONCLUSIVE


def held(answer: Answer = lambda request, serve: serve(request)) -> Api:
    """Hold the scripted server as a rule does."""
    return Api(Examination(Scripted(answer), Redactor()), "res-no-cred-401")


def test_each_control_is_sent_once_more_than_there_are_altered_requests() -> None:
    """Two valid requests in turn cost no more than one after the other: a control each, and one after each refusal."""
    api = held()
    first, second = [next(api.requests(api.profile.zones[name], "bearer")) for name in ("user", "pro")]
    for _ in range(3):
        for valid in (first, second):
            api.send(valid.anonymous()).refused()

    assert api.controls == 2 * (3 + 1)
    assert api.send(first).succeeds
    assert api.controls == 8
    api.forget_tokens()
    api.send(first.anonymous())
    api.send(first.anonymous())
    assert api.controls == 9


def test_a_request_that_spends_something_has_a_control_of_its_own() -> None:
    """The control of a refresh takes another refresh token, a new one each time."""
    sent: list[bytes] = []

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        sent.append(request.body)
        return serve(request)

    api = held(answer)
    valid = api.token_request("refresh_token")
    sent.clear()
    api.send(valid.omitting("refresh_token")).no_token()

    refreshes = [body for body in sent if b'"refresh_token"' in body and b"password" not in body]
    assert api.controls == 2
    assert len({*refreshes}) == 3
    assert not api.send(valid).draft.is_altered
    assert api.controls == 2


def test_a_verdict_beside_no_valid_request_is_a_mistake() -> None:
    """Whoever writes a rule cannot conclude anything from a refusal alone."""
    answer = held().send(Draft("GET", "https://jindexe.example/user/me"))
    for verdict in (answer.refused, answer.no_token, answer.like_control):
        with pytest.raises(TypeError, match="beside no valid request"):
            verdict()


def test_a_server_that_breaks_down_meanwhile_breaks_no_promise() -> None:
    """That an altered request is answered otherwise counts only while its control still succeeds."""
    broken: list[bool] = []

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        if request.header("x-extra") is not None:
            broken.append(True)
        return Response(403) if broken and "/user" in request.url else serve(request)

    api = held(answer)
    valid = next(api.requests(api.profile.zones["user"], "bearer"))
    with pytest.raises(Inconclusive, match="the valid request was answered with 403"):
        api.send(valid.with_headers(("X-Extra", "1"))).like_control()
