"""The audit's CronJob against the code: its arguments are options, its rights are what it asks."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.deploy.manifests import Manifests
from tests.deploy.test_chart import require
from tests.deploy.variants import VARIANTS
from tests.helm.programs import HELM, render
from webhook.cli.audit import audit
from webhook.live.access import AUDIT_RIGHTS, REPORT_RIGHTS, Right

pytestmark = pytest.mark.helm

AUDITS = tuple(name for name in VARIANTS if name.startswith("an audit"))
Triple = tuple[str, str, str]


@pytest.fixture(autouse=True)
def _helm() -> None:
    require(HELM)


def made(variant: str) -> Manifests:
    return Manifests(render(*VARIANTS[variant]))


def pod_of(variant: str) -> Mapping[str, Any]:
    job = made(variant).one("CronJob", "runtimegate-audit")["spec"]["jobTemplate"]
    found: Mapping[str, Any] = job["spec"]["template"]["spec"]
    return found


def triples(*tables: tuple[Right, ...]) -> set[Triple]:
    return {(r.group, r.resource, verb) for rights in tables for r in rights for verb in r.verbs}


def allowed(variant: str) -> Iterator[Triple]:
    for rule in made(variant).one("ClusterRole", "runtimegate-audit")["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from ((group, resource, verb) for verb in rule["verbs"])


def test_it_is_off_unless_asked_for() -> None:
    assert not any(
        obj["metadata"]["name"] == "runtimegate-audit"
        for kind in ("CronJob", "ClusterRole", "ServiceAccount", "NetworkPolicy")
        for obj in made("defaults").kind(kind)
    )


def test_an_audit_may_only_list() -> None:
    assert set(allowed("an audit")) == triples(AUDIT_RIGHTS)


def test_one_that_writes_reports_may_write_those_and_nothing_else() -> None:
    rollouts = {("argoproj.io", "rollouts", "list")}
    found = set(allowed("an audit that writes reports and metrics"))
    assert found == triples(AUDIT_RIGHTS, REPORT_RIGHTS) | rollouts


@pytest.mark.parametrize("variant", AUDITS)
def test_audit_understands_its_arguments(variant: str) -> None:
    command, *arguments = pod_of(variant)["containers"][0]["args"]
    assert command == "audit"
    with audit.make_context("audit", list(arguments)) as context:
        assert context.params["exit_zero"]
        assert context.params["excluded"] == ("runtimegate-system",)
        assert context.params["write_reports"] is ("writes" in variant)


@pytest.mark.parametrize("variant", AUDITS)
def test_its_pod_has_no_more_than_it_needs(variant: str) -> None:
    spec = pod_of(variant)
    assert spec["serviceAccountName"] == "runtimegate-audit"
    assert spec["securityContext"]["runAsNonRoot"]
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_network_policy_lets_it_reach_the_pushgateway() -> None:
    policy = made("an audit that writes reports and metrics").one(
        "NetworkPolicy", "runtimegate-audit"
    )
    ports = [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert ports == [443, 6443, 53, 53, 9091]
