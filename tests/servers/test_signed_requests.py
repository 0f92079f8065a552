"""Requests that are signed: a Flask app that checks HTTP Message Signatures (RFC 9421) by the package of that name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.known import Project, about_project
from tests.servers.test_apps_in_process import copied, examine, installed, rewrite
from tests.servers.test_django_oauth_toolkit import EVERY_CLASS, Run
from tests.servers.test_django_oauth_toolkit import examine as examine_live
from tests.servers.test_served import served

pytestmark = pytest.mark.slow

ABOUT = {("sig-altered", "orders"), ("sig-of-another", "orders"), ("sig-once", "orders"), ("key-bad", "orders")}
SIGNED = Project(
    "signed_shop",
    ("flask", "http_message_signatures"),
    {},
    {},
    ABOUT,
    "shop.py",
    "",
    "",
    "orders",
)


def require_right(run: Run, target: str) -> None:
    """Require that the shop is called right by all rules."""
    assert run.report["profiles"][0]["target"] == target
    assert run.places("fail") | run.places("warning") == set(), run.output
    assert run.places("inconclusive") | run.places("not run") == set(), run.output
    assert run.places("pass") >= ABOUT, run.output


def test_a_shop_whose_requests_are_signed(tmp_path: Path) -> None:
    """In process and over the network all rules run, and its own tests, whose clients sign; nothing is found."""
    folder = copied(installed(SIGNED), tmp_path)

    require_right(run := examine(folder), "app")
    assert run.exit_status == pytest.ExitCode.OK, run.output
    with served(SIGNED, folder) as site:
        allowed = (f"--apiauth-allow={name}" for name in EVERY_CLASS)
        require_right(live := examine_live(site, folder / "shop.apiauth.toml", *allowed), "live")
        assert site.environment["SITE_SHOP"] not in live.output + json.dumps(live.report)


@about_project("signed_shop", "sig-altered", "sig-once", "sig-of-another")
@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (
            "        return False\n    if result",
            "        return 'Signature' in request.headers\n    if result",
            "sig-altered",
        ),
        ("        return False\n    USED", "        return True\n    USED", "sig-once"),
        ("request.host_url.rstrip", "'http://any.example/'.rstrip", ""),
        (' "@path",', "", "sig-of-another"),
        ("body=body)", "body=None)", "sig-of-another"),
    ],
    ids=["any signature", "any number of times", "host, which is not covered", "another path", "body unread"],
)
def test_each_check_has_a_rule_that_misses_it(tmp_path: Path, before: str, after: str, found: str) -> None:
    """What a shop does not look at is found by the rule that is about it; what is not covered is no finding."""
    folder = copied(installed(SIGNED), tmp_path)
    rewrite(folder / "shop.py", before, after)
    if "@" in before:
        rewrite(folder / "shop_signing.py", before, after)

    run = examine(folder, "shop.apiauth.toml", "-k", "signatures or key-bad")

    assert run.places("fail") >= ({(found, "orders")} if found else set()), run.output
    if found != "sig-altered":
        assert {rule for rule, _ in run.places("fail")} <= {found}, run.output
