"""Whatever is sent, the server answers in an orderly way, and nothing made up gets in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_apiauth.messages import Request
from tests.embedded.caller import PROFILES, Caller

CALLERS = {name: Caller(name) for name in PROFILES}
BYTES = st.text(st.characters(max_codepoint=255), max_size=40)
NAMES = st.sampled_from(["Authorization", "X-API-KEY", "X-Mill-Key", "Content-Type", "Host", "Cookie", "X-Y"])
VALUES = BYTES | BYTES.map("Bearer {}".format) | BYTES.map("Basic {}".format)
TYPES = st.sampled_from(["application/json", "application/x-www-form-urlencoded"])
WORDS = ["grant_type=", "client_credentials", "password", "&", "=", "%", "+", "{", "}", '"', "[", ":", "scope", "\xff"]
MADE_UP = settings(deadline=None, database=None, max_examples=200)


@MADE_UP
@given(
    name=st.sampled_from(PROFILES),
    method=st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "X"]),
    lines=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    target=BYTES.map("/{}".format) | BYTES | st.none(),
    place=st.integers(0, 9),
)
def test_resources(name: str, method: str, lines: list[tuple[str, str]], target: str | None, place: int) -> None:
    """No made-up request opens a protected zone, and none is answered with 5xx."""
    caller = CALLERS[name]
    zones = list(caller.profile.zones.values())
    zone = zones[place % len(zones)]
    url = caller.profile.url(zone.probe[0])

    status = caller.server.handle(Request(method, url, tuple(lines), b"", target)).status

    assert 200 <= status < 500
    assert status != 200 or target is not None or not zone.is_protected


@MADE_UP
@given(
    name=st.sampled_from(PROFILES),
    lines=st.lists(st.tuples(NAMES, VALUES), max_size=3),
    content_type=TYPES | BYTES,
    body=st.binary(max_size=60)
    | st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: "".join(words).encode()),
    query=BYTES,
)
def test_token_endpoint(name: str, lines: list[tuple[str, str]], content_type: str, body: bytes, query: str) -> None:
    """No made-up request gets a token, and none is answered with 5xx."""
    caller = CALLERS[name]
    headers = (*lines, ("Content-Type", content_type))
    url = f"{caller.profile.token_endpoint}?{query}"

    answer = caller.server.handle(Request("POST", url, headers, body))

    assert 400 <= answer.status < 500
    assert b"access_token" not in answer.body


@MADE_UP
@given(query=BYTES | st.lists(st.sampled_from(["client_id=", "redirect_uri=", "lab", "&", "%", "state"])).map("".join))
def test_authorization_endpoint(query: str) -> None:
    """No made-up request is redirected anywhere."""
    caller = CALLERS["harbour"]

    answer = caller.server.handle(Request("GET", f"{caller.profile.authorization_endpoint}?{query}"))

    assert answer.status == 400
    assert answer.header("location") is None
