"""The shipped table of gVisor's system calls against its sources, real output and known windows."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from tests.data.generate_gvisor_syscalls import OUTPUT, generated
from webhook.core.compat import CompatTable, Fact
from webhook.core.features import parse_feature
from webhook.core.names import Support
from webhook.core.runtimes import RuntimeProfile
from webhook.core.syscalls import ARCHITECTURES, syscall_name, syscall_names
from webhook.core.versions import IntervalSet, Version, parse_version
from webhook.documents.folder import load_shipped
from webhook.documents.imports.gvisor_levels import NOT_AS_PRINTED

PRINTED = Path(__file__).parent / "gvisor" / "printed.tsv"
PRINTED_VERSIONS = ("20221219.0", "20240729.0", "v0.0.0-20260905035102-160fafc42237")
FILES = (OUTPUT, OUTPUT.with_name("gvisor-syscall-arguments.yaml"))

LETTERS = {
    Support.FULL: "F",
    Support.PARTIAL: "P",
    Support.STUB: "P",
    Support.ERRNO: "U",
    Support.ABSENT: "U",
}


@cache
def table() -> CompatTable:
    return load_shipped([(file.name, file.read_bytes()) for file in FILES]).compat


def fact(feature: str, version: str, arch: str = "amd64", **flags: str) -> Fact:
    """The row that answers for a feature on one release."""
    release = parse_version(version)
    profile = RuntimeProfile(runtime="gvisor", versions=(release,), arch=arch, flags=flags)
    bound = table().bind(profile, date(2026, 11, 24))
    return next(f for f in bound.facts_about(parse_feature(feature)) if release in f.versions)


def support(feature: str, version: str, arch: str = "amd64", **flags: str) -> Support:
    return fact(feature, version, arch, **flags).support


def own_rows(feature: str) -> list[Fact]:
    """The rows of a feature itself that hold on every architecture."""
    return [f for f in table().facts if f.feature == feature and not f.when.arch]


def where(feature: str, *levels: Support) -> str:
    """The releases, joined, in which a call has one of these levels on amd64."""
    rows = [f for f in own_rows(feature) if f.support in levels]
    intervals = sorted(
        (i for f in rows for i in f.versions.intervals),
        key=lambda i: i.start.key if i.start else ((), 0, 0),
    )
    joined = intervals[:1]
    for interval in intervals[1:]:
        if joined[-1].end == interval.start:
            joined[-1] = type(interval)(start=joined[-1].start, end=interval.end)
        else:
            joined.append(interval)
    return str(IntervalSet(intervals=tuple(joined)))


WORKS = (Support.FULL, Support.PARTIAL, Support.STUB)


def printed() -> Iterator[tuple[str, int, str]]:
    for line in PRINTED.read_text().splitlines():
        if not line.startswith("#"):
            arch, number, letters = line.split("\t")
            yield arch, int(number), letters


def test_the_committed_file_is_what_the_generator_makes_of_its_inputs() -> None:
    assert OUTPUT.read_text() == generated()


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("index", range(3), ids=PRINTED_VERSIONS)
def test_every_level_that_runsc_prints_is_the_tables_by_number(arch: str, index: int) -> None:
    version = PRINTED_VERSIONS[index]
    differing = {}
    for row_arch, number, letters in printed():
        name = syscall_name(number, arch)
        if row_arch != arch or name is None:
            continue
        found = fact(f"syscall:{name}", version, arch)
        level = found.gate.support if found.gate else found.support
        letter = "U" if letters[index] == "-" else letters[index]
        if LETTERS[level] != letter:
            differing[name] = (letter, level)
    assert differing.keys() <= NOT_AS_PRINTED.keys()
    assert all(LETTERS[level] == "U" for _, level in differing.values())


def test_each_call_that_is_not_as_printed_differs_somewhere() -> None:
    seen = set()
    for arch, number, letters in printed():
        name = syscall_name(number, arch)
        for version, letter in zip(PRINTED_VERSIONS, letters, strict=True):
            found = fact(f"syscall:{name}", version, arch)
            if not found.gate and letter in "FP" and LETTERS[found.support] != letter:
                seen.add(name)
    assert seen == NOT_AS_PRINTED.keys()


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_call_that_runsc_does_not_print_is_absent(arch: str) -> None:
    for index, version in enumerate(PRINTED_VERSIONS):
        shown = {n for a, n, letters in printed() if a == arch and letters[index] != "-"}
        for name in syscall_names(arch):
            if name not in {syscall_name(number, arch) for number in shown}:
                assert support(f"syscall:{name}", version, arch) is Support.ABSENT, name


# Known windows: first support, and support that came and went.


@pytest.mark.parametrize(
    ("feature", "releases"),
    [
        ("syscall:shmget", ">=20180517"),
        ("syscall:seccomp", ">=20180802"),
        ("syscall:timer_create", ">=20180823"),
        ("syscall:sync_file_range", ">=20181108"),
        ("syscall:memfd_create", ">=20190529.1"),
        ("syscall:fallocate", ">=20190529.1"),
        ("syscall:statx", ">=20190722.1"),
        ("syscall:mbind", ">=20190722.1"),
        ("syscall:signalfd", ">=20191104.0"),
        ("syscall:setxattr", ">=20200115.0"),
        ("syscall:listxattr", ">=20200211.0"),
        ("syscall:set_robust_list", ">=20200804.0"),
        ("syscall:membarrier", ">=20201012.0"),
        ("syscall:semtimedop", ">=20210112.0"),
        ("syscall:epoll_pwait2", ">=20210503.0"),
        ("syscall:msgget", ">=20210726.0"),
        ("syscall:msgsnd", ">=20210806.0"),
        ("syscall:mq_open", ">=20211026.0"),
        ("syscall:pivot_root", ">=20220103.0"),
        ("syscall:faccessat2", ">=20220208.0"),
        ("syscall:close_range", ">=20220309.0"),
        ("syscall:setns", ">=20230731.0"),
        ("syscall:clone3", ">=20230814.0 <20230823.0, >=20230904.0"),
        ("syscall:process_vm_readv", ">=20221122.0 <20221205.0, >=20231009.0"),
        ("syscall:process_vm_writev", ">=20221122.0 <20221205.0, >=20231009.0"),
        ("syscall:splice", ">=20180810 <20180814, >=20190722.1"),
        ("syscall:keyctl", ">=20230925.0"),
        ("syscall:pidfd_open", ">=20260504.0"),
        ("syscall:pidfd_getfd", ">=20260504.0"),
        ("syscall:fsopen", ">=20260615.0"),
        ("syscall:open_tree", ">=20260615.0"),
        ("syscall:personality", ">=20260615.0"),
        ("syscall:ioprio_set", ">=20260706.0"),
        ("syscall:sched_setattr", ">=20260706.0"),
        ("syscall:bpf", ">=20260803.0"),
        ("syscall:copy_file_range", ">=20260905"),
        ("syscall:openat2", ">=20260905"),
        ("syscall:io_uring_setup", ">=20220913.0 <20230118.0"),
        ("syscall:io_uring_enter", ">=20221102.1 <20230118.0"),
        ("syscall:mlock", "*"),
        ("syscall:read", "*"),
    ],
)
def test_a_call_works_in_these_releases(feature: str, releases: str) -> None:
    assert where(feature, *WORKS) == releases


@pytest.mark.parametrize(
    "name",
    [
        "adjtimex", "clock_settime", "fanotify_init", "fspick", "init_module", "io_cancel",
        "io_pgetevents", "io_uring_register", "kcmp", "modify_ldt", "move_pages", "mq_timedsend",
        "name_to_handle_at", "perf_event_open", "pkey_alloc", "readahead", "userfaultfd",
        "vmsplice",
    ],
)  # fmt: skip
def test_a_call_works_in_no_release(name: str) -> None:
    assert where(f"syscall:{name}", *WORKS, Support.GATED) == ""


def test_postgres_of_october_2018_lacks_sync_file_range_and_nothing_of_the_rest() -> None:
    assert support("syscall:sync_file_range", "20181030") is Support.ABSENT
    assert fact("syscall:sync_file_range", "20181030").note == "answers ENOSYS"
    rest = "shmget shmat shmctl shmdt semget semop semctl futex epoll_wait fsync fdatasync mmap"
    for name in rest.split():
        assert support(f"syscall:{name}", "20181030") in WORKS, name


def test_sync_file_range_is_whole_from_the_day_on_that_it_came() -> None:
    absent, full = own_rows("syscall:sync_file_range")
    assert (str(absent.versions), str(full.versions)) == ("<20181108", ">=20181108")
    assert full.support is Support.FULL
    assert [e.source for e in absent.evidence] == ["google/gvisor#88", "google/gvisor@2ef122da3"]


def test_fallocate_of_2018_is_in_the_table_and_always_fails() -> None:
    assert fact("syscall:fallocate", "20181030").note == "answers EOPNOTSUPP"


# The traps of reading gVisor's table.


def test_a_name_that_an_old_release_prints_means_the_kernels_call() -> None:
    assert support("syscall:pselect", "20221219.0") is Support.FULL
    assert fact("syscall:sysctl", "20221219.0").note == "answers EPERM"


@pytest.mark.parametrize("number", [440, 442, 443, 444, 447, 448, 449, 450, 451, 452, 454, 457])
def test_a_number_above_the_table_answers_enosys(number: int) -> None:
    found = fact(f"syscall:{syscall_name(number, 'amd64')}", "20260817.0")
    assert (found.support, found.note) == (Support.ABSENT, "answers ENOSYS")


@pytest.mark.parametrize("name", ["io_uring_setup", "io_uring_enter"])
@pytest.mark.parametrize("version", ["20230118.0", "20240729.0", "20260817.0", "20260905"])
def test_io_uring_is_off_unless_its_flag_is_given(name: str, version: str) -> None:
    assert support(f"syscall:{name}", version) is Support.GATED
    assert support(f"syscall:{name}", version, iouring="true") is Support.PARTIAL


def test_io_uring_is_half_there_in_the_releases_in_which_mariadb_aborts() -> None:
    assert support("syscall:io_uring_setup", "20221219.0") is Support.PARTIAL
    assert support("syscall:io_uring_enter", "20220913.0") is Support.ABSENT
    assert support("syscall:io_uring_setup", "20220905.0") is Support.ABSENT


def test_full_statx_refuses_the_flag_that_ls_sets() -> None:
    assert support("syscall:statx", "20221219.0") is Support.FULL
    flag = "syscall:statx/AT_NO_AUTOMOUNT"
    assert fact(flag, "20221219.0").note == "answers EINVAL to statx(AT_NO_AUTOMOUNT)"
    assert support(flag, "20230227.0") is Support.FULL
    assert support(flag, "20181030") is Support.ABSENT


@pytest.mark.parametrize(
    ("name", "release"),
    [("mq_open", "20211026.0"), ("pivot_root", "20220103.0"), ("faccessat2", "20220208.0"),
     ("open", "20211026.0"), ("mount", "20211026.0")],
)  # fmt: skip
def test_what_vfs2_put_over_the_table_counts_before_it_was_printed(name: str, release: str) -> None:
    assert support(f"syscall:{name}", release) is Support.FULL


def test_renameat2_needed_the_flag_before_vfs2_was_the_default() -> None:
    assert support("syscall:renameat2", "20210823.0") is Support.GATED
    assert support("syscall:renameat2", "20210823.0", vfs2="true") is Support.FULL
    assert support("syscall:renameat2", "20211026.0") is Support.FULL


def test_capability_errors_say_both_errnos() -> None:
    assert fact("syscall:init_module", "20240729.0").note == (
        "answers EPERM without CAP_SYS_MODULE, ENOSYS with it"
    )


# Arguments.


@pytest.mark.parametrize(
    ("feature", "version", "level"),
    [
        ("syscall:mmap/MAP_HUGETLB", "20240729.0", Support.IGNORED),
        ("syscall:shmget/SHM_HUGETLB", "20240729.0", Support.IGNORED),
        ("syscall:memfd_create/MFD_HUGETLB", "20240729.0", Support.ERRNO),
        ("syscall:sched_setscheduler/SCHED_FIFO", "20260905", Support.ERRNO),
        ("syscall:setsockopt/SO_ATTACH_FILTER", "20260905", Support.IGNORED),
        ("syscall:unshare/CLONE_NEWTIME", "20260905", Support.IGNORED),
        ("syscall:unshare/CLONE_NEWCGROUP", "20240729.0", Support.IGNORED),
        ("syscall:unshare/CLONE_NEWCGROUP", "20260905", Support.GATED),
        ("syscall:renameat2/RENAME_EXCHANGE", "20240729.0", Support.ERRNO),
        ("syscall:renameat2/RENAME_EXCHANGE", "20260905", Support.FULL),
        ("syscall:renameat2/RENAME_NOREPLACE", "20240729.0", Support.FULL),
        ("syscall:fallocate/FALLOC_FL_PUNCH_HOLE", "20260905", Support.ERRNO),
        ("syscall:fcntl/F_OFD_SETLK", "20221219.0", Support.ERRNO),
        ("syscall:fcntl/F_OFD_SETLK", "20240729.0", Support.FULL),
        ("syscall:prctl/PR_SET_CHILD_SUBREAPER", "20221219.0", Support.PARTIAL),
        ("syscall:prctl/PR_SET_CHILD_SUBREAPER", "20240729.0", Support.FULL),
        ("syscall:prctl/PR_CAP_AMBIENT", "20240729.0", Support.ERRNO),
        ("syscall:prctl/PR_CAP_AMBIENT", "20260905", Support.FULL),
        ("syscall:madvise/MADV_FREE", "20260905", Support.ERRNO),
        ("syscall:personality/ADDR_NO_RANDOMIZE", "20260905", Support.ERRNO),
        ("syscall:clone3/CLONE_PIDFD", "20221219.0", Support.ABSENT),
        ("syscall:clone3/CLONE_PIDFD", "20240729.0", Support.ERRNO),
        ("syscall:clone3/CLONE_PIDFD", "20260905", Support.FULL),
        ("syscall:openat/O_TMPFILE", "20240729.0", Support.ERRNO),
    ],
)
def test_an_argument_has_a_level_of_its_own(feature: str, version: str, level: Support) -> None:
    assert support(feature, version) is level


# arm64.


def test_arm64_has_rows_of_its_own_for_early_releases_and_a_call_that_it_never_had() -> None:
    rows = [f for f in table().facts if f.when.arch == {"arm64"}]
    assert {f.feature: str(f.versions) for f in rows} == {
        "syscall:mmap": ">=20191104.0 <20200127.0",
        "syscall:fcntl": ">=20191104.0 <20200127.0",
        "syscall:truncate": ">=20191104.0 <20200127.0",
        "syscall:statfs": ">=20191104.0 <20200127.0",
        "syscall:fadvise64": ">=20191104.0 <20200127.0",
        "syscall:newfstatat": ">=20191104.0 <20200127.0",
        "syscall:linkat": ">=20200921.0 <20211026.0",
        "syscall:set_robust_list": ">=20200804.0 <20201005.0",
        "syscall:get_robust_list": ">=20200804.0 <20201005.0",
        "syscall:execveat": ">=20191104.0 <20191129.0",
        "syscall:kexec_file_load": ">=20191104.0",
    }


def test_a_row_of_arm64_is_believed_there_alone() -> None:
    assert support("syscall:mmap", "20191104.0", "arm64") is Support.ABSENT
    assert support("syscall:mmap", "20200127.0", "arm64") is Support.PARTIAL
    assert support("syscall:mmap", "20191104.0") is Support.PARTIAL


# Form.


def test_every_call_of_the_table_has_one_row_for_every_release() -> None:
    features = {f.feature for f in table().facts if "/" not in f.feature}
    releases = {r.version for r in table().releases["gvisor"]}
    for feature in features:
        rows = own_rows(feature)
        edges: set[Version] = {e for f in rows for e in f.versions.boundaries()}
        for version in releases | edges | {parse_version("20180501")}:
            assert sum(version in f.versions for f in rows) == 1, (feature, str(version))


def test_every_row_names_a_call_by_the_kernels_name() -> None:
    for feature in {f.feature for f in table().facts} - {"syscall:*"}:
        name = feature.removeprefix("syscall:").partition("/")[0]
        assert name in syscall_names("amd64"), feature
        assert parse_feature(feature) == feature


def test_a_note_begins_with_a_sentence_that_fits_a_refusal() -> None:
    for found in table().facts:
        assert found.support is Support.FULL or found.note, found.feature
        assert len(found.note.split(". ")[0]) <= 70, found.note


def test_every_gvisor_release_tag_is_listed() -> None:
    releases = [str(r.version) for r in table().releases["gvisor"]]
    assert (len(releases), releases[0], releases[-1]) == (275, "20190304.1", "20260817.0")
