from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.build import TODAY, application, container, fact, pod, pod_view, profile, table
from webhook.core.applications import Application, Clause, Need, Verified
from webhook.core.compat import Fact
from webhook.core.explain import (
    Explanation,
    applications_of,
    default_profile,
    explain,
    newest_release,
    profile_text,
    runs_of,
    usual_needs,
    usual_verdict,
)
from webhook.core.names import Feature, Strength, Support, Verdict
from webhook.core.runtimes import Cri, RuntimeProfile
from webhook.core.versions import ALL_VERSIONS, interval_set, parse_interval

SYNC = Feature("syscall:sync_file_range")
RELEASES = {
    "gvisor": [("20181030", date(2018, 10, 30)), ("20260817.0", date(2026, 8, 17))],
    "kata": [("4.1.0", date(2026, 8, 21))],
}
POSTGRES = application(needs=[(SYNC, Strength.REQUIRED)])
DB = pod(containers=[container("db", "postgres:11")])


def judged(*facts: Fact, on: RuntimeProfile | None = None, obj: Any = DB) -> Explanation:
    """A Postgres pod by a table of ``facts``, on the gVisor of 2018."""
    known = table(*facts, applications=[POSTGRES], releases=RELEASES)
    return explain(pod_view(obj), on or profile("gvisor", "20181030"), known, TODAY)


LACKS = fact(SYNC, Support.ABSENT, "<20181108")
HAS = fact(SYNC, Support.FULL, ">=20181108")
KATA = fact(SYNC, Support.FULL, runtime="kata")
RUNC = fact(SYNC, Support.PARTIAL, runtime="runc")


def suggested(explanation: Explanation) -> list[tuple[str, Verdict]]:
    """The suggestions as a command line writes them, and their verdicts."""
    return [(str(s), s.verdict) for s in explanation.suggestions]


def test_the_verdict_is_the_worst_of_the_findings() -> None:
    explanation = judged(LACKS, HAS)
    assert explanation.verdict is Verdict.INCOMPATIBLE
    assert explanation.refusable
    assert str(explanation.version) == "20181030"


def test_runtimes_on_which_all_is_well_are_suggested_in_their_newest_release() -> None:
    assert suggested(judged(LACKS, HAS, KATA, RUNC)) == [
        ("gvisor@20260817.0", Verdict.COMPATIBLE),
        ("kata@4.1.0", Verdict.COMPATIBLE),
    ]


def test_where_nothing_is_well_what_does_better_is_suggested() -> None:
    assert suggested(judged(fact(SYNC), RUNC)) == [("runc", Verdict.DEGRADED)]


def test_what_is_unknown_is_never_suggested() -> None:
    assert suggested(judged(fact(SYNC))) == []


def test_what_does_as_badly_is_not_suggested() -> None:
    none = [fact(SYNC, runtime=runtime) for runtime in ("gvisor", "kata", "runc")]
    assert suggested(judged(*none)) == []


def test_nothing_is_suggested_instead_of_what_is_well() -> None:
    explanation = judged(HAS, KATA, on=profile("gvisor", "20260817.0"))
    assert (explanation.verdict, suggested(explanation)) == (Verdict.COMPATIBLE, [])
    assert not explanation.refusable


def test_suggestions_are_on_the_same_nodes() -> None:
    asked = profile("gvisor", "20181030", cri=Cri(name="cri-o"), arch="arm64")
    (kata,) = judged(LACKS, KATA, on=asked).suggestions
    assert (kata.profile.cri, kata.profile.arch) == (Cri(name="cri-o"), "arm64")
    assert kata.profile.hypervisor == "qemu"


@pytest.mark.parametrize(("selected", "arch"), [("arm64", "arm64"), ("riscv64", "amd64")])
def test_a_pod_is_judged_on_the_architecture_that_it_selects(selected: str, arch: str) -> None:
    selecting = pod(nodeSelector={"kubernetes.io/arch": selected})
    assert judged(obj=selecting).profile.arch == arch


def test_an_unknown_release_is_none() -> None:
    assert judged(LACKS, HAS, on=profile("gvisor")).version is None


def test_the_newest_release_is_the_one_that_the_table_lists_last() -> None:
    known = table(releases=RELEASES)
    assert str(newest_release(known, "gvisor")) == "20260817.0"
    assert newest_release(known, "runc") is None
    assert profile_text(default_profile(known, "kata", "qemu")) == "kata@4.1.0"
    assert profile_text(default_profile(known, "runc")) == "runc"


def usual(**tweak: Any) -> list[str]:
    """The usual needs of an application that needs sync_file_range, but for ``tweak``."""
    need = replace(Need(feature=SYNC, strength=Strength.REQUIRED), **tweak)
    return [n.feature for n in usual_needs(replace(POSTGRES, needs=(need,)))]


def test_a_need_of_every_release_is_usual() -> None:
    assert usual() == [SYNC]
    assert usual(unless=Clause(words=("psql",))) == [SYNC]
    assert usual(versions=interval_set([parse_interval(">=18")])) == [SYNC]


def test_a_need_of_old_releases_or_of_some_settings_is_not_usual() -> None:
    assert usual(versions=interval_set([parse_interval("<18")])) == []
    assert usual(when=Clause(words=("*io_uring*",))) == []


def test_the_usual_verdict_is_the_worst_of_the_usual_needs() -> None:
    known = table(LACKS, HAS)
    bound = known.bind(profile("gvisor", "20181030"), TODAY)
    assert usual_verdict(POSTGRES, bound) is Verdict.INCOMPATIBLE
    assert usual_verdict(application(), bound) is Verdict.COMPATIBLE


def test_runs_are_those_on_the_runtime_in_question() -> None:
    runs = tuple(
        Verified(runtime=runtime, versions=ALL_VERSIONS, works="yes")
        for runtime in ("gvisor", "kata")
    )
    ran: Application = replace(POSTGRES, verified=runs)
    assert runs_of(ran, "kata") == runs[1:]


def test_an_application_in_two_containers_is_one() -> None:
    twice = pod(containers=[container("a", "postgres:11"), container("b", "postgres:12")])
    explanation = judged(obj=twice)
    assert [a.name for a in applications_of([explanation.needs])] == ["postgresql"]
