"""What runsc prints of its system calls: matched by number, believed only where it knows better."""

from typing import Any

import pytest
from hypothesis import given as for_any
from hypothesis import settings
from hypothesis import strategies as st

from tests.documents.build import fact, facts, load_tables
from tests.documents.imports.build import (
    EVERYTHING,
    WISH,
    facts_of,
    given,
    messages,
    overlaid,
    sample,
)
from webhook.core.compat import VERDICTS, CompatTable, Fact
from webhook.core.names import Strength, Support, Verdict
from webhook.core.syscalls import syscall_names
from webhook.core.versions import parse_version
from webhook.documents.imports.gvisor_syscalls import import_syscalls
from webhook.documents.imports.result import Imported, Wish, in_force
from webhook.documents.source import DocumentErrors
from webhook.live.shipped import shipped

CURRENT = "v0.0.0-20260905035102-160fafc42237"
REAL = [
    ("runsc-20221219-syscalls-amd64.json", "20221219.0"),
    ("runsc-20240729-syscalls-arm64.json", "20240729.0"),
    ("runsc-20260905-syscalls.json", CURRENT),
]
GATED_OR_WRONG = {
    "io_uring_setup",
    "io_uring_enter",
    "rseq",
    "clock_settime",
    "readahead",
    "io_cancel",
}


NEEDS_A_CAPABILITY = (
    'Returns "operation not permitted" if the process does not have CAP_SYS_BOOT; "invalid system '
    'call number" otherwise.'
)


def not_measured(_fact: Fact, _arch: str) -> bool:
    return False


def imported(
    source: Any, release: str = "20261101.0", *, wish: Wish = WISH, table: CompatTable | None = None
) -> Imported:
    """What is imported over the shipped table, or over another."""
    table = table or shipped().compat
    return import_syscalls(source, parse_version(release), table, not_measured, wish)


def call(
    name: str, support: str = "Full Support", note: str = "Fully Supported."
) -> dict[str, str]:
    return {"name": name, "support": support, "note": note}


def amd64(**calls: dict[str, str]) -> dict[str, Any]:
    """The current table with some calls, by number (``_437``), put in or replaced."""
    table = sample("runsc-20260905-syscalls.json").data["linux"]["amd64"]["syscalls"]
    return {"linux": {"amd64": {"syscalls": {**table, **{k[1:]: v for k, v in calls.items()}}}}}


def support(table: CompatTable, name: str, release: str = "20261101.0", arch: str = "amd64") -> str:
    found = in_force(table, "gvisor", parse_version(release), f"syscall:{name}", arch)
    return str(found and found.support)


LACKED = call("openat2", "Unimplemented", 'Returns "invalid system call number".')


# Real output.


@pytest.mark.parametrize(("name", "release"), REAL)
def test_a_release_that_the_table_knows_brings_nothing_that_it_does_not_say(
    name: str, release: str
) -> None:
    assert imported(sample(name), release).documents == ()


@pytest.mark.parametrize(("name", "release"), REAL)
def test_everything_of_real_output_reads_back_and_changes_no_verdict(
    name: str, release: str
) -> None:
    source = sample(name)
    over = overlaid(imported(source, release, wish=EVERYTHING))

    for arch in source.data["linux"]:
        for call_name in syscall_names(arch):
            before, after = (
                Support(support(table, call_name, release, arch))
                for table in (shipped().compat, over)
            )
            for strength in Strength:
                assert VERDICTS[strength, after] == VERDICTS[strength, before], call_name


def test_a_row_that_is_the_same_keeps_the_words_of_the_shipped_one() -> None:
    row = fact(feature="syscall:openat2", support="absent", note="is not there", workaround="W.")
    table = load_tables(facts(row)).compat

    result = imported(given(amd64(_437=LACKED)), table=table, wish=EVERYTHING)

    [same] = [r for r in result.documents[0]["spec"]["facts"] if r["feature"] == row["feature"]]
    assert (same["note"], same["workaround"]) == ("is not there", "W.")


@pytest.mark.parametrize(("name", "release"), REAL[1:])
def test_what_the_printed_table_cannot_know_is_left_out_even_of_everything(
    name: str, release: str
) -> None:
    result = imported(sample(name), release, wish=EVERYTHING)

    left_out = {entry.name.removeprefix("syscall:").partition(" ")[0] for entry in result.left_out}
    assert left_out >= GATED_OR_WRONG
    assert not GATED_OR_WRONG & {f.removeprefix("syscall:") for f in facts_of(result)}


def test_a_release_that_gained_calls_since_brings_just_those() -> None:
    result = imported(sample("runsc-20260905-syscalls.json"), "20260817.0")

    assert facts_of(result) == {"syscall:copy_file_range": "full", "syscall:openat2": "full"}
    assert result.taken == (
        "syscall:copy_file_range: full, shipped: absent",
        "syscall:openat2: full, shipped: absent",
    )
    assert support(overlaid(result), "openat2", "20260817.0") == "full"
    assert support(overlaid(result), "openat2", "20260810.0") == "absent"


def test_the_numbers_of_both_architectures_make_one_row_and_one_of_them_a_row_of_its_own() -> None:
    both = imported(sample("runsc-20260905-syscalls.json"), "20260817.0").documents[0]
    one = imported(given(amd64()), "20260817.0").documents[0]

    assert [row.get("when") for row in both["spec"]["facts"]] == [None, None]
    assert [row["when"] for row in one["spec"]["facts"]] == [{"arch": ["amd64"]}] * 2


# The traps.


def test_a_call_is_known_by_its_number_whatever_it_is_called() -> None:
    result = imported(given(amd64(_270=call("pselect"), _156=call("sysctl"))))

    assert facts_of(result) == {"syscall:_sysctl": "full"}
    assert result.remarks == ()


def test_a_name_that_is_another_calls_is_told_and_the_number_counts() -> None:
    result = imported(given(amd64(_440=call("openat2"))))

    assert facts_of(result) == {"syscall:process_madvise": "full"}
    assert result.remarks == (
        "amd64 440 is printed as openat2; by its number it is process_madvise",
    )


def test_a_number_that_linux_has_not_is_told_and_not_guessed() -> None:
    result = imported(given(amd64(_999=call("mystery"))))

    assert result.documents == ()
    assert [str(entry.name) for entry in result.unknown] == ["999 mystery (amd64)"]


def test_a_flag_that_gates_a_call_is_not_forgotten() -> None:
    result = imported(given(amd64()))

    [reason] = {e.reason for e in result.left_out if e.name.startswith("syscall:io_uring_setup")}
    assert reason == "printed as partial; off unless --iouring: the printed table knows no flags"


def test_a_gated_call_that_a_release_drops_is_imported_for_no_flag_brings_it_back() -> None:
    dropped = call("io_uring_setup", "Unimplemented", 'Returns "invalid system call number".')

    result = imported(given(amd64(_425=dropped)))

    assert facts_of(result) == {"syscall:io_uring_setup": "absent"}


def test_full_support_of_a_call_leaves_what_is_known_of_its_operations() -> None:
    result = imported(sample("runsc-20221219-syscalls-amd64.json"), "20221219.0", wish=EVERYTHING)

    assert support(overlaid(result), "statx", "20221219.0") == "full"
    assert support(overlaid(result), "statx/AT_NO_AUTOMOUNT", "20221219.0") == "errno"


def test_no_operation_works_of_a_call_that_a_release_lacks() -> None:
    gone = call("fcntl", "Unimplemented", 'Returns "invalid system call number".')

    result = imported(given(amd64(_72=gone)))

    assert facts_of(result)["syscall:fcntl/F_OFD_SETLK"] == "absent"
    assert support(overlaid(result), "fcntl/F_OFD_SETLK") == "absent"
    assert support(overlaid(result), "fcntl/F_OFD_SETLK", arch="arm64") == "full"


def test_before_20221122_the_printed_table_is_not_what_runs() -> None:
    result = imported(given(amd64()), "20220905.0", wish=EVERYTHING)

    left_out = [e for e in result.left_out if e.name == "syscall:pidfd_open (amd64)"]
    assert [e.reason for e in left_out] == [
        "printed as full; before 20221122.0 runsc replaces rows of the printed table at start-up"
    ]


def test_what_was_measured_on_the_very_release_counts_more() -> None:
    release = parse_version("20260817.0")
    source = sample("runsc-20260905-syscalls.json")

    result = import_syscalls(source, release, shipped().compat, lambda *_: True, WISH)

    assert result.documents == ()
    assert "printed as full; measured on this release: absent" in {
        e.reason for e in result.left_out
    }


def test_a_stub_is_not_made_partial_by_a_note_that_does_not_say_so() -> None:
    table = load_tables(facts(fact(feature="syscall:fadvise64", support="stub"))).compat
    partial = call("fadvise64", "Partial Support", "Not all options are supported.")

    result = imported(given(amd64(_221=partial)), table=table, wish=EVERYTHING)

    assert "syscall:fadvise64" not in facts_of(result)


@pytest.mark.parametrize(
    ("level", "note", "expected"),
    [
        ("Partial Support", "Options A_B are not supported.", ("partial", "lacks A_B")),
        ("Partial Support", "Generally supported with exceptions. Works on Tuesdays.",
         ("partial", "supports it in part: Works on Tuesdays.")),
        ("Partial Support", "", ("partial", "supports it in part")),
        ("Partial Support", "Stub implementation.", ("stub", "keeps values that have no effect")),
        ("Unimplemented", 'Gone.; Returns "no such device".', ("errno", "answers ENODEV")),
        ("Unimplemented", 'Returns "on strike".', ("errno", "answers on strike")),
        ("Unimplemented", "", ("errno", "answers an error")),
        ("Unimplemented", NEEDS_A_CAPABILITY,
         ("errno", "answers EPERM without CAP_SYS_BOOT, ENOSYS with it")),
    ],
)  # fmt: skip
def test_a_level_and_its_note_become_support_and_our_words(
    level: str, note: str, expected: tuple[str, str]
) -> None:
    result = imported(given(amd64(_0=call("read", level, note))))

    [row] = [r for r in result.documents[0]["spec"]["facts"] if r["feature"] == "syscall:read"]
    assert (row["support"], row["note"]) == expected


# The document.


def test_a_new_release_is_listed_and_a_build_of_a_day_is_not() -> None:
    source = sample("runsc-20260905-syscalls.json")
    [new] = imported(source, "release-20261101.0", wish=EVERYTHING).documents
    [build] = imported(source, CURRENT, wish=EVERYTHING).documents
    [known] = imported(source, "20260817.0").documents

    assert new["metadata"]["name"] == "gvisor-syscalls-20261101.0"
    assert new["spec"]["releases"] == ["20261101.0"]
    assert build["metadata"]["name"] == "gvisor-syscalls-20260905.0"
    assert "releases" not in build["spec"]
    assert "releases" not in known["spec"]


def test_every_row_has_the_evidence_that_was_given() -> None:
    over = overlaid(imported(sample("runsc-20260905-syscalls.json"), "20260817.0"))

    assert {e for f in over.facts if f.overlay for e in f.evidence} == {WISH.evidence}


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_no_shipped_row_of_a_call_asks_for_more_than_an_architecture(arch: str) -> None:
    # An overlay would hide a row that holds under a flag or for a vendor.
    features = {f"syscall:{name}" for name in syscall_names(arch)}
    rows = [f for f in shipped().compat.facts if f.runtime == "gvisor" and f.feature in features]
    assert {f.feature for f in rows if f.when.specificity > len(f.when.arch)} == set()


LEVELS = st.sampled_from(["Full Support", "Partial Support", "Unimplemented"])


@settings(max_examples=10)
@for_any(
    st.dictionaries(
        st.integers(0, 600).map(str),
        st.builds(call, st.text(max_size=20), LEVELS, st.text(max_size=60)),
        max_size=20,
    )
)
def test_whatever_a_table_says_reads_back_and_makes_no_failing_call_work(
    calls: dict[str, Any],
) -> None:
    over = overlaid(imported(given({"linux": {"amd64": {"syscalls": calls}}})))

    for name in GATED_OR_WRONG:
        assert VERDICTS[Strength.REQUIRED, Support(support(over, name))] is Verdict.INCOMPATIBLE


# What is no table.


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            {"amd64": {"syscalls": {"0": {"name": "read", "support": "Great"}}}},
            (
                "in.json:7: linux.amd64.syscalls[0].support: must be one of Full Support, Partial "
                "Support, Unimplemented, not 'Great'"
            ),
        ),
        (
            {"amd64": {"syscalls": {"read": call("read")}}},
            "in.json:5: linux.amd64.syscalls.read: must be the number of a system call, not 'read'",
        ),
        (
            {"riscv64": {"syscalls": {}}},
            "in.json:3: linux.riscv64: must be one of amd64, arm64, not 'riscv64'",
        ),
        (
            {"amd64": {"syscalls": {"0": {"support": "Full Support"}}}},
            "in.json:5: linux.amd64.syscalls[0].name: must be given",
        ),
        ({"amd64": {}}, "in.json:3: linux.amd64.syscalls: must be given"),
    ],
)
def test_what_is_no_table_is_said_with_line_and_field(tables: Any, said: str) -> None:
    with pytest.raises(DocumentErrors) as raised:
        imported(given({"linux": tables}))
    assert messages(raised.value) == [said]
