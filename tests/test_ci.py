"""What CI runs: nothing that the fast tests leave out is left out there too."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_slow_test_has_a_step() -> None:
    """The file of each slow test, or a folder above it, stands in a command that runs it."""
    commands = [line for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines() if "step " in line]
    places = {word for line in commands if "-m slow" in line for word in line.split() if word.startswith("tests/")}
    programs = {word.replace(".", "/") for line in commands for word in line.split() if word.startswith("tests.")}
    slow = [
        path.relative_to(ROOT)
        for path in sorted(ROOT.glob("tests/**/test_*.py"))
        if "pytest.mark.slow" in path.read_text(encoding="utf-8") and path != Path(__file__)
    ]

    assert slow
    left_out = [str(path) for path in slow if not {str(path), *map(str, path.parents)} & (places | programs)]
    assert left_out == []
