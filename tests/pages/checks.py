"""What must hold of a page in a browser, each a function that says what is wrong; an empty list if nothing is.

Elements are found as a person finds them: what is looked for must be on the screen, and what is typed goes where the
focus is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from selenium.common.exceptions import WebDriverException

from tests.pages.browser import Browser, Scheme

AXE: Final = Path(__file__).parents[1] / "data" / "axe-core" / "axe.min.js"
GRAVE: Final = ("serious", "critical")
VISIBLE: Final = "[...document.querySelectorAll('.rule')].filter(e => !e.closest('[hidden]'))"
OF: Final = "(e, n) => e.closest(`[data-${n}]`).dataset[n]"
SETTLED: Final = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"


def silent(browser: Browser, url: str) -> Iterator[str]:
    """Nothing is written to the console, and nothing is asked for but the page itself."""
    browser.open(url)
    browser.run_async(SETTLED)
    asked = [each for each in browser.requests() if each != url]
    yield from (f"asks for {each}" for each in asked)
    yield from (f"console: {each}" for each in browser.console())


def fits(browser: Browser, url: str) -> Iterator[str]:
    """Nothing is wider than the screen."""
    browser.open(url)
    wide = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"{wide} px wider than the screen"
    browser.find("[data-open]").click()
    wide = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"{wide} px wider than the screen with everything open"


def filters(browser: Browser, url: str) -> Iterator[str]:
    """Each filter leaves what it says, the number is right, and a link keeps what was chosen."""
    browser.open(url)
    total = browser.run(f"return {VISIBLE}.length")
    for box in browser.run(
        "return [...document.querySelectorAll('.filters [type=checkbox]')].map(e => [e.name, e.value])"
    ):
        name, value = box
        selector = f"[type=checkbox][name={name}][value='{value}']"
        browser.find(f"label:has({selector})").click()
        wrong = browser.run(
            f"return {VISIBLE}.filter(e => ({OF})(e, arguments[0]) !== arguments[1]).length", name[0], value
        )
        count, said = _count(browser)
        tables = browser.run("return [...document.querySelectorAll('.matrix')].filter(e => e.checkVisibility()).length")
        if tables:
            yield f"{name} {value}: {tables} tables of zones between the rules"
        if wrong or said != f"{count} of {total} rules":
            yield f"{name} {value}: {wrong} others shown, says {said!r} of {count}"
        if f"{name}={value}" not in unquote(browser.run("return location.hash")):
            yield f"{name} {value}: not in the address"
        browser.find(f"label:has({selector})").click()
    word = browser.run(f"return {VISIBLE}[0].querySelector('code').textContent")
    browser.find(".filters [name=q]").send_keys(word.upper())
    count, said = _count(browser)
    if not 0 < count < total or said != f"{count} of {total} rules":
        yield f"text {word!r}: says {said!r} of {count}"
    kept = browser.run("return location.href")
    browser.open(kept)
    if _count(browser) != (count, said):
        yield f"{kept}: {_count(browser)} rules when opened again, {(count, said)} before"
    browser.find(".filters [name=q]").send_keys(" no rule has this text")
    if _count(browser)[0] or not browser.find("#nothing").is_displayed():
        yield "nothing left: is not said"
    browser.find(".filters [data-reset]").click()
    if _count(browser) != (total, f"{total} rules"):
        yield f"reset: {_count(browser)}"
    link = browser.find(".tallies td a")
    number = int(link.text.split()[0])
    link.click()
    browser.run_async(SETTLED)
    count, said = _count(browser)
    if count != number:
        yield f"a number in the table of chapters: {number} there, {said!r}"


def links(browser: Browser, url: str) -> Iterator[str]:
    """A link to any kind of place opens it, puts it on the screen below the filters, and the focus there."""
    browser.open(url)
    places = browser.run(
        "const first = s => document.querySelector(s)?.id;"
        "return [first('.group .finding'), first('.finding'), first('.finding dt[id]'), first('details.list .rule'),"
        " first('.rules small span[id]'), [...document.querySelectorAll('.life')].at(-1)?.id,"
        " first('.statements tr[id]'), [...document.querySelectorAll('.profile h2')].at(-1).id].filter(Boolean)"
    )
    for place in places:
        for address in (f"{url}#{place}", f"{url}#{place}&verdict=no-such-verdict"):
            browser.open(address)
            browser.run_async(SETTLED)
            found = browser.run(
                "const e = document.getElementById(arguments[0]), box = e.getBoundingClientRect();"
                "const bar = document.querySelector('.filters');"
                "const top = getComputedStyle(bar).position === 'sticky' ? bar.getBoundingClientRect().bottom : 0;"
                "const isThere = box.top >= top - 1 && box.top < innerHeight;"
                "return [e.checkVisibility(), isThere, e.contains(document.activeElement)]",
                place,
            )
            if found != [True, True, True]:
                yield f"#{place}: shown, on the screen, with the focus: {found}"
    where = browser.run("return location.href")
    browser.run("document.querySelector('nav a').click()")
    browser.run_async(SETTLED)
    browser.run("history.back()")
    browser.run_async(SETTLED)
    if browser.run("return location.href") != where:
        yield "the way back is lost"


def keys(browser: Browser, url: str) -> Iterator[str]:
    """Everything that can be used is reached by Tab, is seen to have the focus, and lets it go; Enter opens."""
    browser.open(url)
    reach = (
        "return [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')]"
        ".filter(e => e.checkVisibility()).length"
    )
    wanted, met = browser.run(reach), 0
    for _ in range(wanted + 5):
        browser.type("\ue004")
        told = browser.run(
            "const e = document.activeElement; if (e === document.body) return null;"
            "const s = getComputedStyle(e.matches('.chip input') ? e.nextElementSibling : e);"
            "const isNew = !e.dataset.met; e.dataset.met = 1;"
            "const bar = document.querySelector('.filters'), box = e.getBoundingClientRect();"
            "const over = bar.getBoundingClientRect();"
            "const isUnder = !bar.contains(e) && getComputedStyle(bar).position === 'sticky'"
            " && box.bottom <= over.bottom && box.top >= over.top && box.right > over.left;"
            "const isMarked = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;"
            "return [isNew, isMarked, !isUnder, e.outerHTML.slice(0, 90)]"
        )
        if told is None or not told[0]:
            break
        met += 1
        if not told[1]:
            yield f"no mark of the focus: {told[3]}"
        if not told[2]:
            yield f"below the filters: {told[3]}"
    if met != wanted:
        yield f"{met} of {wanted} places reached"
    browser.open(url)
    browser.run("[...document.querySelectorAll('summary')].find(e => e.checkVisibility()).focus()")
    browser.type("\ue007")
    if not browser.run("return document.activeElement.parentElement.open"):
        yield "Enter does not open"


def opening(browser: Browser, url: str) -> Iterator[str]:
    """One button opens all, with a button at each line to copy, and closes it again."""
    browser.open(url)
    browser.find(".filters [data-open]").click()
    browser.run_async(SETTLED)
    closed, bare = browser.run(
        "const bare = e => e.checkVisibility() && !e.nextElementSibling?.matches('button');"
        "return [document.querySelectorAll(':is(.finding, .group, .list):not([open])').length,"
        " [...document.querySelectorAll('pre.c')].filter(bare).length]"
    )
    if closed or bare:
        yield f"open all: {closed} closed, {bare} lines without a button"
    browser.find(".filters [data-open]").click()
    if browser.run("return document.querySelectorAll(':is(.finding, .group, .list)[open]').length"):
        yield "close all: some are open"


def copying(browser: Browser, url: str) -> Iterator[str]:
    """The button brings the line to the clipboard, also where there is no API for that, and says so."""
    for way in ("clipboard", "command"):
        browser.open(url)
        browser.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        if not browser.run("return document.querySelectorAll('.finding pre.c').length"):
            return
        browser.run(
            "window.clip = navigator.clipboard;"
            "if (arguments[0]) Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true});"
            "document.querySelector('.filters [data-open]').click()",
            way == "command",
        )
        browser.run_async(SETTLED)
        browser.run("window.scrollTo(0, 0)")
        browser.find(".finding .code button").click()
        browser.run_async("await new Promise(done => setTimeout(done, 100))")
        line, said = browser.run(
            "return [document.querySelector('.finding pre.c').textContent, document.getElementById('said').textContent]"
        )
        held = browser.run_async("return await window.clip.readText()")
        if held != line or said != "Copied":
            yield f"{way}: says {said!r}, the clipboard has {held[:60]!r}"


def themes(browser: Browser, url: str) -> Iterator[str]:
    """The page follows the system, the switch changes that, and the next visit remembers."""
    back = "return getComputedStyle(document.body).backgroundColor"
    seen: dict[str, str] = {}
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        browser.media("screen", scheme)
        browser.open(url)
        seen[scheme] = browser.run(back)
    if seen["light"] == seen["dark"]:
        yield f"light and dark are both {seen['light']}"
    browser.find("#theme").click()
    if browser.run(back) != seen["light"]:
        yield "the switch does not make it light"
    browser.open(url)
    if browser.run(back) != seen["light"]:
        yield "the next visit does not remember"
    browser.run("localStorage.clear()")


def printed(browser: Browser, url: str) -> Iterator[str]:
    """On paper there are no controls, the colours are light, and every finding is open."""
    browser.open(url)
    browser.media("print", "dark")
    told = browser.run(
        "return [document.querySelector('.filters').checkVisibility(), document.querySelector('nav').checkVisibility(),"
        " getComputedStyle(document.body).backgroundColor,"
        " [...document.querySelectorAll('.finding dl')].filter(e => !e.checkVisibility()).length]"
    )
    browser.media("screen")
    if told != [False, False, "rgb(255, 255, 255)", 0]:
        yield f"controls, navigation, background, findings without their content: {told}"


def scriptless(browser: Browser, url: str) -> Iterator[str]:
    """Without its script all is there, what does nothing is not, and a link opens what it leads to."""
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(url)
        place = browser.find("details.list .rule").get_attribute("id")
        browser.open(f"{url}#{place}")
        if browser.find(".filters").is_displayed() or browser.find("#theme").is_displayed():
            yield "filters are shown"
        if not browser.find(f"[id='{place}']").is_displayed():
            yield f"#{place} is closed"
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


def served(browser: Browser, url: str) -> Iterator[str]:
    """From a server, as the files of a CI service are, it is one request, and nothing is said."""
    asked: list[str] = []
    page = Path(unquote(urlsplit(url).path)).read_bytes()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://127.0.0.1:{server.server_address[1]}/report.html")
        browser.run_async(SETTLED)
        console = browser.console()
        browser.open("about:blank")
        server.shutdown()
    yield from (f"asks for {each}" for each in asked[1:])
    yield from (f"console: {each}" for each in console)


Check = Callable[[Browser, str], Iterator[str]]
ANYWHERE: Final[tuple[Check, ...]] = (silent,)
"""What is looked at on every screen."""
EACH_WIDTH: Final[tuple[Check, ...]] = (fits, links, opening)
ONCE: Final[tuple[Check, ...]] = (filters, keys, copying, themes, printed, scriptless, served)
"""What has nothing to do with the screen, or little."""


def said(check: Check, browser: Browser, url: str) -> list[str]:
    """Return what a check says; one that cannot be made to its end says that."""
    try:
        return list(check(browser, url))
    except WebDriverException as error:
        return [f"{type(error).__name__}: {(error.msg or '').splitlines()[0][:200]}"]


def usable(browser: Browser, url: str) -> tuple[float, float]:
    """Return the milliseconds until a page can be used, and those that a filter takes, on the screen."""
    browser.open(url)
    shown = browser.run_async(
        f"{SETTLED} const [page] = performance.getEntriesByType('navigation');"
        "const paint = performance.getEntriesByName('first-contentful-paint')[0];"
        "return Math.max(page.domContentLoadedEventEnd, paint ? paint.startTime : 0)"
    )
    took = browser.run_async(
        "const start = performance.now(), text = document.querySelector('[name=q]');"
        "text.value = '200 ok'; text.dispatchEvent(new Event('input', {bubbles: true}));"
        f"document.body.offsetHeight; {SETTLED} return performance.now() - start"
    )
    return shown, took


def violations(browser: Browser, url: str, *, is_open: bool) -> list[dict[str, Any]]:
    """Return what axe finds on a page, with everything open or as it is."""
    browser.open(url)
    if is_open:
        browser.find(".filters [data-open]").click()
    browser.run(AXE.read_text(encoding="utf-8"))
    found = browser.run_async(
        "return (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations"
    )
    assert isinstance(found, list), found
    return found


def grave(browser: Browser, url: str) -> Iterator[str]:
    """Nothing that axe finds is serious or critical."""
    for each in violations(browser, url, is_open=False):
        if each["impact"] in GRAVE:
            yield f"{each['impact']} {each['id']}"


def _count(browser: Browser) -> tuple[int, str]:
    """Return how many rules are shown, and how many the page says they are."""
    count, said = browser.run(f"return [{VISIBLE}.length, document.getElementById('shown').textContent]")
    return count, said
