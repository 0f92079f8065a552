"""Random secrets planted in every place of an exchange, recorded, searched for in every encoding, replayed."""

from __future__ import annotations

import base64
import gzip
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_apiauth.recording.vault import is_looked_for
from tests.recording.taping import Ask, Loopback, Reply, run_tape

TRICKY: Final = '+/%:="\\'
VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
COOKIE: Final = "".join(letter for letter in VISIBLE if letter not in '",;\\')
ANYTHING: Final = st.one_of(
    st.sampled_from(TRICKY), st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")),
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")),
)  # fmt: skip
WORDS: Final = " ".join(
    ("application json authorization bearer cookie session access_token refresh_token client_secret password user echo",
     "content type length encoding accept host connection keep alive python httpx response request body string headers",
     "apiauth provenance recorded recorder interactions version status message code method location grant_type token",
     "https client example callback state path multipart form data name nested value api_key id_token expires_in",
     "credentials clientsecret httpx2 httpcore2")
)  # fmt: skip
"""What a tape is made of: a secret that is a piece of it cannot be told from it."""


def secrets_of(alphabet: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw a secret of 1 to 200 characters; one that stands by itself, not a piece of the tape's own words."""
    texts = st.one_of(
        st.text(alphabet, min_size=1, max_size=12), st.text(alphabet, min_size=6, max_size=200),
        st.text(st.sampled_from(TRICKY), min_size=6, max_size=12).map(lambda tail: f"tR1cky{tail}"),
    )  # fmt: skip
    # White space at the ends does not survive everywhere; six equal letters are found everywhere.
    return texts.map(str.strip).filter(lambda text: text != "" and text.lower() not in WORDS).filter(_is_no_filler)


def _is_no_filler(text: str) -> bool:
    """Whether a secret can be told from the tape: Hypothesis also draws words of source code, such as ``charse``."""
    is_word = text.isascii() and text.isalpha() and len(text) < 12
    return len(text) < 6 or (len(set(text)) > 2 and not is_word)


class Plant:
    """Secrets by where they stand."""

    def __init__(self, draw: Any) -> None:
        self.secrets: dict[str, str] = {}
        self._draw = draw

    def any(self, place: str) -> str:
        """Draw a secret of any characters."""
        return self._kept(place, secrets_of(ANYTHING))

    def visible(self, place: str) -> str:
        """Draw a secret that a header can carry."""
        return self._kept(place, secrets_of(st.sampled_from(VISIBLE)))

    def cookie(self, place: str) -> str:
        """Draw a secret that a cookie can carry."""
        return self._kept(place, secrets_of(st.sampled_from(COOKIE)))

    def _kept(self, place: str, strategy: st.SearchStrategy[str]) -> str:
        self.secrets[place] = drawn = str(self._draw(strategy))
        return drawn


def exchanges(plant: Plant) -> list[Ask]:
    """Give exchanges with a secret in every place, and answers that repeat them where nothing says what they are."""
    p = plant
    json_type, form_type = ("Content-Type", "application/json; charset=utf-8"), "application/x-www-form-urlencoded"
    basic = base64.b64encode(f"client:{p.any('basic')}".encode()).decode()
    form = "&".join(
        f"{name}={quote_plus(p.any(name))}"
        for name in ("client_secret", "password", "code", "code_verifier", "refresh_token", "assertion")
    )
    nested = {"a": [{"credentials": {"clientSecret": p.any("nested")}}], "b": json.dumps({"api_key": p.any("inner")})}
    token = {"access_token": p.any("access_token"), "id_token": p.any("id_token"), "expires_in": 60}
    location = f"https://client.example/callback?state=1&code={quote(p.any('location'), safe='')}"
    tape = [
        Ask(
            headers=(("Content-Type", form_type), ("Authorization", f"Basic {basic}")),
            body=f"grant_type=password&{form}".encode(),
            reply=Reply(gzip.compress(json.dumps(token).encode(), mtime=0), (json_type, ("Content-Encoding", "gzip"))),
        ),
        Ask(
            path=f"/x?a=1&access_token={quote(p.any('query'))}&api_key={quote_plus(p.any('query2'))}",
            method="GET",
            headers=(("X-API-Key", p.visible("key")),),
            userinfo=f"user:{quote(p.any('userinfo'), safe='')}",
            reply=Reply(b"", (("Location", location), ("Set-Cookie", f"sid={p.cookie('cookie')}; Path=/")), 302),
        ),
        Ask(
            headers=(
                ("Content-Type", "application/vnd.shop+json"),
                ("Authorization", f"Bearer {p.visible('bearer')}"),
            ),
            body=json.dumps(nested).encode(),
        ),
    ]
    echo = [value for value in p.secrets.values() if is_looked_for(value)]
    return [
        *tape,
        Ask(method="GET", path="/echo", reply=Reply(json.dumps({"seen": echo}, ensure_ascii=False).encode())),
        Ask(
            method="GET",
            path="/plain",
            reply=Reply("\n".join(echo).encode(), (("Content-Type", "text/plain; charset=utf-8"),)),
        ),
        Ask(method="GET", path="/back?" + "&".join(f"v={quote(value, safe='')}" for value in echo)[:6000]),
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    """Serve on loopback."""
    server = Loopback()
    yield server
    server.close()


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)  # fmt: skip
@given(data=st.data())
def test_no_planted_secret_survives(server: Loopback, data: st.DataObject) -> None:
    """Whatever the secrets are, none is in the file, in a decoded body or in a log, and the tape can be replayed."""
    plant = Plant(data.draw)
    tape = exchanges(plant)
    with tempfile.TemporaryDirectory() as folder:
        taped = run_tape(Path(folder), server, tape, is_live=True)
        assert taped.refusal is None
        assert taped.survivors(set(plant.secrets.values())) == set()
        short = {place: value for place, value in plant.secrets.items() if not is_looked_for(value)}
        assert_removed_by_position(taped.text, short)

        # The last request has real secrets where no name tells them: a replayed test has placeholders there.
        asked = server.asked
        replayed = run_tape(Path(folder), server, tape[:-1], is_live=False)
        assert [status for status, _ in replayed.answers] == [status for status, _ in taped.answers[:-1]]
        assert server.asked == asked


def assert_removed_by_position(text: str, short: dict[str, str]) -> None:
    """Require that what is too short to be searched for is not where it stood."""
    first, second, third = yaml_exchanges(text)[:3]
    pairs = dict(pair.partition("=")[::2] for pair in first["request"]["body"].split("&"))
    token = json.loads(first["response"]["body"]["string"])
    for place in short:
        if place in pairs:
            assert pairs[place].startswith("apiauth-")
        if place in token:
            assert token[place].startswith("apiauth-")
    assert first["request"]["headers"]["authorization"][0].startswith("Basic apiauth-")
    assert second["request"]["headers"]["authorization"][0].startswith("Basic apiauth-")
    assert second["request"]["headers"]["x-api-key"][0].startswith("apiauth-")
    assert "user:apiauth-" in second["request"]["uri"]
    assert "&access_token=apiauth-" in second["request"]["uri"]
    assert third["request"]["headers"]["authorization"][0].startswith("Bearer apiauth-")
    assert second["response"]["headers"]["set-cookie"][0].startswith("sid=apiauth-")
    assert "code=apiauth-" in second["response"]["headers"]["location"][0]
    assert '"clientSecret": "apiauth-' in " ".join(third["request"]["body"].split())


def yaml_exchanges(text: str) -> list[Any]:
    """Read the exchanges of a cassette."""
    import yaml

    found: list[Any] = yaml.safe_load(text)["interactions"]
    return found
