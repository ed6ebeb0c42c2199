"""Which policy governs a namespace, which pods its overrides and exemptions are for."""

from datetime import date, timedelta

import pytest

from tests.build import (
    classes,
    container,
    exemption,
    override,
    pod,
    pod_view,
    pods,
    policy,
    rules,
)
from webhook.core.policy import LabelRequirement, LabelSelector, NamespaceSelector, PolicySet

TIER = LabelSelector(match_labels={"tier": "tenant"})


def governing(name: str, labels: dict[str, str], *policies: NamespaceSelector) -> str | None:
    """The name of the policy that governs a namespace; they are called p0, p1, …"""
    of = PolicySet(policy(f"p{i}", namespaces=selector) for i, selector in enumerate(policies))
    found = of.policy_for(name, labels)
    return found.name if found else None


@pytest.mark.parametrize(
    ("operator", "values", "labels", "holds"),
    [
        ("In", {"a", "b"}, {"k": "a"}, True),
        ("In", {"a", "b"}, {"k": "c"}, False),
        ("In", {"a"}, {}, False),
        ("NotIn", {"a"}, {"k": "a"}, False),
        ("NotIn", {"a"}, {"k": "b"}, True),
        ("NotIn", {"a"}, {}, True),
        ("Exists", set(), {"k": ""}, True),
        ("Exists", set(), {}, False),
        ("DoesNotExist", set(), {"k": ""}, False),
        ("DoesNotExist", set(), {}, True),
    ],
)
def test_match_expressions_mean_what_the_api_says(
    operator: str, values: set[str], labels: dict[str, str], holds: bool
) -> None:
    requirement = LabelRequirement(key="k", operator=operator, values=frozenset(values))
    assert requirement.matches(labels) is holds


def test_a_selector_demands_every_label_and_every_expression() -> None:
    selector = LabelSelector(
        match_labels={"a": "1"},
        match_expressions=(LabelRequirement(key="b", operator="Exists"),),
    )
    assert selector.matches({"a": "1", "b": "x"})
    assert not selector.matches({"a": "1"})
    assert not selector.matches({"a": "2", "b": "x"})


def test_a_selector_knows_the_labels_that_it_reads() -> None:
    selector = LabelSelector(
        match_labels={"a": "1"}, match_expressions=(LabelRequirement(key="b", operator="Exists"),)
    )
    assert selector.keys == {"a", "b"}


def test_a_namespace_is_selected_by_expressions_alone() -> None:
    tiered = LabelSelector(match_expressions=(LabelRequirement(key="tier", operator="Exists"),))
    asked = NamespaceSelector(selector=tiered)
    assert governing("tenant-a", {"tier": "tenant"}, asked) == "p0"
    assert governing("tenant-a", {}, asked) is None


def test_a_namespace_is_selected_by_glob() -> None:
    assert governing("tenant-a", {}, NamespaceSelector(names=("tenant-*",))) == "p0"


def test_a_name_that_no_glob_names_is_not_selected() -> None:
    assert governing("platform", {}, NamespaceSelector(names=("tenant-*",))) is None


def test_an_excluded_name_is_not_selected() -> None:
    selector = NamespaceSelector(names=("tenant-*",), exclude_names=("tenant-infra",))
    assert governing("tenant-infra", {}, selector) is None


def test_exclusions_alone_select_all_other_namespaces() -> None:
    assert governing("a", {}, NamespaceSelector(exclude_names=("b",))) == "p0"


def test_a_namespace_is_selected_by_label() -> None:
    assert governing("a", {"tier": "tenant"}, NamespaceSelector(selector=TIER)) == "p0"


def test_a_namespace_with_another_label_is_not_selected() -> None:
    assert governing("a", {"tier": "system"}, NamespaceSelector(selector=TIER)) is None


def test_name_and_label_must_both_hold() -> None:
    selector = NamespaceSelector(names=("tenant-a",), selector=TIER)
    assert governing("tenant-a", {}, selector) is None
    assert governing("tenant-a", {"tier": "tenant"}, selector) == "p0"


def test_the_name_is_a_label_that_nobody_can_forge() -> None:
    by_name = LabelSelector(match_labels={"kubernetes.io/metadata.name": "tenant-a"})
    forged = {"kubernetes.io/metadata.name": "tenant-a"}
    assert governing("tenant-a", {}, NamespaceSelector(selector=by_name)) == "p0"
    assert governing("tenant-b", forged, NamespaceSelector(selector=by_name)) is None


def test_the_highest_priority_governs() -> None:
    policies = PolicySet([policy("low", priority=1), policy("high", priority=2)])
    found = policies.policy_for("tenant-a", {})
    assert found is not None
    assert found.name == "high"


def test_of_equal_priorities_the_first_name_governs() -> None:
    policies = PolicySet([policy("b"), policy("a")])
    found = policies.policy_for("tenant-a", {})
    assert found is not None
    assert found.name == "a"


def test_every_matching_policy_is_named_the_governing_one_first() -> None:
    policies = PolicySet(
        [
            policy("exact", "tenant-a", priority=3),
            policy("elsewhere", "platform", priority=9),
            policy("glob", priority=2),
            policy("label", priority=7, namespaces=NamespaceSelector(selector=TIER)),
        ]
    )
    found = policies.matching("tenant-a", {"tier": "tenant"})
    assert [p.name for p in found] == ["label", "exact", "glob"]


def test_a_namespace_that_is_relabelled_is_governed_anew() -> None:
    policies = PolicySet([policy(namespaces=NamespaceSelector(selector=TIER))])
    assert policies.policy_for("a", {}) is None
    assert policies.policy_for("a", {"tier": "tenant"}) is not None
    assert policies.policy_for("a", {"tier": "tenant"}) is not None
    assert policies.policy_for("a", {}) is None


def test_more_namespaces_than_are_remembered_are_governed_all_the_same() -> None:
    policies = PolicySet([policy()])
    governed = [policies.policy_for(f"tenant-{i}", {}) is not None for i in range(20_000)]
    assert all(governed)


def test_labels_are_needed_where_a_policy_for_that_name_reads_them() -> None:
    selector = NamespaceSelector(names=("tenant-*",), selector=TIER)
    policies = PolicySet([policy(namespaces=selector)])
    assert policies.needs_namespace("tenant-a")
    assert not policies.needs_namespace("platform")


def test_labels_are_not_needed_for_the_label_that_is_the_name() -> None:
    by_name = LabelSelector(match_labels={"kubernetes.io/metadata.name": "tenant-a"})
    policies = PolicySet([policy(namespaces=NamespaceSelector(selector=by_name))])
    assert not policies.needs_namespace("tenant-a")


def test_a_namespace_is_needed_where_it_may_choose_the_default() -> None:
    governs = rules(classes("gvisor", namespace_default=True))
    assert PolicySet([policy(governs=governs)]).needs_namespace("tenant-a")


def test_a_namespace_is_needed_where_an_override_lets_it_choose() -> None:
    chosen = override(governs=rules(classes("gvisor", namespace_default=True)))
    assert PolicySet([policy(overrides=[chosen])]).needs_namespace("tenant-a")


def test_a_policy_by_name_alone_needs_no_namespace() -> None:
    assert not PolicySet([policy()]).needs_namespace("tenant-a")


POSTGRES = container("db", "postgres:18")
NGINX = container("web", "nginx")


def test_one_image_is_enough_for_an_override() -> None:
    assert pods("*/postgres").matches_some(pod_view(pod(containers=[NGINX, POSTGRES])))


def test_every_image_must_match_for_an_exemption() -> None:
    selector = pods("*/postgres")
    assert not selector.matches_all(pod_view(pod(containers=[NGINX, POSTGRES])))
    assert selector.matches_all(pod_view(pod(containers=[POSTGRES])))


def test_an_init_container_counts_among_the_images_of_an_exemption() -> None:
    obj = pod(containers=[POSTGRES], initContainers=[NGINX])
    assert not pods("*/postgres").matches_all(pod_view(obj))


def test_an_image_that_is_none_matches_no_pattern() -> None:
    obj = pod(containers=[container("x", "NOT AN IMAGE")])
    assert not pods("*").matches_some(pod_view(obj))
    assert not pods("*").matches_all(pod_view(obj))


def test_a_service_account_is_matched_by_glob() -> None:
    selector = pods(service_accounts=["db-*"])
    assert selector.matches_all(pod_view(pod(serviceAccountName="db-main")))
    assert not selector.matches_all(pod_view(pod(serviceAccountName="web")))


def test_a_pod_that_names_no_service_account_has_default() -> None:
    assert pods(service_accounts=["default"]).matches_all(pod_view())


def test_every_part_of_a_pod_selector_must_hold() -> None:
    selector = pods("*/postgres", service_accounts=["db"], labels={"app": "db"})
    whole = pod(containers=[POSTGRES], serviceAccountName="db", labels={"app": "db"})
    unlabelled = pod(containers=[POSTGRES], serviceAccountName="db")
    assert selector.matches_all(pod_view(whole))
    assert not selector.matches_all(pod_view(unlabelled))
    assert not selector.matches_some(pod_view(unlabelled))


def test_a_selector_without_parts_is_for_every_pod() -> None:
    assert pods().matches_all(pod_view())
    assert pods().matches_some(pod_view())


def test_the_first_override_that_matches_is_taken() -> None:
    first, second = override("first"), override("second")
    governs = policy(overrides=[override("other", of=pods("*/mysql")), first, second])
    assert governs.override_for(pod_view(pod(containers=[POSTGRES]))) == first


def test_a_pod_that_no_override_is_for_has_none() -> None:
    assert policy(overrides=[override()]).override_for(pod_view()) is None


def test_every_exemption_for_a_pod_is_found_in_order() -> None:
    a, b = exemption("a", of=pods()), exemption("b")
    found = policy(exemptions=[b, a]).exemptions_for(pod_view())
    assert found == (a,)


@pytest.mark.parametrize(("days", "expired"), [(-1, False), (0, False), (1, True)])
def test_an_exemption_counts_until_the_end_of_its_last_day(days: int, expired: bool) -> None:
    last = date(2027, 6, 30)
    assert exemption(expires=last).expired(last + timedelta(days=days)) is expired


def test_an_exemption_that_never_expires_never_does() -> None:
    assert not exemption(expires=None).expired(date.max)


@pytest.mark.parametrize(
    ("permitted", "runtime_class", "permits"),
    [
        ("runc", "runc", True),
        ("runc", "gvisor", False),
        ("run*", "runc", True),
        ("*", "anything", True),
        ("*", None, False),
        ("", None, True),
        ("", "runc", False),
        ("runc", None, False),
    ],
)
def test_an_exemption_permits_its_classes_and_none_only_when_it_says_so(
    permitted: str, runtime_class: str | None, permits: bool
) -> None:
    assert exemption("e", permitted).permits(runtime_class) is permits


def test_an_exemption_covers_its_features() -> None:
    covering = exemption(features=["pod:hostNetwork", "cap:*"])
    assert covering.covers("pod:hostNetwork")
    assert covering.covers("cap:NET_ADMIN")
    assert not covering.covers("pod:hostPID")


def test_allowed_classes_are_globs() -> None:
    allowed = classes("gvisor", "gvisor", "kata-*")
    assert allowed.allows("kata-qemu")
    assert not allowed.allows("runc")
    assert not allowed.allows("gvisor-2")
