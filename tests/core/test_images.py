"""Image references and patterns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.core.images import (
    ImagePatternError,
    ImageReference,
    glob_matches,
    parse_image,
    parse_image_pattern,
    tag_version,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("postgres", "docker.io/library/postgres"),
        ("postgres:16", "docker.io/library/postgres:16"),
        ("library/postgres", "docker.io/library/postgres"),
        ("docker.io/postgres", "docker.io/library/postgres"),
        ("index.docker.io/library/postgres", "docker.io/library/postgres"),
        ("bitnami/postgresql:16", "docker.io/bitnami/postgresql:16"),
        ("localhost/db", "localhost/db"),
        ("localhost:5000/db:1", "localhost:5000/db:1"),
        ("REGISTRY.example.com/db", "registry.example.com/db"),
        ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1"),
        (f"postgres@{DIGEST}", f"docker.io/library/postgres@{DIGEST}"),
        (f"quay.io:443/x/y:1@{DIGEST}", f"quay.io:443/x/y:1@{DIGEST}"),
        ("[::1]:5000/x", "[::1]:5000/x"),
    ],
)
def test_a_reference_is_normalised_as_the_runtimes_do(text: str, normalised: str) -> None:
    assert str(parse_image(text)) == normalised


@pytest.mark.parametrize(
    "text",
    [
        "", "Postgres", "a//b", "/a", "a/", "a:", ":1", "@", f"a@{DIGEST}x!", "a@sha256:short",
        "a b", "pоstgres", "postgres\n", "a:ta g", "a" * 600, "\x1b[31m", "https://x/y",
        "\u212a.io/y",
    ],
)  # fmt: skip
def test_nonsense_is_no_reference(text: str) -> None:
    assert parse_image(text) is None


@given(st.text(max_size=80))
def test_any_text_is_a_reference_that_reads_back_or_none(text: str) -> None:
    reference = parse_image(text)
    assert reference is None or parse_image(str(reference)) == reference


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("16", "16"),
        ("16.3-alpine", "16.3"),
        ("v1.26.0", "1.26.0"),
        ("8.0.35-1.el9", "8.0.35"),
        ("17beta2-bookworm", "17beta2"),
        ("2022-CU14-ubuntu-22.04", "2022"),
        ("latest", None),
        ("alpine", None),
        ("16x", None),
        ("1.2.3.4.5.6.7.8", None),
    ],
)
def test_a_tag_tells_the_release_it_begins_with(tag: str, version: str | None) -> None:
    found = tag_version(tag)
    assert (found and found.text) == version


def test_a_reference_without_a_tag_tells_no_release() -> None:
    reference = parse_image("postgres")
    assert reference is not None
    assert reference.version is None


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("postgres", "postgres:16"),
        ("postgres", "docker.io/library/postgres"),
        ("*/postgres", "postgres"),
        ("*/postgres", "mirror.example.com:5000/hub/library/postgres:16"),
        ("docker.io/bitnami/*", "bitnami/postgresql"),
        ("docker.io/*/postgres", "library/postgres"),
        ("quay.io/*", "quay.io/a/b/c"),
        ("*.example.com/db", "eu.example.com/db"),
        ("*/redis:7*", "redis:7.2"),
        ("localhost:5000/*", "localhost:5000/x"),
        ("mysql?server/x", "mysql-server/x"),
    ],
)
def test_a_pattern_matches_component_by_component(pattern: str, image: str) -> None:
    if pattern.startswith("mysql"):
        pattern, image = "docker.io/mysql?server/x", f"docker.io/{image}"
    assert parse_image_pattern(pattern).matches(_reference(image))


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("postgres", "postgres-exporter"),
        ("postgres", "evil.example.com/postgres"),
        ("*/postgres", "quay.io/prometheuscommunity/postgres-exporter"),
        ("*/postgres", "postgres/exporter"),
        ("docker.io/bitnami/*", "evil.example.com/docker.io/bitnami/x"),
        ("*.example.com/db", "a/b.example.com/db"),
        ("*/redis:7*", "redis:6"),
        ("*/redis:7*", f"redis@{DIGEST}"),
        ("quay.io/*", "quay.io.example.com/a"),
    ],
)
def test_a_pattern_never_matches_across_components(pattern: str, image: str) -> None:
    assert not parse_image_pattern(pattern).matches(_reference(image))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"postgres@{DIGEST}",
            (
                "must not hold a digest: name the repository, "
                'such as "postgres", "*/postgres", "docker.io/bitnami/*" or "*/redis:7*"'
            ),
        ),
        (
            "Postgres",
            (
                'must be an image pattern such as "postgres", "*/postgres", "docker.io/bitnami/*" '
                "or \"*/redis:7*\", not 'Postgres'"
            ),
        ),
        (
            "a//b",
            (
                'must be an image pattern such as "postgres", "*/postgres", "docker.io/bitnami/*" '
                "or \"*/redis:7*\", not 'a//b'"
            ),
        ),
        ("postgres:", "must not end in ':': 'postgres:'"),
    ],
)
def test_what_is_no_pattern_is_refused_with_examples(text: str, message: str) -> None:
    with pytest.raises(ImagePatternError) as caught:
        parse_image_pattern(text)
    assert str(caught.value) == message


def test_only_star_and_question_mark_are_special_in_a_glob() -> None:
    assert glob_matches("a*c?e", "abbcde")
    assert not glob_matches("a[b]c", "abc")
    assert glob_matches("a[b]*", "a[b]c")


def test_a_glob_of_many_stars_does_not_backtrack() -> None:
    assert not glob_matches("*a" * 40 + "!", "a" * 5_000)


def _reference(text: str) -> ImageReference:
    reference = parse_image(text)
    assert reference is not None
    return reference
