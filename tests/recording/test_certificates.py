"""Cassettes of a client that presents a certificate (RFC 8705): the tape has nothing of it, and a replay needs none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.authority import authority_for
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from pytest_apiauth.recording.scan import unclean_in
from tests.plugin.projects import NEIGHBOURS, output

PROFILE = Path(__file__).parent.parent / "profiles" / "mtls.apiauth.toml"


@pytest.mark.slow
def test_what_travels_over_tls_is_recorded_without_its_key(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live server that asks for certificates is recorded, and examined; its tape is replayed offline."""
    server, authority = Server(loading.load(PROFILE)), authority_for()
    ca_file = authority.write(pytester.path)
    text = PROFILE.read_text(encoding="utf-8").replace("schema = 1", f'schema = 1\nca_file = "{ca_file}"')
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> pytest.RunResult:
        off = [word for name in NEIGHBOURS for word in ("-p", f"no:{name}")]
        return pytester.runpytest_inprocess(*off, "site.apiauth.toml", *arguments)

    with serve(server, tls=authority.server_for(server.client_certificates)) as url:
        for origin in ("https://api.mtls.example", "https://id.mtls.example"):
            text = text.replace(origin, url)
        (pytester.path / "site.apiauth.toml").write_text(text, encoding="utf-8")
        assert main(["record", "site"]) == 0
        live = run("--apiauth-live", "-k", "mtls", "--apiauth-allow=consume")
    for name in server.environment:
        monkeypatch.delenv(name)
    replayed = run("--apiauth-replay", "-k", "token_answer")

    assert live.parseoutcomes()["passed"] == 6, output(live)
    assert replayed.ret == 0, output(replayed)
    assert replayed.parseoutcomes()["passed"] > 3, output(replayed)
    tapes = sorted(pytester.path.rglob("cassettes/**/*.yaml"))
    assert "client_credentials.yaml" in [path.name for path in tapes]
    for path in tapes:
        tape = path.read_text(encoding="utf-8")
        assert list(unclean_in(path)) == []
        for name in ("MTLS_CERTIFICATE", "MTLS_CERTIFICATE_KEY"):
            assert not any(line in tape for line in server.environment[name].splitlines()), os.path.basename(path)
