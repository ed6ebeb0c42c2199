"""``runtimegate compat import``: what tools and projects print, as documents of a policy folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import click
from pydantic import ValidationError

from webhook.cli.compat_import_report import head, imported_value, told
from webhook.cli.compat_options import known_runtime
from webhook.cli.options import day, output_option, today_option
from webhook.cli.report import as_json
from webhook.core.applications import Evidence
from webhook.core.compat import CompatTable, Fact
from webhook.core.names import RUNTIME_TITLES, shown
from webhook.core.versions import Version, VersionError, parse_version
from webhook.documents.evidence import Evidence as EvidenceModel
from webhook.documents.imports.gvisor_applications import import_applications
from webhook.documents.imports.gvisor_syscalls import import_syscalls
from webhook.documents.imports.oci_facts import import_features
from webhook.documents.imports.oci_features import PrintedBy, printed_by
from webhook.documents.imports.reading import FORMATS, format_of, read_input
from webhook.documents.imports.releases import release_number
from webhook.documents.imports.result import Imported, Wish
from webhook.documents.inventory import unfit_version
from webhook.documents.sentences import problems
from webhook.documents.source import MOST_BYTES, DocumentErrors, SourceDocument, too_large
from webhook.documents.writing import documents_text
from webhook.live.shipped import shipped
from webhook.live.verified import verified

_STDIN = "-"


@click.command(name="import", short_help="Turn what runtimes print into overlays of the table.")
@click.argument("file", metavar="FILE|-")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    envvar="RUNTIMEGATE_COMPAT_IMPORT_FORMAT",
    help="What FILE is.  [default: by what it holds]",
)
@click.option("--runtime", metavar="NAME", help="Who printed FILE, where it does not say so.")
@click.option("--version", help="Its release, where FILE does not say so.")
@click.option(
    "--source", help="The public source of the evidence.  [default: the command or file as such]"
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    envvar="RUNTIMEGATE_COMPAT_IMPORT_ALL",
    help="Also what the shipped table says alike.",
)
@today_option("The day of the evidence.  [default: today, in UTC]")
@output_option("yaml", "json")
def import_(
    *,
    file: str,
    form: str | None,
    runtime: str | None,
    version: str | None,
    source: str | None,
    everything: bool,
    today: datetime | None,
    output: str,
) -> None:
    """Turn FILE into documents for a policy folder: facts of a release, or runs of applications.

    \b
    FILE is what one of these prints, recognised by what it holds:
      runsc help syscalls -format json -os linux -arch all      needs --version
      runc features, or crun's, youki's, runsc's                --version where it names none
      gVisor's website/_data/application-compatibility.yml      needs --version, of the tag

    An overlay is believed before the shipped table. So only what differs from it is imported, and
    only what the file can know better: the rest, and why, is said on standard error.
    """
    document = read_input(_read(file), file)
    found = form or format_of(document)
    table = shipped().compat
    subject = _subject(document, found, runtime, version)
    evidence = _evidence(found, subject, source, day(today))
    wish = Wish(evidence=evidence, everything=everything)
    imported = _IMPORTS[found](document, subject, table, wish)
    if output == "json":
        click.echo(as_json(imported_value(imported)))
        return
    comments = head(imported, found, evidence, table.version)
    click.echo(documents_text(imported.documents, head=comments), nl=False)
    for line in told(imported):
        click.echo(line, err=True)


def _read(file: str) -> bytes:
    """The input, no more of it than is read; raises OSError, DocumentErrors."""
    if file == _STDIN:
        content = sys.stdin.buffer.read(MOST_BYTES + 1)
    else:
        with Path(file).open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DocumentErrors([too_large(file, len(content))])
    return content


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """The release that an input speaks of."""

    runtime: str
    release: Version


def _subject(
    document: SourceDocument, form: str, runtime: str | None, version: str | None
) -> _Subject:
    """What the file and the options say together; raises click.UsageError where they do not."""
    said = printed_by(document) if form == "oci-features" else PrintedBy(runtime="gvisor")
    name = _agreed("--runtime", said.runtime, runtime and known_runtime(runtime), form)
    release = _release(name, said.version, version, form)
    return _Subject(runtime=name, release=release)


def _agreed(option: str, said: str | None, given: str | None, form: str) -> str:
    if said and given and said != given:
        message = f"must be {shown(said, 60)}, as the file says, not {shown(given, 60)!r}"
        raise click.BadParameter(message, param_hint=option)
    if not (agreed := given or said):
        raise click.UsageError(f"{FORMATS[form]} does not say here who printed it: give {option}")
    return agreed


def _release(runtime: str, said: str | None, given: str | None, form: str) -> Version:
    if not said and not given:
        title = RUNTIME_TITLES[runtime]
        raise click.UsageError(f"{FORMATS[form]} names no release of {title}: give --version")
    release = _parsed(runtime, given or said or "")
    if said and given and _parsed(runtime, said) != release:
        message = f"must be {shown(said, 60)}, as the file says, not {shown(given, 60)!r}"
        raise click.BadParameter(message, param_hint="--version")
    return release


def _parsed(runtime: str, text: str) -> Version:
    try:
        version = parse_version(text)
    except VersionError as error:
        raise click.BadParameter(str(error), param_hint="--version") from None
    if fault := unfit_version(runtime, version):
        raise click.BadParameter(fault, param_hint="--version")
    return version


_PROGRAMS: Mapping[str, str] = {"gvisor": "runsc"}
"""What a runtime's command is called, where not by its name."""


def _evidence(form: str, subject: _Subject, source: str | None, today: date) -> Evidence:
    kind, default = _EVIDENCE[form]
    program = _PROGRAMS.get(subject.runtime, subject.runtime)
    number = release_number(subject.release)
    given = {
        "kind": kind,
        "source": source or default.format(program=program, number=number),
        "date": today.isoformat(),
    }
    try:
        return EvidenceModel.model_validate(given).core()
    except ValidationError as error:
        _, message = next(problems(error, EvidenceModel))
        raise click.BadParameter(message, param_hint="--source") from None


_EVIDENCE: Mapping[str, tuple[str, str]] = {
    "gvisor-syscalls": ("measured", "runsc help syscalls -format json of {number}"),
    "gvisor-applications": (
        "documentation",
        "google/gvisor@release-{number}:website/_data/application-compatibility.yml",
    ),
    "oci-features": ("measured", "{program} features of {number}"),
}
"""Kind and source of the evidence, by format."""


def _syscalls(
    document: SourceDocument, subject: _Subject, table: CompatTable, wish: Wish
) -> Imported:
    def measured(fact: Fact, arch: str) -> bool:
        runs = verified().of(fact)
        return any((run.release, run.arch) == (subject.release, arch) for run in runs)

    return import_syscalls(document, subject.release, table, measured, wish)


def _applications(
    document: SourceDocument, subject: _Subject, table: CompatTable, wish: Wish
) -> Imported:
    return import_applications(document, subject.release, table, wish)


def _features(
    document: SourceDocument, subject: _Subject, table: CompatTable, wish: Wish
) -> Imported:
    return import_features(document, subject.runtime, subject.release, table, wish)


_IMPORTS: Mapping[str, Callable[[SourceDocument, _Subject, CompatTable, Wish], Imported]] = {
    "gvisor-syscalls": _syscalls,
    "gvisor-applications": _applications,
    "oci-features": _features,
}
