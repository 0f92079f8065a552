"""From ``shop.signing:sign`` to what the project's module has under that name, and what goes wrong on the way."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from pytest_apiauth.errors import ProfileError
from pytest_apiauth.profile.loading import did_you_mean

PACKAGES = "site-packages"


def load_object(place: str, *, where: str, root: Path) -> Any:
    """Import ``module:attribute``. Raises ProfileError, in one line, whatever goes wrong.

    The project's root is put at the end of the path if it is not on it, as a server that is started there would
    find the project's modules; pytest's own ``pythonpath`` comes first.
    """
    name, _, attributes = place.partition(":")
    put_on_path(root)
    try:
        found = importlib.import_module(name)
    except Exception as error:
        raise ProfileError(f"{where}: {_why_not_imported(name, error, root)}") from None
    except SystemExit as error:
        raise ProfileError(f"{where}: importing {name} ended with SystemExit: {error}") from None
    for attribute in attributes.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            near = did_you_mean(attribute, [known for known in dir(found) if not known.startswith("_")])
            raise ProfileError(f"{where}: {name} has no attribute {attribute!r}{near}") from None
    return found


def put_on_path(root: Path) -> None:
    """Have the project's modules found, behind all others."""
    if str(root) not in sys.path:
        sys.path.append(str(root))


def _why_not_imported(name: str, error: Exception, root: Path) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
        return f"no module {error.name!r} under {root} or on pytest's pythonpath"
    return f"importing {name} failed: {described(error, root)}"


def described(error: BaseException, root: Path) -> str:
    """Say in one line what was raised and where in the project, without a traceback."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{f': {text}' if text else ''}{place_of(error, root)}"


def place_of(error: BaseException, root: Path) -> str:
    """Return the innermost line of the project that an exception came through, else of a package; else nothing."""
    own = installed = ""
    trace = error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if PACKAGES in path.parts:
            inner = Path(*path.parts[path.parts.index(PACKAGES) + 1 :])
            installed = f" ({inner}, line {trace.tb_lineno})"
        elif path.is_relative_to(root):
            own = f" ({path.relative_to(root)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return own or installed


def article(found: object) -> str:
    """Name the type of an object, with its article."""
    name = type(found).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
