"""The contract of the doors: one table of cases, driven through the Flask app and the front."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.build import container, pod, policy, review, rules, snapshot
from tests.server.doors import (
    Built,
    Door,
    FakeNamespaces,
    FlaskDoor,
    FrontDoor,
    Reply,
    build,
    front_door,
)
from webhook.core.cluster import ClusterView
from webhook.core.names import Mode
from webhook.core.policy import LabelSelector, NamespaceSelector
from webhook.server.protocol import ReviewProtocol
from webhook.wire.review import MAX_BODY_BYTES

JSON = {"Content-Type": "application/json"}
UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
ESCAPES = "x\"'\n\r\t\x1b[31mred\x1b[0m\u202eevil\u0085\x7f\\"
MEBIBYTE = 1024 * 1024
NOT_JSON = "the body is not JSON: "
"""What follows is the JSON codec's, whose words change with its release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, and what must come back."""

    name: str
    body: bytes
    path: str = "/mutate?timeout=5s"
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))
    status: int = 200
    says: str = ""
    allowed: bool = True
    chunked: bool = False


def bad(name: str, body: bytes, says: str, status: int = 400, **fields: Any) -> Case:
    """A request that gets no verdict, and the one line that says why."""
    return Case(name=name, body=body, says=f"{says}\n", status=status, **fields)


def good(name: str, obj: Any = None, *, path: str = "/mutate", **fields: Any) -> Case:
    """A request that gets a verdict."""
    allowed = fields.pop("allowed", True)
    return Case(name=name, body=orjson.dumps(review(obj, **fields)), path=path, allowed=allowed)


def without(key: str) -> bytes:
    body = review()
    del body["request"][key]
    return orjson.dumps(body)


def spec(**fields: Any) -> Any:
    return {**pod(), "spec": fields}


CASES = (
    bad("not JSON", b"{", NOT_JSON),
    bad("empty body", b"", NOT_JSON),
    bad("JSON that is no object", b"[1]", "the body must be an AdmissionReview object"),
    bad(
        "wrong content type",
        orjson.dumps(review()),
        "the content type must be application/json, not 'text/plain'",
        415,
        headers={"Content-Type": "text/plain"},
    ),
    bad(
        "no content type",
        orjson.dumps(review()),
        "the content type must be application/json, not ''",
        415,
        headers={},
    ),
    bad(
        "no request",
        orjson.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}),
        "request: must be an object",
    ),
    bad(
        "v1beta1",
        orjson.dumps({**review(), "apiVersion": "admission.k8s.io/v1beta1"}),
        "must be kind AdmissionReview of apiVersion admission.k8s.io/v1, not kind "
        "'AdmissionReview' of apiVersion 'admission.k8s.io/v1beta1'",
    ),
    bad("no uid", without("uid"), "request.uid: must be a string that is not empty"),
    bad(
        "more than 3 MiB",
        b" " * (MAX_BODY_BYTES + 1),
        "the review is larger than 3145728 bytes",
        413,
    ),
    bad(
        "much more than 3 MiB, its length not said",
        b" " * (2 * MAX_BODY_BYTES),
        "the review is larger than 3145728 bytes",
        413,
        chunked=True,
    ),
    bad(
        "object null",
        orjson.dumps({**review(), "request": {**review()["request"], "object": None}}),
        "request.object: must be a pod on CREATE, not null",
    ),
    bad(
        "containers missing",
        orjson.dumps(review(spec(volumes=[]))),
        "request.object.spec.containers: must hold at least one container",
    ),
    bad(
        "containers of another shape",
        orjson.dumps(review(spec(containers="x"))),
        "request.object.spec.containers: must be a list",
    ),
    bad(
        "UPDATE without oldObject",
        orjson.dumps(review(operation="UPDATE")),
        "request.oldObject: must be a pod on UPDATE, not null",
        path="/validate",
    ),
    bad("nested deeper than any object", b'{"a":' * 5000 + b"1" + b"}" * 5000, NOT_JSON),
    Case(
        name="content type with a charset",
        body=orjson.dumps(review()),
        headers={"Content-Type": "Application/JSON; charset=utf-8"},
    ),
    Case(name="chunked", body=orjson.dumps(review()), chunked=True),
    good("a pod"),
    good("a pod that nobody governs", namespace="other"),
    good("a pod in kube-system", namespace="kube-system"),
    good("a class that is allowed", pod(runtimeClassName="kata-qemu"), path="/validate"),
    good(
        "a class that is not allowed",
        pod(runtimeClassName="runc"),
        path="/validate",
        allowed=False,
    ),
    good("unset where a class should have been assigned", path="/validate", allowed=False),
    good("the operation DELETE", operation="DELETE", path="/validate"),
    good("1,000 containers", pod(containers=[container(f"c{n}") for n in range(1_000)])),
    good("a string of 1 MB", pod(annotations={"a": "x" * MEBIBYTE})),
    good("a name of 1 MB", pod(name="x" * MEBIBYTE)),
    good("an image of 1 MB", pod(containers=[container(image="x" * MEBIBYTE)])),
    good(
        "a tenant's mirror annotation",
        pod(annotations={"kubernetes.io/config.mirror": "x"}, nodeName="n1"),
        path="/validate",
        allowed=False,
    ),
    good(
        "hostile labels and annotations",
        pod(labels={ESCAPES: ESCAPES}, annotations={ESCAPES: ESCAPES}),
    ),
    good("a hostile user", user=ESCAPES),
    good("a hostile class", pod(runtimeClassName=ESCAPES), path="/validate", allowed=False),
    *(
        good(f"the image {image!r}", pod(containers=[container(image=image)]))
        for image in (
            "",
            "UPPER/Case",
            "localhost:5000/x",
            "x@sha256:" + "a" * 64,
            "host:5000/x:1@sha256:" + "a" * 64,
            "::: @@ //",
            ESCAPES,
        )
    ),
    good("null lists", spec(containers=[container()], initContainers=None, volumes=None)),
)


@pytest.fixture(scope="module")
def built() -> Built:
    return build()


@pytest.fixture(scope="module", params=["flask", "front", "front without the short way"])
def door(
    request: pytest.FixtureRequest, built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    if request.param == "flask":
        yield FlaskDoor(built)
        return
    protocol = ReviewProtocol if request.param == "front" else HttpToolsProtocol
    with front_door(built, tmp_path_factory.mktemp("tls"), protocol=protocol) as opened:
        yield opened


def ask(door: Door, case: Case) -> Reply:
    return door.ask("POST", case.path, case.body, case.headers, chunked=case.chunked)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_doors_answer_alike(door: Door, case: Case) -> None:
    reply = ask(door, case)
    assert reply.status == case.status, reply.body
    if case.status != 200:
        said = reply.body.decode()
        assert said.startswith(NOT_JSON) if case.says.startswith(NOT_JSON) else said == case.says
        assert said.count("\n") == 1
        assert reply.headers["content-type" if "content-type" in reply.headers else "Content-Type"]
        return
    assert reply.response["uid"] == UID
    assert reply.response["allowed"] is case.allowed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_call_writes_one_log_line_that_no_terminal_acts_on(
    door: Door, built: Built, case: Case
) -> None:
    built.lines.clear()
    ask(door, case)
    (line,) = built.lines
    text = line.decode()
    assert text.endswith("\n")
    assert text.removesuffix("\n").isprintable()
    assert len(line) < 4096
    (entry,) = built.log
    assert ("status" in entry) == (case.status != 200)


def test_no_label_of_a_metric_was_written_by_a_tenant(door: Door, built: Built) -> None:
    for case in CASES:
        ask(door, case)
    page = door.ask("GET", "/metrics").body.decode()
    lines = [line for line in page.splitlines() if line.startswith("runtimegate_review")]
    assert len(lines) < 200
    assert all("evil" not in line and "xxxx" not in line for line in lines)
    assert any('status="413"' in line for line in lines)


def test_a_message_shows_what_a_tenant_wrote_only_escaped(door: Door) -> None:
    case = next(case for case in CASES if case.name == "a hostile class")
    message = ask(door, case).response["status"]["message"]
    assert all(line.isprintable() for line in message.split("\n"))
    assert "\\x1b[31mred" in message


def test_fields_from_the_future_survive_because_only_two_places_are_patched(door: Door) -> None:
    obj = pod()
    obj["spec"]["fieldFromTheFuture"] = {"x": [1, {"y": None}]}
    reply = door.ask("POST", "/mutate", orjson.dumps(review(obj)), JSON)
    patch = orjson.loads(base64.b64decode(reply.response["patch"]))
    assert [(op["op"], op["path"]) for op in patch] == [
        ("add", "/spec/runtimeClassName"),
        ("add", "/metadata/annotations"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/mutate", 405, "POST"),
        ("PUT", "/validate", 405, "POST"),
        ("POST", "/healthz", 405, "GET, HEAD"),
        ("GET", "/", 404, None),
        ("POST", "/mutate/", 404, None),
        ("POST", "/elsewhere", 404, None),
    ],
)
def test_other_methods_and_paths_are_refused(
    door: Door, method: str, path: str, status: int, allow: str | None
) -> None:
    reply = door.ask(method, path, b"" if method != "GET" else None)
    headers = {key.lower(): value for key, value in reply.headers.items()}
    assert reply.status == status
    found = headers.get("allow")
    assert (", ".join(sorted(found.split(", "))) if found else None) == allow


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/healthz", "ok\n"),
        ("/readyz", "ok\n"),
        (
            "/readyz?verbose",
            "[+] policies: 1 in revision 3f2a9c1d\n[+] stopping: no\nready\n",
        ),
        (
            "/version",
            '{"version":"1.2.3","revision":"3f2a9c1d","hash":"3f2a9c1d","compatData":"test","policies":1}\n',
        ),
    ],
)
def test_the_other_routes_tell_the_state(door: Door, path: str, body: str) -> None:
    reply = door.ask("GET", path)
    assert (reply.status, reply.body.decode()) == (200, body)


def test_a_log_line_tells_who_asked_what_and_what_was_decided(door: Door, built: Built) -> None:
    built.lines.clear()
    door.ask("POST", "/validate", orjson.dumps(review(pod(runtimeClassName="runc"))), JSON)
    (entry,) = built.log
    assert entry.pop("ms") > 0
    assert entry == {
        "time": "2026-11-24T12:00:00Z",
        "level": "info",
        "event": "review",
        "webhook": "validate",
        "uid": UID,
        "operation": "CREATE",
        "resource": "pods",
        "namespace": "tenant-a",
        "name": "web",
        "user": "alice",
        "decision": "deny",
        "would": None,
        "reason": "RuntimeClassNotAllowed",
        "why": None,
        "policy": "tenants",
        "override": None,
        "exemption": None,
        "mode": "enforce",
        "runtimeClass": "runc",
        "dryRun": False,
        "revision": "3f2a9c1d",
    }


NEEDS_LABELS = policy(
    namespaces=NamespaceSelector(selector=LabelSelector(match_labels={"tier": "tenant"}))
)


@pytest.fixture(params=["flask", "front"])
def live_door(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Door, FakeNamespaces, Built]]:
    """A door that knows no namespace yet, of policies that read their labels."""
    namespaces = FakeNamespaces()
    of = snapshot(NEEDS_LABELS, cluster=ClusterView(live=True))
    service = build(of, namespaces=namespaces)
    namespaces.current = service.current
    if request.param == "flask":
        yield FlaskDoor(service), namespaces, service
        return
    with front_door(service, tmp_path) as opened:
        yield opened, namespaces, service


def test_a_namespace_not_yet_seen_is_fetched_once_within_the_deadline(
    live_door: tuple[Door, FakeNamespaces, Built],
) -> None:
    door, namespaces, _ = live_door
    for _ in range(2):
        reply = door.ask("POST", "/mutate?timeout=5s", orjson.dumps(review()), JSON)
        assert (reply.status, "patch" in reply.response) == (200, True)
    assert namespaces.asked == [("tenant-a", 4.0)]


def test_a_namespace_that_cannot_be_had_is_no_verdict(
    live_door: tuple[Door, FakeNamespaces, Built],
) -> None:
    door, namespaces, service = live_door
    namespaces.problem = "namespace 'tenant-a': timed out"
    reply = door.ask("POST", "/mutate", orjson.dumps(review()), JSON)
    assert (reply.status, reply.body) == (500, b"namespace 'tenant-a': timed out\n")
    assert [(e["level"], e["status"], e["error"]) for e in service.log] == [
        ("error", 500, "namespace 'tenant-a': timed out")
    ]


def test_a_bug_of_ours_is_500_with_its_traceback_in_the_log_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    service = build()
    service.current.replace(policies=None)  # type: ignore[arg-type]  # a bug, made on purpose
    with front_door(service, tmp_path) as front:
        for door in (FlaskDoor(service), front):
            caplog.clear()
            reply = door.ask("POST", "/mutate", orjson.dumps(review()), JSON)
            assert (reply.status, reply.body) == (
                500,
                b"internal error: see the log of runtimegate\n",
            )
            (record,) = [r for r in caplog.records if r.name == "runtimegate.server"]
            assert record.exc_info is not None


def test_a_review_in_mode_warn_is_counted_with_what_would_have_been() -> None:
    service = build(snapshot(policy(governs=rules(mode=Mode.WARN))))
    door = FlaskDoor(service)
    door.ask("POST", "/validate", orjson.dumps(review(pod(runtimeClassName="runc"))), JSON)
    page = door.ask("GET", "/metrics").body.decode()
    assert (
        'runtimegate_reviews_total{decision="keep",mode="warn",operation="CREATE",'
        'policy="tenants",reason="RuntimeClassNotAllowed",resource="pods",webhook="validate",'
        'would="deny"} 1.0'
    ) in page


def test_a_review_from_a_stranger_operation_is_counted_as_other() -> None:
    service = build()
    door = FlaskDoor(service)
    door.ask("POST", "/mutate", orjson.dumps(review(operation=ESCAPES)), JSON)
    assert 'operation="other"' in door.ask("GET", "/metrics").body.decode()


def test_every_kind_of_door_is_in_this_contract(door: Door) -> None:
    assert isinstance(door, FlaskDoor | FrontDoor)
