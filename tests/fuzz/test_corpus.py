"""What was found once is found no more, and what watches does see."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pytest_apiauth.discover.examples import examples
from pytest_apiauth.errors import ApiAuthError

from .cases import NO_FILES, Case
from .running import warm
from .seeds import CORPUS
from .targets import TARGETS, Target, run_case
from .watching import LONGEST_LINE, Breach, check_said, watched

FOUND = sorted(CORPUS.glob("*/*"))


def test_the_corpus_belongs_to_targets() -> None:
    """Each folder of what was found is that of a target, and its files are small."""
    assert {path.parent.name for path in FOUND} <= set(TARGETS)
    assert max(path.stat().st_size for path in FOUND) < 20_000


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_was_found_is_refused_in_a_line_or_taken(path: Path, tmp_path: Path) -> None:
    """No traceback, no hang, nothing run, fetched or written elsewhere."""
    if path.parent.name == "challenge":
        pytest.importorskip("werkzeug", reason="what challenges are compared with")
    warm(path.parent.name)
    run_case(TARGETS[path.parent.name], Case(path.read_bytes()), tmp_path)


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if not target.only_files])
@pytest.mark.parametrize("case", NO_FILES, ids=lambda case: case.kind)
def test_what_is_no_file_is_refused_in_a_line_or_passed_over(name: str, case: Case, tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to, a stream without end, a link to itself, nothing at all."""
    warm(name)
    run_case(TARGETS[name], case, tmp_path)


def _run(place: Path) -> None:
    subprocess.run(["true"], check=True)


def _load(place: Path) -> None:
    yaml.unsafe_load("!!python/object/apply:os.system ['true']")


def _hide(place: Path) -> None:
    try:
        os.system("true")
    except BaseException:
        return


WRONGS: dict[str, Callable[[Path], object]] = {
    "written outside": lambda place: place.parents[1].joinpath("elsewhere").write_text(""),
    "os.mkdir outside": lambda place: place.parents[1].joinpath("elsewhere").mkdir(),
    "read outside": lambda place: Path("/etc/hostname").read_text(),
    "subprocess.Popen": _run,
    "os.system": _load,
    "and nobody was told": _hide,
    "compile": lambda place: exec("1"),
    "socket.getaddrinfo": lambda place: __import__("socket").getaddrinfo("127.0.0.1", 9),
    "os.putenv": lambda place: os.environ.update(FUZZED="1"),
    "took too long": lambda place: [None for _ in iter(int, 1)],
    "ZeroDivisionError": lambda place: 1 / 0,
    "a refusal of 2 lines": lambda place: (_ for _ in ()).throw(ApiAuthError("one\ntwo")).__next__(),
}


@pytest.mark.parametrize("what", WRONGS)
def test_each_wrong_is_seen(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in which nothing is found says something, since each kind of wrong would be."""
    monkeypatch.setattr("tests.fuzz.watching.SECONDS", 0.05)
    target = Target("wrong", "case", lambda place: bool(WRONGS[what](place)))
    folder = tmp_path / "case"
    folder.mkdir()
    with pytest.raises(Breach, match=what):
        run_case(target, Case(b"x"), folder)
    assert "FUZZED" not in os.environ


@pytest.mark.parametrize("text", ["x" * (LONGEST_LINE + 1), "a\x1b[2J", "a\rb", "\u202e", "\x9b"])
def test_what_is_said_is_checked(text: str) -> None:
    """A line without end, and what a terminal obeys, is a breach."""
    check_said("fine\n\tand this")
    with pytest.raises(Breach):
        check_said(text)


def test_a_reference_into_another_document_is_not_followed(tmp_path: Path) -> None:
    """Neither a URL nor a file that a document refers to is opened."""
    place = tmp_path / "openapi.json"
    references = {"a": {"$ref": "http://127.0.0.1:9/x"}, "b": {"$ref": "file:///etc/hostname"}}
    content = {"application/json": {"schema": {"properties": references}}}
    operation = {"responses": {"200": {"description": "", "content": content}}}
    last = {"responses": {"200": {"description": "", "content": {"application/json": {"example": 1}}}}}
    document = {"openapi": "3.1.0", "paths": {"/me": {"get": operation}, "/last": {"get": last}}}
    place.write_text(json.dumps(document), encoding="utf-8")
    with watched(tmp_path):
        assert "/last" in {each.path for each in examples(place, "")}
