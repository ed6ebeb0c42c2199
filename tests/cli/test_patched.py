import io
import json
from pathlib import Path

import pytest
import yaml

from tests.build import classes, inventory, pod, policy, review, rules, snapshot
from tests.cli.test_check_inputs import STAMPED, workload
from webhook.cli.check_inputs import check_inputs
from webhook.cli.manifests import Inputs, load_manifests
from webhook.cli.patched import Patched, patched
from webhook.core.decision import Keep
from webhook.core.names import Mode
from webhook.core.runtimes import Inventory
from webhook.core.snapshot import Snapshot
from webhook.core.workload_presets import PRESETS

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WEB = """\
# The shop's front.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # as in DNS
spec:
  template:
    spec:
      # Two of them.
      containers:
        - {name: web, image: nginx}   # small
        - name: logs
          image: "fluent-bit:3"
          args: ["--{{literal}}"]
"""
OTHERS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  x: |
    {{ kept }}   
"""  # noqa: W291 - blanks at the end of a line are kept too


def inputs_of(tmp_path: Path, *texts: str) -> Inputs:
    """The inputs of files with these texts."""
    files = []
    for number, text in enumerate(texts):
        file = tmp_path / f"{number}.yaml"
        file.write_bytes(text.encode())
        files.append(str(file))
    return load_manifests(files, stdin=io.BytesIO())


def patch(tmp_path: Path, *texts: str, using: Snapshot | None = None) -> Patched:
    """What ``--patched`` makes of these files."""
    inputs = inputs_of(tmp_path, *texts)
    outcome = check_inputs(inputs, using or snapshot(), namespace="tenant-a")
    return patched(inputs.contents, outcome.results)


def said(found: Patched) -> str:
    """The text that is printed, of what nothing is wrong with."""
    assert found.errors == ()
    return found.content.decode()


def test_a_template_gets_the_class_and_every_other_byte_stays(tmp_path: Path) -> None:
    text = f"{OTHERS}---\n{WEB}---\n{OTHERS}"
    expected = WEB.replace("      containers:", "      runtimeClassName: gvisor\n      containers:")
    assert said(patch(tmp_path, text)) == f"{OTHERS}---\n{expected}---\n{OTHERS}"


def test_a_pod_gets_the_annotation_too_as_the_cluster_would_store_it(tmp_path: Path) -> None:
    text = yaml.safe_dump(pod(namespace=None))
    stored = yaml.safe_load(said(patch(tmp_path, text)))
    assert stored["spec"]["runtimeClassName"] == "gvisor"
    assert stored["metadata"]["annotations"] == {"runtimegate.dev/assigned-by": "tenants"}


@pytest.mark.parametrize("kind", STAMPED)
@pytest.mark.parametrize("as_json", [True, False])
def test_what_was_patched_asks_for_what_it_was_assigned(
    tmp_path: Path, kind: str, as_json: bool
) -> None:
    api_version, at = STAMPED[kind]
    obj = workload(api_version, kind, at, pod())
    dump = json.dumps if as_json else yaml.safe_dump
    once = said(patch(tmp_path, dump(obj)))
    again = check_inputs(inputs_of(tmp_path, once), snapshot(), namespace="tenant-a")
    (result,) = again.results
    assert isinstance(result.decision, Keep)
    assert result.pod.runtime_class_name == "gvisor"
    assert said(patch(tmp_path, once)) == once


def test_every_item_of_a_list_is_patched(tmp_path: Path) -> None:
    items = [pod(name="a"), pod(name="b", runtimeClassName="kata-qemu"), pod(name="c")]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2)
    stored = json.loads(said(patch(tmp_path, text)))
    assert [item["spec"]["runtimeClassName"] for item in stored["items"]] == [
        "gvisor", "kata-qemu", "gvisor",
    ]  # fmt: skip


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_the_examples_can_be_patched(tmp_path: Path, file: Path) -> None:
    text = file.read_text()
    found = said(patch(tmp_path, text))
    written = [line for line in found.splitlines() if "runtime" not in line]
    kept = [line for line in text.splitlines() if "runtime" not in line]
    assert [line for line in written if line.strip() != "annotations:"] == kept


def test_several_files_are_one_stream(tmp_path: Path) -> None:
    json_text = json.dumps(pod(name="j"))
    texts = (
        "\ufeff" + OTHERS,
        json_text,
        f"---\n{OTHERS}",
        OTHERS.rstrip("\n"),
        f"%YAML 1.1\n---\n{OTHERS}",
    )
    stream = said(patch(tmp_path, *texts))
    kinds = [d["kind"] for d in yaml.safe_load_all(stream)]
    assert kinds == ["ConfigMap", "Pod", "ConfigMap", "ConfigMap", "ConfigMap"]
    assert "\ufeff" not in stream


def test_a_pod_in_a_part_that_is_shared_is_refused_with_its_line(tmp_path: Path) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
        "x: &s {containers: [{name: a, image: b}]}\nspec: *s\n"
    )
    (error,) = patch(tmp_path, text).errors
    assert str(error).endswith(
        "0.yaml:1: spec.runtimeClassName stands in a part that is written once and used again by "
        "an alias: write it out first"
    )


def test_a_review_is_not_written_into(tmp_path: Path) -> None:
    (error,) = patch(tmp_path, json.dumps(review(pod()))).errors
    assert error.problem == "an AdmissionReview is no manifest to be written into"


def test_under_a_policy_that_only_watches_nothing_is_written(tmp_path: Path) -> None:
    watching = snapshot(policy(governs=rules(classes("gvisor", "gvisor"), mode=Mode.WARN)))
    assert said(patch(tmp_path, WEB, using=watching)) == WEB


POOLER = """\
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: p}
spec:
  cluster: {name: c}   # the database
"""
WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w}
spec:
  templates:
  - {name: a, container: {image: b}}
"""


def test_an_operators_object_gets_the_class_where_it_has_a_field_for_it(tmp_path: Path) -> None:
    kinds = (*PRESETS["cloudnative-pg"], *PRESETS["argo-workflows"])
    known = Inventory(by_class=inventory().by_class, workload_kinds=kinds)
    found = patch(tmp_path, f"{POOLER}---\n{WORKFLOW}", using=snapshot(has=known))
    assert (
        said(found)
        == POOLER.replace(
            "  cluster:",
            "  template:\n    spec:\n      runtimeClassName: gvisor\n  cluster:",
        )
        + f"---\n{WORKFLOW}"
    )
    assert found.left == 1
