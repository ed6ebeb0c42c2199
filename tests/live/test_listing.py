from typing import Any

from tests.live.script import Script
from webhook.core.workload import WorkloadKind
from webhook.live.kube import ApiError, GoneError, Page
from webhook.live.listing import ListedKind, Listing, Missing

DEPLOYMENTS = ListedKind(group="apps", version="v1", kind="Deployment", resource="deployments")
PODS = ListedKind(group="", version="v1", kind="Pod", resource="pods")
ROLLOUT = WorkloadKind(group="argoproj.io", kind="Rollout")


def page(*names: str, resume: str = "", remaining: int | None = None) -> Page:
    items = tuple({"metadata": {"name": name, "namespace": "a"}} for name in names)
    return Page(items=items, resource_version="7", resume=resume, remaining=remaining)


def names(listing: Listing, kind: ListedKind = PODS) -> list[str]:
    return [obj["metadata"]["name"] for obj in listing.objects(kind)]


def forbidden(path: str) -> ApiError:
    return ApiError(f"{path}: HTTP 403: pods is forbidden", status=403)


def test_every_page_is_read_and_each_object_says_what_it_is() -> None:
    listing = Listing(api=Script(lists=[page("a", resume="x"), page("b")]))
    found = list(listing.objects(DEPLOYMENTS))
    assert [obj["metadata"]["name"] for obj in found] == ["a", "b"]
    assert {(obj["apiVersion"], obj["kind"]) for obj in found} == {("apps/v1", "Deployment")}
    assert listing.missing == []


def test_how_many_there_will_be_is_told_from_the_first_page_on() -> None:
    listing = Listing(api=Script(lists=[page("a", resume="x", remaining=1), page("b")]))
    assert [listing.expected for _ in listing.objects(PODS)] == [2, 2]


def test_a_list_that_outlives_the_servers_memory_goes_on_with_the_rest_as_it_is_by_then() -> None:
    gone = GoneError("expired", status=410, resume="y")
    script = Script(lists=[page("a", resume="x"), gone, page("b")])
    assert names(Listing(api=script)) == ["a", "b"]
    assert script.calls == ["list", "list x", "list y"]


def test_a_list_that_cannot_go_on_is_told_as_missing_and_what_was_read_stays() -> None:
    listing = Listing(api=Script(lists=[page("a", resume="x"), GoneError("expired", status=410)]))
    assert names(listing) == ["a"]
    assert str(listing.missing[0]) == "pods: expired"


def test_a_list_that_is_sent_back_to_where_it_was_ends() -> None:
    gone = GoneError("expired", status=410, resume="x")
    listing = Listing(api=Script(lists=[page("a", resume="x"), gone]))
    assert names(listing) == ["a"]
    assert str(listing.missing[0]) == "pods: expired"


def test_how_many_there_will_be_is_forgotten_with_the_next_kind() -> None:
    listing = Listing(api=Script(lists=[page("a", remaining=0), page("b")]))
    assert [listing.expected for _ in listing.objects(PODS)] == [1]
    assert [listing.expected for _ in listing.objects(DEPLOYMENTS)] == [None]


def test_what_may_not_be_listed_is_told_with_its_namespace_and_the_next_is_read() -> None:
    script = Script(lists=[forbidden("/api/v1/namespaces/a/pods"), page("b")])
    listing = Listing(api=script, namespaces=("a", "b"))
    assert names(listing) == ["b"]
    (missing,) = listing.missing
    assert missing.what == "pods in namespace a"
    assert "forbidden" in missing.why


def test_facts_that_may_not_be_listed_are_not_known() -> None:
    script = Script(lists=[forbidden("classes"), forbidden("nodes"), page("a")])
    listing = Listing(api=script)
    view = listing.cluster_view()
    assert view.runtime_classes is None
    assert view.nodes is None
    assert list(view.namespaces) == ["a"]
    assert [missing.what for missing in listing.missing] == ["runtimeclasses", "nodes"]


def test_of_single_namespaces_only_those_are_asked_for() -> None:
    script = Script(lists=[page(), page()])
    script.objects["/api/v1/namespaces/a"] = {"metadata": {"name": "a", "labels": {"t": "1"}}}
    listing = Listing(api=script, namespaces=("a", "b"))
    assert {name: v.labels for name, v in listing.cluster_view().namespaces.items()} == {
        "a": {"t": "1"}
    }
    assert [str(missing) for missing in listing.missing] == ["namespace b: there is none"]


def test_a_namespace_and_an_api_group_that_may_not_be_read_are_told() -> None:
    script = Script(lists=[page(), page()])
    script.error = forbidden("it")
    listing = Listing(api=script, namespaces=("a",))
    assert listing.cluster_view().namespaces == {}
    assert list(listing.kinds([ROLLOUT])) == []
    told = [missing.what for missing in listing.missing]
    assert told[0] == "namespace a"
    assert {"API group argoproj.io", "API group core"} <= set(told)


def served(*resources: tuple[str, str, bool]) -> dict[str, Any]:
    return {"resources": [{"name": n, "kind": k, "namespaced": ns} for n, k, ns in resources]}


def test_kinds_are_those_that_the_api_server_serves_in_its_preferred_version_pods_last() -> None:
    script = Script()
    script.objects = {
        "/api/v1": served(("pods", "Pod", True), ("pods/log", "Pod", True)),
        "/apis/apps": {"preferredVersion": {"version": "v1"}},
        "/apis/apps/v1": served(("deployments", "Deployment", True)),
        "/apis/argoproj.io": {"preferredVersion": {"version": "v1alpha1"}},
        "/apis/argoproj.io/v1alpha1": served(
            ("rollouts", "Rollout", True), ("clusterrollouts", "Rollout", False)
        ),
    }
    found = [kind.path() for kind in Listing(api=script).kinds([ROLLOUT])]
    assert found == [
        "/apis/apps/v1/deployments",
        "/apis/argoproj.io/v1alpha1/rollouts",
        "/api/v1/pods",
    ]


def test_a_declared_kind_that_is_not_installed_is_nothing_missing() -> None:
    listing = Listing(api=Script())
    assert list(listing.kinds([ROLLOUT])) == []
    assert listing.missing == []


def test_a_name_cannot_lead_out_of_its_place_in_the_path() -> None:
    assert PODS.path("../../x") == "/api/v1/namespaces/..%2F..%2Fx/pods"


def test_what_a_server_says_is_one_line_of_bounded_length() -> None:
    said = str(Missing(what="pods", why='may not list "pods"\n\x1b[31m' + "x" * 1000))
    assert said.startswith('pods: may not list "pods"\ufffd\ufffd[31mxxx')
    assert len(said) == 400
