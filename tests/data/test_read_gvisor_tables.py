"""Reading gVisor's tables off its source: rows to codes."""

import pytest

from tests.data.read_gvisor_tables import code, is_table, rows
from webhook.documents.imports.gvisor_phrases import PHRASES, phrase

TABLE = """\
var AMD64 = &kernel.SyscallTable{
\tTable: map[uintptr]kernel.Syscall{
\t\t0: syscalls.Supported("zero", Zero),
\t\t// A comment.
\t\t1: nil, // One, not yet
\t},
}

var ARM64 = &kernel.SyscallTable{
\tTable: map[uintptr]kernel.SyscallFn{
\t\t7:  Seven,
\t},
}
"""
OVERRIDES = """\
\ts := linux.AMD64
\ts.Table[0] = syscalls.Supported("zero", Zero)
\tdelete(s.Table, 3) // three
\ts = linux.ARM64
\ts.Table[9] = syscalls.Supported("nine", Nine)
"""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('syscalls.Supported("x", X)', "F"),
        ('syscalls.SupportedPoint("x", X, PointX)', "F"),
        ('syscalls.PartiallySupported("x", X, "Option A_B is not supported.", nil)', "P lacks A_B"),
        ('syscalls.PartiallySupported("x", X, "Stub implementation.", nil)',
         "S keeps values that have no effect"),
        ('syscalls.Error("x", linuxerr.EPERM, "Why.", nil)', "E EPERM"),
        ('syscalls.ErrorWithEvent("x", syserror.ENOSYS, "", nil)', "E ENOSYS"),
        ('syscalls.CapError("x", linux.CAP_SYS_BOOT, "", nil)', "C CAP_SYS_BOOT"),
        ("syscalls.CapError(linux.CAP_SYS_BOOT)", "C CAP_SYS_BOOT"),
        ("syscalls.Error(nil)", "Z"),
        ('syscalls.Undocumented("x", X)', "I"),
        ("X", "I"),
        ("nil", "-"),
    ],
)  # fmt: skip
def test_a_row_of_go_is_a_code(expression: str, expected: str) -> None:
    assert code(expression, 1) == expected


def test_a_function_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^1: unknown function Hinted$"):
        code('syscalls.Hinted("x", X)', 1)


def test_each_architectures_rows_are_read_from_one_file() -> None:
    assert dict(rows("pkg/sentry/syscalls/linux/linux64.go", TABLE)) == {
        ("amd64", 0): "F",
        ("amd64", 1): "-",
        ("arm64", 7): "I",
    }


def test_what_vfs2_puts_over_a_table_has_columns_of_its_own() -> None:
    assert dict(rows("pkg/sentry/syscalls/linux/vfs2/vfs2.go", OVERRIDES)) == {
        ("amd64/vfs2", 0): "F",
        ("amd64/vfs2", 3): "-",
        ("arm64/vfs2", 9): "F",
    }


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("linux64.go", True),
        ("linux64_arm64.go", True),
        ("linux64_test.go", False),
        ("vfs2/vfs2.go", True),
        ("vfs2/linux64_override_amd64.go", True),
        ("vfs2/sys_read.go", False),
        ("sys_read.go", False),
    ],
)
def test_only_files_with_tables_are_read(name: str, read: bool) -> None:
    assert is_table(f"pkg/sentry/syscalls/linux/{name}") is read


def test_options_that_a_note_names_are_listed() -> None:
    assert phrase("Options A_B, C_D and, SetTid are not supported.") == (
        "P lacks A_B, C_D and set_tid"
    )


def test_a_note_of_a_new_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^no words yet for 'Works on Tuesdays\.'$"):
        phrase("Works on Tuesdays.")


def test_our_words_fit_a_refusal() -> None:
    assert [ours for _, ours in PHRASES if len(ours) > 70] == []
