"""Overrides that the author of a pod can choose: what is laxer is warned of, what is not is not."""

from datetime import date
from typing import Any

import pytest

from tests.documents.build import exemption, inventory, load, override, policy, runtime
from webhook.documents.lint import lint

TODAY = date(2026, 11, 24)
RUNC = runtime(runtimeClass="runc", runtime="runc")
KATA = runtime(runtimeClass="kata-qemu", runtime="kata")
CRUN = runtime(runtimeClass="crun", runtime="crun")
OTHER = runtime(runtimeClass="enclave", runtime="other")
CLASSES = inventory(runtime(), KATA, RUNC, CRUN, OTHER)
SANDBOXED = {"default": "gvisor", "allowed": ["gvisor"]}
ON_RUNC = {"default": "runc", "allowed": ["runc"]}
AT = "a.yaml:1: spec.overrides[0].pods: "


def said_of(*overrides: Any, classes: str = CLASSES, **spec: Any) -> list[str]:
    """What lint says of a sandboxing policy with these overrides."""
    spec = {"runtimeClasses": SANDBOXED, **spec}
    text = policy(overrides=list(overrides), **spec)
    return [str(warning) for warning in lint(load(text, classes), TODAY)]


def gained(overriding: Any, **spec: Any) -> str | None:
    """What the one warning says is gained; None without a warning."""
    told = said_of(overriding, **spec)
    if not told:
        return None
    (line,) = told
    assert line.endswith("(override-by-author)")
    return line.partition("gains by override databases: ")[2].partition(". Go by")[0]


def test_a_weaker_class_for_an_image_is_told_with_what_to_do_instead() -> None:
    assert said_of(override(runtimeClasses=ON_RUNC)) == [
        (
            f"{AT}whoever writes a pod writes its image, and gains by override databases: "
            f"RuntimeClass "
            "runc, which shares the node's kernel. Go by serviceAccounts, or by a policy for "
            "namespaces of their own (override-by-author)"
        )
    ]


@pytest.mark.parametrize(
    ("pods", "fields"),
    [
        ({"images": ["*/postgres"]}, "image"),
        ({"selector": {"matchLabels": {"b": "x", "a": "y"}}}, "labels a, b"),
        (
            {"selector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}},
            "label a",
        ),
        (
            {"images": ["*"], "selector": {"matchLabels": {"a": "y"}}},
            "image and label a",
        ),
        ({"serviceAccounts": ["*"]}, "serviceAccountName"),
        ({"images": ["*"], "serviceAccounts": ["defaul?"]}, "image and serviceAccountName"),
    ],
)
def test_it_is_said_what_the_author_writes(pods: Any, fields: str) -> None:
    (line,) = said_of(override(pods=pods, runtimeClasses=ON_RUNC))
    assert line.startswith(f"{AT}whoever writes a pod writes its {fields}, and gains by")


@pytest.mark.parametrize(
    "pods",
    [
        {"serviceAccounts": ["db-*"]},
        {"images": ["*/postgres"], "serviceAccounts": ["db"]},
        {"selector": {"matchLabels": {"app": "db"}}, "serviceAccounts": ["db"]},
    ],
)
def test_what_goes_by_a_service_account_of_its_own_is_fine(pods: Any) -> None:
    assert said_of(override(pods=pods, runtimeClasses=ON_RUNC)) == []


@pytest.mark.parametrize(
    "stricter",
    [
        {"runtimeClasses": {"default": "kata-qemu", "allowed": ["kata-qemu"]}},
        {"runtimeClasses": {"default": "kata-qemu", "allowed": ["kata-*", "gvisor"]}},
        {"runtimeClasses": {"required": True}},
        {"runtimeClasses": {"fallback": ["gvisor"]}},
        {"compatibility": {"degraded": "deny", "unknown": "deny"}},
        {"compatibility": {"degraded": "ignore"}},
        {"runtimeAnnotations": {"allowed": []}},
        {"workloads": "ignore"},
    ],
)
def test_what_is_no_laxer_is_fine(stricter: Any) -> None:
    """Another sandbox, a softer warning: nothing that the policy refuses is let through."""
    assert said_of({"name": "databases", "pods": {"images": ["*"]}, **stricter}) == []


@pytest.mark.parametrize(
    ("laxer", "what"),
    [
        ({"mode": "audit"}, "mode audit, which refuses nothing"),
        (
            {"mode": "warn", "runtimeClasses": ON_RUNC},
            "mode warn, which refuses nothing",
        ),
        ({"compatibility": {"incompatible": "warn"}}, "incompatible: warn instead of deny"),
        ({"runtimeClasses": {"default": "gvisor", "allowed": ["*"]}}, "any RuntimeClass"),
        (
            {"runtimeClasses": {"default": "gvisor", "allowed": ["gvisor", "?run*", "runc"]}},
            (
                "RuntimeClass crun, which shares the node's kernel; RuntimeClass runc, which "
                "shares "
                "the node's kernel"
            ),
        ),
        (
            {"runtimeClasses": {"default": "gvisor", "allowed": ["gvisor", "enclave"]}},
            "RuntimeClass enclave, of which nobody knows how it isolates",
        ),
        (
            {"runtimeClasses": {"default": "", "allowed": ["gvisor"]}},
            "no RuntimeClass, the node's default runtime",
        ),
        (
            {"runtimeAnnotations": {"allowed": ["dev.gvisor.*", "io.katacontainers.*"]}},
            "annotations dev.gvisor.*, io.katacontainers.*, which reconfigure the sandbox",
        ),
    ],
)
def test_what_is_laxer_is_told(laxer: Any, what: str) -> None:
    assert gained({"name": "databases", "pods": {"images": ["*"]}, **laxer}) == what


def test_a_class_that_nobody_describes_is_weaker_than_a_sandbox() -> None:
    laxer = override(runtimeClasses={"default": "gvisor", "allowed": ["gvisor", "mine"]})
    assert [line for line in said_of(laxer) if "(override-by-author)" in line] == [
        (
            f"{AT}whoever writes a pod writes its image, and gains by override databases: "
            f"RuntimeClass "
            "mine, which the inventory does not describe. Go by serviceAccounts, or by a "
            "policy for "
            "namespaces of their own (override-by-author)"
        )
    ]


@pytest.mark.parametrize(
    "classes",
    [
        {"allowed": ["runc", "gvisor"], "required": True},
        {"allowed": ["crun"], "required": True},
        {"allowed": ["gvisor"]},
        {"default": "gvisor", "allowed": ["*"]},
    ],
)
def test_where_the_policy_itself_lets_pods_share_the_kernel_nothing_is_gained(classes: Any) -> None:
    """Each of these lets a pod run on the node's kernel already, the third by no class at all."""
    assert said_of(override(runtimeClasses=ON_RUNC), runtimeClasses=classes) == []


def test_a_policy_that_refuses_nothing_has_nothing_to_lose() -> None:
    assert said_of(override(runtimeClasses=ON_RUNC, mode="audit"), mode="warn") == []


def test_annotations_that_the_policy_allows_are_no_gain() -> None:
    laxer = override(
        runtimeClasses={"default": "gvisor"},
        runtimeAnnotations={"allowed": ["dev.gvisor.spec.*"]},
    )
    assert said_of(laxer, runtimeAnnotations={"allowed": ["dev.gvisor.*"]}) == []


@pytest.mark.parametrize("account", ["*", "default"])
def test_the_service_account_that_every_pod_has_guards_no_exemption(account: str) -> None:
    agents = exemption(pods={"images": ["*/agent"], "serviceAccounts": [account]})
    text = policy(runtimeClasses=SANDBOXED, exemptions=[agents])
    assert [str(warning) for warning in lint(load(text, CLASSES), TODAY)] == [
        (
            "a.yaml:1: spec.exemptions[0].pods: whoever writes a pod can write what "
            "node-agent asks "
            "for: name service accounts that not every pod has (exemption-by-author)"
        )
    ]


@pytest.mark.parametrize("group", ["system:authenticated", "system:serviceaccounts"])
def test_a_guard_that_lets_everybody_pass_is_none(group: str) -> None:
    guards = {"namespaceLabels": {"action": "deny", "groups": ["platform", group]}}
    text = policy(namespaces={"selector": {"matchLabels": {"tier": "tenant"}}})
    classes = inventory(runtime(), guards=guards)
    assert [str(warning) for warning in lint(load(text, classes), TODAY)] == [
        (
            "a.yaml:1: spec.namespaces.selector: who may edit a Namespace may change its "
            "labels (tier) "
            f"and leave this policy: leave {group} out of guards.namespaceLabels.groups, too "
            f"many are "
            "in it (labels-unguarded)"
        )
    ]
