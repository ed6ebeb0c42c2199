"""Equal pods are judged once, and what is taken for equal is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import application, container, fact, pod, pod_view, snapshot, table
from webhook.core import alike
from webhook.core.audit import assess, standpoint
from webhook.core.judging import Judging
from webhook.core.names import MIRROR_POD, Strength, Support

LACKS = table(
    fact("pod:hostNetwork"),
    fact("pod:volumes.image", Support.ABSENT),
    fact("perf:syscall-rate", Support.PARTIAL),
    applications=[application(needs=[("perf:syscall-rate", Strength.REQUIRED)])],
)
AT = standpoint(snapshot(compat=LACKS), whole=False)


def mounted(volume: str, **tweak: Any) -> dict[str, Any]:
    """A pod as the API server stores it, its token in a volume of a random name."""
    main = container(volumeMounts=[{"name": volume, "mountPath": "/var/run/secrets/x"}])
    return pod(containers=[main], volumes=[{"name": volume, "projected": {}}], **tweak)


def test_pods_that_differ_by_name_node_and_token_volume_get_the_very_same_value() -> None:
    judge = Judging(AT)
    one = judge.of_pod(pod_view(mounted("kube-api-access-2xv7k", name="a", nodeName="n1")))
    two = judge.of_pod(pod_view(mounted("kube-api-access-bbbbb", name="b", nodeName="n2")))
    assert one is two


def test_pods_that_differ_otherwise_do_not() -> None:
    judge = Judging(AT)
    seen = [
        judge.of_pod(pod_view(obj, namespace=namespace))
        for obj, namespace in (
            (pod(), "tenant-a"),
            (pod(), "tenant-b"),
            (pod(labels={"a": "b"}), "tenant-a"),
            (pod(annotations={"a": "b"}), "tenant-a"),
            (pod(hostNetwork=True), "tenant-a"),
            (pod(hostNetwork="true"), "tenant-a"),
            (mounted("other-name"), "tenant-a"),
        )
    ]
    assert len({id(standing) for standing in seen}) == len(seen)


def test_a_mirror_pod_is_judged_by_itself_for_its_node_makes_it() -> None:
    judge = Judging(AT)
    one, two = (
        judge.of_pod(pod_view(pod(annotations={MIRROR_POD: "x"}, nodeName=node))) for node in "ab"
    )
    assert one is not two


def test_under_other_policies_the_pod_is_judged_again() -> None:
    nothing = standpoint(snapshot(compat=table()), whole=False)
    standing = Judging(AT, nothing, runs=False).of_pod(pod_view(pod(hostNetwork=True)))
    assert standing.now.anew.refused
    assert standing.after is not None
    assert not standing.after.anew.refused


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_REMEMBERED", 2)
    judge = Judging(AT)
    first = judge.of_pod(pod_view(pod()))
    for n in range(2):
        judge.of_pod(pod_view(pod(labels={"n": str(n)})))
    again = judge.of_pod(pod_view(pod()))
    assert again is not first
    assert again.now == first.now


SUFFIX = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=5)
PODS = st.builds(
    mounted,
    st.one_of(
        SUFFIX.map("kube-api-access-{}".format), st.sampled_from(["data", "kube-api-access"])
    ),
    name=st.sampled_from(["a", "b"]),
    nodeName=st.sampled_from(["n1", "n2"]),
    hostNetwork=st.booleans(),
    runtimeClassName=st.sampled_from(["gvisor", "runc", "kata-qemu"]),
)


@given(st.lists(PODS, max_size=12))
def test_what_is_remembered_is_what_would_be_found(objects: list[dict[str, Any]]) -> None:
    judge = Judging(AT)
    for obj in objects:
        view = pod_view(obj)
        assert judge.of_pod(view).now == assess(view, runs=True, at=AT)
