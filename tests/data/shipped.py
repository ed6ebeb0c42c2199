"""The shipped compatibility table, read once, and the question that its tests ask of it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import webhook
from tests.build import TODAY, container, pod, pod_view
from webhook.core.compat import CompatTable
from webhook.core.names import Verdict
from webhook.core.needs import Finding, findings, needs_of
from webhook.core.runtimes import RuntimeProfile
from webhook.documents.folder import load_shipped
from webhook.documents.tables import ShippedData

FOLDER = Path(webhook.__file__).parent / "data" / "compat"


@cache
def shipped() -> ShippedData:
    """The shipped documents as core values."""
    files = [(str(p.relative_to(FOLDER)), p.read_bytes()) for p in sorted(FOLDER.rglob("*.yaml"))]
    return load_shipped(files)


def table() -> CompatTable:
    """The shipped compatibility table."""
    return shipped().compat


def judged(obj: Mapping[str, Any], profile: RuntimeProfile) -> tuple[Finding, ...]:
    """Every finding of a pod on a runtime, the compatible ones too, worst first."""
    return findings(needs_of(pod_view(obj), table()), table().bind(profile, TODAY))


def faults(obj: Mapping[str, Any], profile: RuntimeProfile) -> list[tuple[str, str]]:
    """Verdict and feature of every finding that is not simply compatible, worst first."""
    return [
        (finding.verdict.value, finding.need.feature)
        for finding in judged(obj, profile)
        if finding.verdict is not Verdict.COMPATIBLE
    ]


def running(image: str, *args: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A pod of one container of ``image``."""
    return pod(
        labels=labels, containers=[container("c", image, **({"args": [*args]} if args else {}))]
    )


def applications(obj: Mapping[str, Any]) -> list[str]:
    """The applications that the shipped table sees in a pod."""
    view = pod_view(obj)
    return [app.name for c in view.containers for app in table().catalogue.recognise(c, view)]
