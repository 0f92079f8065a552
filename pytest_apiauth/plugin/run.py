"""What one pytest process shares: options, profiles, redactor, examinations, and the live token stores.

Standard library and pytest only at import; everything else is imported when a profile is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_apiauth.credentials.configured import Configured
from pytest_apiauth.credentials.redaction import OutputRedactor, RedactingFilter
from pytest_apiauth.errors import ApiAuthError, ProfileError
from pytest_apiauth.plugin.choosing import Choice
from pytest_apiauth.plugin.examinations import Examinations
from pytest_apiauth.plugin.live_limits import LiveLimits
from pytest_apiauth.plugin.options import Options
from pytest_apiauth.printable import printable

if TYPE_CHECKING:
    from pytest_apiauth.auth.shared import SharedFile
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.recording.drift import Drift
    from pytest_apiauth.suite.examination import Examination
    from pytest_apiauth.targets.apps import AppSide, Loop
    from pytest_apiauth.targets.live_side import LiveSide


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
        self.rewrites_cassettes = False
        """Whether ``--record-mode=rewrite`` was given, which is taken into our own hands."""
        self.drift: Drift | None = None
        """What compares live token answers with cassettes, on request."""
        self.left_alone: list[Path] = []
        """Profiles that a live run has come upon and does not examine, since they do not ask for it."""
        self._profiles: dict[Path, Profile] = {}
        # By `Profile.place`: two profiles may have one name.
        self._live: dict[str, LiveSide] = {}
        self._folder: Path | None = None
        self._choice = Choice(config, options)
        self._apps: dict[int, AppSide | str] = {}
        self._loop: Loop | None = None

    def kind_of(self, profile: Profile) -> str:
        """Say what a run of a profile talks to: ``live``, ``app`` or ``embedded``.

        Faults, variants and sockets are the embedded server's, so whoever asks for them asks for that one.
        """
        options = self.options
        if options.live:
            return "live"
        return "app" if profile.app and not (options.faults or options.variants or options.wire) else "embedded"

    def examined(self, profile: Profile) -> str:
        """Say what the suite examines: as `kind_of` says, or ``cassette``."""
        return "cassette" if self.options.replay else self.kind_of(profile)

    def shared_folder(self) -> Path:
        """Give the folder that this run's workers share; made by the controller, entered by this user only."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="apiauth-"))
        return self._folder

    def shared_file(self, *words: str) -> SharedFile | None:
        """Give a file that all workers of the run share, by what it is about; None where there are no workers."""
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
        self.configured.look()
        return self.redactor.redact_shown(text)

    def shown(self, text: str) -> str:
        """Return a text of ours as it may be shown: clean, and without what a terminal obeys."""
        return printable(self.clean(text))

    def profile_files(self) -> tuple[Path, ...]:
        """Return the project's profile files: those under the root folder, looked for once a run."""
        return self._choice.files()

    def may_have_profile(self) -> bool:
        """Whether a test without a mark may have to do with a profile; nothing costly is imported to know."""
        return bool(self.options.profile or self.options.usual_profile or self.profile_files())

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

    def examination(self, path: Path, app: Callable[[Profile], AppSide] | None = None) -> tuple[Examination, bool]:
        """Return the examination of a profile, made ready on first use, and whether this was the first.

        ``app`` gives the profile's app at work, if it is to be examined. Raises ApiAuthError.
        """
        return self.examinations.of(path, lambda: self._target(path, app))

    def _target(self, path: Path, app: Callable[[Profile], AppSide] | None) -> Any:
        from pytest_apiauth.profile import loading
        from pytest_apiauth.targets.live import LiveTarget
        from pytest_apiauth.targets.target import AppTarget, EmbeddedTarget
        from pytest_apiauth.targets.wired import WiredTarget

        profile = self.load(path)
        if app is not None:
            return AppTarget.build(app(profile), self.redactor)
        if self.options.live:
            from pytest_apiauth.credentials.identities import learn_credentials

            learn_credentials(profile, self.root, self.redactor)
            with loading.explained(profile.name):
                return LiveTarget.build(
                    profile,
                    redactor=self.redactor,
                    library=self.options.http,
                    folder=self.root,
                    throttle=self.limits.throttle(profile),
                    seen=None if self.drift is None else self.drift.see,
                )
        if self.options.replay:
            from pytest_apiauth.targets.recorded import CassetteTarget

            return CassetteTarget.build(profile, self.root)
        if self.options.wire:
            return WiredTarget(
                profile,
                redactor=self.redactor,
                library=self.options.http,
                faults=self.options.faults,
                variants=self.options.variants,
            )
        return EmbeddedTarget.build(
            profile,
            redactor=self.redactor,
            library=self.options.http,
            faults=self.options.faults,
            variants=self.options.variants,
        )

    def default_profile(self, place: Path | None = None) -> Profile:
        """Return the profile that a test uses where no mark names one; ``place`` is its folder. Raises ProfileError."""
        return self.load(self._choice.default(place))

    def named_profile(self, name: str, place: Path | None = None) -> Profile:
        """Return a profile by name or path: the nearest to ``place``, a test's folder, or to where the user stands.

        Raises ProfileError.
        """
        return self.load(self._choice.named(name, place))

    def live_side(self, profile: Profile) -> LiveSide:
        """Give what the live tests of a profile share. Raises ProfileError or CredentialError."""
        if profile.place not in self._live:
            from pytest_apiauth.targets.live_side import LiveSide

            reporter = self.config.pluginmanager.get_plugin("apiauth-reporter")
            if reporter is not None:
                reporter.tell_of(Path(profile.place))
            self._live[profile.place] = LiveSide(self, profile)
        return self._live[profile.place]

    def app_side(self, profile: Profile, credentials: object) -> AppSide:
        """Give the app of a profile, started on first use. Raises ProfileError or CredentialError, each time.

        ``credentials`` is what the project's fixture gave. Call `close_app` before what that fixture rests on goes.
        """
        from pytest_apiauth.targets.apps import AppSide, Loop

        self._loop = self._loop or Loop()
        known = self._apps.get(id(profile))
        if known is None:
            try:
                known = AppSide(
                    profile, loop=self._loop, credentials=credentials, redactor=self.redactor,
                    library=self.options.http, folder=self.root,
                )  # fmt: skip
            except ApiAuthError as error:
                self._apps[id(profile)] = str(error)
                raise
            self._apps[id(profile)] = known
        if isinstance(known, str):
            raise ProfileError(known)
        return known

    def has_app(self, profile: Profile) -> bool:
        """Whether the app of a profile was started, or tried to."""
        return id(profile) in self._apps

    def close_app(self, profile: Profile) -> None:
        """Shut the app of a profile down. Raises ProfileError where its shutdown fails."""
        known = self._apps.pop(id(profile), None)
        if known is not None and not isinstance(known, str):
            known.close()

    def close(self) -> None:
        """Release connections, and remove what the workers shared."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self.examinations.close()
        if self._loop is not None:
            self._loop.close()
