"""Which requests try a wrong password: accounts lock after a few, so a live run counts them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import parse_qsl

from pytest_apiauth.messages import Request

SOMEBODY = ""
"""Stands for every user name that the run does not know."""


Names = tuple[tuple[str, ...], tuple[str, ...]]
"""What members of a body are called that have a user's name, and a password, beside ``username`` and ``password``."""
USUAL: Names = (("username",), ("password",))


def wrong_passwords(
    request: Request,
    users: Mapping[str, str],
    *,
    of_client: bool,
    keys: Collection[str] = (),
    names: Names = ((), ()),
) -> Iterator[str]:
    """Yield the user, by name, of each wrong password that a request carries.

    ``users`` are the passwords by user name that are right. A password for a name that is not among them counts
    for `SOMEBODY`: such names are tried against one server too. With ``of_client`` the Basic credentials of the
    request are a client's own (RFC 6749 2.3.1), or a key, and no user's. ``keys`` are those that are right, one half
    of such a pair each.
    """
    pairs = () if of_client else (pair for pair in _basic(request) if not any(half in keys for half in pair))
    for username, password in (*pairs, *_in_body(request, names)):
        if users.get(username) != password:
            yield username if username in users else SOMEBODY


def _basic(request: Request) -> Iterator[tuple[str, str]]:
    # Several in one line count as well: a server may look at each (RFC 9110 5.3).
    for line in ",".join(request.header_lines("authorization")).split(","):
        scheme, _, coded = line.strip().partition(" ")
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(coded.strip(), validate=False).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                continue
            username, _, password = pair.partition(":")
            if pair:
                yield username, password


def _in_body(request: Request, names: Names) -> Iterator[tuple[str, str]]:
    usernames, passwords = USUAL[0] + names[0], USUAL[1] + names[1]
    if not any(name.encode() in request.body for name in passwords):
        return
    members = _members(request)
    tried = [value for name, value in members if name in passwords]
    for username in [value for name, value in members if name in usernames] or [SOMEBODY]:
        yield from ((username, password) for password in tried)


def _members(request: Request) -> list[tuple[str, str]]:
    text = request.body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            return []
        return list(_flat(found))
    return parse_qsl(text, keep_blank_values=True)


def _flat(found: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        yield name, value if isinstance(value, str) else json.dumps(value)
        if isinstance(value, dict):
            yield from _flat(value)
