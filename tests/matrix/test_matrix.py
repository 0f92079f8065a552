"""The table of environments: what each leaves out, how tests are counted, what is wrong with how they ended."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.here import INSTALLED
from tests.matrix.__main__ import DIFFERING, LACKING, ROOT, Ended, read, wrong
from tests.matrix.worlds import WORLDS, World, left_out

HTTPX, HTTPX2, BOTH = WORLDS
RESULTS = f"""<testsuites><testsuite>
<testcase classname="tests.http.test_a" name="test_one"/>
<testcase classname="tests.http.test_a" name="test_two"><failure message="no"/></testcase>
<testcase classname="tests.http.test_a" name="test_three"><error message="no"/></testcase>
<testcase classname="tests.http.test_a" name="test_four"><skipped message="needs httpx, {LACKING}"/></testcase>
<testcase classname="tests.http.test_a" name="test_five"><skipped message="no device here"/></testcase>
<testcase classname="conformance.shop.apiauth.toml.zones" name="zone-open"><skipped message="no open zone"/></testcase>
</testsuite></testsuites>"""


def test_what_needs_a_library_is_left_out_with_it() -> None:
    """Nobody who stays needs anybody who is left out, but this project, which declares both."""
    gone = left_out(HTTPX2)

    assert ("httpx" in gone) is ("httpx" in INSTALLED)
    assert ("respx" in gone) is ("httpx" in INSTALLED)
    assert not {"pytest-apiauth", "httpx2", "pytest", "vcrpy"} & {*gone}
    assert left_out(BOTH) == []
    assert {"pytest-recording", "vcrpy"} <= {*left_out(World("no yaml", ("pyyaml",)))}


def test_tests_are_counted_by_how_they_ended(tmp_path: Path) -> None:
    """Skips for a library are apart from others, and from rules that do not apply."""
    (tmp_path / "x.xml").write_text(RESULTS, encoding="utf-8")
    ended = Ended(HTTPX2, {"httpx": "", "httpx2": "2.16"})

    read(tmp_path / "x.xml", ended)

    assert (ended.passed, ended.rules, ended.skipped) == (1, 1, Counter({"no device here": 1}))
    assert ended.failed == ["tests.http.test_a::test_two", "tests.http.test_a::test_three"]
    assert ended.lacking == Counter({f"needs httpx, {LACKING}": 1})
    lines = ended.lines()
    assert lines[0].startswith("httpx2: httpx2 2.16; without ")
    assert "1 passed, 2 failed, 1 skipped for a library, 1 for other reasons, 1 rules that do not apply" in lines[1]
    assert lines[-1] == "  FAILED tests.http.test_a::test_three"


def test_what_is_wrong_is_said() -> None:
    """No test at all, a library that is absent where both should be, a skip that one environment alone has.

    What is left out with a library is reason enough for that one.
    """
    lacking, other = Counter({f"needs httpx, {LACKING}": 3}), Counter({"no device here": 1})
    fine = [Ended(HTTPX2, {}, passed=1, lacking=lacking, skipped=other), Ended(BOTH, {}, passed=4, skipped=other)]
    assert wrong(fine) == []
    assert wrong([Ended(HTTPX, {})]) == ["httpx: no test ran"]
    assert wrong([Ended(BOTH, {}, passed=1, lacking=lacking)]) == [f"both: a library is absent: needs httpx, {LACKING}"]
    absent = Ended(HTTPX2, {}, passed=1, skipped=Counter({"it needs respx: pip install respx": 1}))
    assert wrong([absent, Ended(BOTH, {}, passed=1)]) == []
    alone = Ended(HTTPX, {}, passed=1, skipped=Counter({"why": 2}), rules=1)
    assert wrong([alone, Ended(BOTH, {}, passed=3)]) == [
        "httpx: skipped here alone: why",
        "httpx: 1 rules do not apply here, and 0 elsewhere",
    ]


def test_places_are_there() -> None:
    """What is run where a library makes a difference exists."""
    assert [place for place in DIFFERING if not (ROOT / place).exists()] == []
