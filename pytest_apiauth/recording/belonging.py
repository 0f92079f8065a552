"""Whose a recorded test is: ours, if it has to do with a profile, or pytest-recording's own.

Theory of operation. A test is ours by its fixtures and its mark; or by its cassette, if that holds a request to a host
of one of the project's profiles, or our stamp. A test without a cassette, a fixture and a mark may turn out to be ours
as soon as it asks such a host, and not before: until then nothing of it is changed. So it is looked at again with
every request, and once more when its cassette is about to be written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_apiauth.offline import Hosts

ASKED: Final = re.compile(
    r"""^[ \t]*(?:- )?["']?uri["']?[ \t]*:[ \t]*["']?(https?://[^\s"']+)|"uri"[ \t]*:[ \t]*"(https?://[^\s"]+)""",
    re.MULTILINE,
)
"""Where a request of a cassette was sent to, in YAML and in JSON, which may be one line."""
STAMPED: Final = re.compile(r"""^(?:apiauth:|[ \t]*(?:\{[ \t]*)?"apiauth"[ \t]*:[ \t]*\{)""", re.MULTILINE)


@dataclass(slots=True)
class Belonging:
    """Tells whether a test is ours. ``is_certain`` it is by its fixtures, its mark or its cassette."""

    hosts: Hosts
    is_certain: bool
    has_met: bool = False
    """Whether it has asked one of the hosts."""

    @property
    def is_ours(self) -> bool:
        """Whether it is known by now to be ours."""
        return self.is_certain or self.has_met

    def look_at(self, files: Iterable[Path]) -> None:
        """Take it for ours where one of its cassettes is."""
        self.is_certain = self.is_certain or any(self.holds(file) for file in files)

    def holds(self, file: Path) -> bool:
        """Whether a cassette has our stamp, or a request to one of the hosts."""
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        if STAMPED.search(text):
            return True
        asked = {found.group(1) or found.group(2) for found in ASKED.finditer(text)}
        return any(self.hosts.covers_url(url) for url in asked)

    def would_be_ours(self, url: str) -> bool:
        """Whether it is known to be ours, or would be if it asked this."""
        return self.is_ours or self.hosts.covers_url(url)

    def meets(self, url: str) -> bool:
        """Whether a request goes to one of the hosts, and take note of it."""
        covered = self.hosts.covers_url(url)
        self.has_met = self.has_met or covered
        return covered


def cassettes_of(settings: Mapping[str, Any], folder: str, name: str, more: Iterable[str]) -> list[Path]:
    """Return the files that pytest-recording reads for a test: its own, then those that its marks name."""
    place = os.path.join(settings.get("cassette_library_dir") or folder, name)
    transformer = settings.get("path_transformer")
    suffix = f".{settings['serializer']}" if "serializer" in settings else ".yaml"
    own = transformer(place) if transformer is not None else place if place.endswith(suffix) else place + suffix
    return [Path(own), *(Path(folder, each) for each in more)]
