"""A project with rules of its own, as its author would write them."""

from __future__ import annotations

from pathlib import Path

from tests.plugin.projects import SMALL

PROFILE = f'rules = ["shop_rules.py"]\n{SMALL}'
RULES = '''
from pytest_apiauth.rules import *

user = Parts("no zone is called user", lambda profile: {"user": profile.zones["user"]})


@rule(MUST, PROFILE, applies=user, control=ITSELF)
def says_json(api, zone):
    """Every answer to a user is JSON."""
    for valid in api.requests(zone):
        answer = api.send(valid).accepted()
        answer.require(answer.response.media_type == "application/json", "JSON")


@rule(MUST, PROFILE, applies=user, control=ITSELF)
def is_dated(api, zone):
    """Every answer to a user has a date."""
    for valid in api.requests(zone):
        answer = api.send(valid).accepted()
        answer.require(answer.response.header("date") is not None, "a Date header")
'''
"""Two rules: the embedded server keeps the first and breaks the second, since it writes no dates."""
KEPT, BROKEN = "shop_rules.says-json", "shop_rules.is-dated"


def write_own(rules: str = RULES, profile: str = PROFILE, name: str = "shop_rules") -> None:
    """Write a profile and its file of rules into the project."""
    Path("shop.apiauth.toml").write_text(profile, encoding="utf-8")
    Path(f"{name}.py").write_text(rules, encoding="utf-8")
