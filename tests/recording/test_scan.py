"""What a search finds, where it says that it stands, and what it passes over."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_apiauth.__main__ import main
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.harmless import Allowed, inside, names_something
from pytest_apiauth.recording.scan import Search, unclean
from tests.recording.planting import key

RANDOM = key("random", length=24)


def cassette(folder: Path, *bodies: object, uri: str = "https://api.shop.example/items", **headers: str) -> Path:
    """Write a cassette of answers, as nobody cleaned it."""
    exchanges = [
        {
            "request": {"method": "GET", "uri": uri, "body": None, "headers": {}},
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {name: [value] for name, value in headers.items()},
                "body": {"string": body if isinstance(body, str) else json.dumps(body)},
            },
        }
        for body in bodies
    ]
    path = folder / "t.yaml"
    path.write_text(yaml.safe_dump({"interactions": exchanges, "version": 1}), encoding="utf-8")
    return path


def base64_of(content: bytes) -> str:
    """Encode as cursors and images are."""
    return base64.b64encode(content).decode()


PNG = base64_of(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
HARMLESS: dict[str, Any] = {
    "stripe": {"payment": f"pi_{RANDOM}", "text": f"see ch_{RANDOM}, and pi_{RANDOM}."},
    "google-document": {"document": f"1{key('doc', length=43)}"},
    "google-url": {"link": f"https://docs.google.com/spreadsheets/d/{key('sheet', length=44)}/edit"},
    "github-node": {"node": f"PR_kwDO{key('node')[:12]}", "older": base64_of(b"04:User58323112")},
    "spotify": {"uri": f"spotify:track:{key('track', length=22)}"},
    "cursor": {"after": base64_of(json.dumps({"id": 20399418723, "at": "2024-05-06T07:08:09Z"}).encode())},
    "relay": {"after": base64_of(b"arrayconnection:10123")},
    "image": {"picture": PNG, "uri": f"data:image/webp;base64,{PNG[40:]}"},
    "id": {"id": RANDOM, "order_id": RANDOM, "orderId": RANDOM, "ids": [RANDOM], "items": [{"uuid": RANDOM}]},
    "page": {"next_page_token": RANDOM, "endCursor": RANDOM},
    "digest": {"integrity": f"sha384-{base64_of(bytes(range(200, 248)))}"},
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_ids_cursors_and_images_are_passed_over(kind: str, tmp_path: Path) -> None:
    """What vendors name things by, places in a list, files and digests are no secrets."""
    assert list(unclean(cassette(tmp_path, HARMLESS[kind]))) == []


def test_headers_that_name_a_request_are_passed_over(tmp_path: Path) -> None:
    """Ids of requests, versions and where to report to look random too."""
    names = {"x-amz-id-2": RANDOM, "X-Request-Id": RANDOM, "ETag": f'"{RANDOM}"'}
    assert list(unclean(cassette(tmp_path, "{}", **names, **{"Report-To": f"https://a.example/?s={RANDOM}"}))) == []


FOUND: dict[str, tuple[Any, str]] = {
    "a value of no name": ({"note": RANDOM}, "body, member note: something that looks like a token"),
    "beside an id": ({"text": f"pi_{RANDOM} {RANDOM}"}, "body, member text: something that looks like a token"),
    "a client secret of Stripe": ({"x": f"pi_{RANDOM}_secret_{RANDOM}"}, "body, member x: something that looks"),
    "a token in a cursor": (
        {"after": base64_of(json.dumps({"access_token": "Ab3" * 8, "id": 1}).encode())},
        "body, member after.access_token: access-token is not a placeholder",
    ),
    "a vendor's token named as an id": ({"id": f"shpat_{'0a' * 16}"}, "body, member id, token shopify-token: shopify-"),
    "in a list of items": ({"items": [{"inner": {"x": RANDOM}}]}, "body, member items.inner.x: something that looks"),
}


@pytest.mark.parametrize("what", FOUND)
def test_secrets_are_found_and_their_member_is_named(what: str, tmp_path: Path) -> None:
    """Beside what is harmless a secret is still found; the line says in which member it stands, and not what it is."""
    members, expected = FOUND[what]
    line = next(unclean(cassette(tmp_path, members)))

    assert f"exchange 1, response, {expected}" in line
    assert RANDOM not in line


def test_line_of_the_file_is_named(tmp_path: Path) -> None:
    """A finding names the line of the header, the URL or the body that it stands in."""
    uri = f"https://api.shop.example/items?access_token={RANDOM}"
    path = cassette(tmp_path, {}, {"note": RANDOM}, uri=uri, **{"X-Api-Key": RANDOM, "X-Other": "x"})
    text = path.read_text(encoding="utf-8").splitlines()
    found = [line.removeprefix(f"{path}:").split(":")[:2] for line in unclean(path)]

    assert [(text[int(number) - 1].strip().partition(":")[0], where) for number, where in found] == [
        ("uri", " exchange 1, request, URL, parameter access_token"),
        ("X-Api-Key", " exchange 1, response, header X-Api-Key"),
        ("uri", " exchange 2, request, URL, parameter access_token"),
        ("X-Api-Key", " exchange 2, response, header X-Api-Key"),
        ("body", " exchange 2, response, body, member note"),
    ]
    assert len({number for number, _ in found}) == 5


def profile(*rows: dict[str, str]) -> Profile:
    """Make a profile that says what is harmless."""
    return Profile.model_validate({"schema": 1, "recording": {"harmless": list(rows)}})


@pytest.mark.parametrize(
    ("row", "is_passed"),
    [
        ({"value": r"ord-\w+"}, True),
        ({"value": r"ord-"}, False),
        ({"place": "member order"}, True),
        ({"place": "body, member order"}, True),
        ({"place": "member rder"}, False),
        ({"place": "member order", "value": "other"}, False),
    ],
)
def test_profile_says_what_is_harmless(row: dict[str, str], is_passed: bool, tmp_path: Path) -> None:
    """A value is passed over by its whole look, by its place, or by both, whichever the profile names."""
    search = Search(allowed=Allowed([profile({**row, "reason": "orders are numbered so"})]))
    found = list(unclean(cassette(tmp_path, {"order": f"ord-{RANDOM}"}), search))

    assert (found == [], search.passed) == (is_passed, int(is_passed))


def test_command_reads_the_projects_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of secrets and what is harmless are read from the project; what was passed over is counted."""
    path, file = cassette(tmp_path, {"order": RANDOM, "legacy_pin": "4711"}), tmp_path / "shop.apiauth.toml"
    monkeypatch.chdir(tmp_path)
    assert main(["scan", str(path)]) == 2
    assert "legacy" not in capsys.readouterr().out
    row = 'place = "member order"\nreason = "orders are numbered so"\n'
    file.write_text(f"schema = 1\n[[recording.harmless]]\n{row}", encoding="utf-8")
    assert main(["scan", str(path)]) == 0
    assert "no secret found; 1 values are harmless, as a profile says" in capsys.readouterr().out
    file.write_text('schema = 1\n[recording]\nsecrets = ["legacy_pin"]\n', encoding="utf-8")
    assert main(["scan", str(path)]) == 2
    assert "body, member legacy_pin: legacy-pin is not a placeholder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"value": "x"}, "reason"),
        ({"reason": "x"}, "name a value, a place, or both"),
        ({"value": "(", "reason": "x"}, "no regular expression"),
    ],
)
def test_what_is_harmless_says_why(row: dict[str, str], line: str) -> None:
    """A row without a reason, or one that tells nothing, is an error of the profile."""
    with pytest.raises(ValueError, match=line):
        profile(row)


def test_names_and_cursors_are_told() -> None:
    """A name that only ends like one of an id is none, and what is no JSON in base64 is not looked into."""
    assert [
        each for each in ("member paid", "member grid", "token id", "member a.valid") if names_something(each)
    ] == []
    assert inside(base64_of(b"user:password of somebody")) is None
    assert inside(base64_of(b"[1, 2, {broken")) is None
