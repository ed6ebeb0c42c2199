"""``runtimegate compat learn``: recordings of system calls → a document of observed needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from webhook.cli.compat_options import (
    Asked,
    load_table,
    of_day_option,
    policies_option,
    profile_options,
    titled,
)
from webhook.cli.options import day, output_option
from webhook.cli.recording_files import Recording, read_recordings
from webhook.cli.report import as_json
from webhook.core.applications import Application, Recognition
from webhook.core.compat import BoundRuntime, CompatTable
from webhook.core.images import ImagePattern, ImagePatternError, parse_image_pattern
from webhook.core.names import Verdict, shown
from webhook.documents.learning import (
    Learned,
    Subject,
    evidence_of,
    learned,
    requirements,
    table_text,
    tallied,
    use_text,
    verdict_of,
)
from webhook.documents.models import Metadata
from webhook.documents.reading import read_documents
from webhook.documents.recordings.reader import TITLES, Format
from webhook.documents.recordings.signs import signs_of
from webhook.documents.recordings.tally import Counting, Tally
from webhook.documents.writing import document_text

_MOST_LISTED = 40
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Everything that was learned, and of what."""

    subject: Subject
    recordings: Sequence[Recording]
    tally: Tally
    entries: Sequence[Learned]
    bound: BoundRuntime
    today: date

    @property
    def lacking(self) -> list[Learned]:
        """What the runtime does not have, as far as the table tells."""
        return [e for e in self.entries if e.judgement.verdict is not Verdict.COMPATIBLE]

    @property
    def in_part(self) -> list[Learned]:
        """What the runtime has, and does not do as Linux does."""
        return [entry for entry in self.entries if entry.in_part]


@click.command(short_help="Turn recordings of system calls into an application's observed needs.")
@click.argument(
    "files",
    metavar="FILE…|-",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--name", required=True, help="The application's name, of which the document gets its own."
)
@click.option("--title", help="As messages name it.  [default: the name]")
@click.option(
    "--image",
    "images",
    metavar="PATTERN",
    multiple=True,
    help="An image that it is known by, such as */ourdb; may be given several times. "
    "An application that the table knows needs none.",
)
@click.option(
    "--format",
    "format",
    type=click.Choice([str(form) for form in Format]),
    help="What the files are.  [default: told by their lines]",
)
@click.option("--runtime", default="gvisor", show_default=True, help="The runtime to ask of.")
@click.option("--version", help="Its release, or unknown.  [default: the newest in the table]")
@profile_options
@policies_option
@of_day_option
@output_option("yaml", "json", said="The document, or it and all that was seen.")
def learn(
    *,
    files: tuple[str, ...],
    name: str,
    title: str | None,
    images: tuple[str, ...],
    format: str | None,
    policies: Path | None,
    today: datetime | None,
    output: str,
    **installed: Any,
) -> int:
    """Turn recordings of an application's system calls into a document of its observed needs.

    FILE is what `strace -f -o FILE` or `strace -c` wrote, a debug or user log of runsc, or a
    seccomp profile (Docker's, or of the Security Profiles Operator); as it is, out of a container's
    log, or gzipped. Several make one document; one that is given twice counts once.

    The document goes to standard output, for a policy folder; a summary to standard error. An
    observed need makes no verdict worse than unknown: test what matters, then write required,
    preferred or optional in its place. Nothing of the recorded arguments enters the document.

    Exit code 2: some file is no recording.
    """
    table = load_table(policies)
    subject = _subject(name, title, images, table)
    profile = Asked(**installed).profile(table)
    counting = Counting(signs_of(table), profile.arch)
    only = Format(format) if format else None
    recordings = read_recordings(files, counting, only=only, arch=profile.arch)
    bound = table.bind(profile, day(today))
    tally = counting.tally()
    lesson = Lesson(
        subject=subject,
        recordings=recordings,
        tally=tally,
        entries=learned(tally, bound),
        bound=bound,
        today=day(today),
    )
    document = _document(lesson)
    text = document_text(document, head=list(_head(lesson)))
    _require_readable(text)
    click.echo(as_json(lesson_value(lesson, document)) if output == "json" else text.rstrip("\n"))
    for line in summary(lesson):
        click.echo(line, err=True)
    return 0


def _subject(name: str, title: str | None, images: Sequence[str], table: CompatTable) -> Subject:
    """The application; one that the table knows gets a document of another name."""
    known = next((a for a in table.catalogue.applications if a.name == name), None)
    if known is None and not images:
        message = "must be given: no application of this name is known, whose images would do"
        raise click.BadParameter(message, param_hint="--image")
    written = f"{name}-observed" if known else name
    if title is not None and not 0 < len(title.strip()) <= _LONGEST_TITLE:
        message = f"must be a text of at most {_LONGEST_TITLE} characters"
        raise click.BadParameter(message, param_hint="--title")
    return Subject(
        name=_valid_name(written),
        title=title or (known.title if known else name),
        recognise=_recognise(images, known),
        replaces_not=known.name if known else "",
    )


def _valid_name(name: str) -> str:
    try:
        return Metadata(name=name).name
    except ValidationError as error:
        message = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise click.BadParameter(shown(message, 300), param_hint="--name") from None


def _recognise(images: Sequence[str], known: Application | None) -> tuple[Recognition, ...]:
    if not images and known is not None:
        return known.recognise
    return (Recognition(images=tuple(map(_pattern, images))),)


def _pattern(image: str) -> ImagePattern:
    try:
        return parse_image_pattern(image)
    except ImagePatternError as error:
        raise click.BadParameter(shown(str(error), 300), param_hint="--image") from None


def _document(lesson: Lesson) -> dict[str, Any]:
    calls: Counter[Format] = Counter()
    for recording in lesson.recordings:
        calls.update(recording.calls)
    traces = sum(Format.SECCOMP not in recording.calls for recording in lesson.recordings)
    evidence = evidence_of(
        calls, recordings=traces, arch=lesson.bound.profile.arch, today=lesson.today
    )
    return requirements(lesson.subject, lesson.entries, evidence=evidence, bound=lesson.bound)


def _require_readable(text: str) -> None:
    """What a policy folder would refuse is never printed: it is a bug of ours."""
    _, errors = read_documents([("learned.yaml", text.encode())])
    if errors:
        raise RuntimeError(f"a document was written that cannot be read: {errors[0]}")


def _head(lesson: Lesson) -> Iterator[str]:
    names = ", ".join(f"{shown(Path(r.name).name, 80)} ({_told(r)})" for r in lesson.recordings[:8])
    more = len(lesson.recordings) - 8
    yield f"Learned on {lesson.today} by `runtimegate compat learn` from {names}" + (
        f" and {more} more." if more > 0 else "."
    )
    yield (
        "observed: seen in a recording; nobody knows what happens without. Such a need makes no "
        "verdict worse than unknown. Test those that the runtime lacks (`runtimegate compat "
        "probe`), write required, preferred or optional in place of observed, delete the rest."
    )
    if any(Format.SECCOMP in recording.calls for recording in lesson.recordings):
        yield "A seccomp profile says what is allowed: what only it names may not be used at all."


def _told(recording: Recording) -> str:
    return ", ".join(
        f"{TITLES[form]}, {tallied(number, 'call')}" for form, number in recording.calls.items()
    )


def summary(lesson: Lesson) -> Iterator[str]:
    """What a person reads: the recordings, what the runtime lacks of it, what to do next."""
    for recording in lesson.recordings:
        yield f"{shown(recording.name, 120)}: {_told(recording)}"
    if lesson.tally.unnamed:
        arch = lesson.bound.profile.arch
        yield f"  {tallied(lesson.tally.unnamed, 'call')} left out: no system call of {arch}"
    lacking, in_part = lesson.lacking, lesson.in_part
    met = len(lesson.entries) - len(lacking) - len(in_part)
    yield (
        f"{tallied(len(lesson.entries), 'feature')} on {titled(lesson.bound.profile)}: {met} met, "
        f"{len(in_part)} in part, {len(lacking)} lacking or not known"
    )
    yield from _listed("lacking or not known", lacking, lesson.bound)
    yield from _listed("in part", in_part, lesson.bound)
    yield from _advice(lesson)


def _listed(title: str, entries: Sequence[Learned], bound: BoundRuntime) -> Iterator[str]:
    if entries:
        yield f"{title}:"
    for entry in entries[:_MOST_LISTED]:
        yield f"  {entry.feature}: {use_text(entry.use)}"
        yield f"    {shown(table_text(entry.judgement, bound), 400)}"
    if len(entries) > _MOST_LISTED:
        yield f"  and {len(entries) - _MOST_LISTED} more"


def _advice(lesson: Lesson) -> Iterator[str]:
    verdict = verdict_of(lesson.entries)
    why = "" if verdict is Verdict.COMPATIBLE else "; observed needs make none worse than that"
    yield f"verdict that these needs give: {verdict}{why}"
    if lesson.subject.replaces_not:
        yield (
            f"the document is named {lesson.subject.name}: one named {lesson.subject.replaces_not} "
            "would replace the rows that the table has of it"
        )
    if verdict is not Verdict.COMPATIBLE:
        yield (
            "next: try it with `runtimegate compat probe -- COMMAND`, then write required, "
            "preferred or optional in place of observed"
        )


def lesson_value(lesson: Lesson, document: dict[str, Any]) -> dict[str, Any]:
    """The JSON of ``compat learn -o json``: a contract."""
    profile = lesson.bound.profile
    return {
        "document": document,
        "recordings": [
            {"source": r.name, "calls": {str(form): n for form, n in r.calls.items()}}
            for r in lesson.recordings
        ],
        "runtime": profile.runtime,
        "version": str(profile.versions[0]) if profile.versions else None,
        "verdict": str(verdict_of(lesson.entries)),
        "calls": lesson.tally.calls,
        "leftOut": lesson.tally.unnamed,
        "observed": [_entry_value(entry) for entry in lesson.entries],
    }


def _entry_value(entry: Learned) -> dict[str, Any]:
    use, judgement = entry.use, entry.judgement
    return {
        "feature": entry.feature,
        "calls": use.calls,
        "answers": {error or "success": n for error, n in sorted(use.answers.items())},
        "wentOn": sorted(use.went_on),
        "unsupported": use.marked,
        "allowed": use.allowed,
        "support": str(judgement.support),
        "verdict": str(judgement.verdict),
        "note": judgement.fact.note if judgement.fact else "",
    }
