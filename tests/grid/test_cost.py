"""What a whole examination costs a live server."""

from __future__ import annotations

import json

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from tests.faults.examining import REFERENCE

MOST = 3000


@pytest.mark.slow
def test_the_reference_profile_takes_three_thousand_requests(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five zones and six grants live over loopback: every table, within the bound, and nothing is red."""
    server = Server(loading.load(REFERENCE))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with serve(server) as url:
        text = REFERENCE.read_text(encoding="utf-8")
        for origin in ("https://api.reference.example", "https://id.reference.example"):
            text = text.replace(origin, url)
        (pytester.path / "reference.apiauth.toml").write_text(text, encoding="utf-8")
        asked = (
            "--apiauth-live",
            "--apiauth-report=report.json",
            "--apiauth-rate=100000",
            "--apiauth-max-requests=9999",
        )
        result = pytester.runpytest_inprocess("reference.apiauth.toml", *asked)
    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))["profiles"][0]
    print(f"{report['requests']} requests in {report['seconds']:.1f} seconds")
    assert result.ret == 0
    assert report["requests"] <= MOST
