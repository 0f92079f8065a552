"""What the server tells of its own refusals: why, without a value of the request, and nothing that a test asked for."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_apiauth.embedded import FAULTS, Server
from pytest_apiauth.embedded.places import spots
from pytest_apiauth.embedded.reasons import What, Why
from pytest_apiauth.embedded.refusal_policy import JSON
from pytest_apiauth.embedded.refused import KEPT
from pytest_apiauth.embedded.token_policy import FORM
from pytest_apiauth.messages import Request
from pytest_apiauth.plugin import refused
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.endpoints import ENDPOINTS
from pytest_apiauth.profile.model import ClientAuth, Profile
from tests.embedded.caller import PROFILES, Caller, profile_named, swapped
from tests.embedded.test_robustness import BYTES, MADE_UP, NAMES, VALUES


def whats(server: Server) -> list[What]:
    """Give what stood where a credential was due, over all refusals."""
    return [found.what for reason in server.refused for found in reason.found]


def test_what_was_wrong_is_what_was_wrong_then() -> None:
    """A token that was over is told as over, whatever became of it afterwards; so is one that was dead."""
    caller = Caller("harbour")
    over, dead = (caller.token("client_credentials")["access_token"] for _ in range(2))
    caller.server.revoke(dead)
    caller.get("/quay/ships", token=dead)
    caller.server.clock.advance(60)
    caller.get("/quay/ships", token=over)
    caller.server.revoke(over)

    assert whats(caller.server) == [What.ENDED, What.EXPIRED]


def test_kinds_of_tokens_are_told_apart() -> None:
    """A refresh token, another kind of token, one that is unknown and what can be none each have a word."""
    harbour = Caller("harbour")
    refresh = harbour.token("password")["refresh_token"]
    for token in (refresh, swapped(refresh), "no token"):
        harbour.get("/quay/ships", token=token)

    assert whats(harbour.server) == [What.REFRESH_TOKEN, What.UNKNOWN_TOKEN, What.NO_TOKEN]


def test_what_was_good_once_is_told() -> None:
    """A key that the profile lists as revoked is known as such, and one that may not see a path as denied it."""
    profile = profile_named("mill")
    revoked = {**profile.credentials.model_dump(exclude_unset=True), "revoked": {"api_key": {"env": "MILL_OLD"}}}
    server = Server(profile.replaced(credentials=revoked))
    narrow = server.identities.key("narrow").api_key
    assert narrow
    for key in (server.environment["MILL_OLD"], "another", narrow.reveal()):
        server.handle(Request("GET", profile.url("/flour/rye"), (("X-Mill-Key", key),)))

    assert whats(server) == [What.WAS_GOOD, What.UNKNOWN_KEY]
    assert [reason.why for reason in server.refused] == [Why.CREDENTIAL, Why.CREDENTIAL, Why.DENIED]


def test_a_key_that_is_half_of_a_pair_is_told() -> None:
    """The double looks at the half that the profile names, and what is no pair at all has a word of its own."""
    profile = profile_named("mill").replaced(api_key={"pair": "any:{key}"})
    server = Server(profile)
    key = server.identities.key().api_key
    assert key
    pairs = [
        f"{name}:{text}".encode() for name, text in (("any", key.reveal()), ("", key.reveal()), (key.reveal(), "any"))
    ]
    texts = [
        *(base64.b64encode(pair).decode() for pair in pairs),
        base64.b64encode(b"no colon").decode(),
        "!",
        key.reveal(),
    ]
    statuses = [
        server.handle(Request("GET", profile.url("/flour/rye"), (("Authorization", f"Basic {text}"),))).status
        for text in texts
    ]

    assert statuses == [200, 200, 401, 401, 401, 401]
    assert whats(server) == [What.UNKNOWN_KEY, *[What.MALFORMED] * 3]


def test_the_latest_are_kept() -> None:
    """The list is bounded; it goes back with the rest, and `reset` empties it."""
    caller = Caller("mill")
    start = caller.server.bookmark()
    for number in range(KEPT + 7):
        caller.get(f"/nowhere/{number}")

    assert [reason.request.path for reason in caller.server.refused] == [f"/nowhere/{n}" for n in range(7, KEPT + 7)]
    caller.server.recall(start)
    assert caller.server.refused == []
    caller.get("/nowhere")
    caller.server.reset()
    assert caller.server.refused == []


def test_steps_of_a_protocol_are_no_refusals() -> None:
    """A browser's question of what it may send, and a device's whether somebody has said yes, are none."""
    caller = Caller("mill")
    caller.get("/flour/wheat", method="OPTIONS")

    assert caller.server.refused == []


@pytest.mark.parametrize("profile", PROFILES)
def test_a_fault_is_no_reason(profile: str) -> None:
    """What a broken server does to valid requests is not told as its own reason."""
    for name in ("surplus-credential-refused", *[*FAULTS][::9]):
        caller = Caller(profile, name)
        key = caller.key() if caller.profile.api_key else None
        for place in (place for zone in caller.profile.zones.values() for place in zone.probe):
            token = caller.server.issue().reveal() if caller.profile.grants else None
            for method in ("GET", "POST"):
                caller.get(place, token=token, key=key, method=method)

        assert {reason.why for reason in caller.server.refused} <= {Why.METHOD, Why.LACKING}, name


def test_every_case_has_words() -> None:
    """What is found has a word for people, whatever it is and however clients prove themselves."""
    assert refused.WORDS.keys() == What.__members__.keys()
    assert refused.BY_CLIENT_AUTH.keys() == {*get_args(ClientAuth)}


BODIES: Final = (
    b"grant_type=client_credentials&client_id=hidden-0&client_secret=hidden-0&scope=other",
    b"grant_type=password&username=other&password=hidden-0",
    b"grant_type=refresh_token&refresh_token=hidden-0&token=hidden-0",
    b'{"grant_type": "password", "username": "other", "password": "hidden-0", "scope": {"a": 1}}',
    b"\xff",
)
FILES: Final = [
    *sorted((Path(__file__).resolve().parents[1] / "profiles").glob("*.toml")),
    *loading.builtin_profiles().values(),
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.partition(".")[0])
def test_every_profile_is_told_of(file: Path) -> None:
    """Wrong credentials in every place and bodies at every endpoint are told, and no value of them is."""
    server = Server(loading.load(file))
    profile = server.profile
    places = [place for zone in profile.zones.values() for place in zone.probe]
    places += [place for row in ENDPOINTS if (place := getattr(profile, row.key))]
    told = []
    for url in [*map(profile.url, places), f"{profile.base_url}/nowhere", "https://elsewhere.example/"]:
        for spot, body, media in itertools.product(spots(profile).values(), BODIES, (FORM, JSON)):
            value = f"{spot.word} hidden-0".strip()
            lines = {"header": [(spot.name, value)], "cookie": [("Cookie", f"{spot.name}={value}")]}.get(spot.where, [])
            asked = f"{url}?{spot.name}=hidden-0" if spot.where == "query" else url
            server.handle(Request("POST", asked, (*lines, ("Content-Type", media)), body))
        told += lines_of(profile, server)
        server.reset()

    assert told
    assert [line for line in told if "hidden-0" in line or not line.isprintable()] == []


def lines_of(profile: Profile, server: Server) -> list[str]:
    """Give the line of each refusal."""
    return [refused.line(profile, reason) for reason in server.refused]


@MADE_UP
@given(
    name=st.sampled_from(PROFILES),
    method=st.sampled_from(["GET", "POST", "X"]),
    lines=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    url=st.sampled_from(
        ["", "/token", "/connect/token", "http://x.example", "https://[::1", "https://a:b@[x]:99999/", "/u"]
    ),
    target=BYTES.map("/{}".format) | BYTES.map("https://{}".format) | st.none(),
    body=st.sampled_from([b"", b"{", b"[]", b'{"scope": 1}', b"grant_type=password&username=x", b"scope=a%00"]),
)
def test_whatever_is_refused_is_told(
    name: str, method: str, lines: list[tuple[str, str]], url: str, target: str | None, body: bytes
) -> None:
    """Nothing that is sent makes telling fail, and each line is one line of printable letters."""
    server = Server(profile_named(name))
    where = url if "://" in url else server.profile.base_url + url
    status = server.handle(Request(method, where, tuple(lines), body, target)).status

    told = lines_of(server.profile, server)

    assert len(told) <= 1
    assert all(line.isprintable() for line in told)
    assert told or status < 400 or (status == 401 and method == "OPTIONS")
