"""A draft of policies → the files of a policy folder, each override below the reason for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from webhook.core.assumed import assumed_class, assumed_node_default
from webhook.core.drafting import (
    Draft,
    DraftOverride,
    DraftPolicy,
    Member,
    Ruling,
    gives_isolation,
    goes_its_own_way,
    planned,
)
from webhook.core.isolation import NO_CLASS, Ladder, sentence
from webhook.core.names import (
    ALWAYS_EXCLUDED,
    API_VERSION,
    WORST_FIRST,
    Verdict,
    counted,
)
from webhook.core.runtimes import DEFAULT_ARCH, Cri, RuntimeProfile
from webhook.core.selecting import DEFAULT_ACCOUNT
from webhook.documents.writing import document_text, documents_text

PRIORITY, PRIORITY_OF_OTHERS = 100, 0
_MOST_NAMED = 12
_SYSTEM = ("kube-*", "runtimegate-system")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the files say of themselves: what was looked at, and when."""

    origin: str
    today: date
    excluded: frozenset[str] = ALWAYS_EXCLUDED


def drafted_files(
    draft: Draft, about: About, inventory: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Name and text of each file. ``inventory`` is the document that there is already, if any."""
    names = _Names(policy.namespaces[0] for policy in draft.policies)
    plain = [policy for policy in draft.policies if not policy.overrides]
    files = {"inventory.yaml": _inventory_text(draft, about, inventory)}
    if plain:
        head = [*_head(about), "", "Namespaces in which everything runs on one class."]
        documents = [_policy(p, _plain_name(p, draft, names), draft.ladder) for p in plain]
        files["sandboxed.yaml"] = documents_text(documents, head=head)
    if draft.whole:
        files["others.yaml"] = _others_text(draft, about, names)
    for policy in draft.policies:
        if policy.overrides:
            files[f"namespaces/{policy.name}.yaml"] = _policy_text(policy, draft.ladder, about)
    return files


class _Names:
    """Names of policies, each once; those of namespaces are taken."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def new(self, wanted: str) -> str:
        """``wanted``, or with a number after it."""
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}-{number}", number + 1
        self._taken.add(name)
        return name


def _plain_name(policy: DraftPolicy, draft: Draft, names: _Names) -> str:
    return names.new(f"everything-on-{draft.ladder.steps[policy.default].name}"[:60])


def _head(about: About) -> list[str]:
    head = f"A draft by `runtimegate plan` of {about.today.isoformat()}, from {about.origin}."
    return [f"{head} Review it, and try it with `mode: warn` before it may refuse anything."]


def _policy_text(policy: DraftPolicy, ladder: Ladder, about: About) -> str:
    head = [*_head(about), ""]
    others = f" and {counted(len(policy.namespaces) - 1, 'other')}"
    named = policy.name + (others if len(policy.namespaces) > 1 else "")
    head.append(
        f"{named}: {counted(policy.workloads, 'workload')}, {counted(policy.pods, 'pod')}. An "
        "override goes by what the author of a pod writes (service account, images, labels): "
        "whoever may create pods here can make one that it takes. Who must not have what it gives "
        "needs another namespace."
    )
    remarks: dict[tuple[str | int, ...], Sequence[str]] = {
        ("spec", "overrides", index): list(_reason(override, ladder, policy.default))
        for index, override in enumerate(policy.overrides)
    }
    return document_text(_policy(policy, policy.name, ladder), head=head, remarks=remarks)


def _policy(policy: DraftPolicy, name: str, ladder: Ladder) -> dict[str, Any]:
    overrides = [_override(override, ladder) for override in policy.overrides]
    return {
        "apiVersion": API_VERSION,
        "kind": "RuntimePolicy",
        "metadata": {"name": name},
        "spec": {
            "priority": PRIORITY,
            "namespaces": {"names": list(policy.namespaces)},
            **_rules(policy.default, ladder),
            **({"overrides": overrides} if overrides else {}),
        },
    }


def _rules(default: int, ladder: Ladder) -> dict[str, Any]:
    """The rules of a namespace: a class that isolates, or another one that does."""
    return {
        "runtimeClasses": {
            "default": ladder.steps[default].runtime_class,
            "required": True,
            "allowed": list(ladder.isolating),
        },
        "compatibility": {str(v): str(ladder.actions[v]) for v in _VERDICTS},
    }


_VERDICTS = tuple(verdict for verdict in WORST_FIRST if verdict is not Verdict.COMPATIBLE)


def _override(override: DraftOverride, ladder: Ladder) -> dict[str, Any]:
    selector, ruling = override.selector, override.ruling
    pods: dict[str, Any] = {}
    if selector.service_accounts:
        pods["serviceAccounts"] = list(selector.service_accounts)
    if selector.images:
        pods["images"] = list(selector.images)
    if selector.labels:
        pods["selector"] = {"matchLabels": dict(selector.labels)}
    made = {"name": override.name, "pods": pods, "runtimeClasses": _classes(ruling, ladder)}
    if ruling.passed:
        made["compatibility"] = {str(v): "warn" for v in _VERDICTS if v in ruling.passed}
    if ruling.annotations:
        made["runtimeAnnotations"] = {"allowed": list(ruling.annotations)}
    if _laxer(ruling, ladder) and not _own_account(override):
        made["acceptedWarnings"] = ["override-by-author"]
    return made


def _laxer(ruling: Ruling, ladder: Ladder) -> bool:
    return bool(ruling.passed or ruling.annotations) or not gives_isolation(ruling, ladder)


def _classes(ruling: Ruling, ladder: Ladder) -> dict[str, Any]:
    given = (ladder.steps[step].runtime_class for step in (ruling.default, *ruling.fallback))
    names = [name for name in given if name]
    classes: dict[str, Any] = {"default": ladder.steps[ruling.default].runtime_class or ""}
    if not classes["default"]:
        classes["required"] = False
    classes["allowed"] = list(dict.fromkeys((*names, *ladder.isolating, *ruling.also)))
    if ruling.fallback:
        classes["fallback"] = names[1:]
    return classes


def _reason(override: DraftOverride, ladder: Ladder, default: int) -> Iterator[str]:
    """Why the override is there, and what a reviewer should know of how it chooses pods."""
    meant = [member for member in override.members if member.meant]
    unset = [m for m in meant if m.variant.fit.asks is None]
    if unset:
        yield f"{_listed(unset)}: {_gets(override.ruling, ladder)}."
    for asked in dict.fromkeys(m.variant.fit.asks for m in meant if m.variant.fit.asks):
        asking = [m for m in meant if m.variant.fit.asks == asked]
        yield f"{_listed(asking)}: may go on with {asked}, the class that it names itself."
    for cause in dict.fromkeys(c for member in unset for c in _causes(member, ladder, default)):
        yield f"- {cause}"
    if override.ruling.passed:
        passed = ", ".join(str(v) for v in _VERDICTS if v in override.ruling.passed)
        yield f"REVIEW: {passed} is let pass: it is so where it runs today, if it does."
    if override.ruling.annotations:
        yield "REVIEW: its pods carry annotations that reconfigure the sandbox."
    strangers = [m for m in override.members if not (m.meant or goes_its_own_way(m, ladder))]
    if strangers:
        yield f"It also takes {_listed(strangers)}, which nothing that it reads tells apart."
    if _laxer(override.ruling, ladder) and not _own_account(override):
        what = "laxer" if gives_isolation(override.ruling, ladder) else "not isolated"
        yield (
            f"REVIEW: {what}, and chosen by what any author of a pod here may write. Give it "
            "a service account of its own, and take acceptedWarnings away."
        )


def _own_account(override: DraftOverride) -> bool:
    accounts = override.selector.service_accounts
    return bool(accounts) and DEFAULT_ACCOUNT not in accounts


def _listed(members: Iterable[Member]) -> str:
    """The workloads of ``members``, the first dozen of many."""
    keys = {member.workload.key: member.workload.pods for member in members}
    names = [
        f"{key.kind} {key.namespace}/{key.name} ({counted(pods, 'pod')})"
        for key, pods in keys.items()
    ]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _gets(ruling: Ruling, ladder: Ladder) -> str:
    names = [_step_name(ladder, step) for step in (ruling.default, *ruling.fallback)]
    return f"{names[0]}, or where it is refused {' or '.join(names[1:])}" if names[1:] else names[0]


def _step_name(ladder: Ladder, step: int) -> str:
    found = ladder.steps[step]
    return (
        found.name
        if found.runtime_class
        else f"{NO_CLASS}, as the node runs it ({found.profile.runtime})"
    )


def _causes(member: Member, ladder: Ladder, default: int) -> Iterator[str]:
    """What bars the pods from every step above their own, and from the last if none suits."""
    obstacles = member.variant.fit.obstacles
    none_suits = member.workload.strongest is None
    last = len(obstacles) if none_suits else planned(member.variant, member.workload)
    for step in range(default, last):
        if (obstacle := obstacles[step]) is not None:
            yield sentence(obstacle, ladder.steps[step])


def _others_text(draft: Draft, about: About, names: _Names) -> str:
    excluded = sorted({*_SYSTEM, *about.excluded} - ALWAYS_EXCLUDED)
    document = {
        "apiVersion": API_VERSION,
        "kind": "RuntimePolicy",
        "metadata": {"name": names.new("others")},
        "spec": {
            "priority": PRIORITY_OF_OTHERS,
            "namespaces": {"names": ["*"], "excludeNames": excluded},
            **_rules(0, draft.ladder),
        },
    }
    head = [
        *_head(about),
        "",
        "Namespaces that held nothing when this was drafted, and those that are made later.",
    ]
    return document_text(document, head=head)


def _inventory_text(draft: Draft, about: About, given: Mapping[str, Any] | None) -> str:
    """The inventory as it is, with what it does not describe assumed, and said so."""
    spec = dict(given["spec"]) if given is not None else {}
    runtimes = list(spec.get("runtimes") or ())
    there = {entry["runtimeClass"] for entry in runtimes}
    remarks: dict[tuple[str | int, ...], Sequence[str]] = {}
    for name, profile in _needed(draft):
        if name not in there:
            remarks["spec", "runtimes", len(runtimes)] = [f"ASSUMED: {_assumed(name, draft)}"]
            runtimes.append(_declared(name, profile))
    default = draft.ladder.snapshot.inventory.node_default
    if "nodeDefault" not in spec and default is not None:
        spec = {"nodeDefault": _installed(default), **spec}
        remarks["spec", "nodeDefault"] = [f"ASSUMED: {assumed_node_default().words}"]
    if runtimes:
        spec["runtimes"] = runtimes
    if given is None:
        spec["guards"] = {"runtimeClasses": "deny"}
        remarks["spec", "guards"] = ["Nobody makes one of these classes mean another handler."]
    document = {**(given or _NO_INVENTORY), "spec": spec}
    head = [*_head(about), "", "What the RuntimeClasses mean. Put right what is assumed."]
    return document_text(document, head=head, remarks=remarks)


_NO_INVENTORY: Mapping[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": "RuntimeInventory",
    "metadata": {"name": "cluster"},
}


def _needed(draft: Draft) -> Iterator[tuple[str, RuntimeProfile]]:
    """The classes of the ladder, those that are there, and those that pods name."""
    inventory, cluster = draft.ladder.snapshot.inventory, draft.ladder.snapshot.cluster
    named = [step.runtime_class for step in draft.ladder.steps if step.runtime_class]
    for name in dict.fromkeys((*named, *sorted(cluster.runtime_classes or ()), *draft.asked)):
        if profile := inventory.by_class.get(name):
            yield name, profile
        elif draft.ladder.may_be(name):
            yield name, assumed_class(name, None, draft.ladder.snapshot.compat).profile


def _assumed(name: str, draft: Draft) -> str:
    step = next((s for s in draft.ladder.steps if s.runtime_class == name), None)
    if step is not None and step.assumed:
        return step.assumed
    view = (draft.ladder.snapshot.cluster.runtime_classes or {}).get(name)
    handler = view.handler if view else None
    return assumed_class(name, handler, draft.ladder.snapshot.compat).words


def _declared(name: str, profile: RuntimeProfile) -> dict[str, Any]:
    handler = {"handler": str(profile.handler)} if profile.handler else {}
    return {"runtimeClass": name, **handler, **_installed(profile)}


def _installed(profile: RuntimeProfile) -> dict[str, Any]:
    optional = {
        "versions": [str(version) for version in profile.versions],
        "flags": dict(sorted(profile.flags.items())),
        "hypervisor": profile.hypervisor,
        "vendor": profile.vendor,
        "cri": _cri(profile.cri) if profile.cri else None,
        "arch": profile.arch if profile.arch != DEFAULT_ARCH else None,
    }
    return {"runtime": profile.runtime, **{k: v for k, v in optional.items() if v}}


def _cri(cri: Cri) -> dict[str, str]:
    return {"name": cri.name, **({"version": str(cri.version)} if cri.version else {})}
