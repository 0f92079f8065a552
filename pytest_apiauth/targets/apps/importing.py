"""From ``shop.main:app`` to an app, and which of the two interfaces it has.

The spelling is that of uvicorn, gunicorn and flask: a module, a colon, an attribute; with literal arguments in
parentheses it is a function that makes the app. A function that needs no argument is called without them too.

ASGI and WSGI are told apart by what the app takes, never by trying: an ASGI app is called with scope, receive and
send, a WSGI app with environ and start_response.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

from pytest_apiauth.auth.ways import LogIn, found_when_called
from pytest_apiauth.credentials.importing import article, load_object
from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile.model import Profile

Interface = Literal["asgi", "wsgi"]
SHAPES = "an ASGI app takes (scope, receive, send), a WSGI app (environ, start_response)"


@dataclass(frozen=True, slots=True)
class App:
    """An app, ready to be called."""

    call: Callable[..., Any]
    interface: Interface


def load_app(spec: str, *, where: str, root: Path) -> App:
    """Import an app. ``where`` begins every message: profile and key. Raises ProfileError, in one line."""
    place, _, called = spec.partition("(")
    found = load_object(place, where=where, root=root)
    if not callable(found):
        raise ProfileError(f"{where}: {place} is {article(found)}, not an app: {SHAPES}")
    if called:
        found = _made(found, spec, where)
    elif _arguments(found) == (0, False):
        found = _made(found, f"{place}()", where)
    return as_app(found, where=f"{where}: {spec} gives")


def as_app(found: Any, *, where: str) -> App:
    """Return an object as the app that it is. ``where`` begins the message. Raises ProfileError if it is none."""
    interface = _interface(found) if callable(found) else None
    if interface is None:
        raise ProfileError(f"{where} {article(found)}, which cannot be told to be an app: {SHAPES}")
    return App(found, interface)


def logging_in(profile: Profile, root: Path, given: object = None) -> LogIn | None:
    """Return the function that logs in; None if there is none.

    That is the one that the project's fixture has ``given``, or the one that the profile names, which is imported when
    it is called. Raises ProfileError, in one line, if the fixture gave something else.
    """
    if given is not None:
        if not callable(given):
            raise ProfileError(
                f"{profile.name}: apiauth_login: expected a function that takes a URL and a user, or None, got"
                f" {article(given)}"
            )
        return cast("LogIn", given)
    place = profile.login.callable if profile.login is not None else None
    if place is None:
        return None
    return found_when_called(partial(load_object, place, where=f"{profile.name}: login.callable", root=root))


def _made(factory: Any, spec: str, where: str) -> Any:
    try:
        expression = ast.parse(spec.partition(":")[2], mode="eval").body
        assert isinstance(expression, ast.Call)
        arguments = [ast.literal_eval(argument) for argument in expression.args]
        keywords = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in expression.keywords}
    except (SyntaxError, ValueError, AssertionError):
        raise ProfileError(
            f"{where}: the arguments in {spec} should be literals, as in create_app('testing')"
        ) from None
    try:
        made = factory(*arguments, **keywords)
    except Exception as error:
        raise ProfileError(f"{where}: {spec} failed: {type(error).__name__}: {' '.join(str(error).split())}") from None
    if inspect.iscoroutine(made):
        made.close()
        raise ProfileError(f"{where}: {spec} is a coroutine function; a function that makes an app is a plain one")
    if not callable(made):
        raise ProfileError(f"{where}: {spec} gives {article(made)}, not an app: {SHAPES}")
    return made


def _interface(app: Any) -> Interface | None:
    """Tell the interface of an app by the arguments that it needs."""
    needed, is_open = _arguments(app)
    if not is_open:
        return {2: "wsgi", 3: "asgi"}.get(needed)  # type: ignore[return-value]
    # A decorator's (*args) says nothing, but no WSGI app is a coroutine function.
    called = app if inspect.isroutine(app) else getattr(app, "__call__", None)  # noqa: B004 - the method itself
    return "asgi" if inspect.iscoroutinefunction(called) else None


def _arguments(app: Any) -> tuple[int, bool]:
    """Count the positional arguments that a call cannot do without; and whether it takes any number of them."""
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        return 0, True
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    needed = sum(each.default is each.empty for each in positional)
    return needed, needed == 0 and any(each.kind is each.VAR_POSITIONAL for each in parameters)
