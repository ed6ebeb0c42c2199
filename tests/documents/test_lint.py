from datetime import date
from typing import Any

import pytest

from tests.documents.build import (
    exemption,
    facts,
    inventory,
    load,
    override,
    policy,
    runtime,
)
from tests.documents.build import fact as a_fact
from webhook.documents.lint import RULES, LintWarning, lint

TODAY = date(2026, 11, 24)
CLASSES = inventory(
    runtime(),
    runtime(runtimeClass="kata-qemu", runtime="kata"),
    runtime(runtimeClass="kata-clh", runtime="kata"),
    guards={"namespaceLabels": {"action": "deny", "groups": ["system:masters"]}},
)


def warnings(*texts: str, classes: str = CLASSES, today: date = TODAY) -> list[str]:
    """What lint says of a folder whose last file describes the classes."""
    return [str(warning) for warning in lint(load(*texts, classes), today)]


def test_a_folder_as_it_should_be_is_not_warned_of() -> None:
    good = policy(
        runtimeClasses={"default": "gvisor", "allowed": ["gvisor", "kata-*"]},
        overrides=[override()],
        exemptions=[exemption()],
    )
    assert warnings(good) == []


def test_an_empty_folder_is_warned_of_as_a_whole() -> None:
    assert [str(warning) for warning in lint(load(facts(a_fact())), TODAY)] == [
        (
            "no RuntimeInventory here that describes a RuntimeClass: the compatibility table "
            "cannot be asked, every class is unknown (no-inventory)"
        ),
        "no RuntimePolicy here: every pod is kept as it is (no-policy)",
    ]


def flagged(**flags: str) -> list[str]:
    """What lint says of a runtime's flags, where the table speaks of net-raw."""
    gated = a_fact(support="gated", gate={"flag": "net-raw", "values": ["true"], "support": "full"})
    described = inventory(runtime(flags=flags))
    found = lint(load(policy(runtimeClasses={"default": "gvisor"}), facts(gated), described), TODAY)
    return [f"{w.field_path}: {w.message}" for w in found if w.rule == "misspelt-flag"]


@pytest.mark.parametrize("written", ["net_raw", "NET-RAW", "netraw", "net-row"])
def test_a_flag_that_is_but_a_slip_away_from_one_of_the_table_is_warned_of(written: str) -> None:
    said = f"{written} is no flag that the table speaks of: it speaks of net-raw"
    assert flagged(**{written: "true"}) == [f"spec.runtimes[0].flags.{written}: {said}"]


@pytest.mark.parametrize("written", ["net-raw", "debug", "network", "directfs"])
def test_a_flag_of_the_table_and_one_of_its_own_are_not(written: str) -> None:
    assert flagged(**{written: "true"}) == []


def test_a_warning_is_a_value_with_its_place() -> None:
    (warning,) = lint(load(policy(runtimeClasses={"default": "runc"}), CLASSES), TODAY)
    assert warning == LintWarning(
        file="a.yaml",
        line=1,
        field_path="spec.runtimeClasses.default",
        rule="unknown-class",
        message="runc is not in the inventory: nothing is known of it",
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [("gvsior", "; did you mean gvisor?"), ("kata-fc", ""), ("runsc", "")],
)
def test_a_slip_in_the_name_of_a_class_is_told(written: str, meant: str) -> None:
    classes = inventory(runtime(), runtime(runtimeClass="kata-clh", runtime="kata"))
    allowed = {"allowed": ["gvisor", written]}
    (told,) = lint(load(policy(runtimeClasses=allowed), classes), TODAY)
    assert told.message == f"{written} is not in the inventory: nothing is known of it{meant}"


def test_warnings_stand_in_the_order_of_files_and_lines() -> None:
    text = """\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: a}
spec:
  namespaces:
    names:
      - tenant-*
      - kube-system
  runtimeClasses:
    default: runc
    fallback:
      - kata-clh
      - kata-fc
"""
    assert warnings(policy("b", namespaces={"names": ["b", "kube-system"]}, priority=1), text) == [
        (
            "a.yaml:1: spec.namespaces.names[1]: kube-system is never judged, whatever a policy "
            "says (excluded-namespace)"
        ),
        (
            "b.yaml:8: spec.namespaces.names[1]: kube-system is never judged, whatever a policy "
            "says (excluded-namespace)"
        ),
        (
            "b.yaml:10: spec.runtimeClasses.default: runc is not in the inventory: nothing is "
            "known of it (unknown-class)"
        ),
        (
            "b.yaml:12: spec.runtimeClasses.fallback[0]: kata-clh is not allowed (runc): it is "
            "never assigned (fallback-not-allowed)"
        ),
        (
            "b.yaml:13: spec.runtimeClasses.fallback[1]: kata-fc is not allowed (runc): it is "
            "never assigned (fallback-not-allowed)"
        ),
        (
            "b.yaml:13: spec.runtimeClasses.fallback[1]: kata-fc is not in the inventory: nothing "
            "is known of it (unknown-class)"
        ),
    ]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"runtimeClasses": {"default": "gvisor", "allowed": ["kata-*"]}},
            [
                (
                    "spec.runtimeClasses.default: gvisor is not allowed (kata-*): pods that set "
                    "no class are refused (default-not-allowed)"
                )
            ],
        ),
        (
            {"runtimeClasses": {"allowed": ["gvisor"], "fallback": ["gvisor"]}},
            [
                (
                    "spec.runtimeClasses.fallback: is never used: without a default nothing falls "
                    "back (fallback-unused)"
                )
            ],
        ),
        (
            {
                "runtimeClasses": {
                    "allowed": ["gvisor"],
                    "fallback": ["gvisor"],
                    "namespaceDefault": True,
                }
            },
            [],
        ),
        (
            {"runtimeClasses": {"allowed": ["kata-f?", "gvisor", "*"]}},
            [
                (
                    "spec.runtimeClasses.allowed[0]: kata-f? matches no class of the inventory "
                    "(unknown-class)"
                )
            ],
        ),
        (
            {"overrides": [override(runtimeClasses={"allowed": ["runc"]})]},
            [
                (
                    "spec.overrides[0].runtimeClasses.allowed[0]: runc is not in the inventory: "
                    "nothing is known of it (unknown-class)"
                )
            ],
        ),
        (
            {"exemptions": [exemption(runtimeClasses=["", "runc"])]},
            [
                (
                    "spec.exemptions[0].runtimeClasses[1]: runc is not in the inventory: nothing "
                    "is known of it (unknown-class)"
                )
            ],
        ),
        (
            {
                "runtimeClasses": {"default": "gvisor"},
                "overrides": [override(runtimeClasses={"allowed": ["kata-qemu"]})],
            },
            [
                (
                    "spec.overrides[0].runtimeClasses.default: gvisor is not allowed (kata-qemu): "
                    "pods that set no class are refused (default-not-allowed)"
                )
            ],
        ),
        (
            {
                "runtimeClasses": {"default": "gvisor", "allowed": ["kata-*"]},
                "overrides": [override(runtimeClasses={"required": True})],
            },
            [
                (
                    "spec.runtimeClasses.default: gvisor is not allowed (kata-*): pods that set "
                    "no class are refused (default-not-allowed)"
                )
            ],
        ),
        (
            {
                "overrides": [
                    override(name="all", pods={"images": ["*"]}),
                    override(name="more", pods={"serviceAccounts": ["db-*"]}),
                    override(name="pg"),
                    override(name="db", pods={"serviceAccounts": ["db-1"]}),
                ]
            },
            [
                (
                    "spec.overrides[2].pods: override all before it takes every pod of pg "
                    "(override-shadowed)"
                ),
                (
                    "spec.overrides[3].pods: override more before it takes every pod of db "
                    "(override-shadowed)"
                ),
            ],
        ),
        (
            {"exemptions": [exemption(pods={"images": ["*/agent"]})]},
            [
                (
                    "spec.exemptions[0].pods: whoever writes a pod can write what node-agent asks "
                    "for: name the service accounts too (exemption-by-author)"
                )
            ],
        ),
    ],
)
def test_what_is_hardly_meant_is_warned_of(spec: dict[str, Any], said: list[str]) -> None:
    assert warnings(policy(**spec)) == [f"a.yaml:1: {warning}" for warning in said]


@pytest.mark.parametrize(
    ("expires", "said"),
    [
        ("never", "never expires (exemption-never-expires)"),
        ("2026-11-23", "expired on 2026-11-23 (exemption-expired)"),
        ("2026-11-24", "expires today (exemption-expires-soon)"),
        ("2026-11-25", "expires tomorrow (exemption-expires-soon)"),
        ("2026-12-24", "expires in 30 days, on 2026-12-24 (exemption-expires-soon)"),
        ("2026-12-25", None),
    ],
)
def test_the_end_of_an_exemption_is_foreseen(expires: str, said: str | None) -> None:
    expected = f"a.yaml:1: spec.exemptions[0].expires: exemption node-agent of storage-team {said}"
    assert warnings(policy(exemptions=[exemption(expires=expires)])) == ([expected] if said else [])


def test_policies_of_equal_priority_that_can_meet_are_told_with_an_example() -> None:
    one = policy("b", namespaces={"names": ["tenant-*"]}, priority=5)
    other = policy("a", namespaces={"names": ["*-prod"]}, priority=5)
    apart = policy("c", namespaces={"names": ["platform"]}, priority=5)
    assert warnings(one, other, apart) == [
        (
            "a.yaml:1: spec.priority: policy a (b.yaml:1) has priority 5 too and can match the "
            "same namespace, such as tenant-prod; it would govern, being first by name "
            "(equal-priority)"
        )
    ]


def test_policies_of_equal_priority_that_exclude_each_other_are_fine() -> None:
    one = policy("a", namespaces={"names": ["a*"], "excludeNames": ["ab*"]})
    other = policy("b", namespaces={"names": ["ab*"]})
    lower = policy("c", namespaces={"names": ["*"]}, priority=-1)
    assert warnings(one, other, lower) == []


def test_a_policy_that_another_leaves_nothing_is_told() -> None:
    one = policy("a", priority=2, namespaces={"names": ["*"], "excludeNames": ["b"]})
    other = policy("b", priority=1, namespaces={"names": ["tenant-*"]})
    assert warnings(one, other) == [
        (
            "b.yaml:1: spec.namespaces: policy a (a.yaml:1) governs every namespace that policy b "
            "matches (unreachable-policy)"
        )
    ]


@pytest.mark.parametrize("guards", [{}, {"namespaceLabels": {"action": "warn", "groups": ["x"]}}])
def test_a_policy_by_labels_without_a_guard_that_denies_is_told(guards: dict[str, Any]) -> None:
    by_labels = policy(namespaces={"selector": {"matchLabels": {"tier": "tenant", "a": "b"}}})
    assert warnings(by_labels, classes=inventory(runtime(), guards=guards)) == [
        (
            "a.yaml:1: spec.namespaces.selector: who may edit a Namespace may change its labels "
            "(a, tier) and leave this policy: let the inventory's guards.namespaceLabels deny it "
            "(labels-unguarded)"
        )
    ]


def test_a_policy_by_labels_that_are_guarded_is_fine() -> None:
    by_labels = policy(namespaces={"selector": {"matchLabels": {"tier": "tenant"}}})
    assert warnings(by_labels) == []


def test_without_an_inventory_classes_are_not_told_one_by_one() -> None:
    (said,) = warnings(policy(runtimeClasses={"default": "gvisor"}), classes=facts(a_fact()))
    assert said.endswith("(no-inventory)")


def test_thousands_of_policies_are_linted_in_seconds() -> None:
    many = [
        policy(f"p{n}", namespaces={"names": [f"team-{n}-*"], "excludeNames": ["team-1-x"]})
        for n in range(2000)
    ]
    loaded = load("\n---\n".join(many), CLASSES)
    assert lint(loaded, TODAY) == ()


def test_every_rule_is_named_as_the_others_are() -> None:
    assert all(rule == rule.lower() and " " not in rule for rule in RULES)
