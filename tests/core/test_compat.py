"""The compatibility table: which fact answers, the verdict on a need, over one release or many."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.build import EVIDENCE, TODAY, application, container, fact, pod, pod_view, profile, table
from tests.counted import Counted
from webhook.core.applications import Clause, Evidence, Need
from webhook.core.compat import VERDICTS, BoundRuntime, CompatTable, Conditions, Fact, Gate
from webhook.core.names import Feature, Strength, Support, Verdict
from webhook.core.needs import (
    MOST_ALIKE,
    MOST_USES,
    Finding,
    concerns,
    findings,
    needs_of,
    worst,
)
from webhook.core.runtimes import Cri, RuntimeProfile
from webhook.core.versions import interval_set, parse_interval, parse_version

X = Feature("syscall:x")
FULL, PARTIAL, SCOPED, STUB, IGNORED, GATED, ERRNO, ABSENT, UNKNOWN = (
    Support.FULL, Support.PARTIAL, Support.SCOPED, Support.STUB, Support.IGNORED, Support.GATED,
    Support.ERRNO, Support.ABSENT, Support.UNKNOWN,
)  # fmt: skip
OLD, NEW = "20181030.0", "20260817.0"


def bound(*facts: Fact, on: RuntimeProfile | None = None, **known: Any) -> BoundRuntime:
    """A table of ``facts``, for gVisor 20260817.0 unless ``on`` says otherwise."""
    return table(*facts, **known).bind(on or profile("gvisor", NEW), TODAY)


def verdict(
    *facts: Fact,
    on: RuntimeProfile | None = None,
    feature: str = X,
    strength: Strength = Strength.REQUIRED,
    security: bool = False,
) -> Verdict:
    """The verdict on one need."""
    return bound(*facts, on=on).judgement(Feature(feature), strength, security).verdict


# DESIGN 4, the table as it is printed there.
_MATRIX = """
           full       partial    scoped     stub       ignored    gated        errno        absent       unknown
required   compatible degraded   degraded   degraded   degraded   incompatible incompatible incompatible unknown
preferred  compatible compatible compatible degraded   degraded   degraded     degraded     degraded     unknown
optional   compatible compatible compatible compatible compatible compatible   compatible   compatible   compatible
observed   compatible compatible compatible compatible compatible unknown      unknown      unknown      unknown
"""  # noqa: E501 - a table reads in columns


def _rows() -> list[tuple[Strength, Support, Verdict]]:
    head, *rows = (line.split() for line in _MATRIX.strip().splitlines())
    return [
        (Strength(row[0]), Support(support), Verdict(verdict))
        for row in rows
        for support, verdict in zip(head, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("strength", "support", "expected"), _rows())
def test_the_verdict_of_a_need_against_a_fact(
    strength: Strength, support: Support, expected: Verdict
) -> None:
    assert VERDICTS[strength, support] is expected
    assert verdict(fact(X, support), strength=strength) is expected


def test_what_no_fact_speaks_of_is_unknown() -> None:
    assert verdict() is Verdict.UNKNOWN
    assert bound().judgement(X, Strength.REQUIRED, False).fact is None


def test_a_security_field_that_is_ignored_is_a_class_of_its_own() -> None:
    assert verdict(fact(X, IGNORED), security=True) is Verdict.IGNORED_SECURITY


def test_a_security_field_that_is_absent_is_judged_as_any_other() -> None:
    assert verdict(fact(X, ABSENT), security=True) is Verdict.INCOMPATIBLE


def test_a_fact_of_another_runtime_says_nothing() -> None:
    assert verdict(fact(X, ABSENT, runtime="kata")) is Verdict.UNKNOWN


SINCE_AND_GAP = (
    fact(X, ABSENT, "<20190101"),
    fact(X, FULL, ">=20190101 <20200101", ">=20210101"),
    fact(X, ABSENT, ">=20200101 <20210101"),
)


@pytest.mark.parametrize(
    ("release", "expected", "since"),
    [
        ("20181030.0", Verdict.INCOMPATIBLE, "20210101"),
        ("20190101.0", Verdict.COMPATIBLE, None),
        ("20191231.0", Verdict.COMPATIBLE, None),
        ("20200101.0", Verdict.INCOMPATIBLE, "20210101"),
        ("20201231.0", Verdict.INCOMPATIBLE, "20210101"),
        ("20210101.0", Verdict.COMPATIBLE, None),
        ("20260817.0", Verdict.COMPATIBLE, None),
    ],
)
def test_support_may_come_go_and_come_back(
    release: str, expected: Verdict, since: str | None
) -> None:
    judged = bound(*SINCE_AND_GAP, on=profile("gvisor", release)).judgement(
        X, Strength.REQUIRED, False
    )
    assert judged.verdict is expected
    assert judged.since == (parse_version(since) if since else None)


def test_a_change_that_changes_no_verdict_is_no_since() -> None:
    facts = (fact(X, ABSENT, "<1"), fact(X, ERRNO, ">=1 <2"), fact(X, FULL, ">=2 <3", ">=3 <4"))
    more = (*facts, fact(X, FULL, ">=4"))
    on = profile("gvisor", "0.5")
    assert bound(*more, on=on).judgement(X, Strength.REQUIRED, False).since == parse_version("2")


def test_one_feature_needed_in_two_ways_has_two_verdicts() -> None:
    on = bound(fact(X, ABSENT))
    assert on.judgement(X, Strength.REQUIRED, False).verdict is Verdict.INCOMPATIBLE
    assert on.judgement(X, Strength.PREFERRED, False).verdict is Verdict.DEGRADED


def test_support_that_has_gone_is_not_promised() -> None:
    facts = (fact(X, ABSENT, "<20190101", ">=20200101"), fact(X, FULL, ">=20190101 <20200101"))
    judged = bound(*facts, on=profile("gvisor", OLD)).judgement(X, Strength.REQUIRED, False)
    assert judged.since is None


def test_of_several_releases_the_worst_counts() -> None:
    on = profile("gvisor", NEW, OLD)
    judged = bound(*SINCE_AND_GAP, on=on).judgement(X, Strength.REQUIRED, False)
    assert judged.verdict is Verdict.INCOMPATIBLE
    assert judged.version == parse_version(OLD)


def unknown_release(*facts: Fact, releases: dict[str, date]) -> CompatTable:
    """A table that knows these releases of gVisor."""
    return table(*facts, releases={"gvisor": list(releases.items())})


RELEASES = {
    "20230101.0": date(2023, 1, 1),
    "20250101.0": date(2025, 1, 1),
    "20260817.0": date(2026, 8, 17),
}


def judged_undeclared(*facts: Fact, releases: dict[str, date]) -> Any:
    """The judgement where nobody declared the release."""
    known = unknown_release(*facts, releases=releases)
    return known.bind(profile("gvisor"), TODAY).judgement(X, Strength.REQUIRED, False)


def test_an_undeclared_release_is_any_of_the_last_24_months() -> None:
    judged = judged_undeclared(fact(X, ABSENT, "<20240101"), fact(X, FULL, ">=20240101"),
                               releases=RELEASES)  # fmt: skip
    assert judged.verdict is Verdict.COMPATIBLE


def test_where_the_releases_of_the_last_24_months_agree_that_is_the_verdict() -> None:
    judged = judged_undeclared(fact(X, ABSENT), releases=RELEASES)
    assert judged.verdict is Verdict.INCOMPATIBLE


def test_where_they_disagree_it_is_unknown_and_says_since_when_it_works() -> None:
    judged = judged_undeclared(fact(X, ABSENT, "<20260101"), fact(X, FULL, ">=20260101"),
                               releases=RELEASES)  # fmt: skip
    assert judged.verdict is Verdict.UNKNOWN
    assert judged.support is ABSENT
    assert judged.version is None
    assert judged.since == parse_version("20260101")


def test_the_24_months_are_counted_from_today() -> None:
    known = unknown_release(
        fact(X, ABSENT, "<20250601"), fact(X, FULL, ">=20250601"), releases=RELEASES
    )
    later = known.bind(profile("gvisor"), TODAY + timedelta(days=365))
    assert known.bind(profile("gvisor"), TODAY).judgement(X, Strength.REQUIRED, False).verdict is (
        Verdict.UNKNOWN
    )
    assert later.judgement(X, Strength.REQUIRED, False).verdict is Verdict.COMPATIBLE


def test_with_no_recent_release_the_newest_known_is_judged() -> None:
    judged = judged_undeclared(
        fact(X, ABSENT, "<20200101"),
        fact(X, FULL, ">=20200101"),
        releases={"20180101.0": date(2018, 1, 1), "20210101.0": date(2021, 1, 1)},
    )
    assert judged.verdict is Verdict.COMPATIBLE


def test_with_no_release_listed_facts_that_agree_are_the_verdict() -> None:
    judged = judged_undeclared(fact(X, ABSENT, "<2"), fact(X, ERRNO, ">=2"), releases={})
    assert (judged.verdict, judged.version) == (Verdict.INCOMPATIBLE, None)


@pytest.mark.parametrize("turned", [False, True])
def test_with_no_release_listed_facts_that_disagree_are_unknown_and_the_worst_is_told(
    turned: bool,
) -> None:
    facts = [fact(X, ABSENT, "<2"), fact(X, FULL, ">=2")]
    judged = judged_undeclared(*(reversed(facts) if turned else facts), releases={})
    assert (judged.verdict, judged.support) == (Verdict.UNKNOWN, ABSENT)
    assert str(judged.since) == "2"


def test_with_no_release_listed_a_fact_for_all_releases_ends_the_search() -> None:
    overlay = fact(X, FULL, overlay=True)
    judged = judged_undeclared(fact(X, ABSENT), overlay, releases={})
    assert judged.verdict is Verdict.COMPATIBLE


def test_with_no_release_and_no_fact_nothing_is_known() -> None:
    judged = judged_undeclared(releases={})
    assert (judged.verdict, judged.support) == (Verdict.UNKNOWN, UNKNOWN)


CONTAINERD = Cri(name="containerd", version=parse_version("2.1.4"))


@pytest.mark.parametrize(
    ("when", "on", "holds"),
    [
        (Conditions(vendor="gke"), profile(vendor="gke"), True),
        (Conditions(vendor="gke"), profile(), False),
        (Conditions(hypervisor=frozenset({"fc", "clh"})), profile(hypervisor="fc"), True),
        (Conditions(hypervisor=frozenset({"fc"})), profile(hypervisor="qemu"), False),
        (Conditions(arch=frozenset({"arm64"})), profile(arch="arm64"), True),
        (Conditions(arch=frozenset({"arm64"})), profile(), False),
        (Conditions(flags={"platform": "kvm"}), profile(flags={"platform": "kvm"}), True),
        (Conditions(flags={"platform": "kvm"}), profile(), False),
        (Conditions(cri="containerd"), profile(cri=CONTAINERD), True),
        (Conditions(cri="cri-o"), profile(cri=CONTAINERD), False),
        (Conditions(cri="containerd"), profile(), False),
        (
            Conditions(cri="containerd", cri_versions=interval_set([parse_interval(">=2.0")])),
            profile(cri=CONTAINERD),
            True,
        ),
        (
            Conditions(cri="containerd", cri_versions=interval_set([parse_interval("<2.0")])),
            profile(cri=CONTAINERD),
            False,
        ),
        (
            Conditions(cri="containerd", cri_versions=interval_set([parse_interval("<2.0")])),
            profile(cri=Cri(name="containerd")),
            False,
        ),
        (Conditions(cri="containerd"), profile(cri=Cri(name="containerd")), True),
        (Conditions(), profile(), True),
    ],
)
def test_a_fact_holds_under_its_conditions(
    when: Conditions, on: RuntimeProfile, holds: bool
) -> None:
    assert when.match(on) is holds


def test_the_fact_with_more_conditions_is_believed() -> None:
    special = fact(X, FULL, when=Conditions(vendor="gke"))
    on = profile("gvisor", NEW, vendor="gke")
    assert verdict(fact(X, ABSENT), special, on=on) is Verdict.COMPATIBLE
    assert verdict(special, fact(X, ABSENT), on=on) is Verdict.COMPATIBLE


def test_every_condition_counts() -> None:
    conditions = Conditions(
        vendor="gke", cri="containerd", arch=frozenset({"arm64"}), flags={"a": "1", "b": "2"}
    )
    assert conditions.specificity == 5


def test_an_overlay_is_believed_before_a_shipped_fact_with_more_conditions() -> None:
    shipped = fact(X, ABSENT, when=Conditions(arch=frozenset({"amd64"})))
    assert verdict(shipped, fact(X, FULL, overlay=True)) is Verdict.COMPATIBLE


def test_of_equal_facts_the_first_is_believed() -> None:
    assert verdict(fact(X, FULL), fact(X, ABSENT)) is Verdict.COMPATIBLE


def test_an_operation_is_answered_for_by_its_feature() -> None:
    assert verdict(fact(X, ABSENT), feature="syscall:x/OP") is Verdict.INCOMPATIBLE


def test_an_operations_own_fact_is_believed_before_its_features() -> None:
    facts = (fact(X, ABSENT), fact("syscall:x/OP", FULL))
    assert verdict(*facts, feature="syscall:x/OP") is Verdict.COMPATIBLE


def test_a_fact_may_be_about_all_features_with_a_beginning_the_longest_first() -> None:
    facts = (fact("pod:*", ABSENT), fact("pod:sysctl/net.*", FULL))
    assert verdict(*facts, feature="pod:sysctl/net.core.somaxconn") is Verdict.COMPATIBLE
    assert verdict(*facts, feature="pod:hostNetwork") is Verdict.INCOMPATIBLE
    assert verdict(*facts, feature="cap:NET_ADMIN") is Verdict.UNKNOWN


GATE = Gate(flag="net-raw", values=("true", "1"), support=FULL)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({}, Verdict.INCOMPATIBLE),
        ({"net-raw": "false"}, Verdict.INCOMPATIBLE),
        ({"net-raw": "true"}, Verdict.COMPATIBLE),
        ({"net-raw": "1"}, Verdict.COMPATIBLE),
    ],
)
def test_a_gated_feature_is_there_when_its_flag_is_on(
    flags: dict[str, str], expected: Verdict
) -> None:
    gated = fact(X, GATED, gate=GATE)
    assert verdict(gated, on=profile("gvisor", NEW, flags=flags)) is expected


@pytest.mark.parametrize("value", ["true", "True", "TRUE", "t", "T", "1"])
def test_a_switch_is_on_however_go_lets_it_be_written(value: str) -> None:
    gated = fact(X, Support.GATED, gate=Gate(flag="f", values=("true",), support=FULL))
    under = fact(X, FULL, when=Conditions(flags={"f": "true"}))
    on = profile(flags={"f": value})
    assert gated.under(on).support is FULL
    assert under.when.match(on)


@pytest.mark.parametrize("value", ["false", "0", "yes", "on", ""])
def test_a_switch_that_go_reads_otherwise_is_not_on(value: str) -> None:
    gated = fact(X, Support.GATED, gate=Gate(flag="f", values=("true",), support=FULL))
    assert gated.under(profile(flags={"f": value})).support is Support.GATED


def test_a_gate_that_is_open_says_nothing_of_being_closed() -> None:
    gated = fact(X, GATED, gate=GATE, note="off", summary="off")
    opened = gated.under(profile(flags={"net-raw": "true"}))
    assert (opened.support, opened.gate, opened.note, opened.summary) == (FULL, None, "", "")


def test_a_table_is_bound_once_to_profiles_that_are_alike() -> None:
    known = table()
    assert known.bind(profile("gvisor", NEW), TODAY) is known.bind(
        profile("gvisor", NEW, handler="runsc"), TODAY + timedelta(days=1)
    )


def test_a_table_that_is_bound_anew_every_day_does_not_grow_for_ever() -> None:
    known = table()
    for days in range(600):
        known.bind(profile("gvisor"), TODAY + timedelta(days=days))
    assert len(known._bound) <= 256


def test_features_that_tenants_invent_are_not_remembered_for_ever() -> None:
    on = bound(fact(X, ABSENT))
    for number in range(5000):
        on.judgement(Feature(f"syscall:x{number}"), Strength.REQUIRED, False)
    assert len(on._judged) <= 2048
    assert on.judgement(X, Strength.REQUIRED, False).verdict is Verdict.INCOMPATIBLE


POSTGRES = application(
    needs=[
        ("syscall:a", Strength.REQUIRED),
        ("syscall:b", Strength.PREFERRED),
        ("syscall:c", Strength.OPTIONAL),
    ]
)
FACTS = (fact("syscall:a", FULL), fact("syscall:b", ERRNO), fact("syscall:c", ABSENT))


def found(obj: dict[str, Any], *, every: bool = False) -> list[tuple[str, str, str]]:
    """Feature, verdict and field path of each finding, or of those that are concerns."""
    known = table(*FACTS, fact("pod:hostNetwork", ABSENT), applications=[POSTGRES])
    needs = needs_of(pod_view(obj), known)
    judge = findings if every else concerns
    on = known.bind(profile("gvisor", NEW), TODAY)
    return [(f.need.feature, f.verdict, f.need.field_path) for f in judge(needs, on)]


def test_the_needs_of_an_application_are_judged_where_its_image_stands() -> None:
    assert found(pod(containers=[container(), container("db", "postgres")])) == [
        ("syscall:b", "degraded", "spec.containers[1].image")
    ]


def test_a_report_shows_what_is_compatible_too() -> None:
    assert found(pod(containers=[container("db", "postgres")]), every=True) == [
        ("syscall:b", "degraded", "spec.containers[0].image"),
        ("syscall:a", "compatible", "spec.containers[0].image"),
        ("syscall:c", "compatible", "spec.containers[0].image"),
    ]


def test_the_fields_of_a_pod_are_judged_the_worst_first() -> None:
    obj = pod(containers=[container("db", "postgres")], hostNetwork=True)
    assert found(obj) == [
        ("pod:hostNetwork", "incompatible", "spec.hostNetwork"),
        ("syscall:b", "degraded", "spec.containers[0].image"),
    ]


def test_what_a_pod_declares_is_required() -> None:
    obj = pod(annotations={"runtimegate.dev/needs": "syscall:a,syscall:c"})
    at = "metadata.annotations[runtimegate.dev/needs]"
    assert found(obj) == [("syscall:c", "incompatible", at)]
    assert found(obj, every=True) == [
        ("syscall:c", "incompatible", at),
        ("syscall:a", "compatible", at),
    ]


def test_an_application_is_judged_once_for_all_its_pods() -> None:
    known = table(*FACTS, applications=[POSTGRES])
    needs = needs_of(pod_view(pod(containers=[container("db", "postgres")])), known)
    on = known.bind(profile("gvisor", NEW), TODAY)
    assert findings(needs, on) == findings(needs, on)


def test_a_pod_is_recognised_when_a_row_knows_an_image() -> None:
    known = table(applications=[POSTGRES])
    assert needs_of(pod_view(pod(containers=[container("db", "postgres")])), known).recognised
    assert not needs_of(pod_view(), known).recognised


def test_of_too_many_uses_no_more_are_read_than_show_it() -> None:
    volumes = Counted([{"hostPath": {"path": "/x"}}] * (2 * MOST_USES))
    assert needs_of(pod_view(pod(volumes=volumes)), table()).excess
    assert volumes.read == MOST_USES + 1


def test_of_many_alike_containers_the_first_are_reported() -> None:
    many = [container(f"db{i}", "postgres") for i in range(1_000)]
    assert len(found(pod(containers=many))) == MOST_ALIKE


def test_what_is_behind_many_alike_is_reported_all_the_same() -> None:
    many = [container(f"db{i}", "postgres", securityContext={"privileged": True})
            for i in range(999)]  # fmt: skip
    odd = container("odd", "x", securityContext={"capabilities": {"add": ["SYS_ADMIN"]}})
    assert ("cap:SYS_ADMIN", "unknown",
            "spec.containers[999].securityContext.capabilities.add[0]",
            ) in found(pod(containers=[*many, odd]))  # fmt: skip


def test_containers_that_do_not_have_a_need_hide_none_that_has() -> None:
    only = Need(
        feature=Feature("syscall:c"), strength=Strength.REQUIRED, when=Clause(words=("--c",))
    )
    known = table(*FACTS, applications=[replace(POSTGRES, needs=(only,))])
    many = [container(f"db{i}", "postgres") for i in range(2 * MOST_ALIKE)]
    on = known.bind(profile("gvisor", NEW), TODAY)
    for args, expected in (([], []), (["--c"], ["spec.containers[64].image"])):
        obj = pod(containers=[*many, container("last", "postgres", args=args)])
        told = concerns(needs_of(pod_view(obj), known), on)
        assert [f.need.field_path for f in told] == expected


def test_what_a_pod_declares_changes_no_verdict_on_what_others_use() -> None:
    on = bound(fact(X, IGNORED))
    for security, expected in ((False, Verdict.DEGRADED), (True, Verdict.IGNORED_SECURITY)) * 2:
        assert on.judgement(X, Strength.REQUIRED, security).verdict is expected


def a_finding(*evidence: Evidence) -> Finding:
    """A finding on a fact with this evidence."""
    known = table(fact("pod:hostNetwork", ABSENT, evidence=evidence))
    needs = needs_of(pod_view(pod(hostNetwork=True)), known)
    (finding,) = concerns(needs, known.bind(profile("gvisor", NEW), TODAY))
    return finding


def test_a_finding_has_the_evidence_of_its_fact() -> None:
    assert a_finding(EVIDENCE).evidence == (EVIDENCE,)


def test_a_finding_that_no_fact_speaks_of_has_no_evidence() -> None:
    needs = needs_of(pod_view(pod(hostNetwork=True)), table())
    (finding,) = concerns(needs, bound())
    assert finding.evidence == ()


def test_the_worst_of_no_verdicts_is_compatible() -> None:
    assert worst([]) is Verdict.COMPATIBLE
    assert worst([Verdict.UNKNOWN, Verdict.DEGRADED]) is Verdict.DEGRADED
