"""What the gate protects beside pods."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.build import classes, inventory, policy, rules, snapshot
from webhook.core.cluster import NamespaceView
from webhook.core.decision import Deny, Keep
from webhook.core.guards import (
    guard_namespace,
    guard_new_runtime_class,
    guard_runtime_class,
    guard_runtime_class_deletion,
)
from webhook.core.names import Action, Handler, Mode, Reason
from webhook.core.policy import (
    Exemption,
    LabelSelector,
    NamespaceSelector,
    Override,
    PodSelector,
    Policy,
)
from webhook.core.runtimes import Guards, NamespaceLabelsGuard
from webhook.core.snapshot import Snapshot

BY_LABEL = policy(
    namespaces=NamespaceSelector(
        selector=LabelSelector(
            match_labels={"tier": "tenant", "kubernetes.io/metadata.name": "tenant-a"}
        )
    ),
    governs=rules(classes("gvisor", namespace_default=True)),
)
CHOICE = "runtimegate.dev/default-runtime-class"


def within(*policies: Policy, guards: Guards | None = None) -> Snapshot:
    labels = NamespaceLabelsGuard(action=Action.DENY, groups=("platform-admins",))
    strict = Guards(runtime_classes=Action.DENY, namespace_labels=labels)
    return snapshot(*policies, has=replace(inventory(), guards=guards or strict))


def namespace(
    labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
) -> NamespaceView:
    return NamespaceView(name="tenant-a", labels=labels or {}, annotations=annotations or {})


def changed(
    new: NamespaceView,
    old: NamespaceView | None = None,
    *,
    by: str = "tenants",
    of: Snapshot | None = None,
) -> Keep | Deny:
    return guard_namespace(new, old, frozenset({by}), of or within(BY_LABEL))


def test_a_runtime_class_that_contradicts_the_inventory_is_refused() -> None:
    decision = guard_runtime_class("gvisor", Handler("runc"), within())
    assert isinstance(decision, Deny)
    assert (decision.reason, decision.message) == (
        Reason.HANDLER_MISMATCH,
        "RuntimeClass gvisor must have handler runsc, as the inventory declares, not runc",
    )


def test_a_new_runtime_class_that_contradicts_the_inventory_is_refused() -> None:
    decision = guard_new_runtime_class("gvisor", Handler("runc"), within())
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.HANDLER_MISMATCH


def test_a_new_runtime_class_that_nobody_declared_and_a_policy_would_allow_is_refused() -> None:
    decision = guard_new_runtime_class("kata-mine", Handler("runc"), within())
    assert isinstance(decision, Deny)
    assert decision.reason is Reason.RUNTIME_CLASS_UNKNOWN
    assert decision.message == (
        "RuntimeClass kata-mine is not in the inventory, and policies (tenants) would let pods ask "
        "for it: declare it first"
    )


@pytest.mark.parametrize("mode", [Mode.WARN, Mode.AUDIT])
def test_a_policy_that_is_not_enforced_opens_no_class(mode: Mode) -> None:
    tried = within(policy(governs=rules(classes("gvisor", "kata-*"), mode=mode)))
    assert isinstance(guard_new_runtime_class("kata-mine", Handler("runc"), tried), Keep)


def test_a_policy_that_allows_any_class_opens_none_in_particular() -> None:
    tried = within(policy(governs=rules(classes("gvisor", "*"))))
    assert isinstance(guard_new_runtime_class("kata-mine", Handler("runc"), tried), Keep)


def test_a_new_runtime_class_that_no_policy_would_allow_is_let_in() -> None:
    assert isinstance(guard_new_runtime_class("mine", Handler("runc"), within()), Keep)


@pytest.mark.parametrize(("name", "handler"), [("gvisor", "runsc"), ("new", "anything")])
def test_a_runtime_class_that_does_not_contradict_it_is_let_in(name: str, handler: str) -> None:
    assert isinstance(guard_runtime_class(name, Handler(handler), within()), Keep)


def test_a_guard_may_only_warn() -> None:
    of = within(guards=Guards(runtime_classes=Action.WARN))
    decision = guard_runtime_class("gvisor", Handler("runc"), of)
    assert isinstance(decision, Keep)
    assert decision.grounds.warnings == (
        "RuntimeClass gvisor must have handler runsc, as the inventory declares, not runc",
    )


def test_without_a_guard_nothing_is_said() -> None:
    of = within(BY_LABEL, guards=Guards())
    assert guard_runtime_class("gvisor", Handler("runc"), of).grounds.warnings == ()
    assert changed(namespace({"tier": "platform"}), namespace(), of=of).grounds.warnings == ()


_KATA = rules(classes("kata-qemu"))
_ANY = PodSelector(service_accounts=("x",))


@pytest.mark.parametrize(
    "naming",
    [
        policy(governs=_KATA),
        policy(governs=rules(classes("kata-qemu", "kata-*"))),
        policy(governs=rules(classes("gvisor", "gvisor", fallback=("kata-qemu",)))),
        policy(governs=rules(classes("gvisor", "gvisor", "kata-qemu"))),
        policy(overrides=[Override(name="o", pods=_ANY, rules=_KATA)]),
        policy(
            exemptions=[
                Exemption(
                    name="e",
                    pods=_ANY,
                    runtime_classes=("kata-qemu",),
                    owner="x",
                    reason="y",
                    expires=None,
                )
            ]
        ),
    ],
)
def test_a_runtime_class_that_a_policy_names_cannot_be_deleted(naming: Policy) -> None:
    decision = guard_runtime_class_deletion("kata-qemu", within(naming))
    assert isinstance(decision, Deny)
    assert (decision.reason, decision.message) == (
        Reason.RUNTIME_CLASS_IN_USE,
        "RuntimeClass kata-qemu is named by policies (tenants): change them first",
    )


def test_a_runtime_class_that_a_policy_only_allows_by_a_glob_can_be_deleted() -> None:
    assert isinstance(guard_runtime_class_deletion("kata-qemu", within(policy())), Keep)


def test_of_many_policies_that_name_a_class_the_first_are_said() -> None:
    many = [policy(f"p{n}", governs=_KATA) for n in range(7)]
    decision = guard_runtime_class_deletion("kata-qemu", within(*many))
    assert isinstance(decision, Deny)
    assert "(p0, p1, p2, p3, p4 and 2 more)" in decision.message


def test_a_label_that_policies_select_on_is_changed_only_by_the_groups_named() -> None:
    decision = changed(namespace({"tier": "platform"}), namespace({"tier": "tenant"}))
    assert isinstance(decision, Deny)
    assert (decision.reason, decision.message) == (
        Reason.NAMESPACE_GUARDED,
        (
            "label tier of namespace tenant-a decides on its runtime policy; "
            "only members of platform-admins may change it"
        ),
    )


def test_a_member_of_the_groups_may_change_it() -> None:
    by = "platform-admins"
    assert isinstance(changed(namespace({"tier": "x"}), namespace(), by=by), Keep)


@pytest.mark.parametrize("old", [namespace({"tier": "tenant"}), None])
def test_a_namespace_without_the_label_is_no_way_round_for_the_removed_one(
    old: NamespaceView | None,
) -> None:
    assert isinstance(changed(namespace(), old), Deny if old else Keep)


def test_labels_that_no_policy_reads_are_free() -> None:
    new = namespace({"tier": "tenant", "team": "shop", "kubernetes.io/metadata.name": "x"})
    assert isinstance(changed(new, namespace({"tier": "tenant"})), Keep)


def test_the_annotation_that_chooses_a_default_is_guarded_where_it_counts() -> None:
    chosen = namespace(annotations={CHOICE: "runc"})
    decision = changed(chosen, namespace())
    assert isinstance(decision, Deny)
    assert decision.message.startswith(f"annotation {CHOICE} of namespace tenant-a decides ")
    assert isinstance(changed(chosen, namespace(), of=within(policy())), Keep)
