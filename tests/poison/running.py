"""Every way in, every way out: whole runs on the poisonous server, and all that they print and write."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .documents import CASSETTES, DOCUMENTS, METADATA
from .marks import SEARCHES, Found, seen_in
from .serving import DEVICE, TOKEN, ZONE, serving

ROOT: Final = Path(__file__).resolve().parents[2]
PROFILE: Final = """
schema = 1
api_url = "{url}/{way}"
token_url = "/token"
{more}
[credentials]
client_id = {{ env = "POISON_CLIENT" }}
client_secret = {{ env = "POISON_SECRET" }}
[token]
client_auth = "client_secret_post"
[grants.{grant}]
[zones.api]
path = "/"
needs = ["bearer"]
probe = ["/me"]
"""
TESTS: Final = """
import logging
import pytest

@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.apiauth(name)) for name in {names}])
def test_of_a_project(name, apiauth_client):
    response = apiauth_client.get("/me")
    logging.getLogger("shop").warning("answered %s", response.status_code)
    assert response.status_code == 418
"""
OF_ZONES: Final = "res-no-cred or res-401-challenge or res-challenge or res-garbage or leak-canary"
ENVIRONMENT: Final = {"POISON_CLIENT": "shop", "POISON_SECRET": "made-up-secret-of-poison", "COLUMNS": "400"}


@dataclass(slots=True)
class Output:
    """All that came out in one place: how often each way was seen there, and how often it was raw."""

    name: str
    kind: str
    seen: Found = field(default_factory=Found)
    raw: Found = field(default_factory=Found)

    def add(self, text: str) -> None:
        """Look through a text."""
        self.seen += seen_in(text)
        self.raw += SEARCHES[self.kind](text)


def outputs(folder: Path) -> list[Output]:
    """Run everything in a folder, and return what came out, by place."""
    with serving() as url:
        for way in (*TOKEN, *ZONE, DEVICE):
            more = 'device_authorization_url = "/device"' if way == DEVICE else ""
            grant = "device_code" if way == DEVICE else "client_credentials"
            text = PROFILE.format(url=url, way=way, more=more, grant=grant)
            (folder / f"{way}.apiauth.toml").write_text(text, encoding="utf-8")
        return [*_suite(folder), *_tests(folder), *_commands(folder)]


def _pytest(folder: Path, *words: str) -> str:
    """Run pytest, and return all that it prints."""
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT), "CI": ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words)}: exit status {done.returncode}: {done.stdout.decode()[-2000:]}")
    return (done.stdout + done.stderr).decode()


def _read(folder: Path, **kinds: tuple[str, str]) -> Iterator[Output]:
    for name, (kind, file) in kinds.items():
        output = Output(name.replace("_", " "), kind)
        output.add((folder / file).read_bytes().decode())
        yield output


def _suite(folder: Path) -> Iterator[Output]:
    terminal = Output("the suite: terminal", "text")
    words = (
        "--apiauth-live", "-v", "-rA", "--apiauth-report=out/report.json", "--apiauth-report=out/report.md",
        "--apiauth-report=out/report.html",
        "--junit-xml=out/junit.xml", "-o", "junit_logging=all", "--log-file=out/log.txt", "--log-file-level=DEBUG",
    )  # fmt: skip
    ways = [f"{way}.apiauth.toml" for way in (*TOKEN, *ZONE)]
    terminal.add(_pytest(folder, *ways, "-k", OF_ZONES, *words))
    yield terminal
    yield from _read(
        folder, JSON_report=("json", "out/report.json"), Markdown_report=("markdown", "out/report.md"),
        HTML_report=("html", "out/report.html"),
        the_suite__JUnit=("xml", "out/junit.xml"), the_suite__log=("log", "out/log.txt"),
    )  # fmt: skip


def _tests(folder: Path) -> Iterator[Output]:
    (folder / "test_shop.py").write_text(TESTS.format(names=[*TOKEN, *ZONE]), encoding="utf-8")
    terminal = Output("tests: terminal", "text")
    words = ("--apiauth-live", "-rA", "--junit-xml=out/tests.xml", "--log-file=out/tests.txt", "--log-file-level=DEBUG")
    terminal.add(_pytest(folder, "test_shop.py", *words))
    yield terminal
    yield from _read(folder, tests__JUnit=("xml", "out/tests.xml"), tests__log=("log", "out/tests.txt"))


def _commands(folder: Path) -> Iterator[Output]:
    by_name = {name: Output(name, "text") for name in ("init", "token", "record", "scan")}
    profiles, page = Output("profile that init writes", "text"), Output("page of cassettes", "markdown")
    before = os.getcwd()
    os.chdir(folder)
    try:
        for way, document in {**DOCUMENTS, **METADATA}.items():
            source, made = Path(f"{way}.json"), Path(f"made-{way}.apiauth.toml")
            source.write_text(document(way), encoding="utf-8", errors="surrogatepass")
            by_name["init"].add(command("init", str(source), "-o", str(made), "--force"))
            if made.is_file():
                profiles.add(made.read_text(encoding="utf-8"))
                made.unlink()
        for way in (*TOKEN, DEVICE):
            by_name["token"].add(command("token", way, "--no-browser", "--wait", "1"))
        for way in TOKEN:
            by_name["record"].add(command("record", way, "--live", "--folder", f"taped/{way}"))
        for way, cassette in CASSETTES.items():
            place = Path("cassettes", way, "client_credentials.yaml")
            place.parent.mkdir(parents=True)
            place.write_text(cassette(way), encoding="utf-8", errors="surrogatepass")
            by_name["scan"].add(command("scan", str(place)))
        from pytest_apiauth.recording import library

        page.add(library.page(Path("cassettes")))
    finally:
        os.chdir(before)
    yield from (*by_name.values(), profiles, page)


def command(*words: str) -> str:
    """Run a command of ours here, and return all that it prints."""
    from pytest_apiauth.__main__ import main

    said = io.BytesIO()
    stream = io.TextIOWrapper(said, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        main(words)
        return said.getvalue().decode()
