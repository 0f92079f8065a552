"""Tests that are replayed: credentials that stand for the real ones."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pytest_apiauth.credentials.request_signing import StandIn
from pytest_apiauth.profile.model import Profile, Reference
from pytest_apiauth.profile.references import references
from pytest_apiauth.recording.vault import placeholder_for


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
        return StandIn(placeholder_for(label))


class Environment:
    """Sets variables that a profile names, and puts back what was there."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}

    def fill(self, values: Mapping[str, str], *, is_final: bool = False) -> None:
        """Set what is not set, or was set here with another value; ``is_final`` sets what the user has set too."""
        for name, value in values.items():
            if name in os.environ and name not in self._before and not is_final:
                continue
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value

    def restore(self) -> None:
        """Put back what was there."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()


def configured(profile: Profile, folder: Path) -> dict[str, str]:
    """Return the environment variables that a profile names, as they are or as ``.env`` has them."""
    from pytest_apiauth.credentials.identities import Surroundings

    look, places = Surroundings(folder), list(references(profile))
    if isinstance(profile.api_url, Reference):
        places.append(("api_url", profile.api_url))
    named = ((reference.env, look(label, reference)) for label, reference in places if reference.env is not None)
    return {name: value for name, value in named if value}


def placeholders(profile: Profile, lookup: Credentials) -> dict[str, str]:
    """Return the environment variables that a profile names, with placeholders."""
    found = {}
    for label, reference in references(profile):
        value = lookup(label, reference)
        if reference.env is not None and value is not None:
            found[reference.env] = value
    return found
