"""The registry of formats: a format is a file of its own and one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth.plugin.options import OPTIONS
from pytest_apiauth.report.formats import FORMATS, told
from pytest_apiauth.report.record import RunRecord

SMALL = """
schema = 1
api_url = "https://api.shop.example"
[api_key]
header = "X-Shop-Key"
[credentials]
api_key = { env = "SHOP_KEY" }
[zones.user]
path = "/user/"
needs = ["api_key"]
probe = ["/user/me"]
"""


def plain_lines(run: RunRecord) -> str:
    """Write a run in a format of its own."""
    return "".join(f"{rule.id}: {rule.verdict}\n" for profile in run.profiles for rule in profile.rules)


def test_a_line_in_the_registry_is_a_format(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option writes it, and its messages name it."""
    before = told()
    monkeypatch.setitem(FORMATS, ".lines", plain_lines)
    pytester.makefile(".apiauth.toml", shop=SMALL)
    words = ("-p", "no:randomly", "-p", "no:cacheprovider")

    result = pytester.runpytest_inprocess(
        *words, "shop.apiauth.toml", "-k", "key-missing", "--apiauth-report=out/a.lines"
    )

    result.stdout.fnmatch_lines(["report: out/a.lines"])
    assert Path("out/a.lines").read_text(encoding="utf-8") == "key-missing: pass\n"
    wrong = pytester.runpytest_inprocess(*words, "--apiauth-report=a.xml")
    wrong.stderr.fnmatch_lines([f"ERROR: --apiauth-report: 'a.xml' should end with one of: {before}, .lines"])


def test_the_help_names_every_format() -> None:
    """What ``--help`` says of the option is read from the registry too."""
    help_text = next(option.help for option in OPTIONS if option.name == "report")

    assert f"({', '.join(FORMATS)})" in help_text
