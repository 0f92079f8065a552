"""All that a user can say or ask for, with a sentence each: profile keys, options, ini keys, fixtures, marks, commands.

Made from where each is declared: the model of a profile, the tables of options, the fixtures' docstrings, the parsers
of commands. ``pytest_apiauth/docs/reference.md`` is what `page` returns. Standard library and pytest only at import.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from pytest_apiauth.plugin import fixtures, options, overridden

if TYPE_CHECKING:
    from pytest_apiauth.profile.keys import Table

_HEAD: Final = """\
# Reference

Every key of a profile, option, ini key, fixture, mark and command. Made from the code by
`python -m pytest_apiauth reference --markdown`; a test holds this page to it. `python -m pytest_apiauth reference WORD`
prints what has the word in its name, and `python -m pytest_apiauth schema` the JSON Schema of a profile, for editors.

- [Keys of a profile](#keys-of-a-profile)
- [Options](#options)
- [Ini keys](#ini-keys)
- [Fixtures](#fixtures)
- [Marks](#marks)
- [Commands](#commands)
"""
_KEYS: Final = """\
## Keys of a profile

A profile is a file `NAME.apiauth.toml`. Unknown keys are errors that suggest the nearest known one. Where a profile
`extends` another one, its tables are merged with that one's by name, and `false` removes a key or a table. `NAME`
stands for a name of your own. What stands as "where it is" is written `{ env = "VARIABLE" }`, `{ file = "PATH" }` or
`{ keyring = "SERVICE", username = "NAME" }`: a profile says where a secret is, never the secret.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a user can say, with its sentence."""

    kind: str
    name: str
    says: str


class Command(Protocol):
    """A command, as ``python -m pytest_apiauth`` has it: what it does in a line, and its arguments."""

    @property
    def help(self) -> str: ...
    @property
    def arguments(self) -> Callable[[argparse.ArgumentParser], None]: ...


Commands = Mapping[str, Command]


def entries(commands: Commands) -> Iterator[Entry]:
    """Yield everything, in the order of the page.

    >>> next(entry.says for entry in entries({}) if entry.name == "--apiauth-strict")
    'warnings of the suite fail too'
    """
    from pytest_apiauth.profile.keys import tables

    for table in tables():
        yield from (Entry("key", key.path, key.says) for key in table.keys)
    yield from (Entry("option", option.flag, option.help) for option in options.OPTIONS)
    yield from (Entry("ini", key.key, key.help) for key in options.INI_KEYS)
    yield from (Entry("fixture", name, text.partition("\n\n")[0]) for name, text in _fixtures())
    yield from (Entry("mark", mark.name, mark.help) for mark in options.MARKS)
    yield from (Entry("command", name, command.help) for name, command in commands.items())


def lines(commands: Commands, word: str = "") -> Iterator[str]:
    """Yield a line for all that has a word in its name.

    >>> list(lines({}, "max-requests"))
    ['option   --apiauth-max-requests: requests that a live run may send, for each profile']
    """
    for entry in entries(commands):
        if word.lower() in entry.name.lower():
            yield f"{entry.kind:8} {entry.name}: {' '.join(entry.says.split())}"


def page(commands: Commands) -> str:
    """Return the page.

    >>> print(page({}).splitlines()[0])
    # Reference
    """
    return "\n".join(_page(commands))


def _page(commands: Commands) -> Iterator[str]:
    yield _HEAD
    yield _KEYS
    yield from _keys()
    yield from _options()
    yield from _ini_keys()
    yield "## Fixtures"
    yield ""
    yield "What each gives, with an example, is its docstring: `pytest --fixtures -v` prints them."
    yield ""
    yield from _table(("fixture", ""), ((_code(name), _said(text)) for name, text in _fixtures()))
    yield "## Marks"
    yield ""
    yield from _table(("mark", ""), ((_code(mark.call), _cell(mark.help)) for mark in options.MARKS))
    yield from _commands(commands)


def _keys() -> Iterator[str]:
    from pytest_apiauth.profile.keys import tables

    known = list(tables())
    yield ", ".join(f"[{_told(table)}](#{_anchor(_told(table))})" for table in known)
    yield ""
    for table in known:
        yield f"### {_told(table)}"
        yield ""
        if table.name:
            yield f"{_text(table.says)}"
            yield ""
        rows = ((_code(key.name), _cell(key.value), _default(key.default), _cell(key.says)) for key in table.keys)
        yield from _table(("key", "is", "default", ""), rows)


def _told(table: Table) -> str:
    """Return the heading of a table."""
    from pytest_apiauth.profile.keys import IN_LINE

    if table.name in IN_LINE.values():
        return f"What is called '{table.name}'"
    return ", ".join(map(_code, table.headings)) if table.name else "At the top of the file"


def _anchor(heading: str) -> str:
    """Return what GitHub calls a heading in links.

    >>> _anchor("`[token.answer]`")
    'tokenanswer'
    """
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")


def _options() -> Iterator[str]:
    yield "## Options"
    yield ""
    yield "Of `pytest`. Those that may be repeated say so, or take names with commas between."
    yield ""
    rows = ((_code(f"{each.flag} {_taken(each)}".strip()), _cell(each.help)) for each in options.OPTIONS)
    yield from _table(("option", ""), rows)


def _taken(option: options.Option) -> str:
    return "|".join(option.choices) if option.choices else (option.metavar or "")


def _ini_keys() -> Iterator[str]:
    yield "## Ini keys"
    yield ""
    yield "Of pytest's own configuration: `pytest.ini`, or `[tool.pytest.ini_options]` of `pyproject.toml`."
    yield ""
    rows = ((_code(key.key), _default(key.default), _cell(key.help)) for key in options.INI_KEYS)
    yield from _table(("key", "default", ""), rows)


def _fixtures() -> Iterator[tuple[str, str]]:
    """Yield every fixture of ours with its docstring, those that are there to be overridden last."""
    for module in (fixtures, overridden):
        for name in vars(module):
            if name.startswith("apiauth_"):
                yield name, inspect.getdoc(getattr(module, name)) or ""


def _said(docstring: str) -> str:
    """Return what a docstring says before its example."""
    return _cell(re.split(r"\n\n(?:Example)?::", docstring)[0])


def _commands(commands: Commands) -> Iterator[str]:
    yield "## Commands"
    yield ""
    yield "`python -m pytest_apiauth COMMAND`; `--help` after a command prints the same."
    yield ""
    for name, command in commands.items():
        parser = argparse.ArgumentParser(add_help=False)
        command.arguments(parser)
        yield f"### `{name}`"
        yield ""
        yield f"{_text(command.help[0].upper() + command.help[1:])}."
        yield ""
        taken = [(_code(_spelt(action)), _cell(action.help or "")) for action in parser._actions]
        if taken:
            yield from _table(("argument", ""), taken)


def _spelt(action: argparse.Action) -> str:
    """Return how an argument is typed."""
    flags = ", ".join(action.option_strings)
    taken = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    return f"{flags} {taken}".strip()


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]] | list[tuple[str, str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |".replace("|  |", "| |")
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)
    yield ""


def _default(text: str | None) -> str:
    return _code(text) if text and text != "required" else text or ""


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _text(text: str) -> str:
    """Return a text of ours as Markdown: what stands there as code stays code."""
    return " ".join(text.replace("``", "`").split())


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|").replace("<", "&lt;")
