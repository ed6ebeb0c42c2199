"""Minimal valid documents; every test says only what it changes. JSON is YAML, in one line."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from webhook.core.policy import Policy
from webhook.documents.folder import Loaded, load_policies, load_shipped
from webhook.documents.source import DocumentErrors
from webhook.documents.tables import ShippedData

EVIDENCE: dict[str, Any] = {"kind": "issue", "source": "google/gvisor#88", "date": "2018-11-20"}
LEFT_OUT = object()
"""As a value: the key is not given."""


def document(kind: str, spec: Any, **metadata: Any) -> str:
    """A document of any kind, in one line."""
    return json.dumps(
        {
            "apiVersion": "runtimegate.dev/v1",
            "kind": kind,
            "metadata": {"name": "it", **metadata},
            "spec": without_left_out(spec),
        }
    )


def without_left_out(value: Any) -> Any:
    """``value`` without the keys whose value is LEFT_OUT."""
    if isinstance(value, list):
        return [without_left_out(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    return {k: without_left_out(v) for k, v in value.items() if v is not LEFT_OUT}


def policy(name: str = "it", **spec: Any) -> str:
    """A RuntimePolicy for the namespaces tenant-*."""
    return document("RuntimePolicy", {"namespaces": {"names": ["tenant-*"]}, **spec}, name=name)


def override(**fields: Any) -> dict[str, Any]:
    """An override that puts databases on Kata."""
    return {
        "name": "databases",
        "pods": {"images": ["*/postgres"]},
        "runtimeClasses": {"default": "kata-qemu"},
        **fields,
    }


def exemption(**fields: Any) -> dict[str, Any]:
    """An exemption of a node agent from everything, until the middle of 2027."""
    return {
        "name": "node-agent",
        "pods": {"serviceAccounts": ["node-agent"]},
        "runtimeClasses": [""],
        "owner": "storage-team",
        "reason": "Mounts volumes for everyone.",
        "expires": "2027-06-30",
        **fields,
    }


def runtime(**fields: Any) -> dict[str, Any]:
    """What RuntimeClass gvisor means."""
    return {"runtimeClass": "gvisor", "runtime": "gvisor", **fields}


def inventory(*runtimes: Any, name: str = "cluster", **spec: Any) -> str:
    """A RuntimeInventory."""
    described = {"runtimes": list(runtimes)} if runtimes else {}
    return document("RuntimeInventory", {**described, **spec}, name=name)


def fact(**fields: Any) -> dict[str, Any]:
    """A row: gVisor lacks sync_file_range."""
    return {
        "feature": "syscall:sync_file_range",
        "support": "absent",
        "evidence": [EVIDENCE],
        **fields,
    }


def facts(*rows: Any, name: str = "it", runtime: Any = "gvisor", **spec: Any) -> str:
    """RuntimeFacts."""
    return document("RuntimeFacts", {"runtime": runtime, "facts": list(rows), **spec}, name=name)


def need(**fields: Any) -> dict[str, Any]:
    """A need: sync_file_range."""
    return {
        "feature": "syscall:sync_file_range",
        "strength": "required",
        "evidence": [EVIDENCE],
        **fields,
    }


def requirements(name: str = "postgresql", **spec: Any) -> str:
    """ApplicationRequirements of an application that is known by its image."""
    spec = {"title": name, "recognise": [{"images": [f"*/{name}"]}], **spec}
    return document("ApplicationRequirements", spec, name=name)


def policy_test(*cases: dict[str, Any], name: str = "it", **spec: Any) -> str:
    """A PolicyTest of tenant-a; a case says what it changes of one that expects a refusal."""
    given = {"date": "2026-11-24", "namespace": {"name": "tenant-a"}, **spec}
    made = [
        {
            "name": f"case {index}",
            "pod": LEFT_OUT if {"objects", "files"} & set(case) else {"image": "nginx:1.29"},
            "expect": {"decision": "deny"},
            **case,
        }
        for index, case in enumerate(cases or ({},))
    ]
    return document("PolicyTest", {**given, "cases": made}, name=name)


def load(*texts: str, shipped: ShippedData | None = None) -> Loaded:
    """The folder of files ``a.yaml``, ``b.yaml``, … over ``shipped`` (empty)."""
    return load_policies(files(*texts), shipped or ShippedData())


def load_tables(*texts: str) -> ShippedData:
    """The same as the shipped tables."""
    return load_shipped(files(*texts))


def files(*texts: str) -> list[tuple[str, bytes]]:
    """Files ``a.yaml``, ``b.yaml``, …"""
    return [(f"{name}.yaml", text.encode()) for name, text in zip("abcdefgh", texts, strict=False)]


def only_policy(text: str) -> Policy:
    """The one policy of a folder."""
    (policy,) = load(text).policies.policies
    return policy


def errors(*texts: str, shipped: ShippedData | None = None) -> list[str]:
    """What the loader says of a folder that it refuses."""
    with pytest.raises(DocumentErrors) as refused:
        load(*texts, shipped=shipped)
    return str(refused.value).splitlines()


def error(text: str) -> str:
    """All that the loader says of a file, without its place ``a.yaml:1: ``."""
    return "\n".join(message.removeprefix("a.yaml:1: ") for message in errors(text))


def whole(value: Any) -> Any:
    """All that a value holds, in order: fields that equality leaves out, and the types, too."""
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value), [(f.name, whole(getattr(value, f.name))) for f in fields(value)])
    if isinstance(value, Mapping):
        return (type(value), [(whole(key), whole(below)) for key, below in value.items()])
    if isinstance(value, tuple):
        return (type(value), [whole(below) for below in value])
    return (type(value), value)
