"""The pages of docs/reference as the code makes them: commands, document schema, pod features."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from inspect import cleandoc
from typing import Any

import click

from tests.docs.blocks import ROOT
from webhook.cli import COMMANDS, command_line
from webhook.cli.compat_options import Asked, titled
from webhook.cli.examples import EXAMPLES
from webhook.cli.markdown import code, escaped, table_lines
from webhook.core.compat import BoundRuntime
from webhook.core.features import FEATURES, PodFeature
from webhook.core.names import Feature, Strength, Support
from webhook.documents.reading import KINDS
from webhook.documents.schema import schema_of
from webhook.live.shipped import shipped

REFERENCE = ROOT / "docs" / "reference"
_HEAD = "<!-- Rendered from the code by `make docs`: edit the code, not this page. -->"
_PREFIX = "RUNTIMEGATE"
_DAY = date(2026, 11, 26)
"""Any day will do: every runtime below is asked about in a release."""

COMPARED: tuple[Asked, ...] = (
    Asked(runtime="gvisor"),
    Asked(runtime="kata", hypervisor="qemu"),
    Asked(runtime="runc"),
)
"""The runtimes that features are shown on, each in its newest release."""


def reference_pages() -> dict[str, str]:
    """Every page by its file's name."""
    return {
        "commands.md": _page("Commands and settings", _commands()),
        "schema.md": _page("Document schema", _schema()),
        "features.md": _page("Pod features", _features()),
    }


def _page(title: str, lines: Iterator[str]) -> str:
    return "\n".join([f"# {title}", "", _HEAD, "", *lines]).rstrip() + "\n"


def _commands() -> Iterator[str]:
    yield (
        "Exit codes of every command: 0 clean · 1 refusals or findings · 2 usage or unreadable "
        "input · 3 a bug of ours. Every option can be given by its environment variable; what is "
        "typed counts before it."
    )
    root = command_line(COMMANDS)
    context = click.Context(root, info_name="runtimegate", auto_envvar_prefix=_PREFIX)
    yield from ("", "## runtimegate", "", *_options(root, context))
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        yield from _command(command, context, name)


def _command(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _command(found, context, below)
        return
    pieces = " ".join(command.collect_usage_pieces(context))
    yield from ("", f"## {context.command_path}", "", f"    {context.command_path} {pieces}", "")
    for paragraph in re.split(r"\n\s*\n", cleandoc(command.help or "")):
        yield from (_text(" ".join(paragraph.split())), "")
    if examples := EXAMPLES.get(context.command_path.partition(" ")[2]):
        yield from ("Examples:", "", *(f"    {line}" for line in examples), "")
    yield from _options(command, context)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    rows = []
    for option in command.params:
        if not isinstance(option, click.Option) or option.hidden or option.name == "help":
            continue
        extra = option.get_help_extra(context)
        spelled = ", ".join(option.opts) + ("".join(f"/{o}" for o in option.secondary_opts))
        takes = "" if option.is_flag else f" {option.make_metavar(context)}"
        rows.append(
            [
                code(spelled + takes),
                ", ".join(map(code, extra.get("envvars", ()))),
                code(str(extra["default"])) if "default" in extra else "",
                _text(option.help or ""),
            ]
        )
    if rows:
        yield from table_lines(["option", "environment variable", "default", "what"], rows)


def _schema() -> Iterator[str]:
    yield (
        "Every key of every document in a policy folder, by its field path. "
        "[policies/README.md](../../policies/README.md) says more of each; "
        "`runtimegate policy schema` prints the same as JSON Schema for an editor."
    )
    for kind in KINDS:
        schema = schema_of(kind)
        yield from ("", f"## {kind}", "", _text(schema.get("description", "")), "")
        rows = list(_fields(schema, schema["$defs"], "", frozenset()))
        yield from table_lines(["key", "value", "default", "what"], rows)


def _fields(
    schema: Mapping[str, Any], defs: Mapping[str, Any], at: str, seen: frozenset[str]
) -> Iterator[list[str]]:
    for key, value in schema.get("properties", {}).items():
        path = f"{at}.{key}" if at else key
        if path in {"apiVersion", "kind"}:
            continue
        target, suffix, name = _resolved(value, defs)
        needed = key in schema.get("required", ())
        default = _default(value["default"]) if "default" in value else "required" * needed
        yield [code(path + suffix), _kind(target), default, _text(value.get("description", ""))]
        if name not in seen:
            yield from _fields(target, defs, path + suffix, seen | {name} if name else seen)


def _default(value: object) -> str:
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def _resolved(
    value: Mapping[str, Any], defs: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str, str]:
    """What a value is, the suffix of its path where it is a list, and its definition's name."""
    if value.get("type") == "array":
        target, _, name = _resolved(value.get("items", {}), defs)
        return target, "[]", name
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return defs[name], "", name
    return value, "", ""


def _kind(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " ".join(code(str(value)) for value in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(filter(None, (_kind(one) for one in schema[several])))
    words = {"object": "mapping", "string": "text", "boolean": "`true` or `false`"}
    told = schema.get("format") or schema.get("type", "")
    return words.get(told, told) if isinstance(told, str) else " or ".join(told)


_FEATURES_INTRODUCTION = (
    "What is read off a pod's own fields, whatever its images are, and what the compatibility "
    "table says of it. Each cell is a level of [the table]"
    "(../compatibility.md#how-a-verdict-is-reached); the pages of "
    "[the runtimes](../compatibility/README.md) have notes, flags and sources."
)
_FEATURES_END = (
    "*by value*: the whole feature names what the pod asks for, such as `cap:NET_ADMIN`, and the "
    "table speaks of each. A security field that is `ignored` gives the verdict `ignoredSecurity`."
)


def _features() -> Iterator[str]:
    profiles = [asked.profile(shipped().compat) for asked in COMPARED]
    bound = [shipped().compat.bind(profile, _DAY) for profile in profiles]
    rows: dict[tuple[str, str], list[str]] = {}
    for row in FEATURES:
        said = [code(row.id), _text(row.means), str(row.strength)]
        rows[row.id, row.means] = [*said, *(_level(row, table) for table in bound)]
    yield from (_FEATURES_INTRODUCTION, "")
    yield from table_lines(["feature", "the pod", "need", *map(titled, profiles)], rows.values())
    yield from ("", _FEATURES_END)


def _level(row: PodFeature, table: BoundRuntime) -> str:
    support = table.judgement(Feature(row.id), row.strength, row.security).support
    facts = shipped().compat.facts
    runtime = table.profile.runtime
    of_values = any(
        fact.runtime == runtime and fact.feature.startswith(row.id) and fact.feature != row.id
        for fact in facts
    )
    return "*by value*" if support is Support.UNKNOWN and of_values else str(support)


def level(feature: str, runtime: str) -> Support:
    """What the newest release of a runtime of COMPARED does with a feature."""
    asked = next(asked for asked in COMPARED if asked.runtime == runtime)
    table = shipped().compat.bind(asked.profile(shipped().compat), _DAY)
    return table.judgement(Feature(feature), Strength.REQUIRED, False).support


def _text(text: str) -> str:
    """``text`` as a cell or a paragraph: what stands in backticks stays as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part.replace("|", "\\|") if part.startswith("`") else _escaped(part) for part in parts
    )


def _escaped(text: str) -> str:
    kept = escaped(text)
    return f"{' ' * (text[:1] == ' ')}{kept}{' ' * (text[-1:] == ' ' and bool(kept))}"
