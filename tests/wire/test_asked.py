"""What reviews are counted under: a closed set, whatever is posted."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import review_bytes
from webhook.core.field_paths import field_path
from webhook.core.workload import BUILT_IN, WorkloadKind
from webhook.core.workload_presets import PRESETS
from webhook.wire.asked import asked_about
from webhook.wire.review import parse_review

OWN = WorkloadKind(group="example.com", kind="Flow", templates=(field_path("spec.template"),))
DECLARED = (*PRESETS["argo-rollouts"], *PRESETS["volcano"], *PRESETS["openkruise"], OWN)


def about(group: str, resource: str, kind: str = "", sub_resource: str = "") -> str:
    """The word for a review of a resource."""
    review = orjson.loads(review_bytes())
    review["request"].update(
        resource={"group": group, "version": "v1", "resource": resource},
        kind={"group": group, "version": "v1", "kind": kind},
        subResource=sub_resource,
    )
    return asked_about(parse_review(orjson.dumps(review)), DECLARED)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (("", "pods", "Pod"), "pods"),
        (("", "pods", "Pod", "ephemeralcontainers"), "pods/ephemeralcontainers"),
        (("", "pods", "Pod", "resize"), "pods/resize"),
        (("", "pods", "Pod", "status"), "pods/status"),
        (("", "pods", "Binding", "binding"), "pods/binding"),
        (("", "bindings", "Binding"), "pods/binding"),
        (("", "pods", "Pod", "eviction"), "other"),
        (("", "namespaces", "Namespace"), "namespaces"),
        (("", "namespaces", "Namespace", "finalize"), "namespaces/finalize"),
        (("", "namespaces", "Namespace", "status"), "namespaces/status"),
        (("node.k8s.io", "runtimeclasses", "RuntimeClass"), "runtimeclasses"),
        (("apps", "deployments", "Deployment"), "deployments"),
        (("apps", "deployments", "Scale", "scale"), "other"),
        (("", "podtemplates", "PodTemplate"), "podtemplates"),
        (("batch", "jobs", "Job"), "jobs"),
        (("batch.volcano.sh", "jobs", "Job"), "jobs.batch.volcano.sh"),
        (("argoproj.io", "rollouts", "Rollout"), "rollouts.argoproj.io"),
        (("apps.kruise.io", "statefulsets", "StatefulSet"), "statefulsets.apps.kruise.io"),
        (("example.com", "flows", "Flow"), "flow.example.com"),
        (("example.com", "flows", "Other"), "other"),
        (("mine.example", "pods", "Pod"), "other"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else value,
)
def test_a_review_is_counted_under_its_resource(asked: tuple[str, ...], word: str) -> None:
    assert about(*asked) == word


def test_built_in_kinds_have_the_plural_of_the_api() -> None:
    assert {kind.resource for kind in BUILT_IN.values()} == {
        "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs",
        "replicationcontrollers", "podtemplates",
    }  # fmt: skip


WORDS = {
    "pods", "pods/ephemeralcontainers", "pods/resize", "pods/status", "pods/binding", "namespaces",
    "namespaces/status", "namespaces/finalize", "runtimeclasses", "other",
}  # fmt: skip
SAID = st.sampled_from(["", "pods", "apps", "Deployment", "argoproj.io", "Rollout"]) | st.text()


@given(group=SAID, resource=SAID, kind=SAID, sub_resource=SAID)
def test_no_review_adds_a_word(group: str, resource: str, kind: str, sub_resource: str) -> None:
    rows = (*BUILT_IN.values(), *DECLARED)
    closed = WORDS | {
        name for row in rows for name in (row.resource, f"{row.resource}.{row.group}")
    }
    assert about(group, resource or "x", kind, sub_resource) in closed | {"flow.example.com"}
