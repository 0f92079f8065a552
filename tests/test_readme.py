"""What the pages show is what is run, and what they say of the code is what the code has."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_apiauth.__main__ import COMMANDS
from pytest_apiauth.plugin import reference
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.finding import SUFFIX
from pytest_apiauth.profile.keys import tables
from pytest_apiauth.suite import catalogue
from tests.here import in_its_words

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "pytest_apiauth" / "docs"
README = ROOT / "README.md"
PROGRAM = runpy.run_path(str(ROOT / ".ci" / "readme.py"))
PAGES: tuple[Path, ...] = PROGRAM["PAGES"]
BLOCKS: dict[tuple[str, str], str] = {
    (kind, block.name): block.text for kind in ("file", "run") for block in PROGRAM["blocks"](kind)
}
ADDRESS = "https://github.com/pytest-apiauth/pytest-apiauth/blob/main/"
"""Where the pages are, for readers of a package index."""
ANEW = "run: python .ci/readme.py write"
"""What makes anew what is made from the code."""


def block(kind: str, name: str) -> str:
    """Give a block of the pages."""
    return BLOCKS[kind, name]


def text_of(page: Path) -> str:
    """Give the text of a page."""
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """Give the text of a page without its blocks."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """Give what links call the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def links_of(page: Path) -> list[str]:
    """Give the links of a page."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose_of(page)))


# Commands and files


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
    """No profile that the pages give away sends its credentials to the token endpoint of another API."""
    found = [name for kind, name in BLOCKS if kind == "file" and name.endswith(SUFFIX)]
    assert len(found) >= 4
    for name in found:
        path = tmp_path / Path(name).name
        path.write_text(block("file", name), encoding="utf-8")
        loading.load(path).refuse_inherited()


@pytest.mark.slow
@pytest.mark.parametrize("tests", ["tests/test_answers.py", "tests/test_choice.py"])
def test_examples_of_own_answers_and_choices_pass(pytester: pytest.Pytester, tests: str) -> None:
    """The pages' tests of answers of one's own, and of what one test chooses, pass as they are printed,
    in a folder that no other path leads to.
    """
    for name in ("tests/shop.apiauth.toml", "shop.py", tests, "pytest.ini"):
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(in_its_words(block("file", name)), encoding="utf-8")
    result = pytester.runpytest_inprocess(tests, "-p", "no:randomly", "-p", "no:recording")
    assert result.ret == 0, result.stdout.str()


def test_every_command_of_the_pages_is_run_in_ci() -> None:
    """CI runs each block of commands that a page shows, by its name, from the page itself."""
    text = text_of(ROOT / ".ci" / "run")
    steps = re.findall(r"readme\.py\"? run (\S+)", text)
    loops = re.findall(r"^ *for block in (.*); do$", text, re.MULTILINE)
    run = {*(word.strip('"') for word in steps), *(word for line in loops for word in line.split())}

    assert {name for kind, name in BLOCKS if kind == "run"} == run - {"$block"}


def test_every_block_of_commands_is_marked() -> None:
    """Each of them is run, or its mark says why it cannot be; these are few."""
    not_run = []
    for page in PAGES:
        for mark in re.findall(r"^(.*)\n```(?:sh|bash|console|shell)\n", text_of(page), re.MULTILINE):
            assert re.fullmatch(r"<!-- (run: \S+.*|not run: \S.* \S.*) -->", mark), f"{page}: {mark}"
            not_run += [mark] if mark.startswith("<!-- not run") else []
    assert len(not_run) <= 1


def test_names_of_blocks_are_used_once() -> None:
    """No page writes another one's file, and no block of commands is another one's namesake."""
    for kind in ("file", "run"):
        names = [each.name for each in PROGRAM["blocks"](kind)]
        assert len(names) == len({*names})


def test_every_output_is_that_of_a_run() -> None:
    """What a page shows of an output is compared with what a block of commands prints, and is there."""
    shown = [*PROGRAM["blocks"]("output")]
    assert len(shown) >= 2
    for each in shown:
        assert ("run", each.name) in BLOCKS
        assert each.text.strip()


def test_a_block_is_held_to_what_is_printed() -> None:
    """Times are passed over, and nothing else is; a part that is not there is seen."""
    made, compare = PROGRAM["Block"], PROGRAM["compare"]
    printed = "begin\n== FAILURES ==\nMUST key-bad\n  sources  profile\n== 1 failed in 2.5s ==\n"

    def holds(text: str, more: str = "from FAILURES to sources") -> bool:
        return bool(compare(made(README, "output", "first", more, text, slice(0, 0)), printed) == 0)

    assert holds("== FAILURES ==\nMUST key-bad\n  sources  profile\n")
    assert holds("== FAILURES ==\nMUST key-bad\n  sources  profile\n=== 1 failed in 0.1s ===\n", "from FAIL to failed")
    assert not holds("== FAILURES ==\nMUST key-good\n  sources  profile\n")
    assert not holds("== FAILURES ==\nMUST key-bad\n  sources  profile\n", "from FAILURES to elsewhere")
    assert not holds("", "from nowhere to sources")


def test_programs_of_the_pages_are_run_in_ci() -> None:
    """Each program of the tests that a page names is a step of CI, or what it prints is tested by itself."""
    commands = text_of(ROOT / ".ci" / "run")
    named = {name for page in PAGES for name in re.findall(r"python -m (tests\.[\w.]+)", text_of(page))}

    assert {name for name in named if f"-m {name}" not in commands} == {"tests.kinds"}
    programs = {f"tests.{path.parent.name}" for path in ROOT.glob("tests/*/__main__.py")}
    assert programs <= {*re.findall(r"python -m (tests\.[\w.]+)", text_of(ROOT / "tests" / "README.md"))}


# Links


def test_no_link_of_the_readme_is_dead_elsewhere() -> None:
    """The page of a package index has no files beside it: links lead to places on the page, or to a URL of a file."""
    links = links_of(README)
    pages = [link.removeprefix(ADDRESS) for link in links if link.startswith(ADDRESS)]

    assert len(pages) > 10
    assert [link for link in links if not link.startswith("https://") and link[1:] not in anchors_of(README)] == []
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def test_no_link_between_pages_is_dead() -> None:
    """A link of a page leads to a file, and to a heading of it."""
    for page in PAGES[1:]:
        for link in links_of(page):
            if not link.startswith("https://"):
                place, _, anchor = link.partition("#")
                target = (page.parent / place).resolve() if place else page
                assert target.is_file(), f"{page}: {link}"
                assert not anchor or anchor in anchors_of(target), f"{page}: {link}"


def test_the_readme_leads_to_every_page() -> None:
    """No page is hidden."""
    readme = text_of(README)
    assert [page.name for page in DOCS.glob("*.md") if f"{ADDRESS}pytest_apiauth/docs/{page.name}" not in readme] == []


# What is said


def test_the_readme_is_short() -> None:
    """Under 200 lines; a page has about 400, but for the one that is made."""
    assert len(text_of(README).splitlines()) < 200
    long = {page.name: len(text_of(page).splitlines()) for page in PAGES if page.name != "reference.md"}
    assert {name: lines for name, lines in long.items() if lines > 420} == {}


def test_words_are_used_after_they_are_said() -> None:
    """The README says profile, zone, target, rule and control first where it says what they are."""
    text = prose_of(README)
    for word in ("profile", "zone", "target", "rule", "control"):
        (said,) = re.finditer(rf"\*\*{word}\*\*", text)
        used = re.search(rf"\b{word}s?\b", text)
        assert used is not None
        assert used.start() == said.start() + 2, word


def test_the_chapters_are_those_of_the_book() -> None:
    """The README has each chapter with how many rules it has; ``.ci/readme.py write`` makes the table anew."""
    assert text_of(README) == PROGRAM["made"](text_of(README)), ANEW
    assert catalogue.chapters() in text_of(README)


def test_the_page_of_reference_is_what_the_code_makes() -> None:
    """``docs/reference.md`` is today's; ``.ci/readme.py write`` makes it anew."""
    assert text_of(DOCS / "reference.md") == reference.page(COMMANDS), ANEW


def test_everything_has_a_sentence() -> None:
    """No key, option, ini key, fixture, mark or command goes without a description, nor does any argument."""
    found = [*reference.entries(COMMANDS)]
    assert len({entry.kind for entry in found}) == 6
    assert [entry.name for entry in found if len(entry.says) < 8] == []
    assert [line for line in text_of(DOCS / "reference.md").splitlines() if re.fullmatch(r"\|.*\| *\|", line)] == [
        line for line in text_of(DOCS / "reference.md").splitlines() if line.endswith("| |")
    ]


def test_every_key_is_on_the_page() -> None:
    """Each key of the model has a row in the table that it stands in."""
    page = text_of(DOCS / "reference.md")
    keys = 0
    for table in tables():
        for key in table.keys:
            assert f"| `{key.name}` | {key.value} |" in page
            keys += 1
    assert keys > 180


def test_the_page_of_the_house_is_true() -> None:
    """Each room stands in the page's table, and sees none that the table of ``test_architecture`` does not give it."""
    from tests.test_architecture import ALLOWED, DOORS

    rows = re.findall(r"^\| (`.*?) \|.*\| (.*?) ?\|$", text_of(DOCS / "architecture.md"), re.MULTILINE)
    told = {name: re.findall(r"`(\w+)`", sees) for rooms, sees in rows for name in re.findall(r"`(\w+)/?`", rooms)}

    assert told.keys() == {*ALLOWED, *DOORS} - {"__init__"}
    for room, sees in told.items():
        assert {*sees} <= ALLOWED.get(room, {*sees}), room
