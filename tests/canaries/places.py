"""A plug-in of the harness: switches redaction off in one place, in the process under examination only.

A search that finds nothing proves something only where it finds what is there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

SWITCH: Final = "CANARIES_WITHOUT"


@dataclass(frozen=True)
class Place:
    """One place of redaction: how it is switched off, and the plan that then finds values."""

    plan: str
    switch_off: Callable[[], None]


def _nothing(*_: Any) -> Any:
    return ()


def _hook(name: str) -> Callable[[], None]:
    def switch_off() -> None:
        from pytest_apiauth.plugin.outputs import Outputs

        delattr(Outputs, name)

    return switch_off


def _value(module: str, name: str, value: Any) -> Callable[[], None]:
    """Put another value in the place of a module's, or of a class's in it."""

    def switch_off() -> None:
        import importlib

        owner: Any = importlib.import_module(f"pytest_apiauth.{module}")
        *inner, last = name.split(".")
        for each in inner:
            owner = getattr(owner, each)
        assert hasattr(owner, last)
        setattr(owner, last, value)

    return switch_off


def _reports() -> None:
    for module in ("plugin.hooks", "plugin.outputs"):
        _value(module, "redact_report", lambda report, change: None)()


def _unwrapping() -> None:
    from pytest_apiauth.credentials.redaction import OutputRedactor

    OutputRedactor.redact_shown = OutputRedactor.redact  # type: ignore[method-assign]


def _spellings() -> None:
    for module in ("credentials.secrets", "credentials.redaction"):
        _value(module, "spellings", lambda value: {value})()


NEVER: Final = re.compile(r"(?!)")
PLACES: Final = {
    "spellings": Place("every slot", _spellings),
    "unwrapping": Place("all that is captured", _unwrapping),
    "sides of a difference": Place("all that is captured", _value("credentials.redaction", "DIFFERENCE", NEVER)),
    "blanks at line ends": Place(
        "all that is captured", _value("credentials.redaction", "squeezed", lambda text: ("", []))
    ),
    "halves beside dots": Place("locals, cut", _value("credentials.redaction", "CUT", NEVER)),
    "halves at line ends": Place("locals, cut", _value("credentials.redaction", "LEFT_OUT", NEVER)),
    "long pieces": Place("the suite", _value("credentials.pieces", "Pieces.found", _nothing)),
    "reports": Place("as it comes", _reports),
    "late reports": Place("a report of its own", _hook("pytest_runtest_logreport")),
    "values of properties": Place(
        "a report of its own", _value("credentials.redaction", "changed_value", lambda value, change: value)
    ),
    "errors of collection": Place("a report of a collection", _hook("pytest_collectreport")),
    "internal errors": Place("an internal error", _hook("pytest_internalerror")),
    "warnings": Place("a report of its own", _hook("pytest_warning_recorded")),
    "log handlers": Place("live log", _value("plugin.outputs", "HANDLERS", ())),
    "terminal": Place(
        "hooks of the project", _value("plugin.outputs", "_changing_argument", lambda method, change: method)
    ),
    "JUnit file": Place("another report", _hook("pytest_sessionfinish")),
    "names of parameters": Place("names", _hook("pytest_make_parametrize_id")),
    "given names of parameters": Place("names", _hook("pytest_generate_tests")),
    "configured values": Place("every slot", _value("plugin.run", "State.learn_configured", _nothing)),
    "values set later": Place("a vault", _value("credentials.configured", "Configured.look", _nothing)),
    "values of .env": Place("every slot", _value("credentials.configured", "_dotenv", lambda file: {})),
}


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Switch one place off before anything of the plug-in is set up."""
    name = os.environ.get(SWITCH)
    if name:
        PLACES[name].switch_off()
