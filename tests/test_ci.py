"""What CI runs: nothing that the fast tests leave out is left out there too."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_slow_test_has_a_step() -> None:
    """The file of each slow test, or a folder above it, stands in a command that runs it."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if re.match(r"(\w+=\S+ )*(step|beside) ", line)]
    named = {word for line in commands if " slow " in line for word in line.split() if word.startswith("tests/")}
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
