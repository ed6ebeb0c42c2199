"""Remarks as GitHub's workflow commands, which Actions shows beside the line of a pull request.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions. The runner looks for
commands in every line that a step prints, so a name that a tenant wrote must not be one: line ends
and, in properties, the separators are escaped as the runner's own toolkit does, and ``##[``, its
older form that counts anywhere in a line, is broken up. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from webhook.cli.manifests import STDIN, InputError
from webhook.cli.remarks import Level, Remark

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})
_COMMANDS: Mapping[Level, str] = {
    Level.ERROR: "error",
    Level.WARNING: "warning",
    Level.NOTE: "notice",
}


def workflow_commands(remarks: Iterable[Remark], errors: Iterable[InputError]) -> Iterator[str]:
    """A line each, the gravest first: GitHub shows ten of a kind and step."""
    for error in errors:
        where = {"file": _file(error.source), "line": str(error.line or "")}
        yield _command("error", {**where, "title": "cannot be read"}, error.problem)
    for remark in sorted(remarks, key=_weight):
        line, column = remark.mark
        properties = {
            "file": _file(remark.checked.manifest.source),
            "line": str(line),
            "col": str(column),
            "title": f"{remark.reason or remark.rule}: {remark.subject}",
        }
        yield _command(_COMMANDS[remark.level], properties, remark.message)


def inert(line: str) -> str:
    """A line that is no command to GitHub, whoever wrote what is in it.

    Of a file's name, with which lines begin, it is made a path that means the same.
    """
    line = _broken_up(line)
    return f"./{line}" if line.startswith("::") else line


def _weight(remark: Remark) -> int:
    return list(Level).index(remark.level)


def _file(source: str) -> str:
    return "" if source == STDIN else source.removeprefix("./")


def _command(name: str, properties: Mapping[str, str], message: str) -> str:
    written = ",".join(
        f"{key}={_broken_up(value).translate(_PROPERTY)}"
        for key, value in properties.items()
        if value
    )
    return f"::{name} {written}::{_broken_up(message).translate(_DATA)}"


def _broken_up(text: str) -> str:
    return text.replace("##[", "## [")
