"""Anything that may come: pods with junk in every field that a tenant writes, any policy on them.

A pod is drawn so that its parts often are as they should be: a decision on junk alone would end
at the first step.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.build import TODAY, application, fact, node, pods, profile
from webhook.core.applications import Application
from webhook.core.cluster import ClusterView, NamespaceView, RuntimeClassView
from webhook.core.compat import CompatTable, Conditions, Fact, Gate, Release
from webhook.core.decision import Operation
from webhook.core.names import Action, Handler, Mode, Strength, Support, Verdict
from webhook.core.nodes import Nodes, NodeView
from webhook.core.placement import Taint
from webhook.core.policy import (
    Exemption,
    LabelRequirement,
    LabelSelector,
    NamespaceSelector,
    Override,
    PodSelector,
    Policy,
    PolicySet,
    Rules,
    RuntimeClasses,
)
from webhook.core.runtimes import Guards, Inventory, NamespaceLabelsGuard, RuntimeProfile
from webhook.core.snapshot import Snapshot
from webhook.core.versions import parse_version

T = TypeVar("T")

NAMESPACES = ("tenant-a", "tenant-a", "tenant-b", "platform", "kube-system")
CLASSES = ("gvisor", "kata-qemu", "kata-clh", "runc")
IMAGES = (
    "nginx", "postgres", "postgres:11", "quay.io/x/agent:1",
    "reg.example.com:5000/postgres-exporter",
)  # fmt: skip
LABELS: tuple[dict[str, str], ...] = (
    {},
    {"app": "db"},
    {"app": "web", "tier": "tenant"},
    {"tier": "tenant"},
)
ANNOTATIONS: tuple[dict[str, str], ...] = (
    {},
    {"dev.gvisor.flag.x": "1"},
    {"io.katacontainers.config.hypervisor.kernel": "/x"},
    {"runtimegate.dev/needs": "syscall:x, device:/dev/kvm, nonsense"},
    {"runtimegate.dev/assigned-by": "forged"},
    {"kubernetes.io/config.mirror": "x"},
)
FEATURES = (
    "pod:hostNetwork", "pod:hostPID", "pod:privileged", "pod:seccompProfile", "pod:sysctl", "cap:*",
    "cap:NET_ADMIN", "pod:*", "perf:syscall-rate", "syscall:x", "syscall:y", "device:*",
)  # fmt: skip
RELEASES = ("20181030.0", "20240729.0", "20260817.0")
INTERVALS = ((), ("<20200101",), (">=20200101",), ("<20190101", ">=20250101"))

hostile = st.one_of(
    st.text(max_size=40),
    st.sampled_from([
        "", '"', "\\", "\n", "a\nb: c", "\x1b[31mred", "\u202eevil", "\x00", "{cause}", "%s",
        "*", "?",
        "x" * 5000, "\N{GRINNING FACE}" * 300, "../../etc", "a/b~c",
    ]),
)  # fmt: skip
junk: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**53) | st.floats(allow_nan=False) | hostile,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=6,
)


def usually(good: st.SearchStrategy[T]) -> st.SearchStrategy[Any]:
    """``good`` four times out of five, else anything at all."""
    return st.integers(0, 4).flatmap(lambda die: junk if die == 0 else good)


def sometimes(fields: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these fields, each with what it should hold or with junk."""
    return st.fixed_dictionaries({}, optional={k: usually(v) for k, v in fields.items()})


def containers() -> st.SearchStrategy[dict[str, Any]]:
    """One container."""
    return sometimes({
        "name": st.sampled_from(["web", "db", "sidecar"]),
        "image": st.sampled_from(IMAGES),
        "args": st.lists(hostile, max_size=2),
        "env": st.lists(sometimes({"name": hostile, "value": hostile}), max_size=2),
        "resources": sometimes({"limits": st.just({"nvidia.com/gpu": 1, "hugepages-2Mi": "2Mi"})}),
        "volumeMounts": st.lists(sometimes({"subPath": hostile, "mountPropagation": hostile}),
                                 max_size=2),
        "securityContext": sometimes({
            "privileged": st.booleans(),
            "capabilities": sometimes({"add": st.lists(st.sampled_from(["NET_ADMIN", "cap_x"]),
                                                       max_size=2)}),
            "seccompProfile": st.just({"type": "RuntimeDefault"}),
        }),
    })  # fmt: skip


def specs() -> st.SearchStrategy[dict[str, Any]]:
    """The spec of a pod: every field junk at times, its containers a list of objects."""
    return st.builds(
        lambda of_pod, first, others: {**of_pod, **first, **others},
        sometimes({
            "runtimeClassName": st.sampled_from(["", *CLASSES]),
            "serviceAccountName": st.sampled_from(["default", "node-agent"]),
            "serviceAccount": hostile,
            "hostNetwork": st.booleans(),
            "hostPID": st.booleans(),
            "nodeName": st.sampled_from(["", "worker-1"]),
            "nodeSelector": st.just({"kubernetes.io/arch": "arm64"}),
            "tolerations": st.lists(sometimes({"key": hostile, "operator": hostile}), max_size=2),
            "affinity": sometimes({"nodeAffinity": sometimes({
                "requiredDuringSchedulingIgnoredDuringExecution": sometimes({
                    "nodeSelectorTerms": st.lists(sometimes({
                        "matchExpressions": st.lists(sometimes({
                            "key": st.just("disk"), "operator": hostile,
                            "values": st.lists(hostile, max_size=2),
                        }), max_size=2),
                    }), max_size=2),
                }),
            })}),
            "hostUsers": st.booleans(),
            "os": st.sampled_from([{"name": "linux"}, {"name": "windows"}]),
            "securityContext": sometimes({
                "sysctls": st.lists(sometimes({"name": hostile}), max_size=2),
                "seccompProfile": sometimes({"type": hostile}),
            }),
            "volumes": st.lists(sometimes({"hostPath": sometimes({"path": hostile})}), max_size=2),
            "unheardOf": junk,
        }),
        st.fixed_dictionaries({"containers": st.lists(containers(), min_size=1, max_size=3)}),
        st.fixed_dictionaries({}, optional={
            "initContainers": st.lists(containers(), max_size=2),
            "ephemeralContainers": st.lists(containers(), max_size=2),
        }),
    )  # fmt: skip


def raw_pods() -> st.SearchStrategy[dict[str, Any]]:
    """A Pod object."""
    metadata = sometimes({
        "name": st.just("web"),
        "generateName": hostile,
        "labels": st.sampled_from(LABELS),
        "annotations": st.sampled_from(ANNOTATIONS),
    })  # fmt: skip
    return st.fixed_dictionaries(
        {"apiVersion": st.just("v1"), "kind": st.just("Pod"), "spec": specs()},
        optional={"metadata": usually(metadata)},
    )


def operations() -> st.SearchStrategy[Operation]:
    """Making a pod, by a person or by a node."""
    return st.sampled_from([
        Operation(user="alice", groups=frozenset({"system:authenticated"})),
        Operation(user="system:node:worker-1", groups=frozenset({"system:nodes"})),
        Operation(),
    ])  # fmt: skip


any_mode = st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.WARN, Mode.AUDIT])
class_globs = st.sampled_from([*CLASSES, "kata-*", "*", "none-such"])


def runtime_classes() -> st.SearchStrategy[RuntimeClasses]:
    """What a policy says of classes, mostly sensible."""
    return st.builds(
        lambda default, allowed, with_default, **rest: RuntimeClasses(
            default=default,
            allowed=(*allowed, *([default] if default and with_default else [])),
            **rest,
        ),
        st.sampled_from(["gvisor", "gvisor", "kata-qemu", "runc", "none-such", None]),
        st.lists(class_globs, max_size=2),
        st.sampled_from([True, True, True, False]),
        required=st.booleans(),
        fallback=st.lists(st.sampled_from(CLASSES), max_size=2).map(tuple),
        namespace_default=st.booleans(),
    )


def rules(modes: st.SearchStrategy[Mode] = any_mode) -> st.SearchStrategy[Rules]:
    """Any rules."""
    return st.builds(
        Rules,
        mode=modes,
        runtime_classes=runtime_classes(),
        actions=st.fixed_dictionaries({
            verdict: st.just(Action.IGNORE)
            if verdict is Verdict.COMPATIBLE
            else st.sampled_from([Action.DENY, *Action])
            if verdict is Verdict.INCOMPATIBLE
            else st.sampled_from([Action.WARN, *Action])
            for verdict in Verdict
        }),
        runtime_annotations=st.sampled_from([(), ("dev.gvisor.*",), ("*",)]),
        workloads=st.sampled_from([Action.WARN, Action.DENY, Action.IGNORE]),
    )  # fmt: skip


def pod_selectors() -> st.SearchStrategy[PodSelector]:
    """By image, service account, label or everything."""
    return st.sampled_from([
        pods(),
        pods("*/postgres"),
        pods("quay.io/x/*", "*/nginx"),
        pods(service_accounts=["node-*"]),
        pods(labels={"app": "db"}),
    ])  # fmt: skip


def overrides(modes: st.SearchStrategy[Mode] = any_mode) -> st.SearchStrategy[Override]:
    """Any override."""
    return st.builds(
        Override,
        name=st.sampled_from(["databases", "agents"]),
        pods=pod_selectors(),
        rules=rules(modes),
    )


def exemptions() -> st.SearchStrategy[Exemption]:
    """Any exemption, over or not."""
    return st.builds(
        Exemption,
        name=st.sampled_from(["first", "second"]),
        pods=pod_selectors(),
        runtime_classes=st.lists(st.sampled_from(["", "*", *CLASSES]), max_size=2).map(tuple),
        features=st.sampled_from([(), ("*",), ("pod:*",), ("perf:syscall-rate",)]),
        owner=hostile,
        reason=hostile,
        expires=st.none() | st.integers(-2, 2).map(lambda days: TODAY + timedelta(days=days)),
    )


def namespace_selectors() -> st.SearchStrategy[NamespaceSelector]:
    """By name, by exclusion, by label."""
    return st.sampled_from([
        NamespaceSelector(names=("tenant-*",)),
        NamespaceSelector(names=("*",)),
        NamespaceSelector(names=("tenant-a", "platform")),
        NamespaceSelector(names=("*",), exclude_names=("platform",)),
        NamespaceSelector(selector=LabelSelector(match_labels={"tier": "tenant"})),
        NamespaceSelector(selector=LabelSelector(
            match_expressions=(LabelRequirement(key="tier", operator="DoesNotExist"),))),
    ])  # fmt: skip


def policies(modes: st.SearchStrategy[Mode] = any_mode) -> st.SearchStrategy[Policy]:
    """Any policy."""
    return st.builds(
        Policy,
        name=st.sampled_from(["tenants", "platform", "rest", "all"]),
        namespaces=namespace_selectors(),
        priority=st.integers(0, 2),
        rules=rules(modes),
        overrides=st.lists(overrides(modes), max_size=2).map(tuple),
        exemptions=st.lists(exemptions(), max_size=2).map(tuple),
    )


def profiles() -> st.SearchStrategy[RuntimeProfile]:
    """Any runtime of an inventory."""
    return st.builds(
        lambda runtime, versions, flags, handler: profile(
            runtime, *versions, flags=flags, handler=handler
        ),
        st.sampled_from(["gvisor", "kata", "runc"]),
        st.lists(st.sampled_from(RELEASES), max_size=2),
        st.sampled_from([{}, {"net-raw": "true"}]),
        st.sampled_from([None, "runsc", "runc"]),
    )


def facts() -> st.SearchStrategy[Fact]:
    """Any row of the table, its texts as an author may fold them."""
    return st.builds(
        lambda feature, support, versions, **rest: fact(feature, support, *versions, **rest),
        st.sampled_from(FEATURES),
        st.sampled_from(Support),
        st.sampled_from(INTERVALS),
        runtime=st.sampled_from(["gvisor", "gvisor", "kata", "runc"]),
        when=st.sampled_from([Conditions(), Conditions(arch=frozenset({"arm64"})),
                              Conditions(flags={"net-raw": "true"})]),
        gate=st.none() | st.just(Gate(flag="net-raw", values=("true",), support=Support.FULL)),
        note=hostile,
        summary=st.just("") | hostile,
        workaround=st.none() | hostile.filter(bool),
        overlay=st.booleans(),
    )  # fmt: skip


def applications() -> st.SearchStrategy[Application]:
    """Postgres with any needs."""
    return st.builds(
        lambda needs: application(needs=needs),
        st.lists(
            st.tuples(
                st.sampled_from(["perf:syscall-rate", "syscall:x", "syscall:y"]),
                st.sampled_from(Strength),
            ),
            max_size=3,
        ),
    )


def tables() -> st.SearchStrategy[CompatTable]:
    """Any table."""
    releases = tuple(
        Release(version=parse_version(text), date=TODAY - timedelta(days=days))
        for text, days in (("20240729.0", 800), ("20250101.0", 600), ("20260817.0", 90))
    )
    return st.builds(
        CompatTable,
        facts=st.lists(facts(), max_size=8),
        applications=st.lists(applications(), max_size=1),
        releases=st.sampled_from([{}, {"gvisor": releases}]),
        version=st.just("law"),
    )


def inventories() -> st.SearchStrategy[Inventory]:
    """Any inventory."""
    return st.builds(
        Inventory,
        name=st.just("cluster"),
        node_default=st.none() | profiles(),
        by_class=st.dictionaries(st.sampled_from(CLASSES), profiles(), max_size=4),
        guards=st.builds(
            Guards,
            runtime_classes=st.sampled_from(Action),
            namespace_labels=st.none()
            | st.builds(NamespaceLabelsGuard, action=st.sampled_from(Action)),
        ),
    )


TAINTS = (Taint(key="sandbox", value="gvisor"), Taint(key="gone", effect="NoExecute"))


def nodes() -> st.SearchStrategy[NodeView]:
    """Any node."""
    told = st.none() | st.booleans()
    return st.builds(
        lambda name, handlers, arch, features, taints, ready: node(
            name,
            *handlers,
            ready=ready,
            labels={"kubernetes.io/arch": arch, "disk": "ssd"},
            features=features,
            taints=taints,
        ),
        st.sampled_from(["worker-1", "worker-2"]),
        st.lists(st.sampled_from(["runsc", "runc"]), max_size=2),
        st.sampled_from(["amd64", "arm64", "s390x"]),
        st.tuples(told, told),
        st.lists(st.sampled_from(TAINTS), max_size=1),
        st.booleans(),
    )


def clusters() -> st.SearchStrategy[ClusterView]:
    """What is known of a cluster: nothing, something, all."""
    annotation = st.sampled_from([*CLASSES, "none-such"]) | hostile
    namespaces = st.dictionaries(
        st.sampled_from(NAMESPACES),
        st.tuples(
            st.sampled_from(LABELS),
            st.fixed_dictionaries(
                {}, optional={"runtimegate.dev/default-runtime-class": annotation}
            ),
        ),
        max_size=3,
    )
    handlers = st.dictionaries(
        st.sampled_from(CLASSES), st.sampled_from(["runsc", "runc"]), max_size=4
    )
    return st.builds(
        lambda spaces, classes, known: ClusterView(
            namespaces={
                name: NamespaceView(name=name, labels=labels, annotations=annotations)
                for name, (labels, annotations) in spaces.items()
            },
            runtime_classes=None
            if classes is None
            else {
                name: RuntimeClassView(name=name, handler=Handler(handler))
                for name, handler in classes.items()
            },
            nodes=known,
        ),
        namespaces,
        st.none() | st.none() | handlers,
        st.none() | st.lists(nodes(), max_size=3).map(Nodes),
    )


def snapshots(modes: st.SearchStrategy[Mode] = any_mode) -> st.SearchStrategy[Snapshot]:
    """Any snapshot; of its policies no two have one name, as the loader sees to."""
    return st.builds(
        Snapshot,
        policies=st.lists(policies(modes), min_size=1, max_size=3, unique_by=lambda p: p.name).map(
            PolicySet
        ),
        inventory=inventories(),
        compat=tables(),
        cluster=clusters(),
        today=st.just(TODAY),
        revision=st.just("r1"),
    )
