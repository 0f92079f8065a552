"""Tests that are replayed: credentials that stand for the real ones, and what to do if the tape does not fit."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_apiauth.profile.model import Plain, Profile, Reference
from pytest_apiauth.recording.vault import placeholder_for


def references(profile: Profile) -> Iterator[tuple[str, Reference]]:
    """Yield every credential that a profile refers to, with its label."""
    tables: dict[str, Any] = {"credentials": profile.credentials}
    for section in ("clients", "users", "keys"):
        tables |= {f"{section}.{name}": row for name, row in getattr(profile, section).items()}
    for place, table in tables.items():
        for name in type(table).model_fields:
            value: Plain | None = getattr(table, name)
            if isinstance(value, Reference):
                yield f"{place}.{name}", value


def credentials_set(profile: Profile, folder: Path) -> list[str]:
    """Return the labels of the credentials that the environment has; a keyring is not asked, it may ask back."""
    from pytest_apiauth.credentials.identities import Surroundings

    look = Surroundings(folder)
    return sorted(label for label, reference in references(profile) if reference.env and look(label, reference))


class Credentials:
    """Looks up placeholders: of everything, or of what was set when the tape was recorded.

    Which of several credentials a client sends depends on which of them are set, so replaying must know it.
    """

    def __init__(self, labels: frozenset[str] | None) -> None:
        self._labels = labels

    def __call__(self, label: str, reference: Reference) -> str | None:
        """Return the placeholder of a credential (`identities.Lookup`)."""
        if self._labels is not None and reference.env is not None and label not in self._labels:
            return None
        if label.endswith(".redirect_uri"):
            return "https://client.example/callback"
        return placeholder_for(label)


class Environment:
    """Sets variables that a profile names and nobody has set, and takes them away again."""

    def __init__(self) -> None:
        self._set: list[str] = []

    def fill(self, values: Mapping[str, str]) -> None:
        """Set what is not set, or was set here with another value."""
        for name, value in values.items():
            if name not in os.environ:
                self._set.append(name)
            elif name not in self._set:
                continue
            os.environ[name] = value

    def restore(self) -> None:
        """Take away what was set here."""
        for name in self._set:
            os.environ.pop(name, None)
        self._set.clear()


def placeholders(profile: Profile, lookup: Credentials) -> dict[str, str]:
    """Return the environment variables that a profile names, with placeholders."""
    found = {}
    for label, reference in references(profile):
        value = lookup(label, reference)
        if reference.env is not None and value is not None:
            found[reference.env] = value
    return found


def explain(error: BaseException, nodeid: str, root: Path) -> str | None:
    """Say in one line what a tape lacks and which command records it, if that is what an error is about."""
    inner = getattr(error, "exceptions", None)
    if isinstance(inner, tuple | list):
        lines = (explain(each, nodeid, root) for each in inner)
        return next((line for line in lines if line is not None), None)
    if not type(error).__module__.startswith("vcr.") or not hasattr(error, "failed_request"):
        return None
    cassette: Any = getattr(error, "cassette", None)
    request: Any = error.failed_request
    path = Path(str(getattr(cassette, "path", "")))
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    command = f"pytest {shlex.quote(nodeid)} --apiauth-live --record-mode="
    if not path.is_file():
        return f"{shown}: no such cassette, and nothing here goes to the network; record it: {command}once"
    if request is None:
        return f"{shown}: the cassette lacks what the test asks of it; record it anew: {command}rewrite"
    what = f"{request.method} {str(request.uri).partition('?')[0].partition('#')[0]}"
    played = getattr(error, "reason", "") == "already_played"
    why = "has no further answer to" if played else "has no answer to"
    return f"{shown}: the cassette {why} {what}; record it anew: {command}rewrite"
