"""Open HTML reports in headless Chromium and use them as people do: python -m tests.pages

Prints a table, a row a report and screen: what it weighs, how soon it can be used, how long a filter takes, what
axe-core finds, and what else is wrong. Says NOT RUN if there is no Chromium, no driver for it (Debian:
``chromium-driver``) or no Selenium here. ``--pictures FOLDER`` keeps what each screen shows; words behind the command
say which reports to open. ``--docs`` makes the pictures of the pages anew.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.chromium.__main__ import NAMES, found

if TYPE_CHECKING:
    from tests.pages.browser import Browser, Screen

MOST: Final = 1_000_000
"""Bytes of a page, at most."""
SECOND: Final = 1000
"""Milliseconds: what writing a page may take, and opening it, and a filter."""


def main() -> int:
    """Print the table; the exit status says whether anything is wrong."""
    options = _options()
    programs = found()
    missing = [name.lower() for name in NAMES if name not in programs]
    missing += [name for name in ("selenium",) if importlib.util.find_spec(name) is None]
    if missing:
        print(f"NOT RUN: no {' and no '.join(missing)} here (Debian: chromium, chromium-driver; pip: --group browser)")
        return 0
    from tests.pages.broken import DEFECTS, unseen
    from tests.pages.browser import Screen, started
    from tests.pages.reports import REPORTS

    if options.docs:
        from tests.pages.pictures import made

        with started(programs) as browser:
            return 1 if made(browser) else 0

    start, wrong = time.monotonic(), 0
    screens = (Screen(1280), Screen(1280, "dark"), Screen(390), Screen(390, "dark"))
    print(f"{'report':18} {'screen':14} {'kB':>5} {'usable':>7} {'filter':>7}  axe-core, and what is wrong")
    with tempfile.TemporaryDirectory(prefix="apiauth-") as folder, started(programs) as browser:
        for number, (name, make) in enumerate(REPORTS.items()):
            if options.only and not any(word in name for word in options.only):
                continue
            if options.turn is not None and options.turn % len(REPORTS) != number:
                print(f"{name:18} not its turn")
                continue
            path = make(Path(folder))
            if path is None:
                print(f"{name:18} NOT RUN: its server is not installed (pip: --group servers)")
                continue
            for screen in screens:
                browser.show_on(screen)
                wrong += _row(
                    browser, name, screen, path, is_first=screen == screens[0], is_open=screen in screens[::3]
                )
                if options.pictures:
                    browser.open(path.as_uri())
                    browser.picture(Path(options.pictures) / f"{path.stem}-{screen.width}-{screen.scheme}.png")
    with tempfile.TemporaryDirectory(prefix="apiauth-") as folder, started(programs) as browser:
        blind = list(unseen(browser, Path(folder)))
        print(f"{len(DEFECTS)} pages with a defect each, {len(blind)} of them unseen")
        for words in blind:
            print(f"    WRONG: {words}")
        wrong += len(blind)
        begun = time.perf_counter()
        REPORTS["300 findings"](Path(folder))
        took = (time.perf_counter() - begun) * SECOND
    print(f"300 findings are written in {took:.0f} ms")
    wrong += took >= SECOND
    print(f"{wrong} things wrong, {time.monotonic() - start:.0f} s")
    return 1 if wrong else 0


def _row(browser: Browser, name: str, screen: Screen, path: Path, *, is_first: bool, is_open: bool) -> int:
    """Look at one report on one screen, and print what came of it. Returns how much is wrong.

    What has nothing to do with the screen is looked at on the first only.
    """
    from tests.pages import checks

    url, size = path.as_uri(), path.stat().st_size
    # The best of three: what else the machine does is not the page's.
    shown, took = map(min, zip(*(checks.usable(browser, url) for _ in range(3)), strict=True))
    wrong = [f"{size} bytes"] if size >= MOST else []
    wrong += [f"usable after {shown:.0f} ms"] if shown >= SECOND else []
    wrong += [f"a filter takes {took:.0f} ms"] if took >= SECOND else []
    known: Counter[str] = Counter()
    for each in checks.violations(browser, url, is_open=is_open):
        known[f"{each['impact']} {each['id']}"] += 1
        if each["impact"] in checks.GRAVE:
            places = [node["html"][:120] for node in each["nodes"][:3]]
            wrong.append(f"axe: {each['impact']} {each['id']} at {len(each['nodes'])} places: {places}")
    wanted = [
        *checks.ANYWHERE,
        *(checks.EACH_WIDTH if screen.scheme == "light" else ()),
        *(checks.ONCE if is_first else ()),
    ]
    for check in wanted:
        browser.show_on(screen)
        wrong += [f"{check.__name__}: {words}" for words in checks.said(check, browser, url)]
    axe = ", ".join(known) or "nothing"
    told = "" if wrong else "; " + ("all holds" if is_first else "holds")
    print(f"{name:18} {screen!s:14} {size / 1000:5.0f} {shown:4.0f} ms {took:4.0f} ms  {axe}{told}", flush=True)
    for words in wrong:
        print(f"    WRONG: {words}")
    return len(wrong)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.pages", description=__doc__)
    parser.add_argument("--pictures", metavar="FOLDER", help="keep a picture of each report on each screen there")
    parser.add_argument(
        "--docs", action="store_true", help="make the pictures of pytest_apiauth/docs anew, and no more"
    )
    parser.add_argument("--turn", type=int, metavar="N", help="open one report, the Nth when counted round and round")
    parser.add_argument("only", nargs="*", metavar="WORD", help="open those reports only whose name has such a word")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
