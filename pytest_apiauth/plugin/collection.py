"""From a profile file to test items: one module node a chapter, one item a rule and part.

What a rule is, the register says and no ini of the consumer's does: items are made from the register, and
their number is checked against it. A file of the project's own rules is one more chapter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.errors import ApiAuthError
from pytest_apiauth.plugin.announcements import shown_file, shown_url
from pytest_apiauth.plugin.collecting import SMOKE, Extent
from pytest_apiauth.plugin.entries import Examined, entry_of
from pytest_apiauth.plugin.explaining import explained
from pytest_apiauth.plugin.keys import ENTRY
from pytest_apiauth.plugin.own_faults import own_files
from pytest_apiauth.plugin.run import STATE
from pytest_apiauth.printable import printable
from pytest_apiauth.profile.lines import line_of
from pytest_apiauth.profile.loading import did_you_mean
from pytest_apiauth.report.record import NotReady
from pytest_apiauth.same import Same
from pytest_apiauth.suite import expectations, own_rules
from pytest_apiauth.suite.book import REGISTRY, Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, Outcome, judge
from pytest_apiauth.targets.apps.host import django_is_configured
from pytest_apiauth.targets.apps.supplied import FIXTURE
from pytest_apiauth.targets.choose import choose
from pytest_apiauth.targets.recorded import CHAPTERS as REPLAYED
from pytest_apiauth.targets.recorded import OF_VALUES
from pytest_apiauth.targets.target import TargetKind

FIXTURES: pytest.StashKey[dict[object, Any]] = pytest.StashKey()
"""What pytest knows of the fixtures of items, by what decides it. It is looked up once for those that have the same, as
pytest does for a parametrised test: for each of them it takes longer than the item."""


class ProfileFile(pytest.File):
    """A ``NAME.apiauth.toml`` file."""

    extent: Extent = "all"
    kind: TargetKind
    """What its rules meet in this run."""

    @cached_property
    def shown(self) -> str:
        """Its path, as people read it."""
        return shown_file(self.config.stash[STATE], self.path)

    @cached_property
    def text(self) -> str:
        """What stands in it; a file that is gone by now has no lines to name."""
        try:
            return self.path.read_text(encoding="utf-8")
        except OSError:
            return ""

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield one node a chapter. Raises CollectError, one line per mistake, for a bad profile."""
        state = self.config.stash[STATE]
        own = own_files(self.config)
        try:
            self.profile = state.load(self.path)
            self.kind = choose(self.profile, state.options, "rules")
            self.rules = own.rules_of(self.profile)
            self.rules_in = _by_chapter(self.rules.values())
            chapters = {**bundled.load_chapters(), **{file.chapter: file.module for file in own.of(self.profile)}}
        except ApiAuthError as error:
            raise self.CollectError(str(error)) from None
        wrong = expectations.unmatched(self.profile, self.rules)
        wrong += own_rules.unknown_in_statements(self.profile, self.rules)
        if wrong:
            raise self.CollectError("\n".join(wrong))
        if state.options.prove:
            from pytest_apiauth.plugin import proving

            yield from proving.chapters(self, self.profile)
            return
        replayed = state.options.replay
        homeless = [rule.id for rule in REGISTRY if rule.chapter not in chapters]
        if homeless or not len(REGISTRY):
            raise self.CollectError(f"rules outside the book's chapters: {homeless or 'no rule at all'}")
        for name, module in chapters.items():
            if replayed and name not in REPLAYED:
                continue
            # The profile's own path: --lf leaves out files whose path has not failed, and a conftest.py counts
            # for what lies beside it.
            chapter: Chapter = Chapter.from_parent(self, name=name, path=self.path, nodeid=f"{self.nodeid}::{name}")
            chapter.obj = module
            yield chapter

    def teardown(self) -> None:
        """Let go of what its rules share, since the next test is none of them: memory is for one profile at a time."""
        self.config.stash[STATE].examinations.release(self.path)


class Chapter(pytest.Module):
    """One chapter of the suite, for one profile."""

    @cached_property
    def surroundings(self) -> tuple[str, ...]:
        """What decides which fixtures its items have, beside their arguments: its folder, its name, marks above it."""
        asked = (str(name) for mark in self.iter_markers("usefixtures") for name in mark.args)
        return (str(self.path.parent), self.name, *asked)

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each rule and part; a rule that does not apply is one item, skipped with its reason."""
        profile_file = self.parent
        assert isinstance(profile_file, ProfileFile)
        for rule in profile_file.rules_in[self.name]:
            if profile_file.extent == "smoke" and rule.id not in bundled.smoke():
                continue
            parts = rule.applies.find(profile_file.profile)
            if not parts:
                yield self._item(rule, "", None)
            for part, argument in parts.items():
                yield self._item(rule, part, argument)

    def _item(self, rule: Rule, part: str, argument: object) -> RuleItem:
        profile_file = self.parent
        assert isinstance(profile_file, ProfileFile)
        applies, is_app = argument is not None, profile_file.kind.is_app
        function = _function(Same(rule), applies=applies, is_app=is_app)
        # A part has its name from the profile, and pytest prints names as they are.
        name = _shown(f"{rule.name}[{part}]" if part else rule.name)
        known = self.config.stash.setdefault(FIXTURES, {})
        place = self.surroundings, function.__name__
        item: RuleItem = RuleItem.from_parent(self, name=name, callobj=function, fixtureinfo=known.get(place))
        known.setdefault(place, getattr(item, "_fixtureinfo", None))
        item.fixturenames = [*item.fixturenames]  # which a conftest.py may add to, of one and not of others
        item.rule, item.part, item.argument = rule, part, argument
        if applies and is_app and uses_django_database(self.config):
            # Each rule is a test of the project like any other: its database access is let through and rolled back.
            item.add_marker(pytest.mark.django_db(databases="__all__"))
        item.extra_keyword_matches.add(rule.id)
        for mark in getattr(rule.function, "pytestmark", ()):
            item.add_marker(getattr(pytest.mark, mark.name).with_args(*mark.args, **mark.kwargs))
        if rule.wire:
            item.add_marker("apiauth_wire")
        if rule.id in bundled.smoke():
            item.add_marker(SMOKE)
        return item


_shown = lru_cache(1024)(printable)


def _by_chapter(rules: Iterable[Rule]) -> Mapping[str, list[Rule]]:
    found = defaultdict(list)
    for rule in rules:
        found[rule.chapter].append(rule)
    return found


@cache
def _function(same: Same[Rule], *, applies: bool, is_app: bool) -> Callable[..., None]:
    """Return what pytest calls for a rule: one for all its items, as there may be thousands of them."""

    def examine(request: pytest.FixtureRequest, _apiauth_examination: Examination) -> None:
        request.node.examine(_apiauth_examination)

    def examine_app(
        request: pytest.FixtureRequest, apiauth_credentials: object, _apiauth_examination: Examination
    ) -> None:
        request.node.examine(_apiauth_examination)

    def not_applicable(request: pytest.FixtureRequest) -> None:
        request.node.pass_over()

    found: Callable[..., None] = (examine_app if is_app else examine) if applies else not_applicable
    found.__doc__ = same.value.function.__doc__
    return found


class RuleItem(pytest.Function):
    """One rule on one part of one profile."""

    rule: Rule
    part: str
    argument: object
    """What of the profile the part is; None if the rule does not apply to it."""
    requests: int = 0
    tokens_issued: int = 0
    not_ready: NotReady | None = None
    """Why the profile could not be examined, if it was this item that found out."""
    expected: Mapping[str, str] = MappingProxyType({})
    """The expected failures that count here, with their reasons, by rule id."""

    @property
    def id(self) -> Any:
        """The node id in pytest's structured form (9.2), as it is read from a string: --lf compares those."""
        return type(super().id).parse(self.nodeid)

    @property
    def profile_file(self) -> ProfileFile:
        """The file that the item comes from."""
        found = self.getparent(ProfileFile)
        assert found is not None
        return found

    def setup(self) -> None:
        """Set the fixtures up; if the project's own credentials failed before, that is why this is not run."""
        state = self.config.stash[STATE]
        path = self.profile_file.path
        reason = state.examinations.why_not_ready(path)
        if reason is not None and self.applies:
            self.record(Outcome(Verdict.NOT_RUN, self.rule.level, reason))
            pytest.skip(f"not run: {reason}")
        try:
            super().setup()
        except (Exception, pytest.fail.Exception) as error:
            asked = FIXTURE in self.fixturenames and FIXTURE not in self.funcargs
            if asked:
                name = self.profile_file.profile.name
                reason = f"{name}: {FIXTURE}, or a fixture before it, failed: {type(error).__name__}"
                state.examinations.give_up(path, reason)
                self.not_ready = NotReady("not ready", reason)
                self.record(Outcome(Verdict.NOT_RUN, self.rule.level, reason))
            raise

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Say which profile and rule it is: what a person has at hand is the profile, so no line of ours."""
        return self.profile_file.path, 0, f"{self.parent.name if self.parent else ''}.{self.name}"

    @property
    def applies(self) -> bool:
        """Whether there is anything in the profile that the rule is about."""
        return self.argument is not None

    def pass_over(self) -> None:
        """Tell pytest that the rule does not apply."""
        __tracebackhide__ = True
        self.finish(Outcome(Verdict.SKIP, self.rule.level, self.rule.applies.reason(self.profile_file.profile)))

    def examine(self, examination: Examination) -> None:
        """Judge the rule and tell pytest."""
        __tracebackhide__ = True
        state = self.config.stash[STATE]
        profile, safety = examination.profile, self.rule.safety.value
        if examination.target.kind.is_live and safety not in state.limits.allowed(profile):
            reason = f"needs --apiauth-allow {safety}"
            self.finish(Outcome(Verdict.SKIP, self.rule.level_for(profile), reason, is_out_of_reach=True))
        if state.options.replay and self.rule.id in OF_VALUES:
            self.finish(Outcome(Verdict.SKIP, self.rule.level_for(profile), OF_VALUES[self.rule.id]))
        outcome = self._judged(examination)
        if outcome.verdict is Verdict.WARNING and state.options.strict:
            outcome.verdict = Verdict.FAIL
        if examination.target.kind.is_real and not self.config.getoption("runxfail"):
            self.expected = expectations.concerning(profile, self.rule.id, self.part, outcome.breaches)
            outcome = expectations.applied(outcome, self.expected, self.rule.id)
        self.finish(outcome)

    def _judged(self, examination: Examination) -> Outcome:
        """Judge the rule; an own one may end itself by pytest's words, as tests do."""
        state = self.config.stash[STATE]
        level = self.rule.level_for(examination.profile)
        try:
            outcome = judge(self.rule, examination, self.argument, Conditions(state.options.examples, state.seed))
        except pytest.skip.Exception as reason:
            return Outcome(Verdict.SKIP, level, f"skipped by the rule itself: {reason.msg}")
        except pytest.fail.Exception as reason:
            words = f"{type(reason).__name__} by the rule itself, where answer.require(…) would show the request"
            return Outcome(Verdict.INCONCLUSIVE, level, f"{words}: {reason.msg}")
        unknown = (outcome.breaches.keys() | outcome.filed.keys()) - self.profile_file.rules.keys()
        if unknown:
            words = f"a finding is filed under {', '.join(sorted(unknown))}, which is no rule"
            return Outcome(Verdict.INCONCLUSIVE, level, f"the rule itself went wrong: {words}")
        return outcome

    def finish(self, outcome: Outcome) -> None:
        """Keep the record for the reports and end the test as the verdict says."""
        __tracebackhide__ = True
        self.record(outcome)
        if outcome.cause and outcome.verdict in (Verdict.FAIL, Verdict.SKIP):
            self.user_properties.append(("apiauth_cause", outcome.cause))
        if outcome.verdict is Verdict.SKIP:
            pytest.skip(outcome.reason)
        if outcome.verdict is Verdict.WARNING:
            advice = [f"advised {one.expected}, got {one.got}" for one in outcome.advice]
            words = dict.fromkeys(advice if outcome.is_advice else [outcome.reason, *advice])
            self.user_properties += [("apiauth_warning", each) for each in words]
        if outcome.verdict is Verdict.EXPECTED:
            pytest.xfail(outcome.reason)
        if outcome.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.UNEXPECTED):
            self.user_properties.append(("apiauth_verdict", outcome.verdict.value))
            profile, redactor = self.profile_file.profile, self.config.stash[STATE].redactor
            pytest.fail(explained(self.rule, profile, outcome, redactor), pytrace=False)

    def record(self, outcome: Outcome) -> None:
        """Keep what the reports need; what was sent before, to make the profile ready, say, counts too."""
        self.requests += outcome.requests
        self.tokens_issued += outcome.tokens_issued
        state, file = self.config.stash[STATE], self.profile_file
        examined = Examined(
            file.profile,
            file.kind,
            shown_url(state, file.profile, file.kind),
            file.rules,
            self.rule,
            self.part,
            self.requests,
            self.tokens_issued,
            self.not_ready,
            self.expected,
            file.shown,
            line_of(file.text, self.part),
        )
        self.stash[ENTRY] = entry = entry_of(examined, outcome, state.redactor)
        self.user_properties = [
            ("apiauth_rule", self.rule.id),
            ("apiauth_level", entry.level),
            ("apiauth_sources", ", ".join(entry.rule.sources)),
            *(("apiauth_filed", f"{each.verdict} {each.rule.id}") for each in entry.filed),
        ]


def uses_django_database(config: pytest.Config) -> bool:
    """Whether pytest-django is there, with settings that name a database."""
    return config.pluginmanager.hasplugin("django") and django_is_configured()


def unexamined(faults: Iterable[str], items: Iterable[pytest.Item]) -> Iterator[str]:
    """Return a line for each fault that no rule of this run can catch; none without any rule."""
    rules = [item for item in items if isinstance(item, RuleItem)]
    at_work = {item.rule.id for item in rules if item.applies}
    owners: dict[str, list[str]] = {}
    for rule in {rule.id: rule for item in rules for rule in item.profile_file.rules.values()}.values():
        for name in rule.faults:
            owners.setdefault(name, []).append(rule.id)
    for name in faults if rules else ():
        if name not in owners:
            yield f"no fault of these profiles' own rules is called {name!r}{did_you_mean(name, list(owners))}"
        elif at_work.isdisjoint(owners[name]):
            yield (
                f"{name!r} is caught by the rule {owners[name][0]}, which is not among the collected tests or"
                " applies to none of these profiles; name a profile that documents what the rule is about"
            )
