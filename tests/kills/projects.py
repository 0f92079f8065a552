"""A project of a scene: its folder, the server that it talks to, its runs, and what they have left in it."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode

from pytest_apiauth.credentials.located import located_profile
from pytest_apiauth.credentials.refresh_tokens import KeptTokens
from pytest_apiauth.credentials.secrets import Secret
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.reading import read

from .scenes import Scene
from .serving import CountingListener, served

SEAM: Final = Path(__file__).parent / "seam"
LIMIT: Final = 300.0
"""Seconds after which a run, or what is left of one that was killed, does not end by itself any more."""
OWN: Final = ("tmp", "counts", "__pycache__", ".hypothesis", ".pytest_cache")
"""Folders in which other programs keep what they like."""


@dataclass(frozen=True)
class Ended:
    """A run that is over. ``was_killed`` is false if it was over before its moment came."""

    status: int
    output: str
    seconds: float
    was_killed: bool = False


@dataclass(frozen=True)
class Death:
    """When a run is killed, and by what: after some seconds, at its n-th write, or as an answer leaves the server."""

    number: signal.Signals
    seconds: float | None = None
    write: int | None = None

    def __str__(self) -> str:
        if self.seconds is not None:
            return f"{self.number.name} after {self.seconds:.2f} s"
        return f"{self.number.name} at write {self.write}" if self.write else f"{self.number.name} at the answer"


@dataclass
class Victim:
    """The run at hand, for the server to kill as it answers."""

    process: subprocess.Popen[str] | None = None
    death: Death | None = None

    def answered(self) -> None:
        """Kill it, if that is its moment."""
        death, process = self.death, self.process
        if death is None or process is None or death.seconds is not None or death.write is not None:
            return
        self.death = None
        kill(process, death.number)


@dataclass
class Project:
    """A scene's folder, with the server of its profile."""

    scene: Scene
    folder: Path
    server: Server
    environment: Mapping[str, str]
    listener: CountingListener
    victim: Victim = field(default_factory=Victim)
    given: list[str] = field(default_factory=list)
    """The refresh tokens that were to be kept, the last one last: each came in place of the one before."""

    # Runs

    def run(self, death: Death | None = None, **environment: str) -> Ended:
        """Run the scene's command to its end, or to its death; with all the processes that it has started."""
        if death is not None and death.write is not None:
            environment |= {"KILLS_AT": str(death.write), "KILLS_SIGNAL": str(int(death.number))}
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", *self.scene.command],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.victim.process, self.victim.death = process, death
        try:
            if death is not None and death.seconds is not None:
                try:
                    output, _ = process.communicate(timeout=death.seconds)
                    return Ended(process.returncode, output, time.monotonic() - start)
                except subprocess.TimeoutExpired:
                    kill(process, death.number)
            # Whoever holds the pipe still lives: workers too.
            output, _ = process.communicate(timeout=LIMIT)
            was_killed = death is not None and (death.seconds is not None or process.returncode != 0)
            return Ended(process.returncode, output, time.monotonic() - start, was_killed)
        except subprocess.TimeoutExpired:
            kill(process, signal.SIGKILL, is_group=True)
            output, _ = process.communicate()
            return Ended(-1, f"{output}\nit did not end within {LIMIT:.0f} s", time.monotonic() - start, True)
        finally:
            self.victim.process = self.victim.death = None

    def count(self) -> tuple[Ended, int]:
        """Run undisturbed, and return what came of it and how many writes its busiest process did."""
        counts = self.folder / "counts"
        counts.mkdir(exist_ok=True)
        ended = self.run(KILLS_COUNTS=str(counts))
        return ended, max((int(path.read_text() or "0") for path in counts.iterdir()), default=0)

    # What is there

    def results(self) -> dict[Path, bytes]:
        """Return the files that the scene has written."""
        return {
            path: path.read_bytes()
            for pattern in self.scene.results
            for path in sorted(self.folder.glob(pattern))
            if path.is_file() and not path.name.startswith(".")
        }

    def names(self) -> set[str]:
        """Return the names of all files, but for those that other programs keep."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return {str(path) for path in found if not set(path.parts) & set(OWN)}

    def torn(self, before: Mapping[Path, bytes]) -> Iterator[str]:
        """Yield a line for each file that is neither whole nor as before."""
        now = self.results()
        yield from (f"{path.name} is gone" for path in before if path not in now)
        for path, content in now.items():
            if content != before.get(path) and (why := _why_torn(path, content)):
                yield f"{path.name}: {why}"

    def left_over(self, names: set[str]) -> Iterator[str]:
        """Yield a line for each file that is there although it was not before, and for what lies in /tmp of ours."""
        yield from (f"{name} is left" for name in sorted(self.names() - names))
        yield from (f"tmp/{path.name} is left" for path in sorted((self.folder / "tmp").glob("apiauth-*")))

    # The kept token

    @property
    def state(self) -> Path:
        """Where refresh tokens are kept."""
        return self.folder / "state" / "pytest-apiauth" / "refresh-tokens"

    def kept(self) -> str:
        """Return the kept token, or why there is none."""
        try:
            (path,) = self.state.glob("*.json")
            return str(json.loads(path.read_text("utf-8"))["refresh_token"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"none: {type(error).__name__}"

    def log_in(self) -> None:
        """Get a refresh token as a person does, and keep it as the command does."""
        profile = located_profile(loading.load(self.folder / "shop.apiauth.toml"), self.folder)
        secret, password = self.environment["SHOP_SECRET"], self.environment["SHOP_PASSWORD"]
        form = urlencode({"grant_type": "password", "username": "alice", "password": password})
        basic = base64.b64encode(f"shop-client:{secret}".encode()).decode()
        headers = (("Authorization", f"Basic {basic}"), ("Content-Type", "application/x-www-form-urlencoded"))
        answer = self.server.handle(Request("POST", self.server.profile.token_endpoint, headers, form.encode()))
        members = answer.json()
        assert isinstance(members, dict), answer
        token = Secret(members["refresh_token"], "shop.refresh_token")
        self.given.append(token.reveal())
        KeptTokens(profile, self.state).write("shop-client", "default", token, None, None)


@contextmanager
def project(scene: Scene, folder: Path) -> Iterator[Project]:
    """Write a scene's project into a folder, and serve its API while the block runs."""
    for name in ("tmp", "home"):
        (folder / name).mkdir(parents=True)
    path = folder / "shop.apiauth.toml"
    path.write_text(scene.profile.replace("{url}", "https://api.shop.example"), "utf-8")
    for name, text in scene.files.items():
        (folder / name).write_text(text, "utf-8")
    # A person is needed to log in, so that a token that is lost shows.
    server = Server(loading.load(path), variants=("login-pages",) if scene.logs_in else ())
    with served(server) as (url, listener):
        if scene.logs_in or scene.is_live:
            path.write_text(scene.profile.replace("{url}", url), "utf-8")
        found = Project(scene, folder, server, _environment(folder, server), listener)
        _watch(found)
        if scene.logs_in:
            found.log_in()
        yield found


def _watch(project: Project) -> None:
    """Note each refresh token that takes the kept one's place, and kill whoever is to die as that answer leaves."""
    handle, mutex = project.server.handle, threading.Lock()

    def watched(request: Request) -> Response:
        with mutex:
            answer = handle(request)
            members = answer.json()
            token = members.get("refresh_token") if isinstance(members, dict) else None
            # A login of another kind gives tokens too, which nobody keeps.
            if not isinstance(token, str) or [_spent_by(request)] != project.given[-1:]:
                return answer
            project.given.append(token)
        project.victim.answered()
        return answer

    vars(project.server)["handle"] = watched


def _spent_by(request: Request) -> str:
    """Return the refresh token that a request uses up; empty if it uses none."""
    return parse_qs(request.body.decode("ascii", "replace")).get("refresh_token", [""])[0]


def _environment(folder: Path, server: Server) -> dict[str, str]:
    """Return the surroundings of a run: nothing that decides but what is set here."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    return {
        **kept,
        **server.environment,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "XDG_STATE_HOME": str(folder / "state"),
        "PYTHONPATH": str(SEAM),
        "PYTHONDONTWRITEBYTECODE": "1",
        "KILLS_FOLDER": str(folder),
    }


def kill(process: subprocess.Popen[str], number: signal.Signals, *, is_group: bool = False) -> None:
    """Send a signal: Ctrl-C reaches all processes of a terminal, the others the one that is named."""
    try:
        if number == signal.SIGINT or is_group:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
    except ProcessLookupError:
        pass


def _why_torn(path: Path, content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    if path.suffix == ".json":
        try:
            return "" if "profiles" in json.loads(text) else "has no profiles"
        except ValueError:
            return "is no JSON"
    if path.suffix == ".yaml":
        try:
            return "" if read(path)["interactions"] else "has nothing in it"
        except CassetteError as error:
            return str(error)
    return "" if re.fullmatch(r"#.*\S\n", text, re.DOTALL) else "has no beginning or no end"
