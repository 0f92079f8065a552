"""A profile from what exists: an OpenAPI or Swagger document, or authorization server metadata.

One way: `usual` says where it may be, `reading` gets the document, `openapi` or `metadata` say what is in it, `zones`
groups its routes, `writing` makes the text, and this file checks the text as any profile is checked, before it is
written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pytest_apiauth.discover import metadata, openapi
from pytest_apiauth.discover.findings import Findings
from pytest_apiauth.discover.reading import Document, DocumentError, MissingError, PageError, read
from pytest_apiauth.discover.usual import is_place, metadata_places, places
from pytest_apiauth.discover.writing import marks_in, written
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.profile.finding import SUFFIX
from pytest_apiauth.profile.kinds import KINDS
from pytest_apiauth.profile.loading import builtin_profiles, explained
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.whole import write_whole

__all__ = ["DocumentError", "init", "profile_text"]


def init(source: str, output: str | None = None, *, force: bool = False) -> Iterator[str]:
    """Write a profile from a document, and say in a few lines what was written.

    ``source`` is a file or a URL, or an origin whose usual places are tried; ``output`` the file to write, by default
    named after the document's title in the current folder. Raises ApiAuthError, in one line, if the document cannot be
    used or the file exists and ``force`` is false.
    """
    findings = _found(source)
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
    yield (
        'first, if the API is yours: app = "main:app" in it; without it the embedded double is examined, which says'
        " nothing of your API"
    )
    yield f"next: python -m pytest {path}"


def profile_text(findings: Findings, name: str) -> str:
    """Return the text of a profile, checked as loading checks it. Raises ApiAuthError if it would not load."""
    text = written(findings, name)
    with explained(f"{findings.source}: makes no profile that loads"):
        Profile.model_validate({"name": name, **tomllib.loads(text)})
    return text


def _found(source: str) -> Findings:
    """Return what the first document says that there is at a source. Raises ApiAuthError, in one line."""
    tried = places(source)
    refused: list[DocumentError] = []
    for url in tried:
        try:
            findings = _examined(read(url))
        except DocumentError as error:
            refused.append(error)
        else:
            if is_place(source):
                _look_for_metadata(source, findings)
            return findings
    if len(tried) == 1:
        raise refused[0]
    # What an API says at its root is seldom meant as a document.
    told = [str(error) for error in refused[1:] if not isinstance(error, MissingError | PageError)]
    reason = f" ({told[0]})" if told else ""
    raise DocumentError(
        f"{source}: no document at the {len(tried)} places where one usually is{reason}; name its URL, or save it to a"
        " file"
    )


def _look_for_metadata(source: str, findings: Findings) -> None:
    """Say where the way to a token is told, if the document that says what a token opens does not."""
    if findings.grants or not any(KINDS[kind].is_token for kind in findings.kinds & KINDS.keys()):
        return
    for url in metadata_places(source):
        try:
            other = _examined(read(url))
        except DocumentError:
            continue
        findings.remark(
            "credentials", f"{other.source} says how a token is got: init makes token_url and [grants] of it"
        )
        return


def _examined(document: Document) -> Findings:
    try:
        return metadata.examine(document) if document.kind == "metadata" else openapi.examine(document)
    except RecursionError:
        raise DocumentError(f"{document.source}: nested too deeply") from None


def _slug(title: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "api"
    # It would hide the built-in profile of the same name.
    return f"{name}-api" if name in builtin_profiles() else name


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        write_whole(path, text, is_new=not force)
    except FileExistsError:
        raise ApiAuthError(f"{path}: exists; --force overwrites it, -o FILE{SUFFIX} writes another") from None
    except OSError as error:
        raise ApiAuthError(f"{path}: cannot be written: {error.strerror or error}") from None
