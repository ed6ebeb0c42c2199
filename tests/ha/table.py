"""The rows as text, and what in them must not be."""

from collections.abc import Iterator, Sequence

from tests.ha.phases import MAY_BREAK, MUST_BREAK, OUTAGE, Row

_FORMAT = "{:22} {:>5} {:>8} {:>8} {:>8} {:>7} {:>7} {:>9} {:>6}  {}"
HEAD = _FORMAT.format(
    *("phase", "s", "right", "assigned", "refused", "kubectl", "failed", "in flight", "wrong"),
    "what happened",
)


def line(row: Row) -> str:
    """One row; ``right`` is the sum of assigned and refused, ``kubectl`` those of it by kubectl."""
    tally = row.tally
    counts = (tally.right, tally.assigned.total(), tally.refused.total(), tally.by_kubectl)
    wrong = (len(tally.failed), row.in_flight, len(tally.wrong))
    return _FORMAT.format(row.name, f"{row.seconds:.0f}", *counts, *wrong, row.done)


def faults(rows: Sequence[Row]) -> list[str]:
    """Every sentence that must not be true; empty when high availability holds."""
    return [f"{row.name}: {fault}" for row in rows for fault in _faults(row)]


def _faults(row: Row) -> Iterator[str]:
    tally = row.tally
    if tally.wrong:
        yield f"{len(tally.wrong)} wrong answers, the first: {tally.wrong[0]}"
    if not tally.right and row.name != OUTAGE:
        yield "no request was answered"
    if row.name in MUST_BREAK:
        if not tally.failed:
            yield "no failure is seen where there must be some, so none would be"
        return
    allowed = row.in_flight if row.name in MAY_BREAK else 0
    if len(tally.failed) > allowed:
        yield (
            f"{len(tally.failed)} admissions failed, {allowed} were in flight on a replica that "
            f"was killed; the first: {tally.failed[0]}"
        )
