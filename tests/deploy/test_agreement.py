"""The rendered files against the code: a flag, path, port or name of one is one of the other."""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import click
import pytest

from certs.access import SecretName, Target, grants
from certs.bootstrap import service_names
from tests.build import snapshot
from tests.deploy.manifests import shipped
from tests.helm.programs import NAMESPACE, ROOT
from webhook.cli.certs import certs
from webhook.cli.serve import serve
from webhook.core.names import ALWAYS_EXCLUDED
from webhook.core.trial import RECONFIGURING, reconfigures
from webhook.live.access import RIGHTS
from webhook.live.current import Current
from webhook.server.app import create_app, plain_service
from webhook.wire.admit import Door

INSTALL = shipped("install.yaml")
REGISTER = shipped("register.yaml")
DEPLOYMENT = INSTALL.one("Deployment", "runtimegate")
SERVER = DEPLOYMENT["spec"]["template"]["spec"]["containers"][0]
WEBHOOKS: Sequence[Mapping[str, Any]] = [
    webhook
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
    for webhook in REGISTER.one(kind, "runtimegate")["webhooks"]
]
ALL_PODS = {**INSTALL.pod_specs(), **REGISTER.pod_specs()}


def door(webhook: Mapping[str, Any]) -> str:
    """A webhook by the door that it calls."""
    return f"{webhook['name']}{webhook['clientConfig']['service']['path']}"


READS = frozenset((right.group, right.resource, verb) for right in RIGHTS for verb in right.verbs)
"""What webhook/live asks of the API server."""
TARGET = Target(
    secret=SecretName(namespace=NAMESPACE, name="runtimegate-tls"),
    ca_secret=SecretName(namespace=NAMESPACE, name="runtimegate-ca"),
    webhook_configs=("runtimegate",),
)
CERTS_CALLS = frozenset(
    (grant.group, grant.resource, verb)
    for grant in grants(TARGET)
    if not grant.only_while_missing
    for verb in grant.verbs
)
"""What the certificate program asks of it, where its Secrets exist: the manifest makes them."""


def allowed(*roles: tuple[str, str]) -> frozenset[tuple[str, str, str]]:
    """What roles allow, as (group, resource, verb)."""
    return frozenset(
        (group, resource, verb)
        for kind, name in roles
        for rule in INSTALL.one(kind, name)["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )


def flags(command: click.Command) -> set[str]:
    return {flag for parameter in command.params for flag in parameter.opts}


def test_the_server_may_do_what_it_does_and_nothing_else() -> None:
    assert allowed(("ClusterRole", "runtimegate")) == READS


def test_the_certificate_program_may_do_what_it_does_and_nothing_else() -> None:
    roles = (("Role", "runtimegate-certs"), ("ClusterRole", "runtimegate-certs"))
    assert allowed(*roles) == CERTS_CALLS


def test_every_rule_of_the_certificate_program_is_of_named_objects() -> None:
    roles = (
        INSTALL.one("Role", "runtimegate-certs"),
        INSTALL.one("ClusterRole", "runtimegate-certs"),
    )
    named = [rule["resourceNames"] for role in roles for rule in role["rules"]]
    assert named == [["runtimegate-tls", "runtimegate-ca"], ["runtimegate"]]


def test_the_servers_arguments_are_options_of_serve() -> None:
    command, *options = SERVER["args"]
    assert command == "serve"
    assert {option.partition("=")[0] for option in options} <= flags(serve)


def test_serve_understands_the_servers_arguments() -> None:
    with serve.make_context("serve", SERVER["args"][1:]) as context:
        assert context.params["excluded_namespaces"] == (NAMESPACE,)
        assert context.params["bind"] == "0.0.0.0:8443"


def test_the_certificate_jobs_call_commands_that_there_are() -> None:
    pods = [spec for name, spec in ALL_PODS.items() if not name.startswith("Deployment")]
    called = {tuple(pod["containers"][0]["args"][:2]) for pod in pods}
    assert called == {("certs", "bootstrap"), ("certs", "renew")}
    assert {command for _, command in called} <= set(certs.commands)
    for pod in pods:
        _, command, *arguments = pod["containers"][0]["args"]
        given = {argument.partition("=")[0] for argument in arguments}
        assert given <= flags(certs.commands[command])


def test_the_probes_ask_paths_of_the_application() -> None:
    app = create_app(plain_service(Current(snapshot())))
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    asked = {
        probe: SERVER[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert asked == {
        "startupProbe": "/readyz",
        "readinessProbe": "/readyz",
        "livenessProbe": "/healthz",
    }
    assert set(asked.values()) <= paths


def test_the_webhooks_calldoors_of_the_application() -> None:
    called = {webhook["clientConfig"]["service"]["path"] for webhook in WEBHOOKS}
    assert called == {f"/{door}" for door in Door}


def test_the_webhooks_call_the_service_at_its_port() -> None:
    service = INSTALL.one("Service", "runtimegate")
    (port,) = service["spec"]["ports"]
    called = {
        (s["name"], s["namespace"], s["port"])
        for s in (webhook["clientConfig"]["service"] for webhook in WEBHOOKS)
    }
    assert called == {("runtimegate", service["metadata"]["namespace"], port["port"])}
    assert service["metadata"]["namespace"] == NAMESPACE


def test_the_service_leads_to_the_port_that_is_listened_on() -> None:
    (port,) = INSTALL.one("Service", "runtimegate")["spec"]["ports"]
    (listening,) = SERVER["ports"]
    assert port["targetPort"] == listening["name"]
    bind = next(arg for arg in SERVER["args"] if arg.startswith("--bind="))
    assert bind == f"--bind=0.0.0.0:{listening['containerPort']}"


@pytest.mark.parametrize("kind", ["Service", "PodDisruptionBudget", "NetworkPolicy"])
def test_what_selects_the_server_selects_its_pods_and_not_the_jobs(kind: str) -> None:
    spec = INSTALL.one(kind, "runtimegate")["spec"]
    chosen = spec.get("podSelector", spec.get("selector", {}))
    selector = chosen.get("matchLabels", chosen)
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    job = INSTALL.one("Job", "runtimegate-certs")["spec"]["template"]["metadata"]["labels"]
    assert selector.items() <= labels.items()
    assert not selector.items() <= job.items()


def test_the_certificate_is_for_the_name_that_the_api_server_calls() -> None:
    job = INSTALL.one("Job", "runtimegate-certs")["spec"]["template"]["spec"]["containers"][0]
    given = dict(arg.split("=", 1) for arg in job["args"] if "=" in arg)
    called = {
        f"{s['name']}.{s['namespace']}.svc"
        for s in (webhook["clientConfig"]["service"] for webhook in WEBHOOKS)
    }
    assert called <= set(service_names(given["--service"], given["--namespace"]))


def test_the_files_that_are_mounted_are_those_that_serve_reads() -> None:
    (tls,) = (v for v in DEPLOYMENT["spec"]["template"]["spec"]["volumes"] if v["name"] == "tls")
    assert [item["path"] for item in tls["secret"]["items"]] == ["tls.crt", "tls.key", "ca.crt"]
    assert "--tls-dir=/etc/runtimegate/tls" in SERVER["args"]


def test_the_grace_covers_drain_and_finish_and_what_gunicorn_adds() -> None:
    with serve.make_context("serve", SERVER["args"][1:]) as context:
        needed = context.params["drain_seconds"] + context.params["finish_seconds"] + 2
    assert DEPLOYMENT["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > needed


@pytest.mark.parametrize("webhook", WEBHOOKS, ids=[door(w) for w in WEBHOOKS])
def test_every_webhook_leaves_out_what_its_own_pods_and_the_cluster_need(
    webhook: Mapping[str, Any],
) -> None:
    expected = {"key": "kubernetes.io/metadata.name", "operator": "NotIn"}
    (expression,) = webhook["namespaceSelector"]["matchExpressions"]
    assert expression == {**expected, "values": [*sorted(ALWAYS_EXCLUDED), NAMESPACE]}


def test_only_advice_may_be_missed() -> None:
    assert {w["name"]: w["failurePolicy"] for w in WEBHOOKS} == {
        "pods.runtimegate.dev": "Fail",
        "annotations.runtimegate.dev": "Fail",
        "workloads.runtimegate.dev": "Ignore",
        "guards.runtimegate.dev": "Fail",
    }


def test_the_annotations_that_are_asked_about_are_those_that_reconfigure_a_sandbox() -> None:
    (asked,) = (w for w in WEBHOOKS if w["name"] == "annotations.runtimegate.dev")
    (condition,) = asked["matchConditions"]
    (pattern,) = re.findall(r"matches\('([^']+)'\)", condition["expression"])
    words = {part for glob in RECONFIGURING for part in glob.split("*")} | {"a", "x/", "example"}
    keys = ["".join(three) for three in product(sorted(words), repeat=3)]
    assert [k for k in keys if bool(re.search(pattern, k)) != reconfigures(k)] == []


def test_the_policies_of_the_install_are_those_that_ship() -> None:
    data = INSTALL.one("ConfigMap", "runtimegate-policies")["data"]
    assert data == {path.name: path.read_text() for path in (ROOT / "policies").glob("*.yaml")}


@pytest.mark.parametrize("spec", ALL_PODS.values(), ids=ALL_PODS.keys())
def test_every_pod_has_no_more_than_it_needs(spec: Mapping[str, Any]) -> None:
    (container,) = spec["containers"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_only_the_server_and_the_certificate_program_have_accounts() -> None:
    accounts = {account["metadata"]["name"] for account in INSTALL.kind("ServiceAccount")}
    assert accounts == {"runtimegate", "runtimegate-certs"}
    assert {spec["serviceAccountName"] for spec in ALL_PODS.values()} == accounts
    assert not any(a["automountServiceAccountToken"] for a in INSTALL.kind("ServiceAccount"))


def test_the_two_programs_are_no_more_than_one_table_of_privilege() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for account, calls in (("runtimegate", READS), ("runtimegate-certs", CERTS_CALLS)):
        for _, resource, verb in calls:
            rows = [line for line in page.splitlines() if line.startswith(f"| `{account}` |")]
            assert any(f"`{resource}`" in row and verb in row for row in rows), (resource, verb)
