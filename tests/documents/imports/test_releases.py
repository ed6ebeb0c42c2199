"""One release as an interval: that release is in it, the next one is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.core.versions import parse_interval, parse_version
from webhook.documents.imports.releases import one_release, release_number


@pytest.mark.parametrize(
    ("written", "interval"),
    [
        ("20260817.0", ">=20260817.0 <20260817.1"),
        ("release-20240513.1", ">=20240513.1 <20240513.2"),
        ("v0.0.0-20260905035102-160fafc42237", ">=20260905.0 <20260905.1"),
        ("1.1.5+ds1", ">=1.1.5 <1.1.5.1"),
        ("4.1", ">=4.1.0 <4.1.0.1"),
        ("2.4.0-beta.0", ">=2.4.0-beta.0 <2.4.0-beta.1"),
        ("1.2.0-rc.3", ">=1.2.0-rc.3 <1.2.0-rc.4"),
        ("1.2.3.4.5.6", ">=1.2.3.4.5.6 <1.2.3.4.5.7"),
    ],
)
def test_the_interval_of_a_release(written: str, interval: str) -> None:
    assert one_release(parse_version(written)) == interval


numbers = st.lists(st.integers(0, 30), min_size=1, max_size=6).map(lambda n: ".".join(map(str, n)))
written = st.tuples(numbers, st.sampled_from(["", "-alpha.1", "-beta", "-rc.2"])).map("".join)


@given(written, written)
def test_a_release_is_in_its_interval_and_a_later_one_that_people_number_is_not(
    one: str, other: str
) -> None:
    release, later = sorted(map(parse_version, (one, other)))
    interval = parse_interval(one_release(release))
    assert release in interval
    assert parse_version(release_number(release)) == release
    beyond = later.key[0][: len(release.key[0])] != release.key[0]
    assert (later in interval) == (later == release) or not beyond
