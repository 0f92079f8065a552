"""The Markdown report: a summary that a job of GitHub Actions or GitLab shows beside its result."""

from __future__ import annotations

import re

from pytest_apiauth.printable import as_markdown, printable
from pytest_apiauth.report import summary
from pytest_apiauth.report.record import RuleRecord, RunRecord

SHOWN = ("fail", "unexpected pass", "inconclusive", "warning")
"""The verdicts that a person has to look at, worst first."""


def text(run: RunRecord) -> str:
    """Return a run as Markdown: a table of profiles, then what needs a look."""
    lines = ["## API authentication", "", "| profile | target | rules | requests | tokens | seconds |"]
    lines.append("| --- | --- | --- | ---: | ---: | ---: |")
    lines += [
        f"| {as_markdown(profile.name)} | {profile.target}: {_address(profile.url)} | {summary.counts(profile)}"
        f" | {profile.requests} | {profile.tokens_issued} | {profile.seconds:.1f} |"
        for profile in run.profiles
    ]
    lines.append("")
    for profile in run.profiles:
        if profile.note:
            lines += [f"{as_markdown(profile.name)}: {profile.note}.", ""]
        if profile.error:
            lines += [f"**{as_markdown(summary.not_ready(profile))}**", ""]
        lines += [
            as_markdown(summary.causes(profile)),
            "",
            as_markdown(summary.left_out(profile)),
            "",
            as_markdown(summary.limited(profile)),
            "",
        ]
        for verdict in SHOWN:
            for rule in profile.rules:
                lines += _finding(profile.name, rule) if rule.verdict == verdict else []
        expected = [rule for rule in profile.rules if rule.verdict == "expected failure"]
        lines += [f"- expected failure: {rule.id}: {as_markdown(rule.reason)}" for rule in expected]
        lines += ["", as_markdown(summary.unproven(profile)), "", as_markdown(summary.not_examined(profile)), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _finding(profile: str, rule: RuleRecord) -> list[str]:
    parts = ", ".join(part.part for part in rule.parts if part.verdict == rule.verdict and part.part)
    where = f"{profile}, {parts}" if parts else profile
    lines = [f"### {rule.verdict.upper()} {rule.id} ({as_markdown(where)})", ""]
    lines += [as_markdown(", ".join((summary.deciding_level(rule), *rule.sources))), ""]
    found = rule.counterexample
    warnings = [f"- warning {as_markdown(line)}" for line in summary.warnings(rule)]
    # A rule that only warns has its first warning shown in full.
    warnings = warnings[1:] if rule.verdict == "warning" else warnings
    warnings += [""] if warnings else []
    if found is None:
        return [*lines, as_markdown(rule.reason), "", *warnings]
    lines += [f"expected {as_markdown(found.expected)}, got {as_markdown(found.got)}", ""]
    shown = "\n".join(printable(" ".join(line.splitlines())) for line in (*found.steps, found.curl))
    # A fence longer than any in it: what stands there comes from a server, in part.
    fence = "```"
    while fence in shown:
        fence += "`"
    return [*lines, f"{fence}sh", shown, fence, "", *warnings]


def _address(url: str) -> str:
    """Write a URL so that it is one: it is the profile's, or that of an option."""
    return as_markdown(url).replace("\\://", "://")
