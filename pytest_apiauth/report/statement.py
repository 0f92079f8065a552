"""What a provider may say in public of a run: a sentence for each profile, and a badge.

Both say how many rules were examined, what failed, what was expected to fail and why, by which version and when. A
run on the embedded server says nothing about a real API, nor does a replay about that of today: neither has any.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from typing import Final

from pytest_apiauth.printable import printable
from pytest_apiauth.report import summary
from pytest_apiauth.report.record import ProfileRecord, RunRecord

SVG: Final = "http://www.w3.org/2000/svg"
LABEL: Final = "API authentication"
LETTER: Final = 6.6
"""The width of a letter of the badge's font, in pixels, at most."""
HEIGHT: Final = 20
REAL: Final = ("app", "live")
"""The targets that are the API itself; what cassettes hold may come from the embedded server, or from long ago."""
GOOD, WARNED, BAD = "#1a7f37", "#9a6700", "#cf222e"


class RefusedError(ValueError):
    """Nothing may be said of a run in public; the message says why, in one line."""


def sentences(run: RunRecord) -> Iterator[str]:
    """Yield a sentence for each profile. Raises RefusedError for a run that says nothing about a real API."""
    _refuse(run)
    for profile in run.profiles:
        yield printable(_sentence(run, profile))


def badge(run: RunRecord) -> str:
    """Return the badge as SVG. Raises RefusedError for a run that says nothing about a real API."""
    _refuse(run)
    found = Counter(verdict for profile in run.profiles for verdict in _verdicts(profile).elements())
    words = ", ".join([summary.counted(_examined(found), "rule"), *_counts(found, only_some=True)])
    colour = BAD if _failures(found) else WARNED if found["warning"] else GOOD
    if any(profile.error for profile in run.profiles):
        words, colour = "not examined", BAD
    return _drawn(words, colour, "; ".join(sentences(run)))


def _refuse(run: RunRecord) -> None:
    if not run.profiles:
        raise RefusedError("no profile was examined, so there is nothing to state")
    for profile in run.profiles:
        if profile.note or profile.target not in REAL:
            why = profile.note or f"a run on {profile.target} says nothing about the API of today"
            raise RefusedError(f"{profile.name}: {why}; a statement takes a run on an app or a live one")


def _sentence(run: RunRecord, profile: ProfileRecord) -> str:
    version, day = run.versions.get("pytest-apiauth", "0"), run.started[:10]
    with_what = f"by pytest-apiauth {version} on {day} ({profile.target}, {profile.url})"
    if profile.error:
        return f"{profile.name}: not examined {with_what}: {profile.error}"
    found = _verdicts(profile)
    expected = [f"{rule.id} ({rule.reason})" for rule in profile.rules if rule.verdict == "expected failure"]
    reasons = f": {'; '.join(expected)}" if expected else ""
    return (
        f"{profile.name}: examined against {summary.counted(_examined(found), 'rule')} {with_what}: "
        f"{', '.join(_counts(found))}{reasons}"
    )


def _verdicts(profile: ProfileRecord) -> Counter[str]:
    return Counter(rule.verdict for rule in profile.rules)


def _examined(found: Counter[str]) -> int:
    return sum(number for verdict, number in found.items() if verdict not in ("skip", "not run"))


def _failures(found: Counter[str]) -> int:
    return found["fail"] + found["unexpected pass"] + found["inconclusive"]


def _counts(found: Counter[str], *, only_some: bool = False) -> list[str]:
    """Return the failures, those that were expected, and the warnings; with ``only_some`` none of which there are 0."""
    words = [
        (found["fail"] + found["unexpected pass"], "failure"),
        (found["inconclusive"], "inconclusive"),
        (found["warning"], "warning"),
        (found["expected failure"], "expected failure"),
    ]
    return [
        f"{number} {word}" if word == "inconclusive" else summary.counted(number, word)
        for number, word in words
        if number or word == "failure" or not (only_some or word == "inconclusive")
    ]


def _drawn(words: str, colour: str, title: str) -> str:
    left, right = (round(len(text) * LETTER + 12) for text in (LABEL, words))
    svg = ET.Element("svg", xmlns=SVG, width=str(left + right), height=str(HEIGHT), role="img")
    svg.set("aria-label", f"{LABEL}: {words}")
    ET.SubElement(svg, "title").text = title
    for x, width, fill in ((0, left, "#444d56"), (left, right, colour)):
        ET.SubElement(svg, "rect", x=str(x), width=str(width), height=str(HEIGHT), fill=fill)
    font = {"fill": "#fff", "font-family": "Verdana,DejaVu Sans,sans-serif", "font-size": "11", "text-anchor": "middle"}
    for middle, text in ((left / 2, LABEL), (left + right / 2, words)):
        ET.SubElement(svg, "text", font, x=f"{middle:g}", y="14").text = text
    return ET.tostring(svg, encoding="unicode") + "\n"
