"""The profile as a test file: its items, how they are chosen, what their verdicts become."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.suite.book import REGISTRY
from tests.here import USUAL
from tests.plugin.loopback import Reply, answering
from tests.plugin.projects import NEIGHBOURS, SHOP, SMALL, Run, output, served, told

TRUTH = "shop.apiauth.toml::zones::zone-truth-table[user]"
FAULTY = ("small.apiauth.toml", "-k", "api_keys", "--apiauth-fault=key-optional")


@pytest.fixture(autouse=True)
def _profiles(pytester: pytest.Pytester) -> None:
    """Give the project its profiles."""
    for name, text in (("shop", SHOP), ("small", SMALL)):
        (pytester.path / f"{name}.apiauth.toml").write_text(text, encoding="utf-8")


def listed(result: pytest.RunResult) -> list[str]:
    """Give the node ids that a run with ``--collect-only -q`` lists."""
    return [line for line in result.outlines if "::" in line and not line.startswith(("ERROR", "FAILED"))]


def report_of(run: Run, *arguments: str) -> dict[str, Any]:
    """Run, and give the JSON report."""
    run(*arguments, "--apiauth-report=report.json")
    found: dict[str, Any] = json.loads(Path("report.json").read_text(encoding="utf-8"))
    return found


def verdicts(report: dict[str, Any]) -> dict[str, str]:
    """Give the verdict of each item of a report."""
    return {
        part["nodeid"]: part["verdict"]
        for profile in report["profiles"]
        for rule in profile["rules"]
        for part in rule["parts"]
    }


# Items and how they are chosen


def test_items_are_profile_chapter_rule_part(run: Run) -> None:
    """A node id reads profile, chapter, rule, part; the book's order is kept, and every rule is there."""
    items = listed(run("shop.apiauth.toml", "--collect-only", "-q"))

    assert TRUTH in items
    assert "shop.apiauth.toml::basic::basic-utf8" in items or any("::basic::" in item for item in items)
    assert {rule.id for rule in REGISTRY} == {item.split("::")[2].partition("[")[0] for item in items}
    assert len(items) == len(set(items))
    chapters = list(dict.fromkeys(item.split("::")[1] for item in items))
    assert chapters == list(dict.fromkeys(rule.chapter for rule in sorted(REGISTRY, key=_place)))


def _place(rule: Any) -> int:
    from pytest_apiauth import bundled

    return list(bundled.load_chapters()).index(rule.chapter)


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ([TRUTH], 1),
        ([TRUTH, TRUTH.replace("user", "pro")], 2),
        (["shop.apiauth.toml", "-k", "truth and table and user"], 1),
        (["shop.apiauth.toml", "-k", "zone-truth-table"], 3),
        (["shop.apiauth.toml", "-k", "zone-truth-table", "-m", "not later"], 2),
        (["shop.apiauth.toml", "--deselect", TRUTH, "-k", "zone-truth-table"], 2),
    ],
)
def test_items_are_chosen_as_any_test(pytester: pytest.Pytester, run: Run, arguments: list[str], count: int) -> None:
    """Node ids, -k, -m and --deselect choose rules as they choose tests."""
    pytester.makeconftest(
        """
        import pytest
        def pytest_configure(config):
            config.addinivalue_line("markers", "later: not now")
        def pytest_collection_modifyitems(items):
            for item in items:
                if item.name == "zone-truth-table[user]":
                    item.add_marker("later")
        """
    )

    run(*arguments).assert_outcomes(passed=count)


def test_chapter_is_chosen_by_its_node(run: Run) -> None:
    """A profile's chapter is a node of its own."""
    items = listed(run("shop.apiauth.toml::api_keys", "--collect-only", "-q"))

    assert items
    assert {"shop.apiauth.toml::api_keys"} == {item.rpartition("::")[0] for item in items}


def test_last_failed_runs_what_failed(run: Run) -> None:
    """--lf runs the rules that failed, and nothing else."""
    failed = run(*FAULTY).parseoutcomes()["failed"]
    again = run(*FAULTY, "--lf").parseoutcomes()

    assert failed > 0
    assert (failed, 0) == (again["failed"], again.get("passed", 0))


@pytest.mark.slow
def test_last_failed_beside_other_tests(pytester: pytest.Pytester, run: Run) -> None:
    """--lf finds failed rules where tests of the project have failed too."""
    pytester.makepyfile(test_a="def test_red(): assert False\ndef test_green(): pass")
    both = "red or green or api_keys"
    failed = run("test_a.py", "small.apiauth.toml", "-k", both, FAULTY[-1]).parseoutcomes()["failed"]

    again = run("test_a.py", "small.apiauth.toml", FAULTY[-1], "--lf").parseoutcomes()

    assert failed > 1
    assert (failed, 0) == (again["failed"], again.get("passed", 0))


def test_x_stops_at_the_first_failure(run: Run) -> None:
    """-x stops after one rule has failed."""
    assert run(*FAULTY, "-x").parseoutcomes()["failed"] == 1


@pytest.mark.slow
def test_workers_come_to_the_same(pytester: pytest.Pytester, run: Run) -> None:
    """Two workers come to the verdicts of one process; JUnit and JSON are written once, by the controller."""
    chosen = ("small.apiauth.toml", "-k", "api_keys or zones", "--hypothesis-seed=1")
    alone = report_of(run, *chosen)

    result = run(*chosen, "-n", "2", "--junit-xml=junit.xml", "--apiauth-report=two.json")

    both = json.loads((pytester.path / "two.json").read_text(encoding="utf-8"))
    cases = ElementTree.parse(pytester.path / "junit.xml").getroot().iter("testcase")
    assert result.ret == 0, output(result)
    assert verdicts(alone) == verdicts(both)
    assert alone["seed"] == both["seed"] == 1
    assert {nodeid.rpartition("::")[2] for nodeid in verdicts(both)} == {case.get("name") for case in cases}


def test_junit_names_profile_chapter_and_rule(pytester: pytest.Pytester, run: Run) -> None:
    """In JUnit a failed rule is a failed case of its profile's chapter, and a skipped one has its reason alone."""
    run(*FAULTY, "--junit-xml=junit.xml")

    root = ElementTree.parse(pytester.path / "junit.xml").getroot()
    cases = {case.get("name"): case for case in root.iter("testcase")}
    failed = cases["key-missing[user]"]
    assert failed.get("classname") == "small.apiauth.toml.api_keys"
    failure = failed.find("failure")
    assert failure is not None
    assert "curl -i" in (failure.text or "")
    skipped = [node.text or "" for node in root.iter("skipped")]
    assert all(text.startswith(str(pytester.path / "small.apiauth.toml")) for text in skipped)


def test_skips_name_the_profile_and_no_file_of_ours(run: Run) -> None:
    """The summary of skipped rules names the profile and the reason, not where the plug-in calls skip."""
    result = run("small.apiauth.toml", "-k", "token_bodies", "-rs")

    assert "small.apiauth.toml" in told(result, "SKIPPED", "token requests are not JSON")


# What a consumer's settings must not change


@pytest.mark.parametrize(
    "ini",
    [
        "python_functions = it_*",
        pytest.param("python_files = *.py", marks=pytest.mark.slow),
        pytest.param("python_classes = *", marks=pytest.mark.slow),
        "filterwarnings = error",
        pytest.param("xfail_strict = true\nempty_parameter_set_mark = fail_at_collect", marks=pytest.mark.slow),
        pytest.param("addopts = --strict-markers --strict-config --import-mode=importlib", marks=pytest.mark.slow),
        "addopts = -p no:anyio -p no:hypothesispytest --doctest-modules",
    ],
)
def test_settings_of_the_project_change_no_verdict(pytester: pytest.Pytester, run: Run, ini: str) -> None:
    """The rules found are those of the register, and their verdicts the same, whatever the project sets."""
    chosen = ("small.apiauth.toml", "--apiauth-examples=2", "-k", "api_keys or zones or basic", "--hypothesis-seed=1")
    expected = verdicts(report_of(run, *chosen))
    pytester.makeini(f"[pytest]\n{ini}\n")

    got = verdicts(report_of(run, *chosen))

    assert len(expected) > 10
    assert expected == got
    assert "fail" not in got.values()


@pytest.mark.slow
def test_warnings_as_errors_on_the_command_line(run: Run) -> None:
    """-W error changes nothing: a verdict is never a Python warning."""
    result = run("small.apiauth.toml", "-W", "error", "--apiauth-examples=2")

    assert result.ret == 0, output(result)
    assert "warnings summary" not in output(result)


# Verdicts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "owner"),
    [("any-credential-suffices", "zone-truth-table[user]"), ("open-zone-closed", "zone-open[ext]")],
)
def test_fault_makes_its_rule_fail(run: Run, name: str, owner: str) -> None:
    """--apiauth-fault makes the rule fail that exists for it, with expectation, observation and two curl lines."""
    result = run("shop.apiauth.toml", "-k", "zones", f"--apiauth-fault={name}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*expected *", "*got *", "*request   curl -i *", "*sources *"])
    told(result, "FAILED", f"::zones::{owner}")


def test_unknown_fault_is_one_line(run: Run) -> None:
    """An unknown fault is one line that suggests the nearest one."""
    result = run("shop.apiauth.toml", "--apiauth-fault=zone-opn")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.outlines == []
    assert "zone-open" in told(result, "ERROR", "zone-opn", "did you mean")


def test_fault_and_live_exclude_each_other(run: Run) -> None:
    """A fault of the embedded server makes no sense against a live one: one line."""
    result = run("shop.apiauth.toml", "--apiauth-live", "--apiauth-fault=zone-open")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told(result, "ERROR", "--apiauth-fault")


@pytest.mark.parametrize("strict", [False, True])
def test_strict_fails_what_only_warns(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    """A warning passes, is named, and is in JUnit; with --apiauth-strict it fails."""
    with served("jindexe", faults=["surplus-invalid-refused"]) as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        (pytester.path / "real.apiauth.toml").write_text(
            f'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n', encoding="utf-8"
        )
        options = ["--apiauth-strict"] if strict else []
        result = run(
            "real.apiauth.toml::zones::zone-surplus-bad[ext]", "--apiauth-live", "-v", "--junit-xml=j.xml", *options
        )

    root = ElementTree.parse(pytester.path / "j.xml").getroot()
    properties = {node.get("name") for node in root.iter("property")}
    assert (result.ret, result.parseoutcomes()) == ((1, {"failed": 1}) if strict else (0, {"passed": 1}))
    if not strict:
        told(result, "zone-surplus-bad[ext]", "WARNING")
        told(result, "  warning  zone-surplus-bad")
        assert "apiauth_warning" in properties


def test_report_has_the_shape_of_version_1(run: Run) -> None:
    """The JSON report has exactly the keys of version 1, with parts and counterexample."""
    report = report_of(run, *FAULTY)

    assert {"version", "versions", "seed", "started", "profiles"} == set(report)
    assert report["version"] == 1
    assert set(report["versions"]) == {"python", "pytest-apiauth", "pytest", USUAL, "hypothesis"}
    (profile,) = report["profiles"]
    shape = {"name": str, "target": str, "url": str, "requests": int, "tokens_issued": int, "seconds": float}
    assert {*shape, "rules", "note", "verdict", "not_examined", "causes", "file"} == set(profile)
    assert profile["file"] == "small.apiauth.toml"
    cause = "res-no-cred-401 at GET /user/me"
    assert profile["causes"] == [{"name": cause, "failures": 1, "follow": ["key-name-strict", "key-place-strict"]}]
    assert (profile["verdict"], profile["not_examined"]) == ("fail", [])
    assert all(isinstance(profile[name], kind) for name, kind in shape.items())
    assert (profile["name"], profile["target"], profile["url"]) == ("small", "embedded", "https://api.shop.example")
    members = {
        "id": str, "chapter": str, "level": str, "sources": list, "safety": str, "verdict": str, "reason": str,
        "requests": int, "examples": int, "parts": list, "advice": list, "sentence": str, "look": str,
    }  # fmt: skip
    for rule in profile["rules"]:
        assert {*members, "counterexample"} == set(rule)
        assert all(isinstance(rule[name], kind) for name, kind in members.items())
        for part in rule["parts"]:
            shown = {"counterexample"} if part["verdict"] in ("fail", "warning") else set()
            shown |= {"cause"} if part["verdict"] == "fail" or part["reason"].startswith("follows from") else set()
            assert {"nodeid", "part", "verdict", "reason", "level", *shown} == set(part) - {"rows", "line"}
            assert bool(part["reason"]) == (part["verdict"] != "pass")
    rules = {rule["id"]: rule for rule in profile["rules"]}
    failed = rules["key-missing"]
    assert failed["verdict"] == "fail"
    nodeid = "small.apiauth.toml::api_keys::key-missing[user]"
    shown = failed["counterexample"]
    reason = f"expected {shown['expected']}, got {shown['got']}; 1 of 2 rows failed"
    line = SMALL.splitlines().index("[zones.user]") + 1
    part = {"nodeid": nodeid, "part": "user", "verdict": "fail", "reason": reason, "level": "DOC", "line": line}
    rows = {"tried": 2, "failed": 1, "not_judged": 0}
    assert failed["parts"] == [{**part, "rows": rows, "counterexample": shown, "cause": cause}]
    assert {"curl", "control_curl", "control_got", "expected", "got", "head"} == set(shown)
    assert shown["head"][0] == "HTTP 200 OK"
    assert shown["control_got"] == "200 OK (application/json)"
    assert "$" in failed["counterexample"]["control_curl"]
    assert profile["requests"] == sum(rule["requests"] for rule in profile["rules"])


@pytest.mark.slow
def test_one_seed_one_result(run: Run) -> None:
    """With one --hypothesis-seed two runs agree in every verdict, counterexample and count of requests."""
    arguments = ("small.apiauth.toml", "-k", "api_keys or headers", "--apiauth-fault=key-prefix-compare")
    once, again, other = (report_of(run, *arguments, f"--hypothesis-seed={seed}") for seed in (11, 11, 12))

    for report in (once, again, other):
        for volatile in ("started", "seed"):
            del report[volatile]
        del report["profiles"][0]["seconds"]
    assert once == again
    assert verdicts(once) == verdicts(other)


def test_text_is_a_seed_too(run: Run) -> None:
    """Hypothesis takes any text as a seed, so the plug-in does."""
    result = run("small.apiauth.toml", "-k", "key-missing", "--hypothesis-seed=monday")

    result.assert_outcomes(passed=1)


def test_seed_is_fixed_in_ci(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI the seed is always the same, so that a rule does not change its verdict between two runs."""
    monkeypatch.setenv("CI", "true")

    assert told(run("small.apiauth.toml", "-k", "key-missing"), "apiauth:").endswith("seed 0")


@pytest.mark.slow
def test_unready_profile_is_one_error(pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the profile's own valid request fails, there is one error, and every other rule is not run."""
    monkeypatch.setenv("SHOP_KEY", "canary-of-the-shop")
    with answering({"/user/me": Reply(403)}) as url:
        (pytester.path / "real.apiauth.toml").write_text(
            SMALL.replace("https://api.shop.example", url), encoding="utf-8"
        )
        result = run("real.apiauth.toml", "--apiauth-live", "--apiauth-report=report.json", "-rs")

    report = json.loads((pytester.path / "report.json").read_text(encoding="utf-8"))
    outcomes = result.parseoutcomes()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (outcomes["errors"], outcomes.get("passed", 0), outcomes.get("failed", 0)) == (1, 0, 0)
    told(result, "real: the valid request to", "/user/me was answered with 403", "expected a 2xx status")
    told(result, "ERROR at setup of the profile: its own valid requests")
    assert {"not run", "skip"} == set(verdicts(report).values())
    (profile,) = report["profiles"]
    assert profile["verdict"] == "not ready"
    assert profile["error"].startswith("real: the valid request to")
    assert "\n" not in profile["error"]
    assert "FAIL" not in output(result)
    assert list(verdicts(report).values()).count("not run") > 10


@pytest.mark.slow
def test_subprocess_is_the_same(pytester: pytest.Pytester) -> None:
    """A run that is started as a user starts it ends as one in this process does."""
    off = [word for name in NEIGHBOURS for word in ("-p", f"no:{name}")]
    result = pytester.runpytest_subprocess(*off, TRUTH)

    result.assert_outcomes(passed=1)


def test_marks_of_one_profile_bring_fixtures_to_it_alone(pytester: pytest.Pytester, run: Run) -> None:
    """What is known of the fixtures of a rule's items is not shared with a profile whose marks ask for more."""
    (pytester.path / "marked.apiauth.toml").write_text(SMALL, encoding="utf-8")
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def told(request):
            print("told of", request.node.path.name)

        def pytest_collectstart(collector):
            if collector.path.name == "marked.apiauth.toml" and isinstance(collector, pytest.File):
                collector.add_marker(pytest.mark.usefixtures("told"))
        """
    )
    result = run("small.apiauth.toml", "marked.apiauth.toml", "-s", "-k", "res-no-cred-401")
    told_of = [line for line in result.outlines if "told of" in line]

    assert told_of
    assert all("marked" in line for line in told_of)
