"""Which HTTP library is taken where nobody says, and what is said of one that is not there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec

import pytest

from pytest_apiauth import installed
from pytest_apiauth.http.library import LibraryError, library

Having = Callable[..., None]


@pytest.fixture
def having(monkeypatch: pytest.MonkeyPatch) -> Iterator[Having]:
    """Have some libraries installed, and no others."""

    def having(*names: str) -> None:
        monkeypatch.setattr(installed, "find_spec", lambda name: ModuleSpec(name, None) if name in names else None)
        installed.has.cache_clear()
        library.cache_clear()

    yield having
    installed.has.cache_clear()
    library.cache_clear()


@pytest.mark.parametrize(
    ("names", "usual"),
    [(("httpx",), "httpx"), (("httpx2",), "httpx2"), (("httpx", "httpx2"), "httpx"), ((), "httpx")],
)
def test_usual_library_is_the_one_that_is_there(having: Having, names: tuple[str, ...], usual: str) -> None:
    """Where one is installed it is that; where both are it stays httpx."""
    having(*names)

    assert installed.usual() == usual


@pytest.mark.parametrize(
    ("names", "asked", "said"),
    [
        (("httpx",), "httpx2", "httpx2 is not installed; pip install httpx2, or take httpx, which is here"),
        (("httpx2",), "httpx", "httpx is not installed; pip install httpx, or take httpx2, which is here"),
        ((), "httpx", "httpx is not installed; pip install httpx"),
        (("httpx", "httpx2"), "httpx2", ""),
    ],
)
def test_what_is_lacking_is_one_line(having: Having, names: tuple[str, ...], asked: str, said: str) -> None:
    """A library that is wished for and not there is told with what to do, by the line that the clients give too."""
    having(*names)

    assert installed.lacking(asked) == said
    if said:
        with pytest.raises(LibraryError) as caught:
            library(asked)
        assert str(caught.value) == f"apiauth_http: {said}"


def test_library_that_is_kept_out_is_not_there(monkeypatch: pytest.MonkeyPatch, having: Having) -> None:
    """A finder that refuses a name, or an empty place among the modules, is as good as no package."""

    def refuse(name: str) -> None:
        raise ImportError(name)

    having()
    monkeypatch.setattr(installed, "find_spec", refuse)
    assert not installed.has("httpx")
    monkeypatch.undo()
    installed.has.cache_clear()
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert not installed.has("httpx")


def test_looking_up_imports_nothing(pytester: pytest.Pytester) -> None:
    """Asking what is there leaves both libraries where they are."""
    script = (
        "import sys\nfrom pytest_apiauth.installed import usual\nprint(usual(), {'httpx', 'httpx2'} & {*sys.modules})"
    )
    result = pytester.run(sys.executable, "-c", script)

    result.stdout.fnmatch_lines(["httpx* set()"])
