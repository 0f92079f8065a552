"""What CI runs: nothing that the fast tests leave out is left out there too."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent


def test_every_slow_test_has_a_step() -> None:
    """The file of each slow test, or a folder above it, stands in a command that runs it."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if re.match(r"(\w+=\S+ )*(step|beside) ", line)]
    named = {word for line in commands if " slow " in line for word in line.split() if word.startswith("tests/")}
    # Of what has its turn, each does in the end.
    named = {re.sub(r"\$\w+\*?", "*", name) for name in named}
    places = {str(path.relative_to(ROOT)) for name in named for path in ROOT.glob(name)}
    # A program that hands its own folder to pytest.
    programs = {
        path.parent
        for path in ROOT.glob("tests/*/__main__.py")
        if "pytest.main([str(Path(__file__)" in path.read_text(encoding="utf-8")
    }
    run = {word.replace(".", "/") for line in commands for word in line.split() if word.startswith("tests.")}
    places |= run & {str(path.relative_to(ROOT)) for path in programs}
    slow = [
        path.relative_to(ROOT)
        for path in sorted(ROOT.glob("tests/**/test_*.py"))
        if "pytest.mark.slow" in path.read_text(encoding="utf-8") and path != Path(__file__)
    ]

    assert slow
    left_out = [str(path) for path in slow if not {str(path), *map(str, path.parents)} & places]
    assert left_out == []


def test_a_pull_request_runs_what_contributors_are_told() -> None:
    """The workflow of pull requests has the commands of CONTRIBUTING, on every Python that the project names."""
    jobs: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))[
        "jobs"
    ]
    run = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    told = re.findall(
        r"^\| `(\.venv/bin/(?!pip).*?)` \|", (ROOT / ".github" / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
    )
    tests = "python3 .ci/readme.py run tests ."
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert len(told) == 5
    assert [command for command in told if command not in run and "pytest tests" not in command] == []
    assert tests in run
    assert [f"Programming Language :: Python :: {name}" for name in jobs["tests"]["strategy"]["matrix"]["python"]] == [
        name for name in project["classifiers"] if re.search(r":: 3\.\d+$", name)
    ]
