"""What is written over what, played through with an API server that others write to as well.

The real one is asked in tests/cli/test_audit_live.py; this one is a fake that can be made to race.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from webhook.live.kube import ApiError
from webhook.live.kube_writes import ConflictError
from webhook.live.report_store import ReportStore

ROOT, OURS = "/apis/reports.example/v1", {"managed-by": "us"}
Object = dict[str, Any]


class FakeReports:
    """Objects by path, with versions; ``before`` is run once before the next write."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.version = 0
        self.before: list[Callable[[], object]] = []
        self.refuses: str = ""

    def put(self, path: str, obj: Mapping[str, Any]) -> Object:
        self.version += 1
        metadata = {
            **obj["metadata"],
            "uid": f"uid-{path}",
            "resourceVersion": str(self.version),
        }
        self.objects[path] = {**obj, "metadata": metadata}
        return self.objects[path]

    def _write(self, path: str) -> None:
        if self.before:
            self.before.pop(0)()
        if self.refuses and self.refuses in path:
            raise ApiError(f"{path}: HTTP 403: forbidden", status=403)

    def labelled(self, collection: str, label: str) -> Iterable[Mapping[str, Any]]:
        key, _, value = label.partition("=")
        if not collection.startswith(ROOT):
            raise ApiError("not found", status=404)
        return [
            obj["metadata"]
            for obj in self.objects.values()
            if (obj["metadata"].get("labels") or {}).get(key) == value
        ]

    def metadata(self, path: str) -> Mapping[str, Any]:
        if path not in self.objects:
            raise ApiError("not found", status=404)
        found: Mapping[str, Any] = self.objects[path]["metadata"]
        return found

    def create(self, collection: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        path = f"{collection}/{obj['metadata']['name']}"
        self._write(path)
        if path in self.objects:
            raise ConflictError("exists", status=409)
        return self.put(path, obj)

    def replace(self, path: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        self._write(path)
        if path not in self.objects:
            raise ApiError("not found", status=404)
        there = self.objects[path]["metadata"]["resourceVersion"]
        if obj["metadata"]["resourceVersion"] != there:
            raise ConflictError("changed", status=409)
        return self.put(path, obj)

    def delete(self, path: str, *, uid: str, resource_version: str) -> None:
        self._write(path)
        there = self.objects[path]["metadata"]
        if (there["uid"], there["resourceVersion"]) != (uid, resource_version):
            raise ConflictError("changed", status=409)
        del self.objects[path]


def report(namespace: str = "a", name: str = "ours", **fields: Any) -> Object:
    return {"metadata": {"name": name, "namespace": namespace, "labels": OURS}, **fields}


def path(namespace: str = "a", name: str = "ours") -> str:
    return f"{ROOT}/namespaces/{namespace}/reports/{name}"


@pytest.fixture
def api() -> FakeReports:
    return FakeReports()


def opened(api: FakeReports, **fields: Any) -> ReportStore:
    store = ReportStore(api=api, root=ROOT, plural="reports", label=("managed-by", "us"), **fields)
    assert store.open()
    return store


def told(store: ReportStore) -> tuple[int, int, int]:
    return (store.written.created, store.written.replaced, store.written.removed)


def test_a_kind_that_the_cluster_lacks_is_not_opened(api: FakeReports) -> None:
    store = ReportStore(api=api, root="/apis/other/v1", plural="reports", label=("a", "b"))
    assert not store.open()


def test_what_is_new_is_made_what_is_there_replaced_what_is_left_removed(api: FakeReports) -> None:
    api.put(path("a"), report("a", text="old"))
    api.put(path("b"), report("b"))
    store = opened(api)
    for namespace in ("a", "c"):
        store.put(report(namespace, text="new"))
    store.remove_stale()
    assert told(store) == (1, 1, 1)
    assert {p: o["text"] for p, o in api.objects.items()} == {path("a"): "new", path("c"): "new"}


def test_what_somebody_else_writes_meanwhile_is_read_again(api: FakeReports) -> None:
    api.put(path(), report(text="old"))
    store = opened(api)
    api.before = [lambda: api.put(path(), report(text="of another run"))]
    store.put(report(text="new"))
    assert told(store) == (0, 1, 0)
    assert api.objects[path()]["text"] == "new"


def test_what_goes_away_meanwhile_is_made(api: FakeReports) -> None:
    api.put(path(), report())
    store = opened(api)
    api.before = [api.objects.clear]
    store.put(report(text="new"))
    assert told(store) == (1, 0, 0)


def test_what_another_run_makes_first_is_replaced(api: FakeReports) -> None:
    store = opened(api)
    api.before = [lambda: api.put(path(), report(text="of another run"))]
    store.put(report(text="new"))
    assert told(store) == (0, 1, 0)


def test_what_is_not_ours_is_never_replaced(api: FakeReports) -> None:
    theirs = {"metadata": {"name": "ours", "namespace": "a", "labels": None}, "text": "theirs"}
    api.put(path(), theirs)
    store = opened(api)
    store.put(report(text="new"))
    assert api.objects[path()]["text"] == "theirs"
    assert store.written.problems == [
        f"{path()}: is not labelled managed-by=us, so it is not ours to replace"
    ]


def test_a_report_that_always_changes_is_given_up(api: FakeReports) -> None:
    api.put(path(), report())
    store = opened(api)
    api.before = [lambda: api.put(path(), report())] * 9
    store.put(report())
    assert store.written.problems == [f"{path()}: changes faster than it is written"]


def test_a_write_that_is_refused_keeps_no_other_from_being_done(api: FakeReports) -> None:
    api.put(path("a", "old"), report("a", "old"))
    store = opened(api)
    api.refuses = "/a/"
    for namespace in ("a", "b"):
        store.put(report(namespace))
    store.remove_stale()
    assert told(store) == (1, 0, 0)
    assert store.written.problems == [
        f"{path('a')}: HTTP 403: forbidden",
        f"{path('a', 'old')}: HTTP 403: forbidden",
    ]


def test_a_stale_report_that_was_written_meanwhile_stays(api: FakeReports) -> None:
    api.put(path(), report())
    store = opened(api)
    api.put(path(), report(text="of another run"))
    store.remove_stale()
    assert told(store) == (0, 0, 0)
    assert not store.written.problems


def test_a_refusal_to_list_is_raised(api: FakeReports, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> Iterable[Mapping[str, Any]]:
        raise ApiError("forbidden", status=403)

    monkeypatch.setattr(api, "labelled", refused)
    with pytest.raises(ApiError, match="forbidden"):
        opened(api)


def test_of_some_namespaces_only_those_are_looked_at(api: FakeReports) -> None:
    asked: list[str] = []

    class Watched(FakeReports):
        def labelled(self, collection: str, label: str) -> Iterable[Mapping[str, Any]]:
            asked.append(collection)
            return []

    opened(Watched(), namespaces=frozenset({"b", "a"}))
    assert asked == [f"{ROOT}/namespaces/a/reports", f"{ROOT}/namespaces/b/reports"]
