"""What the person at ``kubectl create`` reads: whole messages, bounded whatever the pod."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.build import (
    EVIDENCE,
    TODAY,
    application,
    classes,
    cluster,
    container,
    created,
    exemption,
    fact,
    inventory,
    pod,
    pods,
    policy,
    profile,
    rules,
    snapshot,
    table,
)
from webhook.core.compat import Fact, Gate
from webhook.core.decision import Deny
from webhook.core.messages import MOST_LINES, limited
from webhook.core.names import Action, Strength, Support, Verdict
from webhook.core.policy import Policy, RuntimeClasses
from webhook.core.snapshot import Snapshot

DENY_ALL = policy(
    governs=rules(actions=dict.fromkeys(set(Verdict) - {Verdict.COMPATIBLE}, Action.DENY))
)
SYSCALL = "syscall:sync_file_range"


def refused(obj: dict[str, Any], within: Snapshot) -> str:
    """The message of a refusal."""
    decision = created(obj, within)
    assert isinstance(decision, Deny)
    return decision.message


def on_gvisor(*facts: Fact, gvisor: str = "20260817.0", under: Policy = DENY_ALL) -> Snapshot:
    """A cluster of gVisor alone, whose table has these facts and knows Postgres."""
    postgres = application(needs=[(SYSCALL, Strength.REQUIRED)])
    return snapshot(
        under,
        compat=table(*facts, applications=[postgres]),
        has=inventory(gvisor=profile("gvisor", *([gvisor] if gvisor else []))),
    )


NONE_DOES = (
    "no RuntimeClass that this policy allows is known to run it: "
    "change the pod, or ask for an exemption"
)
POSTGRES = pod(containers=[container("db", "postgres:11")])


def test_the_message_of_the_design_word_by_word() -> None:
    facts = (
        fact(SYSCALL, Support.ERRNO, "<20181108", note="answers ENOSYS",
             summary="syscall sync_file_range is missing"),
        fact(SYSCALL, Support.FULL, ">=20181108"),
        fact(SYSCALL, Support.FULL, runtime="kata"),
    )  # fmt: skip
    within = snapshot(
        policy(),
        compat=table(*facts, applications=[application(needs=[(SYSCALL, Strength.REQUIRED)])]),
        has=inventory(gvisor=profile("gvisor", "20181030"), kata_qemu=profile("kata", "4.1.0")),
    )
    assert refused(POSTGRES, within) == (
        "policy tenants: RuntimeClass gvisor cannot run postgresql: "
        "syscall sync_file_range is missing (container db); use runtimeClassName: kata-qemu\n"
        "  container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
        "gVisor 20181030 answers ENOSYS (supported from 2018-11-08, google/gvisor#88)"
    )


@pytest.mark.parametrize(
    ("support", "headline", "does"),
    [
        (Support.ABSENT, "cannot run postgresql: syscall sync_file_range is missing",
         "does not have it"),
        (Support.ERRNO, "cannot run postgresql: syscall sync_file_range always fails",
         "answers with an error"),
        (Support.GATED, "cannot run postgresql: syscall sync_file_range is off",
         "has it off by default"),
        (Support.PARTIAL, "runs postgresql badly: syscall sync_file_range is limited",
         "has it in part"),
        (Support.STUB, "runs postgresql badly: syscall sync_file_range has no effect",
         "accepts it without effect"),
        (Support.SCOPED,
         "runs postgresql badly: syscall sync_file_range means the sandbox's own, not the node's",
         "gives it a meaning inside the sandbox only"),
        (Support.IGNORED, "runs postgresql badly: syscall sync_file_range is ignored",
         "ignores it"),
        (Support.UNKNOWN,
         "is not known to run postgresql: syscall sync_file_range is not known to work",
         "is not known to have it"),
    ],
)  # fmt: skip
def test_every_kind_of_support_has_its_words(support: Support, headline: str, does: str) -> None:
    assert refused(POSTGRES, on_gvisor(fact(SYSCALL, support))) == (
        f"policy tenants: RuntimeClass gvisor {headline} (container db); {NONE_DOES}\n"
        f"  container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
        f"gVisor 20260817.0 {does} (google/gvisor#88)"
    )


def test_a_pods_field_is_named_by_its_path() -> None:
    assert refused(pod(hostNetwork=True), on_gvisor(fact("pod:hostNetwork"))) == (
        "policy tenants: RuntimeClass gvisor cannot run this pod: hostNetwork is not supported; "
        f"{NONE_DOES}\n"
        "  spec.hostNetwork: needs pod:hostNetwork; "
        "gVisor 20260817.0 does not have it (google/gvisor#88)"
    )


def test_a_security_field_that_is_ignored_is_said_not_to_be_enforced() -> None:
    obj = pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}})
    within = on_gvisor(fact("pod:seccompProfile", Support.IGNORED))
    assert refused(obj, within).partition("\n")[0] == (
        "policy tenants: RuntimeClass gvisor does not enforce what this pod asks for: "
        "seccompProfile/RuntimeDefault is ignored; no RuntimeClass that this policy allows is "
        "known to enforce it: change the pod, or ask for an exemption"
    )


def test_a_fact_that_nobody_wrote_has_no_evidence() -> None:
    assert refused(POSTGRES, on_gvisor()).splitlines()[1] == (
        "  container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
        "gVisor 20260817.0 is not known to have it"
    )


def test_a_gated_feature_names_the_flag_that_turns_it_on() -> None:
    gate = Gate(flag="net-raw", values=("true", "1"), support=Support.FULL)
    within = on_gvisor(fact(SYSCALL, Support.GATED, gate=gate))
    assert refused(POSTGRES, within).partition("\n")[0] == (
        "policy tenants: RuntimeClass gvisor cannot run postgresql: "
        "syscall sync_file_range is off without --net-raw=true (container db); "
        f"{NONE_DOES}"
    )


def test_a_workaround_is_told_when_no_class_would_do() -> None:
    within = on_gvisor(fact(SYSCALL, workaround="Set fsync=off."))
    assert refused(POSTGRES, within).partition("\n")[0].endswith("(container db); set fsync=off")


def test_a_long_workaround_is_told_below_the_first_line() -> None:
    long = f"OURFLAG=on, and {'x' * 120}"
    first, further, *_ = refused(POSTGRES, on_gvisor(fact(SYSCALL, workaround=long))).splitlines()
    assert first.endswith(f"(container db); {NONE_DOES}")
    assert further == f"  or: {long}"


def test_a_workaround_is_told_after_the_classes_that_would_do() -> None:
    facts = (fact(SYSCALL, workaround="set fsync=off"), fact(SYSCALL, Support.FULL, runtime="kata"))
    within = snapshot(
        compat=table(*facts, applications=[application(needs=[(SYSCALL, Strength.REQUIRED)])])
    )
    first, further, _ = refused(POSTGRES, within).splitlines()
    assert first.endswith("(container db); use runtimeClassName: kata-qemu")
    assert further == "  or: set fsync=off"


def test_what_is_written_over_several_lines_is_said_in_one() -> None:
    row = fact(
        SYSCALL,
        summary="gone\nfor good",
        note="answers\n  ENOSYS. And more.",
        workaround="do\nthis",
        evidence=(EVIDENCE,),
    )
    assert refused(POSTGRES, on_gvisor(row)) == (
        "policy tenants: RuntimeClass gvisor cannot run postgresql: gone for good (container db); "
        "do this\n"
        "  container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
        "gVisor 20260817.0 answers ENOSYS (google/gvisor#88)"
    )


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("google/gvisor#88", "google/gvisor#88"),
        (f"https://example.com/{'x' * 100}", f"https://example.com/{'x' * 100}"),
        (
            "runsc 20260905 (Go module), containerd 2.4.2, kubelet 1.37.2 (tests/node): a pod sees",
            "runsc 20260905 (Go module), containerd 2.4.2, kubelet 1.37.2 (tests/node)…",
        ),
        ("word " * 30, f"{'word ' * 14}word…"),
    ],
    ids=["reference", "address", "clauses", "words"],
)
def test_a_long_source_is_shortened_where_it_can_be_read(source: str, told: str) -> None:
    row = fact(SYSCALL, evidence=(replace(EVIDENCE, source=source),))
    assert refused(POSTGRES, on_gvisor(row)).endswith(f" does not have it ({told})")


def test_a_release_that_nobody_declared_is_said_to_be_so() -> None:
    within = on_gvisor(fact(SYSCALL), gvisor="")
    assert refused(POSTGRES, within).splitlines()[1] == (
        "  container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
        "gVisor (release not declared) does not have it (google/gvisor#88)"
    )


def test_a_runtime_that_has_no_spelling_of_its_own_is_named_as_it_is() -> None:
    within = snapshot(
        DENY_ALL,
        compat=table(fact("pod:hostNetwork", runtime="newone")),
        has=inventory(gvisor=profile("newone", "1.0")),
    )
    assert refused(pod(hostNetwork=True), within).splitlines()[1] == (
        "  spec.hostNetwork: needs pod:hostNetwork; newone 1.0 does not have it (google/gvisor#88)"
    )


def test_every_refused_finding_has_its_line() -> None:
    within = on_gvisor(fact("pod:hostNetwork"), fact("pod:hostPID"))
    assert refused(pod(hostNetwork=True, hostPID=True), within).splitlines()[1:3] == [
        (
            "  spec.hostNetwork: needs pod:hostNetwork; gVisor 20260817.0 does not have it "
            "(google/gvisor#88)"
        ),
        "  spec.hostPID: needs pod:hostPID; gVisor 20260817.0 does not have it (google/gvisor#88)",
    ]


def test_further_causes_follow_the_first() -> None:
    obj = pod(annotations={"run.oci.handler": "wasm"}, runtimeClassName="runc", hostNetwork=True)
    within = snapshot(compat=table(fact("pod:hostNetwork", runtime="runc")))
    assert refused(obj, within) == (
        "policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; "
        "allowed: gvisor, kata-* (2 more causes); ask whoever keeps policy tenants\n"
        "  spec.hostNetwork: needs pod:hostNetwork; runc 1.3.0 does not have it "
        "(google/gvisor#88)\n"
        "  also: annotation run.oci.handler reconfigures the sandbox and is not allowed"
    )


def test_of_many_allowed_classes_ten_are_named() -> None:
    many = policy(governs=rules(classes(None, *(f"c{i}" for i in range(12)))))
    assert refused(pod(runtimeClassName="runc"), snapshot(many)) == (
        "policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; "
        "allowed: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, …; "
        "ask whoever keeps policy tenants"
    )


def test_where_no_class_is_allowed_the_message_says_none() -> None:
    within = snapshot(policy(governs=rules(RuntimeClasses())))
    assert refused(pod(runtimeClassName="runc"), within) == (
        "policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; allowed: none; "
        "ask whoever keeps policy tenants"
    )


def test_a_thousand_containers_make_a_short_message() -> None:
    many = pod(containers=[container(f"db{i}", "postgres") for i in range(1_000)])
    lines = refused(many, on_gvisor(fact(SYSCALL))).splitlines()
    assert len(lines) == MOST_LINES + 2
    assert lines[-1] == "  and 26 more"


def test_a_hundred_thousand_annotations_make_a_short_message() -> None:
    many = pod(annotations={f"dev.gvisor.x{i}": "" for i in range(10_000)})
    lines = refused(many, snapshot()).splitlines()
    assert len(lines) == MOST_LINES + 2
    assert lines[-1] == f"  and {10_000 - 1 - MOST_LINES} more"


@pytest.mark.parametrize("megabyte", ["x" * 1_000_000, "\x1b[31m" * 200_000, '"\n' * 500_000])
def test_a_megabyte_anywhere_makes_a_short_printable_message(megabyte: str) -> None:
    obj = pod(
        name=megabyte,
        containers=[
            container(
                megabyte,
                megabyte,
                securityContext={"capabilities": {"add": [megabyte]}, "privileged": True},
                resources={"limits": {megabyte: 1}},
            )
        ],
        annotations={f"dev.gvisor.{megabyte}": megabyte, "runtimegate.dev/needs": megabyte},
        labels={megabyte: megabyte},
        runtimeClassName=megabyte,
        hostNetwork=True,
    )
    message = refused(obj, snapshot(DENY_ALL))
    assert len(message) < 5000
    assert all(line.isprintable() for line in message.split("\n"))


def warned(obj: dict[str, Any], within: Snapshot) -> tuple[str, ...]:
    """The warnings of a pod that is let through."""
    return created(obj, within).grounds.warnings


def test_a_warning_names_the_container() -> None:
    within = on_gvisor(fact(SYSCALL, Support.PARTIAL), under=policy())
    assert warned(POSTGRES, within) == (
        (
            "container db: RuntimeClass gvisor runs postgresql badly: "
            "syscall sync_file_range is limited"
        ),
    )


def test_a_warning_of_the_pod_itself_names_no_container() -> None:
    within = on_gvisor(fact("pod:hostNetwork", Support.PARTIAL), under=policy())
    assert warned(pod(hostNetwork=True), within) == (
        "RuntimeClass gvisor runs this pod badly: hostNetwork is limited",
    )


def test_a_need_that_cannot_be_read_is_told() -> None:
    obj = pod(annotations={"runtimegate.dev/needs": "gvisor, x\ny"})
    assert warned(obj, snapshot()) == (
        "annotation runtimegate.dev/needs: gvisor is no feature id and was left out",
        "annotation runtimegate.dev/needs: x\\ny is no feature id and was left out",
    )


def test_of_many_warnings_nine_are_said_and_the_rest_counted() -> None:
    needs = ",".join(f"bad{i}" for i in range(40))
    said = warned(pod(annotations={"runtimegate.dev/needs": needs}), snapshot())
    assert len(said) == 10
    assert said[-1] == "and 31 more warnings of this kind"


def test_a_warning_is_said_once() -> None:
    assert limited(["a", "b", "a"]) == ("a", "b")


def test_ten_warnings_are_all_said() -> None:
    assert limited([str(i) for i in range(10)]) == tuple(str(i) for i in range(10))


def test_no_warning_is_longer_than_the_api_server_takes() -> None:
    over = exemption("x" * 300, of=pods(), expires=TODAY - timedelta(days=1))
    (said,) = warned(pod(), snapshot(policy(exemptions=[over])))
    assert len(said) == 256
    assert said.endswith("…")


def test_a_choice_of_the_namespace_that_is_not_allowed_is_told() -> None:
    chooses = policy(governs=rules(classes("gvisor", namespace_default=True)))
    annotations = {"runtimegate.dev/default-runtime-class": "runc\n"}
    within = snapshot(chooses, cluster=cluster(namespaces={"tenant-a": ({}, annotations)}))
    assert warned(pod(), within) == (
        (
            "the namespace's annotation runtimegate.dev/default-runtime-class names runc\\n, "
            "which policy tenants does not allow"
        ),
    )


def test_a_choice_of_the_namespace_is_made_safe_where_it_is_shown() -> None:
    chooses = policy(governs=rules(classes("gvisor", "*", namespace_default=True)))
    annotations = {"runtimegate.dev/default-runtime-class": "\x1b[31m" + "x" * 500}
    known = cluster(namespaces={"tenant-a": ({}, annotations)})
    within = snapshot(chooses, cluster=replace(known, runtime_classes=None))
    (notice,) = created(pod(), within).grounds.notices
    assert len(notice) <= 256
    assert notice.isprintable()
