"""Do what the pages say, the README and the others: write their files into a folder, run their commands.

python .ci/readme.py files FOLDER       write every block marked <!-- file: PATH --> into FOLDER
python .ci/readme.py run NAME FOLDER    run the block marked <!-- run: NAME --> in FOLDER, and compare what it prints
                                        with the blocks marked <!-- output: NAME -->
python .ci/readme.py show NAME FOLDER   run it, and write what it prints into those blocks
python .ci/readme.py write              write what is made from the code: the README's table, the page of reference

A run may be in a folder of FOLDER, and end with another exit status than 0: <!-- run: NAME in first exits 1 -->. What
is shown of an output may be a part of it, from the first line that has a text to the next one that has another:
<!-- output: NAME from FAILURES to sources -->.
A block of commands that cannot be run says why: <!-- not run: it asks the real API -->.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    ROOT / "README.md",
    *sorted((ROOT / "pytest_apiauth" / "docs").glob("*.md")),
    ROOT / "tests" / "README.md",
    ROOT / ".github" / "CONTRIBUTING.md",
)
BLOCK = re.compile(r"^<!-- (file|run|output): (\S+)(?: ([^\n]*?))? -->\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MADE = re.compile(r"^(<!-- made: (\w+) -->\n).*?^(<!-- end -->)$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A marked block of a page: its kind, its name, what else its mark says, and what stands in it."""

    page: Path
    kind: str
    name: str
    more: str
    text: str
    place: slice
    """Where the text is on the page."""


def blocks(kind: str, name: str = "") -> Iterator[Block]:
    """Yield the blocks of a kind on all pages, or those of a name."""
    for page in PAGES:
        for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
            block = Block(page, found[1], found[2], found[3] or "", found[4], slice(*found.span(4)))
            if block.kind == kind and name in ("", block.name):
                yield block


def main() -> int:
    """Run the command line."""
    action, *rest = sys.argv[1:]
    if action == "write":
        return write()
    folder = Path(rest[-1])
    if action == "files":
        for block in blocks("file"):
            path = folder / block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        (folder / "build").mkdir(parents=True, exist_ok=True)
        return 0
    status, printed = run(rest[0], folder)
    if status == 0:
        for shown in reversed([*blocks("output", rest[0])]):  # from below, so that places stay what they are
            status = compare(shown, printed) if action == "run" else replace(shown, printed)
            if status:
                break
    return status


def run(name: str, folder: Path) -> tuple[int, str]:
    """Run a block of commands. Returns 0 if it ended as its mark says, and what it printed."""
    (block,) = blocks("run", name)
    print(f"{block.page.relative_to(ROOT)}, {name}:\n{block.text}", flush=True)
    said = re.fullmatch(r"(?:in (\S+) ?)?(?:exits (\d+))?", block.more)
    assert said is not None, block.more
    lines = []
    command, place = ["bash", "-euo", "pipefail", "-c", block.text], folder / (said[1] or "")
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            lines.append(line.decode(errors="replace"))
    status = 0 if process.returncode == int(said[2] or 0) else (process.returncode or 1)
    return status, "".join(lines)


def part(block: Block, printed: str) -> str:
    """Return what a block shows of an output; nothing if that is not there."""
    if not block.more:
        return printed
    cut = re.fullmatch(r"from (.+) to (.+)", block.more)
    assert cut is not None, block.more
    lines = rf"^[^\n]*{re.escape(cut[1])}.*?\n[^\n]*{re.escape(cut[2])}[^\n]*\n"
    found = re.search(lines, printed, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def steady(text: str) -> str:
    """Return an output without what differs from run to run: times, the lines around them, requests by that time."""
    text = re.sub(r"\b\d+ requests\b", "N requests", re.sub(r"\b\d+(\.\d+)? ?s\b", "N s", text))
    return re.sub(r"=+", "=", text)


def compare(block: Block, printed: str) -> int:
    """Return 0 if a block shows what was printed, or say what it should."""
    now = part(block, printed)
    if now and steady(now) == steady(block.text):
        return 0
    print(f"{block.page.relative_to(ROOT)}: not what {block.name} prints ({block.more}). Printed was:\n{now}")
    return 1


def replace(block: Block, printed: str) -> int:
    """Write what was printed into a block."""
    now = part(block, printed)
    if not now:
        print(f"{block.page.relative_to(ROOT)}: {block.name} prints nothing {block.more}")
        return 1
    if steady(now) != steady(block.text):
        text = block.page.read_text(encoding="utf-8")
        block.page.write_text(text[: block.place.start] + now + text[block.place.stop :], encoding="utf-8")
    return 0


def made(text: str) -> str:
    """Return a page with the parts that are made from the code as today's code makes them."""
    from pytest_apiauth.suite import catalogue

    makers = {"chapters": catalogue.chapters}
    return MADE.sub(lambda found: found[1] + makers[found[2]]() + found[3], text)


def write() -> int:
    """Write what is made from the code."""
    from pytest_apiauth.__main__ import COMMANDS
    from pytest_apiauth.plugin import reference

    readme = ROOT / "README.md"
    readme.write_text(made(readme.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / "pytest_apiauth" / "docs" / "reference.md").write_text(reference.page(COMMANDS), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
