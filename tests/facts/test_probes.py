"""The probes as data: which rows name one, and that what they name is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from webhook.core.compat import Fact
from webhook.data.probes.registry import probe_name
from webhook.live.probing import PROBES
from webhook.live.shipped import shipped


def probed() -> list[Fact]:
    return [fact for fact in shipped().compat.facts if fact.probe]


def test_a_row_names_the_module_that_holds_its_probe() -> None:
    wrong = [f"{f.feature}: {f.probe}" for f in probed() if probe_name(f.feature) != f.probe]
    assert wrong == []


def test_hundreds_of_rows_have_a_probe() -> None:
    assert len({fact.feature for fact in probed()}) > 400


def test_only_rows_of_gvisor_have_probes() -> None:
    assert {fact.runtime for fact in probed()} == {"gvisor"}


@pytest.mark.parametrize(
    "feature",
    [
        "syscall:*",
        "syscall:exit_group",
        "syscall:openat2/NO_SUCH_FLAG",
        "device:/dev/nvidia*",
        "pod:hostPID",
        "perf:syscall-rate",
        "",
    ],
)
def test_what_is_no_single_thing_that_a_program_can_do_has_no_probe(feature: str) -> None:
    assert probe_name(feature) is None


def test_the_program_answers_a_line_a_feature_in_the_order_asked() -> None:
    done = subprocess.run(
        [sys.executable, str(PROBES), "syscall:getpid", "no:such", "proc:/proc/no-such"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "syscall:getpid accepted",
        "no:such untested there is no probe for it",
        "proc:/proc/no-such absent ENOENT",
    ]


def test_the_program_reads_features_from_its_input() -> None:
    done = subprocess.run(
        [sys.executable, str(PROBES), "-"],
        input="syscall:getpid\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "syscall:getpid accepted\n"
