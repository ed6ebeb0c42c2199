"""Reads gVisor's syscall tables off a clone of google/gvisor into ``gvisor/``.

    python -m tests.data.read_gvisor_tables CLONE [VERSION=TREE ...]

CLONE has the release tags; a TREE is the unpacked source of a version that has none (the Go
module). Written are ``releases.txt`` and ``history.tsv``, whose header explains it. Needed again
only when there are new releases: the shipped table is generated from what is committed here.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from webhook.core.syscalls import syscall_name
from webhook.core.versions import parse_version
from webhook.documents.imports.gvisor_phrases import phrase

HERE = Path(__file__).parent / "gvisor"
TABLES = "pkg/sentry/syscalls/linux"
FIRST_TAG = "20190304.1"
NOT_THERE = "-"

_TABLE = re.compile(
    r"^var (AMD64|ARM64) = .*?^\tTable: map\[uintptr\]kernel\.Syscall(?:Fn)?\{\n(.*?)^\t\},",
    re.DOTALL | re.MULTILINE,
)
_ROW = re.compile(r"^\s*([0-9]+):\s+(.*?),?\s*(?://.*)?$")
_OVERRIDE = re.compile(r"^\s*(?:s\.Table|table)\[([0-9]+)\] = (.*?)\s*(?://.*)?$")
_DELETE = re.compile(r"^\s*delete\((?:s\.Table|table), ([0-9]+)\)")
_CALL = re.compile(r"syscalls\.(\w+)\((.*)\)$")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')

Key = tuple[str, int]
"""Column (an architecture, or ``amd64/vfs2``: what VFS2 put over it) and number."""


class Seen(NamedTuple):
    """A code and the commit that brought it (``HASH/DAY``), where one is known."""

    code: str
    commit: str = ""


@dataclass(slots=True)
class Clone:
    """git in a clone of google/gvisor."""

    path: Path
    _parsed: dict[str, dict[Key, str]] = field(default_factory=dict)

    def run(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.path), *arguments], capture_output=True, text=True, check=True
        ).stdout

    def releases(self) -> list[str]:
        tags = self.run("tag", "--list", "release-*").split()
        return sorted((t.removeprefix("release-") for t in tags), key=parse_version)

    def tables(self, revision: str) -> dict[Key, str]:
        """Every row of the tables at ``revision``."""
        listed = self.run("ls-tree", "-r", revision, TABLES).splitlines()
        files = {line.split("\t")[1]: line.split()[2] for line in listed}
        found: dict[Key, str] = {}
        for name in sorted(files):
            if is_table(name):
                blob = files[name] + name
                if blob not in self._parsed:
                    text = self.run("cat-file", "blob", files[name])
                    self._parsed[blob] = dict(rows(name, text))
                found |= self._parsed[blob]
        return found


def is_table(name: str) -> bool:
    """Whether a file of gVisor holds a table, or what VFS2 puts over one."""
    file = name.removeprefix(f"{TABLES}/")
    return not file.endswith("_test.go") and bool(
        re.match(r"linux64(?:_a\w+)?\.go$|vfs2/(?:vfs2|linux64\w*)\.go$", file)
    )


def rows(name: str, text: str) -> Iterator[tuple[Key, str]]:
    """Each row of a table file as (column, number) and code."""
    if "/vfs2/" in name:
        yield from _overrides(text, "arm64" if name.endswith("_arm64.go") else "amd64")
        return
    for match in _TABLE.finditer(text):
        for line in match[2].splitlines():
            if row := _ROW.match(line):
                yield (match[1].lower(), int(row[1])), code(row[2], int(row[1]))


def _overrides(text: str, arch: str) -> Iterator[tuple[Key, str]]:
    for line in text.splitlines():
        if "linux.ARM64" in line:
            arch = "arm64"
        elif row := _OVERRIDE.match(line):
            yield (f"{arch}/vfs2", int(row[1])), code(row[2], int(row[1]))
        elif row := _DELETE.match(line):
            yield (f"{arch}/vfs2", int(row[1])), NOT_THERE


def code(expression: str, number: int) -> str:
    """What a row's Go expression says, in the codes of ``history.tsv``."""
    match = _CALL.match(expression)
    if match is None:
        return NOT_THERE if expression == "nil" else "I"
    function, arguments = match[1].removesuffix("Point"), match[2]
    if function in {"Supported", "Undocumented"}:
        return "F" if function == "Supported" else "I"
    if function == "PartiallySupported":
        return phrase(_STRING.findall(arguments)[1])
    if function == "CapError":
        return f"C {_found(r'CAP_[A-Z_]+', arguments)}"
    if function in {"Error", "ErrorWithEvent"}:
        return f"E {_found(r'E[A-Z]{3,}', arguments)}" if arguments != "nil" else "Z"
    raise ValueError(f"{number}: unknown function {function}")


def _found(pattern: str, text: str) -> str:
    match = re.search(rf"\b{pattern}\b", text)
    if match is None:
        raise ValueError(f"no {pattern} in {text}")
    return match[0]


def changes(clone: Clone) -> dict[Key, list[tuple[str, str, str]]]:
    """Each commit's changes by row, in the order of the days: day, HASH/DAY, new code."""
    log = clone.run("log", "--no-merges", "--format=%H %cs", "HEAD", "--", TABLES).splitlines()
    found: dict[Key, list[tuple[str, str, str]]] = {}
    for line in reversed(log):
        commit, day = line.replace("-", "").split()
        parents = clone.run("rev-list", "--parents", "-n1", commit).split()[1:]
        before = clone.tables(parents[0]) if parents else {}
        after = clone.tables(commit)
        for key in before.keys() | after.keys():
            new = after.get(key, NOT_THERE)
            if before.get(key, NOT_THERE) != new:
                found.setdefault(key, []).append((day, f"{commit[:9]}/{day}", new))
    for listed in found.values():
        listed.sort(key=lambda change: change[0])
    return found


def before_tags(clone: Clone) -> Iterator[tuple[str, str]]:
    """The last commit of each day on which the table changed before the first tag."""
    log = clone.run("log", "--reverse", "--format=%cs %H", f"release-{FIRST_TAG}", "--", TABLES)
    days = dict(line.split() for line in log.splitlines())
    for day, commit in days.items():
        yield day.replace("-", ""), commit


def history(clone: Clone, trees: Mapping[str, Path]) -> dict[Key, dict[str, Seen]]:
    """Of every row, the code at each version from which on it differs from the version before."""
    by_commit = changes(clone)
    timeline = [*before_tags(clone), *((r, f"release-{r}") for r in clone.releases())]
    found: dict[Key, dict[str, Seen]] = {}
    previous: dict[Key, str] = {}
    for version, revision in timeline:
        tables = clone.tables(revision)
        for key in tables.keys() | previous.keys():
            new = tables.get(key, NOT_THERE)
            if key not in previous or previous[key] != new:
                commit = _commit(by_commit.get(key, []), version, new)
                found.setdefault(key, {})[version] = Seen(new, commit)
            previous[key] = new
    _append_trees(found, clone, trees)
    return found


def _append_trees(
    found: dict[Key, dict[str, Seen]], clone: Clone, trees: Mapping[str, Path]
) -> None:
    """What a tree says that no commit of the clone says: unknown between the two."""
    known = str(int(clone.run("log", "-1", "--format=%cs", "HEAD").strip().replace("-", "")) + 1)
    for version, tree in trees.items():
        for file in sorted((tree / TABLES).glob("linux64*.go")):
            for key, new in rows(file.name, file.read_text()) if is_table(file.name) else ():
                seen = found.setdefault(key, {})
                if not seen or list(seen.values())[-1].code != new:
                    seen[known] = Seen("?")
                    seen[version] = Seen(new)


def _commit(listed: list[tuple[str, str, str]], version: str, new: str) -> str:
    """The last commit up to ``version`` that made the row ``new``."""
    day = version.partition(".")[0]
    return next((c for d, c, code in reversed(listed) if d <= day and code == new), "")


HEADER = """\
# gVisor's syscall tables over its releases: levels, errnos and the commits that changed them.
# Read by tests/data/read_gvisor_tables.py off google/gvisor (Apache License 2.0,
# Copyright The gVisor Authors), pkg/sentry/syscalls/linux: linux64.go, linux64_arm64.go and
# vfs2/*.go, at every commit before the first release tag (a version is then a commit's day) and at
# every tag. The words after P and S are ours, for the note in the table.
# column, number, kernel's name, then VERSION[@COMMIT/DAY] CODE for each change:
# - not in the table (ENOSYS); I implemented, level not recorded; F full; P partial, and what it
# lacks; S partial by being a stub; Z always succeeds and does nothing; E always this errno;
# C EPERM without this capability, ENOSYS with it; ? not known.
# A column NAME/vfs2 is what VFS2 put over the table; it ends with 20221122.0.
"""


def main(arguments: list[str]) -> None:
    """Write both files."""
    clone = Clone(Path(arguments[0]))
    trees = dict(argument.split("=", 1) for argument in arguments[1:])
    found = history(clone, {version: Path(tree) for version, tree in trees.items()})
    lines = [HEADER]
    for (column, number), seen in sorted(found.items()):
        name = syscall_name(number, column.partition("/")[0])
        edges = (f"{v}{'@' * bool(s.commit)}{s.commit} {s.code}" for v, s in seen.items())
        lines.append("\t".join((column, str(number), str(name), *edges)) + "\n")
    (HERE / "history.tsv").write_text("".join(lines))
    (HERE / "releases.txt").write_text("\n".join(clone.releases()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
