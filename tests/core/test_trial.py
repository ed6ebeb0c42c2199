"""One class tried on one pod: every refusal of the class itself, the annotations, the notes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.build import (
    TODAY,
    classes,
    cluster,
    container,
    exemption,
    fact,
    inventory,
    node,
    override,
    pod,
    pod_view,
    pods,
    policy,
    profile,
    rules,
    snapshot,
    table,
)
from webhook.core.compat import Conditions
from webhook.core.images import glob_matches
from webhook.core.names import Action, Reason, Support, Verdict
from webhook.core.pod import view_pod
from webhook.core.policy import Policy
from webhook.core.snapshot import Snapshot
from webhook.core.trial import (
    RECONFIGURING,
    Case,
    Trial,
    attempt,
    class_not_allowed,
    default_class,
    must_have_class,
    open_case,
    reconfigures,
)


def case(
    obj: dict[str, Any] | None = None,
    under: Policy | None = None,
    within: Snapshot | None = None,
) -> Case:
    """The case of a pod under a policy."""
    return open_case(pod_view(obj), under or policy(), within or snapshot())


def tried(runtime_class: str | None, **of: Any) -> Trial:
    """A class tried on the minimal pod, or what ``of`` says."""
    return attempt(case(**of), runtime_class)


def refusals(trial: Trial) -> list[tuple[str, str, str]]:
    """Reason, cause and field path of each refusal."""
    return [(r.reason, r.cause, r.field_path) for r in trial.refusals]


CLASS_AT = "spec.runtimeClassName"


def test_an_allowed_class_is_not_refused() -> None:
    assert not tried("gvisor").refused


def test_a_class_that_is_not_allowed_is_refused() -> None:
    assert refusals(tried("runc")) == [("RuntimeClassNotAllowed", "runc", CLASS_AT)]


def test_an_exemption_permits_another_class() -> None:
    under = policy(exemptions=[exemption("e", "runc", of=pods())])
    assert not tried("runc", under=under).refused


def test_an_exemption_that_has_expired_permits_nothing() -> None:
    over = exemption("e", "runc", of=pods(), expires=TODAY - timedelta(days=1))
    assert tried("runc", under=policy(exemptions=[over])).refused


def test_an_exemption_counts_on_its_last_day() -> None:
    last = exemption("e", "runc", of=pods(), expires=TODAY)
    assert not tried("runc", under=policy(exemptions=[last])).refused


def test_a_class_that_does_not_exist_is_refused() -> None:
    within = snapshot(cluster=cluster())
    assert refusals(tried("kata-clh", within=within)) == [
        ("RuntimeClassNotFound", "kata-clh", CLASS_AT)
    ]


def test_a_cluster_of_which_nothing_is_known_lacks_no_class() -> None:
    assert refusals(tried("kata-clh")) == []


def test_a_class_whose_handler_is_not_the_inventorys_is_refused() -> None:
    within = snapshot(cluster=cluster(handlers={"gvisor": "runc"}))
    assert refusals(tried("gvisor", within=within)) == [("HandlerMismatch", "runc", CLASS_AT)]


def test_an_inventory_that_names_no_handler_agrees_with_any() -> None:
    within = snapshot(cluster=cluster(), has=inventory(gvisor=profile("gvisor", "20260817.0")))
    assert not tried("gvisor", within=within).refused


UNKNOWN_CLASS = "kata-clh"


def test_a_class_missing_from_the_inventory_is_warned_of() -> None:
    assert tried(UNKNOWN_CLASS).notes == (
        "RuntimeClass kata-clh is not in the inventory: nothing is known of it",
    )


def test_a_class_missing_from_the_inventory_is_refused_where_the_unknown_is() -> None:
    under = policy(governs=rules(actions={Verdict.UNKNOWN: Action.DENY}))
    trial = tried(UNKNOWN_CLASS, under=under)
    assert refusals(trial) == [("RuntimeClassUnknown", "kata-clh", CLASS_AT)]
    assert trial.notes == ()


def test_a_class_missing_from_the_inventory_is_passed_over_where_the_unknown_is() -> None:
    under = policy(governs=rules(actions={Verdict.UNKNOWN: Action.IGNORE}))
    trial = tried(UNKNOWN_CLASS, under=under)
    assert (refusals(trial), trial.notes) == ([], ())


def test_no_class_is_refused_for_nothing_of_its_own() -> None:
    assert tried(None, within=snapshot(cluster=cluster())).refusals == ()


@pytest.mark.parametrize(
    "key",
    [
        "dev.gvisor.flag.network",
        "dev.gvisor.spec.mount.a.type",
        "io.katacontainers.config.hypervisor.default_vcpus",
        "io.kubernetes.cri.untrusted-workload",
        "io.kubernetes.cri.sandbox-id",
        "io.kubernetes.cri-o.Devices",
        "platform-runtime-path.crio.io",
        "seccomp-profile.crio.io/POD",
        "seccomp-profile.kubernetes.cri-o.io/main",
        "run.oci.handler",
        "module.wasm.image/variant",
        "org.systemd.property.ExecStartPre",
        "org.criu.config",
    ],
)
def test_an_annotation_that_reconfigures_the_sandbox_is_refused(key: str) -> None:
    trial = tried("gvisor", obj=pod(annotations={"a": "b", key: ""}))
    assert refusals(trial) == [("RuntimeAnnotationNotAllowed", key, f"metadata.annotations[{key}]")]


@pytest.mark.parametrize(
    "key",
    ["crio.io", "x.crio.io.example", "x-dev.gvisor.flag", "note", "dev.gvisor"],
)
def test_an_annotation_that_only_looks_so_is_none_of_them(key: str) -> None:
    assert not reconfigures(key)


@given(
    st.lists(
        st.sampled_from([*(g.strip("*") for g in RECONFIGURING), "a", "/", "crio.io", ".", "cri"]),
        max_size=4,
    ).map("".join)
)
def test_what_is_asked_of_a_key_is_what_the_globs_say(key: str) -> None:
    assume(key.count("/") <= 1)  # the API server allows no more
    assert reconfigures(key) == any(glob_matches(glob, key) for glob in RECONFIGURING)


def test_an_annotation_that_the_policy_allows_is_not_refused() -> None:
    under = policy(governs=rules(runtime_annotations=("dev.gvisor.spec.*",)))
    obj = pod(annotations={"dev.gvisor.spec.mount.a.type": "tmpfs", "dev.gvisor.flag.x": "1"})
    assert [r.cause for r in tried("gvisor", obj=obj, under=under).refusals] == [
        "dev.gvisor.flag.x"
    ]


def test_the_refusals_of_the_class_come_before_annotations_and_findings() -> None:
    within = snapshot(
        cluster=cluster(handlers={"runc": "other"}),
        compat=table(fact("pod:hostNetwork", runtime="runc")),
    )
    obj = pod(annotations={"run.oci.handler": "wasm"}, hostNetwork=True)
    assert [r.reason for r in tried("runc", obj=obj, within=within).refusals] == [
        Reason.RUNTIME_CLASS_NOT_ALLOWED,
        Reason.HANDLER_MISMATCH,
        Reason.RUNTIME_ANNOTATION_NOT_ALLOWED,
        Reason.RUNTIME_INCOMPATIBLE,
    ]


@pytest.mark.parametrize(
    ("support", "reason"),
    [
        (Support.ABSENT, "RuntimeIncompatible"),
        (Support.PARTIAL, "RuntimeDegraded"),
        (Support.UNKNOWN, "RuntimeUnverified"),
    ],
)
def test_each_verdict_that_is_denied_has_its_reason(support: Support, reason: str) -> None:
    everything = dict.fromkeys(Verdict, Action.DENY)
    trial = tried(
        "gvisor",
        obj=pod(hostNetwork=True),
        under=policy(governs=rules(actions=everything)),
        within=snapshot(compat=table(fact("pod:hostNetwork", support))),
    )
    assert refusals(trial) == [(reason, "", "spec.hostNetwork")]


def test_a_security_field_that_is_ignored_has_its_own_reason() -> None:
    trial = tried(
        "gvisor",
        obj=pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
        under=policy(governs=rules(actions={Verdict.IGNORED_SECURITY: Action.DENY})),
        within=snapshot(compat=table(fact("pod:seccompProfile", Support.IGNORED))),
    )
    assert refusals(trial) == [
        ("SecurityFieldIgnored", "", "spec.securityContext.seccompProfile.type")
    ]


def test_a_finding_that_is_not_denied_is_judged_all_the_same() -> None:
    within = snapshot(compat=table(fact("pod:hostNetwork", Support.PARTIAL)))
    trial = tried("gvisor", obj=pod(hostNetwork=True), within=within)
    assert not trial.refused
    assert trial.verdict is Verdict.DEGRADED
    assert [entry.action for entry in trial.judged] == [Action.WARN]


def test_an_exempt_feature_is_left_out() -> None:
    within = snapshot(compat=table(fact("pod:hostNetwork"), fact("pod:hostPID")))
    under = policy(exemptions=[exemption("e", of=pods(), features=["pod:hostNetwork"])])
    trial = tried("gvisor", obj=pod(hostNetwork=True, hostPID=True), under=under, within=within)
    assert [r.field_path for r in trial.refusals] == ["spec.hostPID"]


def test_nothing_is_judged_on_a_class_of_which_nothing_is_known() -> None:
    assert tried(UNKNOWN_CLASS, obj=pod(hostNetwork=True)).judged == ()


def test_a_pod_without_a_class_is_judged_on_the_nodes_default_runtime() -> None:
    within = snapshot(compat=table(fact("pod:hostNetwork", runtime="runc")))
    assert tried(None, obj=pod(hostNetwork=True), within=within).refused


@pytest.mark.parametrize(
    ("selector", "refused"),
    [
        ({}, False),
        ({"kubernetes.io/arch": "arm64"}, True),
        ({"kubernetes.io/arch": "amd64"}, False),
        ({"kubernetes.io/arch": "s390x"}, False),
        ({"kubernetes.io/arch": ["arm64"]}, False),
    ],
)
def test_a_pod_is_judged_on_the_architecture_that_it_selects(
    selector: dict[str, Any], refused: bool
) -> None:
    arm = Conditions(arch=frozenset({"arm64"}))
    known = table(fact("pod:hostNetwork", when=arm), fact("pod:hostNetwork", Support.FULL))
    trial = tried(
        "gvisor",
        obj=pod(hostNetwork=True, nodeSelector=selector),
        within=snapshot(compat=known),
    )
    assert trial.refused is refused


def test_a_class_that_no_ready_node_offers_is_warned_of_not_refused() -> None:
    trial = tried("gvisor", within=snapshot(cluster=cluster(node("a", "runc"))))
    assert not trial.refused
    assert not trial.offered
    assert trial.notes == ("no Ready node that this pod may run on offers RuntimeClass gvisor",)


@pytest.mark.parametrize("key", ["kubernetes.io/os", "beta.kubernetes.io/os"])
def test_who_means_windows_and_does_not_declare_it_is_told_how(key: str) -> None:
    assert tried("gvisor", obj=pod(nodeSelector={key: "windows"})).notes == (
        (
            "RuntimeClass gvisor is for Linux, but the nodeSelector is for Windows: say so by "
            "spec.os.name: windows"
        ),
    )
    assert tried("gvisor", obj=pod(nodeSelector={key: "linux"})).notes == ()
    assert tried(None, obj=pod(nodeSelector={key: "windows"})).notes == ()


def test_a_class_for_windows_is_not_told_of_linux() -> None:
    known = inventory(windows_2022=profile("windows"))
    trial = tried(
        "windows-2022",
        obj=pod(nodeSelector={"kubernetes.io/os": "windows"}),
        within=snapshot(has=known),
    )
    assert not any("for Linux" in note for note in trial.notes)


def test_an_override_has_rules_of_its_own() -> None:
    under = policy(overrides=[override()])
    opened = case(obj=pod(containers=[container("db", "postgres")]), under=under)
    assert opened.rules.runtime_classes.default == "kata-qemu"


def chosen(annotation: str, *, namespace_default: bool = True) -> str | None:
    """The default class of a pod whose namespace carries this annotation."""
    known: dict[str, Any] = {
        "tenant-a": ({}, {"runtimegate.dev/default-runtime-class": annotation})
    }
    governs = rules(classes("gvisor", "gvisor", "kata-*", namespace_default=namespace_default))
    within = snapshot(cluster=cluster(namespaces=known))
    return default_class(case(under=policy(governs=governs), within=within))


def test_the_namespace_may_choose_among_the_allowed_classes() -> None:
    assert chosen("kata-qemu") == "kata-qemu"


def test_a_choice_that_is_not_allowed_is_passed_over() -> None:
    assert chosen("runc") == "gvisor"


def test_an_empty_choice_is_none() -> None:
    assert chosen("") == "gvisor"


def test_a_namespace_that_may_not_choose_does_not() -> None:
    assert chosen("kata-qemu", namespace_default=False) == "gvisor"


def test_a_namespace_that_is_not_known_chooses_nothing() -> None:
    governs = rules(classes("gvisor", namespace_default=True))
    assert default_class(case(under=policy(governs=governs))) == "gvisor"


def test_a_pod_that_may_run_without_a_class_is_given_none() -> None:
    under = policy(exemptions=[exemption("e", "", of=pods())])
    assert default_class(case(under=under)) is None
    assert not must_have_class(case(under=under))


@pytest.mark.parametrize(
    ("default", "required", "must"),
    [("gvisor", False, True), (None, True, True), (None, False, False)],
)
def test_a_class_must_be_had_where_there_is_a_default_or_one_is_required(
    default: str | None, required: bool, must: bool
) -> None:
    under = policy(governs=rules(classes(default, required=required)))
    assert must_have_class(case(under=under)) is must


def test_the_refusal_of_a_template_points_into_it() -> None:
    view = view_pod(pod()["spec"], {}, namespace="a", at="spec.template")
    assert class_not_allowed(view, "runc").field_path == "spec.template.spec.runtimeClassName"
