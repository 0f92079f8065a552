"""The pictures of the pages, made anew by ``python -m tests.pages --docs``.

``report.png`` is the top of the HTML report of a server with faults, ``terminal.png`` what a terminal shows of a few
rules on one; both stand in ``pytest_apiauth/docs``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import jinja2

from tests.pages.browser import Browser, Screen
from tests.pages.reports import ROOT

DOCS: Final = ROOT / "pytest_apiauth" / "docs"
PROFILE: Final = "conformance/jindexe.apiauth.toml"
FAULTS: Final = ("any-credential-suffices", "token-expires-early", "key-name-folded")
SHOWN: Final = ("-k", "public and (key or zone)", "--apiauth-fault=key-name-folded")
COLUMNS: Final = 110
MOST: Final = 200_000
"""Bytes of a picture, at most: whoever reads the page loads it."""
_STYLE: Final = re.compile(r"\x1b\[([\d;]*)m")


def made(browser: Browser) -> int:
    """Make them, and print what each weighs. Returns how many are too large."""
    with tempfile.TemporaryDirectory(prefix="apiauth-") as folder:
        report, terminal = Path(folder) / "report.html", Path(folder) / "terminal.html"
        _run(PROFILE, *(f"--apiauth-fault={name}" for name in FAULTS), f"--apiauth-report={report}")
        terminal.write_text(_page(_run(PROFILE, *SHOWN, "--color=yes")), encoding="utf-8")
        browser.show_on(Screen(1280), height=1200)
        browser.open(report.as_uri())
        # The causes are open, and of the findings the first.
        browser.run("for (const each of document.querySelectorAll('.group')) each.open = true")
        browser.run("document.querySelector('.finding').open = true")
        browser.picture(DOCS / "report.png")
        _whole(browser, terminal, DOCS / "terminal.png")
    large = [path for path in (DOCS / "report.png", DOCS / "terminal.png") if path.stat().st_size > MOST]
    for path in sorted(DOCS.glob("*.png")):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes{', which is too large' if path in large else ''}")
    return len(large)


def _run(*words: str) -> str:
    """Run the suite, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-q", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=ROOT, env=kept | {"COLUMNS": str(COLUMNS)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.stdout


def _page(printed: str) -> str:
    """Return what a terminal shows as a page."""
    source = (Path(__file__).parent / "terminal.html").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True).from_string(source)
    command = " ".join(("pytest", PROFILE, *(f'"{word}"' if " " in word else word for word in SHOWN)))
    return template.render(command=command, pieces=list(_pieces(printed)), columns=COLUMNS)


def _pieces(printed: str) -> Iterator[tuple[str, str]]:
    """Yield each piece of text with the names of its styles."""
    styles: list[str] = []
    for number, piece in enumerate(_STYLE.split(printed)):
        if number % 2 == 0:
            yield " ".join(f"s{style}" for style in styles), piece
        elif piece in ("", "0"):
            styles = []
        else:
            styles += piece.split(";")


def _whole(browser: Browser, page: Path, picture: Path) -> None:
    """Keep all of a page."""
    browser.open(page.as_uri())
    width, height = browser.run("return [document.body.offsetWidth, document.body.offsetHeight]")
    browser.show_on(Screen(width), height=height)
    browser.picture(picture)
