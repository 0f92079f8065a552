"""A cassette of a pushed authorization (RFC 9126): its name is a secret, and a replay pushes and opens another one."""

from __future__ import annotations

from pathlib import Path

from pytest_apiauth.profile import loading
from pytest_apiauth.recording import library
from pytest_apiauth.recording.scan import unclean_in
from pytest_apiauth.recording.scenes import scenes

PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "pushed.apiauth.toml")


def test_what_was_pushed_is_recorded_and_replayed(tmp_path: Path) -> None:
    """The tape has a placeholder in the place of the name, in the answer and in the URL; scan finds nothing."""
    scene = next(each for each in scenes(PROFILE) if each.name == "authorization_code")
    path = tmp_path / "authorization_code.yaml"
    with library.embedded_stage(PROFILE) as stage:
        library.record(scene, stage, path, is_live=False)
    text = path.read_text(encoding="utf-8")

    assert text.count("apiauth-request-uri-1") == 2
    assert "urn:ietf" not in text
    assert list(unclean_in(path)) == []
    assert [answer.status for answer in library.replay(scene, PROFILE, path)] == [201, 302, 200]
