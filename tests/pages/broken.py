"""Pages with one defect each, so that every check is seen to see something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_apiauth.report.html import page
from tests.pages import checks
from tests.pages.browser import Browser, Screen
from tests.pages.checks import Check
from tests.report.records import crowded

DEFECTS: Final[dict[Check, tuple[str, str, str]]] = {
    checks.silent: ("report.js", '"use strict";', '"use strict"; fetch("https://elsewhere.example/");'),
    checks.fits: ("report.css", "main:focus {", "main { min-width: 60rem; } main:focus {"),
    checks.links: ("report.js", 'if (each.tagName === "DETAILS") each.open = true;', ";"),
    checks.opening: ("report.js", "each.open = !isOpen;", ";"),
    checks.filters: ("report.js", "rule.hidden = !isShown;", ";"),
    checks.keys: ("report.css", "outline: 2px solid var(--focus);", "outline: 0;"),
    checks.copying: ("report.js", "await navigator.clipboard.writeText(text);", ";"),
    checks.themes: ("report.js", "root.dataset.theme = kept;", ";"),
    checks.printed: ("report.css", ".finding::details-content, .group::details-content {", ".no-such-element {"),
    checks.scriptless: ("report.css", "[hidden] { display: none !important; }", "[hidden] { display: block; }"),
    checks.served: ("report.js", '"use strict";', '"use strict"; new Image().src = "/pixel.png";'),
    checks.grave: ("report.css", "--quiet: light-dark(#59626d,", "--quiet: light-dark(#c9d2dd,"),
}
"""The file of each defect, what stands there, and what stands there instead."""


def unseen(browser: Browser, folder: Path) -> Iterator[str]:
    """Yield each check that does not see its defect, or sees one in a page without any."""
    read = page._static
    browser.show_on(Screen(390))
    try:
        for check, (file, before, after) in DEFECTS.items():
            if before not in read(file):
                yield f"{check.__name__}: its defect is none: {file} has no {before!r}"
            page._static = lambda name, file=file, before=before, after=after: (  # type: ignore[assignment]  # as it is called
                read(name).replace(before, after) if name == file else read(name)
            )
            path = folder / f"broken-{check.__name__}.html"
            path.write_text(page.text(crowded(12)), encoding="utf-8")
            if not checks.said(check, browser, path.as_uri()):
                yield f"{check.__name__}: does not see its defect"
    finally:
        page._static = read  # type: ignore[misc,unused-ignore]
