from tests.build import TODAY, application, fact, profile, table
from webhook.core.comparison import Change, Direction, Turn, changes, history, rows_of
from webhook.core.compat import Conditions, Fact, Gate
from webhook.core.names import Strength, Support
from webhook.core.runtimes import RuntimeProfile
from webhook.core.versions import parse_version

OLD, NEW = profile("gvisor", "20181030"), profile("gvisor", "20260817.0")
RUNC = profile("runc", "1.3.0")
GKE = Conditions(vendor="gke")


def features(*facts: Fact, version: str | None = None) -> list[str]:
    """The feature and note of gVisor's rows in force."""
    known = parse_version(version) if version else None
    return [f"{f.feature} {f.note}".strip() for f in rows_of(table(*facts), "gvisor", known)]


def test_rows_are_in_the_order_of_namespaces_with_the_rule_for_all_first() -> None:
    rows = [fact(f) for f in ("pod:hostPID", "syscall:b", "syscall:a", "syscall:*", "other:x")]
    assert features(*rows) == ["syscall:*", "syscall:a", "syscall:b", "pod:hostPID", "other:x"]


def test_rows_of_one_feature_are_in_the_order_of_releases_then_of_conditions() -> None:
    rows = [
        fact("syscall:a", Support.FULL, note="gke", when=GKE),
        fact("syscall:a", Support.FULL, ">=20200101", note="new"),
        fact("syscall:a", Support.ABSENT, "<20200101", note="old"),
        fact("syscall:a", Support.ABSENT, note="ours", overlay=True),
    ]
    assert features(*rows) == [
        "syscall:a ours",
        "syscall:a old",
        "syscall:a new",
        "syscall:a gke",
    ]


def test_rows_of_other_runtimes_and_releases_are_not_in_force() -> None:
    rows = [
        fact("syscall:a", runtime="kata"),
        fact("syscall:b", Support.ABSENT, "<20200101"),
        fact("syscall:c"),
    ]
    assert features(*rows, version="20260817.0") == ["syscall:c"]


def test_an_overlay_under_all_conditions_silences_the_shipped_rows_of_its_feature() -> None:
    shipped = [fact("syscall:a", note="shipped"), fact("syscall:a", note="gke", when=GKE)]
    ours = fact("syscall:a", note="ours", overlay=True)
    assert features(*shipped, ours, version="20260817.0") == ["syscall:a ours"]


def test_an_overlay_under_conditions_stands_beside_the_shipped_rows() -> None:
    ours = fact("syscall:a", note="ours", overlay=True, when=GKE)
    assert len(features(fact("syscall:a"), ours, version="20260817.0")) == 2


def compared(
    *facts: Fact, before: RuntimeProfile = OLD, after: RuntimeProfile = NEW, needs: str = ""
) -> list[tuple[str, Direction]]:
    """Each change and its direction."""
    app = application(needs=[(needs, Strength.REQUIRED)] if needs else [])
    known = table(*facts, applications=[app])
    found = changes(known, known.bind(before, TODAY), known.bind(after, TODAY))
    return [(change.feature, change.direction) for change in found]


def turning(before: Support, after: Support) -> list[Fact]:
    """Rows of a feature that became something else in 2020."""
    return [fact("syscall:a", before, "<20200101"), fact("syscall:a", after, ">=20200101")]


def test_what_became_supported_is_better() -> None:
    assert compared(*turning(Support.ABSENT, Support.FULL)) == [("syscall:a", Direction.BETTER)]


def test_what_lost_its_support_is_worse() -> None:
    assert compared(*turning(Support.FULL, Support.PARTIAL)) == [("syscall:a", Direction.WORSE)]


def test_what_is_as_bad_in_another_way_is_different() -> None:
    both = turning(Support.ABSENT, Support.ERRNO)
    assert compared(*both) == [("syscall:a", Direction.DIFFERENT)]


def test_what_stays_is_no_change() -> None:
    assert compared(fact("syscall:a")) == []


def test_another_note_is_a_change_between_releases_but_not_between_runtimes() -> None:
    slower = [
        fact("perf:x", Support.PARTIAL, "<20200101", note="200 times"),
        fact("perf:x", Support.PARTIAL, ">=20200101", note="4 times"),
        fact("perf:x", Support.PARTIAL, runtime="runc", note="twice"),
    ]
    assert compared(*slower) == [("perf:x", Direction.DIFFERENT)]
    assert compared(*slower, after=RUNC) == []


def test_another_flag_is_a_change() -> None:
    gates = [Gate(flag=flag, values=("true",), support=Support.FULL) for flag in ("a", "b")]
    rows = [
        fact("syscall:a", Support.GATED, "<20200101", gate=gates[0]),
        fact("syscall:a", Support.GATED, ">=20200101", gate=gates[1]),
    ]
    assert compared(*rows) == [("syscall:a", Direction.DIFFERENT)]


def test_what_an_application_needs_is_compared_even_where_only_a_rule_speaks_of_it() -> None:
    rows = [fact("syscall:*"), fact("syscall:*", Support.FULL, runtime="runc")]
    assert compared(*rows, after=RUNC, needs="syscall:a") == [
        ("syscall:*", Direction.BETTER),
        ("syscall:a", Direction.BETTER),
    ]


def test_a_rule_that_only_one_side_has_is_no_change() -> None:
    assert compared(fact("ioctl:*", Support.FULL, runtime="runc"), after=RUNC) == []


def test_an_operation_that_follows_its_call_is_told_once() -> None:
    rows = turning(Support.ABSENT, Support.FULL)
    assert compared(*rows, needs="syscall:a/X") == [("syscall:a", Direction.BETTER)]


def test_an_operation_with_a_row_of_its_own_is_told_too() -> None:
    rows = [*turning(Support.ABSENT, Support.FULL), fact("syscall:a/X", Support.ERRNO)]
    assert compared(*rows) == [("syscall:a", Direction.BETTER)]
    later = [
        *turning(Support.ABSENT, Support.FULL),
        fact("syscall:a/X", Support.ERRNO, ">=20200101"),
    ]
    assert [feature for feature, _ in compared(*later)] == ["syscall:a", "syscall:a/X"]


def test_history_is_told_newest_first_by_feature() -> None:
    rows = [
        fact("syscall:b", Support.ABSENT, "<20200101"),
        fact("syscall:b", Support.FULL, ">=20200101 <20210101"),
        fact("syscall:b", Support.STUB, ">=20210101"),
        *turning(Support.ABSENT, Support.FULL),
    ]
    assert [str(t.release) + " " + t.feature for t in history(rows)] == [
        "20210101 syscall:b",
        "20200101 syscall:a",
        "20200101 syscall:b",
    ]
    assert history(rows)[0] == Turn(
        release=parse_version("20210101"),
        feature="syscall:b",
        before=Support.FULL,
        after=Support.STUB,
    )


def test_history_leaves_out_what_has_conditions_gaps_or_the_same_support() -> None:
    rows = [
        fact("syscall:a", Support.ABSENT, "<20200101", when=GKE),
        fact("syscall:a", Support.FULL, ">=20200101", when=GKE),
        fact("syscall:b", Support.ABSENT, "<20200101"),
        fact("syscall:b", Support.FULL, ">=20210101"),
        fact("syscall:c", Support.FULL, "<20200101"),
        fact("syscall:c", Support.FULL, ">=20200101"),
    ]
    assert history(rows) == ()


def test_a_change_knows_both_answers() -> None:
    known = table(*turning(Support.ABSENT, Support.FULL))
    (change,) = changes(known, known.bind(OLD, TODAY), known.bind(NEW, TODAY))
    assert isinstance(change, Change)
    assert (change.before.support, change.after.support) == (Support.ABSENT, Support.FULL)
