"""The threat model names tests that exist, and pages stay out of the wheel."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "pytest_apiauth" / "docs" / "threat-model.md"


def test_each_promise_names_what_holds_it() -> None:
    """Each row of the table names a test that exists, and each program that it names is one that CI runs."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| [A-Z]", line)]
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert len(rows) > 12
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for file, name in named:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, row
        for program in re.findall(r"`python -m (tests\.\w+)`", row):
            assert f"-m {program}" in commands, row


def test_pages_are_not_in_the_wheel() -> None:
    """A page is for readers of the repository; an installation has no use for it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "/pytest_apiauth/docs" in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["exclude"]


def test_the_readme_leads_to_it() -> None:
    """Whoever reads the README finds the page."""
    assert PAGE.relative_to(ROOT).as_posix() in (ROOT / "README.md").read_text(encoding="utf-8")
