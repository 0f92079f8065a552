"""The examples of a profile's OpenAPI document as what its embedded server answers: the key ``payloads``."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import ProfileError

if TYPE_CHECKING:
    from pytest_apiauth.discover.examples import Example


def furnish(server: Server) -> None:
    """Have a server answer by the examples of its profile's document, if there is one. Raises ProfileError.

    What a test says itself comes later, and so before them.
    """
    profile = server.profile
    if profile.payloads is None:
        return
    file = Path(profile.payloads)
    reason = ""
    try:
        found = _read(file, _age(file), urlsplit(profile.base_url).path)
    except ProfileError as error:
        reason = str(error)
    if reason:
        raise ProfileError(f"{profile.name}: {reason}")
    for each in reversed(found):
        headers = {"Content-Type": each.media_type}
        server.respond("GET", each.path, status=each.status, content=each.body, headers=headers)


@lru_cache(maxsize=16)
def _read(file: Path, age: int, base_path: str) -> tuple[Example, ...]:
    """Read a document once, as long as it does not change: each test has a server of its own."""
    from pytest_apiauth.discover.examples import examples

    return examples(file, base_path)


def _age(file: Path) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except (OSError, ValueError):
        return 0
