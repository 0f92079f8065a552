"""How an app is spelled, and how its interface is told."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.targets.apps.importing import load_app

MODULE = "spellings_of_the_tests"
ROOT = Path(__file__).parent


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Be an ASGI app."""


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    """Be a WSGI app."""
    return []


class AsgiObject:
    """An app as Starlette's."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Be an ASGI app."""


class WsgiObject:
    """An app as Flask's, whose own name for itself is an attribute."""

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Be a WSGI app."""
        return []


class AsgiClass:
    """An app made anew for each request, as Starlette's endpoints are."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope

    def __await__(self) -> Any:
        """Be an ASGI app."""


def returns_awaitable(scope: Any, receive: Any, send: Any) -> Any:
    """Be an ASGI app without being a coroutine function, as a wrapper may."""
    return asgi(scope, receive, send)


async def open_ended(*args: Any, **kwargs: Any) -> None:
    """Be an ASGI app behind a careless decorator."""


@functools.wraps(wsgi)
def wrapped(*args: Any, **kwargs: Any) -> Any:
    """Be a WSGI app behind a decent decorator."""


def create_app(config: Any = None, debug: bool = False, extra: Any = None) -> Any:
    """Make an app."""
    return AsgiObject() if config is None else WsgiObject()


def opaque(*args: Any) -> Any:
    """Say nothing about itself."""


def needs_config(config: Any) -> Any:
    """Make an app from something."""
    return wsgi


async def create_later() -> Any:
    """Make an app in a coroutine, which no server calls."""
    return asgi


@pytest.fixture(autouse=True)
def _module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the apps a module to be imported from."""
    module = ModuleType(MODULE)
    for name, found in globals().items():
        if not name.startswith("__"):
            setattr(module, name, found)
    module.inner = WsgiObject  # type: ignore[attr-defined]
    module.made = AsgiObject()  # type: ignore[attr-defined]
    module.partial = functools.partial(asgi)  # type: ignore[attr-defined]
    module.text = "text"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, MODULE, module)


def load(spelling: str) -> Any:
    """Load an app of this module."""
    return load_app(f"{MODULE}:{spelling}", where="shop: app", root=ROOT)


@pytest.mark.parametrize(
    ("spelling", "interface"),
    [
        ("asgi", "asgi"), ("wsgi", "wsgi"), ("made", "asgi"), ("AsgiClass", "asgi"), ("returns_awaitable", "asgi"),
        ("open_ended", "asgi"), ("wrapped", "wsgi"), ("partial", "asgi"), ("inner()", "wsgi"), ("create_app", "asgi"),
        ("create_app()", "asgi"), ("create_app({'TESTING': True}, debug=True)", "wsgi"), ("inner", "wsgi"),
        ("AsgiObject", "asgi"), ("needs_config('x')", "wsgi"),
    ],
)  # fmt: skip
def test_an_app_and_its_interface(spelling: str, interface: str) -> None:
    """Objects, functions, classes, wrappers, and functions that make an app."""
    assert load(spelling).interface == interface


@pytest.mark.parametrize(
    ("spelling", "words"),
    [
        ("text", "is a str, not an app"),
        ("opaque", "gives a function, which cannot be told to be an app"),
        ("needs_config", "gives a function, which cannot be told to be an app"),
        ("create_later", "is a coroutine function; a function that makes an app is a plain one"),
        ("create_app(config)", "should be literals"),
        ("asgi.missing", "has no attribute 'missing'"),
    ],
)
def test_what_is_no_app(spelling: str, words: str) -> None:
    """What cannot be told to be an app is never tried."""
    with pytest.raises(ProfileError, match=words) as found:
        load(spelling)

    assert str(found.value).startswith("shop: app: ")
    assert "\n" not in str(found.value)
