"""What web servers and gateways get wrong, and what they do that is right: each was seen on one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import Fault
from pytest_apiauth.errors import DroppedError, UnreachableError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.suite.outcomes import Unready
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.live import LIVE
from tests.faults.examining import EXAMINED, PROFILES, examine
from tests.here import USUAL

from .test_api import Scripted, judged
from .test_other_good_servers import verdict_of

REFERENCE = PROFILES["reference"]
Asks = Callable[[Request], bool]
CAUGHT = {Verdict.FAIL, Verdict.WARNING}


def letting_in(asks: Asks) -> Fault:
    """Return what lets in whoever asks so, and shows no credential."""

    class LetsIn(Policy):
        def is_admitted_unseen(self, request: Request) -> bool:
            return asks(request) or super().is_admitted_unseen(request)

    return Fault("lets-in", "", LetsIn)


def has(name: str, value: str = "") -> Asks:
    """Ask for a header field, or for one with a value in it."""
    return lambda request: any(value in line for line in request.header_lines(name))


def in_zone(zone: str, asks: Asks) -> Asks:
    """Ask in one zone alone, which is not the profile's first."""
    return lambda request: request.path.startswith(f"/{zone}/") and asks(request)


def outcome_of(rule_id: str, part: str, fault: Fault) -> Outcome:
    """Judge a rule on a part of the reference profile."""
    return examine("reference", [REGISTRY[rule_id]], faults=[fault])[rule_id, part]


@pytest.mark.parametrize(
    ("rule_id", "part", "asks"),
    [
        ("res-path-variants", "keyed", lambda request: ";" in request.path and request.path.endswith(".css")),
        ("res-path-variants", "keyed", lambda request: ";jsessionid=" in request.path),
        ("hdr-inert", "user", in_zone("user", has("x-requested-with"))),
        ("hdr-inert", "user", in_zone("user", has("referer"))),
        ("res-proxy-headers", "user", has("x-forwarded-for", "172.16.")),
        ("res-proxy-headers", "keyed", has("host", "apiauth.invalid")),
        ("res-proxy-headers", "keyed", has("accept", "text/html")),
        ("res-proxy-headers", "keyed", has("origin", "://")),
        ("res-proxy-headers", "keyed", has("content-type", "grpc")),
        ("res-trusted-parameters", "user", lambda request: "auth=1" in request.query.split("&")),
        ("res-trusted-parameters", "user", has("cookie", "XDEBUG_SESSION=1")),
    ],
)
def test_what_lets_a_stranger_in_is_found(rule_id: str, part: str, asks: Asks) -> None:
    """Each of these opened a server of a trial, and no rule had asked so."""
    assert outcome_of(rule_id, part, letting_in(asks)).verdict is Verdict.FAIL


class OpenPrefix(Policy):
    """Takes an open prefix away and leads to all that is behind it, as a proxy may."""

    step = ""

    def revise(self, request: Request, response: Response) -> Response:
        """Answer with what is behind the prefix, to whoever asks."""
        kept: dict[str, Response] = self.__dict__.setdefault("behind", {})
        if response.status == 200 and "/open" not in request.path:
            kept[request.path] = response
        inner = request.path.removeprefix(f"/open{self.step}")
        return kept.get(inner, response) if inner != request.path else super().revise(request, response)


class OpenAlias(OpenPrefix):
    """Has an alias without the slash at its end."""

    step = ".."


@pytest.mark.parametrize("policy", [OpenPrefix, OpenAlias])
def test_a_way_through_an_open_prefix_is_found(policy: type[Policy]) -> None:
    """What an open prefix leads to is behind it: nginx with proxy_pass or alias, Caddy with handle_path."""
    assert outcome_of("zone-path-escape", "keyed", Fault("open-prefix", "", policy)).verdict is Verdict.FAIL


def test_a_list_of_keys_in_one_line_is_advised_against() -> None:
    """It is the same as two lines, where a bad key before a good one is overlooked."""

    class Lists(Policy):
        def choose_line(self, lines: list[str]) -> str | None:
            return super().choose_line([piece for line in lines[:1] for piece in line.split(", ")][-1:])

    found = outcome_of("hdr-duplicate-credential", "keyed", Fault("lists", "", Lists))
    assert found.verdict is Verdict.WARNING
    assert "in one line" in found.reason


# What is right


class EndsAtNul(Policy):
    """nginx, Apache, HAProxy, lighttpd and PHP: a text of C ends there, and the password before it is the whole one."""

    def same_basic_password(self, presented: str, known: str) -> bool:
        """Compare what stands before it."""
        return super().same_basic_password(presented.partition("\0")[0], known)


def test_a_nul_behind_a_whole_password_is_advised_against() -> None:
    """Whoever sends it knows the password; no more is said of it than of other things behind one."""
    found = outcome_of("res-basic-controls", "basic", Fault("ends", "", EndsAtNul))

    assert found.verdict is Verdict.WARNING
    assert found.is_advice


def test_a_documented_status_is_not_advised_against() -> None:
    """Apache's Require expr and lighttpd's url.access-deny answer 403 to whoever shows nothing."""

    def denies(request: Request, serve: Callable[[Request], Response]) -> Response:
        bare = request.header("authorization") is None and request.header("x-api-key") is None
        answer = serve(request)
        return replace(answer, status=403) if bare and answer.status == 401 else answer

    documented: list[int | None] = [None, 403, 401]
    profiles = [REFERENCE.replaced(unauthenticated=status) for status in documented]
    verdicts = [verdict_of("res-no-cred-401", "user", denies, each) for each in profiles]
    assert verdicts == [Verdict.WARNING, Verdict.PASS, Verdict.FAIL]


def test_a_name_may_be_too_long() -> None:
    """RFC 6585 5: a server may refuse a header field for its size, whatever is in it."""

    def has_limits(request: Request, serve: Callable[[Request], Response]) -> Response:
        is_long = len(request.header("authorization") or "") > 8000
        return Response(431) if is_long else serve(request)

    assert verdict_of("res-basic-pair", "basic", has_limits) is Verdict.PASS


@pytest.mark.parametrize("target", ["\\/user/me", "/user\\me"])
def test_what_is_no_path_need_not_be_answered(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PHP's server ends the connection at it; at a path that is one, no answer is trouble."""
    rule = REGISTRY["res-path-variants"]
    paths = rule.function.__globals__
    verdicts = []
    for each in (target, "/user/./me"):
        monkeypatch.setitem(paths, "spellings", lambda path, each=each: iter([each]))
        monkeypatch.setitem(paths, "brief_spellings", lambda path, each=each: iter([each]))

        def answer(request: Request, serve: Callable[[Request], Response], each: str = each) -> Response:
            if request.target == each:
                raise DroppedError("no answer")
            return serve(request)

        verdicts.append(judged(rule.id, answer).verdict)

    assert verdicts == [Verdict.PASS, Verdict.INCONCLUSIVE]


# What a reader is told


def test_a_row_without_an_answer_is_shown() -> None:
    """Whoever looks for the reason needs the request: it is in the report as that of a failure is."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        if request.header("x-real-ip"):
            raise UnreachableError("jindexe: no answer (ReadTimeout)")
        return serve(request)

    found = judged("res-proxy-headers", answer)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.counterexample is not None
    assert found.counterexample.expected == "an answer"
    assert "X-Real-IP" in found.counterexample.curl
    assert "ReadTimeout" in found.counterexample.got


def test_a_probe_outside_of_its_zone_is_named() -> None:
    """The rules would examine what the zone does not promise."""
    zones = REFERENCE.model_dump(by_alias=True, exclude_unset=True)["zones"]
    zones["user"] = {**zones["user"], "probe": ["/keyed/items"]}
    profile, redactor = REFERENCE.replaced(zones=zones), Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library=USUAL, faults=(), variants=())

    with pytest.raises(Unready, match=r"zones\.user\.probe: /keyed/items is in the zone of /keyed/, not"):
        make_ready(Examination(target, redactor))


@pytest.mark.parametrize(
    ("name", "value"), [("host", "apiauth.invalid"), ("accept", "text/html"), ("content-type", "grpc")]
)
def test_what_renders_pages_or_serves_other_hosts_may_be_broken(name: str, value: str) -> None:
    """Django REST framework without its app installed has no template for a browser; no content came of it."""
    asks = has(name, value)
    found = judged("res-proxy-headers", lambda request, serve: Response(500) if asks(request) else serve(request))

    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize("reply", [500, 404, 422])
def test_what_an_app_makes_of_a_files_name_is_its_own(reply: int) -> None:
    """A number that is parsed out of 5.css is an error that credentials have no part in."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        return Response(reply) if request.path.endswith(".css") else serve(request)

    assert judged("res-not-shared-cacheable", answer).verdict is Verdict.PASS


def test_who_serves_no_such_host_may_end_the_connection() -> None:
    """nginx: return 444."""

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        if request.header("host"):
            raise DroppedError("jindexe: no answer")
        return serve(request)

    assert judged("res-proxy-headers", answer).verdict is Verdict.PASS


def test_a_name_may_be_too_long_for_an_answer() -> None:
    """Who finds it so may end the connection; at a name of usual length that is trouble."""
    longest = 8000

    def ends(request: Request, serve: Callable[[Request], Response]) -> Response:
        if len(request.header("authorization") or "") > longest:
            raise DroppedError("reference: no answer")
        return serve(request)

    assert verdict_of("res-basic-pair", "basic", ends) is Verdict.PASS
    longest = 80
    assert verdict_of("res-basic-pair", "basic", ends) is Verdict.INCONCLUSIVE


def test_what_was_never_sent_is_not_shown() -> None:
    """Where a token is lacking since its endpoint is silent, the request that was to carry it has not left."""
    is_silent = False

    def answer(request: Request, serve: Callable[[Request], Response]) -> Response:
        if is_silent and request.method == "POST":
            raise UnreachableError("jindexe: no answer of the token endpoint")
        return serve(request)

    target = Scripted(answer)
    examination = Examination(target, Redactor())
    zone = target.profile.zones["user"]
    assert judge(REGISTRY["res-no-cred-401"], examination, zone, Conditions(1, 0)).verdict is Verdict.PASS
    examination.forget_tokens()
    is_silent = True
    found = judge(REGISTRY["zone-swap"], examination, zone, Conditions(1, 0))

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "token endpoint" in found.reason
    assert found.counterexample is None


def as_ever(request: Request, serve: Callable[[Request], Response]) -> Response:
    """Answer as a good server does."""
    return serve(request)


def test_a_key_that_is_not_needed_may_be_a_list() -> None:
    """What is left of the request opens the zone, whatever the key looks like."""
    profile = EXAMINED["query"]
    zones = profile.model_dump(by_alias=True, exclude_unset=True)["zones"]
    zones["both"] = {**zones["both"], "needs": [["bearer"], ["bearer", "api_key"]]}

    assert verdict_of("key-list", "both", as_ever, profile.replaced(zones=zones)) in {Verdict.PASS, Verdict.SKIP}
    assert verdict_of("key-list", "all", as_ever, profile) is Verdict.PASS


def test_a_password_is_put_into_no_url_of_a_live_server() -> None:
    """Its logs would have it from then on."""
    target = Scripted(lambda request, serve: serve(request))
    target.kind = LIVE
    target.server = Server(REFERENCE)
    target.identities = Identities(REFERENCE, target.server.lookup, target.redactor)
    rule = REGISTRY["res-basic-elsewhere"]

    found = judge(rule, Examination(target, Redactor()), REFERENCE.zones["basic"], Conditions(1, 0))
    assert (found.verdict, found.is_out_of_reach) == (Verdict.SKIP, True)
