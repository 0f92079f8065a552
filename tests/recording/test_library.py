"""The project's own cassettes of token endpoints: recorded over TLS, replayed without a network, kept true."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from pytest_apiauth.__main__ import main
from pytest_apiauth.http import bounds
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording import library
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.scan import unclean, unclean_in
from pytest_apiauth.recording.scenes import Scene, scenes
from tests.plugin.doors import TOKEN_API
from tests.plugin.loopback import Reply, answering
from tests.plugin.projects import served

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "cassettes"
PROFILES = {name: loading.load(path) for name, path in loading.builtin_profiles().items()}
ALL = [
    pytest.param(profile, scene, id=f"{name}-{scene.name}")
    for name, profile in PROFILES.items()
    for scene in scenes(profile)
]
DATES = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|\d{4}-\d\d-\d\d")
HOSTS = {"dastra": {"account.dastra.eu"}, "jindexe": {"jindexe.example"}, "digishare": {"api.digishare.ma"}}


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody connect or resolve a name."""

    def refuse(*arguments: object, **options: object) -> NoReturn:
        raise AssertionError("the network was asked")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def path_of(profile: Profile, scene: Scene) -> Path:
    """Give the place of a cassette."""
    return FOLDER / profile.name / f"{scene.name}.yaml"


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize(("profile", "scene"), ALL)
def test_cassette_is_replayed_without_a_network(profile: Profile, scene: Scene) -> None:
    """Every token route that the documents describe, and the usual refusals, can be replayed with nothing set."""
    answers = library.replay(scene, profile, path_of(profile, scene))
    refused = scene.provenance == "assumed"
    assert (answers[-1].status >= 400) == refused
    if not refused:
        members: Any = answers[-1].json()
        assert members["access_token"].startswith("apiauth-access-token-")


def test_deleted_cassette_says_what_records_it(tmp_path: Path) -> None:
    """Where one is gone, there is one line with the command that makes it."""
    profile = PROFILES["digishare"]
    with pytest.raises(CassetteError, match=r"no such cassette; record it: python -m pytest_apiauth record digishare"):
        library.replay(scenes(profile)[0], profile, tmp_path / "client_credentials.yaml")


@pytest.mark.parametrize(("profile", "scene"), ALL)
def test_cassette_says_where_it_comes_from(profile: Profile, scene: Scene) -> None:
    """Each names its provenance, who answered, in which version and when; the hosts are the documented ones."""
    data = yaml.safe_load(path_of(profile, scene).read_text(encoding="utf-8"))
    says = data["apiauth"]
    assert says["provenance"] == scene.provenance
    assert re.fullmatch(r"the embedded server \d+\.\d+\.\d+", says["answered_by"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", says["recorded"])
    urls = {each["request"]["uri"] for each in data["interactions"]}
    assert {url.split("/")[2] for url in urls} == HOSTS[profile.name]
    assert all(url.startswith("https://") for url in urls)


def test_every_cassette_is_a_scene() -> None:
    """No cassette lies about that nothing makes."""
    made = {path_of(profile, scene) for profile in PROFILES.values() for scene in scenes(profile)}
    assert set(FOLDER.rglob("*.yaml")) == made


def test_page_is_true() -> None:
    """The README of the cassettes is the one that their recording writes."""
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == library.page(FOLDER)


@pytest.mark.slow
def test_recorded_twice_is_the_same_to_the_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded again, all of them are what they were, apart from dates."""
    for _ in range(2):
        assert main(["record", "--all", "--folder", str(tmp_path)]) == 0
    for path in sorted(FOLDER.rglob("*.yaml")):
        new = (tmp_path / path.relative_to(FOLDER)).read_text(encoding="utf-8")
        assert DATES.sub("DATE", new) == DATES.sub("DATE", path.read_text(encoding="utf-8"))
    assert capsys.readouterr().out.count(": recorded") == 2 * len(ALL)


@pytest.mark.slow
def test_changed_shape_is_told_and_held_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cassette of another shape is not overwritten before somebody says so; the difference is printed."""
    options = ["record", "digishare", "--folder", str(tmp_path)]
    assert main(options) == 0
    path = tmp_path / "digishare" / "client_credentials.yaml"
    changed = path.read_text(encoding="utf-8").replace(": 31536000", ": 3600").replace("cache-control", "x-cache")
    path.write_text(changed, encoding="utf-8")
    capsys.readouterr()

    assert main(options) == 2
    told = capsys.readouterr()
    assert f"{path}: POST /v1/oauth/token: expires_in was 3600, is 31536000" in told.out
    assert "lost header x-cache" in told.out
    assert "new header cache-control" in told.out
    assert "--force overwrites" in told.err
    assert path.read_text(encoding="utf-8") == changed

    assert main([*options, "--force"]) == 0
    assert "3600," not in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_larger_answer_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is recorded of a token endpoint has a bound of its own, since it is looked through; a wider one takes it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_SECRET", "canary-of-the-shop")
    token = json.dumps({"access_token": "a-token-of-the-shop", "token_type": "Bearer", "x": "long " * 300_000})
    with answering({"/token": Reply(body=token)}) as url:
        Path("shop.apiauth.toml").write_text(TOKEN_API.replace("URL", url), encoding="utf-8")
        assert main(["record", "shop", "--live"]) == 2
        assert f"POST {url}/token: not looked into: more than 1 MB" in capsys.readouterr().err
        assert not Path("cassettes").exists()
        monkeypatch.setattr(bounds, "BOUNDS", replace(bounds.BOUNDS, recorded=2 << 20))
        assert main(["record", "shop", "--live"]) == 0


def test_live_recording_takes_the_same_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --live the real URLs are asked with the user's credentials; refusals are not provoked there."""
    with served("jindexe") as (url, server):
        monkeypatch.chdir(tmp_path)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        text = f'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n'
        (tmp_path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
        assert main(["record", "shop.apiauth.toml", "--live"]) == 0

    made = sorted(path.name for path in (tmp_path / "cassettes" / "shop").iterdir())
    assert made == [
        f"{n}.yaml" for n in ("missing_grant", "missing_key", "password", "refresh_token", "unsupported_grant")
    ]
    text = (tmp_path / "cassettes" / "shop" / "password.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["apiauth"]["provenance"] == "live"
    assert not [value for name, value in server.environment.items() if "USERNAME" not in name and value in text]
    assert "wrong_password: left out" in capsys.readouterr().out
    assert list(unclean_in(tmp_path)) == []


# Searched for secrets


def test_no_cassette_of_the_project_has_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """The search that CI runs finds nothing in what is committed, and says how much it has searched."""
    assert main(["scan", str(FOLDER)]) == 0
    assert f"{len(ALL)} cassettes, no secret found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("apiauth-access-token-1", "sk-Planted"),
        ("Basic apiauth-basic-1", "Basic Y2xpZW50OnNlY3JldA=="),
        ("no-store", "no-store; Zk93bQ7xR2pLm8Tn4VyC"),
        ("api1", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("connect/token", "connect/token?client_secret=pl4nted"),
    ],
)
def test_planted_token_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str) -> None:
    """A token planted in a cassette fails the search, which names the place and not the token."""
    text = (FOLDER / "dastra" / "client_credentials.yaml").read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "planted.yaml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    assert list(unclean(path)) != []
    assert main(["scan", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "may hold a secret" in told.err
    assert after not in told.out + told.err


def test_files_are_searched_as_they_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a commit names is searched: cassettes whatever they are called, and other files are passed over."""
    clean, unclean_one, other = tmp_path / "clean.yaml", tmp_path / "odd.cassette", tmp_path / "compose.yaml"
    text = (FOLDER / "dastra" / "client_credentials.yaml").read_text(encoding="utf-8")
    clean.write_text(text, encoding="utf-8")
    unclean_one.write_text(text.replace("Basic apiauth-basic-1", "Basic Y2xpZW50OnNlY3JldA=="), encoding="utf-8")
    other.write_text("services: {}\n", encoding="utf-8")

    assert main(["scan", str(clean), str(other)]) == 0
    told = capsys.readouterr().out
    assert f"{clean}: 1 cassettes, no secret found" in told
    assert f"{other}: 0 cassettes, no secret found" in told

    assert main(["scan", str(clean), str(unclean_one), str(other)]) == 2
    told = capsys.readouterr().out
    assert re.search(
        re.escape(str(unclean_one)) + r":\d+: exchange 1, request, header authorization: basic is not a placeholder",
        told,
    )
    assert main(["scan", str(tmp_path / "nowhere.yaml")]) == 2


def test_nothing_to_search_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A search of an empty folder does not pass."""
    assert main(["scan", str(tmp_path)]) == 2
    assert "no cassettes" in capsys.readouterr().err
