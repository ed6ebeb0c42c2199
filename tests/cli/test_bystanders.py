import io
from pathlib import Path

import pytest

from webhook.cli.bystanders import counted_kinds
from webhook.cli.manifests import Inputs, load_manifests

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {}\n"
FOLDER = {
    "web.yaml": POD,
    "values.yaml": "image: {tag: 1}\n",
    "values-prod.yaml": "a: [\n",
    "kustomization.yaml": "resources: [web.yaml]\n",
    "overlay/kustomization.yml": (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [..]\n"
    ),
    "overlay/part.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "chart/values.yaml": "replicas: 1\n",
    "chart/values.schema.json": '{"type": "object"}',
    "chart/templates/web.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.x }}\n",
    "chart/templates/quoted.yaml": 'apiVersion: v1\nkind: Pod\nmetadata: {name: "{{ .x }}"}\n',
    "chart/templates/plain.yaml": POD,
    "chart/crds/thing.yaml": (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: things.example.com}\n"
    ),
    "quoted/name.yaml": 'apiVersion: v1\nkind: Pod\nmetadata: {name: "{{ x }}"}\nspec: {}\n',
    "quoted/image.yaml": (
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\n"
        'spec: {template: {spec: {containers: [{image: "{{ x }}"}]}}}\n'
    ),
    "quoted/args.yaml": POD.replace("{}", '{containers: [{args: ["{{ mine }}"]}]}'),
    "jinja.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ name }}\n",
    "compose.yaml": "services: {}\n",
    "tsconfig.json": '{"a": 1, // no JSON\n}',
    "list.yaml": "- a\n- b\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with all that lies beside manifests."""
    for name, text in FOLDER.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def load(*paths: Path, mixed: bool = False) -> Inputs:
    """What these paths hold."""
    return load_manifests([str(path) for path in paths], stdin=io.BytesIO(), mixed=mixed)


def test_a_folder_of_mixed_content_is_read_for_its_manifests(folder: Path) -> None:
    inputs = load(folder)
    names = [str(Path(m.source).relative_to(folder)) for m in inputs.manifests]
    assert names == [
        "chart/crds/thing.yaml", "chart/templates/plain.yaml", "quoted/args.yaml", "web.yaml",
    ]  # fmt: skip
    assert inputs.errors == ()


def test_what_is_left_out_is_counted_by_its_kind(folder: Path) -> None:
    told = counted_kinds(load(folder).left_out)
    assert set(told.split(", ")) == {
        "4 values", "3 kustomization", "2 Helm template", "3 other", "1 Chart.yaml",
        "3 other template",
    }  # fmt: skip


def test_a_link_to_a_folder_is_not_followed_and_not_left_out_in_silence(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.yaml").write_text(POD)
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "a.yaml").write_text(POD)
    (folder / "prod").symlink_to("../shared")
    (folder / "loop").symlink_to(".")
    inputs = load(folder)
    assert (len(inputs.manifests), inputs.errors) == (1, ())
    assert counted_kinds(inputs.left_out) == "2 link to a folder"
    assert len(load(folder / "prod").manifests) == 1
    (folder / "a.yaml").unlink()
    assert len(load(folder).errors) == 1


def test_a_folder_of_templates_that_is_named_itself_is_still_one_of_a_chart(folder: Path) -> None:
    inputs = load(folder / "chart" / "templates")
    assert [m.name for m in inputs.manifests] == ["web"]
    assert counted_kinds(inputs.left_out) == "2 Helm template"


@pytest.mark.parametrize(
    "name", ["values.yaml", "kustomization.yaml", "chart/Chart.yaml", "jinja.yaml", "list.yaml"]
)
def test_a_file_that_is_named_must_be_a_manifest(folder: Path, name: str) -> None:
    assert len(load(folder / name).errors) == 1
    mixed = load(folder / name, mixed=True)
    assert (mixed.errors, len(mixed.left_out)) == ((), 1)


def test_a_template_that_is_named_is_told_to_be_rendered(folder: Path) -> None:
    (error,) = load(folder / "jinja.yaml").errors
    assert error.line == 4
    assert error.problem.endswith(
        "; a template with {{ }} must be rendered first: pass what helm prints"
    )


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Pod\n\tx: 1\n",
        "apiVersion: v1\nkind: Pod\nx: [\n",
        '{"apiVersion": "v1", "kind": "Pod",',
        "kind: Pod\n",
        "apiVersion: v1\n",
    ],
)
def test_a_broken_manifest_of_a_folder_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert len(load(tmp_path).errors) == 1


def test_a_pod_beside_a_kustomization_in_one_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text(f"resources: []\n---\n{POD}")
    assert [m.name for m in load(tmp_path).manifests] == ["web"]


def test_a_kustomization_of_flux_is_an_object_like_others(tmp_path: Path) -> None:
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
    (tmp_path / "kustomization.yaml").write_text(flux)
    assert [m.kind for m in load(tmp_path).manifests] == ["Kustomization"]
