"""What all tests share."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, EntryPoints, PackageMetadata, PackagePath
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.here import USUAL, in_its_words

pytest_plugins = ["pytester", "tests.sharing"]

# How long one example takes is a matter of the machine and of what else it does.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


class ReadOnce(Distribution):
    """An installed package whose files are read once, and not by each run of pytest in this process."""

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution

    def read_text(self, filename: str) -> str | None:
        return self._distribution.read_text(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Any:
        return self._distribution.locate_file(path)

    @functools.cached_property
    def metadata(self) -> PackageMetadata:
        return self._distribution.metadata

    @functools.cached_property
    def entry_points(self) -> EntryPoints:
        return self._distribution.entry_points

    @functools.cached_property
    def files(self) -> list[PackagePath] | None:
        return self._distribution.files


@pytest.fixture
def pytester(pytester: pytest.Pytester) -> pytest.Pytester:
    """Write the files of projects in the words of the HTTP library that is here."""
    if USUAL != "httpx":
        for name in ("makepyfile", "makeconftest"):
            setattr(pytester, name, _in_its_words(getattr(pytester, name)))
    return pytester


def _in_its_words(make: Callable[..., Path]) -> Callable[..., Path]:
    def made(*sources: str, **files: str) -> Path:
        return make(*map(in_its_words, sources), **{name: in_its_words(text) for name, text in files.items()})

    return made


@pytest.fixture(scope="session", autouse=True)
def packages_are_read_once() -> Iterator[None]:
    """Read what is installed once: a third of the time of a run within a test went there."""
    find = importlib.metadata.distributions
    known: dict[object, list[ReadOnce]] = {}

    def distributions(**context: Any) -> Iterator[Distribution]:
        place = (*sys.path, *context.items())
        if place not in known:
            known[place] = [ReadOnce(each) for each in find(**context)]
        yield from known[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.metadata, "distributions", distributions)
        yield
