"""The JUnit file of a run: valid, and with the rule, its level and its sources beside each test."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import xmlschema

from tests.plugin.projects import SMALL, Run

DATA = Path(__file__).parents[1] / "data"


def junit(run: Run, *arguments: str) -> ET.Element:
    """Run the suite on a small profile and return the JUnit file."""
    Path("small.apiauth.toml").write_text(SMALL, encoding="utf-8")
    run("small.apiauth.toml", "--junit-xml=junit.xml", "-k", "api_keys", *arguments)
    return ET.parse("junit.xml").getroot()


def test_junit_is_valid_and_names_rule_level_and_sources(run: Run) -> None:
    """Without the properties of tests it is what the schema says, and with them if that lets a test have any."""
    root = junit(run, "--apiauth-fault=key-optional")
    cases = list(root.iter("testcase"))
    told_of: list[dict[str, Any]] = [
        {str(each.get("name")): each.get("value") for each in case.iter("property")} for case in cases
    ]
    assert all({"apiauth_rule", "apiauth_level", "apiauth_sources"} <= set(found) for found in told_of)
    assert "key-missing" in {found["apiauth_rule"] for found in told_of}
    failed = next(found for found, case in zip(told_of, cases, strict=True) if case.find("failure") is not None)
    assert failed["apiauth_verdict"] == "fail"

    text = (DATA / "junit-10.xsd").read_text(encoding="utf-8")
    head = '<xs:element name="testcase">\n        <xs:complexType>\n            <xs:sequence>\n'
    assert head in text
    with_properties = text.replace(head, f'{head}                <xs:element ref="properties" minOccurs="0"/>\n')
    xmlschema.XMLSchema(with_properties).validate(root)
    for case in cases:
        for properties in case.findall("properties"):
            case.remove(properties)
    xmlschema.XMLSchema(text).validate(root)
