"""AdmissionReview v1 out: a decision → bytes."""

import base64
from itertools import islice
from typing import Any

import orjson

from webhook.core.decision import Assign, Decision, Deny, Grounds, Keep
from webhook.core.messages import cause_of
from webhook.core.names import shown
from webhook.core.trial import Judged, Refusal
from webhook.wire.patch import Operations
from webhook.wire.review import API_VERSION, KIND

MOST_CAUSES = 20
_ANNOTATION_LIMIT = 1024


def mutating_response(uid: str, decision: Decision, operations: Operations, revision: str) -> bytes:
    """The answer of ``/mutate``: never a refusal; a patch and its notice where there is one."""
    response: dict[str, Any] = {
        "uid": uid,
        "allowed": True,
        "auditAnnotations": audit_annotations(decision, revision),
    }
    if operations:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(orjson.dumps(operations)).decode()
        response["warnings"] = list(decision.grounds.notices)
    return _review(response)


def validating_response(uid: str, decision: Keep | Deny, revision: str) -> bytes:
    """The answer of ``/validate``: a verdict, with what its author should know."""
    response: dict[str, Any] = {
        "uid": uid,
        "allowed": isinstance(decision, Keep),
        "auditAnnotations": audit_annotations(decision, revision),
    }
    if isinstance(decision, Deny):
        response["status"] = _status(decision)
    elif decision.grounds.warnings:
        response["warnings"] = list(decision.grounds.warnings)
    return _review(response)


def allowed_response(uid: str) -> bytes:
    """The answer to a review that is none of the gate's business."""
    return _review({"uid": uid, "allowed": True})


def _review(response: dict[str, Any]) -> bytes:
    return orjson.dumps({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _status(decision: Deny) -> dict[str, Any]:
    return {
        "code": 403,
        "reason": "Forbidden",
        "message": decision.message,
        "details": {"causes": [_cause(c) for c in decision.causes[:MOST_CAUSES]]},
    }


def _cause(refusal: Refusal) -> dict[str, str]:
    said = cause_of(refusal.finding) if refusal.finding else shown(refusal.cause)
    return {"reason": str(refusal.reason), "field": shown(refusal.field_path, 160), "message": said}


def audit_annotations(decision: Decision, revision: str) -> dict[str, str]:
    """What the API server's audit log keeps, prefixed there with the webhook's name."""
    grounds = decision.grounds
    would = decision.would if isinstance(decision, Keep) else None
    values = {
        "decision": decision_word(decision),
        "would": decision_word(would) if would else None,
        "policy": grounds.policy,
        "override": grounds.override,
        "exemption": grounds.exemption,
        "reason": reason_of(decision) or grounds.why,
        "runtime-class": shown(grounds.runtime_class, 253) if grounds.runtime_class else None,
        "findings": _findings(grounds) if grounds.findings else None,
        "revision": revision,
    }
    return {key: value for key, value in values.items() if value}


_WORDS = {Keep: "keep", Assign: "assign", Deny: "deny"}


def decision_word(decision: Decision) -> str:
    """``keep``, ``assign`` or ``deny``."""
    return _WORDS[type(decision)]


def reason_of(decision: Decision) -> str:
    """The reason of a refusal, also of one that mode warn or audit held back; else empty."""
    if isinstance(decision, Keep) and decision.would is not None:
        decision = decision.would
    return str(decision.reason) if isinstance(decision, Deny) else ""


def _findings(grounds: Grounds) -> str:
    # Features are short: this many fill the annotation, and a pod may have a hundred thousand.
    first = islice(grounds.findings, _ANNOTATION_LIMIT)
    return shown(",".join(dict.fromkeys(map(_finding, first))), _ANNOTATION_LIMIT)


def _finding(judged: Judged) -> str:
    return f"{judged.finding.need.feature}={judged.finding.verdict}"
