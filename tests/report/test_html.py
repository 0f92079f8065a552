"""The HTML report: what it shows and where, that links in it lead somewhere, and that nothing gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import time
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.report.html import page
from pytest_apiauth.report.record import (
    Admission,
    Advice,
    Cause,
    Counterexample,
    Event,
    LeftOut,
    Limited,
    NotExamined,
    PartRecord,
    RuleRecord,
    RunRecord,
    Verdict,
)
from tests.report.reading import Element, read
from tests.report.records import crowded, rule, run_of

POISON = "<script>x</script>\"'><img src=x onerror=y>{{ 7 * 7 }}{% raw %}&amp;\x1b[2J\u202e]]>--><!--\n::error::z"
SHOWN: tuple[Verdict, ...] = (
    "fail", "unexpected pass", "inconclusive", "warning", "expected failure", "not run", "pass", "skip",
)  # fmt: skip


def shown(*rules: RuleRecord, **more: Any) -> Element:
    """Return the page of a run of one profile."""
    return read(page.text(run_of(*rules, **more)))


def failing(number: int = 0, *, cause: str = "", verdict: Verdict = "fail", **more: Any) -> RuleRecord:
    """Make a rule that failed on one part."""
    usual = {"expected": "a refusal", "got": "200 OK", "curl": f"curl 'https://x/{number}'", "control_curl": "curl y"}
    found = Counterexample(**usual | more)
    name = f"res-{number}"
    nodeid = f"shop::resource::{name}[user]"
    part = PartRecord(nodeid, "user", verdict, "", "MUST", counterexample=found, cause=cause, line=9)
    return rule(
        verdict, id=name, chapter="resource", parts=(part,), counterexample=found, sentence=f"Sentence {number}."
    )


def full() -> RunRecord:
    """Make a run in which every member of the record holds something."""
    found = Counterexample("e", "g", "c", "cc", ("s",), ("h",), "cg")
    advice = Advice("user", "SHOULD", "ae", "ag", "ac", "acc", ("as",), ("ah",), "acg")
    events = (
        Event(0, "issued", ("T",), "w"), Event(0, "used", ("T",), "w", 2), Event(0, "renewed", ("U",), "w"),
        Event(9, "passed", (), "w"), Event(9, "refused", ("T",), "w"),
    )  # fmt: skip
    rules = tuple(
        replace(
            rule(verdict, id=f"r-{number}", counterexample=found, advice=(advice,), sentence="s", look="l"),
            parts=(
                PartRecord("n", "p", verdict, "r", "MUST", None, found, "r-0 at GET /", 3, events),
                PartRecord("n", "q", "skip", "r", "MUST", cause="r-0 at GET /"),
            ),
        )
        for number, verdict in enumerate(SHOWN)
    )  # fmt: skip
    return run_of(
        *rules, error="e", note="n", file="f", statements={"JI-02": "s"}, causes=(Cause("r-0 at GET /", 3, ("r-7",)),),
        admissions=(Admission("/u", ("k",), ("b",), True, False, "g"), Admission("/", (), (), False, False, "g")),
        limited=(Limited("e", 3, 2, 1, 1),), not_examined=(NotExamined("r", ("c",), ("r",)),),
        left_out=LeftOut(3, ("r",), 0.1), verdict="not ready",
    )  # fmt: skip


def poisoned(value: Any, *, is_fixed: bool = False) -> Any:
    """Return a record with poison in each text of it that is not one of a few words of ours."""
    if is_dataclass(value) and not isinstance(value, type):
        ours = {"verdict", "what", "level", "started"}
        return replace(
            value,
            **{each.name: poisoned(getattr(value, each.name), is_fixed=each.name in ours) for each in fields(value)},
        )
    if isinstance(value, tuple):
        return tuple(poisoned(each) for each in value)
    if isinstance(value, dict):
        return {f"{name}{POISON}": poisoned(each) for name, each in value.items()}
    return f"{value}{POISON}" if isinstance(value, str) and not is_fixed else value


def skeleton(element: Element) -> list[Any]:
    """Return the elements of a page and the names of their attributes, without what stands in them."""
    return [(each.tag, list(each.attributes), skeleton(each)) for each in element.children if isinstance(each, Element)]


def test_nothing_in_a_record_becomes_markup() -> None:
    """Whatever stands in any text of a record, elements and attributes are the same, and all letters are printable."""
    # Sources are words of ours as links, and text otherwise: neither run has one that is a link.
    plain, text = page.text(full()), page.text(poisoned(full()))

    assert text.count("&lt;script&gt;") > 100
    assert skeleton(read(text)) == skeleton(read(plain))
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    assert not re.search(r"^::error", text, re.MULTILINE)
    assert "{{ 7 * 7 }}" in text


@pytest.mark.parametrize(
    "run", [full(), run_of(rule("pass")), crowded(20), run_of()], ids=["full", "one", "many", "none"]
)
def test_every_link_leads_somewhere(run: RunRecord) -> None:
    """No name is given twice, and each link within the page, and each reference to a label, has its place."""
    found = read(page.text(run))

    names = [each.attributes["id"] for each in found.all() if "id" in each.attributes]
    assert len(names) == len(set(names))
    links = [each.attributes["href"] for each in found.all("a")]
    assert links
    assert {link[1:] for link in links if link.startswith("#")} <= {*names}
    assert all(link.startswith(("#", "https://www.rfc-editor.org/rfc/rfc")) for link in links)
    assert {each.attributes["aria-labelledby"] for each in found.all() if "aria-labelledby" in each.attributes} <= {
        *names
    }


def test_links_stay() -> None:
    """A rule and a part of it have a name that the next run gives them too, whatever else was found."""
    before = shown(rule("fail", id="key-bad"))
    after = shown(failing(1), rule("pass", id="key-bad"), rule("skip", id="other"))

    for found in (before, after):
        (entry,) = found.all(id="shop.key-bad")
        assert "rule" in entry.attributes["class"].split()
        assert found.all(id="shop.key-bad.user")
        assert found.all(id="shop.key-bad.public")  # of which nothing is to be said


def test_the_page_asks_for_nothing() -> None:
    """Its policy allows the style and the script by what they are, and no request; nothing in it would make one."""
    text = page.text(full())
    found = read(text)

    policy = next(each for each in found.all("meta") if each.attributes.get("http-equiv"))
    hashes = {
        name: "sha256-"
        + base64.b64encode(hashlib.sha256("".join(map(str, found.one(name).children)).encode()).digest()).decode()
        for name in ("style", "script")
    }
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src '{hashes['style']}'; script-src '{hashes['script']}';"
        " base-uri 'none'; form-action 'none'"
    )
    attributes = {name for each in found.all() for name in each.attributes}
    assert not attributes & {"src", "srcset", "style", "action", "background", "poster", "data", "ping"}
    assert not [name for name in attributes if name.startswith("on")]
    assert {each.tag for each in found.all()} & {"link", "img", "iframe", "object", "embed", "base"} == set()
    assert "url(" not in text
    assert "@import" not in text


def test_landmarks_and_headings() -> None:
    """One first heading, no level left out, one main part, names for what there is several of, headers for cells."""
    found = read(page.text(full()))

    assert len(found.all("h1")) == 1
    assert len(found.all("main")) == len(found.all("nav")) == 1
    levels = [int(each.tag[1]) for each in found.all() if re.fullmatch("h[1-6]", each.tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    assert all(each.attributes.get("scope") for each in found.all("th"))
    assert all(each.text for each in [*found.all("button"), *found.all("summary"), *found.all("a")])
    assert all(each.attributes.get("aria-label") for each in found.all(role="region"))
    assert found.one("output").attributes["aria-live"] == "polite"


def test_what_lets_whom_in() -> None:
    """A row a set of credentials, a column a zone; what is not as documented says so in words."""
    found = shown(
        rule("pass"),
        admissions=(
            Admission("/user/", (), (), False, False, "401 Unauthorized"),
            Admission("/user/", ("api_key",), ("bearer",), False, True, "200 OK"),
            Admission("/user/", ("api_key", "bearer"), (), True, True, "200 OK (application/json)"),
            Admission("/public/", (), (), True, False, "403 Forbidden"),
        ),
    )
    table = found.one("table", class_="matrix")

    rows = [[each.text for each in row.children if isinstance(each, Element)] for row in table.all("tr")]
    assert rows == [
        ["Presented", "Answered at"],
        ["api key", "bearer", "/user/", "/public/"],
        ["–none", "–none", "⊘refused401", "✗refused should be admitted403"],
        ["●right", "◐wrong", "✗admitted should be refused200", "not tried"],
        ["●right", "●right", "✓admitted200 (application/json)", "not tried"],
    ]
    assert "2 of 4 answers are not as documented." in found.text


def test_a_hundred_findings_of_one_cause_are_one_entry() -> None:
    """They stand in one place with their number, the rule that the cause is named for first, and what follows below."""
    rules = [failing(number, cause="res-7 at GET /me") for number in range(100)]
    follows = rule("skip", id="key-bad", reason="follows from res-7")
    found = shown(*rules, follows, causes=(Cause("res-7 at GET /me", 100, ("key-bad",)),))

    group = found.one("details", class_="group")
    assert len(found.all("details", class_="finding")) == len(group.all("details", class_="finding")) == 100
    words = "fail res-7 Sentence 7. 100 findings of one cause at GET /me; 1 rule follows"
    assert group.all("summary")[0].text == words
    assert group.all("details", class_="finding")[0].attributes["id"] == "shop.res-7"
    assert group.one("p", class_="follow").one("a").attributes["href"] == "#shop.key-bad"


def test_worst_first() -> None:
    """Chapters in which something failed come before those that warn."""
    found = shown(
        replace(failing(1, verdict="warning"), chapter="first"), replace(failing(2), chapter="second"), rule("pass")
    )
    headings = [each.text for each in found.all("h4")]
    assert headings == ["second", "first"]


def test_a_finding_says_all_that_there_is() -> None:
    """What was expected and came, what the control got, where it is written, where to look, and lines to paste."""
    entry = failing(
        3, steps=("curl first", "# 30 seconds pass"), head=("HTTP 200 OK", "Via: x"), control_got="200 OK (text/html)"
    )
    found = shown(
        replace(entry, look="The route.", sources=("RFC 6750 3.1", "RFC 6749 A.12", "JI-02", "profile")),
        statements={"JI-02": "It needs a key."}, file="shop.apiauth.toml",
    )  # fmt: skip
    finding = found.one("details", id="shop.res-3")

    assert [each.text for each in finding.all("pre")] == [
        "curl first # 30 seconds pass", "curl 'https://x/3'", "HTTP 200 OK Via: x", "curl y"
    ]  # fmt: skip
    words = (
        "expected a refusal",
        "got 200 OK",
        "valid request got 200 OK (text/html)",
        "where to look first The route.",
    )
    said = " ".join(each.text for each in finding.all() if each.tag in ("dt", "dd"))
    assert [each for each in (*words, "“It needs a key.”", "line 9 of the profile") if each not in said] == []
    links = [each.attributes["href"] for each in finding.all("a")]
    assert links == [
        "https://www.rfc-editor.org/rfc/rfc6750#section-3.1", "https://www.rfc-editor.org/rfc/rfc6749#appendix-A.12",
    ]  # fmt: skip
    assert len(finding.all("pre", class_="c")) == 3  # which a button copies


def test_requests_to_which_the_same_came_are_one() -> None:
    """The first is shown, the others open."""
    found = Counterexample("a refusal", "200 OK", "curl one", "")
    parts = tuple(
        PartRecord("n", name, "fail", "", "MUST", counterexample=replace(found, curl=f"curl {name}"))
        for name in ("user", "pro", "public")
    )
    entry = shown(rule("fail", parts=parts)).one("details", class_="finding")

    assert len(entry.all("dl", class_="exchange")) == 1
    assert [each.text for each in entry.all("pre")] == ["curl user", "curl pro", "curl public"]
    assert "The same came to 2 more requests" in entry.text


def test_advice_is_told_with_its_own_level_once() -> None:
    """A piece of advice that decides is not told twice; what a failing rule advises beside stands in its entry."""
    advice = Advice("user", "SHOULD", "a refusal", "200 OK", "curl 'https://x/1'", "")
    other = replace(advice, expected="a challenge", curl="curl other")
    entry = replace(failing(1, verdict="warning"), advice=(advice, other))
    finding = shown(entry).one("details", class_="finding")

    assert [each.text for each in finding.all("h5")] == ["warning (MUST): user", "warning (SHOULD): user"]


def test_a_profile_that_is_not_ready() -> None:
    """Why nothing was examined has a place of its own, at the top and in the profile."""
    found = shown(rule("not run", reason="the profile is not ready"), verdict="not ready", error="no token: 401")

    assert found.one("div", class_="alert").text == "Not readyno token: 401"
    assert "no token: 401" in found.one("table", class_="profiles").text
    assert found.one("p", class_="outcome").text == "1 profile not examined"


def test_skips_that_say_the_same_are_one_line() -> None:
    """The reason with most rules first."""
    skips = [rule("skip", id=f"key-{number}", reason="no API key") for number in range(22)]
    found = shown(rule("skip", id="jwt", reason="no JWT"), *skips, rule("pass"))

    lines = [each.text for each in found.all("summary")]
    assert [line for line in lines if "no " in line] == ["22 rules no API key", "1 rule no JWT"]


def test_chapters_and_verdicts() -> None:
    """How many rules of a chapter came to which verdict, each number a link to them; chapters of skips are one line."""
    found = shown(rule("pass"), rule("fail", id="b"), rule("pass", id="c"), rule("skip", id="d", chapter="api_keys"))
    table = found.one("table", class_="tallies")

    assert [each.text for each in table.one("tbody").all("a")] == ["1 fail: keys", "2 pass: keys"]
    assert table.one("tbody").all("a")[0].attributes["data-filter"] == "verdict=fail"
    assert table.one("tbody").all("tr")[0].attributes["data-filter"] == "chapter=keys"
    assert "Nothing applies in 1 more chapter: api keys." in found.text


def test_what_became_of_tokens() -> None:
    """A lane for each token, a mark for what happened to it, and the same as a list; what tells most is open."""
    events = (
        Event(0, "issued", ("ACCESS_TOKEN_1", "REFRESH_TOKEN_1"), "POST /token: 200 OK"),
        Event(0, "issued", ("ACCESS_TOKEN_2",), "POST /token: 200 OK"),
        Event(86430, "passed", (), "86430 seconds pass"),
        Event(86430, "refused", ("ACCESS_TOKEN_1",), "GET /me: 401"),
        Event(86430, "used", ("REFRESH_TOKEN_1",), "POST /token: 200 OK"),
        Event(86430, "renewed", ("ACCESS_TOKEN_3",), "POST /token: 200 OK"),
        Event(86430, "used", ("ACCESS_TOKEN_3",), "GET /me: 200 OK", 2),
    )

    def of(name: str, life: tuple[Event, ...], verdict: Verdict = "pass") -> RuleRecord:
        return rule(
            verdict, id=name, parts=tuple(PartRecord("n", each, verdict, "", "DOC", life=life) for each in "ab")
        )

    found = shown(of("short", events[:1]), of("long", events), of("failed", events[:2], "fail"))
    lives = found.all("figure", class_="life")
    open_ones = [each.attributes["id"] for each in lives][:2]

    assert open_ones == ["shop.life.failed.a", "shop.life.long.a"]
    assert len(lives) == 6
    drawing = lives[1].one("svg")
    assert [each.text for each in drawing.all("text", class_="lane")] == [
        "ACCESS_TOKEN_1",
        "REFRESH_TOKEN_1",
        "ACCESS_TOKEN_3",
    ]
    marks = [each.attributes["class"] for each in drawing.all("use")]
    assert marks == ["m-issued", "m-issued", "m-refused", "m-used", "m-renewed", "m-used"]
    assert drawing.one("text", class_="band").text == "1 d 30 s"
    assert [each.text for each in lives[1].all("li")][-1] == "1 d 30 s used ACCESS_TOKEN_3: GET /me: 200 OK (2 times)"


def test_an_embedded_run_says_what_it_is_worth() -> None:
    """At the top, and where the profile begins."""
    found = shown(rule("pass"), note="embedded server: this run says nothing about the real API")

    assert found.text.count("this run says nothing about the real API.") == 2


def test_what_the_document_says() -> None:
    """Each statement with its sentence and with what came of the rules that it backs."""
    row = shown(rule("pass"), rule("fail", id="b"), statements={"JI-02": "Keys are needed."}).one(id="shop.says.JI-02")

    assert row.text == "JI-02Keys are needed.pass: key-bad fail: b"


def test_three_profiles_with_three_hundred_findings() -> None:
    """They take less than a second and a megabyte."""
    run = crowded()
    page.text(run)  # which reads the templates
    start = time.process_time()  # not that of others; `python -m tests.pages` looks at the clock
    text = page.text(run)

    assert time.process_time() - start < 1
    assert len(read(text).all("details", class_="finding")) == 300
    assert len(text.encode()) < 1_000_000


def test_without_the_template_library(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the extra is told so at once, in a line that says what to type."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    pytester.makepyfile(test_never="raise RuntimeError('collected')")

    result = pytester.runpytest_inprocess("--apiauth-report=out/x.html")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --apiauth-report: 'out/x.html' needs jinja2, which is not installed:"
            " pip install pytest-apiauth[[]html[]]"
        ]
    )
    assert not Path("out").exists()


@pytest.mark.parametrize("rules", [(), (rule("skip"),)], ids=["no profile", "skips"])
def test_a_run_that_examined_nothing_is_not_called_good(rules: tuple[RuleRecord, ...]) -> None:
    """Whether there was nothing to examine, or nothing applied."""
    run = run_of(*rules)
    outcome = read(page.text(run if rules else replace(run, profiles=()))).one("p", class_="outcome")

    assert (outcome.text, outcome.attributes["class"]) == ("Nothing was examined", "outcome bad")


def test_a_rule_of_several_causes_stands_with_each() -> None:
    """Its parts stand where they belong, and what is of the whole rule with the first."""
    found = Counterexample("a refusal", "200 OK", "curl one", "")
    parts = (
        PartRecord("n", "user", "fail", "", "MUST", counterexample=found, cause="res-0 at GET /me"),
        PartRecord("n", "pro", "fail", "", "MUST", counterexample=found),
        PartRecord("n", "public", "pass", "", "MUST"),
    )
    page_of = shown(failing(0, cause="res-0 at GET /me"), rule("fail", parts=parts))

    first, second = page_of.one(id="shop.key-bad"), page_of.one(id="shop.key-bad~2")
    assert [each.attributes["id"] for each in first.all("dt") if "id" in each.attributes] == [
        "shop.key-bad.user", "shop.key-bad.public"
    ]  # fmt: skip
    assert [each.attributes["id"] for each in second.all("dt") if "id" in each.attributes] == ["shop.key-bad.pro"]
