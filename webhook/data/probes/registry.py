"""Which probe measures which feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webhook.data.probes import arguments, calls, files, kernel, network
from webhook.data.probes.outcome import Probe, UntestedError

_BY_FEATURE: Mapping[str, Mapping[str, Probe]] = {
    "arguments": arguments.PROBES,
    "files": files.PROBES,
    "network": network.PROBES,
    "kernel": kernel.PROBES,
}
_BY_NAMESPACE: Mapping[str, tuple[str, Callable[[str], Probe]]] = {
    "syscall": ("calls", calls.presence),
    "proc": ("files", files.readable),
    "sys": ("files", files.readable),
    "device": ("files", files.opened),
    "fs": ("files", files.mounted),
}
"""Namespaces where one probe does for every id that names no operation and no pattern."""


def probe_name(feature: str) -> str | None:
    """The module that holds the probe of ``feature``: what a row of the table has as ``probe``."""
    for module, probes in _BY_FEATURE.items():
        if feature in probes:
            return module
    namespace, _, rest = feature.partition(":")
    by_namespace = _BY_NAMESPACE.get(namespace)
    if by_namespace is None or not _single(namespace, rest):
        return None
    return by_namespace[0]


def probe_of(feature: str) -> Probe:
    """The probe of ``feature``; for one that has none, a probe that says so."""
    for probes in _BY_FEATURE.values():
        if feature in probes:
            return probes[feature]
    namespace, _, rest = feature.partition(":")
    if probe_name(feature) is None:
        return _no_probe
    return _BY_NAMESPACE[namespace][1](rest)


def _single(namespace: str, rest: str) -> bool:
    if not rest or "*" in rest or (namespace == "syscall" and rest in calls.NOT_CALLED):
        return False
    return "/" not in rest if namespace in {"syscall", "fs"} else rest.startswith("/")


def _no_probe() -> str:
    raise UntestedError("there is no probe for it")
