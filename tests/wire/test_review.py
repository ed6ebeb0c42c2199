"""AdmissionReview in: what is read, and one clear error for what cannot be."""

from typing import Any

import orjson
import pytest

from tests.build import pod, review, review_bytes
from webhook.wire.review import MAX_BODY_BYTES, ReviewError, parse_review


def problem(body: bytes) -> str:
    """What is wrong with a body."""
    with pytest.raises(ReviewError) as caught:
        parse_review(body)
    assert caught.value.status == 400
    return str(caught.value)


def changed(**request: Any) -> bytes:
    """A review with these fields of its request."""
    return orjson.dumps(review(**request))


def test_a_review_is_read() -> None:
    request = parse_review(review_bytes(operation="UPDATE", old=pod(name="old"), dryRun=True))
    assert request.uid == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert request.operation == "UPDATE"
    assert (request.group, request.resource, request.sub_resource) == ("", "pods", "")
    assert (request.kind, request.namespace, request.name) == ("Pod", "tenant-a", "web")
    assert (request.user, request.groups) == ("alice", frozenset({"system:authenticated"}))
    assert request.object == pod()
    assert request.old_object == pod(name="old")
    assert request.dry_run


def test_objects_are_kept_as_they_were_sent() -> None:
    obj = pod(futureField={"x": [1, None]})
    assert parse_review(review_bytes(obj)).object == obj


def test_a_review_without_what_is_optional_is_read() -> None:
    request = parse_review(changed(userInfo=None, name=None, namespace=None, object=None))
    assert (request.user, request.groups) == ("", frozenset())
    assert (request.name, request.namespace) == ("", "")
    assert (request.object, request.old_object) == (None, None)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"a":"\\ud800"}', b"[" * 5000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert problem(body).startswith("the body is not JSON: ")


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"x"'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert problem(body) == "the body must be an AdmissionReview object"


@pytest.mark.parametrize(
    ("kind", "version", "said"),
    [
        ("Pod", "admission.k8s.io/v1", "kind 'Pod' of apiVersion 'admission.k8s.io/v1'"),
        (
            "AdmissionReview",
            "admission.k8s.io/v1beta1",
            "kind 'AdmissionReview' of apiVersion 'admission.k8s.io/v1beta1'",
        ),
        (None, 5, "kind NoneType of apiVersion int"),
        ("x" * 100, "v1", f"kind '{'x' * 59} of apiVersion 'v1'"),
    ],
)
def test_another_kind_or_version_is_refused(kind: object, version: object, said: str) -> None:
    body = orjson.dumps({"kind": kind, "apiVersion": version})
    assert problem(body) == (
        f"must be kind AdmissionReview of apiVersion admission.k8s.io/v1, not {said}"
    )


@pytest.mark.parametrize("request_", [None, [], "x"])
def test_a_review_without_a_request_is_refused(request_: object) -> None:
    assert problem(orjson.dumps({**review(), "request": request_})) == "request: must be an object"


@pytest.mark.parametrize("key", ["uid", "operation"])
@pytest.mark.parametrize("value", ["", None, 5, ["x"]])
def test_uid_and_operation_must_be_given(key: str, value: object) -> None:
    body = review()
    body["request"][key] = value
    assert problem(orjson.dumps(body)) == f"request.{key}: must be a string that is not empty"


@pytest.mark.parametrize("key", ["resource", "kind", "userInfo", "object", "oldObject"])
def test_what_must_be_an_object_is_refused_when_it_is_not(key: str) -> None:
    assert problem(changed(**{key: ["x"]})) == f"request.{key}: must be an object or null"


@pytest.mark.parametrize("resource", [None, {}, {"group": "", "resource": ""}])
def test_a_review_that_names_no_resource_is_refused(resource: object) -> None:
    assert problem(changed(resource=resource)) == "request.resource: must name a resource"


@pytest.mark.parametrize("key", ["namespace", "name", "subResource"])
def test_what_must_be_a_string_is_refused_when_it_is_not(key: str) -> None:
    assert problem(changed(**{key: 5})) == f"request: {key} must be a string"


@pytest.mark.parametrize("groups", ["system:nodes", 5, {"a": "b"}, [None], [["x"]]])
def test_groups_must_be_a_list_of_strings(groups: object) -> None:
    body = changed(userInfo={"username": "alice", "groups": groups})
    assert problem(body) == "request: groups must be a list of strings"


@pytest.mark.parametrize("user", [{"username": "alice"}, {"username": "alice", "groups": None}])
def test_a_user_may_be_in_no_group(user: dict[str, Any]) -> None:
    assert parse_review(changed(userInfo=user)).groups == frozenset()


def test_the_largest_review_is_read() -> None:
    body = review_bytes()
    assert parse_review(body.ljust(MAX_BODY_BYTES)).name == "web"


def test_a_larger_one_is_refused_unread() -> None:
    with pytest.raises(ReviewError) as caught:
        parse_review(b" " * (MAX_BODY_BYTES + 1))
    assert caught.value.status == 413
    assert str(caught.value) == "the review is larger than 3145728 bytes"
