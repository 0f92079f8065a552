"""What each format of a report says of one run, read back from the file: the rules to look at, by verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

SHOWN = ("fail", "inconclusive", "warning")
Found = dict[str, set[str]]
"""The ids of rules, by what came of them."""


def of_json(path: Path) -> Found:
    """Read the verdicts of rules; a rule that fails may warn as well."""
    rules = [rule for profile in json.loads(path.read_text("utf-8"))["profiles"] for rule in profile["rules"]]
    found: Found = {verdict: {rule["id"] for rule in rules if rule["verdict"] == verdict} for verdict in SHOWN}
    found["warning"] |= {rule["id"] for rule in rules if rule["advice"]}
    return found


def of_markdown(path: Path) -> Found:
    """Read the headings, and the names under one of several rules."""
    text = path.read_text("utf-8").replace("\\", "")
    found: Found = {verdict: set() for verdict in SHOWN}
    for verdict, rule, block in re.findall(r"^### ([A-Z]+) (\S+) .*?\n(.*?)(?=^###|\Z)", text, re.M | re.S):
        several = re.search(r"^\d+ rules: (.*)$", block, re.M)
        found[verdict.lower()] |= set(several[1].split(", ")) if several else {rule}
    return found


def of_sarif(path: Path) -> Found:
    """Read the results."""
    found: Found = {verdict: set() for verdict in SHOWN}
    for result in json.loads(path.read_text("utf-8"))["runs"][0]["results"]:
        if not result.get("suppressions"):
            found[result["properties"]["verdict"]].add(result["ruleId"])
    return found


class _Page(HTMLParser):
    """Reads the findings of a page, with the verdict of each and of the exchanges in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Found = {verdict: set() for verdict in SHOWN}
        self._verdict = ""
        self._rule = ""
        self._takes: Callable[[str], None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a finding, its rule's id, or an exchange of another verdict."""
        known = dict(attrs)
        if tag == "details" and "finding" in (known.get("class") or "").split():
            self._verdict, self._rule = known.get("data-v") or "", ""
        elif tag == "code" and self._verdict and not self._rule:
            self._takes = self._name
        elif tag == "h5" and self._rule:
            self._takes = self._exchange

    def handle_data(self, data: str) -> None:
        """Take the text that is waited for."""
        if self._takes is not None:
            takes, self._takes = self._takes, None
            takes(data)

    def _name(self, text: str) -> None:
        self._rule = text
        if self._verdict in SHOWN:
            self.found[self._verdict].add(text)

    def _exchange(self, text: str) -> None:
        verdict = text.split(" (")[0]
        if verdict in SHOWN:
            self.found[verdict].add(self._rule)


def of_html(path: Path) -> Found:
    """Read the page."""
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page.found


def of_junit(path: Path) -> Found:
    """Read the properties of tests: what came of each, and what it has found out about other rules."""
    found: Found = {verdict: set() for verdict in SHOWN}
    for case in ET.parse(path).getroot().iter("testcase"):
        properties = [(each.get("name"), each.get("value") or "") for each in case.iter("property")]
        rule = dict(properties).get("apiauth_rule", "")
        verdict = dict(properties).get("apiauth_verdict", "")
        if verdict in SHOWN:
            found[verdict].add(rule)
        if any(name == "apiauth_warning" for name, _ in properties):
            found["warning"].add(rule)
        for verdict, _, other in (value.partition(" ") for name, value in properties if name == "apiauth_filed"):
            if verdict in SHOWN:
                found[verdict].add(other)
    return found


def of_terminal(text: str) -> Found:
    """Read the section after the run, where more than six names of one warning are counted."""
    found: Found = {verdict: set() for verdict in SHOWN}
    for word, rest in re.findall(r"^    (FAIL|INCONCLUSIVE|warning) +(.*)$", text, re.M):
        verdict = word.lower()
        several = re.match(r"\d+ rules, (.*?) \((?:MAY|SHOULD|MUST|DOC)\): ", rest)
        found[verdict] |= set(several[1].split(", ")) if several else {rest.split(" ")[0]}
    return found


FORMATS: dict[str, Callable[[Path], Found]] = {
    "html": of_html, "json": of_json, "md": of_markdown, "sarif": of_sarif, "xml": of_junit,
}  # fmt: skip
OPTIONS = [
    *(f"--apiauth-report=out/report.{name}" for name in FORMATS if name != "xml"), "--junit-xml=out/report.xml",
]  # fmt: skip


def read_all(folder: Path) -> dict[str, Found]:
    """Read every format of a run that was made with `OPTIONS`."""
    return {name: read(folder / "out" / f"report.{name}") for name, read in FORMATS.items()}
