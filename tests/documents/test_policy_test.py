"""PolicyTest documents: what is refused, and what of a case is the document's."""

from typing import Any, get_args

import pytest

from tests.documents.build import LEFT_OUT, document, files, policy, policy_test
from webhook.core.names import Reason
from webhook.documents.folder import load_policies, load_with_tests
from webhook.documents.policy_test import PolicyTest
from webhook.documents.policy_test_expected import PodReason
from webhook.documents.policy_test_given import GivenPod
from webhook.documents.reading import not_in_force, of_kind
from webhook.documents.source import DocumentErrors
from webhook.documents.tables import ShippedData


def the_test(*texts: str) -> PolicyTest:
    """The one PolicyTest of a folder."""
    loaded = load_with_tests(files(*texts), ShippedData())
    ((_, model),) = of_kind(PolicyTest, loaded.documents)
    return model


def refusals(*cases: dict[str, Any], **spec: Any) -> list[str]:
    """What is wrong with a document of these cases."""
    with pytest.raises(DocumentErrors) as caught:
        load_with_tests(files(policy_test(*cases, **spec)), ShippedData())
    return [str(error).removeprefix("a.yaml:1: spec.") for error in caught.value.errors]


KEYS = (
    "decision, would, reason, runtimeClass, policy, override, exemption, verdict, recognised, "
    "message, suggestions, warnings, findings, workload"
)
PATH = "a path from this file to a .yaml, .yml or .json file"
POD = {"apiVersion": "v1", "kind": "Pod"}


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"expect": LEFT_OUT}, "cases[0].expect: must be given, such as {decision: deny}"),
        ({"expect": {}}, f"cases[0].expect: must hold at least one of {KEYS}"),
        ({"expect": {"message": []}}, "cases[0].expect.message: must not be empty"),
        (
            {"expect": {"decision": "refuse"}},
            "cases[0].expect.decision: must be one of keep, assign, deny, not 'refuse'",
        ),
        (
            {"expect": {"decision": "assign", "reason": "RuntimeDegraded"}},
            "cases[0].expect.reason: is given to a refusal; the decision expected is assign",
        ),
        (
            {"expect": {"decision": "deny", "would": "deny"}},
            "cases[0].expect.would: is said of a pod that is kept; the decision expected is deny",
        ),
        (
            {"expect": {"decision": "assign", "suggestions": ["runc"]}},
            "cases[0].expect.suggestions: are made by a refusal; the decision expected is assign",
        ),
        (
            {"expect": {"decision": "assign", "runtimeClass": ""}},
            "cases[0].expect.runtimeClass: is never '' where the decision is assign",
        ),
        (
            {"expect": {"would": "assign", "reason": "RuntimeDegraded"}},
            "cases[0].expect.reason: is given to a refusal; would is expected to be no deny",
        ),
        (
            {"pod": LEFT_OUT},
            "cases[0]: must be about a pod: give pod, objects or files",
        ),
        (
            {"pod": {"image": "a"}, "files": ["a.yaml"]},
            "cases[0].files: must not be given beside pod",
        ),
        ({"only": {"names": ["a"]}}, "cases[0].only: chooses among objects and files: give them"),
        (
            {"objects": [POD], "oldPod": {"image": "a"}},
            "cases[0].oldPod: is what pod was: give pod",
        ),
        ({"subresource": "resize"}, "cases[0].subresource: is of an update: give oldPod"),
        (
            {"files": ["/etc/passwd.yaml"]},
            f"cases[0].files[0]: must be {PATH}, not '/etc/passwd.yaml'",
        ),
        (
            {"files": ["a\n.yaml"]},
            f"cases[0].files[0]: must be {PATH}, not 'a\\n.yaml'",
        ),
        (
            {"pod": {"spec": {"hostNetwork": True}}},
            "cases[0].pod: spec.containers: must hold at least one container; or give image",
        ),
        (
            {"pod": {"image": "a", "spec": {"containers": [{"name": "a"}]}}},
            "cases[0].pod.image: is given in spec.containers already",
        ),
        (
            {"pod": {"image": "a", "labels": {"a": "b"}, "metadata": {"labels": {"a": "c"}}}},
            "cases[0].pod.labels: is given in metadata.labels already",
        ),
        (
            {"pod": {"image": "a", "spec": {"initContainers": {}, "containers": 1}}},
            "cases[0].pod.image: is given in spec.containers already",
        ),
        (
            {"pod": {"spec": {"containers": [1]}}},
            "cases[0].pod: spec.containers[0]: must be an object",
        ),
        (
            {"pod": {"image": "a", "metadata": {"namespace": "b"}}, "namespace": {"name": "c"}},
            "cases[0].pod.metadata.namespace: is not c, as the case says",
        ),
        ({"name": "a\x1b[31m"}, "cases[0].name: must be one line of text, not 'a\\x1b[31m'"),
        (
            {"cluster": {}},
            "cases[0].cluster: must hold at least one of runtimeClasses, objects, files",
        ),
    ],
)
def test_a_case_that_asks_or_expects_nothing_sensible_is_refused(
    case: dict[str, Any], message: str
) -> None:
    assert refusals(case) == [message]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"date": LEFT_OUT}, "cases[0]: needs a day to judge as of: give date, here or in spec"),
        (
            {"namespace": LEFT_OUT},
            "cases[0]: needs to know where the pod is: give namespace, here or in spec",
        ),
        ({"date": "tomorrow"}, "date: must be a day such as 2027-06-30, not 'tomorrow'"),
        (
            {"expect": {"decision": "keep", "reason": "RuntimeDegraded"}, "date": LEFT_OUT},
            "cases[0]: needs a day to judge as of: give date, here or in spec",
        ),
    ],
)
def test_what_neither_the_document_nor_the_case_gives_is_missed(
    spec: dict[str, Any], message: str
) -> None:
    assert refusals({}, **spec) == [message]


def test_two_cases_of_one_name_are_refused() -> None:
    found = refusals({"name": "a"}, {"name": "b"}, {"name": "a"})
    assert found == ["cases[2].name: is the name of cases[0] too"]


def test_a_test_without_cases_is_refused() -> None:
    text = document("PolicyTest", {"date": "2026-11-24", "cases": []})
    with pytest.raises(DocumentErrors, match=r"spec\.cases: must not be empty"):
        load_with_tests(files(text), ShippedData())


def test_two_tests_of_one_name_are_refused() -> None:
    with pytest.raises(DocumentErrors, match=r"it is the name of the PolicyTest at a\.yaml:1 too"):
        load_with_tests(files(policy_test(), policy_test()), ShippedData())


def test_a_contradiction_with_what_the_document_expects_is_seen() -> None:
    found = refusals({"expect": {"decision": "assign"}}, expect={"reason": "RuntimeDegraded"})
    assert found == [
        "cases[0].expect.reason: is given to a refusal; the decision expected is assign"
    ]


def test_what_a_case_expects_stands_over_what_the_document_expects() -> None:
    model = the_test(
        policy_test(
            {"expect": {"decision": "keep"}},
            {"expect": {"decision": "keep", "policy": ""}},
            expect={"policy": "tenants", "warnings": []},
        )
    )
    given = [model.spec.expected_of(case).given() for case in model.spec.cases]
    assert given == [
        {"decision": "keep", "policy": "tenants", "warnings": ()},
        {"decision": "keep", "policy": "", "warnings": ()},
    ]


def test_the_day_of_a_case_stands_before_that_of_the_document() -> None:
    spec = the_test(policy_test({}, {"date": "2027-07-01"})).spec
    assert [str(spec.day_of(case)) for case in spec.cases] == ["2026-11-24", "2027-07-01"]


def test_a_pod_in_short_is_the_pod_at_length() -> None:
    pod = GivenPod.model_validate(
        {
            "image": "nginx",
            "runtimeClassName": "runc",
            "serviceAccountName": "agent",
            "labels": {"a": "b"},
            "annotations": {"c": "d"},
            "metadata": {"name": "web"},
            "spec": {"hostNetwork": True},
        }
    )
    assert pod.manifest() == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"a": "b"}, "annotations": {"c": "d"}},
        "spec": {
            "hostNetwork": True,
            "runtimeClassName": "runc",
            "serviceAccountName": "agent",
            "containers": [{"name": "main", "image": "nginx"}],
        },
    }


def test_the_reasons_are_those_of_pods() -> None:
    guards = {Reason.RUNTIME_CLASS_IN_USE, Reason.NAMESPACE_GUARDED}
    assert list(get_args(PodReason)) == [reason for reason in Reason if reason not in guards]


BROKEN = '{"kind": "PolicyTest", "spec": 1}'


def test_whoever_serves_policies_passes_over_a_test_whatever_it_says() -> None:
    loaded = load_policies(files(policy(), BROKEN, policy_test()), ShippedData())
    assert [placed.kind for placed in loaded.documents] == ["RuntimePolicy"]


def test_a_broken_test_is_told_to_whoever_reads_tests() -> None:
    with pytest.raises(DocumentErrors) as caught:
        load_with_tests(files(policy(), BROKEN), ShippedData())
    assert [str(error) for error in caught.value.errors] == [
        "b.yaml:1: apiVersion: must be given",
        "b.yaml:1: metadata: must be given",
        "b.yaml:1: spec: must be a mapping, not the number 1",
    ]


def test_what_is_no_yaml_is_refused_beside_a_test_too() -> None:
    with pytest.raises(DocumentErrors, match=r"a\.yaml:3"):
        load_policies(files(f"{policy_test()}\n---\n{{"), ShippedData())


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        (policy_test(), True),
        (f"{policy_test()}\n---\n{BROKEN}", True),
        (policy(), False),
        (f"{policy_test()}\n---\n{policy()}", False),
        (f"{policy_test()}\n---\n{{", False),
        ("# PolicyTest", False),
        ("a: |\n  kind: PolicyTest\nkind: RuntimePolicy", False),
        ("{kind: PolicyTest, kind: RuntimePolicy}", False),
        ("[kind, PolicyTest]", False),
    ],
)
def test_only_a_file_of_tests_alone_is_not_in_force(text: str, alone: bool) -> None:
    assert not_in_force("a.yaml", text.encode()) is alone
