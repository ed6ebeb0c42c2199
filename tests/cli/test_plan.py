import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.build import container, pod
from webhook.cli import run
from webhook.documents.folder import load_policies
from webhook.documents.lint import lint
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "docs" / "sample-cluster.yaml"
DAY = ("--today", "2026-11-26")
HOSTILE = "evil\x1b[31m\n- name: x"


def saved(folder: Path, *objects: dict[str, Any]) -> str:
    file = folder / "cluster.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return str(file)


def in_namespace(namespace: str, **tweak: Any) -> dict[str, Any]:
    return pod(namespace=namespace, **tweak)


def planned(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run(["plan", *DAY, *arguments, "-o", "json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_sample_is_counted_by_class(capsys: pytest.CaptureFixture[str]) -> None:
    value = planned(capsys, "--cluster", str(SAMPLE))
    totals = value["totals"]
    assert {entry["class"]: entry["workloads"] for entry in totals["byClass"]} == {
        "gvisor": 34, "kata-qemu": 6, "runc": 7,
    }  # fmt: skip
    assert totals["sandboxed"] == {"workloads": 40, "pods": 58}
    assert totals["leftAlone"]["workloads"] == 5
    assert sum(entry["pods"] for entry in totals["byClass"]) == totals["pods"]
    assert value["draft"] is None


def test_each_workload_says_what_keeps_it_from_a_stronger_class(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = planned(capsys, "--cluster", str(SAMPLE), "-n", "data")
    (database,) = (w for w in value["workloads"] if w["name"] == "orders-db")
    assert (database["kind"], database["pods"], database["class"]) == (
        "StatefulSet",
        3,
        "kata-qemu",
    )
    (obstacle,) = database["obstacles"]
    assert (obstacle["class"], obstacle["reason"]) == ("gvisor", "RuntimeDegraded")
    assert obstacle["findings"][0]["application"] == "postgresql"
    assert obstacle["findings"][0]["evidence"]


def test_degraded_is_accepted_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    value = planned(capsys, "--cluster", str(SAMPLE), "-n", "data", "--accept", "degraded")
    (database,) = (w for w in value["workloads"] if w["name"] == "orders-db")
    assert database["class"] == "gvisor"
    assert "perf:syscall-rate" in {finding["feature"] for finding in database["caveats"]}


def test_what_a_newer_release_would_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(
        "apiVersion: runtimegate.dev/v1\nkind: RuntimeInventory\nmetadata: {name: c}\n"
        "spec: {runtimes: [{runtimeClass: gvisor, runtime: gvisor, versions: ['20181030.0']}]}\n"
    )
    file = saved(tmp_path, in_namespace("a", containers=[container(image="postgres:11")]))
    given = ("--cluster", file, "--inventory", str(inventory), "--prefer", "gvisor,runc")
    assert planned(capsys, *given)["newer"][0]["gained"] == []
    (newer,) = planned(capsys, *given, "--accept", "degraded")["newer"]
    assert (newer["from"], newer["workloads"]) == (["20181030.0"], 1)
    assert newer["gained"] == [{"namespace": "a", "kind": "Pod", "name": "web"}]


def test_a_draft_of_the_sample_lints_clean_and_refuses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "draft"
    value = planned(capsys, "--cluster", str(SAMPLE), "--write", str(folder))
    assert (value["draft"]["refused"], value["draft"]["lint"]) == ([], [])
    assert value["draft"]["decided"] > 150
    loaded = load_policies(load_folder(folder).named_files, shipped())
    assert lint(loaded, date(2026, 11, 26)) == ()
    assert run(["check", "-p", str(folder), *DAY, str(SAMPLE), "-o", "json"]) == 1
    results = json.loads(capsys.readouterr().out)["results"]
    refused = [r["name"] for r in results if r["decision"] == "deny"]
    assert len(refused) == 1, "an old revision of grafana, which plan knows to be superseded"
    assert refused[0].startswith("grafana-")


def test_every_override_stands_below_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "draft"
    planned(capsys, "--cluster", str(SAMPLE), "--write", str(folder))
    text = (folder / "namespaces" / "ci.yaml").read_text()
    overrides = yaml.safe_load(text)["spec"]["overrides"]
    assert overrides
    for override in overrides:
        above = text.partition(f"    - name: {override['name']}\n")[0].splitlines()
        reason: list[str] = []
        while above and above[-1].startswith("    #"):
            reason.insert(0, above.pop().strip("# "))
        assert "ci/" in reason[0]
        assert any(line.startswith("- gvisor: ") for line in reason)


def test_a_draft_is_the_same_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for name in ("one", "two"):
        planned(capsys, "--cluster", str(SAMPLE), "--write", str(tmp_path / name))
        texts.append(dict(load_folder(tmp_path / name).files))
    assert texts[0] == texts[1]


def test_a_folder_that_is_not_empty_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text("mine")
    assert run(["plan", "--cluster", str(SAMPLE), "--write", str(tmp_path)]) == 2
    assert "is not empty; --force replaces" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_force_replaces_an_earlier_draft_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "draft"
    planned(capsys, "--cluster", str(SAMPLE), "--write", str(folder))
    (folder / "mine.yaml").write_text("# mine\n")
    value = planned(
        capsys, "--cluster", str(SAMPLE), "-n", "data", "--write", str(folder), "--force"
    )
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.yaml"))
    assert left == sorted([*value["draft"]["files"], "mine.yaml"])
    assert "others.yaml" not in left, "of a part of a cluster nothing is said of the rest"


def test_force_leaves_a_file_that_is_not_of_a_draft(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inventory.yaml").write_text("# mine\n")
    arguments = ["--cluster", str(SAMPLE), "--write", str(tmp_path), "--force"]
    assert run(["plan", *DAY, *arguments]) == 2
    assert "inventory.yaml is not of a draft" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["inventory.yaml"]
    assert (tmp_path / "inventory.yaml").read_text() == "# mine\n"


def test_an_inventory_that_there_is_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "draft"
    given = ("-p", str(ROOT / "policies"), "--cluster", str(SAMPLE), "--write", str(folder))
    value = planned(capsys, *given)
    assert value["assumptions"] == []
    was = yaml.safe_load((ROOT / "policies" / "inventory.yaml").read_text())
    now = yaml.safe_load((folder / "inventory.yaml").read_text())
    assert now["spec"]["runtimes"][:3] == was["spec"]["runtimes"]
    assert now["spec"]["runtimes"][3]["runtimeClass"] == "nvidia"
    assert now["spec"]["guards"] == was["spec"]["guards"]


def test_tables_of_the_operators_own_count_and_go_with_the_draft(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "mine.yaml").write_text(
        "apiVersion: runtimegate.dev/v1\nkind: ApplicationRequirements\nmetadata: {name: shop}\n"
        "spec:\n  title: the shop\n  recognise: [{images: [registry.example/shop]}]\n  needs:\n"
        "    - feature: pod:hostPID\n      strength: required\n      note: x\n"
        "      evidence: [{kind: issue, source: shop#1, date: 2026-01-01}]\n"
    )
    file = saved(tmp_path, in_namespace("a", containers=[container(image="registry.example/shop")]))
    folder = tmp_path / "draft"
    value = planned(capsys, "-p", str(policies), "--cluster", file, "--write", str(folder))
    assert value["workloads"][0]["class"] == "runc"
    assert (folder / "mine.yaml").read_text() == (policies / "mine.yaml").read_text()


def test_what_a_tenant_writes_reaches_neither_terminal_nor_document_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "draft"
    file = saved(
        tmp_path,
        in_namespace("team", name=HOSTILE, hostNetwork=True, serviceAccountName=HOSTILE,
                     labels={HOSTILE: HOSTILE}, runtimeClassName=None),
        in_namespace(HOSTILE, name="x"),
    )  # fmt: skip
    assert run(["plan", *DAY, "--cluster", file, "--write", str(folder)]) in {0, 1}
    printed = capsys.readouterr()
    assert "\x1b[31m" not in printed.out + printed.err
    for name, content in load_folder(folder).files:
        assert b"\x1b" not in content, name
    names = [o["name"] for o in yaml.safe_load((folder / "namespaces/team.yaml").read_text())
             ["spec"]["overrides"]]  # fmt: skip
    assert names == ["evil-31m-name-x"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--prefer", "gvisor,,runc"], "'' is no name of a RuntimeClass"),
        (["--prefer", "kata-*"], "'kata-*' is no name of a RuntimeClass"),
        (["--prefer", "gvisor,gvisor"], "gvisor is named twice"),
        (
            ["--prefer", "gvsior,runc"],
            (
                "gvsior: neither its name nor its handler says which runtime it is; an inventory "
                "does (-p or --inventory); did you mean gvisor?"
            ),
        ),
        (["--prefer", "runc"], "at least one class must isolate"),
        (["--prefer", "runc,gvisor"], "runc runs on the node's kernel and stands before gvisor"),
        (["--inventory", str(ROOT / "policies" / "tenants.yaml")], "holds no RuntimeInventory"),
        (["--write", str(SAMPLE)], "is no folder"),
    ],
)
def test_options_that_cannot_be_are_refused(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--cluster", str(SAMPLE), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_what_cannot_be_read_is_told_and_the_rest_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path, in_namespace("a"), {**in_namespace("b"), "spec": {"containers": 5}})
    value = planned(capsys, "--cluster", file, code=2)
    assert [w["namespace"] for w in value["workloads"]] == ["a"]
    assert not value["complete"]
    assert "must be a list" in value["incomplete"][0]


def test_the_text_fits_forty_columns_and_names_every_workload_that_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert run(["plan", *DAY, "--cluster", str(SAMPLE)]) == 0
    text = capsys.readouterr().out
    assert "  sandboxed    40  85 %    58  79 %\n" in text
    assert "  StatefulSet data/orders-db, 3 pods →\n" in text
    words = {word for line in text.splitlines() if len(line) > 40 for word in line.split()}
    assert all(len(line.split()) == 1 for line in text.splitlines() if len(line) > 40), words


def test_under_a_draft_audit_finds_nothing_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "draft"
    planned(capsys, "--cluster", str(SAMPLE), "--write", str(folder))
    classes = "".join(
        f"- {{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {{name: {name}}}, "
        f"handler: {handler}}}\n"
        for name, handler in (("gvisor", "runsc"), ("kata-qemu", "kata-qemu"))
    )
    cluster = tmp_path / "cluster.yaml"
    cluster.write_text(SAMPLE.read_text().replace("items:\n", f"items:\n{classes}", 1))
    run(["audit", "-p", str(folder), "--cluster", str(cluster), *DAY, "-o", "json"])
    totals = json.loads(capsys.readouterr().out)["totals"]
    assert totals["refused"] == {"subjects": 0, "pods": 0}
    assert totals["subjects"] > 50
