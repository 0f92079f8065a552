"""A project's own rules: the files that a profile names in ``rules``, imported and checked.

Theory of operation. A file is imported by its path, once a run, under a module name made from that path: two files of
one name do not meet, and a file that two profiles name is one module. While it is imported, the rules in it go to a
registry of its own; whoever imports it by another way registers nothing. Its rules are called ``FILE.name``, so that
none is ever called like a rule of the book. All that can be wrong with it is known before anything is sent, and told in
one line each: what cannot be imported, a rule that has not earned its place, names that clash, parts that cannot be
found, faults that do not exist.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from pytest_apiauth import bundled
from pytest_apiauth.errors import ApiAuthError, ProfileError
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.loading import did_you_mean, listed
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Change, RefusedRuleError, Registry, Rule, registering


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of rules, imported."""

    path: Path
    module: ModuleType
    rules: tuple[Rule, ...]

    @property
    def chapter(self) -> str:
        """The name of the chapter that it is."""
        return self.path.stem


class OwnFiles:
    """The files that a run has imported so far; ``faults`` are the names of the embedded server's."""

    def __init__(self, faults: Mapping[str, object]) -> None:
        self._faults = faults
        self._known: dict[Path, OwnFile | str] = {}

    def of(self, profile: Profile) -> tuple[OwnFile, ...]:
        """Return the files that a profile names, imported. Raises ProfileError, one line per mistake."""
        if not profile.rules:
            return ()
        paths = [Path(name) for name in profile.rules]
        wrong = list(_clashes(paths))
        found = [] if wrong else [self._file(path) for path in paths]
        files = tuple(file for file in found if isinstance(file, OwnFile))
        wrong += [file for file in found if isinstance(file, str)]
        for rule in (rule for file in files for rule in file.rules):
            wrong += self._unknown_faults(rule)
            wrong += _wrong_parts(rule, profile)
        if wrong:
            raise ProfileError("\n".join(f"{profile.name}: rules: {line}" for line in wrong))
        return files

    def rules_of(self, profile: Profile) -> dict[str, Rule]:
        """Return every rule that a profile is held to by its id: the book's, then its own. Raises ProfileError."""
        bundled.load_chapters()
        return {rule.id: rule for rule in (*REGISTRY, *(rule for file in self.of(profile) for rule in file.rules))}

    def _file(self, path: Path) -> OwnFile | str:
        if path not in self._known:
            try:
                self._known[path] = _imported(path)
            except ProfileError as error:
                self._known[path] = str(error)
        return self._known[path]

    def _unknown_faults(self, rule: Rule) -> Iterator[str]:
        for name in rule.faults:
            if name not in rule.breaks and name not in self._faults:
                yield f"rule {rule.id}: no fault is called {name!r}{did_you_mean(name, list(self._faults))}"


def _clashes(paths: list[Path]) -> Iterator[str]:
    """Return what is wrong with the names of the files."""
    seen: dict[str, Path] = {}
    for path in paths:
        if path.suffix != ".py" or not path.stem.isidentifier():
            yield f"{_shown(path)}: expected a file of Python that is called like a module, such as shop_rules.py"
        elif path.stem in bundled.load_chapters():
            yield f"{_shown(path)}: the book has a chapter {path.stem!r}: call the file something else"
        elif path.stem in seen:
            yield f"{_shown(path)}: {_shown(seen[path.stem])} has that name too, and ids begin with it"
        seen[path.stem] = path


def _imported(path: Path) -> OwnFile:
    """Import a file of rules. Raises ProfileError, in one line, for whatever keeps it from being one."""
    if not os.path.isfile(path):
        raise ProfileError(f"{_shown(path)}: no such file")
    name = f"apiauth_rules_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module, registry = importlib.util.module_from_spec(spec), Registry(path)
    # By its name here, as dataclasses look their module up.
    sys.modules[name] = module
    try:
        with registering(name, registry):
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # A skip at import, too: a profile of which nothing is examined must not look green.
        sys.modules.pop(name, None)
        raise ProfileError(raised_at(error, path)) from None
    if not len(registry):
        raise ProfileError(f"{_shown(path)}: no rule in it; a rule is a function under @rule of pytest_apiauth.rules")
    return OwnFile(path, module, tuple(registry))


def _wrong_parts(rule: Rule, profile: Profile) -> Iterator[str]:
    """Return what is wrong with the parts of a profile that a rule is about."""
    assert rule.file is not None
    try:
        parts = rule.applies.find(profile)
    except Exception as error:
        yield f"{raised_at(error, rule.file)}, when the parts of {rule.id} were looked for"
        return
    if not isinstance(parts, Mapping) or not all(isinstance(name, str) for name in parts):
        yield f"rule {rule.id}: expected its parts as a table by name, got {type(parts).__name__}"
    elif None in parts.values():
        yield f"rule {rule.id}: a part may be anything but None"


def unknown_in_statements(profile: Profile, rules: Mapping[str, Rule]) -> list[str]:
    """Return a line for each rule that a sentence of the profile's document backs and that there is not."""
    return [
        f"{profile.name}: statements.{name}.rules: no rule {one_line(rule_id)!r}{did_you_mean(rule_id, list(rules))}"
        for name, statement in profile.statements.items()
        for rule_id in statement.rules
        if rule_id not in rules
    ]


def described(function: Change) -> str:
    """Return what a function does to an answer, by the first line of its docstring or else its name."""
    return (function.__doc__ or function.__name__).strip().splitlines()[0]


def guarded(function: Change, file: Path) -> Change:
    """Return a function of a file as the embedded server may call it: its errors are one line, as is a wrong answer."""
    name = f"{file.stem}.{function.__name__}"

    def answer(request: Request, response: Response) -> Response:
        try:
            found: object = function(request, response)
        except Exception as error:
            raise ProfileError(f"{name}: {raised_at(error, file)}") from None
        if not isinstance(found, Response):
            raise ProfileError(f"{name}: expected a Response, got {type(found).__name__}")
        return found

    return answer


def error_in(rule: Rule, error: Exception) -> str:
    """Say in one line what went wrong in a rule of a project's own, without what it had in its hands."""
    assert rule.file is not None
    if isinstance(error, ApiAuthError):
        return str(error)
    advice = "; answer.require(…) would show the request" if isinstance(error, AssertionError) else ""
    return f"the rule itself went wrong: {raised_at(error, rule.file)}{advice}"


def raised_at(error: BaseException, file: Path) -> str:
    """Return an exception in one line, with the last line of a file that it came through.

    A rule that is refused is told by its message alone.
    """
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(file) else None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == str(file):
            line = number
    place = _shown(file) if line is None else f"{_shown(file)}:{line}"
    if isinstance(error, RefusedRuleError):
        return f"{place}: {error}"
    index = -1 if isinstance(error, SyntaxError) else 0
    return f"{place}: {one_line(traceback.format_exception_only(error)[index])}"


def _shown(path: Path) -> str:
    return listed((path,), Path.cwd())
