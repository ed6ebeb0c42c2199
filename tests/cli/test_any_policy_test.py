"""Whatever a PolicyTest says is run or named as an error, and does nothing to a terminal."""

from pathlib import Path
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st

from tests.cli.test_any_input import pieces
from webhook.cli.junit import junit_xml
from webhook.cli.policy_test_coverage import coverage_of
from webhook.cli.policy_test_report import Report, junit_suites, report_value, text_lines
from webhook.cli.policy_test_run import run_tests
from webhook.cli.report import as_json
from webhook.documents.folder import load_with_tests
from webhook.documents.source import DocumentErrors
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped

POLICIES = Path(__file__).parents[2] / "policies"
FILES = tuple(load_folder(POLICIES).named_files)
TESTS = [(name, content) for name, content in FILES if "/tests/" in name]
IN_FORCE = [(name, content) for name, content in FILES if "/tests/" not in name]

edits = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 20), pieces | st.text()), max_size=4
)
words = st.sampled_from(["nginx:1.29", "tenant-a", "gvisor", "runc", "manifests/shop.yaml", "db"])


@given(st.sampled_from(TESTS), edits, st.lists(st.tuples(words, words | st.text()), max_size=2))
@example(TESTS[0], [], [("nginx:1.29", "\\e[2J\\u202E::error::")])
@example(TESTS[-1], [], [("db", '"\\e[2J\\u202E"')])
def test_whatever_a_test_says_is_run_or_named(
    file: tuple[str, bytes],
    edited: list[tuple[int, int, str]],
    replaced: list[tuple[str, str]],
) -> None:
    name, text = file[0], file[1].decode()
    for old, new in replaced:
        text = text.replace(old, new)
    for at, dropped, piece in edited:
        text = text[:at] + piece + text[at + dropped :]
    content = text.encode(errors="surrogatepass")
    said = _told(name, content)
    assert all(line.isprintable() for line in said)


def _told(name: str, content: bytes) -> list[str]:
    """Everything that is printed of the folder with this file."""
    try:
        loaded = load_with_tests([*IN_FORCE, (name, content)], shipped())
    except DocumentErrors as error:
        return [str(fault) for fault in error.errors]
    results = run_tests(loaded, POLICIES, revision="", chosen=lambda _test, _case: True)
    answers = [answer for result in results for answer in result.answers]
    report = Report(
        results=results, revision="", coverage=coverage_of(loaded, answers), fail_under=100
    )
    xml = junit_xml(junit_suites(report), name="policy test")
    ElementTree.fromstring(xml.encode())
    return [*text_lines(report), *as_json(report_value(report)).split("\n")]
