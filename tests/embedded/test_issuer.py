"""The embedded server names itself in each authorization answer, where a profile promises that (RFC 9207)."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request
from pytest_apiauth.profile import loading

FILE = Path(__file__).parent.parent / "profiles" / "target.apiauth.toml"


@pytest.mark.parametrize(
    ("iss", "expected"),
    [
        ("https://id.other.example/a", ["https://id.other.example/a"]),
        (True, ["https://id.target.example"]),
        (False, []),
    ],
)
@pytest.mark.parametrize("asked", ["", "&state=twice", "&iss=https://evil.example"])
def test_answers_name_the_issuer(iss: bool | str, expected: list[str], asked: str) -> None:
    """With a code and with an error, whatever the request says; without a promise there is none."""
    server = Server(loading.load(FILE, changes=[{"authorization": {"iss": iss}}]))
    ask = Requester(Identities(server.profile, server.lookup, Redactor()))

    answer = server.handle(Request("GET", ask.authorization_request().url + asked))

    sent = parse_qs(urlsplit(answer.header("location") or "").query)
    assert ("error" in sent, sent.get("iss", [])) == (asked == "&state=twice", expected)
