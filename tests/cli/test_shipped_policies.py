"""The policies that ship pass their own tests, which reach all of them; weaker ones do not pass."""

import copy
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from webhook.cli import run

ROOT = Path(__file__).parents[2]
FOLDERS = ("policies", "policies/examples/2018-article", "policies/examples/exceptions")
"""Every policy folder that ships."""

Spec = dict[str, Any]
Mutation = tuple[str, Callable[[Spec], None]]
_DEFAULTS = {
    "incompatible": "deny",
    "degraded": "warn",
    "unknown": "warn",
    "ignoredSecurity": "warn",
}
_WEAKER = {"deny": "warn", "warn": "ignore"}


@dataclass(frozen=True)
class Weaker:
    """One way to weaken one policy."""

    folder: str
    file: str
    how: str
    mutate: Callable[[Spec], None]

    def __str__(self) -> str:
        return f"{self.folder}/{self.file}: {self.how}"


def test_every_folder_that_ships_is_tested_here() -> None:
    examples = {path.parent for path in (ROOT / "policies" / "examples").rglob("*.yaml")}
    assert {ROOT / folder for folder in FOLDERS} == {ROOT / "policies", *examples}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_shipped_policies_pass_their_tests_which_reach_all_of_them(
    folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "test", "-p", str(ROOT / folder), "--fail-under", "100"]) == 0
    assert "coverage 100 %" in capsys.readouterr().out


def weaker_policies() -> Iterator[Weaker]:
    """Every way in which a policy that ships may be weakened, by the keys that it has."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*.yaml")):
            document = yaml.safe_load(path.read_text())
            if document["kind"] == "RuntimePolicy":
                for how, mutate in mutations(document["spec"]):
                    yield Weaker(folder, path.name, how, mutate)


def mutations(spec: Spec) -> Iterator[Mutation]:
    """Weakenings of a policy's spec. One that changes nothing is not among them."""
    for index, name in enumerate(spec["namespaces"]["names"]):
        yield f"is not for {name}", put("namespaces", "names", index, "nowhere")
    if spec.get("mode", "enforce") == "enforce":
        yield "only warns", put("mode", "warn")
        yield from _of_rules(spec, (), spec)
    for index, override in enumerate(spec.get("overrides", ())):
        at = ("overrides", index)
        yield f"lacks override {override['name']}", drop(*at)
        yield from _of_rules(override, at, {**spec, **override})
    for index, exemption in enumerate(spec.get("exemptions", ())):
        at, name = ("exemptions", index), exemption["name"]
        yield f"lacks exemption {name}", drop(*at)
        yield f"exemption {name} never ends", put(*at, "expires", "never")
        if len(exemption["pods"]) > 1:
            for key in exemption["pods"]:
                yield f"exemption {name} does not ask for {key}", drop(*at, "pods", key)


def _of_rules(rules: Spec, at: tuple[str | int, ...], in_force: Spec) -> Iterator[Mutation]:
    """Weakenings of the keys that a policy, or an override, gives or leaves at their default."""
    who = f"override {rules['name']}: " if at else ""
    classes = rules.get("runtimeClasses", {})
    if classes.get("allowed", ["*"]) != ["*"]:
        yield f"{who}allows any class", put(*at, "runtimeClasses", "allowed", ["*"])
    if "default" in classes and not at:  # the fallback makes up for an override's
        yield "has no default", drop("runtimeClasses", "default")
    for index, name in enumerate(classes.get("fallback", ())):
        yield f"{who}does not fall back to {name}", drop(*at, "runtimeClasses", "fallback", index)
    if at:
        return
    for verdict, default in _DEFAULTS.items():
        action = rules.get("compatibility", {}).get(verdict, default)
        less = _WEAKER[action]
        yield f"{verdict}: {less}, not {action}", put("compatibility", verdict, less)
    yield "lets pods reconfigure the sandbox", put("runtimeAnnotations", {"allowed": ["*"]})
    assert in_force.get("workloads", "warn") == "warn"
    yield "tells authors of workloads nothing", put("workloads", "ignore")


def put(*path_and_value: Any) -> Callable[[Spec], None]:
    """Writes a value at a path, making the mappings on the way."""
    *path, last, value = path_and_value

    def mutate(spec: Spec) -> None:
        here: Any = spec
        for part in path:
            here = here[part] if isinstance(here, list) else here.setdefault(part, {})
        here[last] = value

    return mutate


def drop(*path: Any) -> Callable[[Spec], None]:
    """Takes out what is at a path, and a list that is empty then."""
    *way, last = path

    def mutate(spec: Spec) -> None:
        here: Any = spec
        for part in way:
            here = here[part]
        del here[last]
        if not here:
            drop(*way)(spec)

    return mutate


def run_weakened(weaker: Weaker, at: Path) -> int:
    """The exit code of the folder's tests once one of its policies is weaker."""
    folder = at / "policies"
    shutil.copytree(ROOT / weaker.folder, folder)
    path = folder / weaker.file
    document = yaml.safe_load(path.read_text())
    before = copy.deepcopy(document)
    weaker.mutate(document["spec"])
    assert document != before
    path.write_text(yaml.safe_dump(document))
    return run(["policy", "test", "-p", str(folder)])


@pytest.mark.parametrize("weaker", [*weaker_policies()], ids=str)
def test_a_weaker_policy_does_not_pass(weaker: Weaker, tmp_path: Path) -> None:
    assert run_weakened(weaker, tmp_path) == 1


def test_the_weakenings_are_many() -> None:
    """Lest a change of the policies' form leaves the test above with nothing to do."""
    assert len(list(weaker_policies())) > 40


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("handler: runsc", "handler: runc"),
        ("runtime: gvisor", "runtime: other"),
        ('["20260817.0"]', '["20181030"]'),
    ],
)
def test_another_inventory_does_not_pass(old: str, new: str, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    text = (folder / "inventory.yaml").read_text()
    assert old in text
    (folder / "inventory.yaml").write_text(text.replace(old, new))
    assert run(["policy", "test", "-p", str(folder)]) == 1


def test_the_failure_in_the_docs_is_what_the_command_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "policy-test.md").read_text()
    (shown,) = re.findall(r"^\$ runtimegate policy test -k .*\n([^$]*)", page, re.MULTILINE)
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    path = tmp_path / "policies" / "tenants.yaml"
    path.write_text(path.read_text().replace("degraded: deny", "degraded: warn"))
    monkeypatch.chdir(tmp_path)
    assert run(["policy", "test", "-k", "which class"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[:-1] == shown.splitlines()[:-1]
