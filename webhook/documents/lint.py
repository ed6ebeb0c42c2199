"""What is allowed in a policy folder but probably not meant: warnings with file, line and rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cached_property

from webhook.core.images import glob_matches
from webhook.core.names import ALWAYS_EXCLUDED, Action, counted
from webhook.core.policy import Exemption, Policy, Rules, RuntimeClasses
from webhook.documents.authored import gains, written_by_author
from webhook.documents.folder import Loaded
from webhook.documents.inventory import RuntimeInventory
from webhook.documents.overlaps import candidates, covers, shared_namespace, takes_all
from webhook.documents.policy import Rules as WrittenRules
from webhook.documents.policy import RuntimePolicy
from webhook.documents.reading import Placed, of_kind
from webhook.documents.source import field_path

EXPIRES_SOON = timedelta(days=30)
_SLIP = 0.82
"""How alike two names are that differ by a slip of the pen (difflib)."""

RULES: Mapping[str, str] = {
    "no-policy": "The folder holds no RuntimePolicy: every pod is kept as it is.",
    "no-inventory": "No RuntimeClass is described: nothing can be said of any pod on any class.",
    "equal-priority": "Two policies of equal priority can match one namespace.",
    "unreachable-policy": "Another policy governs every namespace that a policy matches.",
    "excluded-namespace": "A policy names a namespace that the gate never judges.",
    "labels-unguarded": "A policy selects on labels that no guard protects.",
    "default-not-allowed": "A policy's default is not among its allowed classes.",
    "fallback-not-allowed": "A fallback is not among the allowed classes.",
    "fallback-unused": "A fallback without a default is never used.",
    "unknown-class": "A class is not described by the inventory.",
    "misspelt-flag": "A flag of a runtime looks like one that the compatibility table speaks of.",
    "override-shadowed": "An earlier override takes every pod of a later one.",
    "override-by-author": "An override that is laxer than its policy goes by images or labels "
    "alone, which any author writes.",
    "exemption-expired": "An exemption has expired.",
    "exemption-expires-soon": "An exemption expires within 30 days.",
    "exemption-never-expires": "An exemption never expires.",
    "exemption-by-author": "An exemption goes by images or labels alone, which any author writes.",
}
"""Every rule and what it finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LintWarning:
    """One warning; ``rule`` is a key of RULES. One about the whole folder has no file.

    ``accepted``: the override or exemption that it is about says that it is meant.
    """

    file: str = ""
    line: int = 0
    field_path: str = ""
    rule: str
    message: str
    accepted: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: {self.field_path}: " if self.file else ""
        return f"{place}{self.message} ({self.rule})"


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What is linted, and where each policy is."""

    loaded: Loaded
    today: date

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """In the order in which they govern."""
        return self.loaded.policies.policies

    @cached_property
    def classes(self) -> Iterable[str]:
        """Every class that the inventory describes."""
        return self.loaded.inventory.by_class

    @cached_property
    def _placed(self) -> Mapping[str, Placed]:
        return {p.name: p for p, _ in of_kind(RuntimePolicy, self.loaded.documents)}

    def place(self, policy: Policy, *path: str | int) -> str:
        """``tenants.yaml:12``."""
        return self._placed[policy.name].place(*path)

    def warning(
        self, policy: Policy, path: tuple[str | int, ...], rule: str, message: str
    ) -> LintWarning:
        """A warning about one field of a policy."""
        return self.found(self._placed[policy.name], path, rule, message)

    def found(
        self, placed: Placed, path: tuple[str | int, ...], rule: str, message: str
    ) -> LintWarning:
        """A warning about one field of a document."""
        return LintWarning(
            file=placed.source.file,
            line=placed.line(*path),
            field_path=field_path(path),
            rule=rule,
            message=message,
            accepted=rule in _accepted(placed, path),
        )


def _accepted(placed: Placed, path: tuple[str | int, ...]) -> Sequence[str]:
    """The rules that the override or exemption around a field says are meant."""
    if not isinstance(placed.model, RuntimePolicy):
        return ()
    match path:
        case ("spec", "overrides", int(index), *_):
            return placed.model.spec.overrides[index].accepted_warnings
        case ("spec", "exemptions", int(index), *_):
            return placed.model.spec.exemptions[index].accepted_warnings
        case _:
            return ()


def warnings_counted(warnings: Sequence[LintWarning]) -> str:
    """``2 warnings``, ``no warnings, 1 accepted``: the one way to sum up."""
    accepted = sum(warning.accepted for warning in warnings)
    open_ = len(warnings) - accepted
    found = counted(open_, "warning") if open_ else "no warnings"
    return found + (f", {accepted} accepted" if accepted else "")


def lint(loaded: Loaded, today: date) -> tuple[LintWarning, ...]:
    """Every warning about a policy folder that is not accepted in it, by file and line."""
    return tuple(warning for warning in lint_all(loaded, today) if not warning.accepted)


def lint_all(loaded: Loaded, today: date) -> tuple[LintWarning, ...]:
    """``lint`` with what is accepted."""
    subject = _Subject(loaded=loaded, today=today)
    found = [warning for check in _CHECKS for warning in check(subject)]
    return tuple(sorted(found, key=lambda w: (w.file, w.line, w.rule)))


def _folder(subject: _Subject) -> Iterator[LintWarning]:
    """What the folder lacks as a whole."""
    if not subject.policies:
        yield LintWarning(
            rule="no-policy", message="no RuntimePolicy here: every pod is kept as it is"
        )
    if not subject.classes:
        yield LintWarning(
            rule="no-inventory",
            message="no RuntimeInventory here that describes a RuntimeClass: the compatibility "
            "table cannot be asked, every class is unknown",
        )


def _shared_namespaces(subject: _Subject) -> Iterator[LintWarning]:
    """Policies of equal priority that can meet, and those that another leaves nothing."""
    for first, second in candidates([p.namespaces for p in subject.policies]):
        higher, lower = subject.policies[first], subject.policies[second]
        if covers(higher.namespaces, lower.namespaces):
            message = (
                f"policy {higher.name} ({subject.place(higher)}) governs every namespace that "
                f"policy {lower.name} matches"
            )
            yield subject.warning(lower, _NAMESPACES, "unreachable-policy", message)
        elif higher.priority == lower.priority:
            name = shared_namespace(higher.namespaces, lower.namespaces)
            if name is not None:
                message = (
                    f"policy {higher.name} ({subject.place(higher)}) has priority "
                    f"{lower.priority} too and can match the same namespace, such as {name}; it "
                    f"would govern, being first by name"
                )
                yield subject.warning(lower, ("spec", "priority"), "equal-priority", message)


_NAMESPACES = ("spec", "namespaces")


def _excluded(subject: _Subject) -> Iterator[LintWarning]:
    for policy in subject.policies:
        for index, name in enumerate(policy.namespaces.names):
            if name in ALWAYS_EXCLUDED:
                message = f"{name} is never judged, whatever a policy says"
                path = (*_NAMESPACES, "names", index)
                yield subject.warning(policy, path, "excluded-namespace", message)


def _unguarded(subject: _Subject) -> Iterator[LintWarning]:
    guard = subject.loaded.inventory.guards.namespace_labels
    open_to = sorted(EVERYBODY.intersection(guard.groups)) if guard is not None else []
    if guard is not None and guard.action is Action.DENY and not open_to:
        return
    remedy = (
        f"leave {open_to[0]} out of guards.namespaceLabels.groups, too many are in it"
        if open_to
        else "let the inventory's guards.namespaceLabels deny it"
    )
    for policy in subject.policies:
        if policy.namespaces.selector and policy.namespaces.reads_labels():
            keys = ", ".join(sorted(policy.namespaces.selector.keys))
            message = (
                f"who may edit a Namespace may change its labels ({keys}) and leave this policy: "
                f"{remedy}"
            )
            path = (*_NAMESPACES, "selector")
            yield subject.warning(policy, path, "labels-unguarded", message)


EVERYBODY = frozenset({"system:authenticated", "system:unauthenticated", "system:serviceaccounts"})
"""Groups in which all users, or all service accounts, are."""

Layer = tuple[Policy, Rules, tuple[str | int, ...]]
"""The rules of a policy or of one of its overrides, and where they are written."""


def _layers(subject: _Subject) -> Iterator[Layer]:
    for policy in subject.policies:
        yield policy, policy.rules, ("spec",)
        for index, override in enumerate(policy.overrides):
            yield policy, override.rules, ("spec", "overrides", index)


def _class_rules(subject: _Subject) -> Iterator[LintWarning]:
    """Defaults and fallbacks that cannot be."""
    inherited: set[tuple[str, str, str]] = set()
    for policy, rules, at in _layers(subject):
        for below, rule, message in _faults(rules.runtime_classes):
            # What an override inherits is said once, of the policy.
            if (policy.name, rule, message) not in inherited:
                inherited.add((policy.name, rule, message))
                yield subject.warning(policy, (*at, "runtimeClasses", *below), rule, message)


def _faults(classes: RuntimeClasses) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    allowed = ", ".join(classes.allowed)
    if classes.default and not classes.allows(classes.default):
        message = (
            f"{classes.default} is not allowed ({allowed}): pods that set no class are refused"
        )
        yield ("default",), "default-not-allowed", message
    for index, name in enumerate(classes.fallback):
        if not classes.allows(name):
            message = f"{name} is not allowed ({allowed}): it is never assigned"
            yield ("fallback", index), "fallback-not-allowed", message
    if classes.fallback and not classes.default and not classes.namespace_default:
        message = "is never used: without a default nothing falls back"
        yield ("fallback",), "fallback-unused", message


def _unknown_classes(subject: _Subject) -> Iterator[LintWarning]:
    """Classes that the inventory does not describe; globs that match none of those it does."""
    if not subject.classes:
        return
    for placed, document in of_kind(RuntimePolicy, subject.loaded.documents):
        for path, glob in _written_classes(document):
            if glob not in {"", "*"} and not any(glob_matches(glob, c) for c in subject.classes):
                is_glob = "*" in glob or "?" in glob
                message = (
                    f"{glob} matches no class of the inventory"
                    if is_glob
                    else f"{glob} is not in the inventory: nothing is known of it"
                    f"{_meant(glob, subject.classes)}"
                )
                yield subject.found(placed, path, "unknown-class", message)


def _meant(name: str, classes: Iterable[str]) -> str:
    # Classes differ by a few letters on purpose (kata-fc, kata-clh): only a slip is guessed.
    near = get_close_matches(name, sorted(classes), n=1, cutoff=_SLIP)
    return f"; did you mean {near[0]}?" if near else ""


def _written_classes(document: RuntimePolicy) -> Iterator[tuple[tuple[str | int, ...], str]]:
    spec = document.spec
    layers: list[tuple[tuple[str | int, ...], WrittenRules]] = [(("spec",), spec)]
    layers += [(("spec", "overrides", i), o) for i, o in enumerate(spec.overrides)]
    for at, layer in layers:
        classes = layer.runtime_classes
        yield (*at, "runtimeClasses", "default"), classes.default
        for key, names in (("allowed", classes.allowed), ("fallback", classes.fallback)):
            for index, name in enumerate(names):
                yield (*at, "runtimeClasses", key, index), name
    for number, exemption in enumerate(spec.exemptions):
        for index, name in enumerate(exemption.runtime_classes):
            yield ("spec", "exemptions", number, "runtimeClasses", index), name


def _misspelt_flags(subject: _Subject) -> Iterator[LintWarning]:
    """Flags that say nothing to the table, and are but a slip away from one that does.

    Runtimes have many more flags than the table speaks of: of those nothing is said.
    """
    for placed, document in of_kind(RuntimeInventory, subject.loaded.documents):
        for index, installed in enumerate(document.spec.runtimes):
            known = subject.loaded.compat.flags_of(installed.runtime)
            plain = {_plain_flag(flag): flag for flag in sorted(known)}
            for flag in installed.flags.keys() - known:
                for near in get_close_matches(_plain_flag(flag), plain, n=1, cutoff=_SLIP):
                    message = (
                        f"{flag} is no flag that the table speaks of: it speaks of {plain[near]}"
                    )
                    path = ("spec", "runtimes", index, "flags", flag)
                    yield subject.found(placed, path, "misspelt-flag", message)


def _plain_flag(name: str) -> str:
    return name.lower().replace("_", "-")


def _shadowed(subject: _Subject) -> Iterator[LintWarning]:
    for policy in subject.policies:
        for later, override in enumerate(policy.overrides):
            for earlier in policy.overrides[:later]:
                if takes_all(earlier.pods, override.pods):
                    message = (
                        f"override {earlier.name} before it takes every pod of {override.name}"
                    )
                    path = ("spec", "overrides", later, "pods")
                    yield subject.warning(policy, path, "override-shadowed", message)
                    break


def _authored_overrides(subject: _Subject) -> Iterator[LintWarning]:
    """Overrides that whoever writes a pod may choose, where that makes it less strict."""
    for policy in subject.policies:
        for index, override in enumerate(policy.overrides):
            written = written_by_author(override.pods)
            gained = gains(policy.rules, override.rules, subject.loaded.inventory)
            if written and gained:
                message = (
                    f"whoever writes a pod writes its {' and '.join(written)}, and gains by "
                    f"override {override.name}: {'; '.join(gained)}. Go by serviceAccounts, or by "
                    "a policy for namespaces of their own"
                )
                path = ("spec", "overrides", index, "pods")
                yield subject.warning(policy, path, "override-by-author", message)


def _exemptions(subject: _Subject) -> Iterator[LintWarning]:
    for policy in subject.policies:
        for index, exemption in enumerate(policy.exemptions):
            at = ("spec", "exemptions", index)
            if expiry := _expiry(exemption, subject.today):
                rule, message = expiry
                yield subject.warning(policy, (*at, "expires"), rule, message)
            if written_by_author(exemption.pods):
                remedy = (
                    "name service accounts that not every pod has"
                    if exemption.pods.service_accounts
                    else "name the service accounts too"
                )
                message = f"whoever writes a pod can write what {exemption.name} asks for: {remedy}"
                yield subject.warning(policy, (*at, "pods"), "exemption-by-author", message)


def _expiry(exemption: Exemption, today: date) -> tuple[str, str] | None:
    who = f"exemption {exemption.name} of {exemption.owner}"
    if exemption.expires is None:
        return "exemption-never-expires", f"{who} never expires"
    days = (exemption.expires - today).days
    if days < 0:
        return "exemption-expired", f"{who} expired on {exemption.expires}"
    if days <= EXPIRES_SOON.days:
        left = {0: "today", 1: "tomorrow"}.get(days, f"in {days} days, on {exemption.expires}")
        return "exemption-expires-soon", f"{who} expires {left}"
    return None


_CHECKS: tuple[Callable[[_Subject], Iterator[LintWarning]], ...] = (
    _folder,
    _shared_namespaces,
    _excluded,
    _unguarded,
    _class_rules,
    _unknown_classes,
    _misspelt_flags,
    _shadowed,
    _authored_overrides,
    _exemptions,
)
