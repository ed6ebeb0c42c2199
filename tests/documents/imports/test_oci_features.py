"""The OCI features structure: what it proves of the fields of a pod, and what it does not."""

from datetime import date
from typing import Any

import pytest

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
from webhook.core.compat import CompatTable
from webhook.core.names import Feature
from webhook.core.runtimes import Cri, RuntimeProfile
from webhook.core.versions import parse_version
from webhook.documents.imports.oci_facts import import_features
from webhook.documents.imports.oci_features import PrintedBy, printed_by
from webhook.documents.imports.result import Imported, Wish
from webhook.documents.source import DocumentErrors
from webhook.live.shipped import shipped

RUNC, RUNSC = "runc-1.1.5-features.json", "runsc-20260905-features.json"
EMPTY = load_tables(facts(fact())).compat
IDMAP = {"mountExtensions": {"idmap": {"enabled": True}}, "namespaces": ["user"]}


def structure(*, top: Any = None, **linux: Any) -> Any:
    """The smallest structure, with seccomp (a runc without it leaves it out)."""
    data = {"ociVersionMin": "1.0.0", "ociVersionMax": "1.2.0", **(top or {})}
    return given({**data, "linux": {"seccomp": {"enabled": True}, **linux}})


def imported(
    source: Any,
    runtime: str = "runc",
    release: str = "1.5.1",
    *,
    wish: Wish = WISH,
    table: CompatTable | None = None,
) -> Imported:
    table = table or shipped().compat
    return import_features(source, runtime, parse_version(release), table, wish)


def support(table: CompatTable, feature: str, runtime: str, release: str, cri: str = "") -> str:
    version = parse_version(release)
    name, _, cri_version = cri.partition("=")
    given_cri = Cri(name=name, version=parse_version(cri_version)) if cri else None
    profile = RuntimeProfile(runtime=runtime, versions=(version,), cri=given_cri)
    rows = table.bind(profile, date(2026, 11, 26)).facts_about(Feature(feature))
    return str(next(row for row in rows if version in row.versions).support)


# Who printed it.


@pytest.mark.parametrize(
    ("source", "who"),
    [
        (sample(RUNC), PrintedBy(runtime="runc", version="1.1.5+ds1")),
        (sample(RUNSC), PrintedBy(runtime="gvisor")),
        (
            structure(top={"annotations": {"run.oci.crun.version": "1.24"}}),
            PrintedBy(runtime="crun", version="1.24"),
        ),
        (structure(), PrintedBy()),
    ],
)
def test_a_structure_says_who_printed_it_by_its_annotations(source: Any, who: PrintedBy) -> None:
    assert printed_by(source) == who


# Real output.


def test_debians_runc_says_nothing_that_the_table_does_not() -> None:
    result = imported(sample(RUNC), "runc", "1.1.5+ds1")

    assert (result.documents, result.left_out, result.same) == ((), (), 4)


def test_everything_of_debians_runc_reads_back_as_the_table_has_it() -> None:
    result = imported(sample(RUNC), "runc", "1.1.5+ds1", wish=EVERYTHING)
    over = overlaid(result)

    assert facts_of(result)["pod:seccompProfile"] == "full"
    for feature in facts_of(result):
        for cri in ("", "containerd=1.7.0", "containerd=2.1.0"):
            was = support(shipped().compat, feature, "runc", "1.1.5", cri)
            assert support(over, feature, "runc", "1.1.5", cri) == was


def test_a_runc_that_was_built_without_seccomp_starts_nothing_that_has_a_profile() -> None:
    # It prints no linux.seccomp at all.
    result = imported(sample("runc-1.5.0-rc.1-features.json"), "runc", "1.5.0-rc.1+dev")

    assert result.taken == ("pod:seccompProfile: errno, shipped: full",)
    assert result.same == 4
    assert support(overlaid(result), "pod:seccompProfile", "runc", "1.5.0-rc.1") == "errno"
    assert support(overlaid(result), "pod:seccompProfile", "runc", "1.5.0") == "full"


def test_what_runsc_recognises_overrules_nothing_that_was_measured() -> None:
    result = imported(sample(RUNSC), "gvisor", "20260905", wish=EVERYTHING)

    assert facts_of(result) == {"pod:recursiveReadOnly": "absent"}
    assert {entry.name: entry.reason for entry in result.left_out} == {
        "pod:seccompProfile": ("linux.seccomp says yes; the shipped row is more exact: ignored"),
        "pod:appArmorProfile": "linux.apparmor says no; the shipped row is more exact: ignored",
        "pod:seLinuxOptions": "linux.selinux says no; the shipped row is more exact: errno",
        "pod:hostUsers/false": (
            "linux.mountExtensions.idmap says yes; what a sandbox recognises need not work inside; "
            "shipped: unknown"
        ),
    }


# What it proves.


def test_youki_that_maps_no_mounts_is_not_offered_for_user_namespaces() -> None:
    # As youki-dev/youki@bc7872068:crates/youki/src/commands/features.rs says of itself.
    no_idmap = {"mountExtensions": {"idmap": {"enabled": False}}, "namespaces": ["user"]}

    result = imported(structure(**no_idmap, selinux={"enabled": False}), "youki", "0.7.0")

    assert facts_of(result) == {"pod:hostUsers/false": "absent"}
    [row] = result.documents[0]["spec"]["facts"]
    assert row["note"] == (
        "maps no mounts into user namespaces, so the CRI does not offer it and the kubelet "
        "rejects the pod"
    )
    assert [entry["kind"] for entry in row["evidence"]] == ["measured", "source"]


def test_a_backported_feature_counts_but_not_behind_a_cri_that_does_not_offer_it() -> None:
    result = imported(structure(**IDMAP), "runc", "1.1.5")
    over = overlaid(result)

    assert result.taken == ("pod:hostUsers/false: full, shipped: absent",)
    for cri, expected in (
        ("", "full"),
        ("containerd=1.7.0", "absent"),
        ("containerd=2.1.0", "full"),
    ):
        assert support(over, "pod:hostUsers/false", "runc", "1.1.5", cri) == expected


def test_user_namespaces_need_both_the_namespace_and_mapped_mounts() -> None:
    result = imported(structure(**{**IDMAP, "namespaces": ["pid"]}), table=EMPTY)

    assert facts_of(result)["pod:hostUsers/false"] == "absent"


@pytest.mark.parametrize(
    ("runtime", "linux", "expected"),
    [("runc", {"seccomp": {"enabled": False}}, "errno"),
     ("runc", {"seccomp": None}, "errno"),
     ("crun", {"seccomp": {"enabled": False}}, "ignored"),
     ("youki", {"seccomp": {"enabled": False}}, "absent")],
)  # fmt: skip
def test_what_becomes_of_a_profile_without_seccomp_differs_by_runtime(
    runtime: str, linux: Any, expected: str
) -> None:
    assert facts_of(imported(structure(**linux), runtime)) == {"pod:seccompProfile": expected}


def test_an_entry_that_is_missing_or_null_proves_nothing() -> None:
    result = imported(structure(seccomp=None, apparmor=None), "crun", table=EMPTY, wish=EVERYTHING)

    assert result.documents == ()


def test_mount_options_without_rro_prove_that_it_is_not_known() -> None:
    result = imported(structure(top={"mountOptions": ["ro"]}), "runc", "1.5.1")

    assert facts_of(result) == {"pod:recursiveReadOnly": "absent"}


def test_a_capability_that_is_not_known_cannot_be_granted() -> None:
    known = sample(RUNC).data["linux"]["capabilities"]
    result = imported(structure(capabilities=[c for c in known if c != "CAP_BPF"]))

    assert facts_of(result) == {"cap:BPF": "absent"}


def test_annotations_that_no_policy_guards_are_told() -> None:
    unsafe = ["run.oci.handler", "com.example.", "bundle", "dev.gvisor.flag."]
    result = imported(structure(top={"potentiallyUnsafeConfigAnnotations": unsafe}))

    [remark] = result.remarks
    assert remark == (
        "annotations com.example., bundle change what the runtime does and are refused by "
        "no policy: the CRI must not pass them"
    )


# What is no structure.


@pytest.mark.parametrize(
    ("linux", "said"),
    [
        (
            {"seccomp": {"enabled": "yes"}},
            "in.json:6: linux.seccomp.enabled: must be true or false, not 'yes'",
        ),
        ({"namespaces": "user"}, "in.json:8: linux.namespaces: must be a list, not 'user'"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_field(linux: Any, said: str) -> None:
    with pytest.raises(DocumentErrors) as raised:
        imported(structure(**linux))
    assert messages(raised.value) == [said]


def test_both_versions_of_the_specification_must_be_given() -> None:
    with pytest.raises(DocumentErrors) as raised:
        imported(given({"ociVersionMin": "1.0.0"}))
    assert messages(raised.value) == ["in.json:1: ociVersionMax: must be given"]
