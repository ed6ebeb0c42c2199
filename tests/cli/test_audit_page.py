import base64
import contextlib
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.audit_samples import (
    HOSTILE,
    MARKUP,
    TODAY,
    hostile,
    namespace,
    pod,
    report_of,
    usual,
)
from webhook.cli import run
from webhook.cli.audit_page import html_page
from webhook.cli.audit_page_blocks import Block


class Parsed(HTMLParser):
    """A page as a browser reads it: elements with their attributes, text, and scripts' text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text: list[str] = []
        self._within = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        self.raw.get(self._within, self.text).append(data)

    @property
    def data(self) -> Any:
        return json.loads(self.raw["script"][0])

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def tile(self, state: str) -> str:
        return next(str(a["class"]) for t, a in self.elements if a.get("data-state") == state)


def parsed(tmp_path: Path, objects: list[dict[str, Any]], *more: str) -> Parsed:
    return Parsed(html_page(report_of(tmp_path, objects, *more)))


def test_no_text_of_a_tenant_becomes_markup(tmp_path: Path) -> None:
    page = html_page(report_of(tmp_path, [*usual(), *hostile()]))
    read = Parsed(page)
    assert MARKUP not in page
    assert [tag for tag, _ in read.elements].count("script") == 2
    assert not {"img", "iframe", "object"} & {tag for tag, _ in read.elements}
    names = {subject["name"] for subject in read.data["subjects"]}
    assert {f"{MARKUP}{n}" for n in range(len(HOSTILE))} <= names


def test_what_cannot_be_printed_is_shown_as_an_escape(tmp_path: Path) -> None:
    page = html_page(report_of(tmp_path, [*usual(), *hostile()]))
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "\\u202egnp" in json.dumps(Parsed(page).data, ensure_ascii=False).replace("\\\\", "\\")


def test_only_the_pages_own_style_and_script_may_run(tmp_path: Path) -> None:
    read = parsed(tmp_path, usual())
    (policy,) = (a["content"] for t, a in read.elements if a.get("http-equiv"))
    assert policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for text in (read.raw["style"][0], read.raw["script"][1]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_nothing_is_fetched_and_no_attribute_is_code(tmp_path: Path) -> None:
    read = parsed(tmp_path, usual())
    for tag, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert not re.search(r"\burl\(|@import", read.raw["style"][0])


def test_a_pod_of_each_state_is_there_the_worst_first(tmp_path: Path) -> None:
    data = parsed(tmp_path, usual()).data
    states = {subject["name"]: subject["state"] for subject in data["subjects"]}
    assert states == {
        "builder": "expired", "on-runc": "otherRuntime", "bare": "unassigned", "db": "degraded",
        "agent": "exempt", "web": "compliant", "free": "notGoverned", "proxy": "notGoverned",
    }  # fmt: skip
    order = [state["id"] for state in data["states"]]
    ranks = [order.index(subject["state"]) for subject in data["subjects"]]
    assert ranks == sorted(ranks)


def test_a_state_counts_as_many_as_its_filter_finds(tmp_path: Path) -> None:
    data = parsed(tmp_path, [*usual(), *hostile()]).data
    assert any(state["subjects"] for state in data["states"])
    for state in data["states"]:
        found = [s for s in data["subjects"] if state["id"] in s["states"]]
        assert state["subjects"] == len(found)


def test_a_finding_is_told_with_cause_evidence_and_remedy(tmp_path: Path) -> None:
    data = parsed(tmp_path, usual()).data
    (db,) = (subject for subject in data["subjects"] if subject["name"] == "db")
    finding = data["findings"][db["findings"][0]]
    assert finding["feature"] == "perf:syscall-rate"
    assert "system calls take" in finding["cause"][0]
    assert finding["evidence"][0].startswith("measured 20")
    assert db["remedies"]


def test_a_finding_of_many_pods_is_kept_once(tmp_path: Path) -> None:
    many = [pod(f"db-{n}", "postgres:17", runtimeClassName="gvisor") for n in range(20)]
    data = parsed(tmp_path, [namespace("tenant-a"), *many]).data
    assert len(data["subjects"]) == 20
    indexes = {index for subject in data["subjects"] for index in subject["findings"]}
    assert indexes == set(range(len(data["findings"])))
    assert len(indexes) < 5


def test_exemptions_name_owner_and_end(tmp_path: Path) -> None:
    words = parsed(tmp_path, usual()).words
    assert "tenants/agents storage <team> Mounts volumes for everyone. 2026-12-24" in words
    assert "ended 2026-11-01" in words


def test_bars_are_as_wide_as_their_share(tmp_path: Path) -> None:
    on_kata = pod("k", "nginx:1.29", "tenant-b", runtimeClassName="kata-qemu")
    read = parsed(tmp_path, [*usual(), on_kata])
    bars = [attributes for tag, attributes in read.elements if tag == "rect"]
    assert sum(float(bar["width"] or 0) for bar in bars) == pytest.approx(4 * 1000, abs=1)
    assert "kata-qemu 1, runc 1, none 1" in read.words


def test_what_was_not_looked_at_stands_above_everything(tmp_path: Path) -> None:
    report = report_of(tmp_path, usual())
    report["missing"] = [{"what": "pods in namespace b", "why": "HTTP 403: <forbidden>"}]
    words = Parsed(html_page(report)).words
    at = words.index("This report is incomplete")
    assert at < words.index("What runs, by state")
    assert "pods in namespace b: HTTP 403: <forbidden>" in words


def test_a_cluster_without_pods_says_so(tmp_path: Path) -> None:
    assert "Nothing was found that runs" in parsed(tmp_path, [namespace("tenant-a")]).words


def test_other_policies_tell_what_they_would_change(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    report_of(tmp_path, [])
    text = (tmp_path / "policies" / "policies.yaml").read_text()
    (other / "p.yaml").write_text(text.replace("allowed: [gvisor, kata-qemu]", "allowed: [gvisor]"))
    words = parsed(
        tmp_path,
        [*usual(), pod("k", "nginx:1.29", runtimeClassName="kata-qemu")],
        "--what-if",
        str(other),
    ).words
    assert "1 newly refused." in words
    assert "Pod tenant-a/k newly refused" in words


def test_a_block_of_another_report_stands_in_the_page_escaped(tmp_path: Path) -> None:
    block = Block(title="Plan", lead=["<b>"], columns=("What",), rows=[(MARKUP,)], rest="and more")
    page = html_page(report_of(tmp_path, usual()), [block])
    assert MARKUP not in page
    assert "Plan <b> What" in Parsed(page).words


def test_the_command_prints_the_page_with_the_plan_that_is_asked_for(tmp_path: Path) -> None:
    report_of(tmp_path, usual())
    arguments = ["audit", "-p", str(tmp_path / "policies"), "--today", TODAY]
    arguments += ["--cluster", str(tmp_path / "cluster.json"), "-o", "html"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = run([*arguments, "--prefer", "gvisor,kata-qemu,runc"])
    words = Parsed(printed.getvalue()).words
    assert code == 1
    assert "How strongly it could be isolated" in words
    assert "Pod tenant-a/db 1 kata-qemu RuntimeClass gvisor runs postgresql badly" in words


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["-o", "json", "--prefer", "gvisor"], "--prefer adds the plan to the page of -o html"),
        (["-o", "html", "--prefer", "gvisor,gvisor"], "gvisor is named twice"),
    ],
)
def test_a_plan_that_cannot_be_had_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], says: str
) -> None:
    report_of(tmp_path, usual())
    arguments = ["-p", str(tmp_path / "policies"), "--cluster", str(tmp_path / "cluster.json")]
    assert run(["audit", *arguments, *given]) == 2
    assert says in capsys.readouterr().err
