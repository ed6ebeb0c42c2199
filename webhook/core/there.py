"""The findings of a pod where it may land: on every architecture of the nodes that fit, and by
what these nodes say of a runtime handler.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from webhook.core.applications import Evidence
from webhook.core.compat import CompatTable, Fact
from webhook.core.names import VERDICT_RANK, Feature, Support
from webhook.core.needs import Finding, Needs, concerns
from webhook.core.nodes import Landing, Told
from webhook.core.placement import Placement
from webhook.core.runtimes import RuntimeProfile
from webhook.core.values import per_review


@per_review(frozen=True, slots=True, kw_only=True)
class There:
    """Where a pod may land: what it asks for, and the nodes that fit as far as they are known."""

    placement: Placement | None = None
    landing: Landing | None = None

    @property
    def offered(self) -> bool:
        """Whether some node fits, as far as nodes tell."""
        return self.landing is None or bool(self.landing)

    def architectures(self, otherwise: str) -> tuple[str, ...]:
        """Those of the nodes that fit; without such nodes those that the pod asks for."""
        found = self.landing.architectures if self.landing is not None else ()
        asked = self.placement.architectures if self.placement else ()
        return found or asked or (otherwise,)


def concerns_there(
    needs: Needs, profile: RuntimeProfile, there: There, table: CompatTable, today: date
) -> tuple[Finding, ...]:
    """The findings that are not simply compatible; of several architectures the worst counts."""
    told = _told(needs, profile, there.landing, today)
    architectures = there.architectures(profile.arch)
    if len(architectures) == 1:
        return concerns(needs, table.bind(profile.for_arch(*architectures), today), told)
    return _worst_of_each(
        {
            arch: concerns(needs, table.bind(profile.for_arch(arch), today), told)
            for arch in architectures
        }
    )


def _worst_of_each(found: Mapping[str, tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """Each finding once, with the worst verdict; one that is not everywhere says where it is."""
    by_need: dict[object, dict[str, Finding]] = {}
    for arch, findings in found.items():
        for finding in findings:
            by_need.setdefault(_identity(finding), {})[arch] = finding
    merged = [_merged(on, everywhere=len(found)) for on in by_need.values()]
    return tuple(sorted(merged, key=lambda finding: VERDICT_RANK[finding.verdict]))


def _identity(finding: Finding) -> tuple[object, ...]:
    need = finding.need
    application = need.application.name if need.application else None
    return (need.feature, need.strength, need.field_path, application, need.note)


def _merged(on: Mapping[str, Finding], *, everywhere: int) -> Finding:
    arch, worst = min(on.items(), key=lambda entry: VERDICT_RANK[entry[1].verdict])
    same = len(on) == everywhere and len({finding.verdict for finding in on.values()}) == 1
    return worst if same else replace(worst, arch=arch)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A pod feature that a kubelet admits only where the handler has ``feature``."""

    feature: str
    means: str


ASKED_OF_HANDLERS: Mapping[str, _Asked] = {
    "pod:hostUsers/false": _Asked(feature="userNamespaces", means="user namespaces"),
    "pod:recursiveReadOnly": _Asked(
        feature="recursiveReadOnlyMounts", means="recursive read-only mounts"
    ),
}
"""KEP-127 and KEP-3857: the kubelet rejects the pod on a node whose handler has it not."""


def _told(
    needs: Needs, profile: RuntimeProfile, landing: Landing | None, today: date
) -> Mapping[Feature, Fact]:
    """What the nodes say themselves of features that the pod uses; nothing if some are silent."""
    if landing is None:
        return {}
    features = {use.feature for use in needs.uses if use.feature in ASKED_OF_HANDLERS}
    facts = {f: _fact(f, profile, landing, today) for f in features}
    return {feature: fact for feature, fact in facts.items() if fact is not None}


def _fact(feature: Feature, profile: RuntimeProfile, landing: Landing, today: date) -> Fact | None:
    asked = ASKED_OF_HANDLERS[feature]
    told = landing.told_of(asked.feature)
    if told.silent or not told.having + told.lacking:
        return None
    support, summary, note = _said(told, asked.means)
    nodes = told.having + told.lacking
    source = f"status.runtimeHandlers of {nodes} node{'s' if nodes > 1 else ''}"
    return Fact(
        runtime=profile.runtime,
        feature=feature,
        support=support,
        summary=summary,
        note=note,
        evidence=(Evidence(kind="measured", source=source, date=today.isoformat()),),
        origin="the cluster's nodes",
    )


def _said(told: Told, means: str) -> tuple[Support, str, str]:
    if not told.lacking:
        return Support.FULL, "", f"is offered with {means} by the nodes"
    if not told.having:
        note = (
            f"is offered without {means} by every node that fits, and the kubelet rejects the pod"
        )
        return Support.ABSENT, f"no node that fits offers {means} with it", note
    note = (
        f"is offered with {means} by {told.having} of the {told.having + told.lacking} nodes that "
        "fit, and the kubelet of the others rejects the pod"
    )
    return Support.UNKNOWN, f"only some nodes offer {means} with it", note
