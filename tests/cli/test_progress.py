"""The bar that shows how far a listing has come: who sees it, and what it is told."""

import sys

import pytest

from webhook.cli import progress
from webhook.cli.population import unwatched
from webhook.cli.progress import progress_bar


def test_nobody_who_does_not_watch_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with progress_bar(wanted=True) as tell:
        assert tell is unwatched


def test_nobody_who_does_not_want_it_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar(wanted=False) as tell:
        assert tell is unwatched


def test_at_a_terminal_it_says_what_how_many_and_how_fast(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(progress, "_QUIET_SECONDS", 0.0)
    with progress_bar(wanted=True) as tell:
        for done in range(1, 4):
            tell("deployments.apps", done, None)
        for done in range(1, 51):
            tell("pods", done, 200)
    drawn = capsys.readouterr().err
    assert "pods" in drawn
    assert "50/200" in drawn
    assert "/s" in drawn


def test_it_is_told_of_a_kind_once_and_then_seldom() -> None:
    times = iter([0.0, 0.01, 0.02, 0.5, 0.51])
    drawn: list[tuple[str, int]] = []
    tell = progress._telling(
        lambda what, total: what,
        lambda task, **said: drawn.append((task, said.get("completed", -1))),
        lambda: next(times),
    )
    for done in range(1, 5):
        tell("pods", done, 9)
    tell("pods", 9, 9)
    assert drawn == [("pods", 1), ("pods", 4), ("pods", 9)]
