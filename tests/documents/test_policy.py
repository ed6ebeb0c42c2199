from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.documents.build import (
    LEFT_OUT,
    error,
    errors,
    exemption,
    load,
    only_policy,
    override,
    policy,
)
from webhook.core.images import parse_image_pattern
from webhook.core.names import Action, Mode, Verdict
from webhook.core.policy import (
    DEFAULT_ACTIONS,
    Exemption,
    LabelRequirement,
    LabelSelector,
    NamespaceSelector,
    Override,
    PodSelector,
    Policy,
    Rules,
    RuntimeClasses,
)
from webhook.documents.sentences import NEWER

AS_DESIGNED = (Path(__file__).parent / "as_designed.yaml").read_text()


def test_the_documents_of_the_design_load_as_they_stand_there() -> None:
    loaded = load(AS_DESIGNED)
    rules = Rules(
        runtime_classes=RuntimeClasses(
            default="gvisor",
            required=True,
            allowed=("gvisor", "kata-*"),
            fallback=("kata-qemu",),
        ),
        actions={
            Verdict.INCOMPATIBLE: Action.DENY,
            Verdict.DEGRADED: Action.WARN,
            Verdict.UNKNOWN: Action.WARN,
            Verdict.IGNORED_SECURITY: Action.WARN,
            Verdict.COMPATIBLE: Action.IGNORE,
        },
    )
    assert loaded.policies.policies == (
        Policy(
            name="tenants",
            description="Everything a tenant runs is sandboxed.",
            origin="a.yaml:1",
            priority=100,
            namespaces=NamespaceSelector(
                names=("tenant-*",),
                exclude_names=("tenant-infra",),
                selector=LabelSelector(match_labels={"tier": "tenant"}),
            ),
            rules=rules,
            overrides=(
                Override(
                    name="databases",
                    pods=PodSelector(
                        images=(
                            parse_image_pattern("*/postgres"),
                            parse_image_pattern("docker.io/bitnami/*"),
                        ),
                        service_accounts=("db-*",),
                        selector=LabelSelector(match_labels={"app": "db"}),
                    ),
                    rules=Rules(
                        runtime_classes=RuntimeClasses(
                            default="kata-qemu",
                            required=True,
                            allowed=("kata-qemu",),
                            fallback=("kata-qemu",),
                        ),
                        actions=rules.actions,
                    ),
                ),
            ),
            exemptions=(
                Exemption(
                    name="node-agent",
                    pods=PodSelector(service_accounts=("node-agent",)),
                    runtime_classes=("", "runc"),
                    features=("pod:hostNetwork",),
                    owner="storage-team",
                    reason="Mounts volumes for everyone.",
                    ticket="https://tracker.example/PLAT-12",
                    expires=date(2027, 6, 30),
                ),
            ),
        ),
    )


def test_a_policy_that_says_nothing_more_has_the_defaults() -> None:
    assert only_policy(policy()) == Policy(
        name="it",
        origin="a.yaml:1",
        priority=0,
        namespaces=NamespaceSelector(names=("tenant-*",)),
        rules=Rules(
            mode=Mode.ENFORCE,
            runtime_classes=RuntimeClasses(allowed=("*",)),
            actions=DEFAULT_ACTIONS,
        ),
    )


def classes(text: str) -> RuntimeClasses:
    """The classes of the one override of a policy, else of the policy."""
    read = only_policy(text)
    rules = read.overrides[0].rules if read.overrides else read.rules
    return rules.runtime_classes


def test_without_allowed_just_the_default_is() -> None:
    assert classes(policy(runtimeClasses={"default": "gvisor"})).allowed == ("gvisor",)


def test_without_default_and_allowed_any_class_may_be_asked_for() -> None:
    assert classes(policy()) == RuntimeClasses(default=None, allowed=("*",))


def test_without_allowed_in_both_an_override_allows_its_own_default() -> None:
    text = policy(runtimeClasses={"default": "gvisor"}, overrides=[override()])
    assert classes(text) == RuntimeClasses(default="kata-qemu", allowed=("kata-qemu",))


def test_an_override_keeps_the_classes_that_it_does_not_replace() -> None:
    text = policy(
        runtimeClasses={
            "default": "gvisor",
            "required": True,
            "allowed": ["gvisor", "kata-*"],
            "fallback": ["kata-clh"],
            "namespaceDefault": True,
        },
        overrides=[override()],
    )
    assert classes(text) == RuntimeClasses(
        default="kata-qemu",
        required=True,
        allowed=("gvisor", "kata-*"),
        fallback=("kata-clh",),
        namespace_default=True,
    )


def test_an_override_may_take_default_and_fallback_away() -> None:
    text = policy(
        runtimeClasses={"default": "gvisor", "allowed": ["*"], "fallback": ["kata-qemu"]},
        overrides=[override(runtimeClasses={"default": "", "fallback": []})],
    )
    assert classes(text) == RuntimeClasses(default=None, allowed=("*",), fallback=())


def test_an_override_replaces_other_keys_one_by_one() -> None:
    text = policy(
        mode="warn",
        compatibility={"degraded": "deny", "unknown": "ignore"},
        runtimeAnnotations={"allowed": ["dev.gvisor.*"]},
        workloads="deny",
        overrides=[
            override(
                runtimeClasses=LEFT_OUT,
                mode="audit",
                compatibility={"unknown": "audit", "ignoredSecurity": "deny"},
                runtimeAnnotations={"allowed": []},
                workloads="ignore",
            )
        ],
    )
    read = only_policy(text)
    assert read.rules == Rules(
        mode=Mode.WARN,
        runtime_classes=RuntimeClasses(allowed=("*",)),
        actions={**DEFAULT_ACTIONS, Verdict.DEGRADED: Action.DENY, Verdict.UNKNOWN: Action.IGNORE},
        runtime_annotations=("dev.gvisor.*",),
        workloads=Action.DENY,
    )
    assert read.overrides[0].rules == Rules(
        mode=Mode.AUDIT,
        runtime_classes=RuntimeClasses(allowed=("*",)),
        actions={
            **DEFAULT_ACTIONS,
            Verdict.DEGRADED: Action.DENY,
            Verdict.UNKNOWN: Action.AUDIT,
            Verdict.IGNORED_SECURITY: Action.DENY,
        },
        runtime_annotations=(),
        workloads=Action.IGNORE,
    )


def test_a_selector_is_the_apis() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["a", ""]},
        {"key": "example.com/x", "operator": "DoesNotExist"},
    ]
    read = only_policy(policy(namespaces={"selector": {"matchExpressions": expressions}}))
    assert read.namespaces == NamespaceSelector(
        selector=LabelSelector(
            match_expressions=(
                LabelRequirement(key="tier", operator="In", values=frozenset({"a", ""})),
                LabelRequirement(key="example.com/x", operator="DoesNotExist"),
            )
        )
    )


def test_an_exemption_without_end_says_never() -> None:
    read = only_policy(policy(exemptions=[exemption(expires="never", features=["*"])]))
    assert (read.exemptions[0].expires, read.exemptions[0].ticket) == (None, None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("*", "*"),
        ("pod:*", "pod:*"),
        ("*:io_?ring*", "*:io_?ring*"),
        ("po?*", "po?*"),
        ("pod:sysctl/net.core.somaxconn", "pod:sysctl/net.core.somaxconn"),
        ("syscall:pselect", "syscall:pselect6"),
    ],
)
def test_an_exemption_names_features_by_id_or_glob(written: str, read: str) -> None:
    policy_read = only_policy(policy(exemptions=[exemption(features=[written])]))
    assert policy_read.exemptions[0].features == (read,)


GLOB = "lower-case letters, digits, '-', '.', and * and ? for any characters"
NAMESPACE_GLOB = (
    "must be a glob of namespaces: lower-case letters, digits, '-', and * and ? for any characters"
)
DNS_NAME = "a DNS name: lower-case letters, digits, '-' and '.', at most 253"
DNS_LABEL = "a DNS label: lower-case letters, digits and '-', at most 63"
NOT_EMPTY = "must not be empty"
NO_VALUE = "must not be empty: give a value or leave the key out"
FEATURE = "must be a feature id such as pod:hostNetwork, a glob of them such as pod:sysctl/*, or *"
NO_FEATURE = (
    "must be a feature id such as syscall:io_uring_setup, in one of the namespaces cap, device, "
    "exec, fs, ioctl, kernel, net, perf, pod, proc, sys, syscall, "
)
DAY = "must be a day such as 2027-06-30, or never"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"prority": 1},
            (
                "spec.prority: unknown key; must be one of compatibility, exemptions, mode, "
                "namespaces, overrides, priority, runtimeAnnotations, runtimeClasses, workloads; "
                "did you mean priority?" + NEWER
            ),
        ),
        (
            {"runtimeClasses": {"xyz": 1}},
            (
                "spec.runtimeClasses.xyz: unknown key; must be one of allowed, default, fallback, "
                "namespaceDefault, required" + NEWER
            ),
        ),
        ({"priority": "high"}, "spec.priority: must be a whole number, not 'high'"),
        ({"priority": True}, "spec.priority: must be a whole number, not the boolean true"),
        ({"priority": 1.5}, "spec.priority: must be a whole number, not the number 1.5"),
        (
            {"priority": 10**10},
            "spec.priority: must be at most 1000000000, not the number 10000000000",
        ),
        (
            {"priority": -(10**10)},
            "spec.priority: must be at least -1000000000, not the number -10000000000",
        ),
        ({"priority": None}, f"spec.priority: {NO_VALUE}"),
        ({"mode": "deny"}, "spec.mode: must be one of enforce, warn, audit, not 'deny'"),
        ({"mode": ["warn"]}, "spec.mode: must be one of enforce, warn, audit, not a list"),
        ({"workloads": "audit"}, "spec.workloads: must be one of warn, deny, ignore, not 'audit'"),
        (
            {"compatibility": {"degraded": "refuse"}},
            "spec.compatibility.degraded: must be one of deny, warn, audit, ignore, not 'refuse'",
        ),
        ({"namespaces": LEFT_OUT}, "spec.namespaces: must be given, such as {names: [tenant-*]}"),
        (
            {"namespaces": {}},
            "spec.namespaces: must hold at least one of names, excludeNames, selector",
        ),
        ({"namespaces": ["a"]}, "spec.namespaces: must be a mapping, not a list"),
        ({"namespaces": {"names": []}}, f"spec.namespaces.names: {NOT_EMPTY}"),
        (
            {"namespaces": {"names": "tenant-*"}},
            "spec.namespaces.names: must be a list, not 'tenant-*'",
        ),
        (
            {"namespaces": {"names": ["tenant-[ab]"]}},
            f"spec.namespaces.names[0]: {NAMESPACE_GLOB}, not 'tenant-[ab]'",
        ),
        (
            {"namespaces": {"names": ["a", "{b,c}"]}},
            f"spec.namespaces.names[1]: {NAMESPACE_GLOB}, not '{{b,c}}'",
        ),
        (
            {"namespaces": {"names": ["tenant-**"]}},
            f"spec.namespaces.names[0]: {NAMESPACE_GLOB}, not 'tenant-**'",
        ),
        (
            {"namespaces": {"names": ["a\x1b[2J\u202e"]}},
            f"spec.namespaces.names[0]: {NAMESPACE_GLOB}, not 'a\\x1b[2J\\u202e'",
        ),
        (
            {"namespaces": {"names": ["x" * 64]}},
            f"spec.namespaces.names[0]: {NAMESPACE_GLOB}, not '{'x' * 64}'",
        ),
        (
            {"namespaces": {"names": ["x" * 500]}},
            f"spec.namespaces.names[0]: {NAMESPACE_GLOB}, not '{'x' * 79}…'",
        ),
        (
            {"namespaces": {"names": [7]}},
            (
                "spec.namespaces.names[0]: must be a string (in quotes where it looks like "
                "something else), not the number 7"
            ),
        ),
        (
            {"namespaces": {"names": [{}]}},
            (
                "spec.namespaces.names[0]: must be a string (in quotes where it looks like "
                "something else), not a mapping"
            ),
        ),
        (
            {"namespaces": {"names": [None]}},
            (
                "spec.namespaces.names[0]: must be a string (in quotes where it looks like "
                "something else), not empty"
            ),
        ),
        (
            {"namespaces": {"selector": {}}},
            "spec.namespaces.selector: must hold at least one of matchLabels, matchExpressions",
        ),
        (
            {"namespaces": {"selector": {"matchLabels": {}}}},
            f"spec.namespaces.selector.matchLabels: {NOT_EMPTY}",
        ),
        (
            {"namespaces": {"selector": {"matchLabels": ["tier"]}}},
            "spec.namespaces.selector.matchLabels: must be a mapping, not a list",
        ),
        (
            {"namespaces": {"selector": {"matchLabels": {"-tier": "a"}}}},
            (
                "spec.namespaces.selector.matchLabels[-tier]: must be a label key such as tier "
                "or example.com/tier: letters, digits, '-', '_' and '.', not '-tier'"
            ),
        ),
        (
            {"namespaces": {"selector": {"matchLabels": {"tier": "a b"}}}},
            (
                "spec.namespaces.selector.matchLabels.tier: must be a label value: letters, "
                "digits, '-', '_' and '.', at most 63, not 'a b'"
            ),
        ),
        (
            {"namespaces": {"selector": {"matchExpressions": [{"key": "a", "operator": "in"}]}}},
            (
                "spec.namespaces.selector.matchExpressions[0].operator: must be one of In, NotIn, "
                "Exists, DoesNotExist, not 'in'"
            ),
        ),
        (
            {"namespaces": {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}},
            (
                "spec.namespaces.selector.matchExpressions[0].values: must hold at least one "
                "value for operator In"
            ),
        ),
        (
            {
                "namespaces": {
                    "selector": {
                        "matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]
                    }
                }
            },
            (
                "spec.namespaces.selector.matchExpressions[0].values: must not be given for "
                "operator Exists"
            ),
        ),
        (
            {"runtimeClasses": {"default": "gVisor"}},
            (
                "spec.runtimeClasses.default: must be a RuntimeClass or '' for none: "
                f"{DNS_NAME}, not 'gVisor'"
            ),
        ),
        (
            {"runtimeClasses": {"required": "yes"}},
            "spec.runtimeClasses.required: must be true or false, not 'yes'",
        ),
        ({"runtimeClasses": {"allowed": []}}, f"spec.runtimeClasses.allowed: {NOT_EMPTY}"),
        (
            {"runtimeClasses": {"allowed": ["Kata!"]}},
            f"spec.runtimeClasses.allowed[0]: must be a glob of names: {GLOB}, not 'Kata!'",
        ),
        (
            {"runtimeClasses": {"fallback": ["kata-*"]}},
            f"spec.runtimeClasses.fallback[0]: must be {DNS_NAME}, not 'kata-*'",
        ),
        (
            {"runtimeAnnotations": {"allowed": ["a//b"]}},
            (
                "spec.runtimeAnnotations.allowed[0]: must be a glob of annotation keys: letters, "
                "digits, '-', '_', '.', one '/', and * and ? for any characters, not 'a//b'"
            ),
        ),
        ({"overrides": []}, f"spec.overrides: {NOT_EMPTY}"),
        (
            {"overrides": [override(name="Databases")]},
            f"spec.overrides[0].name: must be {DNS_LABEL}, not 'Databases'",
        ),
        (
            {"overrides": [override(), override()]},
            "spec.overrides[1].name: databases is the name of overrides[0] too",
        ),
        (
            {"overrides": [override(name=LEFT_OUT)]},
            "spec.overrides[0].name: must be given, such as databases",
        ),
        (
            {"overrides": [{"name": "a", "pods": {"images": ["a"]}}]},
            (
                "spec.overrides[0]: must replace something: give mode, runtimeClasses, "
                "compatibility, runtimeAnnotations or workloads"
            ),
        ),
        (
            {"overrides": [override(pods={})]},
            "spec.overrides[0].pods: must hold at least one of images, serviceAccounts, selector",
        ),
        (
            {"overrides": [override(pods={"images": ["Postgres"]})]},
            (
                'spec.overrides[0].pods.images[0]: must be an image pattern such as "postgres", '
                '"*/postgres", "docker.io/bitnami/*" or "*/redis:7*", not \'Postgres\''
            ),
        ),
        (
            {"overrides": [override(pods={"images": [[]]})]},
            (
                'spec.overrides[0].pods.images[0]: must be an image pattern such as "*/postgres", '
                "not a list"
            ),
        ),
        (
            {"overrides": [override(priority=1)]},
            (
                "spec.overrides[0].priority: unknown key; must be one of acceptedWarnings, "
                "compatibility, mode, name, pods, runtimeAnnotations, runtimeClasses, workloads"
                + NEWER
            ),
        ),
        ({"exemptions": [exemption(owner="")]}, f"spec.exemptions[0].owner: {NOT_EMPTY}"),
        (
            {"exemptions": [exemption(reason=LEFT_OUT)]},
            "spec.exemptions[0].reason: must be given",
        ),
        (
            {"exemptions": [exemption(reason="x" * 5000)]},
            "spec.exemptions[0].reason: must have at most 4096 characters",
        ),
        (
            {"exemptions": [exemption(expires=LEFT_OUT)]},
            "spec.exemptions[0].expires: must be given, such as 2027-06-30 or never",
        ),
        ({"exemptions": [exemption(expires=None)]}, f"spec.exemptions[0].expires: {NO_VALUE}"),
        (
            {"exemptions": [exemption(expires="2027-02-30")]},
            f"spec.exemptions[0].expires: {DAY}, not '2027-02-30'",
        ),
        (
            {"exemptions": [exemption(expires="Never")]},
            f"spec.exemptions[0].expires: {DAY}, not 'Never'",
        ),
        (
            {"exemptions": [exemption(expires="20270630")]},
            f"spec.exemptions[0].expires: {DAY}, not '20270630'",
        ),
        (
            {"exemptions": [exemption(expires=["never"])]},
            f"spec.exemptions[0].expires: {DAY}, not a list",
        ),
        (
            {"exemptions": [exemption(runtimeClasses=LEFT_OUT)]},
            "spec.exemptions[0]: must exempt from something: give runtimeClasses, features or both",
        ),
        (
            {"exemptions": [exemption(runtimeClasses=["RUNC"])]},
            (
                "spec.exemptions[0].runtimeClasses[0]: must be a glob of RuntimeClasses or '' for "
                f"none: {GLOB}, not 'RUNC'"
            ),
        ),
        (
            {"exemptions": [exemption(features=["hostNetwork"])]},
            f"spec.exemptions[0].features[0]: {NO_FEATURE}not 'hostNetwork'",
        ),
        (
            {"exemptions": [exemption(features=["syscall:opne"])]},
            "spec.exemptions[0].features[0]: must name a system call of Linux, not 'opne'",
        ),
        *(
            (
                {"exemptions": [exemption(features=[glob])]},
                f"spec.exemptions[0].features[0]: {FEATURE}, not '{glob}'",
            )
            for glob in ("pods:*", "pod:**", "pod*:", "pod:host Network*", "**")
        ),
        (
            {"exemptions": [exemption(features=[[]])]},
            f"spec.exemptions[0].features[0]: {FEATURE}, not a list",
        ),
        (
            {"exemptions": [exemption(), exemption()]},
            "spec.exemptions[1].name: node-agent is the name of exemptions[0] too",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(spec: dict[str, Any], message: str) -> None:
    assert error(policy(**spec)) == message


def test_all_errors_of_a_folder_are_said_in_the_order_of_files_and_lines() -> None:
    text = """\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: It}
spec:
  priority:
  namespaces: {names: [tenant-*]}
  mode: off
"""
    assert errors(text, policy(mode=1)) == [
        f"a.yaml:3: metadata.name: must be {DNS_NAME}, not 'It'",
        f"a.yaml:5: spec.priority: {NO_VALUE}",
        "a.yaml:7: spec.mode: must be one of enforce, warn, audit, not 'off'",
        "b.yaml:1: spec.mode: must be one of enforce, warn, audit, not the number 1",
    ]
