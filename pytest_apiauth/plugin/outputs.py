"""Where text leaves a run: each way out passes the redactor here.

Theory of operation. What a test does with a value is its own business; what pytest shows or writes of it is not. A
report passes on its way to everybody who shows it (`pytest_runtest_logreport`: terminal, JUnit, workers of pytest-xdist
and whatever else is installed). Warnings pass before the first one who shows them. Log records stay as they are, for
``caplog`` and a project's own handlers; pytest's own handlers change the finished text. Names of tests are made from
parameters when tests are collected, and are clean from then on: they go to the cache, to workers and reports. What is
written to the terminal by anybody passes once more, line by line, and so does the JUnit file.

Standard library and pytest only.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_apiauth.credentials.redaction import Change, changed_picture, redact_report
from pytest_apiauth.credentials.secrets import MARK
from pytest_apiauth.printable import printable
from pytest_apiauth.profile.finding import SUFFIX
from pytest_apiauth.whole import write_whole

HANDLERS: Final = ("report_handler", "log_file_handler", "log_cli_handler")
"""pytest's handlers whose text is shown. That of ``caplog`` is the test's."""
PARAMETERS: Final = type(pytest.param())


class Outputs:
    """Takes known values out of all that a run prints and writes. Registered as a plug-in of its own."""

    def __init__(self, config: pytest.Config, clean: Change, cleaning: Callable[[], Change]) -> None:
        self._config = config
        self._clean = clean
        self._cleaning = cleaning
        """Gives what cleans all texts of one report."""
        self._clean_names = clean
        """The same for the names of one test's parameters: there may be thousands."""
        self._undo: list[Callable[[], None]] = []
        place = config.getoption("xmlpath", None)
        self._junit = Path(os.path.abspath(os.path.expanduser(os.path.expandvars(place)))) if place else None

    # Names of tests

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Clean the names that a project gives to parameters itself."""
        parametrize: Callable[..., None] = metafunc.parametrize

        def clean(argnames: Any, argvalues: Any, *others: Any, **named: Any) -> None:
            __tracebackhide__ = True
            self._clean_names = self._cleaning()
            if "ids" in named:
                named["ids"] = self._clean_ids(named["ids"])
            elif len(others) > 1:
                others = (others[0], self._clean_ids(others[1]), *others[2:])  # as pytest 8 allows
            parametrize(argnames, self._clean_parameters(argvalues), *others, **named)

        metafunc.parametrize = clean  # type: ignore[method-assign]

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_parametrize_id(self, val: object) -> str | None:
        """Name a parameter that holds a value; None leaves it to pytest."""
        if isinstance(val, bytes):
            val = val.decode("ascii", "backslashreplace")
        if not isinstance(val, str):
            return None
        name = self._clean_name(val)
        return None if name == val else name

    def _clean_name(self, name: str) -> str:
        # Brackets are for pytest: what is in them is the name of a parameter.
        return MARK.sub(r"apiauth-\1", self._clean_names(name))

    def _clean_ids(self, ids: Any) -> Any:
        if ids is None:
            return None
        if callable(ids):
            return lambda value: self._clean_id(ids(value))
        return [self._clean_id(each) for each in ids] if isinstance(ids, Iterable) else ids

    def _clean_id(self, name: Any) -> Any:
        return self._clean_name(name) if isinstance(name, str) else name

    def _clean_parameters(self, values: Any) -> Any:
        if not isinstance(values, Iterable):
            return values  # pytest says what is wrong
        return [each._replace(id=self._clean_id(each.id)) if isinstance(each, PARAMETERS) else each for each in values]

    # Reports

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Clean what came to a report after it was made."""
        redact_report(report, self._cleaning())

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Clean what is said of a file that could not be collected, or while it was."""
        if report.longrepr is None and not report.sections:
            return
        is_profile = report.nodeid.partition("::")[0].endswith(SUFFIX)
        clean = self._cleaning()
        redact_report(report, (lambda text: printable(clean(text))) if is_profile else clean)

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        """Clean what is said of an error of pytest or a plug-in."""
        changed_picture(excrepr, self._clean)

    # Warnings and logs

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Clean a warning; its class is told beside it."""
        text = str(warning_message.message)
        clean = self._clean(text)
        if clean != text:
            warning_message.message = clean

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Stand before pytest's log handlers and its terminal, now that they are there."""
        logs = self._config.pluginmanager.get_plugin("logging-plugin")
        for name in HANDLERS:
            handler = getattr(logs, name, None)
            if isinstance(handler, logging.Handler):
                self._instead(handler, "format", _changing_result(handler.format, self._clean))
        if self._config.pluginmanager.hasplugin("terminalreporter"):
            terminal = self._config.get_terminal_writer()
            self._instead(terminal, "write", _changing_argument(terminal.write, self._clean))

    def _instead(self, owner: object, name: str, new: object) -> None:
        """Return one object another method, until the end of the run."""
        before = vars(owner).get(name)

        def undo() -> None:
            # Whoever has put another one there since takes care of it.
            if vars(owner).get(name) is new:
                delattr(owner, name) if before is None else setattr(owner, name, before)

        setattr(owner, name, new)
        self._undo.append(undo)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        """Clean the JUnit file: properties of the whole run, and what other plug-ins have put there.

        One that cannot be cleaned is removed, which ends the run with a line that says so.
        """
        result = yield
        if self._junit is not None and not hasattr(self._config, "workerinput") and self._junit.is_file():
            text = self._junit.read_text(encoding="utf-8", errors="surrogateescape")
            clean = self._clean(text)
            if clean != text:
                try:
                    write_whole(self._junit, clean)
                except OSError as error:
                    self._junit.unlink(missing_ok=True)
                    why = f"it holds a known value, and cannot be cleaned: {error.strerror or type(error).__name__}"
                    pytest.exit(f"{self._junit.name}: removed, since {why}", pytest.ExitCode.TESTS_FAILED)
        return result

    def close(self) -> None:
        """Leave pytest's objects as they were."""
        while self._undo:
            self._undo.pop()()


def _changing_result(method: Callable[[Any], str], change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda record: change(method(record))


def _changing_argument(method: Callable[..., None], change: Callable[[str], str]) -> Callable[..., None]:
    def write(msg: str, *args: Any, **kwargs: Any) -> None:
        method(change(msg), *args, **kwargs)

    return write
