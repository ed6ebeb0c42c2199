"""A server of today under what an earlier release installed, and under what a later one asks."""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import click
import pytest
from flask.testing import FlaskClient

from tests.build import pod, review, snapshot
from tests.upgrade.contract import Contract, contracts, today
from webhook.cli.certs import certs
from webhook.cli.serve import serve
from webhook.live.access import RIGHTS
from webhook.live.current import Current
from webhook.server.app import create_app, plain_service

KEPT = contracts()
RELEASES = pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT.keys())
CERTS = "runtimegate-certs"
NAMESPACE = "tenant-a"


def test_there_is_a_contract() -> None:
    assert KEPT


@RELEASES
@pytest.mark.parametrize("part", ["options", "paths"])
def test_nothing_that_is_typed_or_asked_has_gone(kept: Contract, part: str) -> None:
    assert set(kept[part]) - set(today()[part]) == set()


@RELEASES
def test_every_series_and_every_label_of_reviews_is_still_there(kept: Contract) -> None:
    now = {name: set(labels) for name, *labels in map(str.split, today()["metrics"])}
    then = {name: set(labels) for name, *labels in map(str.split, kept["metrics"])}
    gone = {name for name, labels in then.items() if not labels <= now.get(name, {""})}
    assert gone - set(now) == set()
    assert {name: then[name] - now[name] for name in gone} == {}


@RELEASES
def test_the_arguments_of_its_pods_are_understood(kept: Contract) -> None:
    assert {name for name, *_ in kept["arguments"].values()} >= {"serve"}
    for pod_of, (name, *arguments) in kept["arguments"].items():
        command: click.Command = serve if name == "serve" else certs.commands[arguments.pop(0)]
        with command.make_context(name, arguments):
            assert pod_of


@RELEASES
def test_the_probes_of_its_pods_are_answered(kept: Contract, client: FlaskClient) -> None:
    answers = {path: client.get(path).status_code for path in kept["probes"].values()}
    assert set(answers.values()) == {200}


@RELEASES
def test_the_rights_that_it_granted_are_enough_to_serve(kept: Contract) -> None:
    granted = {
        (group, resource, verb)
        for rule in kept["rights"]["runtimegate"]
        for group, resource, verb in product(rule["apiGroups"], rule["resources"], rule["verbs"])
    }
    used = {(right.group, right.resource, verb) for right in RIGHTS for verb in right.verbs}
    assert used <= granted


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """A server of today, without a cluster."""
    return create_app(plain_service(Current(snapshot()))).test_client()


def answer(client: FlaskClient, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The response to a review; anything but an answer fails."""
    done = client.post(f"{path}?timeout=5s", data=json.dumps(body), content_type="application/json")
    assert done.status_code == 200, (body["request"]["resource"], done.text)
    response: dict[str, Any] = done.get_json()["response"]
    assert response["uid"] == body["request"]["uid"]
    return response


KINDS = {
    "pods": "Pod",
    "deployments": "Deployment",
    "replicasets": "ReplicaSet",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
    "replicationcontrollers": "ReplicationController",
    "podtemplates": "PodTemplate",
    "runtimeclasses": "RuntimeClass",
    "namespaces": "Namespace",
}


def asked(
    group: str, resource: str, operation: str, obj: Mapping[str, Any] | None, **tweaks: Any
) -> dict[str, Any]:
    """A review as the API server makes it: an object where there is one, the old one besides."""
    name, _, sub_resource = resource.partition("/")
    kind = KINDS.get(name, "Thing")
    made = review(
        pod(),
        operation=operation,
        sub_resource=sub_resource,
        resource={"group": group, "version": "v1", "resource": name},
        kind={"group": group, "version": "v1", "kind": kind},
        **tweaks,
    )
    made["request"]["object"] = None if operation == "DELETE" else obj
    made["request"]["oldObject"] = obj if operation in {"UPDATE", "DELETE"} else None
    return made


def objects(resource: str) -> Mapping[str, Any]:
    """A plain object of a resource."""
    if resource.partition("/")[0] == "pods":
        return pod(runtimeClassName="gvisor")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"jobTemplate": {"spec": {"template": template}}, "template": template}
    return {"metadata": {"name": "it"}, "spec": spec, "template": template, "handler": "runsc"}


def rules(kept: Contract) -> Iterator[tuple[str, str, str, str]]:
    """Path, group, resource and operation of all that a registration asks about."""
    for hook in (hook for hooks in kept["webhooks"].values() for hook in hooks):
        for rule in hook["rules"]:
            for one in product(rule["apiGroups"], rule["resources"], rule["operations"]):
                yield hook["clientConfig"]["service"]["path"], *one


@RELEASES
def test_all_that_its_registration_asks_is_answered(kept: Contract, client: FlaskClient) -> None:
    asks = list(rules(kept))
    assert {path for path, *_ in asks} == {"/mutate", "/validate"}
    for path, group, resource, operation in asks:
        assert answer(client, path, asked(group, resource, operation, objects(resource)))


KNOWN = {one[1:] for kept in (today(), *KEPT.values()) for one in rules(kept)}
GROUPS = ("", "apps", "batch", "node.k8s.io", "policy", "later.example.com")
RESOURCES = (*KINDS, "things", "podgroups")
SUB_RESOURCES = ("", "/status", "/scale", "/eviction", "/exec", "/later")
OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT", "LATER")


@pytest.mark.parametrize("path", ["/mutate", "/validate"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_a_later_registration_may_ask_and_nobody_knows_here_is_allowed(
    client: FlaskClient, path: str, operation: str
) -> None:
    count = 0
    for group, name, below in product(GROUPS, RESOURCES, SUB_RESOURCES):
        if (group, f"{name}{below}", operation) in KNOWN:
            continue
        body = asked(group, f"{name}{below}", operation, {"metadata": {"name": "it"}})
        assert answer(client, path, body)["allowed"] is True, (group, name, below)
        count += 1
    assert count > 300


WORKLOADS = sorted(
    {(group, name) for _, group, name, _ in rules(today()) if name in KINDS}
    - {("", "pods"), ("", "namespaces"), ("node.k8s.io", "runtimeclasses")}
)


@pytest.mark.parametrize(("group", "resource"), WORKLOADS)
def test_a_workload_of_a_shape_that_nobody_knows_here_is_allowed(
    client: FlaskClient, group: str, resource: str
) -> None:
    later = {"apiVersion": "later/v9", "metadata": {"name": "it"}, "spec": {"pods": [{}]}}
    for operation in ("CREATE", "UPDATE"):
        assert (
            answer(client, "/validate", asked(group, resource, operation, later))["allowed"] is True
        )


def test_fields_of_a_pod_that_nobody_knows_here_are_left_alone(client: FlaskClient) -> None:
    later = pod(laterField={"a": [1]}, schedulingGroup={"podGroupName": "g"})
    answered = answer(client, "/mutate", asked("", "pods", "CREATE", later))
    assert answered["patchType"] == "JSONPatch"


def test_more_of_a_review_than_is_known_here_is_left_alone(client: FlaskClient) -> None:
    body = asked("", "pods", "CREATE", pod(), requestLater={"a": 1})
    assert answer(client, "/mutate", {**body, "later": True})["patchType"] == "JSONPatch"
