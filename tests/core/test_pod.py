"""The view of a pod: what is read, from where, and what is no pod."""

from typing import Any

import pytest

from tests.build import container, pod, pod_view
from webhook.core.pod import (
    PodShapeError,
    described,
    environment,
    sequence,
    strings,
    text,
    view_pod,
    words,
)


def test_a_pod_is_read_field_by_field() -> None:
    view = pod_view(
        pod(
            name="db-0",
            labels={"app": "db"},
            annotations={"a": "b"},
            serviceAccountName="db",
            runtimeClassName="gvisor",
            os={"name": "linux"},
            nodeName="worker-1",
            nodeSelector={"disk": "ssd"},
        )
    )
    assert (view.namespace, view.name) == ("tenant-a", "db-0")
    assert (view.labels, view.annotations) == ({"app": "db"}, {"a": "b"})
    assert (view.service_account, view.runtime_class_name) == ("db", "gvisor")
    assert (view.os_name, view.node_name) == ("linux", "worker-1")
    assert view.node_selector == {"disk": "ssd"}


def test_the_namespace_is_the_requests_not_the_metadatas() -> None:
    assert pod_view(pod(namespace="elsewhere"), namespace="tenant-b").namespace == "tenant-b"


@pytest.mark.parametrize("spec", [{}, {"runtimeClassName": ""}, {"runtimeClassName": None}])
def test_an_empty_class_is_no_class(spec: dict[str, Any]) -> None:
    assert pod_view(pod(**spec)).runtime_class_name is None


def test_a_pod_without_a_name_has_its_generate_name() -> None:
    view = view_pod(pod()["spec"], {"generateName": "web.7c9d-"}, namespace="a")
    assert view.name == "web.7c9d-"


def test_a_pod_without_any_name_has_the_one_it_is_given() -> None:
    assert view_pod(pod()["spec"], None, namespace="a", default_name="web").name == "web"


@pytest.mark.parametrize(
    ("spec", "account"),
    [
        ({}, "default"),
        ({"serviceAccountName": ""}, "default"),
        ({"serviceAccount": "old"}, "old"),
        ({"serviceAccountName": "new", "serviceAccount": "old"}, "new"),
        ({"serviceAccountName": ["x"]}, "default"),
    ],
)
def test_the_service_account_is_the_newer_field_else_the_older_else_default(
    spec: dict[str, Any], account: str
) -> None:
    assert pod_view(pod(**spec)).service_account == account


def test_containers_of_all_three_lists_are_seen_with_their_field_paths() -> None:
    obj = pod(
        containers=[container("a")],
        initContainers=[container("b")],
        ephemeralContainers=[container("c")],
    )
    assert [(c.name, c.field_path) for c in pod_view(obj).containers] == [
        ("a", "spec.containers[0]"),
        ("b", "spec.initContainers[0]"),
        ("c", "spec.ephemeralContainers[0]"),
    ]


def test_the_paths_of_a_template_begin_with_its_own() -> None:
    view = view_pod(pod()["spec"], {}, namespace="a", at="spec.template")
    assert view.containers[0].field_path == "spec.template.spec.containers[0]"
    assert view.path("spec.hostNetwork") == "spec.template.spec.hostNetwork"


def test_the_paths_of_a_pod_are_its_own() -> None:
    assert pod_view().path("spec.hostNetwork") == "spec.hostNetwork"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (None, "spec: must be an object"),
        ([], "spec: must be an object"),
        ({}, "spec.containers: must hold at least one container"),
        ({"containers": []}, "spec.containers: must hold at least one container"),
        ({"containers": None}, "spec.containers: must hold at least one container"),
        ({"containers": {"a": 1}}, "spec.containers: must be a list"),
        ({"containers": "nginx"}, "spec.containers: must be a list"),
        ({"containers": [None]}, "spec.containers[0]: must be an object"),
        (
            {"containers": [{}], "initContainers": [{}, 1]},
            "spec.initContainers[1]: must be an object",
        ),
    ],
)
def test_what_is_no_pod_is_refused_with_the_field(spec: object, message: str) -> None:
    with pytest.raises(PodShapeError) as caught:
        view_pod(spec, {}, namespace="a")
    assert str(caught.value) == message
    assert caught.value.field_path == message.partition(":")[0]


def test_the_error_of_a_template_names_its_path() -> None:
    with pytest.raises(PodShapeError) as caught:
        view_pod(None, {}, namespace="a", at="spec.template")
    assert str(caught.value) == "spec.template.spec: must be an object"


@pytest.mark.parametrize("junk", [None, 5, "text", [], {"a": 1}, {"a": None}, {"a": {"b": []}}])
def test_labels_and_annotations_are_strings_whatever_was_sent(junk: object) -> None:
    view = view_pod(pod()["spec"], {"labels": junk, "annotations": junk}, namespace="a")
    assert view.labels == {}
    assert view.annotations == {}


def test_of_mixed_labels_the_strings_stay() -> None:
    assert strings({"a": "1", "b": 2, 3: "c"}) == {"a": "1"}


def test_labels_that_are_strings_are_not_copied() -> None:
    labels = {"a": "1"}
    assert strings(labels) is labels


@pytest.mark.parametrize("junk", [None, 5, {}, "text"])
def test_what_is_no_list_is_an_empty_one(junk: object) -> None:
    assert sequence(junk) == ()


@pytest.mark.parametrize("junk", [None, 5, {}, []])
def test_what_is_no_text_is_an_empty_one(junk: object) -> None:
    assert text(junk) == ""


def test_a_command_line_is_command_then_args() -> None:
    view = pod_view(pod(containers=[container(args=["-c", 5], command=["sh"])]))
    assert words(view.containers[0]) == ["sh", "-c"]


def test_the_environment_is_the_plain_values() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}, {"value": "x"}, 7]
    view = pod_view(pod(containers=[container(env=env)]))
    assert list(environment(view.containers[0])) == [("A", "1"), ("B", "")]


def test_a_container_is_described_by_name_and_normalised_image() -> None:
    view = pod_view(pod(containers=[container("db", "postgres:11")]))
    assert described(view.containers[0]) == "db (docker.io/library/postgres:11)"


def test_a_container_whose_image_is_none_is_described_by_what_was_written_made_safe() -> None:
    view = pod_view(pod(containers=[container("x", "\x1b[31m evil")]))
    assert described(view.containers[0]) == "x (\\x1b[31m evil)"
