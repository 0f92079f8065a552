"""Examples in docstrings: every public name has one, and those that can be run are."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import pytest_apiauth
from pytest_apiauth import rules
from pytest_apiauth.plugin import fixtures, overridden

PACKAGE = Path(pytest_apiauth.__file__).parent
EXAMPLE = re.compile(r">>> |::\n\n {4}\S")
MODULES = [
    ".".join(("pytest_apiauth", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
PUBLIC = {
    **{f"rules.{name}": getattr(rules, name) for name in rules.__all__},
    **{name: getattr(pytest_apiauth, name) for name in pytest_apiauth.__all__},
    **{
        name: each
        for room in (fixtures, overridden)
        for name, each in vars(room).items()
        if name.startswith("apiauth_")
    },
}


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    """What stands behind ``>>>`` in a docstring gives what stands below it."""
    found = doctest.testmod(importlib.import_module(name))

    assert found.attempted
    assert not found.failed


def test_every_public_name_has_an_example() -> None:
    """Whoever looks a name of the two doors or a fixture up sees it used."""
    assert len(MODULES) > 20
    assert len(PUBLIC) > 70
    # A constant has no docstring of its own; names of types are spelt out where they stand.
    documented = {name: inspect.getdoc(each) or "" for name, each in PUBLIC.items() if _has_docstring(each)}

    assert [name for name, text in documented.items() if EXAMPLE.search(text) is None] == []


def _has_docstring(each: object) -> bool:
    return (
        (inspect.isclass(each) and each.__module__ != "builtins")  # else an alias of that type
        or inspect.isroutine(each)
        or inspect.ismodule(each)
        or hasattr(each, "_get_wrapped_function")
    )
