"""Recorded exchanges as a server under test: it answers what was asked of the real one, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.library import folder_of
from pytest_apiauth.recording.playing import Credentials
from pytest_apiauth.recording.reading import read
from pytest_apiauth.recording.scenes import Scene, Spend, scenes
from pytest_apiauth.recording.tape import response_message
from pytest_apiauth.suite.outcomes import NotApplicable
from pytest_apiauth.targets.connection import Connection

CHAPTERS: Final = ("token_answer", "token_errors")
"""Chapters of the book that a token endpoint's recorded exchanges can answer for."""
OF_VALUES: Final = {"tok-entropy": "it is about the tokens themselves, and a cassette has placeholders"}
"""Rules of these chapters that a cassette cannot answer for, with the reason."""
_Key = tuple[str, str, tuple[tuple[str, str], ...], object]


def cassettes_of(profile: Profile, root: Path) -> Path:
    """Return the folder of a profile's cassettes: the project's own, or those that come with a built-in profile.

    Raises CassetteError if there is none.
    """
    own = root / "cassettes" / profile.name
    builtin = loading.builtin_profiles().get(profile.name)
    # A project's profile of the same name promises something else.
    is_builtin = builtin is not None and profile.place == str(builtin.resolve())
    found = own if own.is_dir() else folder_of(profile.name) if is_builtin else None
    if found is None:
        raise CassetteError(
            f"{profile.name}: no cassettes in {own}; make them with: python -m pytest_apiauth record {profile.name}"
        )
    return found


def exchanges(scene: Scene, profile: Profile, identities: Identities, path: Path) -> Iterator[tuple[Request, Response]]:
    """Play a scene on its cassette, without a client: each request beside the answer that was recorded."""
    recorded = [_exchange(each, path) for each in read(path)["interactions"]]
    steps = scene.play(profile, identities)
    step = next(steps)
    try:
        while recorded:
            if isinstance(step, Spend):
                step = next(steps)
                continue
            method, answer = recorded.pop(0)
            if method != step.method:
                # It begins with a kept refresh token, which nobody has here.
                return
            yield step, answer
            step = steps.send(answer)
    except (StopIteration, CassetteError):
        # An answer from which the scene cannot go on is for the rules to judge.
        return


def _exchange(recorded: dict[str, Any], path: Path) -> tuple[str, Response]:
    """Give the method of a recorded request, and the answer."""
    try:
        method, answer = str(recorded["request"]["method"]), recorded["response"]
        message = response_message(answer)
        reason = str(answer["status"].get("message") or "")
        return method, Response(message.status, message.headers, message.body, reason)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CassetteError(f"{path}: not a cassette: an exchange that is none") from None


@dataclass(frozen=True, slots=True)
class CassetteTarget:
    """The cassettes of one profile. Of several answers to one request, that of the documented grant counts."""

    profile: Profile
    identities: Identities
    answers: dict[_Key, Response]
    kind: str = "cassette"
    has_browser: bool = False
    can_move_clock: bool = False
    seconds_an_answer: float = 0.0
    has_connections: bool = False

    @classmethod
    def build(cls, profile: Profile, root: Path) -> CassetteTarget:
        """Read a profile's cassettes. Raises CassetteError where there are none, or one is damaged."""
        folder = cassettes_of(profile, root)
        identities = Identities(profile, Credentials(None), OutputRedactor())
        header = profile.api_key.header.lower() if profile.api_key else ""
        answers: dict[_Key, Response] = {}
        for scene in scenes(profile):
            path = folder / f"{scene.name}.yaml"
            if path.is_file() and scene.name != "authorization_code":
                for request, response in exchanges(scene, profile, identities, path):
                    answers.setdefault(_key(request, header), response)
        if not answers:
            raise CassetteError(f"{profile.name}: no cassette of its token endpoint in {folder}")
        return cls(profile, identities, answers)

    def send(self, request: Request) -> Response:
        """Give the recorded answer. Raises NotApplicable where nobody has asked that."""
        header = self.profile.api_key.header.lower() if self.profile.api_key else ""
        answer = self.answers.get(_key(request, header))
        if answer is None:
            raise NotApplicable("no cassette has this request")
        return answer

    def connection(self, url: str) -> Connection:
        raise UnreachableError(f"{self.profile.name}: a cassette has no connections")

    def advance(self, seconds: int) -> None:
        raise NotApplicable("a cassette has no clock")

    def pause(self, seconds: float) -> None:
        """Wait for nobody."""

    def guess(self, username: str) -> bool:
        return True

    def close(self) -> None:
        """Hold nothing open."""


def _key(request: Request, api_key_header: str) -> _Key:
    """Give what makes a request to a token endpoint this one and no other."""
    names = ("authorization", "content-type", api_key_header)
    lines = sorted((name.lower(), value) for name, value in request.headers if name.lower() in names)
    return request.method, request.url, tuple(lines), _content(request.body)


def _content(body: bytes) -> object:
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except ValueError:
        return tuple(sorted(parse_qsl(body.decode("latin-1"), keep_blank_values=True)))
