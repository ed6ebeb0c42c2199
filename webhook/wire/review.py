"""AdmissionReview v1 in: bytes → AdmissionRequest, or one clear error.

Shapes: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from collections.abc import Mapping
from typing import Any

import orjson

from webhook.core.values import per_review

MAX_BODY_BYTES = 3 * 1024 * 1024
"""The API server's own limit for one request body, as Pod Security uses it."""

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
_REQUIRED_STRINGS = ("uid", "operation")


class ReviewError(ValueError):
    """The body is no review that can be answered: the caller's fault; ``status`` is HTTP's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@per_review(frozen=True, slots=True, kw_only=True)
class AdmissionRequest:
    """The part of a review's ``request`` that a decision needs; objects as they were sent."""

    uid: str
    operation: str
    group: str
    resource: str
    sub_resource: str
    kind: str
    namespace: str
    name: str
    user: str
    groups: frozenset[str]
    object: Mapping[str, Any] | None
    old_object: Mapping[str, Any] | None
    dry_run: bool


def parse_review(body: bytes) -> AdmissionRequest:
    """Return the request of an AdmissionReview v1; raises ReviewError."""
    if len(body) > MAX_BODY_BYTES:
        raise ReviewError(f"the review is larger than {MAX_BODY_BYTES} bytes", status=413)
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ReviewError(f"the body is not JSON: {error}") from error
    return _request(_checked(review))


def _checked(review: object) -> Mapping[str, Any]:
    if not isinstance(review, dict):
        raise ReviewError("the body must be an AdmissionReview object")
    if review.get("kind") != KIND or review.get("apiVersion") != API_VERSION:
        raise ReviewError(
            f"must be kind {KIND} of apiVersion {API_VERSION}, not "
            f"kind {_said(review.get('kind'))} of apiVersion {_said(review.get('apiVersion'))}"
        )
    request = review.get("request")
    if not isinstance(request, dict):
        raise ReviewError("request: must be an object")
    for key in _REQUIRED_STRINGS:
        if not isinstance(request.get(key), str) or not request[key]:
            raise ReviewError(f"request.{key}: must be a string that is not empty")
    return request


def _request(request: Mapping[str, Any]) -> AdmissionRequest:
    resource, kind = _object(request, "resource"), _object(request, "kind")
    if not _string(resource, "resource"):
        # Without it a pod would pass for something that is none of the gate's business.
        raise ReviewError("request.resource: must name a resource")
    user = _object(request, "userInfo") or {}
    return AdmissionRequest(
        uid=request["uid"],
        operation=request["operation"],
        group=_string(resource, "group"),
        resource=_string(resource, "resource"),
        sub_resource=_string(request, "subResource"),
        kind=_string(kind, "kind"),
        namespace=_string(request, "namespace"),
        name=_string(request, "name"),
        user=_string(user, "username"),
        groups=_strings(user, "groups"),
        object=_object(request, "object"),
        old_object=_object(request, "oldObject"),
        dry_run=request.get("dryRun") is True,
    )


def _object(request: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = request.get(key)
    if value is not None and not isinstance(value, dict):
        raise ReviewError(f"request.{key}: must be an object or null")
    return value


def _string(obj: Mapping[str, Any] | None, key: str) -> str:
    value = obj.get(key) if obj else None
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise ReviewError(f"request: {key} must be a string")


def _strings(obj: Mapping[str, Any], key: str) -> frozenset[str]:
    value = obj.get(key)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ReviewError(f"request: {key} must be a list of strings")
    return frozenset(value)


def _said(value: object) -> str:
    return repr(value)[:60] if isinstance(value, str) else type(value).__name__
