"""Pods that operators make of objects without a pod template, and the presets that tell of them."""

from typing import Any

import pytest

from tests.build import container, fact, inventory, policy, rules, snapshot, table
from webhook.core.advice import advise
from webhook.core.decision import Deny, Keep
from webhook.core.field_paths import field_path
from webhook.core.names import Action, Support
from webhook.core.outline import MadeContainer, Outline, place, places
from webhook.core.pod import PodView
from webhook.core.workload import MOST_TEMPLATES, WorkloadKind, workload_kind, workload_pods
from webhook.core.workload_presets import PRESETS

KINDS = tuple(kind for kinds in PRESETS.values() for kind in kinds)
TEMPLATE = {"spec": {"containers": [container()]}}
ABSENT = fact("pod:hostNetwork")
ON_KATA = fact("pod:hostNetwork", Support.FULL, runtime="kata")


def obj(kind: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    found = next(k for k in KINDS if k.kind == kind)
    named = {"name": "it", **metadata}
    return {"apiVersion": f"{found.group}/v1", "kind": kind, "metadata": named, "spec": spec}


def views(made: dict[str, Any]) -> list[PodView]:
    return [pod.view for pod in workload_pods(made, namespace="tenant-a", declared=KINDS)]


def images(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(c.image_path, c.image) for view in views(made) for c in view.containers]


def around(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = [value] if key == "*" else {key: value}
    return value


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind in KINDS for path in kind.templates],
    ids=lambda value: value.kind if isinstance(value, WorkloadKind) else ".".join(value),
)
def test_each_template_of_a_preset_is_found(kind: WorkloadKind, path: tuple[str, ...]) -> None:
    made = {"apiVersion": f"{kind.group}/v1", "kind": kind.kind, **around(path, TEMPLATE)}
    (pod,) = workload_pods(made, namespace="tenant-a", declared=[kind])
    assert pod.view.at == ".".join(path).replace(".*", "[0]")


def test_every_kind_of_a_preset_is_one_of_its_own_and_says_where_it_was_read() -> None:
    names = [(kind.group, kind.kind) for kind in KINDS]
    assert len(set(names)) == len(names)
    assert [k.kind for k in KINDS if not (k.resource and "@" in k.source)] == []
    assert [k.kind for k in KINDS if bool(k.templates) == bool(k.outlines)] == []
    assert workload_kind("argoproj.io/v1alpha1", "Workflow", KINDS) in KINDS


def test_the_values_of_a_mapping_are_named_by_their_keys() -> None:
    made = obj("TFJob", {"tfReplicaSpecs": {"Worker": {"template": TEMPLATE}}})
    assert [v.at for v in views(made)] == ["spec.tfReplicaSpecs[Worker].template"]


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (obj("Cluster", {"imageName": "x/pg:17"}), [("spec.imageName", "x/pg:17")]),
        (obj("Cluster", {}), [("spec.imageName", "ghcr.io/cloudnative-pg/postgresql")]),
        (obj("Cluster", None), [("spec.imageName", "ghcr.io/cloudnative-pg/postgresql")]),
        (
            obj("Prometheus", {"version": "v3.5.0", "containers": [{"name": "x", "image": "a/b"}]}),
            [
                ("spec.containers[0].image", "a/b"),
                ("spec.image", "quay.io/prometheus/prometheus:v3.5.0"),
            ],
        ),
        (
            obj("Prometheus", {"containers": [{"name": "prometheus", "image": "own/prometheus"}]}),
            [("spec.containers[0].image", "own/prometheus")],
        ),
        (
            obj("Elasticsearch", {"version": "9.1.0", "nodeSets": [{"name": "a"}]}),
            [("spec.image", "docker.elastic.co/elasticsearch/elasticsearch:9.1.0")],
        ),
        (
            obj("VirtualMachine", {"template": {"spec": {"domain": {"cpu": 1}}}}),
            [("spec.template.spec", "quay.io/kubevirt/virt-launcher")],
        ),
        (obj("VirtualMachine", {"template": {"spec": {}}}), []),
        (
            obj("SparkApplication", {"image": "spark:4", "driver": {"image": "own:1"}}),
            [("spec.driver.image", "own:1")],
        ),
        (obj("SparkApplication", {"driver": {}}), []),
        (
            obj("TaskRun", {"taskSpec": {"steps": [{"image": "a"}, {"image": "b"}, 5]}}),
            [("spec.taskSpec.steps[0].image", "a"), ("spec.taskSpec.steps[1].image", "b")],
        ),
        (obj("TaskRun", {"taskRef": {"name": "x"}}), []),
        (
            obj("PipelineRun", {
                "taskRunSpecs": [{"pipelineTaskName": "x"}],
                "pipelineSpec": {"tasks": [{"taskSpec": {"steps": [{"image": "a"}]}}]},
            }),
            [],
        ),
        (
            obj("Workflow", {"templates": [
                {"name": "steps", "steps": []},
                {"container": {"image": "a"}, "sidecars": [{"image": "b"}],
                 "initContainers": [{"image": "c"}]},
                {"containerSet": {"containers": [{"image": "d"}]}},
                {"script": {"image": "e"}, "podSpecPatch": "{}"},
                "junk",
            ]}),
            [
                ("spec.templates[1].container.image", "a"),
                ("spec.templates[1].sidecars[0].image", "b"),
                ("spec.templates[1].initContainers[0].image", "c"),
                ("spec.templates[2].containerSet.containers[0].image", "d"),
            ],
        ),
        (obj("Workflow", {"podSpecPatch": "{}", "templates": [{"container": {"image": "a"}}]}), []),
    ],
)  # fmt: skip
def test_the_images_of_the_pods_that_an_operator_makes(
    made: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert images(made) == found


def test_pod_fields_are_read_where_they_stand_and_the_nearest_counts() -> None:
    made = obj("Workflow", {
        "serviceAccountName": "runner",
        "hostNetwork": True,
        "nodeSelector": {"a": "1"},
        "podMetadata": {"labels": {"team": "x"}, "annotations": {"dev.gvisor.a": "1"}},
        "volumes": [{"name": "v"}],
        "templates": [{
            "metadata": {"annotations": {"dev.gvisor.b": "2"}},
            "nodeSelector": {"b": "2"},
            "volumes": [{"name": "w"}],
            "container": {"image": "a"},
        }],
    })  # fmt: skip
    (view,) = views(made)
    assert (view.name, view.at, view.service_account) == ("it", "spec.templates[0]", "runner")
    assert (view.node_selector, view.labels) == ({"b": "2"}, {"team": "x"})
    assert [v["name"] for v in view.spec["volumes"]] == ["w", "v"]
    assert [view.path(field) for field in (
        "spec.hostNetwork", "spec.nodeSelector", "spec.volumes[0].hostPath.path",
        "spec.volumes[1].hostPath", "spec", "spec.runtimeClassName", "other",
        "metadata.annotations[dev.gvisor.a]", "metadata.annotations[dev.gvisor.b]",
    )] == [
        "spec.hostNetwork", "spec.templates[0].nodeSelector",
        "spec.templates[0].volumes[0].hostPath.path", "spec.volumes[0].hostPath",
        "spec.templates[0]", "spec.podSpecPatch", "other",
        "spec.podMetadata.annotations[dev.gvisor.a]",
        "spec.templates[0].metadata.annotations[dev.gvisor.b]",
    ]  # fmt: skip


def test_a_template_that_an_operator_completes_keeps_its_own_paths() -> None:
    pod_template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"runtimeClassName": "gvisor", "hostPID": True, "containers": [{"name": "side"}]},
    }
    (view,) = views(
        obj("Elasticsearch", {"version": "9", "nodeSets": [{"podTemplate": pod_template}]})
    )
    assert (view.runtime_class_name, view.labels) == ("gvisor", {"a": "b"})
    assert [c.name for c in view.containers] == ["side", "elasticsearch"]
    assert view.path("spec.hostPID") == "spec.nodeSets[0].podTemplate.spec.hostPID"


def within(workloads: Action = Action.WARN) -> Any:
    has = inventory()
    declared = type(has)(
        name=has.name,
        node_default=has.node_default,
        by_class=has.by_class,
        workload_kinds=KINDS,
    )
    return snapshot(
        policy(governs=rules(workloads=workloads)), compat=table(ABSENT, ON_KATA), has=declared
    )


def heard(made: Any, old: Any = None, workloads: Action = Action.WARN) -> Keep | Deny:
    return advise(made, old, namespace="tenant-a", snapshot=within(workloads))


@pytest.mark.parametrize(
    ("made", "remedy"),
    [
        (
            obj("Prometheus", {"hostNetwork": True, "image": "a/b"}),
            "this kind cannot name a RuntimeClass: have the policy give its pods kata-qemu",
        ),
        (
            obj("Workflow", {"hostNetwork": True, "templates": [{"container": {"image": "a/b"}}]}),
            "use runtimeClassName: kata-qemu by its spec.podSpecPatch",
        ),
    ],
)
def test_the_author_hears_what_to_do_where_the_kind_has_no_pod_template(
    made: dict[str, Any], remedy: str
) -> None:
    first, second = heard(made).grounds.warnings
    assert first == (
        f"pods of this {made['kind']} would be refused: policy tenants: RuntimeClass gvisor cannot "
        "run this pod: hostNetwork is not supported"
    )
    assert second == remedy


def test_the_finding_of_an_outlined_pod_names_the_field_that_was_written() -> None:
    decision = heard(obj("Prometheus", {"hostNetwork": True}))
    assert [j.finding.need.field_path for j in decision.grounds.findings] == ["spec.hostNetwork"]


def test_only_what_an_object_says_itself_refuses_it() -> None:
    spec = {"hostNetwork": True}
    assert isinstance(heard(obj("Prometheus", spec), workloads=Action.DENY), Keep)
    own = {**spec, "image": "own/prometheus"}
    assert isinstance(heard(obj("Prometheus", own), workloads=Action.DENY), Deny)


@pytest.mark.parametrize("change", ["status", "metadata", "replicas"])
def test_a_change_that_leaves_an_outlined_pod_alone_is_silent(change: str) -> None:
    old, new = (obj("Prometheus", {"hostNetwork": True, "image": "a/b"}) for _ in range(2))
    if change == "status":
        new["status"] = {"availableReplicas": 2}
    elif change == "metadata":
        new["metadata"]["labels"] = {"team": "x"}
    else:
        new["spec"]["replicas"] = 3
    decision = heard(new, old, Action.DENY)
    assert (decision.grounds.why, decision.grounds.warnings) == (
        "the pod templates are unchanged",
        (),
    )


def test_of_very_many_pods_of_one_object_the_first_are_looked_at() -> None:
    jobs = [{"template": {"spec": {"template": TEMPLATE}}}] * (MOST_TEMPLATES + 1)
    assert heard(obj("JobSet", {"replicatedJobs": jobs})).grounds.warnings[0] == (
        "of this JobSet only the first 100 pods were looked at"
    )


def test_a_made_container_without_an_image_anywhere_is_none() -> None:
    outline = Outline(made=(MadeContainer(name="x", images=places("spec.image")),))
    kind = WorkloadKind(group="e.com", kind="K", outlines=(outline,))
    bare = {"apiVersion": "e.com/v1", "kind": "K", "spec": {"image": 5}}
    assert list(workload_pods(bare, namespace="a", declared=[kind])) == []
    assert place("/a[*].b") == place("/a[*].b")
    assert field_path("") == ()
