"""The register as a page for people: ``conformance/README.md`` is what `page` returns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from pytest_apiauth import bundled
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import PROFILE, REGISTRY, STATED, Rule
from pytest_apiauth.suite.listing import unbuilt

_HEAD = """\
# The book of rules

Made from the rules themselves by `python -m pytest_apiauth rules --markdown`; a test holds this page to them.

A rule says one thing that a conforming server does. Its level is what binds an API: **MUST** a standard that the
API cites (HTTP itself always holds), **DOC** its own document; **SHOULD** and **MAY** warn. What neither document nor
cited standard backs, warns as well: hence a column for each built-in profile, with a dash if the rule does not apply.

Its safety class is the worst that it can do to a live system. `read-only` and `issue` (it asks for tokens) always run;
`consume` uses up codes or refresh tokens, `revoke` ends tokens or writes, `lockout` sends wrong passwords and client
secrets, `load` many requests at once: these run live with `--apiauth-allow`, or `live.allow` in the profile.

Of the sources, `{profile}` is the promise of the profile itself, `{stated}` a sentence of the API's document that
names the rule. A fault is a way in which the embedded server breaks the rule; nothing proves a rule but that it catches
its own: `pytest conformance --apiauth-fault zone-open`. `python -m pytest_apiauth rules RULE-ID` shows a rule in full.
"""


def page() -> str:
    """Return the page: every rule by chapter, with its sentence, levels, sources, safety class and faults.

    >>> print(page().splitlines()[0])
    # The book of rules
    """
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    chapters = bundled.load_chapters()
    profiles = {name: loading.load(path) for name, path in loading.builtin_profiles().items()}
    yield _HEAD.format(profile=PROFILE, stated=STATED)
    for name, module in chapters.items():
        rules = REGISTRY.of_chapter(name)
        yield f"## {name.replace('_', ' ').capitalize()}"
        yield ""
        yield (module.__doc__ or "").strip().splitlines()[0]
        yield ""
        yield from _table(rules, profiles)
        yield ""
    yield "## Not built"
    yield ""
    for rule_id, reason in unbuilt().items():
        yield f"- `{rule_id}`: {reason}"
    yield ""


def _table(rules: list[Rule], profiles: Mapping[str, Profile]) -> Iterator[str]:
    names = ["rule", "what holds", *profiles, "sources", "safety", "faults"]
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"
    for rule in rules:
        levels = [_level(rule, profile) for profile in profiles.values()]
        faults = ", ".join(f"`{fault}`" for fault in rule.faults)
        cells = [f"`{rule.id}`", rule.title, *levels, ", ".join(rule.sources), rule.safety.value, faults]
        yield f"| {' | '.join(cells)} |"


def _level(rule: Rule, profile: Profile) -> str:
    return rule.level_for(profile).value if rule.applies.find(profile) else "–"


def chapters() -> str:
    """Return the names of the chapters in one paragraph, each with how many rules it has.

    >>> chapters().partition(": ")[2][:27]
    '`resource` 10, `routes` 5, '
    """
    counted = ", ".join(f"`{name}` {len(REGISTRY.of_chapter(name))}" for name in bundled.load_chapters())
    return textwrap.fill(f"Chapters, each with how many rules it has: {counted}.", 120) + "\n"
