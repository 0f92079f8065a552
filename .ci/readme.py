"""Do what the README says: write its files into a folder, run its commands.

python .ci/readme.py files FOLDER       write every block marked <!-- file: PATH --> into FOLDER
python .ci/readme.py run NAME FOLDER    run the block marked <!-- run: NAME --> in FOLDER
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"<!-- (file|run): (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
README = Path(__file__).resolve().parent.parent / "README.md"


def main() -> int:
    """Run the command line."""
    action, *rest = sys.argv[1:]
    blocks = {(kind, name): text for kind, name, text in BLOCK.findall(README.read_text(encoding="utf-8"))}
    folder = Path(rest[-1])
    if action == "files":
        for (kind, name), text in blocks.items():
            if kind == "file":
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        (folder / "build").mkdir(parents=True, exist_ok=True)
        return 0
    script = blocks[("run", rest[0])]
    print(f"README, {rest[0]}:\n{script}", flush=True)
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
