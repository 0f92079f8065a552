"""A project's own rules: beside the book's, chosen and reported as those are; what is wrong with them is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.app_projects import write
from tests.plugin.own_projects import BROKEN, KEPT, PROFILE, RULES, write_own
from tests.plugin.projects import SMALL, Run, output, served, told

pytestmark = pytest.mark.slow  # a run of pytest each

SHOP = "shop.apiauth.toml"
NODE = f"{SHOP}::shop_rules::says-json[user]"


@pytest.fixture(autouse=True)
def _in_the_project(pytester: pytest.Pytester) -> None:
    """Be in the folder of the project."""


def report_of(run: Run, *arguments: str) -> dict[str, Any]:
    """Run, and return what the JSON report says of each rule of the only profile, by id."""
    run(SHOP, *arguments, "--apiauth-report=report.json")
    (profile,) = json.loads(Path("report.json").read_text(encoding="utf-8"))["profiles"]
    return {rule["id"]: rule for rule in profile["rules"]}


# Beside the book


def test_own_rules_run_beside_the_book(run: Run) -> None:
    """They are a chapter of their own, judged and shown as the book's rules are, with a curl line."""
    write_own()

    result = run(SHOP, "-k", "shop_rules or key-missing")

    result.assert_outcomes(passed=2, failed=1)
    told(result, "FAILED", f"{SHOP}::shop_rules::is-dated[user]")
    told(result, f"MUST {BROKEN}: Every answer to a user has a date.")
    result.stdout.fnmatch_lines(
        ["*expected  a Date header", "*request   curl -i -H \"X-Shop-Key: *{API_KEY}\" '*/user/me'"]
    )


def test_reports_know_them_by_their_whole_ids(run: Run) -> None:
    """In the JSON report an id carries the file's name, and has all that a rule of the book has."""
    write_own()

    rules = report_of(run, "-k", "shop_rules or key-missing")

    assert {name: rule["verdict"] for name, rule in rules.items()} == {
        "key-missing": "pass", KEPT: "pass", BROKEN: "fail",
    }  # fmt: skip
    assert rules[BROKEN].keys() == rules["key-missing"].keys() - {"look"} | {"unproven"}
    assert (rules[BROKEN]["chapter"], rules[BROKEN]["level"]) == ("shop_rules", "MUST")
    assert rules[BROKEN]["parts"][0]["nodeid"] == f"{SHOP}::shop_rules::is-dated[user]"


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["-k", KEPT], 1),
        (["-k", "shop_rules and not dated"], 1),
        (["-m", "later"], 1),
        (["--deselect", f"{SHOP}::shop_rules::is-dated", "-k", "shop_rules"], 1),
    ],
)
def test_they_are_chosen_as_any_test(pytester: pytest.Pytester, run: Run, arguments: list[str], count: int) -> None:
    """-k takes the whole id or the file's name; a mark on the function is a mark of its tests."""
    pytester.makeini("[pytest]\nmarkers = later: not now")
    write_own(f"import pytest{RULES.replace('@rule', '@pytest.mark.later' + chr(10) + '@rule', 1)}")

    run(SHOP, *arguments).assert_outcomes(passed=count)


def test_a_node_id_names_one(run: Run) -> None:
    """Profile, file, rule, part."""
    write_own()

    run(NODE).assert_outcomes(passed=1)


def test_last_failed_runs_what_failed(run: Run) -> None:
    """--lf runs the own rule that failed, and nothing else."""
    write_own()
    run(SHOP, "-k", "shop_rules")

    run(SHOP, "-k", "shop_rules", "--lf").assert_outcomes(failed=1)


def test_workers_come_to_the_same(run: Run) -> None:
    """Workers of pytest-xdist import the files for themselves, and come to the same verdicts."""
    write_own()
    alone = report_of(run, "-k", "shop_rules or zones")

    both = report_of(run, "-k", "shop_rules or zones", "-n", "2")

    assert {name: rule["verdict"] for name, rule in both.items()} == {
        name: rule["verdict"] for name, rule in alone.items()
    }


def test_a_profile_inherits_them_from_where_they_lie(run: Run) -> None:
    """A path is relative to the file that names it; false leaves them out."""
    Path("tests").mkdir()
    write_own()
    for name, more in (("staging", ""), ("plain", "rules = false\n")):
        text = f'schema = 1\nextends = "../shop.apiauth.toml"\n{more}'
        Path(f"tests/{name}.apiauth.toml").write_text(text, encoding="utf-8")

    result = run("tests/staging.apiauth.toml", "tests/plain.apiauth.toml", "-k", "shop_rules or key-missing")

    result.assert_outcomes(passed=3, failed=1)
    told(result, "FAILED", "tests/staging.apiauth.toml::shop_rules::is-dated[user]")


def test_files_do_not_meet_by_their_names(pytester: pytest.Pytester, run: Run) -> None:
    """Two profiles may have two files of one name; a file that two profiles name is imported once."""
    once = "import builtins\nbuiltins.shop_rules_imported = getattr(builtins, 'shop_rules_imported', 0) + 1\n"
    write_own(f"{once}{RULES}\nassert builtins.shop_rules_imported == 1")
    Path("again.apiauth.toml").write_text(PROFILE, encoding="utf-8")
    Path("other").mkdir()
    Path("other/other.apiauth.toml").write_text(PROFILE, encoding="utf-8")
    Path("other/shop_rules.py").write_text(RULES.replace("is_dated", "is_signed"), encoding="utf-8")

    result = run(SHOP, "again.apiauth.toml", "other/other.apiauth.toml", "-k", "shop_rules", "--collect-only", "-q")

    ids = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert ids.count("shop_rules::is-dated[user]") == 2
    assert ids.count("shop_rules::is-signed[user]") == 1


def test_an_ordinary_import_registers_nothing(pytester: pytest.Pytester, run: Run) -> None:
    """A test that imports the file of rules for a helper of its own changes no profile's rules."""
    write_own()
    pytester.syspathinsert()
    pytester.makepyfile(test_it="from shop_rules import user\ndef test_it(): assert user.otherwise")
    Path("small.apiauth.toml").write_text(SMALL, encoding="utf-8")

    result = run("test_it.py", "small.apiauth.toml", "-k", "test_it or key-missing or shop_rules")

    result.assert_outcomes(passed=2)


def test_a_sentence_backs_one_and_a_failure_of_one_is_expected(project: Path, run: Run) -> None:
    """The profile's tables know own rules by their ids, and an app in this process meets them as the book's."""
    (project / "tests" / "own.py").write_text(RULES.replace("PROFILE,", "STATED,"), encoding="utf-8")
    backed = '[statements.S-1]\ntext = "Answers are dated."\nrules = ["own.is-dated"]\n'
    expected = '[expected_failures]\n"own.is-dated" = "ticket OPS-7"\n'
    write(project, f"\n{backed}{expected}", schema='schema = 1\nrules = ["own.py"]')

    result = run("tests/shop.apiauth.toml", "-k", "own.", "-rx", "--apiauth-report=report.json")

    result.assert_outcomes(passed=1, xfailed=1)
    (profile,) = json.loads(Path("report.json").read_text(encoding="utf-8"))["profiles"]
    found = {rule["id"]: rule for rule in profile["rules"]}
    assert (found["own.is-dated"]["level"], found["own.is-dated"]["sources"]) == ("MUST", ["S-1"])
    assert (found["own.says-json"]["level"], found["own.says-json"]["sources"]) == ("SHOULD", ["statement"])


def test_a_live_run_asks_for_their_safety_class(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that may harm a live server runs there only where its class is allowed."""
    rules = RULES.replace("ITSELF)", "ITSELF, safety=CONSUME)")
    with served("jindexe") as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        write_own(rules, f'schema = 1\nextends = "jindexe"\napi_url = "{url}"\nrules = ["shop_rules.py"]\n')

        refused = run(SHOP, "-k", "says-json", "--apiauth-live", "-rs")
        allowed = run(SHOP, "-k", "says-json", "--apiauth-live", "--apiauth-allow=consume")

    refused.assert_outcomes(skipped=1)
    assert told(refused, "needs --apiauth-allow consume")
    allowed.assert_outcomes(passed=1)


# What is wrong is one line

WRONG_FILES = [
    ("syntax", "def rule(:", ["shop_rules.py:1: SyntaxError: "]),
    ("import", "import os\nimport shop_clients\n", ["shop_rules.py:2: ModuleNotFoundError: No module named"]),
    ("exception", "import os\nos.environ['APIAUTH_NONE']", ["shop_rules.py:2: KeyError: 'APIAUTH_NONE'"]),
    ("skip", "import pytest\npytest.skip('no', allow_module_level=True)", ["shop_rules.py:2: ", "Skipped: no"]),
    ("exit", "raise SystemExit(0)", ["shop_rules.py:1: SystemExit: 0"]),
    ("no rule", "import os", ["shop_rules.py: no rule in it"]),
    ("no source", RULES.replace("MUST, PROFILE,", "MUST,", 1), ["shop_rules.py:7: rule ", KEPT, "lacks a source"]),
    ("no level", RULES.replace("MUST, PROFILE,", "'MUST', PROFILE,", 1), [KEPT, "lacks a level"]),
    ("no words", RULES.replace('"""Every answer to a user is JSON."""', ""), [KEPT, "lacks a docstring"]),
    ("two of one name", RULES.replace("is_dated", "says_json"), ["two functions are called says_json"]),
    ("no parts", RULES.replace('["user"]}', '["usr"]}'), ["shop_rules.py:4: KeyError: 'usr'", KEPT]),
    ("list of parts", RULES.replace('{"user": profile.zones["user"]}', "[1]"), ["a table by name"]),
    ("no such fault", RULES.replace("ITSELF)", "ITSELF, catches='zone-opn')"), [KEPT, "no fault", "'zone-open'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "words"), [row[1:] for row in WRONG_FILES], ids=[row[0] for row in WRONG_FILES])
def test_a_wrong_file_is_one_line(run: Run, rules: str, words: list[str]) -> None:
    """What keeps a file from being imported, or a rule from its place, is one line with file and line."""
    write_own(rules)

    result = run(SHOP)

    result.assert_outcomes(errors=1)
    text = output(result)
    lines = [line for line in text.splitlines() if "shop: rules: " in line and all(word in line for word in words)]
    assert lines, text
    assert "Traceback" not in text
    assert "\nE  " not in text


BACKED = f'{PROFILE}[statements.S]\ntext = "…"\nrules = '
EXPECTED = f"{PROFILE}[expected_failures]\n"
WRONG_PROFILES = [
    ("no file", PROFILE.replace("shop_rules", "shp_rules"), ["shop: rules: shp_rules.py: no such file"]),
    ("no module", PROFILE.replace("shop_rules.py", "shop-rules.py"), ["shop: rules: shop-rules.py: expected a file"]),
    ("chapter", PROFILE.replace("shop_rules", "zones"), ["shop: rules: zones.py: the book has a chapter 'zones'"]),
    ("two of one name", PROFILE.replace('.py"]', '.py", "a/shop_rules.py"]'), ["shop_rules.py has that name too"]),
    ("no list", PROFILE.replace('["shop_rules.py"]', '"shop_rules.py"'), ["shop.apiauth.toml: rules: expected"]),
    ("statement", f'{BACKED}["shop_rules.says-jso"]', ["S.rules: no", f"'{KEPT}'?"]),
    ("book's", f'{BACKED}["key-mising"]', ["S.rules: no", "'key-missing'?"]),
    ("expected failure", f'{EXPECTED}"shop_rules.is-datd" = "…"', ["is-datd: no such", f"'{BROKEN}'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), [row[1:] for row in WRONG_PROFILES], ids=[row[0] for row in WRONG_PROFILES])
def test_a_wrong_name_in_a_profile_is_one_line(run: Run, text: str, words: list[str]) -> None:
    """Files that are not there or clash, and ids that no rule has, of own rules and of the book's."""
    write_own(profile=text)

    result = run(SHOP)

    result.assert_outcomes(errors=1)
    assert told(result, *words)


def test_an_error_in_a_rule_is_one_short_report(run: Run) -> None:
    """It names rule, file and line, shows nothing that the rule had in its hands, and the others go on."""
    write_own(RULES.replace("media_type ==", "media_types =="))

    result = run(SHOP, "-k", "shop_rules or key-missing", "--showlocals", "--apiauth-report=report.json")

    result.assert_outcomes(passed=1, failed=2)
    why = "AttributeError: 'Response' object has no attribute 'media_types'"
    line = f"the rule itself went wrong: shop_rules.py:12: {why}"
    text = output(result)
    assert line in text
    assert f"MUST {KEPT}: Every answer to a user is JSON." in text
    assert "Traceback" not in text
    assert "answer =" not in text
    rules = {rule["id"]: rule for rule in json.loads(Path("report.json").read_text())["profiles"][0]["rules"]}
    assert (rules[KEPT]["verdict"], rules[KEPT]["reason"]) == ("inconclusive", line)


@pytest.mark.parametrize(
    ("words", "outcome", "told_of"),
    [
        ("pytest.skip('not today')", {"skipped": 1}, "skipped by the rule itself: not today"),
        ("raise Unchanged", {"skipped": 1}, "nothing could be sent"),
        ("pytest.fail('so there')", {"failed": 1}, "Failed by the rule itself"),
        ("answer.file('zone-opn', False, 'more')", {"failed": 1}, "filed under zone-opn, which is no rule"),
        ("assert answer.status == 404", {"failed": 1}, "shop_rules.py:12: AssertionError; answer.require("),
    ],
)
def test_other_ways_for_a_rule_to_end(run: Run, words: str, outcome: dict[str, int], told_of: str) -> None:
    """A rule may skip itself; what it asserts shows no request, so it says nothing of the server."""
    write_own(f"import pytest{RULES.replace('answer.require(', f'{words}; answer.require(')}")

    result = run(NODE, "-rs")

    result.assert_outcomes(**outcome)
    assert told_of in output(result)
