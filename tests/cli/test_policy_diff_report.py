"""The words of a difference, kind by kind; what a reader at a terminal sees."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.build import classes, override, pod, pod_view, policy, rules, snapshot
from tests.cli.test_policy_diff import DB, INVENTORY, LAX, STRICT, deployment, save
from tests.core.test_difference import (
    DENIED,
    FACTS,
    IGNORED,
    IGNORED_AND_FINE,
    NEEDS_A_CLASS,
    ON_GVISOR,
    ON_KATA,
    POD,
    TRIED,
    WARNED,
    under,
)
from tests.documents.build import load
from webhook.cli.difference_survey import Entry, Looked, Workload
from webhook.cli.manifests import InputError
from webhook.cli.policy_diff_markdown import markdown
from webhook.cli.policy_diff_report import Report, details, tally, text_lines
from webhook.cli.policy_sides import Side
from webhook.core.decision import CREATE
from webhook.core.difference import Outcome, Refused, kinds, outcome
from webhook.core.names import Mode
from webhook.live.listing import Missing
from webhook.live.policy_folder import Revision

ROOT = Path(__file__).parents[2]
CAUSE = "RuntimeClass gvisor cannot run this pod: hostNetwork is not supported"

UNTRIED = " (not known to run it)"
UNKNOWN = "RuntimeClass kata-qemu is not known to run this pod: hostNetwork is not known to work"


def entry(before: Outcome, after: Outcome, kind: str = "Deployment") -> Entry:
    workload = Workload(namespace="tenant-a", kind=kind, name="web")
    return Entry(workload=workload, kinds=kinds(before, after), before=before, after=after, pods=2)


def told(before: Outcome, after: Outcome) -> list[str]:
    return [f"{words} {said}".strip() for words, said in details(entry(before, after))]


REFUSED_ITSELF = replace(DENIED, refused=Refused.WORKLOAD)
FALLING_BACK = rules(classes("gvisor", "gvisor", "kata-qemu", fallback=("kata-qemu",)))
FALLEN_BACK = outcome(POD, CREATE, snapshot(policy(governs=FALLING_BACK), compat=FACTS))
OVERRIDDEN = outcome(
    pod_view(pod(containers=[{"name": "db", "image": "postgres"}])),
    CREATE,
    snapshot(policy(overrides=[override(governs=rules())])),
)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            WARNED, DENIED,
            [CAUSE, f"use runtimeClassName: kata-qemu{UNTRIED}", "until now: RuntimeClass gvisor"],
        ),
        (
            DENIED, REFUSED_ITSELF,
            [
                f"the Deployment itself is refused: {CAUSE}",
                f"use runtimeClassName: kata-qemu{UNTRIED}",
            ],
        ),
        (
            REFUSED_ITSELF, DENIED,
            [f"the Deployment itself may be made, its pods are refused: {CAUSE}"],
        ),
        (DENIED, WARNED, ["now: RuntimeClass gvisor", f"was refused: {CAUSE}"]),
        (ON_GVISOR, ON_KATA, ["RuntimeClass gvisor → RuntimeClass kata-qemu"]),
        (
            WARNED, FALLEN_BACK,
            [
                "RuntimeClass gvisor → RuntimeClass kata-qemu", f"because {CAUSE}",
                f"new warning: {UNKNOWN}", f"no more: {CAUSE}", "verdict: incompatible → unknown",
            ],
        ),
        (
            DENIED, NEEDS_A_CLASS,
            [
                f"was: {CAUSE}",
                "now: pods in namespace tenant-a must set runtimeClassName; allowed: runc",
                f"use runtimeClassName: runc{UNTRIED}", "verdict: incompatible → unknown",
            ],
        ),
        (
            under(pod_view(), mode=Mode.AUDIT), replace(TRIED, warnings=(), mode="audit"),
            [
                "enforced before: RuntimeClass gvisor", f"enforced now: refused: {CAUSE}",
                "verdict: compatible → incompatible",
            ],
        ),
        (
            replace(WARNED, warnings=("one", "two")), replace(WARNED, warnings=("two", "three")),
            ["new warning: three", "no more: one"],
        ),
        (ON_GVISOR, OVERRIDDEN, ["override: none → databases"]),
        (
            ON_GVISOR, replace(ON_GVISOR, policy=None, mode=None),
            ["policy: tenants → none", "mode: enforce → none"],
        ),
        (IGNORED, IGNORED_AND_FINE, ["verdict: incompatible → compatible"]),
    ],
)  # fmt: skip
def test_each_change_is_told_in_a_few_words(
    before: Outcome, after: Outcome, says: list[str]
) -> None:
    assert told(before, after) == says


def report(*entries: Entry, **fields: object) -> Report:
    side = Side(
        written="policies", is_folder=True, revision=Revision(hash="abc", commit="1" * 40),
        loaded=load(LAX),
    )  # fmt: skip
    looked = Looked(workloads=1, pods=2, namespaces=1, ended=3, skipped=1)
    given = {"old": side, "new": side, "origin": "prod", "live": True, "looked": looked, **fields}
    return Report(entries=entries, **given)  # type: ignore[arg-type]  # the fields by name


def test_the_last_lines_say_how_much_was_looked_at_and_what_changes() -> None:
    found = report(entry(WARNED, DENIED), entry(ON_GVISOR, ON_KATA, "Job"))
    *_, looked, changed = text_lines(found)
    assert looked == (
        "looked at 1 workload and 2 pods in 1 namespace of context prod, not at 3 pods that ended "
        "and 1 other object"
    )
    assert changed == "1 workload newly refused, 1 on another RuntimeClass"


def test_what_no_policy_governs_any_more_stands_under_the_one_that_did() -> None:
    gone = replace(ON_GVISOR, policy=None, mode=None)
    assert "  policy tenants" in list(text_lines(report(entry(ON_GVISOR, gone))))
    never = replace(gone, runtime_class="x")
    assert "  no policy" in list(text_lines(report(entry(gone, never))))


def test_what_is_missing_is_in_the_comment_and_in_its_headline() -> None:
    missing = tuple(Missing(what=f"pods in namespace {n}", why="forbidden `x`") for n in range(25))
    errors = (InputError(source="a.yaml", problem="is not JSON", line=3),)
    found = report(missing=missing, errors=errors)
    assert tally(found) == "nothing changes in what could be looked at"
    text = markdown(found)
    assert "### runtimegate: nothing changes in what could be looked at\n" in text
    assert (
        "**Not looked at**, so that more may change:\n\n- `pods in namespace 0: forbidden 'x'`"
        in text
    )
    assert "- and 5 more\n" in text
    assert "**Not read**, so that more may change:\n\n- `a.yaml:3: is not JSON`\n" in text


def test_a_headline_says_that_something_else_changes() -> None:
    text = markdown(report(entry(ON_GVISOR, ON_KATA)))
    assert "### runtimegate: nothing newly refused; changed otherwise: 1 workload, 2 pods\n" in text


def test_each_kind_of_change_has_its_colour_and_what_has_no_effect_none() -> None:
    found = report(entry(WARNED, DENIED), entry(DENIED, ON_KATA), entry(IGNORED, IGNORED_AND_FINE))
    lines = [*text_lines(found, lambda text, colour: f"<{colour}>{text}")]
    titles = [line.partition(":")[0] for line in lines if line.endswith(": 1 workload, 2 pods")]
    assert titles == [
        "<red>newly refused",
        "<green>newly allowed",
        "with another verdict, to the same effect",
    ]


@pytest.mark.slow
def test_a_terminal_has_colours_and_a_bar_that_is_gone(tmp_path: Path) -> None:
    for name, text in (("lax", LAX), ("strict", STRICT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(text)
        (tmp_path / name / "b.yaml").write_text(INVENTORY)
    file = save(tmp_path / "m.json", *(deployment(f"db-{n}", containers=[DB]) for n in range(150)))
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "webhook.cli", "policy", "diff", "lax", "strict", "-f", file]
    environ = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    with subprocess.Popen(
        command, cwd=tmp_path, env={**environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        while True:
            try:
                chunk = os.read(ours, 1 << 16)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
    os.close(ours)
    assert process.returncode == 1
    drawn, _, printed = seen.rpartition(b"\x1b[2K")
    assert b"objects" in drawn
    assert b"150/150" in drawn
    assert drawn.endswith(b"\x1b[?25h\r\x1b[1A")  # the cursor is back, where the bar began
    assert b"150/150" not in printed
    assert b"\x1b[31m\x1b[1mnewly refused\x1b[0m: 150 workloads" in seen
