"""A profile from what exists: an OpenAPI or Swagger document, or authorization server metadata.

One way: `reading` gets the document, `openapi` or `metadata` say what is in it, `zones` groups its routes,
`writing` makes the text, and this file checks the text as any profile is checked, before it is written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pytest_apiauth.discover import metadata, openapi
from pytest_apiauth.discover.findings import Findings
from pytest_apiauth.discover.reading import Document, DocumentError, read
from pytest_apiauth.discover.writing import marks_in, written
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.profile.finding import SUFFIX
from pytest_apiauth.profile.loading import builtin_profiles, explained
from pytest_apiauth.profile.model import Profile

__all__ = ["DocumentError", "init", "profile_text"]


def init(source: str, output: str | None = None, *, force: bool = False) -> Iterator[str]:
    """Write a profile from a document, and say in a few lines what was written.

    ``source`` is a file or a URL; ``output`` the file to write, by default named after the document's title in
    the current folder. Raises ApiAuthError, in one line, if the document cannot be used or the file exists
    and ``force`` is false.
    """
    findings = _examined(read(source))
    path = Path(output) if output is not None else Path(f"{_slug(findings.title)}{SUFFIX}")
    if not path.name.endswith(SUFFIX) or path.name == SUFFIX:
        raise ApiAuthError(f"{path}: the name of a profile ends with {SUFFIX}; expected -o NAME{SUFFIX}")
    text = profile_text(findings, path.name.removesuffix(SUFFIX))
    _write(path, text, force=force)
    zones = ", ".join(zone.name for zone in findings.zones) or "none"
    yield f"{path}: written from {findings.source}; grants: {', '.join(findings.grants) or 'none'}; zones: {zones}"
    marks = marks_in(text)
    if marks:
        yield f'{marks} place{"s" if marks > 1 else ""} to look at: lines that begin with "# To check"'
    yield f"next: python -m pytest {path}"


def profile_text(findings: Findings, name: str) -> str:
    """Return the text of a profile, checked as loading checks it. Raises ApiAuthError if it would not load."""
    text = written(findings, name)
    with explained(f"{findings.source}: makes no profile that loads"):
        Profile.model_validate({"name": name, **tomllib.loads(text)})
    return text


def _examined(document: Document) -> Findings:
    try:
        return metadata.examine(document) if document.kind == "metadata" else openapi.examine(document)
    except RecursionError:
        raise DocumentError(f"{document.source}: nested too deeply") from None


def _slug(title: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "api"
    # A built-in profile of the same name would be found first.
    return f"{name}-api" if name in builtin_profiles() else name


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        if force:
            path.write_text(text, encoding="utf-8")
        else:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError:
        raise ApiAuthError(f"{path}: exists; --force overwrites it, -o FILE{SUFFIX} writes another") from None
    except OSError as error:
        raise ApiAuthError(f"{path}: cannot be written: {error.strerror or error}") from None
