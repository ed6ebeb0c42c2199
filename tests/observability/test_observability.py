"""The dashboard and the alerts that ship, against the metrics that the server has."""

import json
import os
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from tests.applications.root import BRINGS_IT
from tests.applications.root import ROOT as DEBIAN
from webhook.server import metrics

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [
    rule["expr"] for rule in RULES
]


def exposed() -> set[str]:
    """Every series that the page of metrics can have."""
    code = Path(metrics.__file__).read_text()
    names = set(re.findall(r'"(runtimegate_\w+)"', code))
    return names | {f"{name}{end}" for name in names for end in ("_total", "_bucket")}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_series_asked_for_is_one_that_the_server_has(expression: str) -> None:
    named = set(re.findall(r"\bruntimegate_\w+", expression))
    assert named <= exposed()
    assert named or "process_resident_memory_bytes" in expression


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_label_asked_for_is_one_that_a_review_has(expression: str) -> None:
    every = {*metrics.REVIEW_LABELS, *("job", "instance", "status", "kind", "le", "exemption")}
    every |= {"revision", "compat_version", "runtime_class"}
    matched = re.findall(r"(\w+)=~?\"", expression)
    grouped = [n for by in re.findall(r"by \(([^)]*)\)", expression) for n in by.split(", ")]
    assert {*matched, *grouped} <= every


def test_the_dashboard_has_what_grafana_needs() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert DASHBOARD["uid"] == DASHBOARD["title"] == "runtimegate"
    variables = {v["name"]: v["type"] for v in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query"}
    for panel in PANELS:
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_every_panel_has_an_id_and_a_title_of_its_own() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)


def test_no_panel_lies_on_another_or_beyond_the_edge() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    assert all(p["x"] >= 0 and p["x"] + p["w"] <= 24 for p in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert (page, anchor) == ("docs/operations.md", rule["alert"].lower())
    assert f"\n### {rule['alert']}\n" in OPERATIONS


def test_every_alert_is_raised_by_a_test_of_its_rules() -> None:
    tests = (FOLDER / "alerts.test.yaml").read_text()
    assert {rule["alert"] for rule in RULES} == set(re.findall(r'alertname="(\w+)"', tests))


def without_promtool() -> NoReturn:
    """Skip where Prometheus's tool is missing; where CI is set fail, for it brings Debian's."""
    message = f"there is no promtool in PATH; `{BRINGS_IT}` unpacks Debian's"
    if os.environ.get("CI") and os.geteuid() == 0:
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


@pytest.mark.may_skip(reason="whoever is not root has no promtool brought")
@pytest.mark.parametrize(
    "command", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml")]
)
def test_promtool_agrees(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool", path=f"{os.environ['PATH']}:{DEBIAN / 'usr' / 'bin'}")
    if promtool is None:
        without_promtool()
    done = subprocess.run(
        [promtool, *command], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
