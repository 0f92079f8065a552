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

from pytest_apiauth.report.formats import FORMATS

from .documents import CASSETTES, DOCUMENTS, METADATA
from .marks import SEARCHES, Found, seen_in
from .serving import DEVICE, GOOD, LATE, SECRET, TOKEN, ZONE, serving

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
    # The first is refused where the second is answered well: what a test itself shows of an answer is its own affair.
    statuses = [apiauth_client.get(path).status_code for path in ("/you", "/me")]
    logging.getLogger("shop").warning("answered %s", statuses)
    assert statuses == [418]
"""
RULES: Final = (
    "res-no-cred or res-401-challenge or res-challenge or res-garbage or leak-canary"
    " or err-shape or err-missing-param or tok-members or tok-expires-in"
)
KINDS: Final = {".json": "json", ".md": "markdown", ".html": "html", ".sarif": "json", ".svg": "picture"}
"""What each format of a report is looked through as. A new format needs a line here, and if it is of a new kind, a
search in `marks.SEARCHES`."""
ENVIRONMENT: Final = {"POISON_CLIENT": "shop", "POISON_SECRET": SECRET, "COLUMNS": "400"}


@dataclass(slots=True)
class Output:
    """All that came out in one place: how often each way was seen there, and how often it was raw."""

    name: str
    kind: str
    ways: tuple[str, ...]
    """The ways that lead to it, as far as text of theirs is quoted there."""
    seen: Found = field(default_factory=Found)
    raw: Found = field(default_factory=Found)

    def add(self, text: str) -> None:
        """Look through a text."""
        self.seen += seen_in(text)
        self.raw += SEARCHES[self.kind](text)


def outputs(folder: Path) -> list[Output]:
    """Run everything in a folder, and return what came out, by place."""
    with serving() as url:
        for name, way in {GOOD: GOOD, **{way: way for way in (*TOKEN, *ZONE, DEVICE)}, **LATE}.items():
            more = 'device_authorization_url = "/device"' if way == DEVICE else ""
            grant = "device_code" if way == DEVICE else "client_credentials"
            text = PROFILE.format(url=url, way=name, more=more, grant=grant)
            (folder / f"{name}.apiauth.toml").write_text(text, encoding="utf-8")
        return [*_suite(folder), *_tests(folder), *_commands(folder)]


def _pytest(folder: Path, *words: str) -> str:
    """Run pytest, and return all that it prints."""
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT), "CI": ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=600, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words)}: exit status {done.returncode}: {done.stdout.decode()[-2000:]}")
    return (done.stdout + done.stderr).decode()


def _read(name: str, kind: str, ways: tuple[str, ...], file: Path) -> Output:
    output = Output(name, kind, ways)
    output.add(file.read_bytes().decode())
    return output


def _suite(folder: Path) -> Iterator[Output]:
    ways, out = (*TOKEN, *ZONE), folder / "out"
    terminal = Output("the suite: terminal", "text", ways)
    words = ["--junit-xml=out/junit.xml", "-o", "junit_logging=all", "--log-file=out/log.txt", "--log-file-level=DEBUG"]
    words += [f"--apiauth-report=out/report{ending}" for ending in FORMATS]
    files = [f"{name}.apiauth.toml" for name in (*ways, *LATE)]
    terminal.add(_pytest(folder, *files, "-k", RULES, "--apiauth-live", "-v", "-rA", *words))
    yield terminal
    for ending in FORMATS:
        yield _read(f"report{ending}", KINDS[ending], ways, out / f"report{ending}")
    yield _read("the suite: JUnit", "xml", ways, out / "junit.xml")
    yield _read("the suite: log", "log", ways, out / "log.txt")


def _tests(folder: Path) -> Iterator[Output]:
    ways, out = (*TOKEN, *ZONE), folder / "out"
    (folder / "test_shop.py").write_text(TESTS.format(names=[*ways]), encoding="utf-8")
    terminal = Output("tests: terminal", "text", ways)
    words = ("--junit-xml=out/tests.xml", "-o", "junit_logging=all", "--log-file=out/tests.txt", "--log-level=DEBUG")
    terminal.add(_pytest(folder, "test_shop.py", "--apiauth-live", "-rA", "--log-file-level=DEBUG", *words))
    yield terminal
    yield _read("tests: JUnit", "xml", ways, out / "tests.xml")
    yield _read("tests: log", "log", ways, out / "tests.txt")


def _commands(folder: Path) -> Iterator[Output]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield from _init()
        yield from _token_and_record()
        yield from _scan()
    finally:
        os.chdir(before)


def _init() -> Iterator[Output]:
    documents = {**DOCUMENTS, **METADATA}
    said, profiles = (Output(name, "text", tuple(documents)) for name in ("init", "profile that init writes"))
    for way, document in documents.items():
        source, made = Path(f"{way}.json"), Path(f"made-{way}.apiauth.toml")
        source.write_text(document(way), encoding="utf-8", errors="surrogatepass")
        said.add(command("init", str(source), "-o", str(made), "--force"))
        if made.is_file():
            profiles.add(made.read_text(encoding="utf-8"))
            made.unlink()
    yield from (said, profiles)


def _token_and_record() -> Iterator[Output]:
    token, record = Output("token", "text", (*TOKEN, DEVICE)), Output("record", "text", tuple(TOKEN))
    for way in (*TOKEN, DEVICE):
        token.add(command("token", way, "--no-browser", "--wait", "1"))
    command("record", GOOD, "--live", "--folder", "taped")
    for way in TOKEN:
        # Beside a cassette of a good answer it says what has changed.
        Path("taped", way).mkdir()
        for good in Path("taped", GOOD).iterdir():
            tape = good.read_text(encoding="utf-8").replace(f"/{GOOD}/", f"/{way}/")
            Path("taped", way, good.name).write_text(tape, encoding="utf-8")
        record.add(command("record", way, "--live", "--folder", "taped"))
    yield from (token, record)


def _scan() -> Iterator[Output]:
    from pytest_apiauth.recording import library

    said, page = Output("scan", "text", tuple(CASSETTES)), Output("page of cassettes", "markdown", tuple(CASSETTES))
    for way, cassette in CASSETTES.items():
        place = Path("cassettes", way, "client_credentials.yaml")
        place.parent.mkdir(parents=True)
        place.write_text(cassette(way), encoding="utf-8", errors="surrogatepass")
        said.add(command("scan", str(place)))
    page.add(library.page(Path("cassettes")))
    yield from (said, page)


def command(*words: str) -> str:
    """Run a command of ours here, and return all that it prints."""
    from pytest_apiauth.__main__ import main

    said = io.BytesIO()
    stream = io.TextIOWrapper(said, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        main(words)
        return said.getvalue().decode()
