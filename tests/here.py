"""Which of the two HTTP libraries tests have here: both, or one, as ``python -m tests.matrix`` takes away the other.

A test that needs no particular one takes ``httpx`` from here, which is the one that is installed; it is annotated as
httpx. One that is about both has `EACH` for its parameters, and one that is about a single library says that it
``needs`` it. Nothing else is a reason to skip for want of a library.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from pytest_apiauth import installed

if TYPE_CHECKING:
    import httpx
else:
    httpx = importlib.import_module(installed.usual())

__all__ = ["EACH", "INSTALLED", "USUAL", "has", "httpx", "in_its_words", "needs", "param"]

USUAL: Final = installed.usual()
has = installed.has
INSTALLED: Final = tuple(filter(has, installed.LIBRARIES))


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip a test that is about libraries, one of which is not here."""
    missing = [name for name in names if not has(name)]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}, not installed here")


def param(name: str, *more: Any) -> Any:
    """Return a library as the first parameter of a test, that is skipped where it is not here."""
    return pytest.param(name, *more, marks=needs(name.partition("-")[0]))


EACH: Final = [param(name) for name in installed.LIBRARIES]
_IMPORT: Final = re.compile(r"^(\s*import (?:[\w., ]+, )?)httpx(?=\s*(?:,|$))", re.MULTILINE)


def in_its_words(source: str) -> str:
    """Return the source of a project that imports httpx as one that imports the library which is here.

    >>> in_its_words("import httpx, pytest") if USUAL == "httpx2" else "import httpx2 as httpx, pytest"
    'import httpx2 as httpx, pytest'
    """
    return source if USUAL == "httpx" else _IMPORT.sub(rf"\1{USUAL} as httpx", source)
