"""Projects of users, and how their runs are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading

Run: TypeAlias = Callable[..., pytest.RunResult]
NEIGHBOURS = ("randomly", "cov", "recording")
"""Plug-ins that the runs in this process do without: they cost time or have an order of their own."""

SHOP = """
schema = 1
extends = "jindexe"
api_url = "https://api.shop.example"
"""
"""The profile of a project, as short as it can be."""

SMALL = """
schema = 1
api_url = "https://api.shop.example"
[api_key]
header = "X-Shop-Key"
[credentials]
api_key = { env = "SHOP_KEY" }
[zones.user]
path = "/user/"
needs = ["api_key"]
probe = ["/user/me"]
[zones.open]
path = "/open/"
needs = []
probe = ["/open/status"]
"""
"""A profile that few rules apply to, which makes it quick."""

SOURCE = re.compile(r"^(E  |>  )|Traceback|INTERNALERROR|\.py:\d+|During handling", re.MULTILINE)
"""What a message for a person is free of: tracebacks, source lines, frames."""


def output(result: pytest.RunResult) -> str:
    """Give everything that a run has printed."""
    return "\n".join((*result.outlines, *result.errlines))


def told(result: pytest.RunResult, *words: str) -> str:
    """Give the line that has all the words; require that it stands there, and that no source line does."""
    text = output(result)
    found = SOURCE.search(text)
    assert found is None, f"{found.group()!r} in:\n{text}"
    lines = [line for line in text.splitlines() if all(word in line for word in words)]
    assert lines, f"no line with {words} in:\n{text}"
    return lines[0]


@contextmanager
def served(name: str, *, faults: Iterable[str] = ()) -> Iterator[tuple[str, Server]]:
    """Serve a built-in profile on loopback; gives base URL and server."""
    server = Server(loading.load(loading.builtin_profiles()[name]), faults=faults)
    with serve(server) as base_url:
        yield base_url, server


def passes(pytester: pytest.Pytester, run: Run, source: str, *options: str) -> None:
    """Write a test file, run it with warnings as errors, and require that all of it passes."""
    path = pytester.makepyfile(source)
    result = run(path.name, "-W", "error", *options)
    outcomes = result.parseoutcomes()
    assert result.ret == 0, output(result)
    assert set(outcomes) == {"passed"}, output(result)
