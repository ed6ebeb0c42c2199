from dataclasses import replace
from typing import Any

from tests.build import container, pod, pod_view
from tests.build import policy as built_policy
from tests.core.test_isolation import CLASSES, STRICT
from tests.core.test_survey import SNAPSHOT, made, running
from webhook.core.cluster import ClusterView
from webhook.core.decision import CREATE, Deny, decide
from webhook.core.drafting import Draft, DraftOverride, DraftPolicy, Ruling, draft, inevitable
from webhook.core.isolation import ladder
from webhook.core.names import Verdict
from webhook.core.policy import PolicySet, Rules, RuntimeClasses
from webhook.core.survey import Survey

LADDER = ladder(CLASSES, SNAPSHOT, STRICT)[0]
PRIVILEGED: dict[str, Any] = {"securityContext": {"privileged": True}}


def drafted(*objects: dict[str, Any], namespace: str = "team", whole: bool = True) -> Draft:
    survey = Survey(ladder=LADDER)
    for obj in objects:
        survey.add(obj, namespace)
    return draft(survey.workloads(), LADDER, whole=whole)


def policy(*objects: dict[str, Any]) -> DraftPolicy:
    (found,) = drafted(*objects).policies
    return found


def only(*objects: dict[str, Any]) -> DraftOverride:
    (override,) = policy(*objects).overrides
    return override


def test_what_suits_the_strongest_class_needs_no_override() -> None:
    found = policy(made("Deployment", "web"))
    assert (found.default, found.overrides) == (0, ())


def test_the_default_is_the_strongest_class_that_something_here_can_run_on() -> None:
    spec = pod(containers=[container(**PRIVILEGED)])["spec"]
    assert policy(made("Deployment", "a", template=spec)).default == 1


def test_a_namespace_that_nothing_isolates_has_the_strongest_default_all_the_same() -> None:
    agent = pod(hostNetwork=True, serviceAccountName="agent")["spec"]
    found = policy(made("DaemonSet", "agent", template=agent))
    assert (found.default, len(found.overrides)) == (0, 1)
    assert found.overrides[0].ruling == Ruling(default=2)


def test_an_override_goes_by_service_account_and_image() -> None:
    agent = pod(containers=[container(image="quay.io/x/agent:1@sha256:" + "0" * 64)],
                hostNetwork=True, serviceAccountName="agent")["spec"]  # fmt: skip
    selector = only(made("DaemonSet", "agent", template=agent)).selector
    assert (selector.service_accounts, selector.images) == (("agent",), ("quay.io/x/agent",))
    assert selector.labels == ()


def test_what_is_not_isolated_is_not_chosen_by_its_image_alone() -> None:
    labels = {"app": "agent", "pod-template-hash": "5d"}
    selector = only(running("agent", labels=labels, hostNetwork=True)).selector
    assert selector.labels == (("app", "agent"),)
    assert selector.images == ("docker.io/library/nginx",)


def test_labels_tell_apart_what_service_account_and_image_do_not() -> None:
    found = policy(
        running("web", labels={"app": "web"}),
        running("db", labels={"app": "db"}, containers=[container(**PRIVILEGED)]),
    )
    (override,) = found.overrides
    assert override.selector.labels == (("app", "db"),)
    assert [m.workload.key.name for m in override.members] == ["db"]


def test_of_many_labels_those_that_name_an_application_are_taken() -> None:
    labels = {"tier": "app", "app.kubernetes.io/name": "agent", "team": "name"}
    selector = only(running("agent", labels=labels, hostNetwork=True)).selector
    assert selector.labels == (("app.kubernetes.io/name", "agent"),)


def test_where_no_label_names_an_application_all_are_taken() -> None:
    labels = {"team": "storage", "tier": "back"}
    selector = only(running("agent", labels=labels, hostNetwork=True)).selector
    assert selector.labels == (("team", "storage"), ("tier", "back"))


def test_what_nothing_tells_apart_gets_each_its_own_by_falling_back() -> None:
    override = only(running("web"), running("db", containers=[container(**PRIVILEGED)]))
    assert (override.ruling.default, override.ruling.fallback) == (0, (1,))
    assert [(m.workload.key.name, m.meant) for m in override.members] == [
        ("db", True), ("web", False),
    ]  # fmt: skip


def test_what_nothing_tells_from_what_has_no_class_loses_its_own() -> None:
    on = ladder(CLASSES, replace(SNAPSHOT, cluster=ClusterView(runtime_classes={})), STRICT)[0]
    assert on.steps[2].runtime_class is None
    survey = Survey(ladder=on)
    for obj in (running("web"), running("agent", hostNetwork=True)):
        survey.add(obj, "team")
    (override,) = draft(survey.workloads(), on, whole=True).policies[0].overrides
    assert (override.ruling.default, override.ruling.fallback) == (2, ())


def test_a_class_that_pods_name_may_go_on() -> None:
    asked = running("gpu", runtimeClassName="nvidia")
    override = only(asked)
    assert override.ruling == Ruling(default=0, also=("nvidia",))
    assert drafted(asked).asked == ("nvidia",)


def test_a_class_that_isolates_may_be_named_without_an_override() -> None:
    assert policy(running("db", runtimeClassName="kata-qemu")).overrides == ()


def test_a_class_that_a_pod_names_and_that_would_refuse_it_lets_it_pass() -> None:
    override = only(running("db", runtimeClassName="gvisor", hostNetwork=True))
    assert override.ruling.passed == {Verdict.INCOMPATIBLE}


def test_annotations_that_reconfigure_the_sandbox_are_allowed_by_their_names() -> None:
    noted = running("web")
    noted["metadata"]["annotations"] = {"dev.gvisor.spec.mount.x.type": "tmpfs", "other": "y"}
    assert only(noted).ruling.annotations == ("dev.gvisor.spec.mount.x.type",)


def test_overrides_that_isolate_for_one_reason_are_one() -> None:
    def database(name: str) -> dict[str, Any]:
        containers = [container(image=f"registry.example/{name}:1", **PRIVILEGED)]
        return made("StatefulSet", name, template=pod(
            containers=containers, serviceAccountName=name)["spec"])  # fmt: skip

    override = only(made("Deployment", "web"), database("a"), database("b"))
    assert override.selector.service_accounts == ("a", "b")
    assert override.selector.images == ("registry.example/a", "registry.example/b")


def test_overrides_that_do_not_isolate_stay_apart() -> None:
    def agent(name: str) -> dict[str, Any]:
        return made("DaemonSet", name, template=pod(
            hostNetwork=True, serviceAccountName=name)["spec"])  # fmt: skip

    assert len(policy(agent("a"), agent("b")).overrides) == 2


def test_namespaces_that_need_the_same_share_a_policy() -> None:
    survey = Survey(ladder=LADDER)
    for namespace in ("b", "a", "c"):
        survey.add(pod(), namespace)
    (found,) = draft(survey.workloads(), LADDER, whole=True).policies
    assert (found.name, found.namespaces, found.workloads) == ("a", ("a", "b", "c"), 3)


def test_names_that_tenants_choose_never_become_globs() -> None:
    hostile = running("*", serviceAccountName="*", labels={"app": "*"}, hostNetwork=True)
    selector = only(hostile).selector
    assert selector.service_accounts == ()
    assert selector.images == ("docker.io/library/nginx",)
    assert selector.labels == ()
    assert drafted(hostile, namespace="*").policies == ()


def test_a_class_that_is_no_name_is_refused_whatever_a_policy_says() -> None:
    assert drafted(running("x", runtimeClassName="kata-*")).asked == ()
    view = pod_view(pod(runtimeClassName="kata-*"))
    classes = RuntimeClasses(default="gvisor", allowed=("gvisor",))
    governing = built_policy(governs=Rules(runtime_classes=classes))
    decision = decide(view, CREATE, replace(SNAPSHOT, policies=PolicySet([governing])))
    assert isinstance(decision, Deny)
    assert inevitable(view, decision)


def test_what_names_a_class_that_isolates_makes_no_override_narrower() -> None:
    labels = {"app": "db"}
    override = only(
        running("web", containers=[container(image="web")]),
        running("a", labels=labels, containers=[container(**PRIVILEGED)]),
        running("b", labels=labels, runtimeClassName="kata-qemu"),
    )
    assert override.selector.labels == ()
