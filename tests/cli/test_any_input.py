"""Whatever a file holds is decided or named as an error, and does nothing to a terminal."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.test_check_inputs import database
from webhook.cli.check_inputs import check_inputs
from webhook.cli.manifests import InputError, Inputs, Manifest, parse_manifests
from webhook.cli.report import as_json, report_value, text_report

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.yaml"))
SNAPSHOT = database()

PIECES = (
    "---\n", "...\n", "&a ", "*a", "<<: ", "? ", "{", "}", "[", "]", ": ", "- ", "null", "1e400",
    "!!binary ", "'", '"', "\t", "\n", "0x", "| \n", "%YAML 1.2\n", "kind: List\nitems: 3\n",
    "metadata: 3\n", "spec: []\n", "\u202e", "\x85", "\x1b[2J", "\0", '{"a": "\\u001b"}',
)  # fmt: skip
pieces = st.sampled_from(PIECES)
edits = st.lists(st.tuples(st.integers(0, 600), st.integers(0, 20), pieces | st.text()), max_size=6)


@given(st.sampled_from(EXAMPLES).map(Path.read_text) | st.just(""), edits)
def test_whatever_a_file_holds_is_decided_or_named(
    text: str, edited: list[tuple[int, int, str]]
) -> None:
    for at, dropped, piece in edited:
        text = text[:at] + piece + text[at + dropped :]
    found = list(parse_manifests(text.encode(), "x.yaml"))
    manifests = tuple(entry for entry in found if isinstance(entry, Manifest))
    errors = tuple(entry for entry in found if isinstance(entry, InputError))
    inputs = Inputs(manifests=manifests, errors=errors)
    outcome = check_inputs(inputs, SNAPSHOT, namespace="tenant-a")
    said = [*text_report(outcome.results), *map(str, outcome.errors)]
    said += as_json(report_value(outcome.results, "")).split("\n")
    assert all(line.isprintable() for line in said)
