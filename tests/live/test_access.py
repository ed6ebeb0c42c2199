"""Every right that the server needs, in one table: used, sufficient, and told to operators."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.build import snapshot
from tests.controlplane.cluster import ControlPlane
from tests.registration import RIGHTS as REGISTERED
from webhook.live.access import RIGHTS
from webhook.live.cluster import ClusterCache
from webhook.live.credentials import find_access
from webhook.live.current import Current
from webhook.live.existing_pods import ExistingPodLister
from webhook.live.kube import KubeApi, Page

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
NEEDED = {(r.group, r.resource, verb) for r in RIGHTS for verb in r.verbs}
SECONDS = 90.0  # a busy machine


class Recording:
    """The real API server, with every call written down as the right that it takes."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self.used: set[tuple[str, str, str]] = set()

    def _note(self, path: str, verb: str) -> None:
        parts = path.strip("/").split("/")
        group = "" if parts[0] == "api" else parts[1]
        collection = parts[:-1] if verb == "get" else parts
        self.used.add((group, collection[-1], verb))

    def list_page(self, path: str, *, limit: int, resume: str = "") -> Page:
        page = self._api.list_page(path, limit=limit, resume=resume)
        self._note(path, "list")
        return page

    def list_page_within(self, path: str, **arguments: Any) -> Page:
        page = self._api.list_page_within(path, **arguments)
        self._note(path, "list")
        return page

    def watch(self, path: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        for event in self._api.watch(path, **arguments):
            self._note(path, "watch")
            yield event

    def get(self, path: str, *, seconds: float) -> Mapping[str, Any] | None:
        found = self._api.get(path, seconds=seconds)
        self._note(path, "get")
        return found


@pytest.mark.controlplane
def test_with_exactly_these_rights_the_server_can_do_all_and_uses_each(
    control_plane: ControlPlane,
) -> None:
    rights = {"apiVersion": "v1", "kind": "List", "items": list(REGISTERED)}
    control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(rights))
    access = find_access(kubeconfig=control_plane.kubeconfig("webhook"), environ={})
    api = Recording(KubeApi(access))
    cache = ClusterCache(api, Current(snapshot()), chance=lambda: 0.0)
    cache.start()
    try:
        deadline = time.monotonic() + SECONDS
        while not cache.synced and time.monotonic() < deadline:
            time.sleep(0.05)
        cache.fetch_namespace("default", SECONDS)
        assert ExistingPodLister(api).list_pods("default", SECONDS).problem == ""
        _stir(control_plane)
        deadline = time.monotonic() + SECONDS
        while api.used != NEEDED and time.monotonic() < deadline:
            time.sleep(0.05)
        assert cache.state().problems == ()
    finally:
        cache.stop()
    assert api.used == NEEDED


def _stir(plane: ControlPlane) -> None:
    """Something for each watch to tell of."""
    plane.create_namespace("access-seen", {})
    runtime_class = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": "runsc"}
    node = {"apiVersion": "v1", "kind": "Node"}
    for obj in (runtime_class, node):
        named = {**obj, "metadata": {"name": "access-seen"}}
        plane.kubectl("create", "-f", "-", stdin=json.dumps(named))
    plane.kubectl("delete", "runtimeclass,node", "access-seen")


def test_the_operators_page_lists_exactly_these_rights() -> None:
    rows = re.findall(
        r"^\| `([^`]*)` \| `([a-z]+)` \| ((?:`[a-z]+`(?:, )?)+) \| (.+) \|$",
        OPERATIONS,
        re.MULTILINE,
    )
    told = [
        (group.strip('"'), resource, tuple(re.findall("[a-z]+", verbs)), why)
        for group, resource, verbs, why in rows
    ]
    assert told == [(r.group, r.resource, r.verbs, r.why) for r in RIGHTS]


def test_nothing_is_written() -> None:
    assert {verb for _, _, verb in NEEDED} <= {"get", "list", "watch"}
