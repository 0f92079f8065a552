"""Own rules and their faults: what shows that they can fail, and what is said of those that nothing shows it of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from tests.plugin.own_projects import BROKEN, KEPT, RULES, write_own
from tests.plugin.projects import SMALL, Run, output, told
from tests.test_readme import BLOCKS

pytestmark = pytest.mark.slow  # a run of pytest each

SHOP = "shop.apiauth.toml"
FAULTS = '''
from dataclasses import replace

def says_nothing(request, answer):
    """Answers without saying in what."""
    return replace(answer, headers=()) if answer.status == 200 else answer

'''
RULE = "@rule(MUST, PROFILE, applies=user, control=ITSELF)"
PROVED = RULES.replace(RULE, f"{FAULTS}{RULE[:-1]}, catches=says_nothing)", 1)
"""The first rule has a fault of its own, the second has none."""
PROVED_ALONE = PROVED[: PROVED.rindex("@rule")]
FAULT = "shop_rules.says_nothing"


@pytest.fixture(autouse=True)
def _in_the_project(pytester: pytest.Pytester) -> None:
    """Be in the folder of the project."""


def test_an_own_fault_is_caught(run: Run) -> None:
    """``--apiauth-fault FILE.function`` lets the embedded server answer as the function says."""
    write_own(PROVED)

    result = run(SHOP, "-k", "says-json or key-missing", f"--apiauth-fault={FAULT}")

    result.assert_outcomes(passed=1, failed=1)
    told(result, "FAILED", "says-json[user]")
    result.stdout.fnmatch_lines(["*expected  JSON", "*got       200 OK"])


def test_an_own_fault_that_is_not_caught_is_an_error(run: Run) -> None:
    """A run that is to show a fault is not green if its rule passes, or if the answer is not changed."""
    write_own(PROVED.replace("headers=()", "headers=answer.headers"))

    result = run(SHOP, "-k", "says-json", f"--apiauth-fault={FAULT}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, f"ERROR: the fault '{FAULT}' was not caught by its rule {KEPT}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("::api_keys", f"--apiauth-fault={FAULT}"), (f"'{FAULT}' is caught by the rule {KEPT}, which is not",)),
        (("", "--apiauth-fault=shop_rules.says_nothin"), ("no fault of these profiles' own rules", f"'{FAULT}'?")),
        (("", "--apiauth-prove", f"--apiauth-fault={FAULT}"), ("--apiauth-prove", "leave out --apiauth-fault")),
        (("", "--apiauth-prove", "--apiauth-live"), ("--apiauth-prove", "leave out --apiauth-live")),
    ],
)
def test_a_fault_that_cannot_be_shown_is_a_usage_error(
    run: Run, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Whose rule is not among the tests, which no file has, or which makes no sense: one line before the run."""
    write_own(PROVED)

    result = run(SHOP + arguments[0], *arguments[1:])

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told(result, "ERROR: ", *words)


def test_workers_know_of_a_fault_that_there_is_not(run: Run) -> None:
    """With workers nobody can say so before the run, so its end does."""
    write_own(PROVED)

    result = run(SHOP, "-k", "says-json", "--apiauth-fault=shop_rules.nothing", "-n", "2")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, "ERROR: the fault 'shop_rules.nothing' was at work in none of these profiles")


def test_what_is_unproven_is_told(run: Run) -> None:
    """A rule without a fault is named by the terminal, the JSON report and the Markdown report; others are not."""
    write_own(PROVED)

    result = run(SHOP, "-k", "shop_rules or key-missing", "--apiauth-report=r.json", "--apiauth-report=r.md")

    line = f"1 rule unproven, without a fault to catch: {BROKEN}"
    assert told(result, line)
    assert line in Path("r.md").read_text(encoding="utf-8").replace("\\", "")
    rules = json.loads(Path("r.json").read_text(encoding="utf-8"))["profiles"][0]["rules"]
    assert {rule["id"]: rule.get("unproven") for rule in rules} == {"key-missing": None, KEPT: None, BROKEN: True}


# The proof


def test_the_proof_is_a_test_for_each_fault(run: Run) -> None:
    """``--apiauth-prove`` holds each own rule to its faults, and nothing of the book to anything."""
    write_own(PROVED_ALONE)

    result = run(SHOP, "--apiauth-prove", "-v")

    result.assert_outcomes(passed=1)
    assert told(result, f"{SHOP}::shop_rules::says-json[says_nothing]", "PASSED")


WITHOUT = "shop_rules.is-dated is unproven: it does not pass without the fault: user: fail, expected a Date header"
NOT_PROVED = [
    ("no fault", RULES, f"{KEPT} is unproven: nothing shows that it can fail"),
    ("not caught", PROVED.replace("headers=()", "status=204"), f"{KEPT} is unproven: the fault is not caught: user: "),
    ("too much", PROVED.replace("headers=()", "status=500"), "with the fault no rule can be examined"),
    ("without", PROVED.replace(RULE, f"{RULE[:-1]}, catches='key-optional')"), WITHOUT),
    ("no parts", PROVED.replace('{"user": profile.zones["user"]}', "{}"), "it applies to nothing in this profile: "),
    ("error", PROVED.replace("headers=()", "header=()"), f"{FAULT}: shop_rules.py:"),
    ("no answer", PROVED.replace("replace(answer, headers=())", "'200'"), f"{FAULT}: expected a Response, got str"),
    ("crash", PROVED.replace("media_type ==", "media_types =="), "the rule itself went wrong: shop_rules.py:"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "words"), [row[1:] for row in NOT_PROVED], ids=[row[0] for row in NOT_PROVED])
def test_what_proves_nothing_fails(run: Run, rules: str, words: str) -> None:
    """A rule without a fault, a fault that is not caught or breaks too much, errors of both: one short report each."""
    write_own(rules)

    result = run(SHOP, "--apiauth-prove")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert words in output(result)
    assert "Traceback" not in output(result)


def test_an_own_rule_may_catch_a_fault_of_the_book(run: Run) -> None:
    """The faults of the embedded server prove own rules too; the book's owner has to catch it as before."""
    rules = '''
from pytest_apiauth.rules import *

@rule(MUST, PROFILE, applies=Parts("no zone", lambda profile: profile.zones), catches="key-optional")
def closed(api, zone):
    """Nobody gets in without a key."""
    for valid in api.requests(zone, "api_key"):
        api.send(valid.anonymous()).refused()
'''
    write_own(rules)

    proved = run(SHOP, "--apiauth-prove")
    shown = run(SHOP, "-k", "shop_rules or key-missing", "--apiauth-fault=key-optional")

    proved.assert_outcomes(passed=1)
    shown.assert_outcomes(failed=2, skipped=1)


def test_a_profile_without_own_rules_has_nothing_to_prove(run: Run) -> None:
    """That is an error, since a green run would look like a proof."""
    Path(SHOP).write_text(SMALL, encoding="utf-8")

    assert told(run(SHOP, "--apiauth-prove"), "shop: --apiauth-prove: the profile names no rules of its own")


# The double


def test_the_double_keeps_what_own_rules_alone_promise(run: Run) -> None:
    """``keeps`` makes its good answers for rules, once if two rules share it, and not those to clients of tests."""
    promise = FAULTS.replace("says_nothing", "dated").replace(
        "headers=()", "headers=(*answer.headers, ('Date', 'now'))"
    )
    once = RULES.replace("header('date') is not None", "header_lines('date') == ['now']")
    write_own(once.replace(RULE, f"{RULE[:-1]}, keeps=dated)").replace("\n@rule", f"{promise}@rule", 1))
    Path("test_it.py").write_text(
        "def test_it(apiauth_client):\n    assert 'date' not in apiauth_client.get('/user/me').headers",
        encoding="utf-8",
    )

    run(SHOP, "test_it.py", "-k", "shop_rules or test_it").assert_outcomes(passed=3)


def test_the_page_holds(run: Run) -> None:
    """The three worked examples of the page on own rules pass, are proved, and show their faults."""
    for (kind, name), text in BLOCKS.items():
        if kind == "file" and name.startswith("orders/"):
            Path(name).parent.mkdir(exist_ok=True, parents=True)
            Path(name).write_text(text, encoding="utf-8")

    passed = run("orders/tests/orders.apiauth.toml", "-k", "orders_")
    proved = run("orders/tests/orders.apiauth.toml", "--apiauth-prove")
    shown = run("orders/tests/orders.apiauth.toml", "-k", "orders_", "--apiauth-fault=orders_tokens.lasts_a_day")

    passed.assert_outcomes(passed=3)
    proved.assert_outcomes(passed=3)
    shown.assert_outcomes(passed=2, failed=1)
    shown.stdout.fnmatch_lines(["*got       expires_in of 86400"])
    assert "unproven" not in output(passed)


# The register


def test_the_register_lists_own_rules(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """``rules --profile`` prints them after the book's, and says which are unproven."""
    write_own(PROVED)

    assert main(["rules", "--profile", SHOP]) == 0
    lines = capsys.readouterr().out.splitlines()

    proved, unproved = (next(line for line in lines if line.startswith(f"{name} ")) for name in (KEPT, BROKEN))
    assert proved.endswith(f"profile; faults: {FAULT}")
    assert unproved.endswith("profile; UNPROVEN: no fault")
    assert any(line.startswith("key-missing ") for line in lines)


def test_the_register_explains_an_own_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """``rules --profile NAME ID`` shows it in full, with its fault and its text; an unknown id is a line."""
    write_own(PROVED)

    assert main(["rules", "--profile", SHOP, KEPT]) == 0
    shown = capsys.readouterr().out
    assert f"{KEPT}: Every answer to a user is JSON." in shown
    assert f"fault         {FAULT}: Answers without saying in what." in shown
    assert "applies to    shop: user" in shown
    assert "def says_json(api, zone):" in shown
    assert main(["rules", "--profile", SHOP, "shop_rules.says-jso"]) == 2
    assert capsys.readouterr().err == f"no rule 'shop_rules.says-jso' (did you mean '{KEPT}'?)\n"
