"""What the program may do in a cluster: the one table, for the chart's RBAC, messages and tests.

Reading and changing is allowed by name. ``create`` cannot be: RBAC does not see the name of what
is created. So it stands in rows of its own, and is needed only while a Secret does not exist:
leave it out where the two Secrets are made beforehand, of type Opaque and without ``data`` (an
``apply`` of such a manifest never touches what the program has put in).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from certs.errors import CertificateError
from certs.issue import is_dns_name

ADMISSION = "admissionregistration.k8s.io"
MUTATING = "mutatingwebhookconfigurations"
VALIDATING = "validatingwebhookconfigurations"
KINDS = {MUTATING: "MutatingWebhookConfiguration", VALIDATING: "ValidatingWebhookConfiguration"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretName:
    """Where a Secret is."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The objects of one installation.

    ``secret`` is what the servers mount: ``tls.crt``, ``tls.key``, ``ca.crt``. ``ca_secret`` is
    mounted nowhere: ``ca.key`` and, in ``ca.crt``, every CA of ours that is still trusted.
    ``webhook_configs`` names MutatingWebhookConfigurations and ValidatingWebhookConfigurations.
    """

    secret: SecretName
    ca_secret: SecretName
    webhook_configs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One RBAC rule; ``namespace`` is empty for cluster-wide objects, ``names`` for any name."""

    group: str
    resource: str
    namespace: str
    names: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str
    only_while_missing: bool = False


def grants(target: Target) -> Iterator[Grant]:
    """Yield what ``bootstrap`` and ``renew`` need; ``status`` needs the ``get`` of them."""
    for secret, why in (
        (target.secret, "the pair that the servers mount"),
        (target.ca_secret, "the CA's certificate and key, which only this program reads"),
    ):
        yield Grant(
            group="",
            resource="secrets",
            namespace=secret.namespace,
            names=(secret.name,),
            verbs=("get", "patch"),
            why=why,
        )
    for namespace in dict.fromkeys((target.secret.namespace, target.ca_secret.namespace)):
        yield Grant(
            group="",
            resource="secrets",
            namespace=namespace,
            names=(),
            verbs=("create",),
            why="a Secret that does not exist yet",
            only_while_missing=True,
        )
    for resource in (MUTATING, VALIDATING) if target.webhook_configs else ():
        yield Grant(
            group=ADMISSION,
            resource=resource,
            namespace="",
            names=target.webhook_configs,
            verbs=("get", "patch"),
            why="the caBundle of each webhook that calls the servers",
        )


def parse_secret_name(text: str, label: str) -> SecretName:
    """``NAMESPACE/NAME``; raises CertificateError."""
    namespace, slash, name = text.partition("/")
    if not slash or not all(is_dns_name(part) and "*" not in part for part in (namespace, name)):
        problem = f"{text[:120]!r} names no Secret; expected NAMESPACE/NAME"
        raise CertificateError(label, problem)
    return SecretName(namespace=namespace, name=name)
