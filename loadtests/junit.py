"""A verdict as JUnit XML, for build servers: one test case for each check. Pure."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from loadtests.targets import say
from loadtests.verdict import Verdict


def to_junit(verdict: Verdict) -> str:
    """The XML text. An invalid run is an error, harm and a missed target are failures."""
    suite = Element("testsuite", name=f"loadtests.{verdict.scenario}.{verdict.via}")
    properties = SubElement(suite, "properties")
    for name, value in verdict.measures.items():
        SubElement(properties, "property", name=name, value=say(value))
    valid = _case(suite, "the run is valid")
    if verdict.invalid:
        SubElement(valid, "error", message="; ".join(verdict.invalid))
    for check in verdict.checks:
        case = _case(suite, f"{check.target.measure} {check.target}")
        if not check.passed:
            failure = SubElement(case, "failure", message=check.text)
            failure.text = "\n".join(
                example
                for finding in verdict.findings
                if finding.kind == check.target.measure
                for example in finding.examples
            )
    suite.set("tests", str(1 + len(verdict.checks)))
    suite.set("failures", str(sum(not check.passed for check in verdict.checks)))
    suite.set("errors", str(int(bool(verdict.invalid))))
    indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suite, encoding="unicode")}\n'


def _case(suite: Element, name: str) -> Element:
    return SubElement(suite, "testcase", classname=str(suite.get("name")), name=name)
