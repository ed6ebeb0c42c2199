"""What the shipped table says where the CRI keeps something from a pod: by CRI and its release."""

from typing import Any

import pytest

from tests.build import container, pod, profile
from tests.data.shipped import faults, judged
from webhook.core.names import Feature, Verdict
from webhook.core.runtimes import Cri, RuntimeProfile
from webhook.core.versions import parse_version

NATIVE = ("runc", "crun", "youki", "nvidia")
LINUX = ("gvisor", "kata", *NATIVE, "wasm", "other")
RELEASE = {"gvisor": "20260817.0", "kata": "4.1.0", "runc": "1.4.0", "crun": "1.29.1"}

UNTRUSTED = "io.kubernetes.cri.untrusted-workload"


def asking(
    annotations: dict[str, str] | None = None, mounts: Any = (), **spec: Any
) -> dict[str, Any]:
    """A pod of an application that nobody knows, which asks for nothing but this."""
    only = container(
        "app", "registry.example/app:1", **({"volumeMounts": mounts} if mounts else {})
    )
    return pod(annotations=annotations, containers=[only], **spec)


USERNS = asking(hostUsers=False)
IMAGE = asking(volumes=[{"name": "v", "image": {"reference": "quay.io/data:1"}}])
READ_ONLY = asking(mounts=[{"name": "v", "mountPath": "/v", "recursiveReadOnly": "Enabled"}])
DEFAULT_SECCOMP = asking(securityContext={"seccompProfile": {"type": "RuntimeDefault"}})
MARKED = asking({UNTRUSTED: "true"})


def on(runtime: str, cri: str, release: str | None = None, own: str | None = None) -> Any:
    """A runtime, in its newest release or its ``own``, behind a CRI."""
    version = parse_version(release) if release else None
    versions = [own or RELEASE[runtime]] if own or runtime in RELEASE else []
    return profile(runtime, *versions, cri=Cri(name=cri, version=version))


def verdict(obj: dict[str, Any], runtime: RuntimeProfile) -> str:
    """The verdict on the one thing that a pod asks for."""
    (finding,) = judged(obj, runtime)
    return finding.verdict.value


def note(obj: dict[str, Any], runtime: RuntimeProfile) -> str:
    """What the table says of the one thing that a pod asks for."""
    (finding,) = judged(obj, runtime)
    assert finding.fact is not None
    return finding.fact.note


# User namespaces: the kubelet asks the CRI what the handler can.


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        (on("runc", "containerd", "1.7.28"), "incompatible"),
        (on("runc", "containerd", "2.0.0"), "compatible"),
        (on("runc", "containerd", "2.0.0", own="1.1.15"), "incompatible"),
        (on("crun", "containerd", "1.7.28"), "incompatible"),
        (on("crun", "containerd", "2.0.0"), "compatible"),
        (on("crun", "containerd", "2.0.0", own="1.8.7"), "incompatible"),
        (on("nvidia", "containerd", "1.7.28"), "incompatible"),
        (on("nvidia", "containerd", "2.3.4"), "unknown"),
        (on("youki", "containerd", "1.7.28"), "incompatible"),
        (on("youki", "containerd", "2.3.4"), "unknown"),
        # Its handler says yes from there on; its sandbox does not start (measured on a real node).
        (on("gvisor", "containerd", "2.1.4"), "incompatible"),
        (on("gvisor", "containerd", "2.2.6"), "incompatible"),
        (on("gvisor", "containerd", "2.2.7"), "incompatible"),
        (on("gvisor", "containerd", "2.3.0"), "incompatible"),
        (on("gvisor", "containerd", "2.3.3"), "incompatible"),
        (on("gvisor", "containerd", "2.3.4"), "incompatible"),
        (on("gvisor", "containerd", "2.4.0-beta.0"), "incompatible"),
        (on("gvisor", "containerd", "2.3.4", own="20260525.0"), "unknown"),
        (on("gvisor", "containerd", "2.3.4", own="20240729.0"), "incompatible"),
        (on("kata", "containerd", "2.1.4"), "incompatible"),
        (on("kata", "containerd", "2.3.4"), "incompatible"),
        (on("kata", "cri-o", "1.36.3"), "incompatible"),
        (on("wasm", "containerd", "2.3.3"), "incompatible"),
        (on("wasm", "containerd", "2.3.4"), "unknown"),
        (on("runc", "cri-o", "1.29.1"), "unknown"),
        (on("runc", "cri-o", "1.30.0"), "compatible"),
        (on("runc", "cri-o", "1.30.0", own="1.1.15"), "incompatible"),
        (on("crun", "cri-o", "1.36.3"), "compatible"),
        (profile("runc", "1.4.0"), "compatible"),
    ],
)
def test_user_namespaces_take_a_runtime_that_can_and_a_cri_that_says_so(
    runtime: RuntimeProfile, expected: str
) -> None:
    assert verdict(USERNS, runtime) == expected


@pytest.mark.parametrize("runtime", LINUX)
@pytest.mark.parametrize("release", [None, "0.3.20", "0.4.1", "0.4.3"])
def test_no_runtime_has_user_namespaces_behind_cri_dockerd(
    runtime: str, release: str | None
) -> None:
    assert verdict(USERNS, on(runtime, "cri-dockerd", release)) == "incompatible"


def test_a_refused_user_namespace_names_the_releases_from_which_on_it_works() -> None:
    assert note(USERNS, on("gvisor", "containerd", "2.3.3")) == (
        "is not asked by this containerd, so the kubelet rejects the pod. Of shims other than "
        "runc's it asks the features from 2.2.7 and 2.3.4 on."
    )


# Images as volumes.


@pytest.mark.parametrize("runtime", LINUX)
@pytest.mark.parametrize(
    ("cri", "release"),
    [("containerd", "2.0.9"), ("cri-o", "1.30.5"), ("cri-dockerd", "0.4.3"), ("cri-dockerd", None)],
)
def test_a_cri_that_mounts_no_images_fails_every_runtime(
    runtime: str, cri: str, release: str | None
) -> None:
    assert verdict(IMAGE, on(runtime, cri, release)) == "incompatible"


@pytest.mark.parametrize("runtime", ["gvisor", *NATIVE, "wasm"])
@pytest.mark.parametrize(("cri", "release"), [("containerd", "2.1.0"), ("cri-o", "1.31.0")])
def test_images_are_volumes_from_the_release_on_that_mounts_them(
    runtime: str, cri: str, release: str
) -> None:
    assert faults(IMAGE, on(runtime, cri, release)) == []


# Recursive read-only mounts.


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        (on("runc", "containerd", "1.7.28"), "incompatible"),
        (on("runc", "containerd", "2.0.0"), "compatible"),
        (on("nvidia", "containerd", "1.7.28"), "incompatible"),
        (on("nvidia", "containerd", "2.0.0"), "unknown"),
        (on("runc", "cri-o", "1.29.1"), "incompatible"),
        (on("runc", "cri-o", "1.30.0"), "compatible"),
        (on("crun", "cri-o", "1.30.0", own="1.8.5"), "incompatible"),
        (on("runc", "cri-dockerd", "0.3.20"), "incompatible"),
        (on("runc", "cri-dockerd", "0.4.1"), "unknown"),
        (on("runc", "cri-dockerd", "0.4.3"), "incompatible"),
        (on("kata", "containerd", "2.3.4"), "incompatible"),
        (on("gvisor", "containerd", "2.3.4"), "incompatible"),
    ],
)
def test_recursive_read_only_mounts_take_a_runtime_that_can_and_a_cri_that_says_so(
    runtime: RuntimeProfile, expected: str
) -> None:
    assert verdict(READ_ONLY, runtime) == expected


# The annotation of untrusted workloads, where a policy lets it through.


@pytest.mark.parametrize("runtime", ["gvisor", "kata", "wasm"])
def test_containerd_refuses_the_untrusted_annotation_beside_a_runtime_class(runtime: str) -> None:
    expected = [("incompatible", f"pod:annotation/{UNTRUSTED}")]
    assert faults(MARKED, on(runtime, "containerd", "2.3.4")) == expected


@pytest.mark.parametrize("runtime", [*NATIVE, "windows", "other"])
def test_the_untrusted_annotation_is_not_refused_on_what_a_node_runs_by_default(
    runtime: str,
) -> None:
    # Without a RuntimeClass the annotation is how a pod asks containerd for its untrusted handler.
    assert verdict(MARKED, on(runtime, "containerd", "2.3.4")) == "unknown"


@pytest.mark.parametrize("runtime", LINUX)
@pytest.mark.parametrize("cri", ["cri-o", "cri-dockerd"])
def test_other_cris_pay_the_untrusted_annotation_no_attention(runtime: str, cri: str) -> None:
    assert faults(MARKED, on(runtime, cri)) == []


@pytest.mark.parametrize("runtime", LINUX)
def test_the_untrusted_annotation_is_unknown_where_nobody_says_which_cri(runtime: str) -> None:
    assert verdict(MARKED, profile(runtime)) == "unknown"


# The default seccomp profile and io_uring.


@pytest.mark.parametrize("runtime", NATIVE)
def test_the_default_profile_of_containerd_is_said_to_allow_no_io_uring(runtime: str) -> None:
    said = "applies containerd's default profile, which allows no io_uring from 2.0 on"
    assert note(DEFAULT_SECCOMP, on(runtime, "containerd", "2.0.0")) == said
    assert note(DEFAULT_SECCOMP, on(runtime, "containerd", "1.7.28")) == "applies the profile"


DEFAULT: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
IO_URING = ["-c", "io_method=io_uring"]
DENIED = [("incompatible", "kernel:seccomp-default/io_uring")]


def concerned(
    on_runtime: RuntimeProfile, *, own: dict[str, Any] | None = None, **fields: Any
) -> list[tuple[str, str]]:
    """What is wrong with PostgreSQL on io_uring, its ``own`` securityContext beside the pod's."""
    context = {"securityContext": own} if own else {}
    obj = pod(containers=[container("db", "postgres:18", args=IO_URING, **context)], **fields)
    return faults(obj, on_runtime)


@pytest.mark.parametrize("runtime", NATIVE)
def test_io_uring_is_refused_where_the_default_profile_of_the_pod_denies_it(runtime: str) -> None:
    containerd = on(runtime, "containerd", "2.3.4")
    assert concerned(containerd, own=DEFAULT) == DENIED
    assert concerned(containerd, securityContext=DEFAULT) == DENIED
    assert concerned(on(runtime, "cri-o", "1.36.3"), own=DEFAULT) == DENIED


@pytest.mark.parametrize("runtime", NATIVE)
def test_io_uring_is_not_refused_where_no_such_profile_is_asked_for(runtime: str) -> None:
    containerd = on(runtime, "containerd", "2.3.4")
    unconfined = {"seccompProfile": {"type": "Unconfined"}}
    assert concerned(containerd) == []
    assert concerned(containerd, own=unconfined, securityContext=DEFAULT) == []
    assert concerned(on(runtime, "containerd", "1.7.28"), own=DEFAULT) == []
    privileged = concerned(containerd, own={**DEFAULT, "privileged": True})
    assert DENIED[0] not in privileged


def test_a_profile_that_a_sandbox_does_not_apply_denies_no_io_uring() -> None:
    kata = concerned(on("kata", "containerd", "2.3.4"), own=DEFAULT)
    assert [feature for _, feature in kata] == ["pod:seccompProfile/RuntimeDefault"]


def test_io_uring_that_a_pod_declares_is_judged_under_its_profile_too() -> None:
    needs = {"runtimegate.dev/needs": "syscall:io_uring_setup"}
    obj = asking(needs, securityContext=DEFAULT)
    found = {f.need.feature: f for f in judged(obj, on("runc", "containerd", "2.3.4"))}
    finding = found[Feature("kernel:seccomp-default/io_uring")]
    assert finding.verdict is Verdict.INCOMPATIBLE
    assert finding.need.field_path == "spec.securityContext.seccompProfile.type"
