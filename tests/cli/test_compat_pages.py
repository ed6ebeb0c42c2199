from dataclasses import replace
from datetime import date

import pytest

from tests.build import application, fact, table
from webhook.cli.compat_applications_page import applications_page
from webhook.cli.compat_pages import index_page, pages, runtime_page
from webhook.cli.compat_words import releases_text, source_link
from webhook.cli.markdown import code, escaped
from webhook.core.applications import Evidence, Verified
from webhook.core.compat import CompatTable, Fact
from webhook.core.names import Strength, Support
from webhook.core.verification import ProbeRun, Verification
from webhook.core.versions import interval_set, parse_interval, parse_version

RELEASES = {"gvisor": [("20240729.0", date(2024, 7, 29)), ("20260817.0", date(2026, 8, 17))]}


def known(*facts: Fact) -> CompatTable:
    """A table of gVisor, with two releases."""
    return table(*facts, releases=RELEASES)


def lines(*facts: Fact, version: str | None = None, runs: Verification | None = None) -> list[str]:
    """The page of gVisor's rows."""
    release = parse_version(version) if version else None
    page = runtime_page(
        known(*facts), facts, runs or Verification(), runtime="gvisor", version=release
    )
    return page.splitlines()


def test_as_many_rows_that_say_the_same_are_one_paragraph_and_full_comes_first() -> None:
    absent = [fact(f"syscall:a{n}", note="answers ENOSYS") for n in range(5)]
    full = [fact(f"syscall:f{n}", Support.FULL) for n in range(4)]
    page = lines(*absent, *full)
    at = page.index("**full** (4): `f0`, `f1`, `f2`, `f3`")
    assert page[at + 2] == "**absent**, answers ENOSYS (5): `a0`, `a1`, `a2`, `a3`, `a4`"
    assert not [line for line in page if line.startswith("| `syscall:")]


def test_three_rows_that_say_the_same_stay_in_the_table() -> None:
    page = lines(*(fact(f"syscall:f{n}", Support.FULL) for n in range(3)))
    assert "| `syscall:f2` | full | all |  | [^1] |" in page


def test_what_holds_for_another_release_is_history_alone() -> None:
    rows = [
        fact("syscall:a", Support.ABSENT, "<20250101", note="answers ENOSYS"),
        fact("syscall:a", Support.FULL, ">=20250101"),
    ]
    page = lines(*rows)
    assert "| `syscall:a` | full | `>=20250101` |  | [^1] |" in page
    assert "- **20250101**: `syscall:a` absent → full" in page
    assert not [line for line in page if "ENOSYS" in line]


def test_a_page_of_one_release_has_no_history() -> None:
    rows = [
        fact("syscall:a", Support.ABSENT, "<20250101"),
        fact("syscall:a", Support.FULL, ">=20250101"),
    ]
    page = lines(*rows, version="20240729.0")
    assert "| `syscall:a` | absent | `<20250101` |  | [^1] |" in page
    assert "## What changed, release by release" not in page


def test_a_row_says_under_which_releases_it_was_verified() -> None:
    run = ProbeRun(
        runtime="gvisor",
        feature="syscall:a",
        release=parse_version("20240729.0"),
        observed="works",
        day=date(2026, 11, 24),
        arch="amd64",
    )
    page = lines(fact("syscall:a", Support.FULL), runs=Verification([run]))
    assert "| `syscall:a` | full | all |  | Verified on 20240729.0. [^1] |" in page
    assert "Probes confirmed 1 of 1 rows under real releases." in page


def test_a_runtime_without_listed_releases_is_told_by_all_its_rows() -> None:
    rows = [fact("syscall:a", Support.FULL, ">=1.2", runtime="runc")]
    page = runtime_page(table(*rows), rows, Verification(), runtime="runc")
    assert "| `syscall:a` | full | `>=1.2` |  | [^1] |" in page
    assert page.startswith("# runc\n")


def test_every_runtime_with_rows_has_a_page() -> None:
    rows = [fact("syscall:a"), fact("syscall:a", runtime="youki")]
    assert sorted(pages(table(*rows), Verification())) == [
        "README.md",
        "applications.md",
        "gvisor.md",
        "youki.md",
    ]


def test_the_index_names_runtimes_and_those_that_ended() -> None:
    page = index_page(known(fact("syscall:a")))
    assert "| [gVisor](gvisor.md) | 1 | 2 | 20260817.0 |\n" in page
    assert "| rkt | was archived by the CNCF on 2019-08-16 | containerd with runc |\n" in page


def verdicts(page: str, name: str) -> list[str]:
    """The cells of an application in the first table."""
    (row,) = (line for line in page.splitlines() if line.startswith(f"| [{name}]("))
    return [cell.strip() for cell in row.split("|")[2:-1]]


def test_an_application_is_told_with_its_usual_verdicts_and_its_last_run() -> None:
    runs = [
        Verified(runtime="gvisor", versions=interval_set([parse_interval(versions)]), works=works)
        for versions, works in ((">=20240729.0 <20240730", "no"), (">=20260817.0", "yes"))
    ]
    needs = application(needs=[("syscall:a", Strength.REQUIRED)])
    ran = application("redis", "redis")
    ran = replace(ran, verified=tuple(reversed(runs)))
    page = applications_page(known(fact("syscall:a")), [needs, ran])
    assert verdicts(page, "postgresql") == ["incompatible", "unknown", "unknown"]
    assert verdicts(page, "redis") == [
        "no need known, seen to run: yes",
        "no need known",
        "no need known",
    ]
    assert "| gVisor 20240729.0 | no |  |  |\n" in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"),
        ("<b>&amp;", "&lt;b>&amp;amp;"),
        ("[x](y)", "\\[x\\](y)"),
        ("two\n  lines", "two lines"),
    ],
)
def test_a_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_code_in_a_table_holds_no_end_of_a_cell_or_of_code() -> None:
    assert code("a|`b`") == "`a\\|'b'`"


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("google/gvisor#88", "https://github.com/google/gvisor/issues/88"),
        ("google/gvisor@2ef122da3", "https://github.com/google/gvisor/commit/2ef122da3"),
        ("https://gvisor.dev/docs/", "https://gvisor.dev/docs/"),
        ("https://gvisor.dev/docs/ and others", None),
        ("opencontainers/runc@v1.5.1:README.md", None),
        ("pgbench of PostgreSQL 15", None),
    ],
)
def test_a_public_source_is_a_link(source: str, link: str | None) -> None:
    assert source_link(source) == link


def test_a_source_is_a_footnote_with_its_kind_and_day() -> None:
    issue = Evidence(kind="issue", source="https://x.example/1", date="2026-01-01", tested="3.1")
    page = lines(fact("syscall:a", evidence=(issue,)))
    assert page[-1] == "[^1]: issue, 2026-01-01, tested 3.1: <https://x.example/1>"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("*", "all"),
        (">=20240729.0 <20240730", "20240729.0"),
        (">=20240729.0 <20240829", ">=20240729.0 <20240829"),
        (">=1.2 <1.3", ">=1.2 <1.3"),
    ],
)
def test_the_day_of_one_release_is_told_as_that_release(written: str, told: str) -> None:
    assert releases_text(interval_set([parse_interval(written)])) == told
