import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.build import container, pod
from tests.documents.build import EVIDENCE, fact, facts, need, requirements
from webhook.cli import run
from webhook.core.explain import newest_release
from webhook.live.shipped import shipped

LACKS = fact(versions=["<2"], note="answers ENOSYS", workaround="Take 2.0.")
HAS = fact(versions=[">=2"], support="full")
GATED = fact(
    feature="syscall:io_uring_setup",
    support="gated",
    gate={"flag": "iouring", "values": ["true"], "support": "partial"},
    note="answers ENOSYS unless asked",
)
ON_KVM = fact(
    feature="perf:syscall-rate",
    support="partial",
    when={"flags": {"platform": "kvm"}, "arch": ["arm64"], "cri": {"name": "cri-o"}},
)
RELEASES = [{"version": "1.0", "date": "2025-01-01"}, {"version": "2.0", "date": "2026-01-01"}]
OURS = facts(LACKS, HAS, GATED, ON_KVM, name="ours", runtime="other", releases=RELEASES)
DB = requirements(
    "ourdb",
    needs=[
        need(note="flushes its log with it"),
        need(feature="syscall:io_uring_setup", when={"args": ["*uring*"]}, versions=[">=3"]),
        need(feature="syscall:io_uring_setup", when={"env": {"URING": "1"}}),
    ],
    verified=[
        {
            "runtime": "other",
            "versions": [">=1.0 <2.0"],
            "works": "partial",
            "applicationVersion": "3.1",
            "note": "Starts only.",
            "evidence": [EVIDENCE],
        }
    ],
)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A policy folder with a small table of a runtime that the shipped one hardly knows."""
    (tmp_path / "a.yaml").write_text(OURS)
    (tmp_path / "b.yaml").write_text(DB)
    return str(tmp_path)


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a compat command prints."""
    assert run(["compat", *arguments]) == code
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The last line of what a compat command says to a mistake."""
    assert run(["compat", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()[-1]


def newest(runtime: str) -> str:
    """``@20260817.0``, as the shipped table knows; empty for a runtime without releases."""
    version = newest_release(shipped().compat, runtime)
    return f"@{version}" if version else ""


# why


def test_why_tells_verdict_causes_evidence_what_was_seen_and_what_is_better(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("why", "-p", folder, "--runtime", "other", "--version", "1.0", "x/ourdb:3")
    gvisor, kata, runc = (newest(r).replace("@", " ") for r in ("gvisor", "kata", "runc"))
    assert told(capsys, *asked, code=1) == (
        "docker.io/x/ourdb:3 on the runtime 1.0: incompatible\n"
        "  recognised as ourdb\n"
        "  incompatible: syscall sync_file_range is missing\n"
        "    ourdb in container ourdb (docker.io/x/ourdb:3): syscall:sync_file_range is required: "
        "flushes its log with it\n"
        "    the runtime 1.0: absent: answers ENOSYS\n"
        "    supported from 2\n"
        "    issue 2018-11-20: google/gvisor#88\n"
        "    workaround: Take 2.0.\n"
        "  seen on this release: ourdb 3.1 worked in part: Starts only. (issue 2018-11-20)\n"
        f"  compatible on gVisor{gvisor} or Kata Containers{kata} with qemu or runc{runc}\n"
    )


def test_why_judges_the_newest_release_and_says_so(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "why", "-p", folder, "--runtime", "other", "x/ourdb:3") == (
        "docker.io/x/ourdb:3 on the runtime 2.0: compatible\n"
        "  recognised as ourdb\n"
        "  met: syscall:sync_file_range\n"
        "  seen on the runtime >=1.0 <2.0: ourdb 3.1 worked in part: Starts only. "
        "(issue 2018-11-20)\n"
        "\n"
        "2.0 is the newest release of other in the table; --version asks about another\n"
    )


def test_why_of_a_release_that_is_newer_than_the_table_says_so(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("why", "-p", folder, "--runtime=other", "--version=3.0", "x/ourdb:3")
    assert told(capsys, *asked).splitlines()[-1] == (
        "3.0 is newer than the newest release in the table, 2.0"
    )


def test_why_of_an_unknown_release_is_unknown_where_those_of_two_years_disagree(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("why", "-p", folder, "--runtime=other", "--version=unknown", "--today=2026-11-24")
    text = told(capsys, *asked, "x/ourdb:3").splitlines()
    assert text[0] == "docker.io/x/ourdb:3 on the runtime (release unknown): unknown"
    assert "    supported from 2" in text


def test_why_of_an_image_that_no_row_knows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "why", "--version", "20260817.0", "x/y@sha256:" + "0" * 64) == (
        f"docker.io/x/y@sha256:{'0' * 64} on gVisor 20260817.0: compatible\n"
        "  not recognised: the table knows nothing of what runs in it\n"
    )


def why(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The JSON of ``compat why``."""
    return json.loads(told(capsys, "why", "-o", "json", *arguments, code=code))


def test_why_as_json_is_one_object_with_the_findings_of_check(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("-p", folder, "--runtime", "other", "--version", "1.0", "x/ourdb:3")
    assert why(capsys, *asked, code=1) == {
        "runtime": "other",
        "version": "1.0",
        "verdict": "incompatible",
        "recognised": True,
        "findings": [
            {
                "feature": "syscall:sync_file_range",
                "strength": "required",
                "support": "absent",
                "verdict": "incompatible",
                "action": "deny",
                "runtime": "other",
                "version": "1.0",
                "fieldPath": "spec.containers[0].image",
                "container": "ourdb",
                "application": "ourdb",
                "note": "answers ENOSYS",
                "workaround": "Take 2.0.",
                "evidence": [EVIDENCE],
            }
        ],
        "suggestions": [r + newest(r) for r in ("gvisor", "kata", "runc")],
    }


def features(value: Any) -> list[tuple[str, str]]:
    """Verdict and feature of each finding."""
    return [(f["verdict"], f["feature"]) for f in value["findings"]]


URING = ("incompatible", "syscall:io_uring_setup")
MET = ("compatible", "syscall:sync_file_range")


def test_what_stands_after_the_dashes_is_the_containers_arguments(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("-p", folder, "--runtime=other", "x/ourdb:3", "--", "--io", "uring", "-f")
    assert features(why(capsys, *asked, code=1)) == [URING, MET]


def test_variables_of_the_container_may_be_given(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("-p", folder, "--runtime=other", "--env=URING=1", "x/ourdb:3")
    assert features(why(capsys, *asked, code=1)) == [URING, MET]


def test_a_flag_opens_a_gate(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("-p", folder, "--runtime=other", "--flag=--iouring=true", "--env=URING=1", "x/ourdb")
    value = why(capsys, *asked, code=1)
    assert features(value)[0] == ("degraded", "syscall:io_uring_setup")


def test_several_images_are_a_list_of_results(capsys: pytest.CaptureFixture[str]) -> None:
    results = why(capsys, "x/one", "x/two")["results"]
    where = {"document": 0, "kind": "", "namespace": "", "name": "", "template": ""}
    assert [{k: r[k] for k in ("source", *where)} for r in results] == [
        {"source": "x/one", **where},
        {"source": "x/two", **where},
    ]


def manifest(at: Path, *objects: Any) -> str:
    """A file of objects."""
    path = at / "manifest.json"
    path.write_text("\n".join(map(json.dumps, objects)))
    return str(path)


OUR_POD = pod(name="db", containers=[container("db", "x/ourdb:3")])
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "dump", "namespace": "shop"},
    "spec": {"template": {"spec": OUR_POD["spec"]}},
}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"}}


def test_why_of_a_manifest_with_one_pod_is_one_object(
    folder: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    file = manifest(tmp_path_factory.mktemp("m"), SERVICE, OUR_POD)
    value = why(capsys, "-p", folder, "--runtime=other", "-f", file)
    assert (value["verdict"], features(value)) == ("compatible", [MET])


def test_why_of_several_pods_says_where_each_stands(
    folder: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    file = manifest(tmp_path_factory.mktemp("m"), SERVICE, OUR_POD, JOB)
    asked = ("-p", folder, "--runtime=other", "--version=1.0", "-f", file)
    results = why(capsys, *asked, code=1)["results"]
    assert [
        (r["source"], r["document"], r["kind"], r["namespace"], r["name"], r["template"])
        for r in results
    ] == [
        (file, 1, "Pod", "default", "db", ""),
        (file, 2, "Job", "shop", "dump", "spec.template"),
    ]
    text = told(capsys, "why", *asked, code=1)
    assert [line for line in text.splitlines() if not line.startswith(" ")] == [
        "Pod default/db on the runtime 1.0: incompatible",
        "",
        "Job shop/dump on the runtime 1.0: incompatible",
    ]


def test_why_reads_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(json.dumps(SERVICE).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert told(capsys, "why", "-f", "-") == "no pods\n"


def test_a_manifest_that_is_broken_is_named_and_the_others_are_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = manifest(tmp_path, {**OUR_POD, "spec": {}}, OUR_POD)
    assert run(["compat", "why", "-o", "json", "-f", file]) == 2
    out, err = capsys.readouterr()
    assert err == f"{file}:1: spec.containers: must hold at least one container\n"
    assert json.loads(out)["recognised"] is False


def test_a_pods_node_selector_goes_before_the_architecture(
    folder: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    arm = pod(
        annotations={"runtimegate.dev/needs": "perf:syscall-rate"},
        nodeSelector={"kubernetes.io/arch": "arm64"},
    )
    file = manifest(tmp_path_factory.mktemp("m"), arm)
    installed = ("--runtime=other", "--flag=platform=kvm", "--cri=cri-o=1.34", "--arch=amd64")
    text = told(capsys, "why", "-p", folder, *installed, "-f", file, code=1)
    assert text.splitlines()[0] == (
        "Pod default/web on the runtime 2.0 --platform=kvm under cri-o 1.34 on arm64: degraded"
    )


ALLOWED_RUNTIMES = "gvisor, kata, runc, crun, youki, nvidia, wasm, windows, other"
NO_SUCH = "no application is called 'ourdbx1'"
RKT = "must not be 'rkt': rkt was archived by the CNCF on 2019-08-16; use containerd with runc"
MISTAKES = {
    "--runtime=runx x": f"--runtime: must be one of {ALLOWED_RUNTIMES}, not 'runx'",
    "--runtime=rkt x": f"--runtime: {RKT}",
    "--runtime=kata --hypervisor=xen x": (
        "--hypervisor: must be one of qemu, clh, fc, dragonball, stratovirt, remote, not 'xen'"
    ),
    "--runtime=kata --hypervisor=nemu x": (
        "--hypervisor: must not be 'nemu': nemu was removed from Kata Containers (2022-05); "
        "use kata with clh (Cloud Hypervisor)"
    ),
    "--hypervisor=qemu x": "--hypervisor: must not be given for gvisor",
    "--cri=docker x": (
        "--cri: must not be 'docker': dockershim was removed in Kubernetes 1.24 (2022); "
        "use containerd, CRI-O or cri-dockerd"
    ),
    "--cri=containerd=x x": (
        "--cri: must be a version such as 20260817.0, 4.1.0 or 2.4.0-beta.0, not 'x'"
    ),
    "--version=1.2 x": "--version: must be a date such as 20260817.0 for gvisor, not '1.2'",
    "--runtime=other --flag=x=1 x": (
        "--flag: must be one that the rows of other speak of (iouring, platform), not 'x'"
    ),
    "--runtime=other --vendor=gke x": (
        "--vendor: must be one that the rows of other speak of (eks), not 'gke'"
    ),
    "--runtime=crun --vendor=gke x": (
        "--vendor: must be one that the rows of crun speak of (none), not 'gke'"
    ),
    "--flag=iouring x": "--flag: must be NAME=VALUE, not 'iouring'",
    "--env==1 x": "--env: must be NAME=VALUE, not '=1'",
    "X": "IMAGE: must be an image reference such as postgres:18, not 'X'",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_told_with_what_is_allowed(
    typed: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "why", "-p", folder, *typed.split())
    assert said == f"Error: Invalid value for {MISTAKES[typed]}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give an IMAGE, or manifests with -f"),
        (("x", "-f", "y"), "give an IMAGE, or manifests with -f"),
        (
            ("-f", "y", "--", "x"),
            "arguments and --env are for an IMAGE: manifests have their own",
        ),
    ],
)
def test_why_needs_an_image_or_manifests(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, "why", *arguments) == f"Error: {said}"


def test_an_overlay_with_an_error_is_told_and_nothing_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(facts(fact(support="some"), runtime="other"))
    assert run(["compat", "why", "-p", str(tmp_path), "x"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{tmp_path}/a.yaml:1: spec.facts[0].support: must be one of full, ")


# The standing examples, on the shipped table.

GVISOR = "20260817.0"
TIGERBEETLE = "ghcr.io/tigerbeetle/tigerbeetle:0.16.70"
CNPG = "ghcr.io/cloudnative-pg/postgresql:17.2"
ISTIO = ("istio/proxyv2:1.26.0", "--", "istio-iptables", "-p", "15001", "-z", "15006")
STANDING: list[tuple[str, tuple[str, ...], str, str | None]] = [
    (GVISOR, ("postgres:18",), "degraded", "perf:syscall-rate"),
    ("20181030", ("postgres:18",), "incompatible", "syscall:sync_file_range"),
    (
        GVISOR,
        ("postgres:18", "--", "-c", "io_method=io_uring"),
        "incompatible",
        "syscall:io_uring_setup",
    ),
    (
        GVISOR,
        ("mcr.microsoft.com/mssql/server:2022-latest",),
        "incompatible",
        "syscall:arch_prctl/ARCH_SET_GS",
    ),
    ("20221219", ("mariadb:10.11",), "incompatible", "kernel:io_uring-wait"),
    (GVISOR, (TIGERBEETLE, "--", "start"), "incompatible", "syscall:io_uring_setup"),
    ("20260615.0", (CNPG,), "incompatible", "proc:/proc/self/coredump_filter"),
    ("20260706.0", (CNPG,), "degraded", "perf:syscall-rate"),
    (GVISOR, ISTIO, "incompatible", "net:iptables-legacy"),
]


@pytest.mark.parametrize(("version", "asked", "verdict", "feature"), STANDING)
def test_the_standing_examples_are_refused_for_their_true_cause(
    version: str,
    asked: tuple[str, ...],
    verdict: str,
    feature: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = why(capsys, "--version", version, *asked, code=1)
    assert value["verdict"] == verdict
    assert (verdict, feature) in features(value)
    assert value["recognised"] is True
    assert "kata" + newest("kata") in value["suggestions"]


@pytest.mark.parametrize(
    ("version", "image"),
    [("20240729", "memcached:1.6"), (GVISOR, "nginx:1.31"), (GVISOR, "redis:8")],
)
def test_what_runs_well_is_not_refused(
    version: str, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = why(capsys, "--version", version, image)
    assert (value["verdict"], value["recognised"]) == ("compatible", True)


def test_mariadb_is_slow_and_not_incompatible_where_io_uring_is_wholly_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = why(capsys, "--version", "20240729", "mariadb:10.11", code=1)
    assert value["verdict"] == "degraded"
    assert ("degraded", "perf:syscall-rate") in features(value)


def test_io_uring_of_postgres_is_gated_by_a_flag_that_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("why", "--version", GVISOR, "postgres:18", "--", "-c", "io_method=io_uring")
    text = told(capsys, *asked, code=1)
    assert "  incompatible: syscall io_uring_setup is off without --iouring=true\n" in text


# table


def test_table_prints_the_rows_in_force_for_a_release_and_where_they_come_from(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("table", "-p", folder, "--runtime=other", "--version=1.5", "--feature=syscall:*")
    at, source = f"{folder}/a.yaml:1", "issue 2018-11-20: google/gvisor#88"
    origin = "origin".ljust(min(len(at), 60))
    assert told(capsys, *asked) == (
        "other 1.5: 2 rows\n"
        "  feature                  support                  releases  when  verified on  "
        f"{origin}  {'source':<{len(source)}}  does\n"
        "  syscall:io_uring_setup   gated by --iouring=true  all                          "
        f"{at}  {source}  answers ENOSYS unless asked\n"
        "  syscall:sync_file_range  absent                   <2                           "
        f"{at}  {source}  "
        "answers ENOSYS\n"
    )


def table(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The JSON of ``compat table``."""
    return json.loads(told(capsys, "table", "-o", "json", *arguments))


def test_table_as_json_has_every_row_of_a_runtime(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = table(capsys, "-p", folder, "--runtime=other", "--feature=*syscall*")
    assert [(f["feature"], f["versions"], f["support"], f["when"]) for f in value["facts"]] == [
        ("syscall:io_uring_setup", ["*"], "gated", {}),
        ("syscall:sync_file_range", ["<2"], "absent", {}),
        ("syscall:sync_file_range", [">=2"], "full", {}),
        (
            "perf:syscall-rate",
            ["*"],
            "partial",
            {
                "cri": {"name": "cri-o", "versions": ["*"]},
                "arch": ["arm64"],
                "flags": {"platform": "kvm"},
            },
        ),
    ]
    assert value["facts"][0]["gate"] == {
        "flag": "iouring",
        "values": ["true"],
        "support": "partial",
    }
    assert value["facts"][1] == {
        "runtime": "other",
        "feature": "syscall:sync_file_range",
        "versions": ["<2"],
        "support": "absent",
        "gate": None,
        "when": {},
        "summary": "",
        "note": "answers ENOSYS",
        "workaround": "Take 2.0.",
        "evidence": [EVIDENCE],
        "probe": None,
        "verified": [],
        "origin": f"{folder}/a.yaml:1",
    }
    assert value["releases"] == {"other": RELEASES}
    assert (value["runtime"], value["version"], value["applications"]) == ("other", None, [])


def test_table_as_json_has_an_application_whole(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    value = table(capsys, "-p", folder, "--application", "ourdb")
    nothing: dict[str, Any] = {"args": [], "env": {}, "labels": {}}
    whole = {"strength": "required", "unless": None, "note": "", "evidence": [EVIDENCE]}
    assert value["facts"] == []
    assert value["applications"] == [
        {
            "name": "ourdb",
            "title": "ourdb",
            "recognise": [{"images": ["*/ourdb"], "excludeImages": [], **nothing}],
            "needs": [
                {
                    **whole,
                    "feature": "syscall:sync_file_range",
                    "versions": ["*"],
                    "when": None,
                    "note": "flushes its log with it",
                },
                {
                    **whole,
                    "feature": "syscall:io_uring_setup",
                    "versions": [">=3"],
                    "when": {**nothing, "args": ["*uring*"]},
                },
                {
                    **whole,
                    "feature": "syscall:io_uring_setup",
                    "versions": ["*"],
                    "when": {**nothing, "env": {"URING": "1"}},
                },
            ],
            "verified": [
                {
                    "runtime": "other",
                    "versions": [">=1.0 <2.0"],
                    "works": "partial",
                    "applicationVersion": "3.1",
                    "note": "Starts only.",
                    "evidence": [EVIDENCE],
                }
            ],
            "origin": f"{folder}/b.yaml:1",
        }
    ]


def test_table_tells_people_of_an_application(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "table", "-p", folder, "--application", "our*") == (
        f"ourdb ({folder}/b.yaml:1)\n"
        "  is */ourdb\n"
        "  needs\n"
        "  feature                  strength  of its releases  what for\n"
        "  syscall:sync_file_range  required  all              flushes its log with it\n"
        "  syscall:io_uring_setup   required  >=3\n"
        "  syscall:io_uring_setup   required  all\n"
        "  seen to run\n"
        "  on                works    its release  source                              note\n"
        "  other >=1.0 <2.0  partial  3.1          issue 2018-11-20: google/gvisor#88  "
        "Starts only.\n"
    )


def test_table_alone_is_an_overview_for_people_and_everything_for_programs(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    overview = told(capsys, "table", "-p", folder).splitlines()
    rows = 4 + sum(fact.runtime == "other" for fact in shipped().compat.facts)
    assert f"  other    {rows:<4}  2         2.0" in overview
    assert overview[-1].endswith(" applications; see --runtime, --feature, --application")
    value = table(capsys, "-p", folder)
    assert {"other", "gvisor", "kata", "runc"} <= {f["runtime"] for f in value["facts"]}
    assert "ourdb" in {a["name"] for a in value["applications"]}


def test_a_feature_is_asked_for_with_the_rules_that_cover_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = table(capsys, "--runtime=runc", "--feature=syscall:statx/AT_NO_AUTOMOUNT")
    assert [f["feature"] for f in value["facts"]] == ["syscall:*"]


def test_an_overlay_silences_the_shipped_rows_of_its_feature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(facts(fact(note="ours")))
    asked = ("--runtime=gvisor", "--version=20181030", "--feature=syscall:sync_file_range")
    value = table(capsys, "-p", str(tmp_path), *asked)
    origins = {f["feature"]: f["origin"] for f in value["facts"]}
    assert origins == {
        "syscall:*": "shipped",
        "syscall:sync_file_range": f"{tmp_path}/a.yaml:1",
    }


def test_no_row_is_said_in_words(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("table", "-p", folder, "--runtime=other", "--feature=cap:*")
    assert told(capsys, *asked) == "no rows\n"
    assert told(capsys, *asked, "-o", "markdown").endswith("\n\nNo row speaks of it.\n\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--version=1.0",), "--version is a release of --runtime: give both"),
        (
            ("--runtime=other", "--version=unknown"),
            "Invalid value for --version: must be a release; omit it for all",
        ),
        (
            ("--application=ourdbx1",),
            f"Invalid value for --application: {NO_SUCH}; did you mean ourdb?",
        ),
        (
            ("--runtime=runx",),
            f"Invalid value for --runtime: must be one of {ALLOWED_RUNTIMES}, not 'runx'",
        ),
    ],
)
def test_table_tells_a_mistake_with_what_is_allowed(
    arguments: tuple[str, ...], said: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, "table", "-p", folder, *arguments) == f"Error: {said}"


def test_a_page_of_a_runtime_says_what_holds_now_and_what_changed(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("table", "-p", folder, "--runtime=other", "--feature=*syscall*", "-o", "markdown")
    at = f"({folder}/a.yaml:1)".replace("_", "\\_").replace("~", "\\~")
    assert told(capsys, *asked) == (
        "# The runtime\n"
        "\n"
        "<!-- Rendered from webhook/data/compat by `make docs`: edit the data, not this page. -->\n"
        "\n"
        "What the runtime 2.0 does with what pods and applications ask for. 2 releases are known, "
        "1.0 to 2.0; what\n"
        "other releases do follows from the rows' releases. How to read it: "
        "[compatibility.md](../compatibility.md).\n"
        "\n"
        "|  | full | gated |\n"
        "|---|---|---|\n"
        "| System calls | 1 | 1 |\n"
        "\n"
        "## System calls\n"
        "\n"
        "| feature | support | releases | only with | what it does |\n"
        "|---|---|---|---|---|\n"
        "| `syscall:io_uring_setup` | gated by --iouring=true | all |  | answers ENOSYS unless "
        f"asked. With it partial. {at} [^1] |\n"
        f"| `syscall:sync_file_range` | full | `>=2` |  | {at} [^1] |\n"
        "\n"
        "## Costs\n"
        "\n"
        "| feature | support | releases | only with | what it does |\n"
        "|---|---|---|---|---|\n"
        f"| `perf:syscall-rate` | partial | all | cri-o, arm64, --platform=kvm | {at} [^1] |\n"
        "\n"
        "## What changed, release by release\n"
        "\n"
        "- **2**: `syscall:sync_file_range` absent → full\n"
        "\n"
        "[^1]: issue, 2018-11-20: [google/gvisor#88](https://github.com/google/gvisor/issues/88)\n"
    )


# diff


def test_diff_tells_what_changes_feature_by_feature(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "diff", "-p", folder, "--runtime=other", "1.0", "2.0") == (
        "the runtime 1.0 → the runtime 2.0: 0 worse, 1 better, 0 different\n"
        "Better (1)\n"
        "  feature                  other@1.0  other@2.0  what\n"
        "  syscall:sync_file_range  absent     full       before: answers ENOSYS\n"
    )


def test_diff_as_json(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("diff", "-p", folder, "-o", "json", "other@2.0", "other@1.0")
    assert json.loads(told(capsys, *asked)) == {
        "before": {"runtime": "other", "version": "2.0"},
        "after": {"runtime": "other", "version": "1.0"},
        "changes": [
            {
                "feature": "syscall:sync_file_range",
                "direction": "worse",
                "before": {
                    "support": "full",
                    "note": "",
                    "workaround": None,
                    "evidence": [EVIDENCE],
                },
                "after": {
                    "support": "absent",
                    "note": "answers ENOSYS",
                    "workaround": "Take 2.0.",
                    "evidence": [EVIDENCE],
                },
            }
        ],
        "pods": [],
    }


def test_diff_tells_whose_verdict_changes_and_fails_where_one_gets_worse(
    folder: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    file = manifest(tmp_path_factory.mktemp("m"), OUR_POD, pod())
    asked = ("diff", "-p", folder, "--runtime=other", "-f", file)
    better = told(capsys, *asked, "1.0", "2.0").splitlines()
    assert better[-3:] == [
        "          before        after       why",
        "  Pod db  incompatible  compatible  syscall sync_file_range is missing",
        "2 pods: 1 with the same verdict",
    ]
    worse = json.loads(told(capsys, *asked, "2.0", "1.0", "-o", "json", code=1))
    assert worse["pods"][0] == {
        "source": file,
        "document": 0,
        "kind": "Pod",
        "namespace": "default",
        "name": "db",
        "template": "",
        "before": "compatible",
        "after": "incompatible",
        "causes": ["syscall sync_file_range is missing"],
    }
    assert worse["pods"][1]["before"] == worse["pods"][1]["after"]


def test_diff_as_markdown(
    folder: str, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    file = manifest(tmp_path_factory.mktemp("m"), OUR_POD)
    asked = ("diff", "-p", folder, "-o", "markdown", "-f", file, "other@1.0", "other")
    assert told(capsys, *asked) == (
        "# the runtime 1.0 → the runtime 2.0\n"
        "\n"
        "0 worse, 1 better, 0 different.\n"
        "\n"
        "## Better\n"
        "\n"
        "| feature | before | after | what |\n"
        "|---|---|---|---|\n"
        "| `syscall:sync_file_range` | absent | full | before: answers ENOSYS |\n"
        "\n"
        "## Verdicts that change\n"
        "\n"
        "| pod | before | after | why |\n"
        "|---|---|---|---|\n"
        "| Pod db | incompatible | compatible | syscall sync\\_file\\_range is missing |\n"
    )


def test_diff_compares_runtimes(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("diff", "-o", "json", "gvisor@20181030", "runc@1.3.0", "--hypervisor=qemu")
    value = json.loads(told(capsys, *asked))
    changed = {c["feature"]: c["direction"] for c in value["changes"]}
    assert changed["syscall:sync_file_range"] == "better"
    assert value["after"] == {"runtime": "runc", "version": "1.3.0"}


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("1.2", "runc", "A: must be a date such as 20260817.0 for gvisor, not '1.2'"),
        ("gvisor", "kata@", "B: must name a release, as in gvisor@20221219.0"),
        ("gvisor@unknown", "runc", "A: must name a release, as in gvisor@20221219.0"),
        (
            "gvisor",
            "rkt",
            f"B: {RKT}",
        ),
        ("gvisor", "runx@1", f"B: must be one of {ALLOWED_RUNTIMES}, not 'runx'"),
    ],
)
def test_diff_tells_a_mistake_with_what_is_allowed(
    a: str, b: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, "diff", a, b) == f"Error: Invalid value for {said}"


def test_diff_of_a_manifest_that_is_broken_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = manifest(tmp_path, {**OUR_POD, "spec": {}})
    assert run(["compat", "diff", "20221219", "20240729", "-f", file]) == 2
    assert capsys.readouterr().err == (
        f"{file}:1: spec.containers: must hold at least one container\n"
    )


# terminals


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["table"], "┏"),
        (["why", "nginx:1.31"], "\x1b[32mcompatible"),
        (["diff", "20221219", "20240729"], "┏"),
    ],
)
def test_a_terminal_is_shown_tables_and_colours(arguments: list[str], shown: str) -> None:
    assert shown in at_a_terminal(arguments, columns=120)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["diff", "20240729.0", "20260817.0"], "  syscall:preadv2\n    gvisor@20240729.0: full\n"),
        (["table", "--runtime", "gvisor", "--feature", "pod:hostPID"], "  pod:hostPID\n"),
        (
            ["why", "postgres:18"],
            "      perf:syscall-rate is required: is\n      bound by system calls",
        ),
    ],
)
def test_at_forty_columns_no_word_is_cut(arguments: list[str], shown: str) -> None:
    printed = re.sub(r"\x1b\[[0-9;]*m|\r", "", at_a_terminal(arguments, columns=40))
    assert shown in printed
    assert "┏" not in printed


def at_a_terminal(arguments: list[str], *, columns: int) -> str:
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "webhook.cli", "compat", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": ""},
    ) as process:
        os.close(theirs)
        printed = _all_of(ours)
        assert process.wait() in {0, 1}
    os.close(ours)
    return printed


def _all_of(terminal: int) -> str:
    """What is printed until the other side closes the terminal."""
    read = b""
    try:
        while part := os.read(terminal, 65536):
            read += part
    except OSError:  # how Linux tells that the other side is closed
        pass
    return read.decode()


def test_what_a_manifest_holds_reaches_the_terminal_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = pod(name="a\x1b[31m\nb", containers=[container("\x1b]0;x\x07", "Ü\x1b[2J")])
    file = manifest(tmp_path, {**evil, "kind": "Pod"})
    text = told(capsys, "why", "-f", file) + told(capsys, "diff", "20221219", "runc", "-f", file)
    assert not {c for c in text if not c.isprintable()} - {"\n"}


@pytest.mark.parametrize("command", ["table", "why", "diff"])
def test_the_help_shows_a_variable_for_every_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(capsys, command, "--help")
    options = text.partition("Options:")[2]
    assert options.count("[env var:") + options.count("env var:\n") >= options.count("\n  -") - 1
    assert f"RUNTIMEGATE_COMPAT_{command.upper()}_OUTPUT" in text
