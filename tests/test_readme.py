"""What the README shows is what is run: the nightly jobs that it gives away."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_apiauth.profile import loading
from pytest_apiauth.profile.finding import SUFFIX

ROOT = Path(__file__).resolve().parent.parent
BLOCK = runpy.run_path(str(ROOT / ".ci" / "readme.py"))["BLOCK"]
BLOCKS = {(kind, name): text for kind, name, text in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}


def block(kind: str, name: str) -> str:
    """Give a block of the README."""
    return str(BLOCKS[kind, name])


def test_nightly_jobs_run_the_smoke_line() -> None:
    """Both jobs install the package and run the very line that CI runs, and show what it writes."""
    github: dict[Any, Any] = yaml.safe_load(block("file", ".github/workflows/auth.yml"))
    gitlab: dict[str, Any] = yaml.safe_load(block("file", ".gitlab-ci.yml"))
    steps = github["jobs"]["smoke"]["steps"]
    line = next(line for line in block("run", "platform").splitlines() if "apiauth_smoke" in line)
    assert gitlab["auth-smoke"]["script"] == ["python -m pip install pytest-apiauth", line]
    assert [step["run"] for step in steps if "run" in step][:2] == gitlab["auth-smoke"]["script"]
    assert "build/smoke.md" in steps[-1]["run"]
    assert steps[-1]["if"] == "always()"
    assert gitlab["auth-smoke"]["artifacts"]["reports"]["junit"] == "build/smoke.xml"
    # "on" is a truth value in YAML 1.1.
    assert github[True]["schedule"]


def test_profiles_of_the_pages_may_run_live(tmp_path: Path) -> None:
    """No profile that the README gives away sends its credentials to the token endpoint of another API."""
    found = [name for kind, name in BLOCKS if kind == "file" and name.endswith(SUFFIX)]
    assert len(found) >= 4
    for name in found:
        path = tmp_path / Path(name).name
        path.write_text(block("file", name), encoding="utf-8")
        loading.load(path).refuse_inherited()


@pytest.mark.slow
@pytest.mark.parametrize("tests", ["tests/test_answers.py", "tests/test_choice.py"])
def test_examples_of_own_answers_and_choices_pass(pytester: pytest.Pytester, tests: str) -> None:
    """The README's tests of answers of one's own, and of what one test chooses, pass as they are printed,
    in a folder that no other path leads to.
    """
    for name in ("tests/shop.apiauth.toml", "shop.py", tests, "pytest.ini"):
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(block("file", name), encoding="utf-8")
    result = pytester.runpytest_inprocess(tests, "-p", "no:randomly", "-p", "no:recording")
    assert result.ret == 0, result.stdout.str()


def test_no_link_is_dead_elsewhere() -> None:
    """The page of a package index has no files beside it: links lead to places on the page, or to a URL."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w -]", "", line).strip().lower() for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))

    assert len(links) >= 3
    anchors = {f"#{heading.replace(' ', '-')}" for heading in headings}
    assert [link for link in links if link not in anchors and not link.startswith("https://")] == []


def test_every_command_of_the_readme_is_run_in_ci() -> None:
    """CI runs each block of commands that the README shows, by its name, from the README itself."""
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    steps = re.findall(r"readme\.py\"? run (\S+)", text)
    loops = re.findall(r"^ *for page in (.*); do$", text, re.MULTILINE)
    run = {*(word.strip('"') for word in steps), *(word for line in loops for word in line.split())}

    assert {name for kind, name in BLOCKS if kind == "run"} == run - {"$page"}
