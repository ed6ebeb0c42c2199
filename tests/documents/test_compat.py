from datetime import date
from typing import Any

import pytest

from tests.documents.build import EVIDENCE, LEFT_OUT, error, fact, facts, load, load_tables
from webhook.core.applications import Evidence
from webhook.core.compat import Conditions, Fact, Gate, Release
from webhook.core.names import Support
from webhook.core.versions import interval_set, parse_interval, parse_version
from webhook.documents.sentences import NEWER

PROOF = Evidence(kind="issue", source="google/gvisor#88", date="2018-11-20")
OTHER_EVIDENCE = {"kind": "measured", "source": "pgbench under runsc", "date": "2026-11-23"}


def only_fact(text: str) -> Fact:
    (row,) = load(text).compat.facts
    return row


def test_a_row_that_says_the_least_holds_for_every_release() -> None:
    assert only_fact(facts(fact())) == Fact(
        runtime="gvisor",
        feature="syscall:sync_file_range",
        support=Support.ABSENT,
        evidence=(PROOF,),
        origin="a.yaml:1",
        overlay=True,
    )


def test_a_shipped_row_is_no_overlay() -> None:
    (row,) = load_tables(facts(fact())).compat.facts
    assert (row.origin, row.overlay) == ("shipped", False)


def test_a_row_may_say_everything() -> None:
    row = fact(
        feature="syscall:pselect",
        versions=[">=20230118.0 <20240101.0", "<20220101"],
        support="gated",
        gate={"flag": "iouring", "values": [True, "yes"], "support": "partial"},
        when={
            "vendor": "gke",
            "hypervisor": ["fc"],
            "cri": {"name": "containerd", "versions": ["<2.4.0-beta.0"]},
            "arch": ["arm64"],
            "flags": {"platform": "ptrace"},
        },
        note="answers ENOSYS",
        summary="pselect6 is missing",
        workaround="Run runsc with --iouring.",
        evidence=[{**OTHER_EVIDENCE, "tested": 18.4}],
        probe="pselect",
    )
    assert only_fact(facts(row)) == Fact(
        runtime="gvisor",
        feature="syscall:pselect6",
        versions=interval_set(
            [parse_interval("<20220101"), parse_interval(">=20230118.0 <20240101.0")]
        ),
        support=Support.GATED,
        gate=Gate(flag="iouring", values=("true", "yes"), support=Support.PARTIAL),
        when=Conditions(
            vendor="gke",
            hypervisor=frozenset({"fc"}),
            cri="containerd",
            cri_versions=interval_set([parse_interval("<2.4.0-beta.0")]),
            arch=frozenset({"arm64"}),
            flags={"platform": "ptrace"},
        ),
        note="answers ENOSYS",
        summary="pselect6 is missing",
        workaround="Run runsc with --iouring.",
        evidence=(
            Evidence(
                kind="measured", source="pgbench under runsc", date="2026-11-23", tested="18.4"
            ),
        ),
        probe="pselect",
        origin="a.yaml:1",
        overlay=True,
    )


def test_the_conditions_of_a_row_go_over_those_of_the_document() -> None:
    row = fact(when={"arch": ["arm64"], "flags": {"a": "2", "c": "3"}})
    text = facts(row, when={"vendor": "gke", "arch": ["amd64"], "flags": {"a": "1", "b": "1"}})
    assert only_fact(text).when == Conditions(
        vendor="gke", arch=frozenset({"arm64"}), flags={"a": "2", "b": "1", "c": "3"}
    )


def test_the_evidence_of_a_document_stands_for_rows_without_their_own() -> None:
    rows = (fact(evidence=LEFT_OUT), fact(feature="syscall:*"))
    read = load(facts(*rows, evidence=[OTHER_EVIDENCE])).compat.facts
    assert [row.evidence[0].kind for row in read] == ["measured", "issue"]


def test_workaround_and_probe_may_be_empty() -> None:
    text = """\
apiVersion: runtimegate.dev/v1
kind: RuntimeFacts
metadata: {name: it}
spec:
  runtime: gvisor
  facts:
    - feature: pod:hostNetwork
      support: absent
      workaround: null
      probe:
      evidence: [{kind: issue, source: "google/gvisor#88", date: 2018-11-20}]
"""
    row = only_fact(text)
    assert (row.workaround, row.probe, row.origin) == (None, None, "a.yaml:7")


def test_releases_are_dated_by_their_number_or_beside_it() -> None:
    gvisor = facts(name="a", releases=["20190304.1", 20190529.1], facts=LEFT_OUT)
    kata = facts(
        name="b",
        runtime="kata",
        releases=[{"version": "4.1.0", "date": "2026-08-21"}],
        facts=LEFT_OUT,
    )
    assert load(gvisor, kata).compat.releases == {
        "gvisor": (
            Release(version=parse_version("20190304.1"), date=date(2019, 3, 4)),
            Release(version=parse_version("20190529.1"), date=date(2019, 5, 29)),
        ),
        "kata": (Release(version=parse_version("4.1.0"), date=date(2026, 8, 21)),),
    }


def test_the_releases_of_several_documents_are_one_list_in_order() -> None:
    texts = [facts(name=n, releases=[r, "20200101"], facts=LEFT_OUT) for n, r in RELEASES.items()]
    listed = load(*texts).compat.releases["gvisor"]
    assert [str(release.version) for release in listed] == ["20190304.1", "20200101", "20210101"]


def shared(*rows: Any, runtimes: Any = ("runc", "crun"), **spec: Any) -> str:
    """RuntimeFacts of several runtimes."""
    return facts(*rows, runtime=LEFT_OUT, runtimes=list(runtimes), **spec)


def test_a_row_of_several_runtimes_is_a_fact_of_each() -> None:
    rows = (fact(), fact(feature="pod:hostNetwork", support="full"))
    assert [(f.runtime, f.feature) for f in load(shared(*rows)).compat.facts] == [
        ("runc", "syscall:sync_file_range"),
        ("crun", "syscall:sync_file_range"),
        ("runc", "pod:hostNetwork"),
        ("crun", "pod:hostNetwork"),
    ]


def test_a_document_of_several_runtimes_replaces_one_of_the_same_name_whole() -> None:
    below = load_tables(facts(fact(), releases=["20190304.1"]))
    table = load(shared(fact()), shipped=below).compat
    assert ({f.runtime for f in table.facts}, table.releases) == ({"runc", "crun"}, {})


def test_rows_of_several_runtimes_that_overlap_are_told_once_with_the_row() -> None:
    text = shared(fact(feature="pod:hostPID"), fact(), fact())
    assert error(text) == (
        "spec.facts[2]: syscall:sync_file_range of * is said at a.yaml:1 already, of *: rows with "
        "the same conditions must not overlap"
    )


RELEASES = {"a": "20210101", "b": "20190304.1"}
NOT_OF_SEVERAL = "must not be given for several runtimes: each has releases of its own"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            facts(fact(), runtime=LEFT_OUT),
            "spec.runtime: must be given, or runtimes for several",
        ),
        (
            facts(fact(), runtimes=["runc", "crun"]),
            "spec.runtimes: must not be given beside runtime",
        ),
        (shared(fact(), runtimes=[]), "spec.runtimes: must not be empty"),
        (
            shared(fact(), runtimes=["runc", "crun", "runc"]),
            "spec.runtimes[2]: runc is named in runtimes[0] already",
        ),
        (
            shared(fact(), runtimes=["runc", "rktlet"]),
            (
                "spec.runtimes[1]: must not be 'rktlet': rktlet ended with rkt in 2019; use "
                "containerd or CRI-O"
            ),
        ),
        (shared(fact(), releases=["20190304.1"]), f"spec.releases: {NOT_OF_SEVERAL}"),
        (shared(fact(versions=["<2"])), f"spec.facts[0].versions: {NOT_OF_SEVERAL}"),
    ],
)
def test_what_is_wrong_with_the_runtimes_of_a_document_is_said(text: str, message: str) -> None:
    assert error(text) == message


NO_RELEASE = "must be a dated release such as 20190304.1, or {version: 4.1.0, date: 2026-08-21}, "
NO_EVIDENCE = "must be given, here or for the whole document in spec.evidence"
SOURCE = (
    "must be a public reference (a URL, owner/repo#123, or what was run), no path of a machine, "
)
NO_FEATURE = (
    "must be a feature id such as syscall:io_uring_setup, in one of the namespaces cap, device, "
    "exec, fs, ioctl, kernel, net, perf, pod, proc, sys, syscall, "
)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"feature": LEFT_OUT}, "feature: must be given, such as syscall:sync_file_range"),
        ({"feature": "sync_file_range"}, f"feature: {NO_FEATURE}not 'sync_file_range'"),
        (
            {"feature": "syscall:sync_file"},
            "feature: must name a system call of Linux, not 'sync_file'",
        ),
        ({"feature": "pod:*/x"}, "feature: must hold * at the end only, not 'pod:*/x'"),
        (
            {"feature": 7},
            f"feature: {NO_FEATURE}not '7'",
        ),
        (
            {"feature": []},
            (
                "feature: must be a feature id such as syscall:io_uring_setup or pod:hostNetwork, "
                "not a list"
            ),
        ),
        (
            {"support": "none"},
            (
                "support: must be one of full, partial, stub, scoped, ignored, gated, errno, "
                "absent, unknown, not 'none'"
            ),
        ),
        ({"support": "gated"}, "gate: must be given for support gated"),
        (
            {"gate": {"flag": "x", "values": ["true"], "support": "full"}},
            "gate: must not be given for support absent",
        ),
        (
            {
                "support": "gated",
                "gate": {"flag": "x", "values": ["true"], "support": "unknown"},
            },
            (
                "gate.support: must be one of full, partial, stub, scoped, ignored, errno, "
                "absent, not 'unknown'"
            ),
        ),
        ({"evidence": LEFT_OUT}, f"evidence: {NO_EVIDENCE}"),
        ({"evidence": []}, "evidence: must not be empty"),
        (
            {"evidence": [{**EVIDENCE, "kind": "rumour"}]},
            (
                "evidence[0].kind: must be one of measured, source, documentation, issue, vendor, "
                "not 'rumour'"
            ),
        ),
        (
            {"evidence": [{**EVIDENCE, "source": "/srv/facts.md"}]},
            f"evidence[0].source: {SOURCE}not '/srv/facts.md'",
        ),
        (
            {"evidence": [{**EVIDENCE, "source": "../facts.md"}]},
            f"evidence[0].source: {SOURCE}not '../facts.md'",
        ),
        (
            {"evidence": [{**EVIDENCE, "source": ""}]},
            f"evidence[0].source: {SOURCE}not ''",
        ),
        (
            {"evidence": [{**EVIDENCE, "date": "2018-11"}]},
            "evidence[0].date: must be a day such as 2027-06-30, not '2018-11'",
        ),
        (
            {"versions": ["20181108"]},
            'versions[0]: must be like ">=A <B", ">=A", "<B" or "*", not \'20181108\'',
        ),
        (
            {"versions": ["<20200101", ">=20190101"]},
            "versions: <20200101 and >=20190101 overlap",
        ),
        (
            {"versions": ["<4.1.0"]},
            "versions: must be a date such as 20260817.0 for gvisor, not '4.1.0'",
        ),
        ({"versions": []}, "versions: must not be empty"),
        (
            {"when": {}},
            "when: must hold at least one of vendor, hypervisor, cri, arch, flags",
        ),
        ({"summary": "x" * 61}, "summary: must have at most 60 characters"),
        (
            {"notes": "x"},
            (
                "notes: unknown key; must be one of evidence, feature, gate, note, probe, summary, "
                "support, versions, when, workaround; did you mean note?" + NEWER
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_what_is_allowed(
    row: dict[str, Any], message: str
) -> None:
    assert error(facts(fact(**row))) == f"spec.facts[0].{message}"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"facts": LEFT_OUT}, "spec: must hold facts or releases"),
        ({"releases": ["4.1.0"]}, f"spec.releases[0]: {NO_RELEASE}not '4.1.0'"),
        (
            {"releases": ["20261399"]},
            "spec.releases[0]: must be a day such as 2027-06-30, not '2026-13-99'",
        ),
        ({"releases": [{"version": "4.1.0"}]}, f"spec.releases[0]: {NO_RELEASE}not a mapping"),
        (
            {"releases": [{"version": "4.1.0", "date": "2026"}]},
            "spec.releases[0]: must be a day such as 2027-06-30, not '2026'",
        ),
        (
            {"releases": [{"version": "4.1.0", "date": "2026-08-21"}]},
            "spec.releases[0]: must be a date such as 20260817.0 for gvisor, not '4.1.0'",
        ),
        (
            {"runtime": "rkt"},
            (
                "spec.runtime: must not be 'rkt': rkt was archived by the CNCF on 2019-08-16; use "
                "containerd with runc"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_document_is_said_with_what_is_allowed(
    spec: dict[str, Any], message: str
) -> None:
    assert error(facts(fact(), **spec)) == message
