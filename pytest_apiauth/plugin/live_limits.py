"""What the live requests of a run are held to, profile by profile: by its options, and by each profile's ``[live]``.

Standard library and pytest only at import.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_apiauth.plugin.options import Options

if TYPE_CHECKING:
    from pytest_apiauth.auth.shared import SharedFile
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.targets.limits import Limits, Throttle

USUAL_RATE: Final = 10.0
"""Requests per second of a live run if neither option nor profile says more."""
HARMLESS: Final = ("read-only", "issue")
"""Safety classes that a live run may always touch."""


class LiveLimits:
    """The throttle of each profile; ``shared_file`` gives a file that the run's workers share, by what it is about."""

    def __init__(self, options: Options, root: Path, shared_file: Callable[..., SharedFile | None]) -> None:
        self._options = options
        self._root = root
        self._shared_file = shared_file
        # By `Profile.place`: two profiles may have one name.
        self._throttles: dict[str, Throttle] = {}

    def allowed(self, profile: Profile) -> frozenset[str]:
        """Return the safety classes that a live run may touch: by the option, or by the profile's ``[live]``."""
        return frozenset((*HARMLESS, *self._options.allow, *profile.live.allow))

    def throttle(self, profile: Profile) -> Throttle:
        """Return what holds the live requests to a profile's server to the run's limits. Raises ProfileError."""
        from pytest_apiauth.credentials.located import located_profile
        from pytest_apiauth.targets.limits import SharedBook, Throttle

        if profile.place not in self._throttles:
            located = located_profile(profile, self._root)
            file = self._shared_file("throttle", profile.place)
            book = None if file is None else SharedBook(file)
            self._throttles[profile.place] = Throttle(profile.name, self._limits(located), book)
        return self._throttles[profile.place]

    def _limits(self, profile: Profile) -> Limits:
        from pytest_apiauth.targets.limits import Limits

        live = profile.live
        is_near = all(origin.is_loopback for origin in profile.origins)
        rate = self._options.rate or live.rate or (None if is_near else USUAL_RATE)
        bound = live.wrong_passwords
        if bound is None:
            bound = 500 if "lockout" in self.allowed(profile) else 3
        return Limits(rate, self._options.max_requests or live.max_requests, bound)

    def requests(self) -> tuple[int, int]:
        """Return how many requests the live run has sent, by all its workers, and how many it may send in all."""
        throttles = self._throttles.values()
        return sum(throttle.sent for throttle in throttles), sum(each.limits.max_requests for each in throttles)
