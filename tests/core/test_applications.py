"""Which containers are which application, and which of its needs a container has."""

from typing import Any

import pytest

from tests.build import application, container, pod, pod_view
from webhook.core.applications import (
    Application,
    Catalogue,
    Clause,
    Need,
    Recognition,
    declared_needs,
)
from webhook.core.images import parse_image_pattern
from webhook.core.names import Feature, Strength
from webhook.core.versions import interval_set, parse_interval


def recognised(obj: dict[str, Any], *applications: Application) -> list[str]:
    """The names of the applications that the first container is."""
    view = pod_view(obj)
    return [a.name for a in Catalogue(applications).recognise(view.containers[0], view)]


def running(image: str, **fields: Any) -> dict[str, Any]:
    """A pod of one container."""
    return pod(containers=[container("db", image, **fields)])


@pytest.mark.parametrize(
    "image", ["postgres", "postgres:18", "quay.io/x/postgres", "reg.example.com:5000/postgres:1"]
)
def test_an_application_is_recognised_by_its_image(image: str) -> None:
    assert recognised(running(image), application()) == ["postgresql"]


@pytest.mark.parametrize(
    "image", ["postgres-exporter", "x/postgres/y", "mypostgres", "NOT ONE", ""]
)
def test_another_image_is_another_thing(image: str) -> None:
    assert recognised(running(image), application()) == []


def test_a_megabyte_of_image_is_none() -> None:
    assert recognised(running("a" * 1_000_000), application("all", "*")) == []


def test_an_excluded_image_is_not_recognised() -> None:
    found = Application(
        name="redis",
        title="redis",
        recognise=(
            Recognition(
                images=(parse_image_pattern("*/redis*"),),
                exclude_images=(parse_image_pattern("*/redis-exporter"),),
            ),
        ),
    )
    assert recognised(running("x/redis-server"), found) == ["redis"]
    assert recognised(running("x/redis-exporter"), found) == []


def test_an_application_is_found_once_however_many_ways_it_is_known() -> None:
    found = application("postgresql", "*/postgres", "docker.io/library/*")
    twice = Application(name="postgresql", title="", recognise=found.recognise * 2)
    assert recognised(running("postgres"), twice) == ["postgresql"]


def test_a_container_may_be_two_applications() -> None:
    both = recognised(running("postgres"), application("a"), application("b", "*/post*"))
    assert both == ["a", "b"]


def test_an_application_may_be_known_by_its_command_line_alone() -> None:
    by_words = Application(
        name="etcd", title="etcd", recognise=(Recognition(clause=Clause(words=("--etcd-*",))),)
    )
    assert recognised(running("x/y", args=["--etcd-servers=a"]), by_words) == ["etcd"]
    assert recognised(running("NOT ONE", args=["--etcd-servers=a"]), by_words) == ["etcd"]
    assert recognised(running("x/y", args=["--other"]), by_words) == []


@pytest.mark.parametrize(
    ("glob", "word", "names"),
    [
        ("pg?", "pg1", True),
        ("pg?", "pg", False),
        ("*/postgres", "/usr/bin/postgres", True),
        ("*/postgres", "postgres", False),
        ("*/pg*", "/usr/bin/pg_ctl", True),
        ("*/bin/postgres", "/usr/bin/postgres", True),
        ("*/bin/postgres", "/usr/lib/postgres", False),
    ],
)
def test_a_glob_of_words_names_whole_words(glob: str, word: str, names: bool) -> None:
    found = Application(name="x", title="x", recognise=(Recognition(clause=Clause(words=(glob,))),))
    for field in ("command", "args"):
        assert recognised(running("x/y", **{field: [word]}), found) == ["x"] * names


def test_an_application_may_be_known_by_its_environment_alone() -> None:
    found = Application(
        name="x", title="x", recognise=(Recognition(clause=Clause(env={"X_HOME": "/x*"})),)
    )
    for value, expected in (("/x/y", ["x"]), ("/y", [])):
        env = [{"name": "X_HOME", "value": value}]
        assert recognised(running("a/b", env=env), found) == expected


def test_an_application_may_be_known_by_labels_alone() -> None:
    labels = {"app": "x*", "part": "db"}
    found = Application(name="x", title="x", recognise=(Recognition(clause=Clause(labels=labels)),))
    for given, expected in (
        ({"app": "x1", "part": "db"}, ["x"]),
        ({"app": "x1"}, []),
        ({"app": "y", "part": "db"}, []),
    ):
        assert recognised(pod(labels=given), found) == expected


def test_patterns_with_and_without_stars_in_one_way_all_count() -> None:
    found = application("postgresql", "*/postgres", "*/pg*")
    for image in ("x/postgres", "x/pgvector"):
        assert recognised(running(image), found) == ["postgresql"]


def test_a_clause_looks_at_the_environment() -> None:
    found = application(clause=Clause(env={"MODE": "prod*"}))
    other = [{"name": "MODE", "value": "test"}]
    assert recognised(running("postgres", env=other), found) == []
    env = [{"name": "OTHER", "value": "x"}, {"name": "MODE", "value": "production"}]
    assert recognised(running("postgres", env=env), found) == ["postgresql"]
    assert recognised(running("postgres"), found) == []


def test_a_clause_looks_at_the_pods_labels() -> None:
    found = application(clause=Clause(labels={"cnpg.io/cluster": "*"}))
    assert recognised(running("postgres"), found) == []
    labelled = pod(containers=[container("db", "postgres")], labels={"cnpg.io/cluster": "main"})
    assert recognised(labelled, found) == ["postgresql"]


def test_a_long_word_is_matched_by_its_beginning() -> None:
    found = application(clause=Clause(words=("*end",)))
    assert recognised(running("postgres", args=["x" * 70_000 + "end"]), found) == []
    assert recognised(running("postgres", args=["x" * 60_000 + "end"]), found) == ["postgresql"]


def applies(need: Need, obj: dict[str, Any]) -> bool:
    """Whether the first container has the need."""
    view = pod_view(obj)
    return need.applies(view.containers[0], view)


def need(**fields: Any) -> Need:
    """A need of some feature."""
    return Need(feature=Feature("syscall:x"), strength=Strength.REQUIRED, **fields)


def test_an_unconditional_need_applies() -> None:
    assert applies(need(), running("postgres"))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("postgres:11", True),
        ("postgres:11.22-alpine", True),
        ("postgres:12", False),
        ("postgres", False),
        ("postgres:latest", False),
        ("NOT ONE", False),
    ],
)
def test_a_need_of_some_releases_applies_to_those_and_no_release_is_the_newest(
    image: str, expected: bool
) -> None:
    versions = interval_set([parse_interval("<12")])
    assert applies(need(versions=versions), running(image)) is expected


def test_a_need_may_apply_only_when_a_clause_holds() -> None:
    only = need(when=Clause(words=("--io_uring",)))
    assert applies(only, running("postgres", args=["--io_uring"]))
    assert not applies(only, running("postgres"))


def test_a_need_may_apply_unless_a_clause_holds() -> None:
    unless = need(unless=Clause(env={"NO_AIO": "1"}))
    assert applies(unless, running("postgres"))
    assert not applies(unless, running("postgres", env=[{"name": "NO_AIO", "value": "1"}]))


def declared(written: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the annotation declares: features, and what cannot be read."""
    found = declared_needs(pod_view(pod(annotations={"runtimegate.dev/needs": written})))  # type: ignore[dict-item]  # what a tenant may write
    return found.features, found.unreadable


def test_a_pod_declares_its_needs() -> None:
    assert declared("syscall:io_uring_setup, device:/dev/kvm") == (
        ("syscall:io_uring_setup", "device:/dev/kvm"),
        (),
    )


def test_a_pod_without_the_annotation_declares_nothing() -> None:
    found = declared_needs(pod_view())
    assert (found.features, found.unreadable) == ((), ())


def test_an_alias_is_declared_by_the_kernels_name() -> None:
    assert declared("syscall:pselect,syscall:pselect6")[0] == ("syscall:pselect6",)


@pytest.mark.parametrize("written", ["", ",", " , ,", None, 5, ["syscall:x"]])
def test_an_empty_or_odd_annotation_declares_nothing(written: object) -> None:
    assert declared(written) == ((), ())


def test_what_is_no_feature_is_returned_made_safe() -> None:
    assert declared('gvisor, \x1b[31m"x"') == ((), ("gvisor", '\\x1b[31m\\"x\\"'))


def test_a_megabyte_of_needs_is_read_as_far_as_the_bound() -> None:
    features, unreadable = declared("syscall:read," * 100_000 + "gvisor")
    assert features == ("syscall:read",)
    assert unreadable == ()


def test_at_most_sixty_four_entries_are_read() -> None:
    features, _ = declared(",".join(f"syscall:x{i}" for i in range(100)))
    assert len(features) == 64


def test_what_cannot_be_read_is_cut() -> None:
    assert declared("x" * 5000)[1] == ("x" * 59 + "…",)
