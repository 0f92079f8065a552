"""Live token answers compared with the cassettes of the same grants: what has changed since they were recorded."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.exchanges import cassettes_of
from pytest_apiauth.recording.reading import read
from pytest_apiauth.recording.shapes import Shape, shape_of

SLACK: Final = 0.05
"""Part of a lifetime by which an answer may differ: a token that is handed out again has less left."""


class Drift:
    """Compares the first token answer of each grant and profile in a run; safe to call from any thread."""

    def __init__(self, root: Path) -> None:
        self.lines: list[str] = []
        """One line a difference."""
        self.compared = 0
        self._root = root
        self._known: set[tuple[str, str]] = set()
        self._mutex = threading.Lock()

    def see(self, profile: Profile, request: Request, response: Response) -> None:
        """Compare an answer, if it is the first good token answer of its grant."""
        if request.method != "POST" or request.url != profile.token_endpoint or response.status != 200:
            return
        members = response.json()
        if not isinstance(members, dict) or not isinstance(members.get("access_token"), str):
            return
        grant = _grant_of(request.body)
        with self._mutex:
            if (profile.place, grant) in self._known:
                return
            self._known.add((profile.place, grant))
        where = f"{profile.name}: {grant}"
        try:
            old = self._recorded(profile, grant)
        except CassetteError as error:
            self.lines.append(str(error))
            return
        if old is None:
            self.lines.append(f"{where}: no cassette to compare with; python -m pytest_apiauth record {profile.name}")
            return
        self.compared += 1
        new = shape_of(grant, response.status, frozenset(), response.body)
        self.lines += [f"{where}: {change}" for change in old.member_changes(new, slack=SLACK)]

    def _recorded(self, profile: Profile, grant: str) -> Shape | None:
        path = cassettes_of(profile, self._root) / f"{grant}.yaml"
        if not path.is_file():
            return None
        for each in reversed(read(path)["interactions"]):
            body = each["request"].get("body") or ""
            if each["request"]["method"] == "POST" and _grant_of(body if isinstance(body, bytes) else body.encode()):
                answer = each["response"]
                return shape_of(grant, answer["status"]["code"], frozenset(), answer["body"].get("string") or "")
        return None


def _grant_of(body: bytes) -> str:
    """Return the grant type of a token request, form-encoded or JSON."""
    try:
        members = json.loads(body)
    except ValueError:
        return parse_qs(body.decode("latin-1")).get("grant_type", [""])[0]
    return str(members.get("grant_type", "")) if isinstance(members, dict) else ""
