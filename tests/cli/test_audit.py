"""``runtimegate audit`` of files: what it says in every format, and how it ends."""

import csv
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.audits import CLUSTER, POLICIES, Audit, deployed, fact, running
from webhook.cli import audit_text
from webhook.core.audit import FAILING, MEANINGS, State

HOSTILE = 'x\x1b[2J"><script>\n::error::=1+1'


@pytest.fixture
def audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Audit:
    return Audit(tmp_path, capsys)


def test_every_subject_stands_as_it_does(audit: Audit) -> None:
    assert audit.states() == {
        "Pod free/free": ["notGoverned"],
        "Pod kube-system/dns": ["notGoverned"],
        "Deployment tenant-a/web": ["compliant"],
        "Pod tenant-a/agent": ["exempt"],
        "Pod tenant-a/net": ["incompatible"],
        "Pod tenant-a/shell": ["otherRuntime", "unknown"],
        "Pod tenant-a/strange": ["otherRuntime", "unknown"],
        "Pod tenant-a/tuned": ["reconfigured"],
        "Deployment tenant-b/db": ["unassigned", "degraded"],
        "Pod tenant-b/old": ["expired", "incompatible"],
    }


def test_totals_add_up(audit: Audit) -> None:
    value = audit.value()
    totals = value["totals"]
    assert totals["subjects"] == len(value["subjects"]) == 10
    assert totals["pods"] == sum(s["pods"]["running"] for s in value["subjects"]) == 13
    assert totals["finished"] == {"pods": 1, "workloads": 0}
    for what in ("subjects", "pods"):
        assert sum(counts[what] for counts in totals["byState"].values()) == totals[what]
        assert sum(namespace[what] for namespace in value["namespaces"]) == totals[what]
    assert sum(entry["pods"] for entry in value["runtimeClasses"]) == totals["pods"]
    assert totals["byState"]["incompatible"] == {"subjects": 1, "pods": 1, "withState": 2}
    assert set(totals["byState"]) == {str(state) for state in State}


def test_a_namespace_in_which_nothing_is_found_is_told(audit: Audit) -> None:
    audit.run("-n", "tennant-a", "-n", "tenant-b")
    assert audit.err == ("namespace tennant-a: nothing was found there that runs or makes pods\n")


def test_a_subject_tells_everything_of_a_refusal(audit: Audit) -> None:
    (subject,) = (s for s in audit.value()["subjects"] if s["name"] == "db")
    assert subject["refused"]
    assert subject["runtimeClasses"] == {"": 2}
    assert subject["pods"] == {"running": 2, "finished": 0, "byState": {"unassigned": 2}}
    assert subject["anew"]["reason"] == "RuntimeDegraded"
    assert subject["anew"]["suggestions"] == ["kata-qemu"]
    assert subject["remedies"][0] == "use runtimeClassName: kata-qemu in its pod template"
    (finding,) = (f for f in subject["findings"] if f["runtimeClass"] == "gvisor")
    assert (finding["feature"], finding["now"], finding["anew"]) == (
        "perf:syscall-rate", False, True,
    )  # fmt: skip
    assert finding["evidence"]
    assert finding["fieldPath"].startswith("spec.template.spec.containers[0]")


def test_an_exemption_tells_by_whom_and_until_when(audit: Audit) -> None:
    told = {s["name"]: s["exemptions"] for s in audit.value()["subjects"] if s["exemptions"]}
    assert told["agent"] == [
        {
            "policy": "tenants",
            "name": "agent",
            "owner": "net-team",
            "reason": "=cmd|' /C calc'!A0",
            "ticket": "https://tracker.example/PLAT-12",
            "expires": "2027-06-30",
            "expired": False,
        }
    ]
    assert [(e["name"], e["expired"]) for e in told["old"]] == [("old-agent", True)]


def test_the_metadata_says_what_was_audited_by_what(audit: Audit) -> None:
    about = audit.value("-n", "tenant-a")["metadata"]
    assert about["origin"] == str(audit.saved)
    assert (about["live"], about["today"], about["namespaces"]) == (
        False, "2026-11-24", ["tenant-a"],
    )  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", about["generatedAt"])
    assert about["policies"]["folder"] == str(audit.policies)
    assert [entry["runtimeClass"] for entry in about["inventory"]["runtimes"]] == [
        "gvisor",
        "kata-qemu",
    ]


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["web-1-0"], 0),
        (["agent", "free"], 0),
        (["old"], 1),
        (["net"], 1),
        (["shell"], 1),
        (["tuned"], 1),
        (["db-1-0"], 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst(audit: Audit, names: list[str], code: int) -> None:
    audit.save([o for o in CLUSTER if o["kind"] != "Pod" or o["metadata"]["name"] in names])
    objects = [o for o in CLUSTER if o["kind"] in {"Namespace", "RuntimeClass"}]
    audit.save([*objects, *(o for o in CLUSTER if o["metadata"]["name"] in names)])
    audit.run(code=code)


def test_degraded_ends_well_where_the_policy_only_warns(audit: Audit) -> None:
    mild = POLICIES.replace("degraded: deny", "degraded: warn")
    (audit.policies / "all.yaml").write_text(mild)
    database = running("db", image="postgres:17", runtimeClassName="gvisor")
    audit.save([*(o for o in CLUSTER if o["kind"] == "RuntimeClass"), fact("Namespace", "tenant-a"),
                database])  # fmt: skip
    assert audit.states(code=0) == {"Pod tenant-a/db": ["degraded"]}


def test_exit_zero_is_for_findings_only(audit: Audit) -> None:
    audit.run("--exit-zero", code=0)
    audit.run("--exit-zero", "-f", str(audit.folder / "none.yaml"), code=2)


def test_what_cannot_be_read_is_told_and_the_rest_reported(audit: Audit) -> None:
    broken = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {}}
    audit.save([*CLUSTER, broken])
    value = audit.value(code=2)
    assert len(value["subjects"]) == 10
    assert value["errors"] == [
        f"{audit.saved}:1: spec.containers: must hold at least one container"
    ]
    assert value["errors"][0] in audit.err


def test_reports_are_not_written_of_a_file(audit: Audit) -> None:
    audit.run("--write-reports", code=2)
    assert "--write-reports writes to a cluster" in audit.err


def test_the_text_says_the_worst_first_and_what_to_do(audit: Audit) -> None:
    lines = audit.run().splitlines()
    head, body = (
        lines[: lines.index("tenant-b (policy tenants)")],
        lines[lines.index("tenant-b (policy tenants)") :],
    )
    assert "13 pods, 10 workloads, 4 namespaces" in head
    assert "exemption expired            1       1" in head
    assert body[1] == "  Pod old: exemption expired, incompatible"
    assert (
        "    → exemption old-agent of policy tenants ended on 2026-06-30: ask net-team to renew "
        "it, or do without"
    ) in body
    assert body[-1] == "3 workloads as demanded or not governed: not listed (--all does)"


def test_all_lists_every_subject(audit: Audit) -> None:
    every = audit.run("--all")
    assert "Deployment web: as demanded" in every
    assert "not listed" not in every


def test_many_subjects_are_counted_and_the_reader_told_how_to_see_them(audit: Audit) -> None:
    pods = [running(f"shell-{n}", runtimeClassName="runc") for n in range(100)]
    audit.save([*CLUSTER[:4], *pods])
    text = audit.run()
    assert text.count("  Pod shell-") == audit_text.MOST_SHOWN
    assert "and 60 more; --all shows them" in text


def test_at_forty_columns_only_what_cannot_be_broken_is_longer(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.cli.audit.columns", lambda: 40)
    lines = audit.run().splitlines()
    assert all(len(line) <= 40 or " " not in line.strip() for line in lines)


def test_the_text_of_an_empty_cluster_is_short(audit: Audit) -> None:
    audit.save([fact("Namespace", "tenant-a")])
    assert "0 pods, 0 workloads, 0 namespaces" in audit.run(code=0)


@pytest.mark.parametrize("output", ["text", "json", "csv", "policyreport", "metrics"])
def test_what_a_tenant_wrote_reaches_a_terminal_only_escaped(audit: Audit, output: str) -> None:
    notes = {f"dev.gvisor.{HOSTILE}": "1", "runtimegate.dev/needs": f"pod:{HOSTILE}"}
    hostile = running(
        HOSTILE, image=HOSTILE, runtimeClassName=HOSTILE, metadata={"annotations": notes}
    )
    hostile["metadata"]["namespace"] = f"tenant-{HOSTILE}"
    audit.save([*CLUSTER, hostile])
    printed = audit.run("-o", output)
    assert "\x1b" not in printed
    assert not any(line.startswith("::") for line in printed.splitlines())


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_every_subject(audit: Audit) -> None:
    found = {row["name"]: row for row in rows(audit.run("-o", "csv"))}
    assert len(found) == 10
    assert found["db"]["runtimeClasses"] == "(none) 2"
    assert found["db"]["remedies"].startswith("use runtimeClassName: kata-qemu")
    assert (found["old"]["state"], found["old"]["exemptionOwner"]) == ("expired", "net-team")


@pytest.mark.parametrize("begins", [*"=+-@\t\r", "＝", ' "=', "'="])
def test_no_cell_of_csv_is_a_formula(audit: Audit, begins: str) -> None:
    audit.save([running("x", image=f"{begins}1+1", runtimeClassName="gvisor")])
    found = rows(audit.run("-o", "csv", code=0))
    assert found
    for row in found:
        for cell in row.values():
            assert not cell.lstrip(" \"'").startswith(("=", "+", "@", "\t", "\r", "＝")) or (
                cell.startswith("'")
            )


def test_what_if_tells_what_other_policies_would_change(audit: Audit) -> None:
    other = audit.folder / "other"
    other.mkdir()
    changed = POLICIES.replace(
        "default: gvisor, allowed: [gvisor,", "default: kata-qemu, allowed: ["
    )
    (other / "all.yaml").write_text(changed.replace("tenant-*", "*"))
    value = audit.value("--what-if", str(other))
    changes = {s["name"]: s["change"]["kind"] for s in value["subjects"]}
    assert changes["web"] == "classChanged"
    assert changes["net"] == "newlyRefused" or changes["net"] == "stateChanged"
    assert changes["db"] == "noLongerRefused"
    assert changes["free"] == "classChanged"
    assert changes["dns"] == "none"
    assert sum(value["totals"]["changes"].values()) == 10
    text = audit.run("--what-if", str(other))
    assert "another class: Deployment web in tenant-a" in text
    assert "    RuntimeClass gvisor → RuntimeClass kata-qemu" in text


def test_the_same_policies_change_nothing(audit: Audit) -> None:
    value = audit.value("--what-if", str(audit.policies))
    assert {s["change"]["kind"] for s in value["subjects"]} == {"none"}


def test_metrics_have_a_bounded_number_of_series(audit: Audit) -> None:
    many = [
        obj for n in range(300) for obj in deployed(f"web-{n}", f"tenant-{n}", 1,
                                                    runtimeClassName=f"kata-{n}")
    ]  # fmt: skip
    audit.save([*CLUSTER, *many])
    series = [line for line in audit.run("-o", "metrics").splitlines() if line[0] != "#"]
    assert len(series) < 400
    assert any('namespace="_other"' in line for line in series)
    assert any('runtime_class="_other"' in line for line in series)
    total = sum(
        float(line.rpartition(" ")[2])
        for line in series
        if line.startswith("runtimegate_audit_namespace_workloads")
    )
    assert total == 310


def test_metrics_are_written_for_the_textfile_collector(audit: Audit) -> None:
    path = audit.folder / "runtimegate.prom"
    audit.run("--metrics-file", str(path))
    assert 'runtimegate_audit_workloads{state="expired"} 1.0' in path.read_text()
    assert [entry.name for entry in audit.folder.glob("*.prom*")] == ["runtimegate.prom"]


def test_a_file_that_cannot_be_written_is_told_and_the_report_printed(audit: Audit) -> None:
    path = audit.folder / "none" / "runtimegate.prom"
    printed = audit.run("--metrics-file", str(path), code=2)
    assert "13 pods" in printed
    assert f"--metrics-file {path}: No such file or directory" in audit.err


def test_a_pushgateway_that_is_not_there_is_told(audit: Audit) -> None:
    audit.run("--push-metrics", "http://127.0.0.1:9", code=2)
    assert "--push-metrics http://127.0.0.1:9: " in audit.err


def test_a_pushgateway_gets_the_metrics_in_the_place_of_the_last_ones(audit: Audit) -> None:
    asked: list[tuple[str, str, bytes]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.command, self.path, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Gateway) as gateway:
        thread = threading.Thread(target=gateway.handle_request)
        thread.start()
        audit.run("--push-metrics", f"http://127.0.0.1:{gateway.server_port}")
        thread.join()
    ((method, path, body),) = asked
    assert (method, path) == ("PUT", "/metrics/job/runtimegate-audit")
    assert b'runtimegate_audit_workloads{state="expired"} 1.0' in body


def reports(text: str) -> list[dict[str, Any]]:
    value: dict[str, Any] = json.loads(text)
    items: list[dict[str, Any]] = value["items"]
    return items


def test_policy_reports_are_one_a_governed_namespace_in_both_kinds(audit: Audit) -> None:
    found = reports(audit.run("-o", "policyreport"))
    assert [(r["kind"], r["metadata"]["namespace"]) for r in found] == [
        ("PolicyReport", "tenant-a"), ("Report", "tenant-a"),
        ("PolicyReport", "tenant-b"), ("Report", "tenant-b"),
    ]  # fmt: skip
    report = found[2]
    assert report["summary"] == {"pass": 0, "fail": 4, "warn": 0, "error": 0, "skip": 0}
    assert [(r["rule"], r["result"]) for r in report["results"]] == [
        ("unassigned", "fail"), ("degraded", "fail"),
        ("expired", "fail"), ("incompatible", "fail"),
    ]  # fmt: skip
    assert report["results"][0]["resources"] == [
        {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "tenant-b", "name": "db",
         "uid": "uid-db"}
    ]  # fmt: skip


def test_reports_of_many_workloads_are_split_below_the_limit_of_etcd(audit: Audit) -> None:
    pods = [running(f"shell-{n}", runtimeClassName="runc", metadata={"uid": "u" * 36})
            for n in range(3000)]  # fmt: skip
    audit.save([fact("Namespace", "tenant-a"), *CLUSTER[4:6], *pods])
    found = [r for r in reports(audit.run("-o", "policyreport")) if r["kind"] == "Report"]
    assert [r["metadata"]["name"] for r in found[:2]] == ["runtimegate", "runtimegate-2"]
    assert max(len(json.dumps(report)) for report in found) < 1_100_000
    assert sum(len(report["results"]) for report in found) == 6000


def test_every_state_is_defined_in_the_documentation() -> None:
    page = Path("docs/audit.md").read_text()
    for state, meaning in MEANINGS.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{state}` |"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[1:] == [
            meaning.title,
            meaning.definition,
            "1" if state in FAILING else "0",
        ]
