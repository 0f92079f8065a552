"""The recorded exchanges of a profile's token endpoint, request beside answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl

from pytest_apiauth.auth.person import consented
from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.library import folder_of
from pytest_apiauth.recording.message import response_message
from pytest_apiauth.recording.reading import read
from pytest_apiauth.recording.scenes import Scene, Spend, Visit

Key: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], object]
"""What makes a request to a token endpoint this one and no other."""
GRANT: Final = re.compile(rb"""grant_type["'\s]*[=:][\s"']*([^"'&,}\s]+)""")


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


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells the requests to a profile's token endpoint from one another, by method, URL, content and some lines."""

    lines: frozenset[str]
    """The header lines in which credentials travel, in small letters; those of a login of its own too."""

    @classmethod
    def of(cls, profile: Profile) -> Telling:
        """Return what tells the requests of a profile."""
        tables = [table for table in (profile.login_request, profile.refresh_request) if table is not None]
        own = [*(name for table in tables for name in table.headers), *(["cookie"] if tables else [])]
        places = (row.place.line or "" for row in profile.kinds.values())
        return cls(frozenset(name.lower() for name in (*own, *places, "authorization", "content-type")))

    def key(self, request: Request) -> Key:
        """Return what makes a request this one and no other."""
        lines = sorted((name.lower(), value) for name, value in request.headers if name.lower() in self.lines)
        return request.method, request.url, tuple(lines), _content(request.body)


def _content(body: bytes) -> object:
    try:
        return json.dumps(json.loads(body), sort_keys=True)
    except ValueError:
        return tuple(sorted(parse_qsl(body.decode("latin-1"), keep_blank_values=True)))


def exchanges(scene: Scene, ask: Requester, path: Path) -> Iterator[tuple[Request, Response]]:
    """Play a scene on its cassette, without a client: each request beside the answer that was recorded."""
    recorded = [_exchange(each, path) for each in read(path)["interactions"]]
    steps = scene.play(ask)
    step = next(steps)
    try:
        while recorded:
            if isinstance(step, Spend):
                step = next(steps)
                continue
            if isinstance(step, Visit) and recorded[0][0].method != step.request.method:
                # A script has logged in, which is on no tape.
                step = steps.send(consented(ask.profile, step.asked))
                continue
            request = step.request if isinstance(step, Visit) else step
            (asked, answer), recorded = recorded[0], recorded[1:]
            if (asked.method, _grant_in(asked)) != (request.method, _grant_in(request)):
                # It begins with a kept refresh token, which nobody has here.
                return
            yield request, answer
            step = steps.send(answer)
    except (StopIteration, CassetteError):
        # An answer from which the scene cannot go on is for the rules to judge.
        return


def _grant_in(request: Request) -> bytes:
    """Return the grant that a token request names; empty if it names none."""
    found = GRANT.search(request.body)
    return found[1] if found is not None else b""


def _exchange(recorded: dict[str, Any], path: Path) -> tuple[Request, Response]:
    """Return the method and the body of a recorded request, and the answer."""
    try:
        asked, answer = recorded["request"], recorded["response"]
        message = response_message(answer)
        reason = str(answer["status"].get("message") or "")
        body = asked.get("body") or b""
        request = Request(str(asked["method"]), "", body=body if isinstance(body, bytes) else str(body).encode())
        return request, Response(message.status, message.headers, message.body, reason)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CassetteError(f"{path}: not a cassette: an exchange that is none") from None
