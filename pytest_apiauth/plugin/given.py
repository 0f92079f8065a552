"""Tests with ``@given`` of Hypothesis: every example begins with what its test began with.

Theory of operation. Hypothesis refuses fixtures of function scope among the arguments of a property: they are made
once, and an example would find what the one before has done. Ours are brought back before each example (`lifetimes`):
answers, refusals, requests, counters, time; and if server and clients are the test's own, tokens and cookies too. So
the check has nothing to say against them. It is one switch for a test, and it stays on if there is any other fixture of
function scope among the arguments.

How an example is run, plug-ins may change by ``hypothesis.inner_test``, as Hypothesis documents for them. Settings of a
finished test have no public way in; Hypothesis' own plug-in sets them by the same name.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from pytest_apiauth.plugin.keys import CASSETTE
from pytest_apiauth.plugin.lifetimes import Lifetimes

MADE_ONCE: pytest.StashKey[dict[str, str]] = pytest.StashKey()
"""Of a test: its fixtures of function scope, and the modules that they come from."""
HARMLESS: Final = ("pytest_apiauth.plugin.fixtures", "_pytest.python")
"""Where our fixtures come from, and what stands for parameters of ``parametrize``."""
SETTINGS: Final = "_hypothesis_internal_use_settings"


def is_property(item: object) -> bool:
    """Whether a test has ``@given``; Hypothesis is not imported to know."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def note(item: pytest.Item, fixture: pytest.FixtureDef[Any]) -> None:
    """Take note of a fixture of function scope that was set up for a test."""
    item.stash.setdefault(MADE_ONCE, {})[fixture.argname] = str(getattr(fixture.func, "__module__", ""))


@contextmanager
def examples(item: pytest.Function, lifetimes: Lifetimes) -> Generator[None]:
    """Have each example of a test begin anew, while the block runs the test."""
    if CASSETTE in item.stash:
        yield  # a tape goes on from where it is
        return
    test: Any = getattr(item.obj, "__func__", item.obj)
    inner, settings = test.hypothesis.inner_test, getattr(test, SETTINGS, None)
    made = item.stash.get(MADE_ONCE, {})
    others = [name for name in inspect.signature(test).parameters if name in made and made[name] not in HARMLESS]
    test.hypothesis.inner_test = _beginning(inner, lifetimes.start())
    if settings is not None and not others:
        setattr(test, SETTINGS, _without_check(settings))
    try:
        yield
    except Exception as error:
        if others and type(error).__name__ == "FailedHealthCheck":
            error.add_note(f"apiauth: its own fixtures begin anew for each example; this is about {', '.join(others)}")
        raise
    finally:
        test.hypothesis.inner_test = inner
        if settings is not None:
            setattr(test, SETTINGS, settings)


def _beginning(inner: Callable[..., Any], begin: Callable[[], None]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(inner):

        @functools.wraps(inner)
        async def run_async(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            begin()
            await inner(*args, **kwargs)

        return run_async

    @functools.wraps(inner)
    def run(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        begin()
        return inner(*args, **kwargs)

    return run


def _without_check(settings: Any) -> Any:
    from hypothesis import HealthCheck

    off = {HealthCheck.function_scoped_fixture, *settings.suppress_health_check}
    return type(settings)(parent=settings, suppress_health_check=off)
