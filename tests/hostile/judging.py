"""What must hold of every run, whatever the server does: each breach is a few words."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from pytest_apiauth.http import bounds
from tests.hostile.behaviours import API, DEVICE, TOKEN, Behaviour
from tests.hostile.server import KEY, PATHS
from tests.hostile.ways import PASSWORD, SECRET, Came, Way

LONGEST_LINE: Final = 2000
MEGABYTES: Final = 100.0
"""Memory above what the process has before it."""
SLACK: Final = 10.0
"""Seconds beyond the configured time-outs."""
SOURCE: Final = re.compile(r"Traceback|INTERNALERROR|^E   |^During handling", re.MULTILINE)
KEPT: Final = tuple(
    text for value in (SECRET, KEY, PASSWORD) for text in (value, base64.b64encode(value.encode()).decode().rstrip("="))
)
LASTING: Final = re.compile(r"holds a secret|not a line for a person|control characters|a line of|that is none")


def is_lasting(breach: str) -> bool:
    """Whether a breach counts however late the machine was that it happened on."""
    return LASTING.search(breach) is not None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took."""

    seconds: float
    megabytes: float


def breaches(behaviour: Behaviour, name: str, way: Way, url: str, came: Came, cost: Cost) -> Iterator[str]:
    """Yield what does not hold of a run."""
    allowed = SLACK + way.answers * bounds.BOUNDS.seconds
    if cost.seconds > allowed:
        yield f"took {cost.seconds:.1f} s, allowed are {allowed:.0f} s"
    if cost.megabytes > MEGABYTES:
        yield f"took {cost.megabytes:.0f} MB, allowed are {MEGABYTES:.0f}"
    found = SOURCE.search(came.output)
    if found is not None:
        yield f"not a line for a person: {came.output[found.start() : found.start() + 300]!r}"
    yield from _of_text("output", came.output)
    for path, content in came.files.items():
        text = content.decode("utf-8", "replace")
        yield from (f"{path} holds a secret" for secret in KEPT if secret in text)
    if name.startswith("suite"):
        yield from _of_suite(behaviour, way, came)
    elif came.status == 0 and not behaviour.may_pass and name != "record":
        # What is recorded is what came, whatever that is worth.
        yield "passed"
    if came.status != 0 and (came.output or "client" not in name) and not _is_named(behaviour, came.output, url, name):
        yield f"no line with profile and endpoint: {came.output[-300:]!r}"


def _of_text(where: str, text: str) -> Iterator[str]:
    controls = sorted({letter for letter in text if not (letter.isprintable() or letter in "\n\t")})
    if controls:
        yield f"{where} has control characters: {controls[:5]!r}"
    longest = max(map(len, text.split("\n")))
    if longest >= LONGEST_LINE:
        yield f"{where} has a line of {longest} letters"
    yield from (f"{where} holds a secret" for secret in KEPT if secret in text)


def _is_named(behaviour: Behaviour, output: str, url: str, name: str) -> bool:
    """Whether a line names the profile and the endpoint; the finding of a rule is several, and its last one a request.

    What `init` reads is of no profile yet.
    """
    # Once a device is told its code, it is the token endpoint that says nothing of use.
    places = (DEVICE, TOKEN) if behaviour.place == DEVICE else (behaviour.place,)
    endpoints = [f":{url.rpartition(':')[2]}{PATHS[place].decode()}" for place in places]
    if name.startswith("suite"):
        # As rules name one of an API whose URL stands in the line about the profile.
        endpoints += [f" {method} {PATHS[place].decode()}" for place in places for method in ("GET", "HEAD", "POST")]
    named = [line for line in output.splitlines() if any(endpoint in line for endpoint in endpoints)]
    if name.startswith("suite"):
        return "shop.apiauth.toml::" in output and bool(named)
    return any(name == "init" or "shop" in line for line in named)


def _of_suite(behaviour: Behaviour, way: Way, came: Came) -> Iterator[str]:
    """Yield what does not hold of a run of the suite: its reports, and the verdicts in them."""
    try:
        ElementTree.fromstring(came.files["junit.xml"])
        (profile,) = json.loads(came.files["report.json"])["profiles"]
    except (KeyError, ValueError, ElementTree.ParseError) as error:
        yield f"a report that is none: {type(error).__name__}: {error}"
        return
    for name in ("report.md", "report.json"):
        yield from _of_text(name, came.files[name].decode("utf-8"))
    parts = [part for rule in profile["rules"] for part in rule["parts"]]
    passed = {part["nodeid"].rpartition("::")[2] for part in parts if part["verdict"] == "pass"}
    met = {name for name in passed if "[user]" in name or (behaviour.place == TOKEN and name.startswith("tok-"))}
    if not way.is_late or behaviour.is_of_connections:
        if met or came.status != 1:
            yield f"exit status {came.status}, passed: {', '.join(sorted(met)) or 'none'}"
        return
    if not any("[key]" in name for name in passed):
        yield f"the other rules did not go on: {came.output[-400:]!r}"
    if behaviour.place == API and "res-no-cred-401[user]" in met and not behaviour.may_pass:
        yield f"passed: {', '.join(sorted(met))}"
    verdicts = {part["verdict"] for part in parts if "::tok-" in part["nodeid"]}
    if behaviour.place == TOKEN and verdicts == {"pass"} and not behaviour.may_pass:
        yield "passed: no rule has a word about the token"
