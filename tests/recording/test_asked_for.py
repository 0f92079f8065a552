"""What is recorded, when that is asked for, and by whom; what does not go together."""

from __future__ import annotations

import pytest

from tests.plugin.projects import Run, output, told
from tests.recording.live_api import ONCE, Api, api, write

__all__ = ["api"]  # the fixture


def test_live_run_records_only_on_request(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """--apiauth-live by itself switches cassettes off."""
    write(
        pytester,
        """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
        """,
    )
    run("test_it.py", "--apiauth-live").assert_outcomes(passed=1)
    assert api.cassettes() == {}
    assert api.server.tokens_issued == 1


OWN = """
        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200
"""


@pytest.mark.parametrize("mode", ["once", "all", "new_episodes", "rewrite"])
def test_recording_needs_a_live_run(pytester: pytest.Pytester, api: Api, run: Run, mode: str) -> None:
    """A test of ours that would be recorded without --apiauth-live fails in one line; with ``once`` it is replayed."""
    write(pytester, OWN)
    result = run("test_it.py", f"--record-mode={mode}")
    result.assert_outcomes(errors=1)
    told(result, f"--record-mode={mode} records from the real API: add --apiauth-live")
    assert api.cassettes() == {}
    assert api.server.requests == []

    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    before = api.cassettes()
    api.forget()
    result = run("test_it.py", f"--record-mode={mode}")
    result.assert_outcomes(**{"passed" if mode == "once" else "errors": 1})
    assert api.cassettes() == before
    assert api.server.requests == []


@pytest.mark.slow
def test_workers_do_not_record(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Of several workers none records a test of ours, which others might overwrite."""
    write(pytester, OWN)
    result = run("test_it.py", *ONCE, "-n", "2")
    result.assert_outcomes(errors=1)
    assert "under pytest-xdist: workers would overwrite each other's cassettes; use -n 0" in output(result)
    assert api.cassettes() == {}


@pytest.mark.parametrize("name", ["apiauth_mock", "respx_mock", "apiauth_server"])
def test_mocked_and_replayed_is_refused(pytester: pytest.Pytester, api: Api, run: Run, name: str) -> None:
    """A test of ours is mocked or replayed, not both."""
    write(pytester, f"@pytest.mark.vcr\ndef test_one(apiauth_profile, {name}): pass")
    told(run("test_it.py"), f"{name} and @pytest.mark.vcr in one test")


@pytest.mark.slow
def test_record_mode_of_the_project_stays_offline(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A record mode in vcr_config or in the mark does not reach the network without --apiauth-live."""
    write(
        pytester,
        """
        @pytest.fixture
        def vcr_config():
            return {"record_mode": "new_episodes"}

        @pytest.mark.vcr
        def test_one(apiauth_client):
            apiauth_client.get("/user/me")

        @pytest.mark.vcr(record_mode="all")
        def test_two(apiauth_client):
            apiauth_client.get("/user/me")

        @pytest.mark.vcr(record_mode="rewrite")
        def test_three(apiauth_client):
            apiauth_client.get("/user/me")
        """,
    )
    result = run("test_it.py")
    result.assert_outcomes(failed=2, errors=1)
    told(result, "record_mode='rewrite'", "--record-mode=rewrite")
    assert api.server.requests == []


def test_hooks_of_the_project_keep_working(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """What vcr_config removes stays removed, its placeholders stay, its hooks see what they always saw."""
    write(
        pytester,
        """
        seen = []

        def before_save(request, response):
            seen.append(response["body"]["string"])
            response["headers"].pop("pragma", None)
            return request, response

        @pytest.fixture
        def vcr_config():
            return {
                "filter_headers": [("X-API-KEY", "REDACTED"), ("user-agent", None)],
                "before_save_interaction": before_save,
                "match_on": ["method", "path", "headers", "body"],
            }

        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/user/me").status_code == 200

        def test_two(request):
            live = request.config.getoption("apiauth_live")
            assert (b"access_token" in seen[0]) if live else not seen
        """,
    )
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    (text,) = api.cassettes().values()
    assert text.count("- REDACTED") == 2
    assert "user-agent" not in text
    assert "pragma" not in text
    assert not [secret for secret in api.secrets if secret in text]
    api.forget()
    run("test_it.py").assert_outcomes(passed=2)
