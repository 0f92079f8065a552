"""What one pytest process shares: options, redactor, examinations, and the live token stores.

Standard library and pytest only at import; everything else is imported when a profile is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
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
from pytest_apiauth.printable import one_line, printable

if TYPE_CHECKING:
    from pytest_apiauth.auth.shared import SharedFile
    from pytest_apiauth.plugin.bench import Bench
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.recording.drift import Drift
    from pytest_apiauth.recording.taping import CassetteTest
    from pytest_apiauth.suite.examination import Examination
    from pytest_apiauth.targets.apps import AppSide, Loop
    from pytest_apiauth.targets.limits import Limits, Throttle
    from pytest_apiauth.targets.live_side import LiveSide

USUAL_RATE = 10.0
"""Requests per second of a live run where neither option nor profile says more."""


class State:
    """One process's run."""

    def __init__(self, config: pytest.Config, *, seed: int) -> None:
        self.config = config
        self.seed = seed
        self.redactor = OutputRedactor()
        self.filter = RedactingFilter(self.redactor)
        self.configured = Configured(config.rootpath, self.redactor.learn)
        self.cassette: CassetteTest | None = None
        """The test under way, where it is recorded or replayed."""
        self.rewrites_cassettes = False
        self.drift: Drift | None = None
        """What compares live token answers with cassettes, on request."""
        self.left_alone: list[Path] = []
        """Profiles that a live run has come upon and does not examine, since they do not ask for it."""
        self._examinations: dict[Path, Examination | str] = {}
        self._profiles: dict[Path, Profile] = {}
        # By `Profile.place`: two profiles may have one name.
        self._live: dict[str, LiveSide] = {}
        self._throttles: dict[str, Throttle] = {}
        self._folder: Path | None = None
        self._choice = Choice(config)
        self._apps: dict[int, AppSide | str] = {}
        self._loop: Loop | None = None

    @property
    def is_live(self) -> bool:
        """Whether ``--apiauth-live`` was given."""
        return bool(self.config.getoption("apiauth_live"))

    def kind_of(self, profile: Profile) -> str:
        """Say what a run of a profile talks to: ``live``, ``app`` or ``embedded``.

        Faults, variants and sockets are the embedded server's, so whoever asks for them asks for that one.
        """
        if self.is_live:
            return "live"
        asked = any(self.config.getoption(f"apiauth_{name}") for name in ("fault", "variant", "wire"))
        return "app" if profile.app and not asked else "embedded"

    def examined(self, profile: Profile) -> str:
        """Say what the suite examines: as `kind_of` says, or ``cassette``."""
        return "cassette" if self.replays else self.kind_of(profile)

    @property
    def replays(self) -> bool:
        """Whether the suite examines recorded exchanges."""
        return bool(self.config.getoption("apiauth_replay"))

    @property
    def library(self) -> str:
        """``httpx`` or ``httpx2``."""
        return str(self.config.getoption("apiauth_http") or self.config.getini("apiauth_http"))

    @property
    def examples(self) -> int:
        """Examples per property."""
        return int(self.config.getoption("apiauth_examples") or (5 if self.is_live else 30))

    @property
    def is_strict(self) -> bool:
        """Whether warnings fail: on request, and in a run that is to show a fault caught."""
        return bool(self.config.getoption("apiauth_strict") or self.config.getoption("apiauth_fault"))

    def allowed(self, profile: Profile) -> frozenset[str]:
        """Safety classes that a live run may touch: by the option, or by the profile's ``[live]``."""
        asked = [name for entry in self.config.getoption("apiauth_allow") for name in entry.split(",")]
        return frozenset(("read-only", "issue", *asked, *profile.live.allow))

    @property
    def skips_missing(self) -> bool:
        """Whether a credential that is not set skips a live test."""
        return self.is_live and bool(self.config.getoption("apiauth_skip_missing"))

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

    def throttle(self, profile: Profile) -> Throttle:
        """Give what holds the live requests to a profile's server to the run's limits."""
        from pytest_apiauth.credentials.located import located_profile
        from pytest_apiauth.targets.limits import SharedBook, Throttle

        if profile.place not in self._throttles:
            located = located_profile(profile, self.config.rootpath)
            file = self.shared_file("throttle", profile.place)
            book = None if file is None else SharedBook(file)
            self._throttles[profile.place] = Throttle(profile.name, self._limits(located), book)
        return self._throttles[profile.place]

    def _limits(self, profile: Profile) -> Limits:
        from pytest_apiauth.targets.limits import Limits

        live = profile.live
        is_near = all(origin.is_loopback for origin in profile.origins)
        rate = self.config.getoption("apiauth_rate") or live.rate or (None if is_near else USUAL_RATE)
        bound = live.wrong_passwords
        if bound is None:
            bound = 100 if "lockout" in self.allowed(profile) else 3
        return Limits(rate, self.config.getoption("apiauth_max_requests") or live.max_requests, bound)

    def learn_configured(self) -> None:
        """Learn the secrets that the project's profiles name, used or not."""
        for file in self.profile_files():
            self.configured.add(file)
        asked, place = self.config.getoption("apiauth_profile"), self.config.invocation_params.dir
        for name, folder in ((asked, place), (self.config.getini("apiauth_profile"), self.config.rootpath)):
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
        named = self.config.getoption("apiauth_profile") or self.config.getini("apiauth_profile")
        return bool(named or self.profile_files())

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

    def why_not_ready(self, path: Path) -> str | None:
        """Give the reason why a profile was found unready before, or None."""
        known = self._examinations.get(path)
        return known if isinstance(known, str) else None

    def give_up(self, path: Path, reason: str) -> None:
        """Run no rule of a profile any more, for a reason in one line."""
        self._examinations.setdefault(path, reason)

    def examination(self, path: Path, app: Callable[[Profile], AppSide] | None = None) -> tuple[Examination, bool]:
        """Give the examination of a profile, made ready on first use, and whether this was the first.

        ``app`` gives the profile's app at work, where it is to be examined. Raises ApiAuthError where the
        profile cannot be made ready, each time: the first time it is an error, later the reason why a rule
        was not run.
        """
        from pytest_apiauth.suite.examination import Examination
        from pytest_apiauth.suite.outcomes import NotReady
        from pytest_apiauth.suite.readiness import made_ready

        known = self._examinations.get(path)
        if isinstance(known, Examination):
            return known, False
        if known is not None:
            raise NotReady(known)
        try:
            made = self._examinations[path] = made_ready(
                lambda: self._target(path, app), self.redactor, self.shared_file("ready", str(path)),
                asks=not self.replays,
            )  # fmt: skip
        except ApiAuthError as error:
            self._examinations[path] = str(error)
            raise
        return made, True

    def _target(self, path: Path, app: Callable[[Profile], AppSide] | None) -> Any:
        from pytest_apiauth.profile import loading
        from pytest_apiauth.targets.live import LiveTarget
        from pytest_apiauth.targets.target import AppTarget, EmbeddedTarget
        from pytest_apiauth.targets.wired import WiredTarget

        profile = self.load(path)
        if app is not None:
            return AppTarget.build(app(profile), self.redactor)
        if self.is_live:
            from pytest_apiauth.credentials.identities import learn_credentials

            learn_credentials(profile, self.config.rootpath, self.redactor)
            with loading.explained(profile.name):
                return LiveTarget.build(
                    profile,
                    redactor=self.redactor,
                    library=self.library,
                    folder=self.config.rootpath,
                    throttle=self.throttle(profile),
                    seen=None if self.drift is None else self.drift.see,
                )
        if self.replays:
            from pytest_apiauth.targets.recorded import CassetteTarget

            return CassetteTarget.build(profile, self.config.rootpath)
        if self.config.getoption("apiauth_wire"):
            return WiredTarget(
                profile,
                redactor=self.redactor,
                library=self.library,
                faults=self.config.getoption("apiauth_fault"),
                variants=self.config.getoption("apiauth_variant"),
            )
        return EmbeddedTarget.build(
            profile,
            redactor=self.redactor,
            library=self.library,
            faults=self.config.getoption("apiauth_fault"),
            variants=self.config.getoption("apiauth_variant"),
        )

    def apps_of(self, files: list[Path]) -> dict[Path, Any]:
        """Return, by the profile's file, the app that each of these runs in this process, where one does."""
        found = {}
        for file in files:
            with contextlib.suppress(ApiAuthError):
                profile = self.load(file)
                if self.examined(profile) == "app":
                    found[file] = profile.app
        return found

    def warn_of_live(self, files: list[Path]) -> list[str]:
        """Return a line for each profile of a live run: where requests are about to go, how fast, how many at most."""
        from pytest_apiauth.credentials.located import located_profile

        lines = []
        for file in files:
            try:
                profile = located_profile(self.load(file), self.config.rootpath)
                limits = self.throttle(profile).limits
            except ApiAuthError:
                continue  # said again, as an error, where the profile is used
            origins = ", ".join(sorted(map(str, profile.origins)))
            pace = f"at most {limits.rate:g} a second, " if limits.rate else ""
            lines.append(
                f"apiauth: {self._shown(file)}: about to send requests to {origins}: {pace}{limits.max_requests} in all"
            )
        return lines

    def not_examined(self) -> list[str]:
        """Return a line on the profiles that a live run has come upon and leaves alone, if there are any."""
        if not self.left_alone:
            return []
        shown = ", ".join(map(self._shown, self.left_alone))
        return [f"apiauth: not examined: {shown}; name a profile for that, or let it say examine = true"]

    def _shown(self, file: Path) -> str:
        place, root = file.resolve(), self.config.rootpath.resolve()
        return one_line(str(place.relative_to(root) if place.is_relative_to(root) else place))

    def note_collected(self, used: list[Path]) -> None:
        """Tell the controller what workers have found: profiles that clients of tests are for, and those left alone."""
        file = self.shared_file("collected")
        if file is not None:
            file.write(json.dumps([list(map(str, used)), list(map(str, self.left_alone))]))

    def take_collected(self) -> list[Path]:
        """Return the profiles that clients of tests are for, and know those left alone, from what a worker noted."""
        file = self.shared_file("collected")
        text = file.read() if file is not None else ""
        used, left_alone = json.loads(text or "[[], []]")
        self.left_alone = list(map(Path, left_alone))
        return list(map(Path, used))

    def progress(self) -> str:
        """Say how many requests the live run has sent, and how many it may still send."""
        throttles = self._throttles.values()
        sent = sum(throttle.sent for throttle in throttles)
        left = sum(throttle.limits.max_requests for throttle in throttles) - sent
        return f"{sent} requests sent, {left} left"

    def shown_url(self, profile: Profile) -> str:
        """Give the URL that a run of a profile touches, for people to read."""
        from pytest_apiauth.credentials.located import located_profile
        from pytest_apiauth.targets.apps.host import housed

        if self.examined(profile) == "app":
            return housed(profile).base_url
        try:
            return located_profile(profile, self.config.rootpath).base_url if self.is_live else profile.base_url
        except ApiAuthError:
            return profile.base_url

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
                    profile, loop=self._loop, credentials=credentials, redactor=self.redactor, library=self.library,
                    folder=self.config.rootpath,
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
        for examination in self._examinations.values():
            if not isinstance(examination, str):
                with contextlib.suppress(OSError):
                    examination.target.close()
        if self._loop is not None:
            self._loop.close()


STATE = pytest.StashKey[State]()
BENCH: pytest.StashKey[Bench] = pytest.StashKey()
RECORD = pytest.StashKey[dict[str, Any]]()
