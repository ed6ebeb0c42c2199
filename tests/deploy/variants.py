"""The ways to install that the chart offers besides its defaults, as arguments of helm."""

from collections.abc import Mapping

_BUNDLE = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="

VARIANTS: Mapping[str, tuple[str, ...]] = {
    "defaults": (),
    "registered": ("--set=webhooks.register=true",),
    "only pods": ("--set=webhooks.register=true,webhooks.workloads=false,webhooks.guards=false",),
    "more namespaces left alone": (
        "--set=webhooks.register=true",
        "--set=webhooks.excludedNamespaces={calico-system,rook-ceph}",
    ),
    "cert-manager": ("--set=certificates.mode=cert-manager,webhooks.register=true",),
    "cert-manager with an issuer": (
        "--set=certificates.mode=cert-manager,webhooks.register=true",
        "--set=certificates.issuerRef.name=corp,certificates.issuerRef.kind=ClusterIssuer",
    ),
    "certificates of your own": (
        f"--set=certificates.mode=secret,webhooks.register=true,certificates.caBundle={_BUNDLE}",
    ),
    "policies from git": ("--set=policies.git.repository=https://git.example/policies",),
    "policies from git by key": (
        "--set=policies.git.repository=git@git.example:policies",
        "--set=policies.git.secretName=deploy-key",
    ),
    "policies of a ConfigMap": ("--set=policies.configMap=ours",),
    "policies in the values": ("--set-string=policies.files.a\\.yaml=text",),
    "client certificates": ("--set=server.clientCASecret=api-server-ca",),
    "metrics by Prometheus's operator": ("--set=serviceMonitor.enabled=true",),
    "an audit": ("--set=audit.enabled=true",),
    "an audit that writes reports and metrics": (
        "--set=audit.enabled=true,audit.writeReports=true",
        "--set=audit.pushgateway=http://pushgateway.monitoring:9091",
        "--set=audit.workloadKinds[0].group=argoproj.io",
        "--set=audit.workloadKinds[0].resources={rollouts}",
    ),
    "an audit by policies from git": (
        "--set=audit.enabled=true,policies.git.repository=git@git.example:policies",
        "--set=policies.git.secretName=deploy-key",
    ),
    "an image by digest": (f"--set=image.digest=sha256:{'0' * 64}",),
    "IPv6, no network policy, no priority": (
        "--set=server.bind=[::]:9443,networkPolicy.enabled=false,priorityClassName=",
    ),
}
