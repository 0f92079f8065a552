"""Every format of a report, in one place: what a file's name ends in decides who writes it.

A new format is a file of its own, with a function from the record of a run to text, and a line here. The option, its
help, its check and its messages read this table. A format may need a library that an extra brings along.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from pytest_apiauth.report.record import RunRecord

Format: TypeAlias = "Callable[[RunRecord], str]"


# What writes one is imported then: a run that writes none does not wait for it.


def _json(run: RunRecord) -> str:
    from pytest_apiauth.report import json_report

    return json_report.text(run)


def _markdown(run: RunRecord) -> str:
    from pytest_apiauth.report import markdown

    return markdown.text(run)


def _html(run: RunRecord) -> str:
    from pytest_apiauth.report.html import page

    return page.text(run)


def _sarif(run: RunRecord) -> str:
    from pytest_apiauth.report import sarif

    return sarif.text(run)


def _badge(run: RunRecord) -> str:
    from pytest_apiauth.report import statement

    return statement.badge(run)


FORMATS: Final[dict[str, Format]] = {
    ".html": _html,
    ".json": _json,
    ".md": _markdown,
    ".sarif": _sarif,
    ".svg": _badge,
}
NEEDS: Final = {".html": ("jinja2", "html")}
"""The library that a format needs, and the extra that brings it along."""


def writes(file: str) -> bool:
    """Whether there is a format for a file of that name.

    >>> writes("build/report.json"), writes("build/report")
    (True, False)
    """
    return Path(file).suffix in FORMATS


def lacking(file: str) -> str:
    """Say what it takes to write a file of that name, if something is not installed; empty if nothing is missing.

    >>> lacking("report.json")
    ''
    """
    library, extra = NEEDS.get(Path(file).suffix, ("", ""))
    if not library or importlib.util.find_spec(library) is not None:
        return ""
    return f"{file!r} needs {library}, which is not installed: pip install pytest-apiauth[{extra}]"


def write(file: str, run: RunRecord) -> None:
    """Write a report, making the folder if there is none.

    Raises OSError if that cannot be, and `RefusedError` for a badge of a run that says nothing about a real API.
    """
    from pytest_apiauth.whole import write_whole

    path = Path(file)
    write_whole(path, FORMATS[path.suffix](run))


def told() -> str:
    """Return the endings that there are, for a message.

    >>> told()
    '.html, .json, .md, .sarif, .svg'
    """
    return ", ".join(FORMATS)
