"""What the rules draw is none of the literals in a project's source, where the key of its tests may stand."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers

from pytest_apiauth import bundled
from pytest_apiauth.auth.edits import Edit

constants_ast = pytest.importorskip("hypothesis.internal.constants_ast", reason="Hypothesis reads no source yet")
bundled.load_chapters()
some = importlib.import_module("pytest_apiauth.conformance.strategies")
KEY = "a-key-of-the-tests-4711"


@pytest.fixture(autouse=True)
def in_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Hypothesis find the key in a project's own source."""
    monkeypatch.setattr(providers, "_get_local_constants", lambda: constants_ast.Constants(strings={KEY}))
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", LRUCache(64))


def drawn(strategy: st.SearchStrategy[object], text_of: Callable[[object], str] = str) -> set[str]:
    """Draw so often that the key is among what comes, if it can be."""
    found: set[str] = set()

    @settings(
        max_examples=1500, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def draw(value: object) -> None:
        found.add(text_of(value))

    draw()
    return found


def text_of_edit(value: object) -> str:
    """Return what an edit puts in the place of a whole value."""
    assert isinstance(value, Edit)
    return value.text


def test_a_key_in_the_source_is_drawn_by_who_draws_texts() -> None:
    """Hypothesis tries it, so what follows says something."""
    assert KEY in drawn(st.text(some.VISIBLE, min_size=1, max_size=60))


@pytest.mark.parametrize(
    ("name", "text_of"), [("header_noise", str), ("header_values", str), ("strangers", text_of_edit)]
)
def test_no_rule_draws_it(name: str, text_of: Callable[[object], str]) -> None:
    """A wrong value is never the right one by chance, which would be a failure of a good server."""
    assert KEY not in drawn(getattr(some, name), text_of)
