"""Where the pod templates of workloads are."""

from typing import Any

import pytest

from tests.build import container, pod
from webhook.core.pod import PodShapeError
from webhook.core.workload import POD_TEMPLATES_AT, WorkloadKind, pod_templates, workload_kind

ROLLOUT = WorkloadKind(group="argoproj.io", kind="Rollout", templates=(("spec", "template"),))
JOBSET = WorkloadKind(
    group="jobset.x-k8s.io",
    kind="JobSet",
    templates=(("spec", "replicatedJobs", "*", "template", "spec", "template"),),
)


def template(image: str = "nginx") -> dict[str, Any]:
    """A pod template."""
    obj = pod(containers=[container("web", image)])
    return {"metadata": {"labels": {"app": "web"}}, "spec": obj["spec"]}


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """``value`` below ``path``."""
    for key in reversed(path):
        value = {key: value}
    return dict(value)


@pytest.mark.parametrize(("group", "kind"), list(POD_TEMPLATES_AT))
def test_the_template_of_every_built_in_kind_is_found(group: str, kind: str) -> None:
    (path,) = POD_TEMPLATES_AT[group, kind]
    api_version = f"{group}/v1" if group else "v1"
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}}
    (view,) = pod_templates({**obj, **nested(path, template())}, namespace="tenant-a")
    assert view.at == ".".join(path)
    assert view.name == "web"
    assert view.labels == {"app": "web"}


def test_a_kind_that_has_no_template_yields_nothing() -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "spec": {"template": template()}}
    assert list(pod_templates(obj, namespace="a")) == []


def test_a_kind_of_another_group_is_another_kind() -> None:
    assert workload_kind("example.com/v1", "Deployment") is None


def test_a_declared_custom_kind_is_found() -> None:
    obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "spec": {"template": template()},
    }
    (view,) = pod_templates(obj, namespace="a", declared=[JOBSET, ROLLOUT])
    assert view.at == "spec.template"


def test_every_element_of_a_list_of_templates_is_found() -> None:
    jobs = [{"template": {"spec": {"template": template()}}} for _ in range(2)]
    obj = {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "spec": {"replicatedJobs": jobs},
    }
    assert [view.at for view in pod_templates(obj, namespace="a", declared=[JOBSET])] == [
        "spec.replicatedJobs[0].template.spec.template",
        "spec.replicatedJobs[1].template.spec.template",
    ]


@pytest.mark.parametrize(
    "spec", [None, [], "x", {}, {"replicatedJobs": 5}, {"replicatedJobs": [1]}]
)
def test_a_template_that_is_not_there_yields_nothing(spec: object) -> None:
    obj = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "spec": spec}
    assert list(pod_templates(obj, namespace="a", declared=[JOBSET])) == []


def test_a_template_that_is_no_object_yields_nothing() -> None:
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": "x"}}
    assert list(pod_templates(obj, namespace="a")) == []


def test_a_template_that_is_no_pod_is_refused_with_its_path() -> None:
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {}}}}
    with pytest.raises(PodShapeError) as caught:
        list(pod_templates(obj, namespace="a"))
    assert str(caught.value) == ("spec.template.spec.containers: must hold at least one container")
