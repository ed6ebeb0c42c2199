from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from webhook.cli.junit import Case, Outcome, Suite, junit_xml


def parsed(*cases: Case) -> ElementTree.Element:
    text = junit_xml([Suite(name="db.yaml", cases=cases)], name="runtimegate check")
    return ElementTree.fromstring(text.encode())


def case(outcome: Outcome = Outcome.PASSED, message: str = "") -> Case:
    return Case(name="db", classname="tenants", outcome=outcome, message=message, kind="Why")


def test_counts_are_those_of_the_cases_in_each_suite_and_in_all() -> None:
    root = parsed(case(), case(Outcome.FAILED), case(Outcome.ERROR), case(Outcome.FAILED))
    for element in (root, root[0]):
        assert element.attrib["tests"] == "4"
        assert element.attrib["failures"] == "2"
        assert element.attrib["errors"] == "1"


def test_only_what_did_not_pass_has_an_element_with_its_reason() -> None:
    passed, failed = parsed(case(), case(Outcome.FAILED, "no <class>"))[0]
    assert len(passed) == 0
    assert failed[0].tag == "failure"
    assert failed[0].attrib == {"message": "no <class>", "type": "Why"}


def test_a_line_is_given_only_where_it_is_known() -> None:
    known = Case(name="a", classname="b", file="db.yaml", line=7)
    assert parsed(known)[0][0].attrib["line"] == "7"
    assert "line" not in parsed(case())[0][0].attrib


@given(st.text())
def test_any_text_gives_a_document_that_can_be_read(text: str) -> None:
    root = parsed(Case(name=text, classname=text, outcome=Outcome.FAILED, details=text))
    assert root[0][0].tag == "testcase"


def test_what_xml_cannot_hold_is_shown_as_an_escape() -> None:
    assert parsed(case(Outcome.FAILED, "\x1b[31m"))[0][0][0].attrib["message"] == "\\u001b[31m"
