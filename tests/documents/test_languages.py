import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.core.images import glob_matches, parse_image, parse_image_pattern
from webhook.documents import languages
from webhook.documents.languages import DnsLabels, example, globs, images

DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("tenant-*", "*-prod", "tenant-prod"),
        ("tenant-*", "tenant-?", "tenant-a"),
        ("tenant-a", "tenant-b", None),
        ("a?c", "ab*", "abc"),
        ("*a*b*", "*b*a*", "aba"),
        ("*", "*", "a"),
        ("-a", "*", None),
        ("a" * 63, "*", "a" * 63),
        ("a" * 63 + "*", "*b", None),
    ],
)
def test_a_namespace_that_two_globs_share_is_found(
    one: str, other: str, shared: str | None
) -> None:
    assert example([globs([one]), globs([other]), DnsLabels()]) == shared


def test_a_text_of_none_of_the_unwanted_is_found() -> None:
    assert example([globs(["a?"])], [globs(["aa", "a-"]), globs(["ab"])]) == "ac"
    assert example([globs(["tenant-a*"])], [globs(["tenant-*"])]) is None


def test_a_search_that_is_given_up_finds_something_so_that_none_is_a_proof(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(languages, "_MOST_STATES", 3)
    assert example([globs(["aaaaaaaa"])], [globs(["aaaaaaaa"])]) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgres", "*/postgres"),
        ("docker.io/bitnami/redis", "docker.io/bitnami/*"),
        ("*/redis:7*", "*/redis"),
        ("*/a/b", "*"),
        ("quay.io/*/x?", "*/x*"),
        ("registry:5000/a:1", "*/a:1"),
    ],
)
def test_a_pattern_that_another_includes_has_no_image_of_its_own(one: str, other: str) -> None:
    narrow, wide = parse_image_pattern(one), parse_image_pattern(other)
    assert example([images([narrow])], [images([wide])]) is None
    assert example([images([wide])], [images([narrow])]) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("*/postgres", "docker.io/*"),
        ("*/postgres-exporter", "*/postgres"),
        ("*/redis", "*/redis:7*"),
        ("*/redis:6*", "*/redis:7*"),
        ("docker.io/a/b", "docker.io/a*"),
    ],
)
def test_a_pattern_that_another_does_not_include_has_one(one: str, other: str) -> None:
    narrow, wide = parse_image_pattern(one), parse_image_pattern(other)
    assert example([images([narrow])], [images([wide])]) is not None


GLOBS = st.text(alphabet="ab*?-", min_size=1, max_size=6)


@given(GLOBS, GLOBS, GLOBS)
def test_what_is_found_is_what_the_globs_match(one: str, other: str, not_this: str) -> None:
    found = example([globs([one]), globs([other])], [globs([not_this])])
    if found is not None:
        assert glob_matches(one, found)
        assert glob_matches(other, found)
        assert not glob_matches(not_this, found)


@given(GLOBS, GLOBS, st.text(alphabet="ab-c", max_size=8))
def test_where_nothing_is_found_no_text_is_matched(one: str, other: str, text: str) -> None:
    if example([globs([one]), globs([other])]) is None:
        assert not (glob_matches(one, text) and glob_matches(other, text))


@given(GLOBS)
def test_what_is_found_among_dns_labels_is_one(glob: str) -> None:
    found = example([globs([glob]), DnsLabels()])
    assert found is None or DNS_LABEL.fullmatch(found)


PATTERNS = st.sampled_from(
    ["postgres", "*/postgres", "*", "docker.io/*", "quay.io/*/pg?", "*/a*/postgres:1*", "*/x:?"]
)
REFERENCES = st.sampled_from(
    ["postgres", "postgres:16", "quay.io/a/pg1", "quay.io/pg1", "quay.io/ab/postgres:1.2", "x:1"]
)


@given(PATTERNS, PATTERNS, REFERENCES)
def test_no_image_escapes_a_pattern_that_includes_its_own(one: str, other: str, image: str) -> None:
    narrow, wide = parse_image_pattern(one), parse_image_pattern(other)
    reference = parse_image(image)
    assert reference is not None
    if example([images([narrow])], [images([wide])]) is None and narrow.matches(reference):
        assert wide.matches(reference)
