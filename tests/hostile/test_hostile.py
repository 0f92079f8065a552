"""The hostile server's table is whole, and what judges a run sees each breach."""
# ruff: noqa: E501 - a table reads best with a row a line

from __future__ import annotations

import json

import pytest

from tests.hostile.behaviours import PLACES, TABLE
from tests.hostile.judging import Cost, breaches, is_lasting
from tests.hostile.running import Ran, chosen, retried
from tests.hostile.ways import SECRET, WAYS, Came

FAMILIES = {
    "never an answer", "drips", "endless", "heads", "closed in the middle", "wrong lengths and chunks", "no HTTP", "bombs",
    "encodings and JSON that is none", "JSON that is too much", "members of a token answer", "expires_in", "clocks",
    "poisonous text", "challenges", "redirects", "secrets sent back", "rate limits", "TLS", "documents", "device authorizations", "pages",
}  # fmt: skip
URL = "http://localhost:12345"
LINE = f"shop: {URL}/token (client_credentials): expected a token, got status 400: no\n"
NODE = "shop.apiauth.toml::token_answer::tok-members[client_credentials] FAILED\n"
BAD = TABLE["members of a token answer: a token with status 400 @token"]
CHEAP = Cost(0.1, 1.0)


def test_the_table_is_whole() -> None:
    """There are at least 200 behaviours, of each family, and each place and each way is met by many."""
    met = {name: sum(behaviour.place in way.places for behaviour in TABLE.values()) for name, way in WAYS.items()}

    assert len(TABLE) >= 200
    assert {behaviour.family for behaviour in TABLE.values()} == FAMILIES
    assert {behaviour.place for behaviour in TABLE.values()} == set(PLACES)
    assert min(met.values()) >= 70, met


def test_most_of_what_a_server_does_is_never_taken_for_good() -> None:
    """What is usable is the exception."""
    assert sum(behaviour.may_pass for behaviour in TABLE.values() if behaviour.place == "token") < 120


def test_a_sample_has_all_families_and_is_the_same_each_time() -> None:
    """What CI runs is spread over the table."""
    sample = chosen(sample=80)

    assert len(sample) == 80
    assert sample == chosen(sample=80)
    assert len({behaviour.family for behaviour in sample}) >= 15


def report(verdict: str) -> dict[str, bytes]:
    """Write the files of a run of the suite in which the token's rules have some verdict."""
    parts = [{"nodeid": "a::key-missing[key]", "verdict": "pass"}, {"nodeid": "a::tok-members[x]", "verdict": verdict}]
    profiles = [{"rules": [{"parts": [part]} for part in parts]}]
    return {
        "junit.xml": b"<testsuites/>",
        "report.md": b"#",
        "report.json": json.dumps({"profiles": profiles}).encode(),
    }


BREACHES: dict[str, tuple[str, Came, Cost, str]] = {
    "good": ("token", Came(LINE, 2), CHEAP, ""),
    "good suite": ("suite", Came(NODE + LINE, 1, report("fail")), CHEAP, ""),
    "slow": ("token", Came(LINE, 2), Cost(99.0, 1.0), "took 99.0 s"),
    "large": ("token", Came(LINE, 2), Cost(0.1, 101.0), "took 101 MB"),
    "traceback": ("token", Came(f"{LINE}Traceback (most recent call last):\n", 2), CHEAP, "not a line for a person"),
    "control": ("token", Came(f"{LINE}\x1b[2J\n", 2), CHEAP, "control characters"),
    "surrogate": ("token", Came(f"{LINE}\ud800\n", 2), CHEAP, "control characters"),
    "long": ("token", Came(LINE + "x" * 2000, 2), CHEAP, "a line of 2000 letters"),
    "secret": ("token", Came(f"{LINE}{SECRET}\n", 2), CHEAP, "output holds a secret"),
    "secret in a file": ("record", Came("", 0, {"a.yaml": SECRET.encode()}), CHEAP, "a.yaml holds a secret"),
    "passed": ("token", Came("shop: a token\n", 0), CHEAP, "passed"),
    "client passed": ("client, httpx", Came("", 0), CHEAP, "passed"),
    "no profile": ("token", Came(f"{URL}/token: no\n", 2), CHEAP, "no line with profile and endpoint"),
    "no endpoint": ("token", Came(f"shop: {URL}: no answer\n", 2), CHEAP, "no line with profile and endpoint"),
    "no profile in a suite": ("suite", Came(f"{URL}/token\n", 1, report("fail")), CHEAP, "no line with profile and endpoint"),
    "no endpoint in a suite": ("suite", Came(f"{NODE}{URL}\n", 1, report("fail")), CHEAP, "no line with profile and endpoint"),
    "nobody named": ("token", Came("something went wrong\n", 2), CHEAP, "no line with profile and endpoint"),
    "no rule minds": ("suite", Came(NODE + LINE, 1, report("pass")), CHEAP, "no rule has a word about the token"),
    "no XML": ("suite", Came(NODE + LINE, 1, {**report("fail"), "junit.xml": b"<a>\x01</a>"}), CHEAP, "a report that is none"),
    "no report": ("suite", Came(NODE + LINE, 1, {"junit.xml": b"<a/>"}), CHEAP, "a report that is none"),
    "all ended": ("suite", Came(NODE + LINE, 1, {**report("fail"), "report.json": b'{"profiles": [{"rules": []}]}'}), CHEAP, "the other rules did not go on"),
}  # fmt: skip
"""What comes of a run, and what is said of it."""


@pytest.mark.parametrize("case", BREACHES)
def test_each_breach_is_seen(case: str) -> None:
    """Each thing that must hold of a run is looked at."""
    name, came, cost, said = BREACHES[case]
    found = list(breaches(BAD, name, WAYS[name], URL, came, cost))

    assert found == [] if not said else len(found) == 1 and said in found[0], found


def test_what_does_not_come_of_a_busy_machine_counts_the_first_time() -> None:
    """A secret, a traceback or a broken report is a breach, though the way be gone a second time without."""
    lasting = {case for case, (*_, said) in BREACHES.items() if is_lasting(said)}

    assert lasting == {
        "traceback", "control", "surrogate", "long", "secret", "secret in a file", "no XML", "no report",
    }  # fmt: skip


def test_a_row_says_what_was_tried_and_what_held() -> None:
    """A way with a breach has not survived, however many it has."""
    ran = Ran("a name")
    ran.add("token", Cost(1.0, 2.0), [])
    ran.add("suite", Cost(3.0, 1.0), ["passed", "took 9 s"])

    assert (ran.survived, ran.seconds, ran.megabytes) == (1, 3.0, 2.0)
    assert ran.line().startswith("BREACH a name")
    assert ran.breaches == ["suite: passed", "suite: took 9 s"]
    assert next(iter(retried([ran]))).startswith("gone twice: 0; ")


def test_what_is_gone_twice_is_told() -> None:
    """A way that has held the second time is no breach, and is not kept quiet."""
    ran = Ran("a name")
    ran.add("token", Cost(1.0, 2.0), [], ["took 9 s"])

    assert (ran.survived, ran.breaches) == (1, [])
    assert ran.line().endswith("(gone twice)")
    told, first = retried([ran])
    assert told.startswith("gone twice: 1; ")
    assert first == "    the first time: a name: token: took 9 s"
