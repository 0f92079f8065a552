"""What pytest prints of a failure: written for whoever has to mend the server.

What should have come and what came, what was sent, what the valid request beside it was answered with, where that is
written, and where to look first.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.printable import one_line, printable
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.standards import link
from pytest_apiauth.suite.book import PROFILE, Rule, Verdict
from pytest_apiauth.suite.judging import Outcome

WIDTH = 12
"""Columns of the word that each line begins with."""
LONGEST_SENTENCE = 300
"""Characters of a statement that are shown."""


def explained(rule: Rule, profile: Profile, outcome: Outcome, redactor: Redactor) -> str:
    """Return the text of a failure, secrets by name."""
    lines = [f"{outcome.deciding_level.value} {rule.id}: {rule.title}", ""]
    if outcome.verdict is Verdict.INCONCLUSIVE and outcome.cause and outcome.counterexample is not None:
        # It met another rule's breach and nothing else: all there is to read of that stands under the other one.
        lines += [f"  {outcome.reason}", _line("request", outcome.counterexample.curl)]
        return printable(redactor.redact("\n".join(lines)))
    lines += _found(outcome)
    for place, source in enumerate(rule.sources_for(profile)):
        lines.append(_line("" if place else "sources", _written(source, profile)))
    if rule.look:
        lines.append(_line("look at", rule.look))
    return printable(redactor.redact("\n".join(lines)))


def _found(outcome: Outcome) -> Iterator[str]:
    found = outcome.counterexample
    if found is None:
        yield f"  {outcome.reason}"
        return
    if outcome.verdict is Verdict.INCONCLUSIVE:
        yield f"  {outcome.reason}"
    yield _line("expected", found.expected)
    yield _line("got", found.got)
    for number, step in enumerate(found.steps, 1):
        yield _line(f"step {number}", step)
    yield _line("request", found.curl)
    if found.control_curl:
        yield _line("control", found.control_curl)
    if found.control_got:
        yield _line("", f"got {found.control_got}")
    if outcome.told:
        yield _line("rows", outcome.told)
    if "intermittent" in outcome.reason:
        yield _line("note", "intermittent: the same request was also answered as it should be")


def _line(word: str, text: str) -> str:
    return f"  {word:<{WIDTH - 3}} {text}"


def _written(source: str, profile: Profile) -> str:
    """Say where a source is to be read: a section by its address, a statement by its sentence."""
    if source in profile.statements:
        return f"{source}: {one_line(profile.statements[source].text, LONGEST_SENTENCE)}"
    if source == PROFILE:
        return f"profile: what {profile.name} promises"
    return f"{source} {link(source)}".rstrip()
