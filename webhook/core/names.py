"""The words of the project: names fixed by DESIGN.md, closed sets, and text made safe to show.

Everything a person outside relies on (annotation names, reasons, verdicts) is spelled here once.
"""

from enum import StrEnum
from typing import NewType

Feature = NewType("Feature", str)
"""A feature id such as ``syscall:io_uring_setup`` or ``pod:hostNetwork`` (DESIGN 4)."""

Handler = NewType("Handler", str)
"""The CRI runtime handler that a RuntimeClass names."""

VERSION = "0.1.0"
"""This release, as pyproject.toml and the chart have it."""

API_VERSION = "runtimegate.dev/v1"

ASSIGNED_BY = "runtimegate.dev/assigned-by"
NEEDS = "runtimegate.dev/needs"
NAMESPACE_DEFAULT = "runtimegate.dev/default-runtime-class"
MIRROR_POD = "kubernetes.io/config.mirror"
NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"

ALWAYS_EXCLUDED = frozenset({"kube-system"})
"""Namespaces that the gate never judges, whatever a policy says: a cluster must come up."""


class Mode(StrEnum):
    """What a policy does with its verdicts; the words and meaning of Pod Security."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"


class Action(StrEnum):
    """What a policy does with one class of findings."""

    DENY = "deny"
    WARN = "warn"
    AUDIT = "audit"
    IGNORE = "ignore"


class Strength(StrEnum):
    """How much an application depends on a feature (DESIGN 4)."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    OPTIONAL = "optional"
    OBSERVED = "observed"


class Support(StrEnum):
    """What a runtime release does with a feature (DESIGN 4)."""

    FULL = "full"
    PARTIAL = "partial"
    STUB = "stub"
    SCOPED = "scoped"
    IGNORED = "ignored"
    GATED = "gated"
    ERRNO = "errno"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What becomes of one need on one runtime; the keys of a policy's ``compatibility``."""

    INCOMPATIBLE = "incompatible"
    DEGRADED = "degraded"
    IGNORED_SECURITY = "ignoredSecurity"
    UNKNOWN = "unknown"
    COMPATIBLE = "compatible"


WORST_FIRST: tuple[Verdict, ...] = tuple(Verdict)
VERDICT_RANK: dict[Verdict, int] = {verdict: rank for rank, verdict in enumerate(WORST_FIRST)}


class Reason(StrEnum):
    """Why something is refused: stable words for machines (DESIGN 6; the last two by guards)."""

    RUNTIME_CLASS_NOT_ALLOWED = "RuntimeClassNotAllowed"
    RUNTIME_CLASS_REQUIRED = "RuntimeClassRequired"
    RUNTIME_CLASS_NOT_FOUND = "RuntimeClassNotFound"
    RUNTIME_CLASS_UNKNOWN = "RuntimeClassUnknown"
    HANDLER_MISMATCH = "HandlerMismatch"
    RUNTIME_ANNOTATION_NOT_ALLOWED = "RuntimeAnnotationNotAllowed"
    RUNTIME_INCOMPATIBLE = "RuntimeIncompatible"
    RUNTIME_DEGRADED = "RuntimeDegraded"
    RUNTIME_UNVERIFIED = "RuntimeUnverified"
    SECURITY_FIELD_IGNORED = "SecurityFieldIgnored"
    RUNTIME_CLASS_IN_USE = "RuntimeClassInUse"
    NAMESPACE_GUARDED = "NamespaceGuarded"


REASON_OF_VERDICT: dict[Verdict, Reason] = {
    Verdict.INCOMPATIBLE: Reason.RUNTIME_INCOMPATIBLE,
    Verdict.DEGRADED: Reason.RUNTIME_DEGRADED,
    Verdict.UNKNOWN: Reason.RUNTIME_UNVERIFIED,
    Verdict.IGNORED_SECURITY: Reason.SECURITY_FIELD_IGNORED,
}

RUNTIME_TITLES: dict[str, str] = {
    "gvisor": "gVisor",
    "kata": "Kata Containers",
    "runc": "runc",
    "crun": "crun",
    "youki": "youki",
    "nvidia": "the NVIDIA runtime",
    "wasm": "the Wasm runtime",
    "windows": "the Windows runtime",
    "other": "the runtime",
}
"""Runtimes that an inventory may name, with the spelling their projects use."""


def counted(number: int, noun: str) -> str:
    """``1 pod``, ``12 pods``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(text: str, limit: int = 120) -> str:
    """``text`` as it may be shown to a person or written to a log: printable, one line, bounded.

    Tenants write labels, names and images; newlines, quotes, terminal escapes and bidirectional
    overrides in them must reach no message as they are (``str.isprintable`` is false for all of
    those but the quotes, which are escaped too).
    """
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(_escaped(char) for char in text)


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else char.encode("unicode_escape").decode()
