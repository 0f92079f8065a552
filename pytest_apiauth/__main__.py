"""The commands: ``python -m pytest_apiauth COMMAND``."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_apiauth import __version__
from pytest_apiauth.errors import ApiAuthError, ReportError
from pytest_apiauth.printable import printable

if TYPE_CHECKING:
    from pytest_apiauth.credentials.secrets import Redactor
    from pytest_apiauth.profile.model import Profile
    from pytest_apiauth.suite.book import Rule
    from pytest_apiauth.suite.showing import Shown
    from pytest_apiauth.targets.target import Target


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it does in a line, its arguments, and the lines it prints."""

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    lines: Callable[[argparse.Namespace], Iterator[str]]
    is_for_shells: bool = False
    """Whether what it prints becomes a word of a shell's, as it is and without a line break."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status: 2 for bad input, in one line."""
    parser = argparse.ArgumentParser(prog="python -m pytest_apiauth", description="The commands of pytest-apiauth.")
    parser.add_argument("--version", action="version", version=f"pytest-apiauth {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.help, description=f"{command.help}."))
    asked = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no such letter is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    try:
        for line in COMMANDS[asked.command].lines(asked):
            if COMMANDS[asked.command].is_for_shells:
                sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape"))
                sys.stdout.flush()
            else:
                print(printable(line), flush=True)
    except ApiAuthError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has seen enough (`| head`).
        _drop_output()
        return 128 + 13
    except OSError as error:
        # A disk that is full, of standard output too, or a folder for temporary files that is not there.
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        print(printable(f"{asked.command}: {where}{error.strerror or error}"), file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            _drop_output()
        return 2
    return 0


def _drop_output() -> None:
    """Have what is still buffered go nowhere, or Python's exit would fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# Each command imports what it needs when it is run.


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="+", metavar="WORD",
        help="a variable's name, or a text with ${NAME} in it, and steps: reverse, extend x, form, base64, ...",
    )  # fmt: skip


def _edit_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.auth import editing

    yield editing.made(asked.words, os.environ)


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="OpenAPI 3.x, Swagger 2.0 or RFC 8414 document: a file or a URL, or the origin of an API",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="what to write; default: TITLE.apiauth.toml")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def _init_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth import discover

    return discover.init(asked.source, asked.output, force=asked.force)


def _profile_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", help="a profile: its name or path; dastra, jindexe, digishare are built in"
    )


def _profile_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pathlib import Path

    from pytest_apiauth.profile import loading

    file = loading.find_from(Path.cwd(), asked.name)
    loading.load(file)
    return iter(file.read_text(encoding="utf-8").splitlines())


def _record_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="profile, by name or path")
    parser.add_argument("--all", action="store_true", help="all built-in profiles")
    parser.add_argument("--live", action="store_true", help="from the real API, with your credentials")
    parser.add_argument("--force", action="store_true", help="overwrite a cassette whose shape has changed")
    parser.add_argument("--folder", default="cassettes", help="where cassettes are (default: ./cassettes)")


def _record_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.recording import command
    from pytest_apiauth.targets.apps.importing import logging_in

    return command.run(asked, logging_in)


def _scan_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "places", nargs="*", metavar="PLACE", default=["cassettes"],
        help="folders of cassettes, or files, of which those that are none are passed over (default: ./cassettes)",
    )  # fmt: skip


def _scan_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.recording import command

    return command.scan(asked)


def _rules_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule_id", nargs="?", metavar="RULE-ID", help="explain this rule")
    parser.add_argument("--profile", metavar="NAME", help="print its own rules too: a profile, by name or path")
    parser.add_argument("--statements", action="store_true", help="print every statement of the built-in documents")
    parser.add_argument("--markdown", action="store_true", help="print every rule as a page in Markdown")


def _rules_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.suite import catalogue, listing

    if asked.statements:
        return listing.list_statements()
    if asked.markdown:
        return iter(catalogue.page().splitlines())
    from pytest_apiauth.embedded import FAULTS
    from pytest_apiauth.profile import loading
    from pytest_apiauth.suite.own_rules import OwnFiles, described

    profile = loading.load(loading.find_from(Path.cwd(), asked.profile)) if asked.profile else None
    files = OwnFiles(FAULTS).of(profile) if profile is not None else ()
    own = [rule for file in files for rule in file.rules]
    if not asked.rule_id:
        return listing.list_rules(own)
    faults = {name: fault.description for name, fault in FAULTS.items()}
    faults |= {name: described(function) for rule in own for name, function in rule.breaks.items()}
    return listing.explain(asked.rule_id, faults, own, profile, _shown)


def _shown(rule: Rule) -> Shown | None:
    """Run a rule of the book on the embedded server with its first fault, and without."""
    from pytest_apiauth.suite import showing
    from pytest_apiauth.targets.choose import double

    if rule.file is not None:
        return None

    def build(profile: Profile, faults: tuple[str, ...], redactor: Redactor) -> Target:
        return double(profile, faults, redactor=redactor, has_connections=rule.wire)

    return showing.shown(rule, rule.faults[0], showing.examples(rule), build)


def _named_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", nargs="?", default="", metavar="WORD", help="only those that have it")


def _variants_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.embedded import listed

    return listed("variant", asked.word)


def _faults_arguments(parser: argparse.ArgumentParser) -> None:
    _named_arguments(parser)
    parser.add_argument(
        "--profile", metavar="NAME", help="print those of its own rules too: a profile, by name or path"
    )


def _faults_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.embedded import FAULTS, listed
    from pytest_apiauth.profile import loading
    from pytest_apiauth.suite.own_rules import OwnFiles, described

    profile = loading.load(loading.find_from(Path.cwd(), asked.profile)) if asked.profile else None
    files = OwnFiles(FAULTS).of(profile) if profile is not None else ()
    own = {name: described(function) for file in files for rule in file.rules for name, function in rule.breaks.items()}
    return listed("fault", asked.word, own)


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a profile: its name or path")
    parser.add_argument("--grant", metavar="GRANT", help="a grant of the profile; default: the one that clients use")
    parser.add_argument("--user", metavar="USER", help="a user of the profile; default: the grant's own")
    parser.add_argument("--script", action="store_true", help="log in by the profile's [login], without a person")
    parser.add_argument("--no-browser", action="store_true", help="print the URL to log in at, open no browser")
    parser.add_argument("--paste", action="store_true", help="take the answer from standard input, listen nowhere")
    parser.add_argument(
        "--wait", type=_seconds, default=300.0, metavar="SECONDS", help="how long to wait for the login (default: 300)"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86400:
        raise argparse.ArgumentTypeError("expected seconds, from above 0 to 86400 (a day)")
    return seconds


def _token_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.login import interactive
    from pytest_apiauth.targets.apps.importing import logging_in

    script = logging_in if asked.script else None
    way = interactive.Way(opens_browser=not asked.no_browser, pastes=asked.paste, wait=asked.wait, script=script)
    return interactive.obtain(asked.name, grant=asked.grant, user=asked.user, way=way)


def _schema_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", action="store_true", help="that of the JSON report")


def _schema_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.profile import keys
    from pytest_apiauth.report import schema as of_report

    yield json.dumps(of_report.schema() if asked.report else keys.schema(), indent=2)


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a report that --apiauth-report=FILE.json has written")
    parser.add_argument("later", nargs="?", metavar="LATER", help="one of a later run: what has changed is printed too")
    parser.add_argument(
        "-o", "--output", action="append", default=[], metavar="FILE",
        help="write the report of RUN, or of LATER, in another format, by the ending; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show how to see each warning, and what was skipped"
    )
    parser.add_argument("--statement", action="store_true", help="print what may be said of the run in public, only")


def _report_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.report import command

    places = [asked.run, *([asked.later] if asked.later else [])]
    try:
        yield from command.run(places, asked.output, is_verbose=asked.verbose, states=asked.statement)
    except command.ReportError as error:
        raise ReportError(str(error)) from None


def _reference_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", nargs="?", default="", metavar="WORD", help="only what has it in its name")
    parser.add_argument("--markdown", action="store_true", help="print all of it as a page in Markdown")


def _reference_lines(asked: argparse.Namespace) -> Iterator[str]:
    from pytest_apiauth.plugin import reference

    return iter(reference.page(COMMANDS).splitlines()) if asked.markdown else reference.lines(COMMANDS, asked.word)


COMMANDS = {
    "edit": Command(
        "print what is made of variables of the environment, for curl lines", _edit_arguments, _edit_lines, True
    ),
    "faults": Command("list the faults that the embedded server can have", _faults_arguments, _faults_lines),
    "init": Command("write a profile from an OpenAPI or metadata document", _init_arguments, _init_lines),
    "profile": Command("print a profile, a built-in one or your own", _profile_arguments, _profile_lines),
    "record": Command("record the cassettes of a token endpoint", _record_arguments, _record_lines),
    "reference": Command(
        "print every key of a profile, option, ini key, fixture, mark and command, with a sentence each",
        _reference_arguments,
        _reference_lines,
    ),
    "report": Command(
        "print a saved report, write it in other formats, compare it with a later one", _report_arguments, _report_lines
    ),
    "rules": Command("print the rules, one rule in full, or the statements they cover", _rules_arguments, _rules_lines),
    "scan": Command("search cassettes for secrets", _scan_arguments, _scan_lines),
    "schema": Command("print the JSON Schema of a profile file, or of a report", _schema_arguments, _schema_lines),
    "token": Command(
        "get a token by a grant of a profile from its real server, and keep the refresh token for live runs",
        _token_arguments,
        _token_lines,
    ),
    "variants": Command("list the variants that the embedded server can have", _named_arguments, _variants_lines),
}


if __name__ == "__main__":
    raise SystemExit(main())
