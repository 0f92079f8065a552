"""Chromium without a window, and what it says of a page that it opened: its console, its requests, its times."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

Scheme = Literal["light", "dark"]
SWITCHES: Final = (
    "--headless=new", "--disable-gpu", "--hide-scrollbars", "--no-sandbox", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--no-first-run",
)  # fmt: skip
HEIGHT: Final = 900
WIDEST: Final = 600
"""Screens up to this width are telephones."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How wide a page is shown, and in which theme."""

    width: int
    scheme: Scheme = "light"

    def __str__(self) -> str:
        return f"{self.width} px, {self.scheme}"


class Browser:
    """One Chromium."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def show_on(self, screen: Screen, *, height: int = HEIGHT) -> None:
        """Have the next pages shown on such a screen."""
        metrics = {
            "width": screen.width, "height": height, "deviceScaleFactor": 1, "mobile": screen.width <= WIDEST,
        }  # fmt: skip
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        self.media("screen", screen.scheme)

    def media(self, kind: Literal["screen", "print"], scheme: Scheme = "light") -> None:
        """Show the page on a screen or on paper."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=kind, features=features)

    def open(self, url: str) -> None:
        """Open an address in a page of its own: another fragment of the one that is open would not load it."""
        self._driver.get("about:blank")
        self._driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has no type for it
        self._driver.get_log("performance")  # type: ignore[no-untyped-call]  # selenium has no type for it
        self._driver.get(url)

    def console(self) -> list[str]:
        """Return what the page has written to the console since it was opened, or since this was asked."""
        entries = self._driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium has no type for it
        return [entry["message"] for entry in entries]

    def requests(self) -> list[str]:
        """Return the address of each request since the page was opened, or since this was asked."""
        entries = self._driver.get_log("performance")  # type: ignore[no-untyped-call]  # selenium has no type for it
        events = [json.loads(entry["message"])["message"] for entry in entries]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def run(self, script: str, *values: Any) -> Any:
        """Run a script in the page, and return what it returns."""
        return self._driver.execute_script(script, *values)

    def run_async(self, script: str, *values: Any) -> Any:
        """Run a script in the page that returns a promise, and return what that comes to."""
        ended = "const done = arguments[arguments.length - 1];"
        whole = f"{ended} (async () => {{ {script} }})().then(done, error => done(String(error)))"
        return self._driver.execute_async_script(whole, *values)

    def find(self, selector: str) -> Any:
        """Return the first element of a selector, to click or to type into."""
        return self._driver.find_element("css selector", selector)

    def type(self, *keys: str) -> None:
        """Press keys where the focus is."""
        webdriver.ActionChains(self._driver).send_keys(*keys).perform()

    def command(self, name: str, **values: Any) -> Any:
        """Give Chromium a command of its own protocol."""
        return self._driver.execute_cdp_cmd(name, values)

    def picture(self, path: Path) -> None:
        """Keep what the screen shows."""
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def started(programs: dict[str, str]) -> Iterator[Browser]:
    """Start Chromium, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="apiauth-") as folder:
        options = Options()
        options.binary_location = programs["CHROMIUM"]
        for switch in (*SWITCHES, f"--user-data-dir={folder}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(programs["CHROMEDRIVER"]))
        driver.set_script_timeout(120)
        try:
            yield Browser(driver)
        finally:
            driver.quit()
