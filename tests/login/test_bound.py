"""The command ``token`` where tokens are bound to a key (RFC 9449)."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading

PROFILE = Path(__file__).parent.parent / "profiles" / "dpop.apiauth.toml"


@pytest.mark.parametrize("variants", [(), ("dpop-nonce",)], ids=["plain", "with a nonce"])
def test_a_bound_token_is_asked_for(
    variants: tuple[str, ...], project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It comes, with the nonce that the server wants, and whoever has asked is told that it is of no use elsewhere."""
    server = Server(loading.load(PROFILE), variants=variants)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with serve(server) as url:
        text = PROFILE.read_text(encoding="utf-8")
        for origin in ("https://api.dpop.example", "https://id.dpop.example"):
            text = text.replace(origin, url)
        (project / "dpop.apiauth.toml").write_text(text, encoding="utf-8")
        status = main(["token", "dpop"])

    told = capsys.readouterr()
    assert status == 0, told
    assert "an access token, good for 600 s" in told.out
    assert "it is bound to a key of this command alone" in told.out
    assert [request.header("DPoP") is not None for request in server.requests] == [True] * (1 + len(variants))
