"""The commands: ``python -m pytest_apiauth COMMAND``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from pytest_apiauth.errors import ApiAuthError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pytest_apiauth", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("schema", help="print the JSON Schema of a profile file")
    rules = commands.add_parser("rules", help="print the rules, one rule in full, or the statements they cover")
    rules.add_argument("rule_id", nargs="?", metavar="RULE-ID", help="explain this rule")
    rules.add_argument("--statements", action="store_true", help="print every statement of the built-in documents")
    from pytest_apiauth.cassettes import command

    command.declare(commands)
    asked = parser.parse_args(arguments)
    try:
        for line in _lines(asked):
            print(line)
    except ApiAuthError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _lines(asked: argparse.Namespace) -> Iterator[str]:
    if asked.command == "schema":
        yield json.dumps(schema(), indent=2)
        return
    if asked.command in ("record", "scan"):
        from pytest_apiauth.cassettes import command

        yield from (command.run if asked.command == "record" else command.scan)(asked)
        return
    from pytest_apiauth import register

    if asked.statements:
        yield from register.list_statements()
    elif asked.rule_id:
        yield from register.explain(asked.rule_id)
    else:
        yield from register.list_rules()


def schema() -> dict[str, object]:
    """Give the JSON Schema of the file format, for editors: ``extends`` included, which loading resolves."""
    from pytest_apiauth.profile import Profile

    found = Profile.model_json_schema(by_alias=True)
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "pytest-apiauth profile"
    found["properties"]["extends"] = {
        "type": "string",
        "description": "Built-in profile (dastra, jindexe, digishare) or path of one to build on",
    }
    return found


if __name__ == "__main__":
    raise SystemExit(main())
