"""A decision as JSON Patch: our two places and nothing else."""

from typing import Any

import jsonpatch
import pytest

from tests.build import classes, created, pod, pod_view, policy, rules, snapshot
from webhook.core.names import Mode
from webhook.wire.patch import Operations, json_patch, pointer

CLASS = {"op": "add", "path": "/spec/runtimeClassName", "value": "gvisor"}


def operations(obj: dict[str, Any]) -> Operations:
    """The patch for a pod that is assigned gVisor."""
    return json_patch(created(obj), obj)


def test_a_pod_that_is_kept_is_not_patched() -> None:
    obj = pod(runtimeClassName="gvisor")
    assert json_patch(created(obj), obj) == []


def test_a_pod_that_is_refused_is_not_patched() -> None:
    obj = pod(runtimeClassName="runc")
    assert json_patch(created(obj), obj) == []


def test_a_pod_with_annotations_gets_one_more() -> None:
    assert operations(pod(annotations={"a": "b"})) == [
        CLASS,
        {"op": "add", "path": "/metadata/annotations/runtimegate.dev~1assigned-by",
         "value": "tenants"},
    ]  # fmt: skip


@pytest.mark.parametrize("annotations", [None, {}])
def test_a_pod_without_annotations_gets_the_object_too(annotations: Any) -> None:
    obj = pod()
    obj["metadata"]["annotations"] = annotations
    assert operations(obj) == [
        CLASS,
        {
            "op": "add",
            "path": "/metadata/annotations",
            "value": {"runtimegate.dev/assigned-by": "tenants"},
        },
    ]


def test_a_pod_without_metadata_gets_that_too() -> None:
    obj = {"spec": pod()["spec"]}
    assert json_patch(created(pod()), obj) == [
        CLASS,
        {
            "op": "add",
            "path": "/metadata",
            "value": {"annotations": {"runtimegate.dev/assigned-by": "tenants"}},
        },
    ]


def test_fields_that_nobody_knows_survive() -> None:
    obj = pod(futureField={"x": [1, None]}, annotations={"a/b~c": "d"})
    patched = jsonpatch.apply_patch(obj, operations(obj))
    assert patched["spec"].pop("runtimeClassName") == "gvisor"
    assert patched["metadata"]["annotations"].pop("runtimegate.dev/assigned-by") == "tenants"
    assert patched == obj


def test_an_empty_class_is_replaced() -> None:
    obj = pod(runtimeClassName="")
    assert jsonpatch.apply_patch(obj, operations(obj))["spec"]["runtimeClassName"] == "gvisor"


def test_a_forged_annotation_is_replaced() -> None:
    obj = pod(annotations={"runtimegate.dev/assigned-by": "nobody"})
    patched = jsonpatch.apply_patch(obj, operations(obj))
    assert patched["metadata"]["annotations"] == {"runtimegate.dev/assigned-by": "tenants"}


def test_a_pod_in_mode_warn_is_not_patched() -> None:
    within = snapshot(policy(governs=rules(classes("gvisor"), mode=Mode.WARN)))
    assert json_patch(created(pod(), within), pod()) == []


@pytest.mark.parametrize(
    ("keys", "expected"),
    [((), ""), (("a", "b"), "/a/b"), (("a/b", "c~d"), "/a~1b/c~0d"), (("~1",), "/~01")],
)
def test_a_pointer_escapes_what_rfc_6901_says(keys: tuple[str, ...], expected: str) -> None:
    assert pointer(*keys) == expected


def test_the_view_of_a_patched_pod_has_the_class() -> None:
    obj = pod()
    patched = jsonpatch.apply_patch(obj, operations(obj))
    assert pod_view(patched).runtime_class_name == "gvisor"
