"""What a rule is, and the register of all of them; no rule itself.

A rule earns its place by a source, a level, an applicability test, a paired control, a safety class
and at least one fault that it catches. `rule` refuses a function that lacks any of them, at import.

The book has one register. A file with a project's own rules has one for itself while it is imported (`registering`);
its rules are called ``FILE.name``, which no rule of the book is, and may lack a fault: they count as unproven then.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_apiauth import bundled
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile.model import Profile

Change = Callable[[Request, Response], Response]
"""Makes another answer of the embedded server's answer to a request: a fault, or a promise that it is told of."""


class Level(enum.Enum):
    """How binding a rule is. MUST and DOC fail if the profile backs them; the others warn.

    >>> Level("MUST") is Level.MUST
    True
    """

    MUST = "MUST"
    DOC = "DOC"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Safety(enum.Enum):
    """The worst that a rule can do to a live system.

    >>> [safety.value for safety in Safety if safety in ALWAYS_ALLOWED]
    ['read-only', 'issue']
    """

    READ_ONLY = "read-only"
    ISSUE = "issue"
    CONSUME = "consume"
    REVOKE = "revoke"
    LOCKOUT = "lockout"
    LOAD = "load"


ALWAYS_ALLOWED = frozenset({Safety.READ_ONLY, Safety.ISSUE})


class Verdict(enum.Enum):
    """What came of one rule on one part of one profile."""

    PASS = "pass"
    FAIL = "fail"
    WARNING = "warning"
    INCONCLUSIVE = "inconclusive"
    SKIP = "skip"
    NOT_RUN = "not run"
    EXPECTED = "expected failure"
    UNEXPECTED = "unexpected pass"


class Control(enum.Enum):
    """How a rule makes sure that its verdict is about the rule and not about something else.

    >>> Control.ITSELF.value
    'the request judged is the valid one itself'
    """

    PAIRED = "the valid request that an altered one came from succeeds before it, and after its refusal again"
    ITSELF = "the request judged is the valid one itself"


PROFILE = "profile"
"""A source: the promise is the profile's own (``zones.needs``, ``api_key.header``, ``grants``)."""
STATED = "statement"
"""A source: no standard says so; a sentence of the document does, if the profile has one that backs the rule."""

_ALWAYS_HOLDS = ("RFC 9110", "RFC 9111", "RFC 3986", PROFILE)


@dataclass(frozen=True, slots=True)
class Parts:
    """The applicability test: which parts of a profile a rule is about.

    ``find`` gives the argument of each part by the part's name; nothing found means that the rule does
    not apply, for the reason ``otherwise``.

    >>> open_zones = Parts("no zone is open", lambda profile: {n: z for n, z in profile.zones.items() if not z.needs})
    >>> open_zones.find(Profile(schema=1))
    {}
    """

    otherwise: str
    find: Callable[[Profile], Mapping[str, Any]]
    foreign: str = ""
    """Why nothing is found where a profile's login is not OAuth's, if these are parts of OAuth."""
    waits_for: str = ""
    """What a run may find out that makes it a pity: then the rule is none that does not apply, but one that was not
    examined for what the profile does not say.
    """

    def reason(self, profile: Profile) -> str:
        """Say why nothing is found in a profile."""
        return self.otherwise if profile.is_oauth or not self.foreign else self.foreign


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a conforming server does."""

    id: str
    chapter: str
    level: Level
    safety: Safety
    sources: tuple[str, ...]
    applies: Parts
    control: Control
    faults: tuple[str, ...]
    function: Callable[..., None]
    draws: Mapping[str, Any] = field(default_factory=dict)
    wire: bool = False
    """Whether it is about connections and bytes, so that only a socket shows the whole of it."""
    first: tuple[Mapping[str, Any], ...] = ()
    """Arguments that are tried before any is drawn, in every run."""
    file: Path | None = None
    """The file of a project's own rule; None for one of the book."""
    breaks: Mapping[str, Change] = field(default_factory=dict)
    """Those of its faults that are functions of that file, by name."""
    keeps: Change | None = None
    """How the embedded server keeps what this rule alone promises."""
    look: str = ""
    """Where whoever has to mend the server looks first, in a line: a rule of the book says so, or its chapter does."""

    @property
    def name(self) -> str:
        """The id without the file that an own rule's begins with: its chapter says that already."""
        return self.id.rpartition(".")[2]

    @property
    def is_unproven(self) -> bool:
        """Whether nothing shows that it can fail."""
        return not self.faults

    @property
    def title(self) -> str:
        """The first line of the rule's docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    def level_for(self, profile: Profile) -> Level:
        """Return the level that binds a profile: what neither its document nor a standard it cites backs, warns.

        A rule of the project's own is backed by the profile that names its file.
        """
        return self.level if self._backing(profile) or self.level is Level.MAY else Level.SHOULD

    def sources_for(self, profile: Profile) -> tuple[str, ...]:
        """Return what binds a profile: standards, then its own sentences; all of the rule's sources if none does."""
        return self._backing(profile) or self.sources

    def _backing(self, profile: Profile) -> tuple[str, ...]:
        if self.file is not None:
            standards = [source for source in self.sources if source != STATED]
        else:
            standards = [source for source in self.sources if _binds(profile, source)]
        return (*standards, *profile.statements_for(self.id))


def _binds(profile: Profile, source: str) -> bool:
    return source.startswith(_ALWAYS_HOLDS) or any(
        re.match(rf"{re.escape(standard)}\b", source) for standard in profile.standards
    )


class RefusedRuleError(ValueError):
    """A rule lacks what every rule has, or another one has its id."""


class Registry:
    """Rules by id: those of the book, or those of one ``file`` of a project's own."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.prefix = "" if file is None else f"{file.stem}."
        self._rules: dict[str, Rule] = {}

    def add(self, rule: Rule) -> None:
        """Register a rule. Raises RefusedRuleError if it has not earned its place."""
        lacking = [
            name
            for name, given in (
                ("a source", rule.sources and all(isinstance(source, str) for source in rule.sources)),
                ("a level", isinstance(rule.level, Level)),
                ("an applicability test", isinstance(rule.applies, Parts)),
                ("a control", isinstance(rule.control, Control)),
                ("a safety class", isinstance(rule.safety, Safety)),
                ("a fault", rule.faults or self.file is not None),
                (
                    "a name for each fault",
                    len(set(rule.faults)) == len(rule.faults) and "<lambda>" not in str(rule.faults),
                ),
                ("a docstring", (rule.function.__doc__ or "").strip()),
                ("where to look first", rule.look or self.file is not None),
                ("an id in lower case with hyphens", re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self._local(rule.id))),
            )
            if not given
        ]
        if lacking:
            raise RefusedRuleError(f"rule {rule.id!r} lacks {' and '.join(lacking)}")
        other = self._rules.get(rule.id)
        if other is not None and self.file is not None:
            raise RefusedRuleError(f"rule {rule.id!r} exists twice: two functions are called {rule.function.__name__}")
        # The book may be imported again, into a registry that outlives its modules.
        if other is not None and other.function.__qualname__ != rule.function.__qualname__:
            raise RefusedRuleError(f"rule {rule.id!r} exists twice: in {other.chapter} and in {rule.chapter}")
        for each in self._rules.values():
            self._refuse_shared(each, rule)
        self._rules[rule.id] = rule

    def _local(self, rule_id: str) -> str:
        return rule_id.removeprefix(self.prefix)

    def _refuse_shared(self, each: Rule, rule: Rule) -> None:
        """Refuse two owners of one fault of the book, and two own faults of one name."""
        shared = sorted(set(each.faults) & set(rule.faults)) if each.id != rule.id else []
        if shared and self.file is None:
            raise RefusedRuleError(f"fault {shared[0]!r} of rule {rule.id!r} is owned by {each.id!r}")
        for name in shared:
            if each.breaks.get(name) is not rule.breaks.get(name):
                raise RefusedRuleError(f"fault {name!r} exists twice: two functions are called {self._local(name)}")

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)

    def __getitem__(self, rule_id: str) -> Rule:
        return self._rules[rule_id]

    def of_chapter(self, chapter: str) -> list[Rule]:
        """The rules of one chapter, in the book's order."""
        return [rule for rule in self._rules.values() if rule.chapter == chapter]


REGISTRY = Registry()
"""The book's."""
_OPEN: dict[str, Registry] = {}
"""Registries of files that are being imported, by the names of their modules."""
Function = Callable[..., None]


@contextmanager
def registering(module: str, registry: Registry) -> Iterator[None]:
    """Let the rules of a module that is about to be imported go to a registry."""
    _OPEN[module] = registry
    try:
        yield
    finally:
        del _OPEN[module]


def _registry_of(module: str) -> Registry | None:
    """Return where the rules of a module go; a file of rules that anybody else imports is a module like any other."""
    return REGISTRY if module.startswith(f"{bundled.PACKAGE}.") else _OPEN.get(module)


def rule(
    level: Level,
    *sources: str,
    applies: Parts,
    catches: str | Change | tuple[str | Change, ...] = (),
    keeps: Change | None = None,
    safety: Safety = Safety.READ_ONLY,
    control: Control = Control.PAIRED,
    wire: bool = False,
    look: str = "",
) -> Callable[[Function], Function]:
    """Register a function as a rule: its id is the function's name with hyphens, its chapter the module.

    ``sources`` are sections of standards (``"RFC 6750 3.1"``), `PROFILE`, or `STATED` if nothing but a sentence of an
    API's document says so; which sentence that is, the profile says (``[statements.NAME] rules``). ``catches`` names
    the faults of the embedded server that this rule must catch, ``safety`` the worst that it does to a live system.
    ``look`` says where to look first if the server breaks it; without, a chapter's ``LOOK`` does, which stands above
    its rules. Raises RefusedRuleError for a rule that lacks one of them, or whose id another function has.

    In a file of a project's own, which a profile names in ``rules``, the id begins with the file's name, and a fault
    may be a function that makes a broken answer of a good one; a rule without any is reported as unproven. What the
    profile does not promise, the embedded server does not keep: there ``keeps`` makes the good answer.

    Example::

        @rule(MUST, "RFC 6750 3.1", applies=token_zones, catches="token-prefix-compare")
        def res_mutated_token(api: Api, zone: Zone) -> None: ...
    """

    def register(function: Function) -> Function:
        registry = _registry_of(function.__module__)
        if registry is None:
            return function
        draws = getattr(function, "apiauth_draws", {})
        first = getattr(function, "apiauth_first", ())
        caught = catches if isinstance(catches, tuple) else (catches,)
        breaks = {registry.prefix + each.__name__: each for each in caught if not isinstance(each, str)}
        registry.add(
            Rule(
                id=registry.prefix + function.__name__.replace("_", "-"),
                chapter=function.__module__.rpartition(".")[2] if registry.file is None else registry.file.stem,
                level=level,
                safety=safety,
                sources=sources,
                applies=applies,
                control=control,
                faults=tuple(each if isinstance(each, str) else registry.prefix + each.__name__ for each in caught),
                function=function,
                draws=draws,
                wire=wire,
                first=first,
                file=registry.file,
                breaks=breaks,
                keeps=keeps,
                look=look or function.__globals__.get("LOOK", ""),
            )
        )
        return function

    return register


def draws(first: Iterable[Mapping[str, Any]] = (), **strategies: Any) -> Callable[[Function], Function]:
    """Draw arguments of a rule with Hypothesis: our settings, our seed, shrunk on failure.

    A strategy may also be a function of the rule's part that gives a strategy. ``first`` is a table of
    arguments that every run tries, however few examples it draws.

    Example::

        @rule(MUST, "RFC 6750 3.1", applies=token_zones, catches="token-prefix-compare")
        @draws([{"edit": Edit("truncate", 999)}], edit=st.builds(Edit, st.just("truncate"), st.integers(1, 999)))
        def res_mutated_token(api: Api, zone: Zone, edit: Edit) -> None: ...
    """

    def mark(function: Function) -> Function:
        function.apiauth_draws = strategies  # type: ignore[attr-defined]
        function.apiauth_first = tuple(first)  # type: ignore[attr-defined]
        return function

    return mark
