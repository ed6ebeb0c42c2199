"""Seccomp profiles: the calls that they allow. OCI and Docker JSON, and the YAML of the Security
Profiles Operator (``SeccompProfile``), whose recorder writes it, as oci-seccomp-bpf-hook does JSON.

A profile says what is allowed. That a program uses it is true only of those that a recorder wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from webhook.core.pod import text
from webhook.documents.models import described
from webhook.documents.recordings.calls import NO_ANSWER, Call
from webhook.documents.source import (
    DocumentError,
    DocumentErrors,
    SourceDocument,
    parse_documents,
)
from webhook.documents.yaml_faults import Path

_KIND = re.compile(rb"^ *kind: *[\"']?SeccompProfile", re.MULTILINE)
_ALLOWED = frozenset({"SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"})
_ACTION = re.compile(r"SCMP_ACT_[A-Z_]{2,20}")
_NAME = re.compile(r"[a-z0-9_]{1,40}")
_MOST_ARGUMENTS = 6


def looks_like_profile(head: bytes) -> bool:
    """Whether a file that begins so is a seccomp profile, and no log in which one is spoken of."""
    if head.lstrip()[:1] == b"{":
        return b'"defaultAction"' in head and b'"log"' not in head[:64]
    return _KIND.search(head) is not None


def parse_profile(content: bytes, *, file: str, arch: str) -> tuple[Call, ...]:
    """The calls that the profiles of a file allow on ``arch``; raises DocumentErrors."""
    parsed = parse_documents(content, file=file)
    errors = list(parsed.errors)
    calls: dict[Call, None] = {}
    for document in parsed.documents:
        for path, profile in _profiles(document.data, errors, document):
            rules = _Rules(document, path, arch, errors)
            calls.update(dict.fromkeys(rules.allowed(profile)))
    if errors:
        raise DocumentErrors(errors)
    return tuple(calls)


def _profiles(
    data: Any, errors: list[DocumentError], document: SourceDocument
) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Each profile of a document, and where in it."""
    if not isinstance(data, Mapping):
        errors.append(document.error((), f"must be a seccomp profile, not {described(data)}"))
    elif isinstance(items := data.get("items"), Sequence) and not isinstance(items, str):
        for index, item in enumerate(items):
            if isinstance(item, Mapping) and item.get("kind") == "SeccompProfile":
                yield from _spec(item, ("items", index))
    elif data.get("kind") == "SeccompProfile":
        yield from _spec(data, ())
    elif "defaultAction" in data:
        yield (), data
    else:
        message = "must be a seccomp profile: defaultAction and syscalls, or kind SeccompProfile"
        errors.append(document.error((), message))


def _spec(profile: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    spec = profile.get("spec")
    if isinstance(spec, Mapping):
        yield (*at, "spec"), spec


class _Rules:
    """One profile's rules; adds to ``errors`` what cannot be read."""

    def __init__(
        self, document: SourceDocument, at: Path, arch: str, errors: list[DocumentError]
    ) -> None:
        self._document, self._at, self._arch, self._errors = document, at, arch, errors

    def allowed(self, profile: Mapping[str, Any]) -> Iterator[Call]:
        action = text(profile.get("defaultAction"))
        if not _ACTION.fullmatch(action):
            given = described(profile.get("defaultAction"))
            self._fault(
                ("defaultAction",), f"must be an action such as SCMP_ACT_ERRNO, not {given}"
            )
        elif action in _ALLOWED:
            return  # what is not named is allowed: nothing is told of the program
        rules = profile.get("syscalls", [])
        if not isinstance(rules, Sequence) or isinstance(rules, str):
            self._fault(("syscalls",), f"must be a list of rules, not {described(rules)}")
            return
        for index, rule in enumerate(rules):
            yield from self._rule(rule, ("syscalls", index))

    def _rule(self, rule: Any, at: Path) -> Iterator[Call]:
        if not isinstance(rule, Mapping):
            self._fault(at, f"must be a rule with names and action, not {described(rule)}")
            return
        names = rule.get("names", [rule["name"]] if "name" in rule else None)
        if not isinstance(names, Sequence) or isinstance(names, str):
            self._fault((*at, "names"), f"must be a list of system calls, not {described(names)}")
        elif text(rule.get("action")) in _ALLOWED and self._holds(rule):
            arguments = _arguments(rule.get("args"))
            for name in names:
                if isinstance(name, str) and _NAME.fullmatch(name):
                    yield Call(name, arguments, NO_ANSWER)

    def _holds(self, rule: Mapping[str, Any]) -> bool:
        """Whether a rule is for ``arch``, and for containers without added capabilities."""
        includes, excludes = rule.get("includes"), rule.get("excludes")
        included, excluded = _arches(includes), _arches(excludes)
        needs_capability = isinstance(includes, Mapping) and bool(includes.get("caps"))
        return (
            not needs_capability
            and self._arch not in excluded
            and (not included or self._arch in included)
        )

    def _fault(self, at: Path, message: str) -> None:
        self._errors.append(self._document.error((*self._at, *at), message))


def _arches(condition: Any) -> frozenset[str]:
    arches = condition.get("arches") if isinstance(condition, Mapping) else None
    if not isinstance(arches, Sequence) or isinstance(arches, str):
        return frozenset()
    return frozenset(arch for arch in arches if isinstance(arch, str))


def _arguments(conditions: Any) -> bytes:
    """Arguments that must have one value, as a call would be printed with them."""
    values = ["?"] * _MOST_ARGUMENTS
    for condition in conditions if isinstance(conditions, Sequence) else ():
        if isinstance(condition, Mapping) and condition.get("op") == "SCMP_CMP_EQ":
            place = _number(condition.get("index"), _MOST_ARGUMENTS)
            value = _number(condition.get("value"), 1 << 64)
            if place is not None and value is not None:
                values[place] = f"{value:#x}"
    return ",".join(values).encode() if set(values) != {"?"} else b""


def _number(value: Any, below: int) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < below
    return int(value) if is_number else None
