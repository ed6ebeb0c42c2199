"""Any review, through the Flask application: there is an answer to it, and a safe one.

Reviews that the API server sends, with parts taken away, repeated or replaced by what is hostile.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import container, pod, review, snapshot
from webhook.live.current import Current
from webhook.server.app import create_app, plain_service

EVERYTHING = pod(
    runtimeClassName="gvisor",
    labels={"app": "db"},
    annotations={"runtimegate.dev/needs": "syscall:read", "dev.gvisor.flag.x": "1"},
    initContainers=[container("first", "postgres:18", restartPolicy="Always")],
    containers=[
        container(
            args=["--a=b"],
            env=[{"name": "A", "value": "b"}],
            securityContext={"capabilities": {"add": ["NET_RAW"]}, "procMount": "Unmasked"},
            resources={"limits": {"cpu": "1"}, "claims": [{"name": "gpu"}]},
            volumeMounts=[{"name": "v", "mountPath": "/v", "recursiveReadOnly": "Enabled"}],
        )
    ],
    volumes=[{"name": "v", "image": {"reference": "x:1"}}],
    tolerations=[{"key": "a", "operator": "Exists"}],
    affinity={
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "x", "operator": "Gt", "values": ["5"]}]}
                ]
            }
        }
    },
    securityContext={"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]},
    hostUsers=False,
)
DEPLOYMENT = {"metadata": {"name": "web"}, "spec": {"template": EVERYTHING}}
NAMESPACE = {"metadata": {"name": "tenant-a", "labels": {"tier": "a"}, "annotations": {"a": "b"}}}
CLASS = {"metadata": {"name": "gvisor"}, "handler": "x", "scheduling": {"tolerations": [{}]}}
BINDING = {"metadata": {"name": "web", "annotations": {"dev.gvisor.flag.x": "1"}}}


def asked(obj: Any, group: str, resource: str, kind: str, **tweaks: Any) -> dict[str, Any]:
    of = {"group": group, "version": "v1"}
    return review(
        obj, resource={**of, "resource": resource}, kind={**of, "kind": kind}, **tweaks
    )  # fmt: skip


REVIEWS = (
    asked(EVERYTHING, "", "pods", "Pod"),
    *(
        asked(EVERYTHING, "", "pods", "Pod", operation="UPDATE", old=pod(), sub_resource=below)
        for below in ("", "ephemeralcontainers", "resize", "status")
    ),
    asked(BINDING, "", "pods", "Binding", sub_resource="binding"),
    asked(DEPLOYMENT, "apps", "deployments", "Deployment"),
    asked(NAMESPACE, "", "namespaces", "Namespace", operation="UPDATE", old=NAMESPACE),
    asked(CLASS, "node.k8s.io", "runtimeclasses", "RuntimeClass"),
)
HOSTILE: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, 0, -1, 2**63, 2**200, 1e308, "", "a" * 3000, "\x1b[31m\u202e\u0410", "\x00",
        "²", "1" * 5000, "/" * 700, "*" * 300, "a/" * 300, "@sha256:", "syscall:", "gvisor", "runc",
        [], {}, [None], [[]], [{}], [{"name": "x"}] * 40, {"": ""}, {"a": {"b": {"c": [{}]}}},
        "dev.gvisor.x", "kata-*", "::error::", "<b>",
    ]
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in a review."""
    if at:
        yield at
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield from places(value[key], (*at, key))


def holder(obj: Any, path: tuple[Any, ...]) -> Any:
    """What holds the last key of a path."""
    for key in path[:-1]:
        obj = obj[key]
    return obj


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A review in which up to four things are not as they should be."""
    made = copy.deepcopy(draw(st.sampled_from(REVIEWS)))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from([*places(made)] or [("request",)]))
        held = holder(made, path)
        how = draw(st.sampled_from(["replace", "replace", "remove", "repeat"]))
        if how == "remove":
            del held[path[-1]]
        elif how == "repeat" and isinstance(held, list):
            held.extend(copy.deepcopy([held[path[-1]]] * 3))
        else:
            held[path[-1]] = copy.deepcopy(draw(HOSTILE))
    return json.dumps(made).encode()


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(plain_service(Current(snapshot()))).test_client()


@settings(max_examples=100, deadline=None)
@given(body=spoilt())
def test_every_review_has_an_answer_and_a_safe_one(client: FlaskClient, body: bytes) -> None:
    for door in ("mutate", "validate"):
        done = client.post(f"/{door}", data=body, content_type="application/json")
        assert done.status_code in {200, 400}, done.text
        assert len(done.data) < 64 * 1024
        if done.status_code == 400:
            assert done.text.removesuffix("\n").isprintable()
            continue
        response = done.get_json()["response"]
        assert response["allowed"] or door == "validate"
        said = [*response.get("warnings", []), response.get("status", {}).get("message", "")]
        assert all(line.isprintable() for text in said for line in text.splitlines())
        assert all(len(warning) <= 256 for warning in response.get("warnings", []))
