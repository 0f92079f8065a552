"""Where the suite and the cassettes lie: inside the package in a wheel, beside it in a checkout.

An editable install copies force-included folders once and they go stale, so nothing here trusts a copy:
the suite is looked for beside this file first, then one folder up.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType, ModuleType

HERE = Path(__file__).resolve().parent
PACKAGE = "pytest_apiauth.conformance"


@lru_cache
def folder() -> Path:
    """Return the folder of the conformance suite."""
    for place in (HERE / "conformance", HERE.parent / "conformance"):
        if (place / "__init__.py").is_file():
            return place
    raise FileNotFoundError(f"no conformance suite beside {HERE}: the installation is damaged")


def examples() -> list[Path]:
    """Return the profiles that show rules at work, those of promises that no built-in profile makes.

    In a checkout they are those of the tests.
    """
    for place in (HERE / "examples", HERE.parent / "tests" / "profiles"):
        if place.is_dir():
            return sorted(place.glob("*.apiauth.toml"))
    return []


@lru_cache
def load_chapters() -> Mapping[str, ModuleType]:
    """Import every chapter, once, and return them by name, in the book's order.

    Both layouts give the modules one name, ``pytest_apiauth.conformance.*``, so that a rule is
    registered once however the suite was found.
    """
    package = _package()
    return MappingProxyType({name: importlib.import_module(f"{PACKAGE}.{name}") for name in package.CHAPTERS})


@lru_cache
def smoke() -> frozenset[str]:
    """Return the ids of the rules that tell in a few requests whether authentication still works."""
    found: frozenset[str] = importlib.import_module(f"{_package().__name__}.register").SMOKE
    return found


def _package() -> ModuleType:
    if PACKAGE in sys.modules:
        return sys.modules[PACKAGE]
    init = folder() / "__init__.py"
    spec = importlib.util.spec_from_file_location(PACKAGE, init, submodule_search_locations=[str(init.parent)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{init} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)
    return module
