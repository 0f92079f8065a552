"""What one pytest process shares: options, profiles, redactor, targets and examinations.

Standard library and pytest only at import; everything else is imported when a profile is used.
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_apiauth.credentials.configured import Configured
from pytest_apiauth.credentials.redaction import OutputRedactor, RedactingFilter
from pytest_apiauth.credentials.secrets import SHORTEST
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.plugin.choosing import Choice
from pytest_apiauth.plugin.examinations import Examinations
from pytest_apiauth.plugin.lifetimes import Lifetimes
from pytest_apiauth.plugin.live_limits import LiveLimits
from pytest_apiauth.plugin.options import Options
from pytest_apiauth.plugin.own_faults import faults_at_work
from pytest_apiauth.printable import printable
from pytest_apiauth.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_apiauth.auth.shared import SharedFile
    from pytest_apiauth.plugin.wanted import Wanted
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.recording.drift import Drift
    from pytest_apiauth.targets.choose import Targets


STATE: pytest.StashKey[State] = pytest.StashKey()
"""The run's own, in ``config.stash``."""
RUNS: list[State] = []
"""The runs of this process, the latest last; one within another is a test of a plug-in. For who has no ``config``."""


def at_hand() -> State | None:
    """Return the run that the process is in; None if there is none: in a script, say."""
    return RUNS[-1] if RUNS else None


class State:
    """One process's run."""

    def __init__(self, config: pytest.Config, options: Options, *, seed: int) -> None:
        self.config = config
        self.options = options
        self.seed = seed
        self.root = config.rootpath
        self.redactor = OutputRedactor()
        self.filter = RedactingFilter(self.redactor)
        self.configured = Configured(self.root, self.redactor.learn)
        self.limits = LiveLimits(options, self.root, self.shared_file)
        self.examinations = Examinations(self.redactor, self.shared_file, asks=not options.replay)
        self.lifetimes = Lifetimes()
        self.rewrites_cassettes = False
        """Whether ``--record-mode=rewrite`` was given, which is taken into our own hands."""
        self.drift: Drift | None = None
        """What compares live token answers with cassettes, on request."""
        self.left_alone: list[Path] = []
        """Profiles that the run has come upon and does not examine, since they do not ask for it."""
        self.has_deselected = False
        """Whether tests were collected that are not run."""
        self._profiles: dict[Path, Profile] = {}
        self._changed: dict[tuple[object, ...], Profile] = {}
        self._opened = contextlib.ExitStack()
        self._folder: Path | None = None
        self._choice = Choice(config, options)

    @cached_property
    def targets(self) -> Targets:
        """What is under test, by profile."""
        from pytest_apiauth.targets.choose import Targets

        seen = None if self.drift is None else self.drift.see
        faults = partial(faults_at_work, self.config, self.options.faults)
        return Targets(self.options, self.root, self.redactor, self.limits.throttle, self.shared_file, faults, seen)

    def shared_folder(self) -> Path:
        """Return the folder that this run's workers share; made by the controller, entered by this user only."""
        if self._folder is None:
            self._folder = self._opened.enter_context(scratch_folder())
        return self._folder

    def shared_file(self, *words: str) -> SharedFile | None:
        """Return a file that all workers of the run share, by what it is about; None if there are no workers."""
        from pytest_apiauth.auth.shared import SharedFile

        inputs = getattr(self.config, "workerinput", None)
        folder = self._folder if inputs is None else Path(inputs["apiauth_folder"])
        return None if folder is None else SharedFile(folder / hashlib.sha256(repr(words).encode()).hexdigest())

    def learn_configured(self) -> None:
        """Learn the secrets that the project's profiles name, used or not."""
        for file in self.profile_files():
            self.configured.add(file)
        asked, place = self.options.profile, self.config.invocation_params.dir
        for name, folder in ((asked, place), (self.options.usual_profile, self.root)):
            if name:
                self.configured.add_named(name, folder)

    def clean(self, text: str) -> str:
        """Return a text that is about to be shown without the values that this run knows."""
        # A dot for a test holds no value, and the environment need not be looked at for it.
        return text if len(text) < SHORTEST else self.cleaning()(text)

    def shown(self, text: str) -> str:
        """Return a text of ours as it may be shown: clean, and without what a terminal obeys."""
        return printable(self.clean(text))

    def cleaning(self) -> Callable[[str], str]:
        """Return what cleans the texts of one report: the environment is looked at once."""
        self.configured.look()
        return self.redactor.redact_shown

    def showing(self) -> Callable[[str], str]:
        """Return the same for a report of ours, where nothing may stand that a terminal obeys."""
        clean = self.cleaning()
        return lambda text: printable(clean(text))

    def profile_files(self) -> tuple[Path, ...]:
        """Return the project's profile files: those under the root folder, looked for once a run."""
        return self._choice.files()

    def may_have_profile(self) -> bool:
        """Whether a test without a mark may have to do with a profile; nothing costly is imported to know."""
        asked = self.options.profile or self.options.usual_profile
        return bool(asked or self.profile_files() or self._choice.in_conftests())

    def project_profiles(self) -> list[Profile]:
        """Return the project's profiles that can be read; whoever uses one that cannot is told there."""
        found = []
        for path in self.profile_files():
            with contextlib.suppress(ApiAuthError):
                found.append(self.load(path))
        return found

    def load(self, path: Path) -> Profile:
        """Read a profile once. Raises ProfileError."""
        from pytest_apiauth.profile import loading

        if path not in self._profiles:
            self._profiles[path] = loading.load(path)
            self.configured.add(path)
        return self._profiles[path]

    def default_profile(self, place: Path | None = None) -> Profile:
        """Return the profile that a test uses if no mark names one; ``place`` is its folder. Raises ProfileError."""
        return self.load(self._choice.default(place))

    def named_profile(self, name: str, place: Path | None = None) -> Profile:
        """Return a profile by name or path: the nearest to ``place``, a test's folder, or to where the user stands.

        Raises ProfileError.
        """
        return self.load(self._choice.named(name, place))

    def changed(self, profile: Profile, wanted: Wanted, folder: Path) -> Profile:
        """Return a profile as a test in a folder wants it. Raises ProfileError, one line per mistake."""
        if not wanted.changes and wanted.scope is None:
            return profile
        key = (profile.place, repr(wanted.changes), wanted.scope, folder)
        if key not in self._changed:
            from pytest_apiauth.profile.changing import changed

            self._changed[key] = changed(profile, wanted.changes, wanted.scope, folder=folder)
        return self._changed[key]

    def close(self) -> None:
        """Release connections, and remove what the workers shared."""
        self._opened.close()
        self.examinations.close()
        if "targets" in vars(self):
            self.targets.close()
