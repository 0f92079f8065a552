"""A body of each kind is recorded as each HTTP library sends it, without its secret, and replayed with nobody there."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.here import param
from tests.libraries import clients
from tests.libraries.clients import BODIES, SESSIONS
from tests.recording.taping import Loopback, Reply, Taped, taping

SECRET = "s3cr+t/%41-Value"
ANSWER = {"access_token": "gr4nted-Tok3n-123456", "label": "größe"}
BEYOND_VCRPY = {("urllib", "pieces"), ("http.client", "pieces")}
"""It sends pieces in one, and announces chunks: no server understands that, with or without this plug-in."""
CASES = [
    param(library, kind) for library, kinds in BODIES.items() for kind in kinds if (library, kind) not in BEYOND_VCRPY
]
EACH = pytest.mark.parametrize(("library", "kind"), CASES)


@pytest.fixture
def server() -> Iterator[Loopback]:
    """Answer with JSON in gzip."""
    loopback = Loopback()
    body = gzip.compress(json.dumps(ANSWER).encode())
    loopback.next = Reply(body, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")))
    yield loopback
    loopback.close()


@pytest.fixture(autouse=True)
def secret_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each kind of body carry a secret, but for the one in pieces."""
    monkeypatch.setattr(clients, "FORM", {"grant_type": "client_credentials", "client_secret": SECRET})
    monkeypatch.setattr(clients, "MEMBERS", {"label": "Ünïcode", "inner": [{"password": SECRET}]})
    monkeypatch.setattr(clients, "TEXT", f"größe {SECRET}")
    monkeypatch.setattr(clients, "BYTES", bytes(range(256)) + ANSWER["access_token"].encode())
    monkeypatch.setattr(clients, "PARTS", {"client_secret": (None, SECRET), "file": ("a.txt", SECRET.encode())})


def post(library: str, kind: str, server: Loopback, folder: Path, *, is_live: bool) -> tuple[Taped, clients.Answer]:
    """Record a request, or replay it."""
    known = (SECRET, ANSWER["access_token"]) if is_live else ()
    with taping(folder, is_live=is_live, secrets=known) as (test, lines), SESSIONS[library]() as send:
        answer = send("POST", f"http://127.0.0.1:{server.port}/token", **BODIES[library][kind]())
    return Taped(folder / "tape.yaml", test.refusal, "\n".join(lines), []), answer


@pytest.mark.slow
@EACH
def test_body_is_recorded(library: str, kind: str, server: Loopback, tmp_path: Path) -> None:
    """The body arrives as it does without a cassette, and is on the tape without its secret; so is the answer."""
    with SESSIONS[library]() as send:
        send("POST", f"http://127.0.0.1:{server.port}/token", **BODIES[library][kind]())
    taped, _ = post(library, kind, server, tmp_path, is_live=True)

    assert taped.refusal is None
    assert taped.survivors({SECRET, ANSWER["access_token"]}) == set()
    (plain_type, plain), (recorded_type, recorded) = server.heard
    boundary = plain_type.partition("boundary=")[2] or "-", recorded_type.partition("boundary=")[2] or "-"
    assert recorded == plain.replace(boundary[0].encode(), boundary[1].encode())
    assert recorded_type.partition(";")[0] == plain_type.partition(";")[0]
    assert ("größe" in taped.text) or ("gr\\xF6\\xDFe" in taped.text)


@pytest.mark.slow
@EACH
def test_body_is_replayed(library: str, kind: str, server: Loopback, tmp_path: Path) -> None:
    """The answer is the recorded one, its header lines included, and nobody is asked."""
    _, recorded = post(library, kind, server, tmp_path, is_live=True)
    server.next = Reply(status=500)
    _, replayed = post(library, kind, server, tmp_path, is_live=False)

    assert server.asked == 1
    assert replayed.status == 200
    members = read(replayed)
    assert re.fullmatch(r"apiauth-access-token-\d", members.pop("access_token"))
    assert members == {"label": ANSWER["label"]}
    # The token's placeholder has another length.
    assert shown(replayed) == shown(recorded)


def read(answer: clients.Answer) -> dict[str, str]:
    """Parse an answer; two libraries leave its coding to whoever reads it."""
    body = answer.body
    members: dict[str, str] = json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
    return members


def shown(answer: clients.Answer) -> list[tuple[str, str]]:
    """Return the header lines that do not depend on the length."""
    return sorted(line for line in answer.headers if line[0] != "content-length")
