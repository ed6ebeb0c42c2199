import json
from xml.etree import ElementTree

from tests.build import pod
from tests.cli.test_check_inputs import checked, database, postgres
from webhook.cli.check_junit import check_suites
from webhook.cli.junit import junit_xml
from webhook.cli.manifests import InputError


def test_a_pod_is_a_case_and_a_refusal_its_failure() -> None:
    outcome = checked(pod(), postgres(), using=database())
    root = ElementTree.fromstring(junit_xml(check_suites(outcome.results, ()), name="x").encode())
    (suite,) = root
    kept, refused = suite
    assert suite.attrib["name"] == "x.yaml"
    assert kept.attrib == {
        "name": "Pod tenant-a/web", "classname": "x.yaml", "file": "x.yaml", "line": "1",
    }  # fmt: skip
    assert [child.tag for child in kept] == ["system-out"]
    assert (refused.attrib["name"], refused.attrib["line"]) == ("Pod tenant-a/db", "3")
    (failure,) = refused
    assert failure.attrib["type"] == "RuntimeIncompatible"
    assert failure.attrib["message"].endswith(
        "syscall sync_file_range is missing (container db); use runtimeClassName: kata-qemu"
    )
    assert (failure.text or "").endswith("does not have it (google/gvisor#88)")


def test_what_cannot_be_read_is_an_error_in_a_suite_of_its_own() -> None:
    (suite,) = check_suites((), [InputError(source="-", line=3, problem="is broken")])
    (case,) = suite.cases
    assert (suite.name, case.name, case.line) == ("input", "STDIN:3: is broken", 3)
    assert json.dumps(case.outcome) == '"error"'
