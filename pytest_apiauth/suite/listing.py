"""The register in words: every rule, one rule in full, every statement with what covers it."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

from pytest_apiauth import bundled
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.standards import link
from pytest_apiauth.suite.book import REGISTRY, Rule
from pytest_apiauth.suite.showing import Exchange, Shown


class UnknownRuleError(ApiAuthError):
    """There is no rule of that id."""


def unbuilt() -> dict[str, str]:
    """Return the ids of the catalogue that have no rule, with their reasons."""
    bundled.load_chapters()
    found: dict[str, str] = importlib.import_module(f"{bundled.PACKAGE}.register").UNBUILT
    return found


def list_rules(own: Sequence[Rule] = ()) -> Iterator[str]:
    """Yield a line a rule, ``own`` ones last: id, chapter, level, safety class, sources, faults; then unbuilt ids."""
    chapters = bundled.load_chapters()
    for rule in (*(rule for chapter in chapters for rule in REGISTRY.of_chapter(chapter)), *own):
        faults = f"faults: {', '.join(rule.faults)}" if rule.faults else "UNPROVEN: no fault"
        yield (
            f"{rule.id:24} {rule.chapter:22} {rule.level.value:6} {rule.safety.value:9}"
            f" {', '.join(rule.sources)}; {faults}"
        )
    yield ""
    yield f"{len(REGISTRY)} rules{f' and {len(own)} of your own' if own else ''}; not built:"
    for rule_id, reason in unbuilt().items():
        yield f"{rule_id:24} {reason}"


def explain(
    rule_id: str,
    faults: Mapping[str, str],
    own: Sequence[Rule] = (),
    profile: Profile | None = None,
    show: Callable[[Rule], Shown | None] | None = None,
) -> Iterator[str]:
    """Explain one rule in full; ``faults`` says what each fault does. Raises UnknownRuleError with the nearest ids.

    ``own`` are the rules of a ``profile``'s own; ``show`` makes the exchanges that show a rule at work.
    """
    bundled.load_chapters()
    known = {rule.id: rule for rule in (*REGISTRY, *own)}
    if rule_id in unbuilt():
        yield f"{rule_id}: not built: {unbuilt()[rule_id]}"
        return
    if rule_id not in known:
        raise UnknownRuleError(f"no rule {rule_id!r}{loading.did_you_mean(rule_id, [*known, *unbuilt()])}")
    rule = known[rule_id]
    yield f"{rule.id}: {rule.title}"
    yield ""
    for name, text in _facts(rule, faults, profile):
        yield textwrap.fill(
            f"{name:14}{text}", width=100, subsequent_indent=" " * 14, break_long_words=False, break_on_hyphens=False
        )
    if show is not None and rule.faults:
        found = show(rule)
        yield ""
        yield from _exchanges(found) if found is not None else ["No profile that comes with the suite shows it here."]
    yield ""
    yield textwrap.dedent(inspect.getsource(rule.function)).rstrip()


def _exchanges(found: Shown) -> Iterator[str]:
    """Yield what a fault makes of a request, and what comes without it."""
    yield f"On the embedded server, by the profile {found.profile}, with the fault {found.fault}:"
    yield f"  expected    {found.expected}"
    yield f"  got         {found.got}"
    yield from _lines(found.failing)
    if found.passing is not None:
        yield ""
        yield "Without it:"
        yield from _lines(found.passing)


def _lines(exchange: Exchange) -> Iterator[str]:
    for number, step in enumerate(exchange.steps, 1):
        yield f"  step {number:<6} {step}"
    yield f"  curl        {exchange.curl}"
    for name, lines in (("request", exchange.request), ("answer", exchange.answer)):
        for place, line in enumerate(lines):
            yield f"  {'' if place else name:<11} {line}"


def _facts(rule: Rule, faults: Mapping[str, str], profile: Profile | None) -> Iterator[tuple[str, str]]:
    yield "chapter", rule.chapter
    backing = "where neither document nor cited standard backs it, it warns"
    yield "level", f"{rule.level.value}; {'the profile that names its file backs it' if rule.file else backing}"
    builtin = [loading.load(path) for path in loading.builtin_profiles().values()] if rule.file is None else []
    applying = [each for each in builtin if rule.applies.find(each)]
    if applying:
        yield "", ", ".join(f"{each.name}: {rule.level_for(each).value}" for each in applying)
    yield "safety", rule.safety.value
    for place, source in enumerate(rule.sources):
        yield "" if place else "sources", f"{source} {link(source)}".rstrip()
    yield "control", rule.control.value
    yield "drawn", ", ".join(rule.draws) or "nothing: its cases are a table"
    yield "skipped where", rule.applies.otherwise
    for name in rule.faults:
        yield "fault", f"{name}: {faults[name]}"
    if not rule.faults:
        yield "fault", "none: nothing shows that it can fail"
    if rule.look:
        yield "look at", rule.look
    if profile is not None and rule.file is not None:
        parts = ", ".join(name or "all of it" for name in rule.applies.find(profile))
        yield "applies to", f"{profile.name}: {parts or 'nothing'}"
        return
    yield "applies to", ", ".join(each.name for each in applying) or "none of the built-in profiles"


def list_statements() -> Iterator[str]:
    """Yield every statement of the built-in profiles with the rules and tests that cover it."""
    for place, path in loading.builtin_profiles().items():
        profile = loading.load(path)
        yield f"{place}: {profile.source}"
        for name, statement in profile.statements.items():
            yield f"  {name}  {statement.text}"
            yield f"         {', '.join((*statement.rules, *statement.tests)) or 'NOT COVERED'}"
