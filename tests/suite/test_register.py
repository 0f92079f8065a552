"""The register: complete, honest about what is left out, and closed to a rule that has not earned its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import FAULTS
from pytest_apiauth.profile import loading
from pytest_apiauth.suite import listing
from pytest_apiauth.suite.book import PROFILE, REGISTRY, STATED, Control, Level, Parts, Registry, Rule, Safety

from .catalogue import CATALOGUE

bundled.load_chapters()
ROOT = Path(__file__).resolve().parent.parent.parent
STATEMENTS = {
    name: statement
    for path in loading.builtin_profiles().values()
    for name, statement in loading.load(path).statements.items()
}


def test_every_id_of_the_catalogue_is_built_or_has_its_reason() -> None:
    """Of the catalogue's 120 ids, 100 or more are rules, and each of the others says why it is none."""
    built = {rule.id for rule in REGISTRY} & CATALOGUE
    assert len(CATALOGUE) == 120
    assert CATALOGUE - built == set(listing.unbuilt())
    assert len(built) >= 100
    assert all(len(reason) > 40 for reason in listing.unbuilt().values())


def test_every_statement_is_covered() -> None:
    """Every statement of the three documents is covered by a rule, or by a test that exists."""
    assert len(STATEMENTS) == 47
    known = {rule.id for rule in REGISTRY}
    for name, statement in STATEMENTS.items():
        assert statement.rules or statement.tests, name
        assert set(statement.rules) <= known, name
        assert [place for place in statement.tests if not (ROOT / place).is_file()] == []


def test_sources_are_standards_or_the_profile() -> None:
    """A rule's source is a section of an RFC, the profile's own promise, or whatever sentence a document has for it."""
    for rule in REGISTRY:
        for source in rule.sources:
            assert source in (PROFILE, STATED) or source.startswith("RFC ")


def test_a_sentence_backs_the_rules_that_it_names() -> None:
    """What no standard binds an API to, a sentence of its own document does; another API's sentence does not."""
    rule, path = REGISTRY["zone-surplus-ok"], loading.builtin_profiles()["digishare"]
    silent = loading.load(path)
    sentence = {"text": "More credentials than needed do no harm.", "rules": ["zone-surplus-ok"]}
    spoken = silent.replaced(statements={"OWN-1": sentence})
    assert (rule.level_for(silent), rule.level_for(spoken)) == (Level.SHOULD, Level.DOC)
    assert rule.sources_for(spoken) == ("OWN-1",)


def test_general_code_knows_no_sentence_of_an_api() -> None:
    """The ids of statements stand in profiles alone, so that any API can back any rule by its own words."""
    files = [*ROOT.glob("conformance/*.py"), *ROOT.glob("pytest_apiauth/**/*.py")]
    assert len(files) > 100
    text = {file: file.read_text(encoding="utf-8") for file in files}
    assert [str(file) for file in files if any(name in text[file] for name in STATEMENTS)] == []


def lacking(**changes: object) -> Rule:
    """Make a rule that lacks something."""

    def function() -> None:
        """A rule."""

    values: dict[str, object] = {
        "id": "some-rule",
        "chapter": "zones",
        "level": Level.MUST,
        "safety": Safety.READ_ONLY,
        "sources": ("RFC 9110 11.4",),
        "applies": Parts("never", lambda profile: {}),
        "control": Control.PAIRED,
        "faults": ("zone-open",),
        "function": function,
        "look": "The route itself.",
    }
    return Rule(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": ()}, "lacks a source"),
        ({"faults": ()}, "lacks a fault"),
        ({"faults": (), "sources": ()}, "lacks a source and a fault"),
        ({"applies": None}, "lacks an applicability test"),
        ({"control": None}, "lacks a control"),
        ({"safety": None}, "lacks a safety class"),
        ({"level": None}, "lacks a level"),
        ({"function": lambda: None}, "lacks a docstring"),
        ({"look": ""}, "lacks where to look first"),
        ({"id": "Some_Rule"}, "lacks an id in lower case"),
    ],
)
def test_a_rule_that_has_not_earned_its_place_is_refused(changes: dict[str, object], message: str) -> None:
    """The register refuses a rule without source, level, applicability, control, safety class, fault or words."""
    with pytest.raises(ValueError, match=message):
        Registry().add(lacking(**changes))


def test_an_id_is_given_once() -> None:
    """Two rules, or two owners of one fault, are refused."""

    def other() -> None:
        """Another rule."""

    other.__qualname__ = "another"
    registry = Registry()
    registry.add(lacking())
    with pytest.raises(ValueError, match="exists twice"):
        registry.add(lacking(function=other))
    with pytest.raises(ValueError, match="owned by"):
        registry.add(lacking(id="other-rule"))


def test_the_list_names_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """``rules`` prints a line for each rule with its level, safety class, sources and faults."""
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for rule in REGISTRY:
        line = next(line for line in lines if line.startswith(f"{rule.id} "))
        for fact in (rule.chapter, rule.level.value, rule.safety.value, *rule.sources, *rule.faults):
            assert fact in line
    assert all(any(line.startswith(f"{rule_id} ") for line in lines) for rule_id in listing.unbuilt())


@pytest.mark.slow
def test_a_rule_is_explained_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    """``rules RULE-ID`` explains each rule: what it says, why, how it is controlled, what it catches, its text."""
    for rule in REGISTRY:
        assert main(["rules", rule.id]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        for fact in (rule.title, rule.control.value, rule.applies.otherwise, *rule.faults):
            assert " ".join(fact.split()) in shown
        assert f"def {rule.function.__name__}(" in shown


def test_an_unknown_rule_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An id that does not exist is one line with the nearest one, and exit status 2."""
    assert main(["rules", "tok-member"]) == 2
    assert capsys.readouterr().err == "no rule 'tok-member' (did you mean 'tok-members'?)\n"


def test_the_statements_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """``rules --statements`` prints every statement with what covers it."""
    assert main(["rules", "--statements"]) == 0
    shown = capsys.readouterr().out
    assert all(statement in shown for statement in STATEMENTS)
    assert "NOT COVERED" not in shown


def test_the_schema_knows_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    """``schema`` prints a JSON Schema with the file's keys, ``extends`` among them, each described."""
    assert main(["schema"]) == 0
    shown = capsys.readouterr().out
    for key in ("extends", "token_url", "zones", "insecure_hosts", "client_secret_basic"):
        assert f'"{key}"' in shown


def test_every_fault_is_owned_by_one_rule() -> None:
    """A fault that no rule owns proves nothing, and one that two rules own proves neither."""
    owned = [name for rule in REGISTRY for name in rule.faults]
    assert sorted(owned) == sorted(set(owned))
    assert set(owned) == set(FAULTS)
