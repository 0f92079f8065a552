"""The examinations of a run, one a profile: made ready once, and given up once.

Standard library and pytest only at import.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.errors import ApiAuthError

if TYPE_CHECKING:
    from pytest_apiauth.auth.shared import SharedFile
    from pytest_apiauth.suite.examination import Examination
    from pytest_apiauth.targets.target import Target


class Examinations:
    """What the rules of each profile share, by the profile's file.

    ``shared_file`` gives a file that the run's workers share; ``asks`` tells that a profile's valid requests are sent
    before its rules are.
    """

    def __init__(self, redactor: OutputRedactor, shared_file: Callable[..., SharedFile | None], *, asks: bool) -> None:
        self._redactor = redactor
        self._shared_file = shared_file
        self._asks = asks
        self._known: dict[Path, Examination | str] = {}

    def why_not_ready(self, path: Path) -> str | None:
        """Return the reason why a profile was found unready before, or None."""
        known = self._known.get(path)
        return known if isinstance(known, str) else None

    def give_up(self, path: Path, reason: str) -> None:
        """Run no rule of a profile any more, for a reason in one line."""
        self._known.setdefault(path, reason)

    def of(self, path: Path, make: Callable[[], Target]) -> tuple[Examination, bool]:
        """Return the examination of a profile, made ready on first use, and whether this was the first.

        ``make`` makes the target. Raises ApiAuthError if the profile cannot be made ready, each time: the first time
        it is an error, later the reason why a rule was not run.
        """
        from pytest_apiauth.suite.examination import Examination
        from pytest_apiauth.suite.outcomes import NotReady
        from pytest_apiauth.suite.readiness import made_ready

        known = self._known.get(path)
        if isinstance(known, Examination):
            return known, False
        if known is not None:
            raise NotReady(known)
        try:
            file = self._shared_file("ready", str(path))
            made = self._known[path] = made_ready(make, self._redactor, file, asks=self._asks)
        except ApiAuthError as error:
            self._known[path] = str(error)
            raise
        return made, True

    def release(self, path: Path) -> None:
        """Let go of a profile's double, once the next test is not about that profile: it holds all that it was asked.

        Whoever comes back to the profile, in an order that somebody has shuffled, finds another double. What is no
        double stays: it has a state that is not ours to begin anew.
        """
        known = self._known.get(path)
        if known is None or isinstance(known, str) or not known.target.kind.is_double:
            return
        del self._known[path]
        known.target.close()

    def close(self) -> None:
        """Close every target that nobody else has."""
        for examination in self._known.values():
            if not isinstance(examination, str) and not examination.target.kind.is_shared:
                with contextlib.suppress(OSError):
                    examination.target.close()
