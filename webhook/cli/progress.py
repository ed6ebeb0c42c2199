"""How far a long listing has come: a bar with a rate and the time left, at a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from webhook.cli.population import Progress, unwatched

_QUIET_SECONDS = 0.1
"""An object takes less than a millisecond: the bar is told of every hundredth or so."""


@contextmanager
def progress_bar(*, wanted: bool) -> Iterator[Progress]:
    """A ``Progress`` that draws on standard error; one that does nothing where nobody watches."""
    if not wanted or not sys.stderr.isatty():
        yield unwatched
        return
    # Imported here: it takes longer to import than a small cluster takes to list.
    from rich.console import Console  # noqa: PLC0415 - only this needs it
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        """Objects a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")

    columns = (
        TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn(), Rate(),
        TimeRemainingColumn(compact=True),
    )  # fmt: skip
    bars = Bars(*columns, console=Console(stderr=True), transient=True)
    with bars:
        yield _telling(bars.add_task, bars.update)


def _telling(
    add: Callable[..., object],
    update: Callable[..., object],
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    tasks: dict[str, object] = {}
    told = 0.0

    def tell(what: str, done: int, expected: int | None) -> None:
        nonlocal told
        now = clock()
        if what in tasks and now - told < _QUIET_SECONDS and done != expected:
            return
        told = now
        if what not in tasks:
            for task in tasks.values():
                update(task, visible=False)
            tasks[what] = add(what, total=expected)
        update(tasks[what], completed=done, total=expected)

    return tell
