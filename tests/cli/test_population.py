import json
from pathlib import Path
from typing import Any

import click
import pytest

from tests.controlplane.cluster import ControlPlane
from webhook.cli.cluster_options import Where, take_where
from webhook.cli.population import Population, open_population
from webhook.core.workload import WorkloadKind
from webhook.live.credentials import KubeError, NoClusterError

NOTHING: dict[str, Any] = {
    "files": (), "cluster": None, "context": None, "kubeconfig": None, "namespaces": (),
    "all_namespaces": False, "excluded": (),
}  # fmt: skip


def obj(kind: str, name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    version = {"Deployment": "apps/v1", "RuntimeClass": "node.k8s.io/v1"}.get(kind, "v1")
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def pod(name: str, namespace: str) -> dict[str, Any]:
    return obj("Pod", name, namespace, spec={"containers": [{"name": "c", "image": "nginx"}]})


def saved(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return path


def named(population: Population) -> list[str]:
    return [f"{m.kind} {m.namespace('-')}/{m.name}" for m in population.manifests()]


def test_a_saved_cluster_gives_its_objects_and_is_its_own_facts(tmp_path: Path) -> None:
    file = saved(
        tmp_path / "c.json", obj("Namespace", "a"), pod("x", "a"), obj("Deployment", "d", "b")
    )
    population = open_population(Where(saved=file))
    assert named(population) == ["Pod a/x", "Deployment b/d"]
    assert not population.live


def test_what_was_saved_twice_is_one_object(tmp_path: Path) -> None:
    twice, renamed = pod("x", "a"), pod("y", "a")
    twice["metadata"]["uid"] = renamed["metadata"]["uid"] = "0a"
    (tmp_path / "namespaces").mkdir()
    saved(tmp_path / "namespaces" / "pods.json", twice, pod("z", "a"), renamed)
    (tmp_path / "namespaces" / "x.json").write_text(json.dumps(twice))
    saved(tmp_path / "namespaces" / "z.json", pod("z", "a"))
    assert named(open_population(Where(saved=tmp_path))) == [
        "Pod a/x", "Pod a/z", "Pod a/y", "Pod a/z",
    ]  # fmt: skip


def test_namespaces_narrow_what_is_looked_at(tmp_path: Path) -> None:
    file = saved(tmp_path / "c.json", pod("x", "a"), pod("y", "b"))
    assert named(open_population(Where(saved=file, namespaces=("b",)))) == ["Pod b/y"]


def test_the_one_namespace_asked_for_is_that_of_manifests_that_name_none(tmp_path: Path) -> None:
    given = saved(tmp_path / "m.json", pod("x", ""), pod("y", "b"))
    found = open_population(Where(files=(str(given),), namespaces=("a",)))
    assert named(found) == ["Pod -/x"]
    both = open_population(Where(files=(str(given),), namespaces=("b", "default")))
    assert named(both) == ["Pod -/x", "Pod b/y"]


def test_with_manifests_the_saved_cluster_gives_only_facts(tmp_path: Path) -> None:
    file = saved(tmp_path / "c.json", pod("x", "a"))
    given = saved(tmp_path / "m.json", pod("y", "b"))
    assert named(open_population(Where(saved=file, files=(str(given),)))) == ["Pod b/y"]


def test_what_cannot_be_read_is_kept_and_hides_nothing(tmp_path: Path) -> None:
    given = saved(tmp_path / "m.json", pod("y", "b"))
    population = open_population(Where(files=(str(given), str(tmp_path / "none.yaml"))))
    assert named(population) == ["Pod b/y"]
    assert "none.yaml" in str(population.errors[0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"files": ("a",), "context": "c"}, "--context asks a cluster"),
        ({"cluster": Path("a"), "kubeconfig": Path("c")}, "--kubeconfig asks a cluster"),
        ({"namespaces": ("a",), "all_namespaces": True}, "not both"),
    ],
)
def test_options_that_contradict_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(click.UsageError, match=says):
        take_where({**NOTHING, **given})


@pytest.mark.controlplane
def test_a_real_cluster_gives_its_workloads_and_then_its_pods(control_plane: ControlPlane) -> None:
    template = {"metadata": {"labels": {"app": "d"}}, "spec": pod("x", "a")["spec"]}
    spec = {"selector": {"matchLabels": {"app": "d"}}, "template": template, "replicas": 0}
    for made in (obj("Namespace", "people"), obj("Deployment", "d", "people", spec=spec)):
        control_plane.kubectl("create", "-f", "-", stdin=json.dumps(made))
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(pod("x", "people")))
    where = Where(kubeconfig=control_plane.kubeconfig("admin"), namespaces=("people",))
    population = open_population(where)
    not_installed = WorkloadKind(group="argoproj.io", kind="Rollout")
    seen: list[tuple[str, int, int | None]] = []
    found = [
        f"{m.kind} {m.name}"
        for m in population.manifests([not_installed], lambda *told: seen.append(told))
    ]
    assert found[0] == "Deployment d"
    assert found[-1] == "Pod x"
    assert population.live
    assert population.missing == []
    assert seen[0] == ("deployments.apps", 1, None)


@pytest.mark.controlplane
def test_a_context_that_is_not_there_is_refused_with_those_that_are(
    control_plane: ControlPlane,
) -> None:
    where = Where(kubeconfig=control_plane.kubeconfig("admin"), context="elsewhere")
    with pytest.raises(NoClusterError, match="no context 'elsewhere'; there are: "):
        open_population(where)


@pytest.mark.controlplane
@pytest.mark.parametrize(
    ("was", "written", "says"),
    [
        ('"server": "https://127.0.0.1:', '"server": "https://127.0.0.1:1/', "127.0.0.1:1"),
        ('"token": "', '"token": "no', "Unauthorized"),
    ],
)
def test_a_cluster_that_gives_no_list_at_all_is_one_error(
    control_plane: ControlPlane, tmp_path: Path, was: str, written: str, says: str
) -> None:
    text = control_plane.kubeconfig("admin").read_text()
    assert was in text
    config = tmp_path / "config"
    config.write_text(text.replace(was, written))
    with pytest.raises(KubeError, match=says):
        open_population(Where(kubeconfig=config))
