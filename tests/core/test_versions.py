"""Releases and sets of releases."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.core.versions import (
    ALL_VERSIONS,
    VersionError,
    interval_set,
    parse_interval,
    parse_version,
)


@pytest.mark.parametrize(
    "text",
    [
        "20240729.0",
        "20240729",
        "release-20240729.0",
        "0.0~20240729.0",
        "v0.0.0-20240729035102-160fafc42237",
        "0.0.0-20240729",
        "20240729.0-1~bpo12",
    ],
)
def test_every_spelling_of_a_gvisor_release_is_one_release(text: str) -> None:
    assert parse_version(text) == parse_version("20240729.0")


@pytest.mark.parametrize("text", ["4.1", "4.1.0", "v4.1.0", "4.1.0+k3s1", "4.1.0-k3s1"])
def test_every_spelling_of_a_dotted_release_is_one_release(text: str) -> None:
    assert parse_version(text) == parse_version("4.1.0")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("20240729.0", "20240729.1"),
        ("20181030", "20181108"),
        ("2.4.0-beta.0", "2.4.0"),
        ("2.4.0-alpha1", "2.4.0-beta.0"),
        ("2.4.0-rc.1", "2.4.0-rc.2"),
        ("2.9.0", "2.10.0"),
        ("1.1.5+ds1", "1.1.6"),
    ],
)
def test_releases_are_ordered_by_number(earlier: str, later: str) -> None:
    assert parse_version(earlier) < parse_version(later)


def test_a_dated_release_tells_its_day_and_a_dotted_one_none() -> None:
    assert parse_version("release-20181108.0").date == "2018-11-08"
    assert parse_version("4.1.0").date is None


@pytest.mark.parametrize(
    "text",
    ["", "latest", "1.", "a.b", "20240729.x", "1" * 65, "1.0+" + "x" * 61, "1.2.3.4.5.6.7"],
)
def test_what_is_no_version_is_refused_with_examples(text: str) -> None:
    with pytest.raises(VersionError) as caught:
        parse_version(text)
    assert str(caught.value) == (
        f"must be a version such as 20260817.0, 4.1.0 or 2.4.0-beta.0, not {text[:64]!r}"
    )


def test_an_interval_is_closed_at_its_start_and_open_at_its_end() -> None:
    window = parse_interval(">=20220913.0 <20230118.0")
    inside = [parse_version(v) in window for v in ("20220912.0", "20220913.0", "20230118.0")]
    assert inside == [False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'must be like ">=A <B", ">=A", "<B" or "*", not empty'),
        ("=1.0", 'must be like ">=A <B", ">=A", "<B" or "*", not \'=1.0\''),
        (">=1 >=2", 'must be like ">=A <B", ">=A", "<B" or "*", not \'>=1 >=2\''),
        (">=2 <1", "holds no release: '>=2 <1' ends where it starts or before"),
        (">=1 <1.0", "holds no release: '>=1 <1.0' ends where it starts or before"),
    ],
)
def test_what_is_no_interval_is_refused(text: str, message: str) -> None:
    with pytest.raises(VersionError) as caught:
        parse_interval(text)
    assert str(caught.value) == message


def test_support_can_come_and_go_and_come_back() -> None:
    releases = interval_set([parse_interval(">=3"), parse_interval(">=1 <2")])
    assert [parse_version(v) in releases for v in ("0.9", "1", "2", "2.9", "3")] == [
        False, True, False, False, True,
    ]  # fmt: skip
    assert str(releases) == ">=1 <2, >=3"
    assert [str(v) for v in releases.boundaries()] == ["1", "2", "3"]


def test_intervals_that_overlap_are_refused() -> None:
    with pytest.raises(VersionError, match=re.escape(">=1 <3 and >=2 overlap")):
        interval_set([parse_interval(">=2"), parse_interval(">=1 <3")])


def test_intervals_that_overlap_are_refused_whatever_stands_between() -> None:
    with pytest.raises(VersionError, match=re.escape("<10 and >=1 <2 overlap")):
        interval_set([parse_interval(t) for t in (">=1 <2", ">=20", "<10")])


def test_sets_overlap_where_some_release_could_be_in_both() -> None:
    early, late = (interval_set([parse_interval(t)]) for t in ("<2", ">=2"))
    assert not early.overlaps(late)
    assert not late.overlaps(early)
    assert ALL_VERSIONS.overlaps(early)
    assert str(ALL_VERSIONS) == "*"


@given(st.text(max_size=80))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    with suppress(VersionError):
        assert parse_version(text) == parse_version(text)


def test_a_star_is_every_release() -> None:
    assert interval_set([parse_interval(" * ")]) == ALL_VERSIONS
