"""``python -m pytest_apiauth report``: saved reports shown, written in other formats, compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.report import json_report, markdown
from pytest_apiauth.report.record import RunRecord
from tests.report.records import rule, run_of

PASSED, FAILED = run_of(rule("pass")), run_of(rule("fail"), verdict="fail")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with two saved runs."""
    monkeypatch.chdir(tmp_path)
    save("before.json", PASSED)
    save("after.json", FAILED)


def save(name: str, run: RunRecord) -> None:
    """Save a run."""
    Path(name).write_text(json_report.text(run), encoding="utf-8")


def test_a_saved_run_is_shown_as_after_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Totals, then what there is to look at."""
    assert main(["report", "after.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "shop (live): 1 rule: 1 fail; 7 requests, 1.2 s"
    assert lines[1:3] == ["  keys", "    FAIL     key-bad [user] (MUST): the reason"]


def test_two_runs_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    """The later one is shown, and what changed since the other."""
    assert main(["report", "before.json", "after.json"]) == 0
    assert "  worse   shop: key-bad[user]: pass before, fail now: the reason" in capsys.readouterr().out.splitlines()


def test_it_is_written_in_other_formats(capsys: pytest.CaptureFixture[str]) -> None:
    """Each output is that of the run itself, of the later one if there are two."""
    assert main(["report", "before.json", "after.json", "-o", "out/a.md", "-o", "a.sarif", "--output=a.svg"]) == 0
    assert Path("out/a.md").read_text(encoding="utf-8") == markdown.text(FAILED)
    assert json.loads(Path("a.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert "1 failure" in Path("a.svg").read_text(encoding="utf-8")
    assert capsys.readouterr().out.splitlines()[-3:] == ["report: out/a.md", "report: a.sarif", "report: a.svg"]


def test_a_statement_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """So that it can be taken as it is."""
    assert main(["report", "before.json", "--statement"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("shop: examined against 1 rule by")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON: expected what --apiauth-report=FILE.json has written"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "is no report: the record: expected an object, got a list"),
        ('{"version": 2}', "expected a report of version 1"),
        ('{"version": 1, "versions": 3}', "is no report: versions: expected an object, got a number"),
    ],
)
def test_what_is_no_report_is_told_in_a_line(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the member that is wrong, and nothing of what stands there."""
    Path("bad.json").write_text(text, encoding="utf-8")
    assert main(["report", "bad.json"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bad.json: {words}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.json"], "nowhere.json: cannot be read: No such file or directory"),
        (["before.json", "-o", "a.xml"], "a.xml: should end with one of: "),
        (["before.json", "-o", "before.json/a.md"], "report: before.json: File exists"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is not there, a format that there is not, a folder that is a file."""
    assert main(["report", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_run_on_the_double_has_no_badge(capsys: pytest.CaptureFixture[str]) -> None:
    """The same as it is refused in the run itself."""
    save("double.json", run_of(rule("pass"), note="embedded server: this run says nothing about the real API"))
    assert main(["report", "double.json", "-o", "a.svg"]) == 2
    assert "says nothing about the real API" in capsys.readouterr().err
    assert not Path("a.svg").exists()
