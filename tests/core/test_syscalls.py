"""The kernel's system calls: numbers both ways, and the names that tools print."""

import pytest

from webhook.core.syscalls import (
    ALIASES,
    ARCHITECTURES,
    canonical_syscall,
    syscall_name,
    syscall_names,
    syscall_number,
)


@pytest.mark.parametrize(
    ("name", "amd64", "arm64"),
    [
        ("read", 0, 63),
        ("open", 2, None),
        ("newfstatat", 262, 79),
        ("pselect6", 270, 72),
        ("sync_file_range", 277, 84),
        ("fadvise64", 221, 223),
        ("nfsservctl", 180, 42),
        ("arch_prctl", 158, None),
        ("io_pgetevents", 333, 292),
        ("uretprobe", 335, None),
        ("pidfd_send_signal", 424, 424),
        ("openat2", 437, 437),
        ("cachestat", 451, 451),
        ("file_setattr", 469, 469),
    ],
)
def test_a_call_has_the_number_of_the_kernels_headers(
    name: str, amd64: int, arm64: int | None
) -> None:
    assert (syscall_number(name, "amd64"), syscall_number(name, "arm64")) == (amd64, arm64)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_names_and_numbers_are_one_to_one(arch: str) -> None:
    for name in syscall_names(arch):
        number = syscall_number(name, arch)
        assert number is not None
        assert syscall_name(number, arch) == name


def test_every_call_of_the_table_is_there() -> None:
    assert [len(syscall_names(arch)) for arch in ARCHITECTURES] == [385, 327]


def test_every_call_of_arm64_is_one_of_amd64() -> None:
    assert set(syscall_names("arm64")) <= set(syscall_names("amd64"))


def test_numbers_from_424_on_are_the_same_on_every_architecture() -> None:
    for number in range(424, 472):
        assert syscall_name(number, "amd64") == syscall_name(number, "arm64")


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_an_alias_is_no_kernel_name_and_names_a_call(alias: str) -> None:
    assert alias not in syscall_names("amd64")
    assert ALIASES[alias] in syscall_names("amd64")
    assert canonical_syscall(alias) == ALIASES[alias]


def test_two_calls_of_different_numbers_are_not_aliases() -> None:
    pairs = {"getdents": "getdents64", "eventfd": "eventfd2", "open": "openat", "dup2": "dup3"}
    for name, other in pairs.items():
        assert canonical_syscall(name) == name
        assert syscall_number(name, "amd64") != syscall_number(other, "amd64")


@pytest.mark.parametrize(
    "written", ["sys_437", "syscall_0x1b5", "syscall_437", "UNKNOWN[437/0x1b5]"]
)
def test_a_number_that_a_tool_prints_for_a_name_is_resolved(written: str) -> None:
    assert canonical_syscall(written) == "openat2"


def test_a_printed_number_is_read_by_the_numbers_of_its_architecture() -> None:
    assert canonical_syscall("sys_84") == "rmdir"
    assert canonical_syscall("sys_84", "arm64") == "sync_file_range"


@pytest.mark.parametrize("name", ["nosuchcall", "sys_9999", "sys_", "", "SYS_437", "sys_437 "])
def test_what_names_no_call_comes_back_as_it_is(name: str) -> None:
    assert canonical_syscall(name) == name


def test_an_alias_has_the_number_of_its_call() -> None:
    assert syscall_number("pselect", "amd64") == 270


def test_an_architecture_that_nobody_knows_has_no_calls() -> None:
    assert syscall_number("read", "riscv64") is None
    assert syscall_name(0, "riscv64") is None
    assert syscall_names("riscv64") == ()
