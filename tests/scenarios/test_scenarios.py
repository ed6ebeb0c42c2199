"""The scenarios: every case answered by both webhooks as it stands beside it."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonpatch
import orjson
import pytest
import yaml

from tests.build import TODAY, review
from webhook.core.cluster import ClusterView, view_namespace, view_runtime_class
from webhook.core.nodes import Nodes, view_node
from webhook.core.snapshot import Snapshot
from webhook.documents.folder import load_policies
from webhook.documents.tables import ShippedData
from webhook.wire.admit import Door, admit

HERE = Path(__file__).parent
DEFAULTS = HERE / "defaults"
DECISIONS = ("keep", "assign", "deny")
FILES_OF_A_TOPIC = frozenset({"policy.yaml", "cluster.yaml", "inventory.yaml", "tables.yaml"})
EXPECTED = ".expected.yaml"

TOPICS = sorted(p for p in HERE.iterdir() if p.is_dir() and p.name[0] not in "._" and p != DEFAULTS)
CASES = sorted(
    path
    for topic in TOPICS
    for path in topic.iterdir()
    if path.name.partition(".")[0] in DECISIONS and not path.name.endswith(EXPECTED)
)


def named(path: Path) -> str:
    """A path as the name of a test."""
    return str(path.relative_to(HERE)).removesuffix(".yaml")


def expectation(case: Path) -> Path:
    """The file beside a case that says what is answered."""
    return case.with_name(case.name.removesuffix(".yaml") + EXPECTED)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_case_is_answered_as_it_stands_beside_it(case: Path, request: Any) -> None:
    answers = answered(case)
    if request.config.getoption("--update-golden"):
        expectation(case).write_text(written(answers), encoding="utf-8")
    assert case.name.partition(".")[0] == decision(answers)
    assert expectation(case).exists(), "no expectation: pytest --update-golden writes it"
    assert yaml.safe_load(expectation(case).read_text(encoding="utf-8")) == answers


@pytest.mark.parametrize("topic", TOPICS, ids=named)
def test_a_topic_has_its_policy_and_its_cases_and_no_other_file(topic: Path) -> None:
    names = {path.name for path in topic.iterdir() if path.name != "__pycache__"}
    cases = {path.name for path in CASES if path.parent == topic}
    expectations = {expectation(topic / name).name for name in cases}
    assert cases
    assert "policy.yaml" in names
    assert names - cases - expectations - FILES_OF_A_TOPIC == set()


@pytest.mark.parametrize("topic", [*TOPICS, DEFAULTS], ids=named)
def test_a_file_of_a_topic_begins_with_what_it_shows(topic: Path) -> None:
    for path in topic.glob("*.yaml"):
        if not path.name.endswith(EXPECTED) and path.name not in FILES_OF_A_TOPIC - {"policy.yaml"}:
            assert path.read_text(encoding="utf-8").startswith("# "), path.name


def answered(case: Path) -> dict[str, Any]:
    """What the webhooks answer: ``mutate`` on CREATE, then ``validate`` for the patched pod."""
    body = review_of(yaml.safe_load(case.read_text(encoding="utf-8")))
    within = snapshot_of(case.parent)
    answers = {}
    if body["request"]["operation"] == "CREATE":
        answers["mutate"] = response(body, within, Door.MUTATE)
        body["request"]["object"] = jsonpatch.apply_patch(
            body["request"]["object"], answers["mutate"].get("patch", [])
        )
    answers["validate"] = response(body, within, Door.VALIDATE)
    return answers


def decision(answers: Mapping[str, Any]) -> str:
    """keep, assign or deny."""
    if not answers["validate"]["allowed"]:
        return "deny"
    return "assign" if "patch" in answers.get("mutate", {}) else "keep"


def review_of(document: dict[str, Any]) -> dict[str, Any]:
    """The whole review of a case: of a Pod that is created, or of a review's own few fields."""
    given = document.get("request", {"object": document})
    request = {key: value for key, value in given.items() if key != "object"}
    namespace = given["object"]["metadata"]["namespace"]
    return review(given["object"], namespace=namespace, **request)


def response(body: Mapping[str, Any], within: Snapshot, door: Door) -> dict[str, Any]:
    """What one webhook answers, its patch readable; uid and revision are every answer's."""
    outcome = admit(orjson.dumps(body), within, door)
    answer: dict[str, Any] = orjson.loads(outcome.body)["response"]
    assert answer.pop("uid") == body["request"]["uid"]
    answer["auditAnnotations"].pop("revision")
    if "patch" in answer:
        assert answer.pop("patchType") == "JSONPatch"
        answer["patch"] = orjson.loads(base64.b64decode(answer["patch"]))
    return answer


def snapshot_of(topic: Path) -> Snapshot:
    """The snapshot of a topic: its own files, and the default ones where it has none."""
    files = [file_of(topic, name) for name in ("policy.yaml", "inventory.yaml", "tables.yaml")]
    loaded = load_policies([(named(path), path.read_bytes()) for path in files], ShippedData())
    return Snapshot(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        cluster=cluster_of(file_of(topic, "cluster.yaml")),
        today=TODAY,
        revision="scenario",
    )


def file_of(topic: Path, name: str) -> Path:
    """A topic's own file, or the default one."""
    return topic / name if (topic / name).exists() else DEFAULTS / name


def cluster_of(path: Path) -> ClusterView:
    """The cluster that a file of manifests describes."""
    objects = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))

    def of_kind(kind: str) -> Iterator[dict[str, Any]]:
        return (obj for obj in objects if obj["kind"] == kind)

    namespaces = [view_namespace(obj) for obj in of_kind("Namespace")]
    classes = [view_runtime_class(obj) for obj in of_kind("RuntimeClass")]
    return ClusterView(
        namespaces={view.name: view for view in namespaces},
        runtime_classes={view.name: view for view in classes},
        nodes=Nodes(view_node(obj) for obj in of_kind("Node")),
    )


class _Dumper(yaml.SafeDumper):
    """Messages of several lines are written as they are read."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def written(answers: Mapping[str, Any]) -> str:
    """The answers as YAML, a line for every sentence."""
    return yaml.dump(answers, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
