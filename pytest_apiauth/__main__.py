"""The commands: ``python -m pytest_apiauth COMMAND``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pytest_apiauth", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("schema", help="print the JSON Schema of a profile file")
    parser.parse_args(arguments)
    print(json.dumps(schema(), indent=2))
    return 0


def schema() -> dict[str, object]:
    """Give the JSON Schema of the file format, for editors: ``extends`` included, which loading resolves."""
    from pytest_apiauth.profile import Profile

    found = Profile.model_json_schema(by_alias=True)
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "pytest-apiauth profile"
    found["properties"]["extends"] = {
        "type": "string", "description": "Built-in profile (dastra, jindexe, digishare) or path of one to build on",
    }  # fmt: skip
    return found


if __name__ == "__main__":
    raise SystemExit(main())
