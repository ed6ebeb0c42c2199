import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.build import policy, snapshot
from tests.documents import build as documents
from webhook.core.compat import CompatTable
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory
from webhook.documents.source import DocumentError, DocumentErrors
from webhook.live.current import Current
from webhook.live.policy_folder import UnreadableError
from webhook.live.reload import FolderSource, PolicyState, Reloader, ReloadState, keep_doing

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Source:
    """Policies in memory; what ``outcome`` raises or returns is what a folder would."""

    def __init__(self) -> None:
        self.version = 1
        self.loads = 0
        self.outcome: Callable[[], PolicyState] = lambda: policies("new")

    def stamp(self) -> object:
        return self.version

    def load(self) -> PolicyState:
        self.loads += 1
        return self.outcome()


def policies(name: str) -> PolicyState:
    base = snapshot()
    return PolicyState(
        policies=PolicySet((policy(name),)),
        inventory=base.inventory,
        compat=base.compat,
        revision=f"revision-of-{name}",
    )


def broken(*messages: str) -> Callable[[], PolicyState]:
    def load() -> PolicyState:
        raise DocumentErrors(
            [
                DocumentError(file="p.yaml", line=n, column=1, field_path="spec.mode", message=m)
                for n, m in enumerate(messages, 1)
            ]
        )

    return load


class World:
    """A reloader with everything around it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.source = Source()
        self.current = Current(snapshot(revision="old"))
        self.reloader = Reloader(source=self.source, current=self.current, stamp=1, now=self.clock)

    @property
    def names(self) -> list[str]:
        return [p.name for p in self.current.snapshot.policies.policies]


def test_an_unchanged_folder_is_not_read() -> None:
    world = World()
    assert world.reloader.poll() is False
    assert world.source.loads == 0
    assert world.names == ["tenants"]


def test_a_changed_folder_is_served_with_its_revision() -> None:
    world = World()
    world.source.version = 2
    world.clock.now += timedelta(seconds=2)
    assert world.reloader.poll() is True
    assert world.names == ["new"]
    assert world.current.snapshot.revision == "revision-of-new"
    assert world.reloader.state == ReloadState(
        generation=2, succeeded_at=START + timedelta(seconds=2)
    )
    assert world.reloader.poll() is False
    assert world.source.loads == 1


def test_inventory_and_tables_are_served_with_the_policies_of_their_folder() -> None:
    world = World()
    world.source.version = 2
    new = replace(policies("new"), inventory=Inventory(name="new"), compat=CompatTable())
    world.source.outcome = lambda: new
    world.reloader.poll()
    served = world.current.snapshot
    assert served.inventory is new.inventory
    assert served.compat is new.compat


def test_a_broken_folder_keeps_the_last_good_policies_and_says_every_error() -> None:
    world = World()
    world.source.version = 2
    world.source.outcome = broken("must be one of enforce, warn, audit", "is given twice")
    assert world.reloader.poll() is False
    assert world.names == ["tenants"]
    assert world.current.snapshot.revision == "old"
    assert world.reloader.state == ReloadState(
        succeeded_at=START,
        failures=1,
        failed_at=START,
        errors=(
            "p.yaml:1: spec.mode: must be one of enforce, warn, audit",
            "p.yaml:2: spec.mode: is given twice",
        ),
    )


def test_a_broken_folder_is_not_parsed_again_until_it_changes() -> None:
    world = World()
    world.source.version = 2
    world.source.outcome = broken("no")
    world.reloader.poll()
    world.reloader.poll()
    assert world.source.loads == 1


def test_a_mended_folder_clears_the_errors() -> None:
    world = World()
    world.source.version = 2
    world.source.outcome = broken("no")
    world.reloader.poll()
    world.source.version = 3
    world.source.outcome = lambda: policies("mended")
    assert world.reloader.poll() is True
    assert world.names == ["mended"]
    assert world.reloader.state == ReloadState(
        generation=2, succeeded_at=START, failures=1, failed_at=START
    )


def test_a_folder_that_changes_while_it_is_read_is_looked_at_again() -> None:
    world = World()
    world.source.version = 2

    def changes_meanwhile() -> PolicyState:
        world.source.version = 3
        return policies("half")

    world.source.outcome = changes_meanwhile
    assert world.reloader.poll() is False
    assert world.names == ["tenants"]
    world.source.outcome = lambda: policies("whole")
    assert world.reloader.poll() is True
    assert world.names == ["whole"]


def test_an_error_of_a_folder_that_changes_while_it_is_read_is_nobodys() -> None:
    world = World()
    world.source.version = 2

    def changes_meanwhile() -> PolicyState:
        world.source.version = 3
        return broken("half a file")()

    world.source.outcome = changes_meanwhile
    world.reloader.poll()
    assert world.reloader.state.errors == ()


def away() -> PolicyState:
    raise UnreadableError(
        [DocumentError(file="p.yaml", line=0, column=0, field_path="", message="cannot be read")]
    )


@pytest.mark.parametrize("back_at", [2, 1], ids=["as it was then", "as it was before"])
def test_a_file_that_cannot_be_read_for_a_moment_is_tried_again(back_at: int) -> None:
    world = World()
    world.source.version = 2
    world.source.outcome = away
    world.reloader.poll()
    assert world.reloader.state.errors == ("p.yaml: cannot be read",)
    world.source.version = back_at
    world.source.outcome = lambda: policies("back")
    assert world.reloader.poll() is True
    assert world.names == ["back"]
    assert not world.reloader.state.errors


def test_the_same_refusal_is_logged_and_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.source.version = 2
    world.source.outcome = away
    with caplog.at_level(logging.INFO):
        world.reloader.poll()
        world.reloader.poll()
    assert world.reloader.state.failures == 1
    assert [r.getMessage() for r in caplog.records] == [
        "policies refused, revision old stays: p.yaml: cannot be read"
    ]


def test_today_turns_at_midnight_in_utc_without_any_reload() -> None:
    world = World()
    world.clock.now = datetime(2026, 11, 25, 0, 0, 1, tzinfo=UTC)
    world.reloader.poll()
    assert world.current.snapshot.today == date(2026, 11, 25)
    assert world.source.loads == 0


def test_the_day_turns_under_a_broken_folder_too() -> None:
    world = World()
    world.source.version = 2
    world.source.outcome = broken("no")
    world.clock.now = datetime(2026, 11, 25, tzinfo=UTC)
    world.reloader.poll()
    assert world.current.snapshot.today == date(2026, 11, 25)


POLICY = """\
apiVersion: runtimegate.dev/v1
kind: RuntimePolicy
metadata: {name: NAME}
spec:
  priority: 100
  namespaces: {names: ["tenant-*"]}
  runtimeClasses: {default: gvisor}
"""


def test_a_real_folder_is_stamped_by_stat_and_loaded_over_the_shipped_tables(
    tmp_path: Path,
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(POLICY.replace("NAME", "one"))
    source = FolderSource(tmp_path)
    first = source.stamp()
    assert source.stamp() == first
    loaded = source.load()
    assert [p.name for p in loaded.policies.policies] == ["one"]
    assert loaded.compat.version
    file.write_text(POLICY.replace("NAME", "two"))
    os.utime(file, ns=(1, 1))
    assert source.stamp() != first
    assert source.load().revision != loaded.revision


def test_a_commit_alone_changes_the_stamp_and_the_revision(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("NAME", "one"))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("a" * 40 + "\n")
    source = FolderSource(tmp_path)
    stamp, revision = source.stamp(), source.load().revision
    (tmp_path / ".git" / "HEAD").write_text("b" * 40 + "\n")
    assert source.stamp() != stamp
    assert revision.endswith("(git aaaaaaaaaaaa)")
    assert source.load().revision.endswith("(git bbbbbbbbbbbb)")


def test_a_folder_that_has_gone_keeps_the_policies(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "p.yaml").write_text(POLICY.replace("NAME", "one"))
    source = FolderSource(folder)
    current = Current(snapshot())
    reloader = Reloader(source=source, current=current, stamp=source.stamp(), now=Clock())
    folder.rename(tmp_path / "elsewhere")
    assert reloader.poll() is False
    assert reloader.state.errors == (f"{folder}: does not exist",)
    assert [p.name for p in current.snapshot.policies.policies] == ["tenants"]


def test_periodic_jobs_run_until_the_wait_says_stop() -> None:
    waits = waiting(False, False, True)
    done: list[str] = []
    keep_doing((lambda: done.append("a"), lambda: done.append("b")), every=2.0, wait=waits)
    assert done == ["a", "b", "a", "b"]


def test_a_job_that_fails_is_logged_and_keeps_no_other_from_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    def fails() -> None:
        raise RuntimeError("a bug")

    keep_doing((fails, lambda: done.append("b")), every=2.0, wait=waiting(False, True))
    assert done == ["b"]
    assert [r.getMessage() for r in caplog.records] == ["a periodic job failed"]


def waiting(*answers: bool) -> Callable[[float], bool]:
    """A ``wait`` that gives these answers in turn."""
    left: Iterator[bool] = iter(answers)

    def wait(seconds: float) -> bool:
        assert seconds == 2.0
        return next(left)

    return wait


def test_a_broken_test_beside_the_policies_keeps_nothing_from_being_served(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text(documents.policy("a"))
    (tmp_path / "tests.yaml").write_text("kind: PolicyTest\nspec: {cases: nonsense}\n")
    assert [p.name for p in FolderSource(tmp_path).load().policies.policies] == ["a"]
