"""Seccomp profiles: what they allow on an architecture, and the faults of those that are none."""

from __future__ import annotations

import json

import pytest

from tests.documents.recordings.build import SAMPLES
from webhook.documents.recordings.profile import looks_like_profile, parse_profile
from webhook.documents.source import DocumentErrors

DOCKERS = SAMPLES.joinpath("seccomp.json").read_bytes()
OPERATORS = SAMPLES.joinpath("seccompprofile.yaml").read_bytes()


_WANTED = "defaultAction and syscalls, or kind SeccompProfile"


def allowed(content: bytes, arch: str = "amd64") -> dict[str, bytes]:
    """Names and the arguments that they are tied to."""
    return {c.name: c.arguments for c in parse_profile(content, file="p", arch=arch)}


def faults(value: object) -> str:
    """What is said of a profile."""
    with pytest.raises(DocumentErrors) as caught:
        parse_profile(json.dumps(value).encode(), file="p.json", arch="amd64")
    return str(caught.value)


def test_rules_count_for_the_architecture_and_without_added_capabilities() -> None:
    assert allowed(DOCKERS) == {
        "read": b"",
        "write": b"",
        "mmap2": b"",
        "arm_fadvise64_64": b"",
        "arch_prctl": b"",
        "clone": b"",
        "prctl": b"0x24,?,?,?,?,?",
    }
    assert "arch_prctl" not in allowed(DOCKERS, "arm64")


def test_a_profile_of_the_operator_and_one_that_allows_all() -> None:
    assert sorted(allowed(OPERATORS)) == ["execve", "futex", "sync_file_range"]


def test_a_list_as_kubectl_prints_it() -> None:
    spec = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "syscalls": [{"names": ["bpf"], "action": "SCMP_ACT_ALLOW"}],
    }
    items = [{"kind": "SeccompProfile", "spec": spec}, {"kind": "Pod", "spec": {}}]
    assert allowed(json.dumps({"kind": "List", "items": items}).encode()) == {"bpf": b""}


def test_the_old_form_with_one_name_a_rule() -> None:
    rule = {"name": "bpf", "action": "SCMP_ACT_ALLOW", "args": None}
    profile = {"defaultAction": "SCMP_ACT_KILL", "syscalls": [rule]}
    assert allowed(json.dumps(profile).encode()) == {"bpf": b""}


@pytest.mark.parametrize("content", [DOCKERS, OPERATORS, b'{"defaultAction": 3}'])
def test_profiles_are_known_by_their_beginning(content: bytes) -> None:
    assert looks_like_profile(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"getpid() = 1",
        b'{"log":"compat.go:120] Unsupported syscall rseq(0x7e). \\"defaultAction\\""}',
        b'write(1, "kind: SeccompProfile", 20) = 20',
    ],
)
def test_logs_are_no_profiles(content: bytes) -> None:
    assert not looks_like_profile(content)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "p.json:1: must be a seccomp profile, not a list"),
        (
            {"kind": "Pod"},
            f"p.json:1: must be a seccomp profile: {_WANTED}",
        ),
        (
            {"defaultAction": "ERRNO"},
            "p.json:1: defaultAction: must be an action such as SCMP_ACT_ERRNO, not 'ERRNO'",
        ),
        (
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": "all"},
            "p.json:1: syscalls: must be a list of rules, not 'all'",
        ),
        (
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [3]},
            "p.json:1: syscalls[0]: must be a rule with names and action, not the number 3",
        ),
        (
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": "bpf"}]},
            "p.json:1: syscalls[0].names: must be a list of system calls, not 'bpf'",
        ),
    ],
)
def test_what_is_no_profile_is_told_with_its_place(value: object, message: str) -> None:
    assert faults(value) == message
