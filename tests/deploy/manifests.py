"""The objects of a rendered file, found by kind and name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.helm.programs import ROOT

DEPLOY = ROOT / "deploy"


class Manifests:
    """The objects of YAML text."""

    def __init__(self, text: str) -> None:
        self.objects: tuple[Mapping[str, Any], ...] = tuple(
            filter(None, yaml.load_all(text, Loader=yaml.CSafeLoader))
        )

    def one(self, kind: str, name: str) -> Mapping[str, Any]:
        """The object of this kind whose name is this, or begins with it and ends in a hash."""
        (found,) = (
            obj
            for obj in self.objects
            if obj["kind"] == kind and _is(name, str(obj["metadata"]["name"]))
        )
        return found

    def kind(self, kind: str) -> tuple[Mapping[str, Any], ...]:
        """All objects of a kind."""
        return tuple(obj for obj in self.objects if obj["kind"] == kind)

    def pod_specs(self) -> Mapping[str, Mapping[str, Any]]:
        """The pod specs of all workloads by kind and name."""
        found = {}
        for obj in self.objects:
            spec = obj.get("spec", {})
            template = spec.get("template") or spec.get("jobTemplate", {}).get("spec", {}).get(
                "template"
            )
            if template:
                found[f"{obj['kind']} {obj['metadata']['name']}"] = template["spec"]
        return found


def _is(wanted: str, name: str) -> bool:
    return name == wanted or (name.startswith(f"{wanted}-") and len(name) == len(wanted) + 9)


def shipped(name: str) -> Manifests:
    """A rendered file of deploy/."""
    return Manifests(Path(DEPLOY / name).read_text())
