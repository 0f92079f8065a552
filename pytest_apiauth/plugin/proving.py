"""The proof of a profile's own rules as test items: one for each rule and fault (``--apiauth-prove``).

The book's rules are proved by this project's own tests; those of a project are proved in its own CI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_apiauth.plugin.own_faults import faults_of, own_files, promises_of
from pytest_apiauth.plugin.run import STATE
from pytest_apiauth.printable import printable
from pytest_apiauth.suite.book import Rule
from pytest_apiauth.suite.judging import Conditions
from pytest_apiauth.suite.own_rules import OwnFile
from pytest_apiauth.suite.proof import why_unproven
from pytest_apiauth.targets.target import Target

if TYPE_CHECKING:
    from pytest_apiauth.embedded import Chosen
    from pytest_apiauth.profile.model import Profile


class OwnChapter(pytest.Collector):
    """A file of a profile's own rules, to be proved."""

    file: OwnFile
    profile: Profile

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each rule and each of its faults; one without any is an item too."""
        own = faults_of(self.config, self.profile)
        for rule in self.file.rules:
            for name in rule.faults or ("",):
                shown = f"{rule.name}[{name.rpartition('.')[2]}]" if name else rule.name
                item: ProofItem = ProofItem.from_parent(self, name=printable(shown))
                item.rule, item.profile, item.fault = rule, self.profile, own.get(name, name)
                item.extra_keyword_matches.add(rule.id)
                yield item


def chapters(parent: pytest.File, profile: Profile) -> Iterator[OwnChapter]:
    """Yield a node for each file of a profile's own rules. Raises CollectError if it names none."""
    files = own_files(parent.config).of(profile)
    if not files:
        raise parent.CollectError(f"{profile.name}: --apiauth-prove: the profile names no rules of its own")
    for file in files:
        found: OwnChapter = OwnChapter.from_parent(
            parent, name=file.chapter, path=parent.path, nodeid=f"{parent.nodeid}::{file.chapter}"
        )
        found.file, found.profile = file, profile
        yield found


class ProofItem(pytest.Item):
    """One rule and one fault that must make it fail."""

    rule: Rule
    profile: Profile
    fault: Chosen

    def runtest(self) -> None:
        """Hold the rule to the fault."""
        __tracebackhide__ = True
        state = self.config.stash[STATE]
        why = "nothing shows that it can fail: @rule(…, catches=…) names a fault"
        if self.fault:
            conditions = Conditions(state.options.examples, state.seed)
            why = why_unproven(self.rule, self._target(()), self._target((self.fault,)), state.redactor, conditions)
        if why:
            pytest.fail(f"{self.rule.id} is unproven: {why}", pytrace=False)

    def _target(self, faults: Iterable[Chosen]) -> Callable[[], Target]:
        state = self.config.stash[STATE]
        on_wire = self.rule.wire or state.options.wire
        faults = [*faults, *promises_of(self.config, self.profile)]
        return lambda: state.targets.double(self.profile, faults, has_connections=on_wire)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Say which profile, rule and fault it is."""
        return self.path, 0, f"{self.parent.name if self.parent else ''}.{self.name}"
