"""A profile as one test has it: some keys changed, checked as a file that extends it would be."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Answer, GrantSettings, Profile

FIXED: Final = ("schema", "name", "extends", "app", "examine", "rules", "expected_failures")
"""Keys that a file says of itself, of its rules or of its app, and a test does not change."""
Table = dict[str, Any]


def changed(profile: Profile, changes: Iterable[Mapping[str, object]], scope: str | None, *, folder: Path) -> Profile:
    """Return a profile with keys changed, later ones upon earlier ones, and the scope that clients ask for and get.

    A key may have dots, as in TOML: ``{"token.leeway": 0, "zones": {"user": {"path": "/me/"}}}``; ``False`` removes.
    Paths are relative to ``folder``. Raises ProfileError, one line per mistake.
    """
    tables = [_table(profile.name, each) for each in changes]
    for table in tables:
        if isinstance(table.get("payloads"), str):
            table["payloads"] = os.path.abspath(folder / table["payloads"])
    found = loading.load(Path(profile.place), changes=tables, where=f"{profile.name}: changes") if tables else profile
    if scope is not None:
        found = _with_scope(found, scope)
    return found.changed_from(profile, repr((tables, scope)))


def _table(name: str, changes: Mapping[str, object]) -> Table:
    """Return changes as the tables of a file."""
    table: Table = {}
    for key, value in changes.items():
        given = _plain(value)
        for part in reversed(key.split(".")):
            given = {part: given}
        assert isinstance(given, dict)
        _enter(table, given, f"{name}: changes: {key}")
    fixed = [f"{name}: changes: {key}: cannot be changed for one test" for key in table if key in FIXED]
    if fixed:
        raise ProfileError("\n".join(fixed))
    return table


def _enter(table: Table, given: Table, where: str) -> None:
    for key, value in given.items():
        known = table.setdefault(key, value)
        if isinstance(known, dict) and isinstance(value, dict) and known is not value:
            _enter(known, value, where)
        elif known is not value:
            raise ProfileError(f"{where}: clashes with another of these keys")


def _plain(value: object) -> object:
    """Return a value as TOML would give it: of dicts and lists."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _with_scope(profile: Profile, scope: str) -> Profile:
    """Return a profile whose grants ask for a scope and get it; what says nothing of a scope goes on doing so."""

    def answer(documented: Answer) -> Table:
        own = documented.model_dump(exclude_unset=True)
        return {**own, "scope": scope} if documented.scope is not None else own

    def grant(name: str, row: GrantSettings) -> Table:
        own: Table = row.model_dump(exclude_unset=True)
        # A refresh that asks for no scope has that of the token before (RFC 6749 6).
        if row.scope is not None and name != "refresh_token":
            own["scope"] = scope
        return {**own, "answer": answer(row.answer)} if row.answer is not None else own

    settings = profile.token
    token = {**settings.model_dump(exclude_unset=True), "scope": scope, "answer": answer(settings.answer)}
    return profile.replaced(token=token, grants={name: grant(name, row) for name, row in profile.grants.items()})
