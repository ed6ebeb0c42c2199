"""What gVisor's notes on partial support say, in the words of our notes.

A note of ours stands after the runtime's name and release ("gVisor 20260817.0 lacks SEM_UNDO"), so
each begins with a verb. The reader of printed tables and the generator of the shipped one
(``tests/data/read_gvisor_tables.py``) both go by these.
"""

import re

# A part of gVisor's note, and ours.
PHRASES: tuple[tuple[str, str], ...] = (
    ("non-zero timeout", "takes no timeout"),
    ("Autobind", "cannot autobind abstract Unix sockets"),
    ("Depends on", "depends on the backing file system"),
    ("Device creation", "creates regular files and FIFOs, no devices"),
    ("Fields loads", "leaves loads, shared, buffer, swap and high memory empty"),
    ("Fields ru_", "counts no memory, faults or blocks, and time coarsely"),
    ("RWF_HIPRI", "lacks RWF_HIPRI"),
    ("Full data flush", "does not guarantee that all data is flushed"),
    ("MAP_FIXED_NOREPLACE", "lacks MAP_FIXED_NOREPLACE, MAP_SYNC, MAP_GROWSDOWN, MAP_HUGETLB"),
    ("User ring", "works without the ring in user memory"),
    ("Hard links", "reports events from inside the sandbox only"),
    ("inotify events", "reports events from inside the sandbox only"),
    ("In process of porting", "is in the process of being ported"),
    ("Limited support for AF_NETLINK", "has little of AF_NETLINK and SOCK_RAW"),
    ("Limited support with Gofer", "may miscount links of files shared with the host"),
    ("See link", "may miscount links of files shared with the host"),
    ("Locks are held", "holds locks inside the sandbox only"),
    ("Message retrieval", "has no message retrieval"),
    ("Mount, cgroup namespaces", "has no mount and cgroup namespaces; network ones are empty"),
    ("Time, cgroup namespaces", "has no time and cgroup namespaces"),
    ("flags and control messages", "lacks some flags and control messages"),
    ("flags and functionality", "has few of its operations"),
    ("Not all options are", "lacks some options"),
    ("options or file systems", "mounts few file systems and lacks some options"),
    ("rlimits", "accepts all limits and enforces some"),
    ("Not all socket options", "lacks some socket options"),
    ("all platforms", "works on some platforms only"),
    ("few ioctls", "has few ioctls of devices and file systems"),
    ("CGROUP_DEVICE", "loads CGROUP_DEVICE programs only, without effect"),
    ("FSCONFIG_SET_FLAG", "has SET_FLAG, SET_STRING and CMD_CREATE only"),
    ("personality bits", "sets only bits that have no effect"),
    ("tmpfs", "works on tmpfs only"),
    ("IPC_RMID", "has IPC_RMID only"),
    ("session keyrings", "has session keyrings without keys only"),
    ("MADV_DONTNEED", "heeds MADV_DONTNEED and MADV_DONTFORK, ignores other advice"),
    ("ignores all provided", "ignores all advice"),
    ("dummy message", "returns a made-up log"),
    ("RWF flags", "lacks the RWF flags"),
    ("Robust futexes", "has no robust futexes"),
    ("slightly different", "differs slightly from Linux"),
    ("single NUMA node", "shows one NUMA node and keeps policies that have no effect"),
    ("mapped pages are resident", "reports every mapped page as resident"),
    ("lacks appropriate permissions", "succeeds without effect"),
    ("Stub implementation", "keeps values that have no effect"),
    ("Test implementation", "has a test in its place"),
)
_NAME = re.compile(r"\b(?:[A-Z]+_[A-Z_]+|[a-z_]+\.set_tid|SetTid)\b")


def phrase(note: str) -> str:
    """gVisor's ``note`` in the codes of ``gvisor_levels``; raises ValueError for a new kind."""
    stub = note.startswith("Stub implementation") or "ignores all" in note
    return f"{'S' if stub else 'P'} {_words(note)}"


def _words(note: str) -> str:
    for part, ours in PHRASES:
        if part in note:
            return ours
    names = [re.sub(r"^(?:SetTid|clone_args\.set_tid)$", "set_tid", n) for n in _NAME.findall(note)]
    if not names:
        raise ValueError(f"no words yet for {note!r}")
    return "lacks " + " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
