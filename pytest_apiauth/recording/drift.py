"""Live token answers compared with the cassettes of the same grants: what has changed since they were recorded."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from pytest_apiauth.auth.answers import issues
from pytest_apiauth.messages import Request, Response, parts_of
from pytest_apiauth.profile.login_requests import Issuing
from pytest_apiauth.profile.model import GrantType, Profile
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.exchanges import cassettes_of
from pytest_apiauth.recording.reading import read_exchanges
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
        grant = _asked_for(profile, request)
        if grant is None or not _has_token(profile, grant, response):
            return
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
        for each in reversed(read_exchanges(path)["interactions"]):
            if _is_about(profile, grant, each["request"]):
                answer = each["response"]
                return shape_of(grant, answer["status"]["code"], frozenset(), answer["body"].get("string") or "")
        return None


def _asked_for(profile: Profile, request: Request) -> str | None:
    """Return the grant that a request asks for a token by; None if it asks for none."""
    if profile.is_oauth:
        endpoints = (profile.token_endpoint, profile.refresh_endpoint)
        return _grant_of(request.body) if request.method == "POST" and request.url in endpoints else None
    asked: tuple[str, str] = (request.method, request.url)
    return next(
        (grant for grant, table in _logins(profile) if asked == (table.method, profile.endpoint_of(grant))), None
    )


def _has_token(profile: Profile, grant: str, response: Response) -> bool:
    if not profile.is_oauth:
        return any(issues(profile, own, response) for own, _ in _logins(profile) if own == grant)
    members = response.json()
    return response.status == 200 and isinstance(members, dict) and isinstance(members.get("access_token"), str)


def _is_about(profile: Profile, grant: str, recorded: Mapping[str, Any]) -> bool:
    """Whether a recorded request asks for a token by a grant, in a cassette of that grant."""
    if profile.is_oauth:
        body = recorded.get("body") or ""
        sent = body if isinstance(body, bytes) else str(body).encode("utf-8", "replace")
        return recorded["method"] == "POST" and bool(_grant_of(sent))
    asked = (recorded["method"], parts_of(recorded["uri"]).path)
    wanted = {own: (table.method, urlsplit(profile.endpoint_of(own)).path) for own, table in _logins(profile)}
    return any(asked == place for own, place in wanted.items() if own == grant)


def _logins(profile: Profile) -> Iterator[tuple[GrantType, Issuing]]:
    """Yield how a login that is not OAuth's asks for tokens, by the grants that it stands for."""
    for grant in profile.grants:
        table = profile.request_of(grant)
        if table is not None:
            yield grant, table


def _grant_of(body: bytes) -> str:
    """Return the grant type of a token request, form-encoded or JSON."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return parse_qs(body.decode("latin-1")).get("grant_type", [""])[0]
    return str(members.get("grant_type", "")) if isinstance(members, dict) else ""
