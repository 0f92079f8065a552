"""Have headless Chromium log in and consent for a live run: python -m tests.chromium

The server asks for a password and for consent each time, and the project of a user has a fixture in which Selenium
steers Chromium. Its clients of two users get their tokens so, and so do the rules of codes. Says NOT RUN if there is no
Chromium, no driver for it (Debian: ``chromium-driver``) or no Selenium here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.profile import loading
from tests.login.browser import PROFILE

PROJECT: Final = Path(__file__).parent / "project"
NAMES: Final = {"CHROMIUM": ("chromium", "google-chrome", "chromium-browser"), "CHROMEDRIVER": ("chromedriver",)}
USERS: Final = '[users.second]\nusername = "bob"\npassword = { env = "SHOP_BOB" }\n'
RULES: Final = "code-single-use or code-reuse-revokes"
LIMIT: Final = 240


def found() -> dict[str, str]:
    """Return the programs that are here, by the names of their variables."""
    places = {name: next(filter(None, map(shutil.which, words)), "") for name, words in NAMES.items()}
    return {name: place for name, place in places.items() if place}


def written(folder: Path) -> Path:
    """Put the project and its profile into a folder."""
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    path = folder / "shop.apiauth.toml"
    text = PROFILE.replace(":PORT/", ":9/").replace("[token]", '[token]\ngrant = "authorization_code"')
    path.write_text(text.replace('probe = ["/user/me"]', 'probe = ["/user/me"]\nidentity = "user"') + USERS, "utf-8")
    return path


def run(folder: Path, environment: dict[str, str], *words: str) -> tuple[bool, str]:
    """Run pytest live in the project; whether all passed, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--apiauth-live", "--apiauth-allow=consume", "-p", "no:cacheprovider", *words],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    return done.returncode == 0, done.stdout + done.stderr


def main() -> int:
    """Run the project's tests and some rules, print a line each; the exit status says whether one failed."""
    programs = found()
    missing = [name.lower() for name in NAMES if name not in programs]
    missing += [name for name in ("selenium",) if importlib.util.find_spec(name) is None]
    if missing:
        print(f"NOT RUN: no {' and no '.join(missing)} here (Debian: chromium, chromium-driver; pip: --group browser)")
        return 0
    status = 0
    with tempfile.TemporaryDirectory(prefix="apiauth-") as place:
        path = written(Path(place))
        server = Server(loading.load(path), variants=["login-pages"])
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_"))}
        environment = {**kept, **server.environment, **programs, "XDG_STATE_HOME": place, "SE_AVOID_STATS": "true"}
        with serve(server) as url:
            path.write_text(path.read_text("utf-8").replace("https://shop.example", url), "utf-8")
            for what, words in {"tests": ["test_shop.py"], "rules": [path.name, "-k", RULES]}.items():
                start, before = time.monotonic(), len(server._state.codes)
                has_passed, output = run(path.parent, environment, *words)
                logins = len(server._state.codes) - before
                told = f"{what} {'pass' if has_passed else 'FAIL'}: Chromium has brought {logins} codes"
                print(f"{told}, {time.monotonic() - start:.0f} s", flush=True)
                leaked = [value for value in server.environment.values() if len(value) > 12 and value in output]
                if not has_passed or not logins or leaked:
                    status = 1
                    print("a secret was printed" if leaked else output)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
