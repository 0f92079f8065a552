"""What is read of a document: each limit refuses what is beyond it, and without it the same document takes its toll."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.discover import reading
from pytest_apiauth.discover.reading import DocumentError, read
from pytest_apiauth.errors import UnreachableError
from pytest_apiauth.http import bounds
from tests.plugin.loopback import Reply, answering

JSON = '{"openapi": "3.1.0", "x": [' + ",".join(["{}"] * 90_000) + "]}"
YAML = "openapi: 3.1.0\nx: [" + ", ".join(["[]"] * 10_000) + "]\n"
MERGED = "openapi: 3.1.0\na: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\nb: {<<: *a}\nc: {<<: *a}\n"
DEEP = '{"openapi": "3.1.0", "x": ' + "[" * 300 + "]" * 300 + "}"
LIMITS: dict[str, tuple[str, str, str, int]] = {
    "values of JSON": (JSON, "MOST_VALUES", "more than 1000 values and names", 2),
    "nodes of YAML": (YAML, "MOST_NODES", "YAML of more than 1000 values and names", 4),
    "bytes of YAML": (YAML, "LARGEST_YAML", "YAML larger than 1 kB", 4),
    "merged members": (MERGED, "MOST_MERGED", "too many merged members", 0),
    "levels": (DEEP, "DEEPEST", "nested too deeply", 0),
}
"""Documents, the limit that each meets, what is said then, and the megabytes that it takes without it, at least."""


def cost(make: Callable[[], Any]) -> float:
    """Return the megabytes that a call has taken at most."""
    tracemalloc.start()
    try:
        make()
        return tracemalloc.get_traced_memory()[1] / 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_beyond_a_limit_is_refused_and_costs_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the limit a document is refused in a line, before it takes memory; without it, it is read and takes it."""
    text, limit, told, megabytes = LIMITS[name]
    (tmp_path / "shop.yaml").write_text(text)
    low = 100 if limit == "DEEPEST" else 1000

    def refused() -> None:
        with pytest.raises(DocumentError, match=told):
            read(str(tmp_path / "shop.yaml"))

    monkeypatch.setattr(reading, limit, low)
    few = cost(refused)
    monkeypatch.setattr(reading, limit, 1_000_000_000)
    many = cost(lambda: read(str(tmp_path / "shop.yaml")))

    assert many > megabytes
    assert not megabytes or few < many / 2, (few, many)


def test_a_document_at_a_url_is_read_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document may be larger than other answers; one that is larger still is refused, and read with a wider bound."""
    with answering({"/openapi.json": Reply(body=JSON)}) as base:
        monkeypatch.setattr(bounds, "BOUNDS", replace(bounds.BOUNDS, body=100, document=1000))
        with pytest.raises(UnreachableError, match=r"/openapi\.json: the answer is larger than 0\.001 MB"):
            read(f"{base}/openapi.json")
        monkeypatch.setattr(bounds, "BOUNDS", replace(bounds.BOUNDS, body=100, document=1_000_000))
        assert read(f"{base}/openapi.json").kind == "openapi"
