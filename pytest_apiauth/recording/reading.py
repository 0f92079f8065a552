"""Cassettes read from files that anybody may have written, within bounds of time and memory.

A file may be a pipe that never ends, and a few lines of YAML may name each other until they stand for more values
than memory holds. What passes a bound is not looked into, and that is said, since a secret may be in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pytest_apiauth.recording.contents import LARGEST, CassetteError, too_large

MOST_NODES: Final = 200_000
"""Values of one cassette, with those that aliases stand for: some thousands of exchanges."""
DEEPEST_NODE: Final = 50
LONGEST_NUMBER: Final = 4000
MARK: Final = b"interactions"
PATTERNS: Final = ("*.yaml", "*.yml", "*.json")


def bytes_of(path: Path) -> bytes:
    """Read a file. Raises CassetteError for one that cannot be read, is none, or is too large."""
    data = _beginning(path)
    if len(data) > LARGEST:
        raise too_large()
    return data


def _beginning(path: Path) -> bytes:
    """Read a file up to the bound and a byte more, without waiting: nobody may write into a pipe."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise CassetteError("not looked into: not a regular file")
            return file.read(LARGEST + 1)
    except OSError as error:
        raise CassetteError(f"not looked into: {error.strerror or type(error).__name__}") from None


def cassettes_in(place: Path) -> Iterator[Path]:
    """Yield the cassettes under a folder, and what might be one and cannot be read: YAML or JSON of interactions.

    A file that is named counts whatever it is called.
    """
    paths = {path for pattern in PATTERNS for path in place.rglob(pattern)}
    if not place.is_dir() and (place.exists() or place.is_symlink()):
        paths = {place}
    for path in sorted(path for path in paths if not path.is_dir()):
        try:
            data = _beginning(path)
        except CassetteError:
            yield path
            continue
        # UTF-16 has zeros between the letters.
        if MARK in data or (b"\0" in data and MARK in data.replace(b"\0", b"")):
            yield path


def read(path: Path) -> dict[str, Any]:
    """Read a cassette as data. Raises CassetteError."""
    try:
        data = _data(bytes_of(path))
    except CassetteError as error:
        raise CassetteError(f"{path}: {error}") from None
    if not isinstance(data, dict) or not isinstance(data.get("interactions"), list):
        raise CassetteError(f"{path}: not a cassette: no interactions")
    return data


def read_exchanges(path: Path) -> dict[str, Any]:
    """Read a cassette as data, all of whose exchanges are such. Raises CassetteError."""
    data = read(path)
    try:
        check_exchanges(data)
    except CassetteError as error:
        raise CassetteError(f"{path}: {error}") from None
    return data


def check_exchanges(data: Any, *, to_play: bool = False) -> None:
    """Look at every exchange of a cassette, which vcrpy does not before it plays one. Raises CassetteError."""
    for number, each in enumerate(data["interactions"], 1):
        if not _is_exchange(each) or (to_play and not {"message"} <= each["response"]["status"].keys()):
            raise CassetteError(f"not a cassette: exchange {number} is none")


def _is_exchange(each: Any) -> bool:
    """Whether both sides of an exchange have what vcrpy writes; of a body anything may stand there."""
    try:
        asked, answer = each["request"], each["response"]
        texts = (asked["method"], asked["uri"])
        tables = (asked, answer, asked["headers"], answer["headers"], answer["body"])
        status = answer["status"]["code"]
        # vcrpy asks for the port, which need not be a number.
        _ = urlsplit(str(asked["uri"])).port
    except (KeyError, TypeError, IndexError, ValueError):
        return False
    names = all(isinstance(name, str) for table in tables[2:4] for name in (table if isinstance(table, dict) else ()))
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(table, dict) for table in tables)
        and isinstance(status, int)
        and names
    )


def _data(raw: bytes) -> Any:
    from vcr.serializers import yamlserializer

    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise CassetteError("not a cassette: not UTF-8") from None
    try:
        check_nodes(text)
        return yamlserializer.deserialize(text)
    except CassetteError:
        raise
    except Exception as error:
        raise CassetteError(f"not a cassette: {type(error).__name__}") from None


class Lines:
    """Tells on which line of a cassette something stands, whose file is read again when the first is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[tuple[int, str, str], int] | None = None

    def of(self, number: int, side: str, place: str) -> int:
        """Return the line of a place of an exchange, as `Walk.place` says it: of its header, its URL or its body."""
        if self._lines is None:
            self._lines = dict(_lines(bytes_of(self._path).decode()))
        first = place.partition(",")[0].lower()
        found = self._lines.get((number, side, first)) or self._lines.get((number, side, ""))
        return found or 1


def _lines(text: str) -> Iterator[tuple[tuple[int, str, str], int]]:
    import yaml

    root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for name, every in _entries(root):
        for number, exchange in enumerate(every.value if name.value == "interactions" else (), 1):
            for side, parts in _entries(exchange):
                yield (number, side.value, ""), side.start_mark.line + 1
                for part, content in _entries(parts):
                    called = "url" if part.value == "uri" else part.value
                    yield (number, side.value, called), part.start_mark.line + 1
                    for header, _ in _entries(content) if called == "headers" else ():
                        yield (number, side.value, f"header {header.value}".lower()), header.start_mark.line + 1


def _entries(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the names and values of a mapping whose names are texts."""
    for name, value in node.value if getattr(node, "id", "") == "mapping" else ():
        if isinstance(name.value, str):
            yield name, value


def check_nodes(text: str) -> None:
    """Count the values of a YAML text without making them. Raises CassetteError if they are too many."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sizes: dict[str, int] = {}
    # Of each collection that is open: its anchor, and how many values it has so far.
    counts: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            counts.append((event.anchor, 1))
            if len(counts) > DEEPEST_NODE:
                raise CassetteError(f"not looked into: more than {DEEPEST_NODE} levels")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = counts.pop()
            if anchor is not None:
                sizes[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            # An alias inside of what it names stands for no end of values.
            size = sizes.get(event.anchor, MOST_NODES)
        elif isinstance(event, yaml.ScalarEvent):
            if len(event.value) > LONGEST_NUMBER and event.implicit[0] and event.value[0] in "+-.0123456789":
                # What may be a number to the base of 60 takes time with the square of its length.
                raise CassetteError(f"not looked into: a number of more than {LONGEST_NUMBER} digits")
            size = 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        else:
            continue
        outer, count = counts[-1]
        counts[-1] = (outer, count + size)
        if count + size > MOST_NODES:
            raise CassetteError(f"not looked into: more than {MOST_NODES} values")
