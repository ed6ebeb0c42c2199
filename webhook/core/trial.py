"""One RuntimeClass tried on one pod under one policy: what would be refused, what warned of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from webhook.core.features import Use
from webhook.core.images import glob_matches
from webhook.core.names import (
    NAMESPACE_DEFAULT,
    REASON_OF_VERDICT,
    Action,
    Reason,
    Verdict,
    shown,
)
from webhook.core.needs import Finding, Needs, needs_of, worst
from webhook.core.placement import placement_of
from webhook.core.pod import PodView
from webhook.core.policy import Exemption, Override, Policy, Rules
from webhook.core.runtimes import RuntimeProfile
from webhook.core.snapshot import Snapshot
from webhook.core.there import There, concerns_there
from webhook.core.values import per_review

RECONFIGURING: tuple[str, ...] = (
    "dev.gvisor.*",
    "io.katacontainers.*",
    "io.kubernetes.cri.*",
    "io.kubernetes.cri-o.*",
    "*.crio.io",
    "*.crio.io/*",
    "*.cri-o.io",
    "*.cri-o.io/*",
    "run.oci.*",
    "module.wasm.image/*",
    "org.systemd.property.*",
    "org.criu.config*",
)
"""Pod annotations that reconfigure a sandbox or pick another runtime: gVisor's shim, Kata, the
containerd CRI plugin's untrusted handler and its words to the runtime, CRI-O's
``allowed_annotations`` in both spellings (cri-o/cri-o: ANNOTATION_MIGRATION.md), crun's handlers,
and what runc and crun hand to systemd and CRIU (CVE-2024-3154)."""
_BEGINNINGS = tuple(glob.rstrip("*") for glob in RECONFIGURING if not glob.startswith("*"))
_WITHIN = tuple(
    f"{glob.removeprefix('*')}/"
    for glob in RECONFIGURING
    if glob.startswith("*") and not glob.endswith("*")
)


def reconfigures(key: str) -> bool:
    """Whether one of RECONFIGURING names an annotation."""
    return key.startswith(_BEGINNINGS) or any(within in f"{key}/" for within in _WITHIN)


@per_review(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One cause of a refusal; ``finding`` where the compatibility table is the cause."""

    reason: Reason
    cause: str
    field_path: str
    finding: Finding | None = None


@per_review(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding and what the policy does with it."""

    finding: Finding
    action: Action


@per_review(frozen=True, slots=True, kw_only=True)
class Trial:
    """The outcome of trying ``runtime_class`` (None: the node's default runtime)."""

    runtime_class: str | None
    profile: RuntimeProfile | None
    refusals: tuple[Refusal, ...]
    judged: tuple[Judged, ...]
    offered: bool = True
    notes: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the policy refuses the pod on this class."""
        return bool(self.refusals)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the table, exempt findings left out."""
        return worst(judged.finding.verdict for judged in self.judged)


@per_review(frozen=True, slots=True, kw_only=True)
class Case:
    """A pod under its governing policy: what every trial of it shares.

    ``rules`` are those in force: the override's where one matches.
    """

    pod: PodView
    policy: Policy
    override: Override | None
    rules: Rules
    exemptions: tuple[Exemption, ...]
    expired: tuple[Exemption, ...]
    snapshot: Snapshot
    namespace_annotations: Mapping[str, str]
    asked: tuple[Use, ...] = ()
    """What the change itself asks of the runtime, besides what the pod does."""
    _needs: list[Needs] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def needs(self) -> Needs:
        """What the pod needs, read once for all classes tried, and only where it is asked."""
        if not self._needs:
            self._needs.append(needs_of(self.pod, self.snapshot.compat, self.asked))
        return self._needs[0]

    def permitted_by(self, runtime_class: str | None) -> Exemption | None:
        """The exemption that lets the pod use a class (None: none) that the rules do not."""
        for exemption in self.exemptions:
            if exemption.permits(runtime_class):
                return exemption
        return None

    def allows(self, runtime_class: str) -> bool:
        """Whether the pod may name a class, by the rules or by an exemption."""
        return (
            self.rules.runtime_classes.allows(runtime_class)
            or self.permitted_by(runtime_class) is not None
        )

    def there(self, runtime_class: str | None) -> There:
        """Where the pod may land with a class."""
        placement = placement_of(self.pod)
        landing = self.snapshot.cluster.landing(runtime_class, placement)
        return There(placement=placement, landing=landing)


def open_case(pod: PodView, policy: Policy, snapshot: Snapshot) -> Case:
    """The case of ``pod`` under ``policy``: its override, its exemptions of today."""
    matching = policy.exemptions_for(pod) if policy.exemptions else ()
    override = policy.override_for(pod) if policy.overrides else None
    namespace = snapshot.cluster.namespace(pod.namespace)
    return Case(
        pod=pod,
        policy=policy,
        override=override,
        rules=override.rules if override else policy.rules,
        exemptions=tuple([e for e in matching if not e.expired(snapshot.today)]),
        expired=tuple([e for e in matching if e.expired(snapshot.today)]),
        snapshot=snapshot,
        namespace_annotations=namespace.annotations if namespace else {},
    )


def default_class(case: Case) -> str | None:
    """The class that an unset pod gets: the namespace's choice where allowed, else the default."""
    classes = case.rules.runtime_classes
    if case.permitted_by(None) is not None:
        return None
    if classes.namespace_default:
        chosen = case.namespace_annotations.get(NAMESPACE_DEFAULT)
        if chosen and classes.allows(chosen):
            return chosen
    return classes.default


def must_have_class(case: Case) -> bool:
    """Whether an unset pod may not stay so: the policy assigns a class, or demands one."""
    required = case.rules.runtime_classes.required
    return case.permitted_by(None) is None and (required or default_class(case) is not None)


def attempt(case: Case, runtime_class: str | None) -> Trial:
    """Try ``runtime_class`` on the pod: its own refusals first, then the table's."""
    profile = case.snapshot.inventory.profile_of(runtime_class)
    there = case.there(runtime_class)
    judged = _judged(case, profile, there)
    # Where a pod without a class may run is the scheduler's to say.
    offered = runtime_class is None or there.offered
    return Trial(
        runtime_class=runtime_class,
        profile=profile,
        refusals=(
            *_class_refusals(case, runtime_class, profile),
            *annotation_refusals(case),
            *excess_refusals(case),
            *finding_refusals(judged),
        ),
        judged=judged,
        offered=offered,
        notes=tuple(_notes(case, runtime_class, profile, offered)),
    )


def judge(case: Case, runtime_class: str | None) -> tuple[Judged, ...]:
    """The findings that are not simply compatible, each with its action; exempt ones left out."""
    profile = case.snapshot.inventory.profile_of(runtime_class)
    return _judged(case, profile, case.there(runtime_class))


def _judged(case: Case, profile: RuntimeProfile | None, there: There) -> tuple[Judged, ...]:
    if profile is None:
        return ()
    snapshot = case.snapshot
    found = concerns_there(case.needs, profile, there, snapshot.compat, snapshot.today)
    if case.exemptions:
        found = tuple([f for f in found if not _is_exempt(f, case.exemptions)])
    actions = case.rules.actions
    return tuple([Judged(finding=f, action=actions[f.verdict]) for f in found])


def _is_exempt(finding: Finding, exemptions: tuple[Exemption, ...]) -> bool:
    return any(exemption.covers(finding.need.feature) for exemption in exemptions)


def finding_refusals(judged: tuple[Judged, ...]) -> Sequence[Refusal]:
    """A refusal for each finding that the policy denies."""
    return [
        Refusal(
            reason=REASON_OF_VERDICT[entry.finding.verdict],
            cause="",
            field_path=entry.finding.need.field_path,
            finding=entry.finding,
        )
        for entry in judged
        if entry.action is Action.DENY
    ]


def excess_refusals(case: Case) -> Sequence[Refusal]:
    """A refusal of a pod that is too much to be judged, where any verdict could be one."""
    excess = case.needs.excess
    if not excess or Action.DENY not in case.rules.actions.values():
        return ()
    if any("*" in exemption.features for exemption in case.exemptions):
        return ()
    at = case.pod.path("spec")
    return (Refusal(reason=Reason.RUNTIME_UNVERIFIED, cause=excess, field_path=at),)


def annotation_refusals(case: Case) -> Sequence[Refusal]:
    """A refusal for each annotation of the pod that reconfigures the sandbox."""
    return [
        Refusal(
            reason=Reason.RUNTIME_ANNOTATION_NOT_ALLOWED,
            cause=key,
            field_path=case.pod.path(f"metadata.annotations[{key}]"),
        )
        for key in case.pod.annotations
        if reconfigures(key)
        and not any(glob_matches(glob, key) for glob in case.rules.runtime_annotations)
    ]


def class_not_allowed(pod: PodView, runtime_class: str) -> Refusal:
    """The refusal of a class that neither the rules nor an exemption let the pod name."""
    return Refusal(
        reason=Reason.RUNTIME_CLASS_NOT_ALLOWED,
        cause=runtime_class,
        field_path=pod.path("spec.runtimeClassName"),
    )


def class_required(pod: PodView) -> Refusal:
    """The refusal of a pod that names no class where it must have one."""
    return Refusal(
        reason=Reason.RUNTIME_CLASS_REQUIRED,
        cause="spec.runtimeClassName is not set",
        field_path=pod.path("spec.runtimeClassName"),
    )


def _class_refusals(
    case: Case, runtime_class: str | None, profile: RuntimeProfile | None
) -> Iterator[Refusal]:
    """Refusals of the class itself, in DESIGN's order (section 3, step 4)."""
    if runtime_class is None:
        return
    at = case.pod.path("spec.runtimeClassName")
    if not case.allows(runtime_class):
        yield class_not_allowed(case.pod, runtime_class)
    known = case.snapshot.cluster.runtime_classes
    view = known.get(runtime_class) if known is not None else None
    if known is not None and view is None:
        yield Refusal(reason=Reason.RUNTIME_CLASS_NOT_FOUND, cause=runtime_class, field_path=at)
    if profile is None:
        if case.rules.actions[Verdict.UNKNOWN] is Action.DENY:
            yield Refusal(reason=Reason.RUNTIME_CLASS_UNKNOWN, cause=runtime_class, field_path=at)
    elif view is not None and profile.handler not in {None, view.handler}:
        yield Refusal(reason=Reason.HANDLER_MISMATCH, cause=view.handler, field_path=at)


def _for_windows(pod: PodView, profile: RuntimeProfile | None) -> bool:
    """Whether a pod is meant for Windows nodes by its selector alone, and gets a Linux runtime.

    The selector is no declaration, though real Windows manifests have often nothing else.
    """
    selector = pod.node_selector
    meant = "windows" in (selector.get("kubernetes.io/os"), selector.get("beta.kubernetes.io/os"))
    return meant and profile is not None and profile.runtime not in {"windows", "other"}


def _notes(
    case: Case, runtime_class: str | None, profile: RuntimeProfile | None, offered: bool
) -> Iterator[str]:
    """What does not refuse but should be known: no node, a class that nobody described."""
    if runtime_class is not None and _for_windows(case.pod, profile):
        yield (
            f"RuntimeClass {shown(runtime_class)} is for Linux, but the nodeSelector is for "
            "Windows: say so by spec.os.name: windows"
        )
    if (
        runtime_class is not None
        and profile is None
        and case.rules.actions[Verdict.UNKNOWN] is Action.WARN
    ):
        yield f"RuntimeClass {shown(runtime_class)} is not in the inventory: nothing is known of it"
    if not offered:
        yield (
            f"no Ready node that this pod may run on offers RuntimeClass "
            f"{shown(runtime_class or '')}"
        )
