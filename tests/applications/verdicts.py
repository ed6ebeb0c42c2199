"""What the table says of the image that a script stands for, on one release."""

from __future__ import annotations

from tests.applications.images import Stands
from tests.build import container, pod, pod_view
from tests.facts.run import bound
from tests.runsc.releases import Runsc
from webhook.core.names import Verdict
from webhook.core.needs import Finding, findings, needs_of
from webhook.live.shipped import shipped


def worst(stands: Stands, runsc: Runsc) -> Finding | None:
    """The finding that decides; None where everything that it needs is met, or nothing is known."""
    fields = {"args": [*stands.args]} if stands.args else {}
    view = pod_view(pod(containers=[container("c", stands.image, **fields)]))
    found = findings(needs_of(view, shipped().compat), bound(runsc, {}))
    return next((f for f in found if f.verdict is not Verdict.COMPATIBLE), None)


def verdict(stands: Stands, runsc: Runsc) -> Verdict:
    """The verdict on a pod of one container of that image."""
    found = worst(stands, runsc)
    return Verdict.COMPATIBLE if found is None else found.verdict


def recognised(stands: Stands) -> tuple[str, ...]:
    """The applications that the table sees in it."""
    fields = {"args": [*stands.args]} if stands.args else {}
    view = pod_view(pod(containers=[container("c", stands.image, **fields)]))
    catalogue = shipped().compat.catalogue
    return tuple(a.name for c in view.containers for a in catalogue.recognise(c, view))


def agrees(said: Verdict, works: bool) -> bool:
    """Whether a run fits a verdict: what is refused as incompatible fails, all else works."""
    return said is Verdict.UNKNOWN or (said is Verdict.INCOMPATIBLE) is not works
