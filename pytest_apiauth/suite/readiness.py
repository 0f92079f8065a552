"""Before any rule: the profile's own valid requests must succeed, or nothing can be examined."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from urllib.parse import urlsplit

from pytest_apiauth.auth.shared import SharedFile
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import ApiAuthError, UnsetError
from pytest_apiauth.http import NotSendable
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.outcomes import Inconclusive, NotReady, Refused, Unproven, Unready, says_nothing
from pytest_apiauth.targets.target import Target


def made_ready(make: Callable[[], Target], redactor: Redactor, file: SharedFile | None, *, asks: bool) -> Examination:
    """Make a target and, where it ``asks``, send the profile's valid requests to it.

    Workers of one run do so in turn, by a file that they share: a profile that is not ready is one error of the
    run, and where another worker has found it so, this raises NotReady. Raises ApiAuthError if it is found here.
    """
    with file.locked() if file is not None else nullcontext():
        reason = file.read() if file is not None else ""
        if reason:
            raise NotReady(reason)
        try:
            target = make()
            try:
                examination = Examination(target, redactor)
                if asks:
                    make_ready(examination)
            except BaseException:
                if not target.kind.is_shared:
                    target.close()
                raise
        except ApiAuthError as error:
            if file is not None:
                file.write(str(error))
            raise
    return examination


def make_ready(examination: Examination) -> None:
    """Send a valid request into every protected zone. Raises Unready, in one line, if one fails.

    That an open zone is open is for a rule to judge.
    """
    _check_probes(examination.profile)
    for zone in examination.profile.zones.values():
        if not zone.probe or not zone.is_protected:
            continue
        try:
            ways = examination.ways_into(zone)
        except Refused as reason:
            raise Unready(_own_line(examination, str(reason))) from None
        except Inconclusive as reason:
            raise Unproven(_own_line(examination, str(reason))) from None
        if not ways:
            kind = UnsetError if examination.placeholders.lacks_secret else Unready
            raise kind(_own_line(examination, examination.why_closed(zone)))
        for probe in zone.probe:
            draft = examination.request(probe, ways[0])
            try:
                response = examination.send(draft, sure=True)
            except Refused as reason:
                raise Unready(_own_line(examination, str(reason))) from None
            except Inconclusive as reason:
                raise Unproven(_own_line(examination, str(reason))) from None
            except NotSendable as reason:
                raise Unready(
                    f"{examination.profile.name}: the valid request to {draft.url} is {reason};"
                    f" look at the credentials, and at the token that came, of: {examination.curl(draft)}"
                ) from None
            if not 200 <= response.status < 300:
                # An app in this process tells what it has raised.
                told = f": {one_line(response.note)}" if response.note else ""
                raise (Unproven if says_nothing(response) else Unready)(
                    f"{examination.profile.name}: the valid request to {draft.url} was answered with {response.status}"
                    f"{told}, expected a 2xx status; check probe and credentials with: {examination.curl(draft)}"
                )


def _check_probes(profile: Profile) -> None:
    """Raise Unready for a probe that lies in another zone than its own, which the rules would examine instead."""
    for name, zone in profile.zones.items():
        for probe in zone.probe:
            path = urlsplit(profile.url(probe)).path
            found = profile.zone_at(path)
            if (found is None or found.path != zone.path) and probe.partition("?")[0] != zone.path.rstrip("/"):
                where = "in no zone" if found is None else f"in the zone of {found.path}"
                raise Unready(
                    f"{profile.name}: zones.{name}.probe: {probe} is {where}, not under {zone.path};"
                    " name a route of the zone, or give the zone another path"
                )


def _own_line(examination: Examination, reason: str) -> str:
    """Begin a reason with the profile's name, once."""
    own = f"{examination.profile.name}: "
    return own + reason.removeprefix(own)
