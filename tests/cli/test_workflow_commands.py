import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import pod
from tests.cli.test_check_inputs import checked, database, postgres
from webhook.cli.check_inputs import Outcome
from webhook.cli.manifests import InputError
from webhook.cli.remarks import remarks_of
from webhook.cli.workflow_commands import inert, workflow_commands

COMMAND = re.compile(r"::(?:error|warning|notice) (?:[a-z]+=[^,:]*,?)+::[^\r\n]*")


def commands(outcome: Outcome, *errors: InputError) -> list[str]:
    """The lines for GitHub."""
    return list(workflow_commands([r for c in outcome.results for r in remarks_of(c)], errors))


def test_a_refusal_is_an_error_beside_its_line() -> None:
    (line,) = commands(checked(postgres(), using=database()))
    assert line.startswith("::error file=x.yaml,line=1,col=")
    assert ",title=RuntimeIncompatible%3A Pod tenant-a/db::policy tenants: RuntimeClass" in line
    assert "%0Ause runtimeClassName: kata-qemu" in line


def test_the_gravest_comes_first_since_github_shows_ten() -> None:
    told = pod(annotations={"runtimegate.dev/needs": "nonsense"})
    lines = commands(
        checked(told, postgres(), using=database()), InputError(source="y", problem="z")
    )
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::error", "::warning"]
    assert lines[0] == "::error file=y,title=cannot be read::z"


@pytest.mark.parametrize(
    "hostile",
    [
        "a\n::add-mask::x",
        "a\r::stop-commands::x",
        "a,file=b::c",
        "%0A::error::x",
        "##[error]x",
        "::",
    ],
)
def test_what_a_tenant_wrote_is_no_command(hostile: str) -> None:
    outcome = checked(pod(name=hostile, runtimeClassName=hostile))
    lines = commands(outcome, InputError(source=hostile, problem=hostile))
    assert len(lines) == 2
    for line in lines:
        assert COMMAND.fullmatch(line)
        assert "##[" not in line
        assert "\n" not in line


@given(st.text())
def test_whatever_is_said_is_one_command_of_ours(text: str) -> None:
    (line,) = commands(checked(), InputError(source=f"{text}x", problem=text))
    assert COMMAND.fullmatch(line)


def test_other_lines_hold_no_command_of_the_older_form() -> None:
    assert inert("a ##[error]b") == "a ## [error]b"
