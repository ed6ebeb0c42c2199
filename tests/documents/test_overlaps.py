import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.core.images import parse_image_pattern
from webhook.core.policy import LabelRequirement, LabelSelector, NamespaceSelector, PodSelector
from webhook.documents.overlaps import candidates, covers, shared_namespace, takes_all


def names(*globs: str, without: tuple[str, ...] = ()) -> NamespaceSelector:
    return NamespaceSelector(names=globs, exclude_names=without)


def labelled(**labels: str) -> NamespaceSelector:
    return NamespaceSelector(selector=LabelSelector(match_labels=labels))


def where(*expressions: LabelRequirement) -> NamespaceSelector:
    return NamespaceSelector(selector=LabelSelector(match_expressions=expressions))


def condition(operator: str, *values: str, key: str = "tier") -> LabelRequirement:
    return LabelRequirement(key=key, operator=operator, values=frozenset(values))


NAME = "kubernetes.io/metadata.name"


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (names("tenant-*"), names("tenant-a", "x"), "tenant-a"),
        (names("tenant-*"), names("platform-*"), None),
        (names("tenant-*"), names("tenant-*", without=("tenant-*",)), None),
        (names("a*", without=("aa",)), names("?a", "b"), None),
        (labelled(tier="a"), labelled(tier="b"), None),
        (labelled(tier="a"), labelled(team="b"), "a"),
        (labelled(tier="a"), names("x"), "x"),
        (labelled(tier="a"), where(condition("NotIn", "a", "b")), None),
        (labelled(tier="a"), where(condition("NotIn", "b")), "a"),
        (labelled(tier="a"), where(condition("In", "b", "a")), "a"),
        (labelled(tier="a"), where(condition("Exists")), "a"),
        (labelled(tier="a"), where(condition("DoesNotExist")), None),
        (where(condition("Exists")), where(condition("DoesNotExist")), None),
        (where(condition("NotIn", "a")), where(condition("DoesNotExist")), "a"),
        (where(condition("NotIn", "a")), where(condition("Exists")), "a"),
        (where(condition("In", "a", "b", key=NAME)), names("b", "c"), "b"),
        (where(condition("In", "a", key=NAME)), names("b"), None),
        (where(condition("NotIn", "b", key=NAME)), names("b"), None),
        (where(condition("Exists", key=NAME)), names("b"), "b"),
        (where(condition("DoesNotExist", key=NAME)), names("b"), None),
    ],
)
def test_a_namespace_that_two_policies_share_is_found(
    one: NamespaceSelector, other: NamespaceSelector, shared: str | None
) -> None:
    assert shared_namespace(one, other) == shared
    assert shared_namespace(other, one) == shared


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (names("tenant-*"), names("tenant-a", "tenant-b-*")),
        (names("a*", "b*"), names("a?", "b")),
        (names("*"), labelled(tier="a")),
        (labelled(tier="a"), NamespaceSelector(selector=LabelSelector(match_labels={"tier": "a"}))),
        (where(condition("Exists")), labelled(tier="a")),
        (where(condition("In", "a", "b")), labelled(tier="a", team="x")),
        (where(condition("NotIn", "b")), labelled(tier="a")),
        (where(condition("NotIn", "b")), where(condition("DoesNotExist"))),
        (names("*", without=("b",)), names("a")),
        (where(condition("In", "a", key=NAME)), names("a")),
    ],
)
def test_a_policy_that_covers_another_is_found(
    outer: NamespaceSelector, inner: NamespaceSelector
) -> None:
    assert covers(outer, inner)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (names("tenant-a"), names("tenant-*")),
        (names("*", without=("a",)), names("a", "b")),
        (labelled(tier="a"), names("tenant-a")),
        (labelled(tier="a", team="x"), labelled(tier="a")),
        (where(condition("DoesNotExist")), where(condition("NotIn", "a"))),
        (where(condition("In", "a", key=NAME)), names("a", "b")),
    ],
)
def test_a_policy_that_leaves_something_is_no_cover(
    outer: NamespaceSelector, inner: NamespaceSelector
) -> None:
    assert not covers(outer, inner)


def pods(
    *images: str, accounts: tuple[str, ...] = (), labels: dict[str, str] | None = None
) -> PodSelector:
    return PodSelector(
        images=tuple(parse_image_pattern(image) for image in images),
        service_accounts=accounts,
        selector=LabelSelector(match_labels=labels) if labels else None,
    )


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        (pods("*/postgres"), pods("postgres:16"), True),
        (pods("*/postgres"), pods("*/postgres", "redis"), False),
        (pods("*/postgres"), pods(accounts=("a",)), False),
        (pods(accounts=("db-*",)), pods("redis", accounts=("db-a",)), True),
        (pods(accounts=("db-*",)), pods("redis"), False),
        (pods(accounts=("db-*",)), pods(accounts=("d*",)), False),
        (pods(labels={"app": "db"}), pods("redis", labels={"app": "db", "x": "y"}), True),
        (pods(labels={"app": "db"}), pods("redis"), False),
    ],
)
def test_an_override_takes_another_where_every_pod_of_it_is_its_own(
    first: PodSelector, second: PodSelector, taken: bool
) -> None:
    assert takes_all(first, second) is taken


def test_only_policies_that_may_meet_are_looked_at() -> None:
    selectors = [
        names("tenant-a"),
        names("tenant-*"),
        names("platform", "tenant-b"),
        labelled(tier="a"),
        labelled(tier="b"),
    ]
    assert candidates(selectors) == [
        (0, 1), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4), (2, 3), (2, 4),
    ]  # fmt: skip


GLOBS = st.text(alphabet="ab*?", min_size=1, max_size=3)
SELECTORS = st.builds(
    NamespaceSelector,
    names=st.lists(GLOBS, max_size=2).map(tuple),
    exclude_names=st.lists(GLOBS, max_size=1).map(tuple),
    selector=st.none()
    | st.builds(
        LabelSelector,
        match_labels=st.dictionaries(st.sampled_from("xy"), st.sampled_from("ab"), max_size=2),
        match_expressions=st.lists(
            st.builds(
                LabelRequirement,
                key=st.sampled_from("xy"),
                operator=st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
                values=st.frozensets(st.sampled_from("abc"), min_size=1),
            ),
            max_size=2,
        ).map(tuple),
    ),
)
NAMES = st.text(alphabet="abc", min_size=1, max_size=4)
LABELS = st.dictionaries(st.sampled_from("xy"), st.sampled_from("abc"))


@given(SELECTORS, SELECTORS, NAMES, LABELS)
def test_what_is_said_of_two_selectors_holds_for_every_namespace(
    one: NamespaceSelector, other: NamespaceSelector, name: str, labels: dict[str, str]
) -> None:
    in_one, in_other = one.matches(name, labels), other.matches(name, labels)
    if in_one and in_other:
        assert shared_namespace(one, other) is not None
        assert candidates([one, other]) == [(0, 1)]
    if covers(one, other):
        assert in_one or not in_other
