"""Print the lowest version of each dependency that pyproject.toml promises, as constraints for pip."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print ``name==version`` for each ``name>=version``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    for requirement in (*project["dependencies"], *(each for extra in extras for each in extra)):
        found = re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement)
        assert found, requirement
        print(f"{found[1]}=={found[2]}")


if __name__ == "__main__":
    main()
