"""One input: the bytes of a file, or a name that stands for something else than a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KINDS: Final = ("folder", "pipe", "zeros", "loop", "missing", "file")


@dataclass(frozen=True, slots=True)
class Case:
    """What is put in the place of a file. ``kind`` is ``file``, or what stands there in its place."""

    content: bytes = b""
    kind: str = "file"

    def put(self, place: Path) -> None:
        """Put it there."""
        place.parent.mkdir(parents=True, exist_ok=True)
        if self.kind == "file":
            place.write_bytes(self.content)
        elif self.kind == "folder":
            place.mkdir()
        elif self.kind == "pipe":
            os.mkfifo(place)
        elif self.kind == "zeros":
            place.symlink_to("/dev/zero")
        elif self.kind == "loop":
            place.symlink_to(place.name)


NO_FILES: Final = tuple(Case(kind=kind) for kind in KINDS if kind != "file")
