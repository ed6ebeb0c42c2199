"""What the CEL of compiled policies reads off a pod is what the core reads: on a real API server.

A resource of our own without a schema is judged instead of pods, so that any nonsense gets through.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.controlplane.cluster import ControlPlane
from tests.native.plane import ADMISSION, Plane
from webhook.core.features import uses
from webhook.core.images import parse_image, parse_image_pattern
from webhook.core.pod import PodView, view_pod
from webhook.core.policy import (
    Exemption,
    LabelRequirement,
    LabelSelector,
    NamespaceSelector,
    Override,
    PodSelector,
    Policy,
    Rules,
)
from webhook.native.cel import literal
from webhook.native.references import reference
from webhook.native.uses import OPEN_USES, USES
from webhook.native.variables import exempt_name, kept, pod_variables

pytestmark = [pytest.mark.controlplane, pytest.mark.slow]

SAMPLES = "/apis/native.runtimegate.test/v1/namespaces/default/samples"
MANY = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
IMAGE_PATTERNS = ("*/postgres", "docker.io/bitnami/*", "x.io/a-?:1*", "*")


def policy() -> Policy:
    """One that selects pods in every way there is."""
    by_label = LabelSelector(
        match_labels={"app": "db", "empty": ""},
        match_expressions=(
            LabelRequirement(key="tier", operator="NotIn", values=frozenset({"web"})),
        ),
    )
    images = tuple(map(parse_image_pattern, IMAGE_PATTERNS[:3]))
    exists = LabelSelector(
        match_expressions=(
            LabelRequirement(key="app", operator="Exists"),
            LabelRequirement(key="odd", operator="DoesNotExist"),
            LabelRequirement(key="tier", operator="In", values=frozenset({"a'b", "web"})),
        )
    )
    return Policy(
        name="readings",
        namespaces=NamespaceSelector(names=("*",)),
        overrides=(
            Override(name="a", pods=PodSelector(images=images[:1]), rules=Rules()),
            Override(name="b", pods=PodSelector(selector=by_label), rules=Rules()),
            Override(name="c", pods=PodSelector(selector=exists), rules=Rules()),
            Override(
                name="d",
                pods=PodSelector(service_accounts=("db-*", "x"), images=images[1:]),
                rules=Rules(),
            ),
        ),
        exemptions=(
            _exemption("by-image", PodSelector(images=images)),
            _exemption("by-account", PodSelector(service_accounts=("default", "db-?"))),
        ),
    )


def _exemption(name: str, pods: PodSelector) -> Exemption:
    return Exemption(
        name=name, pods=pods, features=("*",), owner="us", reason="a test", expires=None
    )


EVERY_USE = [
    *USES,
    *(OPEN_USES[0].named(name) for name in ("NET_RAW", "A.B", "X/Y")),
    *(OPEN_USES[1].named(name) for name in ("NET_RAW", "a.b", "x.y")),
    *(use.named(name) for use in OPEN_USES[2:] for name in ("x/y", "x/z/y")),
]


def readings() -> Iterator[tuple[str, str]]:
    """A name for everything that is read, and the expression that says 1 or 0, or a text."""
    for number, use in enumerate(EVERY_USE):
        test = f"variables.containers.exists(c, {use.test})" if use.in_container else use.test
        yield f"{number} {use.feature}", f"(({test}) ? '1' : '0')"
    yield "rules", "string(variables.rules)"
    for exemption in policy().exemptions:
        yield exemption.name, f"(variables.{exempt_name(exemption)} ? '1' : '0')"
    yield "account", "variables.service_account"


@pytest.fixture(scope="module")
def samples(control_plane: ControlPlane) -> Iterator[Plane]:
    """The resource, and the policy that answers with what it read of an object."""
    with Plane(plane=control_plane) as plane:
        plane.define(_DEFINITION)
        read = [expression for _, expression in readings()]
        found = " + '\\u0020' + ".join(read)
        images = f"object.images.map(i, {reference('string(i)')}).join(' ')"
        texts = " + ".join(literal(text) for text in HOSTILE)
        documents = [
            *_answering("pods", f"has(object.spec) ? {found} : 'none'", read),
            *_answering("images", f"has(object.images) ? {images} : 'none'", []),
            *_answering("texts", texts, []),
        ]
        plane.apply(documents)
        yield plane
        plane.apply([])


_DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "samples.native.runtimegate.test"},
    "spec": {
        "group": "native.runtimegate.test",
        "names": {"kind": "Sample", "plural": "samples"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}
HOSTILE = (
    'it\'s "quoted" \\ back`tick',
    " ${x} {{y}} 'a' + 'b' ",
    "\x00\x07\x1b[31m\u202e\u2066é\U0001f600",
    "\r\t\\n\\u0041'",
)


def _answering(name: str, expression: str, read: Sequence[str]) -> list[Mapping[str, Any]]:
    variables = kept(pod_variables(policy(), (Rules(),) * 5, ()), read)
    rule = {
        "apiGroups": ["native.runtimegate.test"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["samples"],
    }
    api = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [rule]},
                "variables": [{"name": n, "expression": e} for n, e in variables.items()],
                "validations": [
                    {
                        "expression": "false",
                        "messageExpression": f"'{name}=[' + {_one(expression)} + ']'",
                    }
                ],
            },
        },
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Audit", "Deny"]},
        },
    ]


def _one(expression: str) -> str:
    return f"({expression})"


def told(plane: Plane, name: str, obj: Mapping[str, Any]) -> str:
    """What the policy ``name`` read of an object."""
    for other in ("pods", "images", "texts"):
        at = f"{ADMISSION}/validatingadmissionpolicybindings/{other}"
        binding = plane.must("GET", at).body
        actions = ["Deny"] if other == name else ["Audit"]
        if binding["spec"]["validationActions"] != actions:
            binding["spec"]["validationActions"] = actions
            plane.must("PUT", at, binding)
            plane.settle()
    sample = {
        "apiVersion": "native.runtimegate.test/v1",
        "kind": "Sample",
        "metadata": {"name": "sample", **obj.get("metadata", {})},
        **{key: value for key, value in obj.items() if key != "metadata"},
    }
    answer = plane.ask("POST", f"{SAMPLES}?dryRun=All", sample)
    assert f"denied request: {name}=[" in answer.message, answer.message[:3000]
    return answer.message.partition(f"denied request: {name}=[")[2][:-1]


def as_the_core_reads(pod: PodView) -> dict[str, str]:
    """The same readings by the core."""
    override = policy().override_for(pod)
    exempt = {e.name for e in policy().exemptions_for(pod)}
    names = [o.name for o in policy().overrides]
    by_row = _by_row(pod)
    return {
        **{
            f"{number} {use.feature}": str(int(_is_used(use, by_row)))
            for number, use in enumerate(EVERY_USE)
        },
        "rules": str(names.index(override.name) + 1 if override else 0),
        **{e.name: str(int(e.name in exempt)) for e in policy().exemptions},
        "account": pod.service_account,
    }


def _by_row(pod: PodView) -> set[tuple[str, str]]:
    """Every use, by the last key of its field path: two rows of one feature differ in that."""
    return {
        (str(use.feature), _key(use.field_path, use.container is not None)) for use in uses(pod)
    }


def _key(path: str, in_container: bool) -> str:
    where = "container" if in_container else "pod"
    for key in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "subPathExpr"):
        if f".{key}" in path:
            return f"{where} {key}"
    return where


def _is_used(use: Any, by_row: set[tuple[str, str]]) -> bool:
    where = "container" if use.in_container else "pod"
    key = use.row[1]
    special = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "subPathExpr")
    return (use.feature, f"{where} {key}" if key in special else where) in by_row


NAMES = st.sampled_from(
    [
        "NET_RAW",
        "cap_net_raw",
        "CAP_",
        "a.b",
        "a/b",
        "x/y",
        "x/z/y",
        "hugepages-2Mi",
        "cpu",
        "é",
        "",
        "-x",
        "y" * 129,
    ]
)
BOOLS = st.sampled_from([True, False])
PROFILES = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["RuntimeDefault", "Localhost", "Unconfined", ""])}
)
SE_LINUX = st.fixed_dictionaries({}, optional={"level": st.just("s0"), "user": st.just("u")})
RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "limits": st.dictionaries(NAMES, st.just("1"), max_size=3),
        "claims": st.lists(st.just({"name": "x"}), max_size=1),
    },
)
PROBE = st.fixed_dictionaries(
    {}, optional={"exec": st.just({"command": ["a"]}), "periodSeconds": st.just(3)}
)
SECURITY = st.fixed_dictionaries(
    {},
    optional={
        "seccompProfile": PROFILES,
        "appArmorProfile": PROFILES,
        "seLinuxOptions": SE_LINUX,
        "windowsOptions": st.fixed_dictionaries({}, optional={"hostProcess": BOOLS}),
        "privileged": BOOLS,
        "procMount": st.sampled_from(["Default", "Unmasked"]),
        "allowPrivilegeEscalation": BOOLS,
        "capabilities": st.fixed_dictionaries({}, optional={"add": st.lists(NAMES, max_size=3)}),
    },
)
POD_SECURITY = st.fixed_dictionaries(
    {},
    optional={
        "seccompProfile": PROFILES,
        "appArmorProfile": PROFILES,
        "seLinuxOptions": SE_LINUX,
        "windowsOptions": st.fixed_dictionaries({}, optional={"hostProcess": BOOLS}),
        "sysctls": st.lists(
            st.fixed_dictionaries({"name": NAMES, "value": st.just("1")}), max_size=2
        ),
    },
)
MOUNT = st.fixed_dictionaries(
    {"name": st.just("v")},
    optional={
        "mountPropagation": st.sampled_from(["None", "Bidirectional", "HostToContainer"]),
        "recursiveReadOnly": st.sampled_from(["Enabled", "IfPossible", "Disabled"]),
        "subPath": st.sampled_from(["", "a"]),
        "subPathExpr": st.sampled_from(["", "a"]),
    },
)
WORDS = st.text(alphabet="/defvnusrtockmgp.l", max_size=12)
PATHS = st.one_of(
    st.sampled_from(
        [
            "/dev",
            "/dev/",
            "//dev//kvm",
            "/dev/fuse/",
            "dev/fuse",
            "fuse",
            "/dev/net//tun",
            "net/tun",
            "/dev/shm/x",
            "/dev/shmx",
            "/dev/log",
            "//dev/log//",
            "/run/x.sock",
            "/run/x.sock/",
            "/x.socket",
            "",
            "/",
        ]
    ),
    WORDS,
)
HOST_PATH = st.fixed_dictionaries(
    {"path": PATHS},
    optional={"type": st.sampled_from(["", "Socket", "CharDevice", "BlockDevice", "Directory"])},
)
VOLUME = st.fixed_dictionaries(
    {"name": st.just("v")},
    optional={
        "hostPath": HOST_PATH,
        "emptyDir": st.fixed_dictionaries(
            {}, optional={"medium": st.sampled_from(["", "Memory", "HugePages-2Mi"])}
        ),
        "image": st.fixed_dictionaries({}, optional={"reference": st.just("x")}),
    },
)
IMAGES = st.sampled_from(
    [
        "postgres", "postgres:18", "docker.io/postgres", "Docker.IO/postgres", "X/postgres",
        "index.docker.io/bitnami/x", "bitnami/redis:7", "x.io/a-b:12", "x.io/a-b:2", "x.io/a/b",
        "localhost/postgres", "a__b.c/postgres", "prom/postgres-exporter", "NOT AN IMAGE", "",
        "postgres@sha256:" + "a" * 64,
        "\u212a.io/postgres", "a" * 256, "x.io/" + "a/" * 130 + "postgres", "[::1]:5000/postgres",
    ]
)  # fmt: skip
CONTAINER = st.fixed_dictionaries(
    {"image": IMAGES},
    optional={
        "securityContext": SECURITY,
        "resources": RESOURCES,
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
        "startupProbe": PROBE,
        "lifecycle": st.fixed_dictionaries({}, optional={"postStart": PROBE, "preStop": PROBE}),
        "volumeDevices": st.lists(st.just({"name": "v"}), max_size=1),
        "volumeMounts": st.lists(MOUNT, max_size=2),
    },
)
SPEC = st.fixed_dictionaries(
    {"containers": st.lists(CONTAINER, min_size=1, max_size=2)},
    optional={
        "initContainers": st.lists(CONTAINER, max_size=1),
        "ephemeralContainers": st.lists(CONTAINER, max_size=1),
        "os": st.fixed_dictionaries({}, optional={"name": st.sampled_from(["linux", "plan9"])}),
        "hostNetwork": BOOLS,
        "hostPID": BOOLS,
        "hostIPC": BOOLS,
        "hostUsers": BOOLS,
        "shareProcessNamespace": BOOLS,
        "resourceClaims": st.lists(st.just({"name": "x"}), max_size=1),
        "resources": RESOURCES,
        "securityContext": POD_SECURITY,
        "volumes": st.lists(VOLUME, max_size=2),
        "serviceAccountName": st.sampled_from(["", "db-a", "x", "db-ab"]),
        "serviceAccount": st.sampled_from(["", "db-b"]),
    },
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(
            st.sampled_from(["app", "tier", "empty", "odd"]),
            st.sampled_from(["db", "web", ""]),
            max_size=4,
        ),
        "annotations": st.dictionaries(
            st.just("io.kubernetes.cri.untrusted-workload"),
            st.sampled_from(["true", "True", ""]),
            max_size=1,
        ),
    },
)


def _named(spec: dict[str, Any]) -> dict[str, Any]:
    """Every container by a name of its own, as the API has it."""
    number = 0
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for container in spec.get(key, ()):
            container["name"] = f"c{number}"
            number += 1
    return spec


@MANY
@given(spec=SPEC, metadata=METADATA)
def test_a_pod_is_read_as_the_core_reads_it(
    samples: Plane, spec: dict[str, Any], metadata: dict[str, Any]
) -> None:
    spec = _named(json.loads(json.dumps(spec)))
    pod = view_pod(spec, metadata, namespace="default")
    names = [name for name, _ in readings()]
    answered = dict(
        zip(
            names,
            told(samples, "pods", {"spec": spec, "metadata": metadata}).split(" "),
            strict=True,
        )
    )
    expected = as_the_core_reads(pod)
    assert {k: (v, expected[k]) for k, v in answered.items() if v != expected[k]} == {}


def test_every_feature_is_seen_in_its_own_sample(samples: Plane) -> None:
    for use in EVERY_USE:
        container = {"image": "x", **use.sample.container}
        spec = _named({"containers": [container], **use.sample.spec})
        metadata = {"annotations": dict(use.sample.annotations)}
        names = [name for name, _ in readings()]
        answered = told(samples, "pods", {"spec": spec, "metadata": metadata}).split(" ")
        expected = as_the_core_reads(view_pod(spec, metadata, namespace="default"))
        assert dict(zip(names, answered, strict=True)) == expected, use.feature
        assert sum(value == "1" for value in answered[: len(EVERY_USE)]) >= 1, use.feature


ALPHABET = "abzAZ09.-_/:@[]\u212a\n "
WRITTEN = st.one_of(
    IMAGES, st.text(alphabet=ALPHABET, max_size=20), st.text(alphabet="ab./:-_A1", max_size=16)
)


@MANY
@given(images=st.lists(WRITTEN, min_size=1, max_size=40))
def test_an_image_is_normalised_as_the_core_normalises_it(
    samples: Plane, images: list[str]
) -> None:
    references = [parse_image(image) for image in images]
    expected = [str(r).partition("@")[0] if r else "" for r in references]
    assert told(samples, "images", {"images": images}).split(" ") == expected


def test_a_hostile_text_is_read_by_the_api_server_as_it_was_written(samples: Plane) -> None:
    assert told(samples, "texts", {}) == "".join(HOSTILE)
