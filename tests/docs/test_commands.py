"""Every command in a page is run as it stands there, or says why it cannot be."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from tests.controlplane.cluster import ControlPlane, KubectlError
from tests.controlplane.fixtures import binaries
from tests.demo import cluster
from tests.demo.gate import Gate
from tests.docs.blocks import CLUSTER, MANUAL, PLAIN, ROOT, commands, fences, matches, pages
from tests.docs.links import prose
from tests.docs.running import Ran, run_page, session, wrong
from tests.registration import wait_until_not_called
from webhook.cli import COMMANDS, command_line
from webhook.cli.plugin import plugin_command_line
from webhook.live.policy_folder import load_folder

__all__ = ["binaries"]

MOST_MANUAL = 27
"""How many commands may stand in the pages that no test runs: fewer is better."""

RELOADED_WITHIN_SECONDS = 90

TEXTS = {page: (ROOT / page).read_text() for page in pages() if page.name != "CHANGELOG.md"}
READ = {page: list(commands(text)) for page, text in TEXTS.items()}


def of_kind(kind: str) -> list[Path]:
    return [page for page, found in READ.items() if any(one.kind == kind for one in found)]


@pytest.mark.slow
@pytest.mark.parametrize("page", of_kind(PLAIN), ids=str)
def test_the_commands_of_a_page_do_what_it_says(page: Path) -> None:
    with session() as started:
        ended = run_page(started, TEXTS[page], {PLAIN})
        assert [said for command, ran in ended if (said := wrong(command, ran))] == []


@pytest.fixture
def plane(binaries: object) -> Iterator[ControlPlane]:
    """An API server with the RuntimeClasses, the node and the namespaces of the demo.

    One for each page: what a reader leaves in a cluster is no matter of the next page.
    """
    with ControlPlane(binaries) as started:  # type: ignore[arg-type]  # an object in a fixture for all
        cluster.prepare(started)
        yield started


@pytest.mark.slow
@pytest.mark.controlplane
@pytest.mark.parametrize("page", of_kind(CLUSTER), ids=str)
def test_the_commands_of_a_page_do_what_it_says_on_a_cluster(
    page: Path, plane: ControlPlane
) -> None:
    kubectl = plane.kubectl_path
    more = {"KUBECONFIG": str(plane.kubeconfig("admin"))}
    with session(more, programs=[kubectl.parent]) as started:
        gate = Gate(started.folder / "policies", kubeconfig=plane.kubeconfig("webhook"))
        with gate, registered(plane, gate):
            started.settle = lambda: settle(plane, gate, started.folder / "policies")
            # What make leaves is in the PATH here.
            ended = run_page(started, TEXTS[page], {PLAIN, CLUSTER}, but="make ")
            assert [said for command, ran in ended if (said := wrong(command, ran))] == []


@contextmanager
def registered(plane: ControlPlane, gate: Gate) -> Iterator[None]:
    """The gate is asked, until the page itself has switched it off."""
    try:
        with cluster.registered_for_today(plane, gate):
            yield
    except KubectlError as gone:
        if "NotFound" not in str(gone):
            raise


def settle(plane: ControlPlane, gate: Gate, folder: Path) -> None:
    """What the page did before is in force: its policies, and that it switched the gate off."""
    wait_for(gate, folder)
    if not plane.kubectl("get", "mutatingwebhookconfiguration", "-o", "name").stdout:
        wait_until_not_called(plane, cluster.TENANTS[0])


def wait_for(gate: Gate, folder: Path) -> None:
    """Return when the webhook serves the policies as they are now, as a person would wait."""
    now = str(load_folder(folder).revision)
    deadline = time.monotonic() + RELOADED_WITHIN_SECONDS
    while json.loads(gate.get("/version")[1])["revision"] != now:
        assert time.monotonic() < deadline, gate.log
        time.sleep(0.1)


def test_few_commands_are_left_to_be_run_by_hand_and_each_says_why() -> None:
    manual = [
        f"{page}:{one.line}: {one.text}"
        for page, found in READ.items()
        for one in found
        if one.kind == MANUAL
    ]
    assert len(manual) <= MOST_MANUAL, "\n".join(manual)


@pytest.mark.parametrize("page", TEXTS, ids=str)
def test_no_command_hides_in_a_block_of_another_name(page: Path) -> None:
    hidden = [
        f"{page}:{number}"
        for number, info, lines in fences(TEXTS[page])
        if info.partition(" ")[0] in {"", "sh", "bash", "shell", "text"}
        and any(re.match(r"\$ |(runtimegate|kubectl|make|helm) ", line) for line in lines)
    ]
    assert hidden == [], "write it as a console block"


_SPAN = re.compile(r"`(?P<code>(?:kubectl )?runtimegate [^`]+)`")


def spans() -> list[tuple[str, str]]:
    return [
        (f"{page}:{number}", found["code"])
        for page, text in TEXTS.items()
        for number, line in prose(text)
        for found in _SPAN.finditer(line)
    ]


def test_every_command_and_option_named_in_a_sentence_exists() -> None:
    assert [said for where, code in spans() if (said := unknown(where, code))] == []


def unknown(where: str, code: str) -> str:
    """What of a command in prose does not exist."""
    plugin = code.startswith("kubectl ")
    command: click.Command = plugin_command_line() if plugin else command_line(COMMANDS)
    words = re.sub(r"[\[\]…]|\.\.\.", " ", code.partition(" -- ")[0]).split()
    words = words[2 if plugin else 1 :]
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        names = words.pop(0).split("|")
        found = [command.get_command(click.Context(command), name) for name in names]
        if None in found:
            return f"{where}: {code}: no command {'|'.join(names)}"
        command = found[0] or command
    known = {spelling for one in command.params for spelling in (*one.opts, *one.secondary_opts)}
    known |= {"-h", "--help"}
    for word in words:
        option = word.partition("=")[0]
        if re.fullmatch(r"--?[a-z][-a-z]*", option) and option not in known:
            return f"{where}: {code}: no option {option}"
    return ""


def test_a_command_goes_on_over_lines_and_here_documents() -> None:
    text = "```console\n$ a \\\n  b\nout\n$ cat <<'END' > f\nx\nEND\n$ c # d\n```\n"
    found = [(one.line, one.text, one.printed) for one in commands(text)]
    assert found == [
        (2, "a \\\n  b", ("out",)),
        (5, "cat <<'END' > f\nx\nEND", None),
        (8, "c # d", None),
    ]


@pytest.mark.parametrize(
    "block",
    ["console\nno prompt", "console manual\n$ a", "console nope\n$ a", "console cluster x\n$ a"],
)
def test_a_block_that_could_not_be_run_is_an_error(block: str) -> None:
    with pytest.raises(ValueError, match=r"line \d"):
        list(commands(f"```{block}\n```\n"))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["a"], "a\n", True),
        (["a"], "b\n", False),
        (["a"], "a\nb\n", False),
        (["a", "…"], "a\nb\nc\n", True),
        (["a", "…", "d"], "a\nb\nc\nd\n", True),
        (["a … c"], "a b c\n", True),
        (["a …"], "a b\nc\n", False),
        (["a.c"], "abc\n", False),
    ],
)
def test_what_is_shown_is_compared_but_for_what_is_left_out(
    shown: list[str], printed: str, same: bool
) -> None:
    assert matches(shown, printed) is same


def test_a_command_that_fails_or_prints_something_else_is_told() -> None:
    (command,) = commands("```console\n$ runtimegate x\nfine\n```\n")
    assert wrong(command, Ran(status=1, printed="fine\n")) == ""
    assert "exit code 2" in wrong(command, Ran(status=2, printed="fine\n"))
    assert "it printed:\nbad" in wrong(command, Ran(status=0, printed="bad\n"))


def test_options_in_a_sentence_are_checked_against_the_program() -> None:
    assert unknown("x", "runtimegate check -p policies --today 2026-11-26 FILE") == ""
    assert (
        unknown("x", "runtimegate check --nope") == "x: runtimegate check --nope: no option --nope"
    )
    assert "no command" in unknown("x", "runtimegate policy lint|lintt")
    assert unknown("x", "kubectl runtimegate why --context c x") == ""
