"""The cassettes of token endpoints, ``cassettes/NAME/SCENE.yaml``: recorded, replayed, listed.

Whether the real API answers or the embedded server stands in for it, the recording takes one path: real TLS to the
documented host names, vcrpy at the HTTP library's transport, and what makes a tape clean. For the embedded server a
certificate authority of the moment signs those names, and a proxy on loopback leads all of them to it.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from pytest_apiauth.auth.browsing import Stopped, check_origin
from pytest_apiauth.auth.person import Person, sent_by
from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.requests import row_of
from pytest_apiauth.auth.ways import LogIn
from pytest_apiauth.bundled import HERE
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.names import names_of
from pytest_apiauth.credentials.redaction import OutputRedactor
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.errors import CredentialError
from pytest_apiauth.http import Guard, Network, Sender, bounds
from pytest_apiauth.installed import usual
from pytest_apiauth.messages import Response
from pytest_apiauth.printable import as_markdown
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording import jwts
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.playing import Credentials
from pytest_apiauth.recording.reading import read_exchanges
from pytest_apiauth.recording.scenes import Scene, Spend, Visit, kept_scene, scenes
from pytest_apiauth.recording.taping import CassetteTest
from pytest_apiauth.recording.writing import EXTRA
from pytest_apiauth.scratch import scratch_folder

Script: TypeAlias = Callable[[Profile, Path], LogIn | None]
"""Returns the function that logs in for a profile of a folder; None if none is named."""
EMBEDDED: Final = "the embedded server"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where scenes are played: who acts, how requests leave, and who answers."""

    profile: Profile
    identities: Identities
    sender: Sender
    redactor: OutputRedactor
    person: Person
    answered_by: str
    spend: Any = None
    """Ends a token, if that is in one's hands."""


@contextlib.contextmanager
def embedded_stage(profile: Profile) -> Iterator[Stage]:
    """Serve a profile's promise at its documented host names, over TLS."""
    from pytest_apiauth.embedded import Server
    from pytest_apiauth.embedded.authority import authority_for
    from pytest_apiauth.embedded.loopback import serve
    from pytest_apiauth.embedded.tunnel import tunnel

    redactor = OutputRedactor()
    with scratch_folder() as folder:
        server = Server(profile, redactor=redactor)
        authority = authority_for(frozenset(origin.host for origin in profile.origins))
        with (
            serve(server, tls=authority.server_for(server.client_certificates)) as url,
            serve(server) as plain,
            tunnel(urlsplit(url).port or 0, urlsplit(plain).port or 0) as proxy,
        ):
            network = Network(usual(), ca_file=str(authority.write(folder)), proxy=proxy)
            identities = Identities(server.profile, server.lookup, redactor)
            guard = Guard(network.library, server.profile, redactor)
            sender = Sender(network, profile.name, redactor, guard)
            try:
                yield Stage(
                    server.profile, identities, sender, redactor,
                    Person(identities, redactor, consents=server.consents), f"{EMBEDDED} {_version()}",
                    lambda token: server.revoke(Secret(token, "refresh_token")),
                )  # fmt: skip
            finally:
                sender.close()


@contextlib.contextmanager
def live_stage(profile: Profile, folder: Path, script: Script) -> Iterator[Stage]:
    """Go to the real API with the user's credentials and kept tokens, and with ``script`` as the person.

    Raises ProfileError or CredentialError.
    """
    from pytest_apiauth.credentials.refresh_tokens import live_identities

    redactor = OutputRedactor()
    identities = live_identities(profile, folder, redactor)
    located = identities.profile
    sender = Sender.live(usual(), located, redactor)
    try:
        person = Person(identities, redactor, logs_in=script(located, folder))
        yield Stage(located, identities, sender, redactor, person, located.base_url)
    finally:
        sender.close()


def record(scene: Scene, stage: Stage, path: Path, *, is_live: bool) -> None:
    """Play a scene and write its cassette. Raises an ApiAuthError if it cannot be played or written."""
    profile = stage.profile
    test = CassetteTest(
        f"{profile.name}/{scene.name}",
        path.parent,
        stage.redactor,
        is_live=True,
        names=names_of([profile]),
        claims=jwts.claims_of([profile]),
        most=bounds.BOUNDS.recorded,
        stamp={
            "provenance": "live" if is_live else scene.provenance,
            "answered_by": stage.answered_by,
            "recorded": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "recorder": f"pytest-apiauth {_version()}",
            "profile": profile.name,
            "scene": scene.name,
        },
    )
    _play(scene, stage, test, path, "all")
    if test.refusal is not None:
        raise CassetteError(test.refusal)


def replay(scene: Scene, profile: Profile, path: Path) -> list[Response]:
    """Play a scene on its cassette, without a network, and give the answers. Raises vcrpy's error if one lacks."""
    if not path.is_file():
        raise CassetteError(f"{path}: no such cassette; record it: python -m pytest_apiauth record {profile.name}")
    redactor = OutputRedactor()
    network = Network(usual())
    guard = Guard(network.library, profile, redactor)
    sender = Sender(network, profile.name, redactor, guard)
    identities = Identities(profile, Credentials(None), redactor)
    stage = Stage(profile, identities, sender, redactor, Person(identities, redactor, replays=True), "")
    test = CassetteTest(f"{profile.name}/{scene.name}", path.parent, redactor, is_live=False)
    try:
        return _play(scene, stage, test, path, "none")
    finally:
        sender.close()


def _play(scene: Scene, stage: Stage, test: CassetteTest, path: Path, mode: str) -> list[Response]:
    from vcr import VCR

    vcr = VCR(record_mode=mode, cassette_library_dir=str(path.parent))
    test.configure(vcr)
    answers = []
    with (
        contextlib.closing(scene.play(Requester(stage.identities))) as steps,
        vcr.use_cassette(path.name, drop_unused_requests=mode == "all"),
    ):
        test.has_failed = True
        with contextlib.suppress(StopIteration):
            step = next(steps)
            while True:
                if isinstance(step, Spend):
                    if stage.spend is not None:
                        with contextlib.suppress(CredentialError):
                            stage.spend(step.token)
                    step = next(steps)
                    continue
                if isinstance(step, Visit) and _is_off_tape(step, stage, test):
                    step = steps.send(_visited(step, stage))
                    continue
                answers.append(stage.sender.send(step.request if isinstance(step, Visit) else step))
                step = steps.send(answers[-1])
        test.has_failed = False
    return answers


def _is_off_tape(visit: Visit, stage: Stage, test: CassetteTest) -> bool:
    """Whether somebody logs in for a page: a script does, or has done when the tape was recorded."""
    return stage.person.is_scripted if test.is_live else not test.has_asked(visit.request.url.partition("?")[0])


def _visited(visit: Visit, stage: Stage) -> Response:
    """Have the stage's person open a page. Raises CassetteError for one of an origin that the profile does not name."""
    profile = stage.profile
    try:
        check_origin(visit.request.url, profile.origins)
    except Stopped as reason:
        raise CassetteError(f"{profile.name}: {visit.request.url.partition('?')[0]} {reason}") from None
    user = row_of(profile, profile.interactive_grant).user
    opening = stage.person.opens(visit.request, user, user_code=visit.user_code, asked=visit.asked)
    return sent_by(opening, stage.sender.send)


def folder_of(name: str) -> Path | None:
    """Return the folder of cassettes of a profile: inside the package in a wheel, beside it in a clone."""
    places = (HERE / "cassettes" / name, HERE.parent / "cassettes" / name)
    return next((place for place in places if place.is_dir()), None)


def table(folder: Path) -> list[str]:
    """Return the table of the cassettes in a folder, in Markdown."""
    rows = ["| cassette | provenance | answered by | recorded | exchanges |", "|---|---|---|---|---|"]
    for path in sorted(folder.glob("*/*.yaml")):
        data = read_exchanges(path)
        says = data[EXTRA] if isinstance(data.get(EXTRA), dict) else {}
        statuses = ", ".join(
            f"{each['request']['method']} {each['response']['status']['code']}" for each in data["interactions"]
        )
        cells = (says.get("provenance", "unknown"), says.get("answered_by", ""), says.get("recorded", ""), statuses)
        rows.append(
            f"| `{path.parent.name}/{path.name}` | " + " | ".join(as_markdown(str(each)) for each in cells) + " |"
        )
    return rows


def page(folder: Path) -> str:
    """Return the text of the README of a folder of cassettes."""
    return "\n".join((*INTRODUCTION, "", *table(folder), ""))


def chosen(on: Stage, *, is_live: bool) -> list[Scene]:
    """Return the scenes to record: of a live API what guesses nothing, and needs no person if no script is one."""
    every = scenes(on.profile)
    if not is_live:
        return every
    if on.person.is_scripted:
        return [scene for scene in every if not scene.is_guess]
    going_on = kept_scene(on.profile, on.identities)
    free = [scene for scene in every if not (scene.is_guess or scene.needs_browser)]
    return free if going_on is None else [*free, going_on]


def _version() -> str:
    return version("pytest-apiauth")


INTRODUCTION: Final = (
    "# Cassettes",
    "",
    "Recorded exchanges of token endpoints, without a secret in them. Made by `python -m pytest_apiauth record NAME`,",
    "as this page is; `record --all` makes all of them anew, `record NAME --live` asks the real API.",
    "",
    "**documented**: the API's document shows the request and the answer. **assumed**: it does not; the answer is what",
    "standards say. Both are answers of the embedded server, over TLS at the documented host names, and say nothing",
    "about the real API. **live**: the real API answered.",
)
