"""Where pytest meets the tapes of fixtures of wider scope: which fixture has one, and where it lies.

Theory of operation. A session fixture that asks for a token is set up for the first test that wants it, before the
cassette of that test is in place, and not again. So what it asks of the profiles' hosts while it is set up is on a tape
of its own, beside those of the tests in the module that defines it, and is played whichever test it is set up for.
What it asks while it is torn down is added. What it asks of anybody else goes where it went before.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_apiauth.plugin.keys import CASSETTE
from pytest_apiauth.plugin.recordings import record_mode
from pytest_apiauth.plugin.run import STATE
from pytest_apiauth.recording.wider import taped

KEEPING: Final = ("once", "new_episodes")
"""Record modes that leave a tape as it is, if there is one; the token itself is asked for anew."""
UNFIT: Final = str.maketrans(dict.fromkeys(r'<>?%*:|"\/' + "'", "-"))
"""What pytest-recording does not let into the name of a file either."""


@contextmanager
def tape(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest, item: pytest.Item) -> Iterator[None]:
    """Put the tape of a fixture in place while it is set up for a test with a cassette."""
    state, test = item.config.stash[STATE], item.stash[CASSETTE]
    mode = record_mode(state)
    path = _path(fixturedef, request)
    records = state.options.live and mode not in (None, "none")
    if path is None or not (records or (path.is_file() and not state.options.live)):
        yield
        return
    keeps_old = mode in KEEPING and path.is_file()
    own = test.of_a_fixture(keeps_old=keeps_old)
    around_teardown = ExitStack()
    # Finalizers run the last first: the fixture's own between these two.
    request.addfinalizer(around_teardown.close)
    try:
        with taped(own, path, "all" if records else "none"):
            yield
    finally:
        test.belonging.has_met = test.belonging.has_met or own.belonging.has_met

    def begin_teardown() -> None:
        around_teardown.callback(test.close)
        of_teardown = test.of_a_fixture(keeps_old=keeps_old)
        around_teardown.enter_context(taped(of_teardown, path, "new_episodes" if records else "none"))

    request.addfinalizer(begin_teardown)


def _path(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Path | None:
    """Return where the tape of a fixture lies, if it is one of the project's own."""
    function = inspect.unwrap(fixturedef.func)
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    file = Path(code.co_filename)
    if not file.is_relative_to(request.config.rootpath) or "site-packages" in file.parts:
        return None
    name = function.__qualname__.rpartition("<locals>.")[2]
    if fixturedef.params:
        number = next((n for n, each in enumerate(fixturedef.params) if each is request.param), 0)
        name = f"{name}[{number}]"
    return file.parent / "cassettes" / file.stem / f"{name.translate(UNFIT)}.yaml"
