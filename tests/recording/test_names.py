"""The table of names: each row recorded with a secret in its place, replayed, and searched for uncleaned."""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_apiauth.credentials.known_names import (
    ANY,
    FORM,
    HARMLESS,
    HEADER,
    KEY,
    MEMBER,
    MOMENTS,
    QUERY,
    TABLE,
    Name,
    Place,
)
from pytest_apiauth.credentials.looks import PATHS, TOKENS
from pytest_apiauth.credentials.names import NAMES, fold, folded, names_of
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.message import Message
from pytest_apiauth.recording.scan import unclean
from pytest_apiauth.recording.tape import Collector
from pytest_apiauth.recording.walking import Walk
from tests.here import httpx
from tests.recording.planting import key, record_uncleaned
from tests.recording.taping import SEARCHING, Ask, Loopback, Reply, run_tape
from tests.sharing import about

FORM_TYPE: Final = (("Content-Type", "application/x-www-form-urlencoded"),)
JSON_TYPE: Final = (("Content-Type", "application/json"),)


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    """Serve on loopback."""
    server = Loopback()
    yield server
    server.close()


def value(row: Name, seed: str) -> str:
    """Draw the least telling value that a row counts as secret."""
    if row.value is KEY:
        return key(seed)
    drawing = random.Random(seed)
    word = "".join(drawing.choice(string.ascii_lowercase) for _ in range(9))
    return word if row.value is ANY else f"{word}7"


def spelled(row: Name, place: Place) -> str:
    """Give a name that a row knows, as an API may spell it."""
    return row.name.replace("*-", "Acme-").replace("*", "Acme-" if place is HEADER else "acme_")


def in_header(name: str, value: str) -> Ask:
    """Ask with a header, and be answered with it."""
    shown = f"sid={value}" if name.lower() in ("cookie", "set-cookie", "set-cookie2") else value
    return Ask("/x", "GET", ((name, shown),), reply=Reply(b"{}", (*JSON_TYPE, (name, shown))))


def in_query(name: str, value: str) -> Ask:
    """Ask with a parameter of the URL."""
    return Ask(f"/x?a=1&{name}={value}&b=2", "GET")


def in_form(name: str, value: str) -> Ask:
    """Ask with a form, and be answered with one."""
    body = f"a=1&{name}={value}".encode()
    return Ask("/x", "POST", FORM_TYPE, body, reply=Reply(body, FORM_TYPE))


def in_member(name: str, value: str) -> Ask:
    """Ask with JSON, and be answered with XML."""
    xml = f"<r><{name}>{value}</{name}></r>".encode()
    return Ask("/x", "POST", JSON_TYPE, json.dumps({"a": [{name: value}]}).encode(), reply=Reply(xml, ()))


MAKERS: Final[dict[str, tuple[Place, Callable[[str, str], Ask]]]] = {
    "header": (HEADER, in_header), "query": (QUERY, in_query), "form": (FORM, in_form), "member": (MEMBER, in_member),
}  # fmt: skip


CHUNK: Final = 40
"""Rows of one cassette. The recorder compares each request with all before it, so one of all rows takes far longer."""


def chunks(kind: str) -> Iterator[Any]:
    """Yield the rows of a place, some at a time."""
    rows = [row for row in TABLE if MAKERS[kind][0] in row.places]
    assert len(rows) > 50
    for start in range(0, len(rows), CHUNK):
        yield pytest.param(kind, rows[start : start + CHUNK], id=f"{kind}-{start}")


@pytest.mark.slow
@about(*SEARCHING)
@pytest.mark.parametrize(("kind", "rows"), [chunk for kind in MAKERS for chunk in chunks(kind)])
def test_every_name_from_recording_to_search(kind: str, rows: list[Name], server: Loopback, tmp_path: Path) -> None:
    """A row's secret is not in the cassette, others in its place are replayed, and a search finds it uncleaned."""
    place, make = MAKERS[kind]
    secrets = [value(row, f"{row.name}{kind}") for row in rows]
    asks = [make(spelled(row, place), secret) for row, secret in zip(rows, secrets, strict=True)]

    taped = run_tape(tmp_path, server, asks, is_live=True)
    assert taped.refusal is None
    seen = "".join(taped.seen())
    assert [row.name for row, secret in zip(rows, secrets, strict=True) if secret in seen] == []

    asked = server.asked
    others = [make(spelled(row, place), value(row, f"other{row.name}{kind}")) for row in rows]
    replayed = run_tape(tmp_path, server, others, is_live=False)
    assert [status for status, _ in replayed.answers] == [200] * len(rows)
    assert server.asked == asked
    assert list(unclean(taped.path)) == []

    path = record_uncleaned(tmp_path, server, asks)
    found = list(unclean(path))
    missed = [
        row.name
        for number, row in enumerate(rows, 1)
        if not any(f"exchange {number}, request, " in line and spelled(row, place).lower() in line for line in found)
    ]
    assert missed == []
    assert not [secret for secret in secrets if any(secret in line for line in found)]


ISSUE: Final = (
    "X-Amz-Signature", "X-Goog-Signature", "sig", "key", "subscription-key", "hmac", "auth", "pass", "pw", "session",
    "sid", "appid", "DD-APPLICATION-KEY", "X-Access-Key", "X-Client-Key", "X-Application-Key", "X-Master-Key",
    "X-Session", "X-Amz-Security-Token", "X-Amz-Credential", "x-oss-signature", "OSSAccessKeyId", "AWSAccessKeyId",
    "X-Algolia-API-Key", "X-Shopify-Access-Token", "X-Twilio-Signature", "Stripe-Signature", "sentry_key",
    "X-Parse-REST-API-Key", "Ocp-Apim-Subscription-Key", "x-functions-key", "X-Auth-Key", "CB-ACCESS-SIGN",
)  # fmt: skip


@pytest.mark.parametrize("name", ISSUE)
def test_names_of_vendors_are_known(name: str) -> None:
    """A name that a vendor documents says of a drawn value that it is secret, in a header or in a query."""
    assert any(NAMES.is_secret(place, name, key(name)) for place in (HEADER, QUERY))


ORDINARY: Final = {
    "key": ("color", "home.title.welcome_message", "photos/2006/February/sample.jpg", "PROJ-1234",
            "report-2024-01-15-b", "2f1a9c0d4e5b66778899aabbccddeeff.png", "2024-01-15T10:00:00Z",
            "12345678901234567890"),
    "sig": ("on", "north-america-east-1a"),
    "auth": ("basic", "oauth2", "client-credentials-v2"),
    "session": ("spring-2024", "summer_school_of_music"),
    "pass": ("true", "all-tests-passed", "3"),
    "pw": ("300",),
    "sid": ("SM1234567890abcdef1234567890abcdef", "42"),
    "appid": ("730", "my-shop-frontend"),
    "sign": ("libra",),
    "primary_key": ("id", "customer_id"),
    "email_signature": ("Kind regards",),
    "next_page_token": ("p2",),
    "max_tokens": ("500",),
}  # fmt: skip
"""What stays: words, numbers, dates, paths and names of things."""


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_values_stay_and_tell_requests_apart(name: str, server: Loopback, tmp_path: Path) -> None:
    """A word where a key may stand is written as it is, and asking for another word is not answered."""
    for place in (QUERY, FORM, MEMBER):
        assert not [each for each in ORDINARY[name] if NAMES.is_secret(place, name, each)]
    bodies = [json.dumps({name: each}).encode() for each in ORDINARY[name]]
    asks = [
        Ask(f"/x?{httpx.QueryParams({name: each})}", "GET", reply=Reply(body))
        for each, body in zip(ORDINARY[name], bodies, strict=True)
    ]
    taped = run_tape(tmp_path, server, asks, is_live=True)
    assert "apiauth-" not in taped.text
    replayed = run_tape(tmp_path, server, asks[::-1], is_live=False)
    assert [body for _, body in replayed.answers] == bodies[::-1]


HARMLESS_HEADERS: Final = {
    "Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Surrogate-Key": "products-a1b2c3d4e5f60718", "X-Cache-Key": key("cache"), "X-Sort-Key": key("sort"),
    "X-Session": "summer", "ETag": f'"{key("etag")}"', "X-Request-Id": key("request"),
    "Access-Control-Allow-Credentials": "true",
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS_HEADERS)
def test_harmless_headers_stay(name: str) -> None:
    """Keys that name a request or a node of a cache, and identifiers of requests, are no secrets."""
    assert not NAMES.is_secret(HEADER, name, HARMLESS_HEADERS[name])


def test_neighbours_settle_what_a_name_leaves_open() -> None:
    """Beside a person a weak ``pass`` is a password, beside a token any ``key`` is one; WeChat's appid is a name."""
    assert NAMES.is_secret(FORM, "pass", "sunshine", folded(["User"]))
    assert NAMES.is_secret(MEMBER, "pw", "sunshine", folded(["user_name", "pw"]))
    assert NAMES.is_secret(QUERY, "key", "short", folded(["token", "key"]))
    assert NAMES.is_secret(QUERY, "sig", "short", folded(["sv", "sp"]))
    assert not NAMES.is_secret(QUERY, "appid", "wx1234567890abcdef", folded(["appid", "secret"]))
    assert NAMES.is_secret(MEMBER, "sid", key("session"), folded(["sid"]))
    assert not NAMES.is_secret(MEMBER, "sid", key("message"), folded(["sid", "account_sid"]))
    assert NAMES.is_secret(QUERY, "appid", key("weather", "0123456789abcdef"), folded(["q", "appid"]))


@pytest.mark.parametrize("called", ["name", "key"])
def test_a_name_beside_its_value_counts(called: str, server: Loopback, tmp_path: Path) -> None:
    """In a list of names and values each value is known by the name beside it."""
    secret, plain = key("listed"), "a word"
    rows = [{called: "access_token", "value": secret}, {called: "colour", "value": plain}, {"value": plain}]
    taped = run_tape(tmp_path, server, [Ask("/x", "GET", reply=Reply(json.dumps(rows).encode()))], is_live=True)

    assert secret not in taped.text
    assert taped.text.count(plain) == 2


def test_row_has_a_source() -> None:
    """Each row says who documents it; addresses are whole, and endings of harmless names are folded."""
    every = (*TABLE, *MOMENTS, *PATHS, *TOKENS)
    assert [row for row in every if len(row.source) < 8] == []
    assert [row for row in every if "://" in row.source and "https://" not in row.source] == []
    neighbours = {name for row in (*TABLE, *MOMENTS) for name in (*row.beside, *row.unless)}
    assert [name for name in neighbours if fold(name) != name] == []
    assert [ending for ending in HARMLESS if re.fullmatch("[a-z]+", ending) is None] == []


@pytest.mark.parametrize("where", ["header", "query", "cookie"])
def test_a_key_is_secret_by_the_name_that_its_profile_gives_it(where: str) -> None:
    """What no list of names knows is known from the profile, in its place and in no other."""
    named = {"header": "place"} if where == "header" else {"in": where, "name": "place"}
    profile = Profile.model_validate({"schema": 1, "api_key": named})
    found: list[str] = []
    walk = Walk(Collector(lambda kind, value: found.append(value)), names_of([profile]))

    lines = (("Place", "in header"), ("Cookie", "place=in-cookie"))
    walk.message(Message(lines, b"", "https://shop.example/x?place=in+query&other=1"))

    assert set(found) == {"in-cookie", *({} if where == "cookie" else {f"in {where}"})}


def test_profile_adds_names_of_secrets() -> None:
    """What ``[recording] secrets`` names is secret in a header, a parameter and a member; a star is any beginning."""
    profile = Profile.model_validate({"schema": 1, "recording": {"secrets": ["legacy_pin", "*-Pass"]}})
    found: list[str] = []
    walk = Walk(Collector(lambda kind, value: found.append(value)), names_of([profile]))

    lines = (("X-Shop-Pass", "one"), ("Legacy-Pin", "two"), ("X-Other", "three"))
    walk.message(Message(lines, b'{"legacyPin": "four", "pinned": "five"}', "https://shop.example/x?legacy_pin=six"))

    assert found == ["six", "one", "two", "four"]
