"""The chart's objects for cert-manager, which is not here to run: what it is told, field by field.

What the fields do: https://cert-manager.io/docs/reference/api-docs/ (v1, as of 1.19).
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from certs.bootstrap import service_names
from tests.deploy.manifests import Manifests
from tests.deploy.test_chart import require
from tests.deploy.variants import VARIANTS
from tests.helm.programs import HELM, NAMESPACE, render

pytestmark = pytest.mark.helm

OWN, CORPORATE = VARIANTS["cert-manager"], VARIANTS["cert-manager with an issuer"]


@pytest.fixture(autouse=True)
def _helm() -> None:
    require(HELM)


def specs(kind: str, *values: str) -> Mapping[str, Any]:
    """The specs of a kind by name."""
    made = Manifests(render(*values)).kind(kind)
    assert {obj["apiVersion"] for obj in made} <= {"cert-manager.io/v1"}
    assert {obj["metadata"]["namespace"] for obj in made} <= {NAMESPACE}
    return {obj["metadata"]["name"]: obj["spec"] for obj in made}


def hours(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)h", text)
    assert found is not None
    return timedelta(hours=int(found[1]))


@pytest.mark.parametrize("values", [OWN, CORPORATE], ids=["own CA", "an issuer"])
@pytest.mark.parametrize("kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
def test_both_configurations_are_given_the_ca_of_the_certificate(
    kind: str, values: tuple[str, ...]
) -> None:
    made = Manifests(render(*values)).one(kind, "runtimegate")
    source = made["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
    namespace, _, name = source.partition("/")
    assert namespace == NAMESPACE
    assert name in specs("Certificate", *values)
    assert not any("caBundle" in hook["clientConfig"] for hook in made["webhooks"])


@pytest.mark.parametrize("values", [OWN, CORPORATE], ids=["own CA", "an issuer"])
def test_the_certificate_is_a_servers_for_the_name_that_is_called(values: tuple[str, ...]) -> None:
    spec = specs("Certificate", *values)["runtimegate"]
    assert spec["secretName"] == "runtimegate-tls"
    assert set(spec["dnsNames"]) == set(service_names("runtimegate", NAMESPACE))
    assert spec["usages"] == ["digital signature", "server auth"]
    assert spec["privateKey"] == {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}
    assert "isCA" not in spec


@pytest.mark.parametrize("values", [OWN, CORPORATE], ids=["own CA", "an issuer"])
def test_all_are_renewed_when_a_third_of_their_life_is_left(values: tuple[str, ...]) -> None:
    made = specs("Certificate", *values)
    assert made
    for spec in made.values():
        assert hours(spec["renewBefore"]) * 3 == hours(spec["duration"])


def test_a_renewed_ca_keeps_its_key_so_that_what_it_signed_before_is_still_verified() -> None:
    spec = specs("Certificate", *OWN)["runtimegate-ca"]
    assert spec["isCA"] is True
    assert spec["privateKey"]["rotationPolicy"] == "Never"


def test_the_own_ca_signs_itself_and_then_the_certificate() -> None:
    issuers, certificates = specs("Issuer", *OWN), specs("Certificate", *OWN)
    chain = {name: spec["issuerRef"]["name"] for name, spec in certificates.items()}
    assert chain == {"runtimegate-ca": "runtimegate-self-signed", "runtimegate": "runtimegate-ca"}
    assert issuers == {
        "runtimegate-self-signed": {"selfSigned": {}},
        "runtimegate-ca": {"ca": {"secretName": certificates["runtimegate-ca"]["secretName"]}},
    }


def test_an_issuer_of_yours_is_asked_for_the_certificate_alone() -> None:
    assert specs("Issuer", *CORPORATE) == {}
    (spec,) = specs("Certificate", *CORPORATE).values()
    assert spec["issuerRef"] == {"name": "corp", "kind": "ClusterIssuer"}


def test_the_two_modes_never_write_to_one_secret() -> None:
    made = Manifests(render(*OWN))
    assert made.kind("CronJob") == ()
    assert made.kind("Job") == ()
    assert made.kind("Secret") == ()
