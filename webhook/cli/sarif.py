"""Remarks as SARIF 2.1.0, which GitHub, Azure DevOps and editors show beside the code.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html. A remark is a result; its
rule is the feature that the runtime lacks, or the reason of a refusal that no feature is the cause
of. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from webhook.cli.manifests import STDIN, STDIN_SHOWN, InputError
from webhook.cli.remarks import Remark
from webhook.cli.sarif_rules import rule_value
from webhook.documents.yaml_faults import Mark

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
FINGERPRINT = "runtimegateRemark/v1"
ROOT = "%SRCROOT%"
_INDEX = re.compile(r"\[\d+\]")


def sarif_log(
    remarks: Sequence[Remark],
    errors: Sequence[InputError],
    *,
    version: str,
    revision: str,
    exit_code: int,
    folder: str,
) -> dict[str, Any]:
    """The log of one run; files below ``folder`` are named from there."""
    rules: dict[str, int] = {}
    for remark in remarks:
        rules.setdefault(remark.rule, len(rules))
    of_rule = {remark.rule: remark for remark in reversed(remarks)}
    driver = {
        "name": "runtimegate",
        "version": version,
        "rules": [rule_value(of_rule[rule]) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not errors,
                "exitCode": exit_code,
                "toolExecutionNotifications": [_notification(e, folder) for e in errors],
            }
        ],
        "results": _results(remarks, rules, folder),
        "properties": {"policyRevision": revision},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _results(remarks: Iterable[Remark], rules: dict[str, int], folder: str) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    results = []
    for remark in remarks:
        same = _fingerprint(remark)
        seen[same] += 1
        result = _result(remark, rules[remark.rule], folder)
        result["partialFingerprints"] = {FINGERPRINT: f"{same}:{seen[same]}"}
        results.append(result)
    return results


def _result(remark: Remark, rule: int, folder: str) -> dict[str, Any]:
    checked, grounds = remark.checked, remark.checked.decision.grounds
    finding = remark.finding
    told = {
        "reason": remark.reason,
        "fieldPath": remark.field_path,
        "policy": grounds.policy,
        "runtimeClass": grounds.runtime_class,
        "verdict": str(finding.verdict) if finding else None,
        "evidence": [entry.source for entry in finding.evidence] if finding else None,
    }
    names = (checked.pod.namespace, checked.manifest.kind, checked.name, remark.field_path)
    return {
        "ruleId": remark.rule,
        "ruleIndex": rule,
        "level": str(remark.level),
        "message": {"text": _plain(f"{remark.subject}: {remark.message}")},
        "locations": [
            {
                "physicalLocation": _place(checked.manifest.source, remark.mark, folder),
                "logicalLocations": [
                    {"name": checked.name, "fullyQualifiedName": "/".join(names), "kind": "object"}
                ],
            }
        ],
        "properties": {key: value for key, value in told.items() if value},
    }


def _notification(error: InputError, folder: str) -> dict[str, Any]:
    where = _place(error.source, (error.line, 1) if error.line else None, folder)
    return {
        "level": "error",
        "message": {"text": _plain(error.problem)},
        "locations": [{"physicalLocation": where}],
    }


def _place(source: str, mark: Mark | None, folder: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(source, folder)}
    if mark is not None:
        place["region"] = {"startLine": mark[0], "startColumn": mark[1]}
    return place


def _artifact(source: str, folder: str) -> dict[str, str]:
    """A path below ``folder`` from there, as a URI; of others the whole."""
    if source == STDIN:
        return {"uri": STDIN_SHOWN}
    # A name that is not UTF-8 is known by the bytes it has.
    path = PurePosixPath(source)
    if path.is_absolute() and not path.is_relative_to(folder):
        return {"uri": f"file://{_quoted(str(path))}"}
    inside = path.relative_to(folder) if path.is_absolute() else path
    return {"uri": _quoted(str(inside)), "uriBaseId": ROOT}


def _quoted(path: str) -> str:
    return quote(path.encode(errors="surrogateescape"))


def _fingerprint(remark: Remark) -> str:
    """The same for the same fault of the same object, wherever in the file it has moved to."""
    checked, finding = remark.checked, remark.finding
    container = finding.need.container if finding else None
    named = (
        remark.rule,
        remark.reason,
        checked.manifest.kind,
        checked.pod.namespace,
        checked.name,
        checked.pod.at,
        container.name if container else "",
        _INDEX.sub("", remark.field_path) if container else remark.field_path,
    )
    written = "\0".join(named).encode(errors="surrogatepass")
    return hashlib.sha256(written).hexdigest()[:32]


def _plain(text: str) -> str:
    """``text`` without what a viewer would show as a link: ``[click here](https://…)``."""
    return text.replace("](", "] (")
