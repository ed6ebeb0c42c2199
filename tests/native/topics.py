"""The topics of tests/scenarios on a real API server: cluster, old pods, cases."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.build import TODAY
from tests.native.plane import Answer, Plane, lasting_today
from tests.scenarios.test_scenarios import CASES, file_of, review_of, snapshot_of
from webhook.core.decision import (
    Assign,
    Change,
    Decision,
    Deny,
    Keep,
    Operation,
    decide,
    decide_stored,
)
from webhook.core.names import ASSIGNED_BY
from webhook.core.pod import view_pod
from webhook.core.policy import Policy, PolicySet
from webhook.core.snapshot import Snapshot
from webhook.native.compile import Compiled, Settings, compile_policies

NAMESPACES = ("tenant-a", "tenant-b", "tenant-c", "tenant-infra", "platform")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a case, in the words of both sides."""

    decision: str
    runtime_class: str | None
    assigned_by: str | None = None
    reason: str | None = None
    message: str = ""
    native: bool = True
    """Whether a compiled policy said so, not the API server of itself."""


def cases_of(topic: Path) -> list[Path]:
    """The cases of one topic."""
    return [case for case in CASES if case.parent == topic]


def compiled(within: Snapshot, **settings: Any) -> Compiled:
    """The policies of a snapshot, compiled for use alone."""
    return compile_policies(
        policies=within.policies,
        inventory=within.inventory,
        compat=within.compat,
        today=within.today,
        revision="test",
        settings=Settings(**{"alone": True, **settings}),
    )


def prepare(plane: Plane, topic: Path) -> None:
    """Namespaces with their labels and annotations, and the RuntimeClasses, of a topic."""
    objects = list(yaml.safe_load_all(file_of(topic, "cluster.yaml").read_text(encoding="utf-8")))
    namespaces = {o["metadata"]["name"]: o for o in objects if o["kind"] == "Namespace"}
    for name in {*NAMESPACES, *namespaces}:
        _namespace(plane, name, namespaces.get(name, {}).get("metadata", {}))
    plane.put_classes(obj for obj in objects if obj["kind"] == "RuntimeClass")


def _namespace(plane: Plane, name: str, metadata: Mapping[str, Any]) -> None:
    at = "/api/v1/namespaces"
    there = plane.ask("GET", f"{at}/{name}")
    if not there.ok:
        obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        there = plane.must("POST", at, obj)
    namespace: dict[str, Any] = there.body
    namespace["metadata"]["labels"] = {
        "kubernetes.io/metadata.name": name,
        **metadata.get("labels", {}),
    }
    namespace["metadata"]["annotations"] = metadata.get("annotations", {})
    plane.must("PUT", f"{at}/{name}", namespace)


def old_pods(plane: Plane, topic: Path) -> Iterator[tuple[Path, str]]:
    """Store the pods as they were before, each under a name of its own."""
    for number, case in enumerate(cases_of(topic)):
        request = _request(case)
        if request["operation"] == "UPDATE":
            name = f"old-{number}"
            old = copy.deepcopy(request["oldObject"])
            old["metadata"]["name"] = name
            path = f"/api/v1/namespaces/{request['namespace']}/pods"
            plane.must("POST", path, old)
            yield case, name


def _request(case: Path) -> dict[str, Any]:
    request: dict[str, Any] = review_of(yaml.safe_load(case.read_text(encoding="utf-8")))["request"]
    return request


def by_core(case: Path, within: Snapshot) -> tuple[Outcome, Decision]:
    """What the webhook decides: both of its halves."""
    request = _request(case)
    namespace = request["namespace"]

    def view(obj: Mapping[str, Any]) -> Any:
        return view_pod(obj["spec"], obj["metadata"], namespace=namespace)

    old = request.get("oldObject")
    operation = Operation(
        change=Change(request["operation"]),
        old=view(old) if old else None,
        resized=request.get("subResource") == "resize",
        user=request["userInfo"]["username"],
        groups=frozenset(request["userInfo"]["groups"]),
    )
    pod = view(request["object"])
    decision: Decision = (
        decide(pod, operation, within)
        if operation.change is Change.CREATE
        else decide_stored(pod, operation, within)
    )
    match decision:
        case Keep():
            return Outcome(decision="keep", runtime_class=pod.runtime_class_name), decision
        case Assign():
            outcome = Outcome(
                decision="assign",
                runtime_class=decision.runtime_class,
                assigned_by=decision.assigned_by,
            )
            return outcome, decision
        case Deny():
            outcome = Outcome(
                decision="deny",
                runtime_class=pod.runtime_class_name,
                reason=str(decision.reason),
                message=decision.first.removesuffix(decision.aside),
            )
            return outcome, decision


def by_server(plane: Plane, case: Path, old: str | None) -> tuple[Outcome, Answer]:
    """What the API server does with the compiled policies in force."""
    request = _request(case)
    user = request["userInfo"]["username"]
    groups = request["userInfo"]["groups"]
    path = f"/api/v1/namespaces/{request['namespace']}/pods"
    if request["operation"] == "CREATE":
        obj = _owned(plane, request["object"], user)
        answer = plane.ask("POST", f"{path}?dryRun=All", obj, **_as(user, groups))
    else:
        sub = f"/{request['subResource']}" if request.get("subResource") else ""
        stored = plane.must("GET", f"{path}/{old}").body
        obj = _changed(stored, request["object"])
        answer = plane.ask("PUT", f"{path}/{old}{sub}?dryRun=All", obj)
    return _outcome(answer, request), answer


def _as(user: str, groups: list[str]) -> dict[str, Any]:
    return {"user": user, "groups": [*groups, "system:masters"]} if user != "alice" else {}


def _owned(plane: Plane, obj: Mapping[str, Any], user: str) -> Mapping[str, Any]:
    """A mirror pod belongs to its node, else the API server refuses it."""
    node = user.removeprefix("system:node:")
    if node == user:
        return obj
    there = plane.ask("GET", f"/api/v1/nodes/{node}")
    if not there.ok:
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}
        there = plane.must("POST", "/api/v1/nodes", body)
    owner = {
        "apiVersion": "v1",
        "kind": "Node",
        "name": node,
        "uid": there.body["metadata"]["uid"],
        "controller": True,
    }
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [owner]}}


def _changed(stored: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The stored pod with what the case changes of it."""
    obj = copy.deepcopy(stored)
    for key in ("labels", "annotations", "finalizers"):
        obj["metadata"][key] = wanted["metadata"].get(key)
    by_name = {c["name"]: c for c in wanted["spec"]["containers"]}
    for container in obj["spec"]["containers"]:
        container["image"] = by_name[container["name"]]["image"]
        if resources := by_name[container["name"]].get("resources"):
            container["resources"] = resources
    if added := wanted["spec"].get("ephemeralContainers"):
        obj["spec"]["ephemeralContainers"] = added
    return obj


def _outcome(answer: Answer, request: Mapping[str, Any]) -> Outcome:
    asked = request["object"]["spec"].get("runtimeClassName") or None
    if not answer.ok:
        native = "AdmissionPolicy '" in answer.message
        reason = answer.message.rpartition("[")[2].rstrip("]") if native else None
        return Outcome(
            decision="deny",
            runtime_class=asked,
            reason=reason,
            message=answer.message.partition("denied request: ")[2],
            native=native,
        )
    stored = answer.body["spec"].get("runtimeClassName")
    if stored == asked:
        return Outcome(decision="keep", runtime_class=stored)
    by = answer.body["metadata"].get("annotations", {}).get(ASSIGNED_BY)
    return Outcome(decision="assign", runtime_class=stored, assigned_by=by)


def topic_snapshot(topic: Path) -> Snapshot:
    """The snapshot of a topic, its days moved so that the scenarios' today is the server's."""
    within = snapshot_of(topic)
    today = lasting_today()
    days = today - TODAY
    return replace(within, today=today, policies=PolicySet(_moved(within.policies.policies, days)))


def _moved(policies: Iterable[Policy], days: timedelta) -> Iterator[Policy]:
    for policy in policies:
        exemptions = tuple(
            replace(e, expires=e.expires + days) if e.expires else e for e in policy.exemptions
        )
        yield replace(policy, exemptions=exemptions)
