"""A reader at a shell: the curl lines of a counterexample, executed against the server that it is about."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from pytest_apiauth.auth.answers import token_members
from pytest_apiauth.auth.texts import Role
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.messages import Response
from pytest_apiauth.profile.model import GrantType
from pytest_apiauth.suite.book import Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Outcome, judge
from pytest_apiauth.suite.outcomes import Counterexample
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from pytest_apiauth.targets.loopback import LoopbackTarget
from tests.here import USUAL

from .examining import EXAMINED, QUICK

CAUGHT = (Verdict.FAIL, Verdict.WARNING)
NAME = re.compile(r"(?:\$\{?|edit |by=|kid=)([A-Z][A-Z0-9_]+)(?![A-Za-z0-9])")
GIVES = re.compile(r"  # (?:\S.*: )?gives (.*)$")
SPENT = (Role.REFRESH_TOKEN, Role.CODE, Role.VERIFIER, Role.DEVICE_CODE)
STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """A fault that its rule has caught, and the server that has it."""

    outcome: Outcome
    examination: Examination
    server: Server
    base_url: str

    @property
    def counterexample(self) -> Counterexample:
        """What the report shows."""
        assert self.outcome.counterexample is not None
        return self.outcome.counterexample


@contextmanager
def caught(fault: str, rule: Rule) -> Iterator[Found | None]:
    """Let a rule catch a fault of a server on loopback; None where no profile shows it there."""
    for profile in EXAMINED.values():
        if not rule.applies.find(profile):
            continue
        redactor = Redactor()
        build = LoopbackTarget if rule.wire else EmbeddedTarget.build
        target = build(profile, redactor=redactor, library=USUAL, faults=[fault], variants=[])
        examination = Examination(target, redactor)
        with closing(target), serve(target.server) as base_url:
            make_ready(examination)
            for argument in rule.applies.find(profile).values():
                outcome = judge(rule, examination, argument, QUICK)
                if outcome.verdict in CAUGHT:
                    yield Found(outcome, examination, target.server, base_url)
                    return
    yield None


class Shell:
    """Runs lines as a reader does: values that a line before has given, or those that the reader has."""

    def __init__(self, found: Found, folder: Path) -> None:
        self.found = found
        self.given: dict[str, str] = {}
        self._folder = folder
        self._refs = {ref.name: ref for ref in found.examination.placeholders}
        # What the rule had at hand is not the reader's: whatever no step gives is got anew.
        found.examination.forget_tokens()
        self._curl = f'curl() {{ command curl -s --connect-to "::{found.base_url.removeprefix("http://")}" "$@"; }}\n'

    def run(self, line: str) -> int:
        """Execute a line, keep what it gives, and return the status of the last answer."""
        passing = re.fullmatch(r"(?:curl .*)?# (\d+) seconds pass", line)
        if passing:
            self.found.server.clock.advance(int(passing[1]))
            return 0
        own = re.fullmatch(r'export ([A-Z]+)="?(\$\(.*\))"?  #.*', line)
        surroundings = self._surroundings(own[2] if own else line)
        if own:
            self.given[own[1]] = subprocess.run(
                ["bash", "-c", f"printf %s {own[2]}"], env=surroundings, capture_output=True, text=True, check=True
            ).stdout
            return 0
        for origin in self.found.examination.profile.origins:
            # The server on loopback has no TLS; which host is meant, the Host header says.
            # A member of a JSON object that is a URL stands behind a colon, and stays.
            plain = rf"\1http://{str(origin).partition('://')[2]}/"
            line = re.sub(rf"""(?<!:)( ['"]){re.escape(f"{origin}/")}""", plain, line)
        done = subprocess.run(
            ["bash", "-c", self._curl + line],
            env=surroundings,
            cwd=self._folder,
            capture_output=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr.decode()}"
        gives = GIVES.search(line)
        for name in re.findall(r"[A-Z][A-Z0-9_]+", gives[1]) if gives else ():
            self.given[name] = self._taken(name, done.stdout)
        return int(STATUS.findall(done.stdout)[-1])

    def _surroundings(self, line: str) -> dict[str, str]:
        """Return the environment of a line: the values that it names, and programs installed beside the suite."""
        known: dict[str, str] = {}
        for name in sorted(set(NAME.findall(line))):
            known |= {} if name in known else self.values(name)
        return {**os.environ, **known, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def values(self, name: str) -> dict[str, str]:
        """Return the value for a placeholder: of a step before, or one that the reader gets in the usual way.

        What can be used once only is got anew for each line; a code comes with the verifier that fits it.
        """
        if name in self.given:
            return {name: self.given[name]}
        examination, ref = self.found.examination, self._refs[name]
        if ref.role not in SPENT:
            return {name: examination.value(ref)}
        by_role: dict[Role, GrantType] = {Role.REFRESH_TOKEN: "refresh_token", Role.DEVICE_CODE: "device_code"}
        draft = examination.obtaining.token_request(by_role.get(ref.role, "authorization_code"), own=ref.own)
        return {each.name: examination.value(each) for each in draft.refs if each.role in SPENT}

    def _taken(self, name: str, output: bytes) -> str:
        head, _, body = output.partition(b"\r\n\r\n")
        if "COOKIE" in name:
            cookies = re.findall(rb"(?im)^set-cookie: ([^;\r\n]+)", head)
            return "; ".join(line.decode("latin-1") for line in cookies)
        if name in ("DEVICE_CODE", "USER_CODE", "REQUEST_URI"):
            return str(json.loads(body)[name.lower()])
        if name.endswith("CODE"):
            found = re.search(rb"(?im)^location: .*[?&#]code=([^&\s]+)", head)
            assert found, head
            return unquote(found[1].decode())
        lines = (line.partition(":") for line in head.decode("latin-1").splitlines()[1:])
        answer = Response(200, tuple((field, value.strip()) for field, _, value in lines), body)
        # Where a login has it, that is not OAuth's, the profile says for it and for its renewal.
        profile = self.found.examination.profile
        found_members: dict[str, object] = {}
        for grant in profile.grants:
            found_members |= token_members(profile, grant, answer)
        return str(found_members["refresh_token" if "REFRESH_TOKEN" in name else "access_token"])
