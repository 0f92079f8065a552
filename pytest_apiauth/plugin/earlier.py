"""Tokens that outlive their server: what a cache of the code under test presents to the next one.

Each test has an embedded server of its own, or each class, module or run, and it knows nothing of the tokens of another
one. Code that keeps tokens for longer sends it such a token all the same, and is refused. Of tokens only digests are
kept here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Server

ISSUED: pytest.StashKey[dict[bytes, str]] = pytest.StashKey()
"""Of the run: the digest of every token that an embedded server has issued, and the test or node it was for."""


@contextmanager
def remember(node: pytest.Item | pytest.Collector, server: Server | None) -> Generator[None]:
    """Keep in mind what a server issues to a test, or to all that share it, until the block ends."""
    before = server.issued if server is not None else frozenset()
    yield
    if server is not None:
        known = node.config.stash.setdefault(ISSUED, {})
        known.update(dict.fromkeys(server.issued - before, node.nodeid or "the run"))


def add_to_report(item: pytest.Item, servers: Iterable[Server], report: pytest.TestReport) -> None:
    """Say beside a failure if one of the test's servers has refused a token of an earlier test."""
    strangers = [digest for server in servers for digest in server.strangers]
    known = item.config.stash.get(ISSUED, {})
    for test in dict.fromkeys(known[digest] for digest in strangers if digest in known):
        report.sections.append(
            (
                "apiauth",
                f"the API refused a token that was issued in an earlier test, {test}, by another server: clear what"
                " keeps tokens between tests (of httpx_auth: OAuth2.token_cache.clear()), or let tests share a server:"
                ' pytestmark = pytest.mark.apiauth(server_scope="module"), or the ini key apiauth_server_scope',
            )
        )
