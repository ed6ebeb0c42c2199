"""The kernel's names of system calls, and other names that tools print for them.

A call is matched by its number; two names of one number are one call. gVisor prints ``pselect`` for
270 in releases before 20230123 and ``sysctl`` for 156 in all (google/gvisor 0e5d0cc13).
"""

from collections.abc import Mapping

ALIASES: Mapping[str, str] = {
    "pselect": "pselect6",
    "sysctl": "_sysctl",
}


def canonical_syscall(name: str) -> str:
    """The kernel's name for a call that ``name`` names."""
    return ALIASES.get(name, name)
