"""What is recorded from the embedded server: endpoints in clear too, and clients that sign too."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
import yaml

from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from pytest_apiauth.recording import library
from pytest_apiauth.recording.scan import unclean_in
from pytest_apiauth.recording.scenes import scenes
from pytest_apiauth.targets.recorded import CassetteTarget
from tests.here import USUAL
from tests.plugin.projects import Run

PLAIN = """
schema = 1
api_url = "http://127.0.0.1:8000"
token_url = "{token_url}"
insecure_hosts = ["login.internal"]
[credentials]
client_id = {{ env = "PLAIN_ID" }}
client_secret = {{ env = "PLAIN_SECRET" }}
[grants.client_credentials]
answer = {{ token_type = "Bearer", expires_in = 60 }}
[zones.api]
path = "/"
needs = ["bearer"]
probe = ["/me"]
"""
SIGNING = Path(__file__).parents[1] / "profiles" / "assertion.apiauth.toml"
SIGNED = ("client_credentials", "password", "refresh_token", "wrong_secret", "spent_refresh_token")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("token_url", ["/token", "http://login.internal/token", "https://login.example/token"])
def test_a_profile_in_clear_is_recorded(project: Path, token_url: str) -> None:
    """A development server's endpoints over plain HTTP are recorded as those over TLS are, and replayed."""
    path = project / "plain.apiauth.toml"
    path.write_text(PLAIN.format(token_url=token_url), encoding="utf-8")

    assert main(["record", "plain"]) == 0

    profile, tape = loading.load(path), project / "cassettes/plain/client_credentials.yaml"
    (exchange,) = exchanges(tape)
    assert exchange["request"]["uri"] == profile.token_endpoint
    assert library.replay(scenes(profile)[0], profile, tape)[0].status == 200


@pytest.mark.slow
def test_clients_that_sign_are_recorded_and_replayed(project: Path) -> None:
    """Each assertion is another one: it is a placeholder on the tape, and replay takes whatever one is made then."""
    folder = project / "cassettes" / "assertion"

    assert main(["record", str(SIGNING)]) == 0
    assert main(["record", str(SIGNING)]) == 0  # no change of shape

    profile = loading.load(SIGNING)
    for scene in (each for each in scenes(profile) if each.name in SIGNED):
        path = folder / f"{scene.name}.yaml"
        assert len(library.replay(scene, profile, path)) == len(exchanges(path))
        for each in exchanges(path):
            assert parse_qs(each["request"]["body"])["client_assertion"][0].startswith(("apiauth-", "eyJ")), each
    assert list(unclean_in(folder)) == []
    assert CassetteTarget.build(profile, library=USUAL, root=project).answers


TEST = """
import pytest

@pytest.mark.vcr
def test_items(apiauth_client):
    assert apiauth_client.get("/items").status_code == 200
"""


def test_a_test_whose_client_signs_is_recorded_and_replayed(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live test signs with the real key, and its tape has nothing that anybody could use or verify."""
    server = Server(loading.load(SIGNING))
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    text = SIGNING.read_text(encoding="utf-8").split("revocation_url")[0]
    text += "[credentials]" + SIGNING.read_text(encoding="utf-8").split("[credentials]")[1]
    pytester.makepyfile(test_it=TEST)
    with serve(server) as url:
        for host in ("api", "id"):
            text = text.replace(f"https://{host}.assertion.example", url)
        (pytester.path / "assertion.apiauth.toml").write_text(text, encoding="utf-8")
        run("test_it.py", "--apiauth-live", "--record-mode=once").assert_outcomes(passed=1)
    (sent,) = [request for request in server.requests if request.path == "/token"]
    (path,) = pytester.path.rglob("*.yaml")
    made = sent.form()["client_assertion"]
    tape = path.read_text(encoding="utf-8")
    assert [part for part in (made, made.rpartition(".")[2], *server._state.access) if part in tape] == []
    assert jwt.decode(made, options={"verify_signature": False})["sub"]

    for name in server.environment:
        monkeypatch.delenv(name)
    run("test_it.py").assert_outcomes(passed=1)


def exchanges(path: Path) -> list[dict[str, dict[str, str]]]:
    """Give the exchanges on a tape."""
    found: list[dict[str, dict[str, str]]] = yaml.safe_load(path.read_text(encoding="utf-8"))["interactions"]
    return found
