"""Tokens that outlive their test: what a cache of the code under test presents to the next test's server.

Each test has an embedded server of its own, which knows nothing of the tokens of another one. Code that keeps tokens
at module level sends it such a token all the same, and is refused. Of tokens only digests are kept here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_apiauth.plugin.keys import CLIENTS

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Server

ISSUED: pytest.StashKey[dict[bytes, str]] = pytest.StashKey()
"""Of the run: the digest of every token that an embedded server has issued to a test, and the test's node id."""


def remember(item: pytest.Item, server: Server) -> None:
    """Keep in mind what the server of a test has issued, now that the test ends."""
    known = item.config.stash.setdefault(ISSUED, {})
    known.update(dict.fromkeys(server.issued, item.nodeid))


def add_to_report(item: pytest.Item, report: pytest.TestReport) -> None:
    """Say beside a failure if the test's server has refused a token of an earlier test."""
    clients = item.stash.get(CLIENTS, None)
    server = None if clients is None else clients.target.server
    known = item.config.stash.get(ISSUED, {})
    tests = dict.fromkeys(known[digest] for digest in (server.strangers if server else ()) if digest in known)
    for test in tests:
        report.sections.append(
            (
                "apiauth",
                f"the API refused a token that was issued in an earlier test, {test}: each test has a server of its"
                " own, so clear what keeps tokens between tests (of httpx_auth: OAuth2.token_cache.clear())",
            )
        )
