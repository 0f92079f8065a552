"""The harness itself: its search finds what is there, and a run with redaction switched off in one place shows it."""

from __future__ import annotations

import base64
import json
import pprint
from collections.abc import Callable
from urllib.parse import quote

import pytest

from .places import PLACES
from .running import PLANS, plan_named, run
from .searching import Canary, search

VALUE = "k:Zq7Lw2/+%41 é\"'\\Xk9Vb4Nc8Mt3"
DRESSES: dict[str, Callable[[str], str]] = {
    "raw": str,
    "json of json": lambda value: json.dumps(json.dumps({"v": value})),
    "repr of bytes": lambda value: repr([value.encode()]),
    "percent twice": lambda value: quote(quote(value, safe=""), safe=""),
    "base64 of a pair": lambda value: base64.b64encode(f"id:{quote(value, safe='')}".encode()).decode(),
    "over lines": lambda value: "\nE     ".join(pprint.pformat([value.encode() * 2], width=24).split("\n")),
    "in colours": lambda value: f"{value[:11]}\x1b[35m{value[11:]}",
    "a piece": lambda value: value[-12:],
}


@pytest.mark.parametrize("dress", DRESSES)
def test_search_finds_what_is_there(dress: str) -> None:
    """A value is found in every dress, and nothing is found where there is none."""
    canaries = [Canary("planted", VALUE), Canary("elsewhere", VALUE[::-1])]

    assert [find.slot for find in search(f"E   some text {DRESSES[dress](VALUE)} and more", canaries)] == ["planted"]


def test_every_place_has_a_plan() -> None:
    """Each place of redaction names a plan that there is, and no two plans have one name."""
    names = [plan.name for plan in PLANS]

    assert len(set(names)) == len(names)
    assert {place.plan for place in PLACES.values()} <= set(names)


@pytest.mark.slow
@pytest.mark.parametrize(("without", "is_clean"), [("", True), ("terminal", False)])
def test_one_run(without: str, is_clean: bool) -> None:
    """A project whose hooks print values is clean, and with the terminal left alone it is not."""
    result = run(plan_named("hooks of the project"), without)

    assert (result.trouble, result.runs) == ("", 1)
    assert result.outputs > 2
    assert (not result.finds) is is_clean
