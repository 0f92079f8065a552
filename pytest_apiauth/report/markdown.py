"""The Markdown report: a summary that a job of GitHub Actions or GitLab shows beside its result."""

from __future__ import annotations

import re

from pytest_apiauth.printable import as_markdown, printable
from pytest_apiauth.report import summary
from pytest_apiauth.report.findings import SHOWN, Finding, findings
from pytest_apiauth.report.record import ProfileRecord, RunRecord
from pytest_apiauth.standards import link


def text(run: RunRecord) -> str:
    """Return a run as Markdown: a table of profiles, then what needs a look."""
    lines = ["## API authentication", "", "| profile | target | rules | requests | tokens | seconds |"]
    lines.append("| --- | --- | --- | ---: | ---: | ---: |")
    lines += [
        f"| {as_markdown(profile.name)} | {as_markdown(profile.target)}: {_address(profile.url)} |"
        f" {summary.counts(profile)} | {profile.requests} | {profile.tokens_issued} | {profile.seconds:.1f} |"
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
        for found in sorted(findings(profile), key=lambda each: SHOWN.index(each.verdict)):
            lines += _finding(profile, found)
        expected = [rule for rule in profile.rules if rule.verdict == "expected failure"]
        lines += [f"- expected failure: {rule.id}: {as_markdown(rule.reason)}" for rule in expected]
        lines += ["", as_markdown(summary.unproven(profile)), "", as_markdown(summary.not_examined(profile)), ""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _finding(profile: ProfileRecord, found: Finding) -> list[str]:
    parts = ", ".join(filter(None, found.parts))
    where = f"{profile.name}, {parts}" if parts else profile.name
    lines = [f"### {found.verdict.upper()} {as_markdown(found.rule.id)} ({as_markdown(where)})", ""]
    sources = [_source(source, profile) for source in found.rule.sources]
    lines += [", ".join((as_markdown(found.level), *sources)), "", as_markdown(found.words), ""]
    if len(found.rules) > 1:
        lines += [f"{len(found.rules)} rules: {as_markdown(', '.join(rule.id for rule in found.rules))}", ""]
    if found.rule.look:
        lines += [f"Look at {as_markdown(found.rule.look)}", ""]
    if found.shown is None:
        return lines
    shown = "\n".join(printable(" ".join(line.splitlines())) for line in (*found.shown.steps, found.shown.curl))
    # A fence longer than any in it: what stands there comes from a server, in part.
    fence = "```"
    while fence in shown:
        fence += "`"
    return [*lines, f"{fence}sh", shown, fence, ""]


def _source(source: str, profile: ProfileRecord) -> str:
    if source in profile.statements:
        return f"{as_markdown(source)} “{as_markdown(profile.statements[source])}”"
    where = link(source)
    return f"[{as_markdown(source)}]({where})" if where else as_markdown(source)


def _address(url: str) -> str:
    """Write a URL so that it is one: it is the profile's, or that of an option."""
    return as_markdown(url).replace("\\://", "://")
