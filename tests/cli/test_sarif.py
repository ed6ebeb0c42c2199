import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.build import classes, fact, pod, policy, rules, snapshot, table
from tests.cli.test_check_inputs import checked, database, postgres
from webhook.cli.check_inputs import Outcome
from webhook.cli.manifests import InputError
from webhook.cli.remarks import ADVICE, remarks_of
from webhook.cli.sarif import FINGERPRINT, sarif_log
from webhook.cli.sarif_rules import REASONS
from webhook.core.names import Action, Mode, Reason, Support, Verdict

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "additionalProperties": False,
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "additionalProperties": False,
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "additionalProperties": False,
                    "properties": {
                        "uri": {"type": "string", "pattern": r"^[A-Za-z0-9/._~%:-]+$"},
                        "uriBaseId": {"const": "%SRCROOT%"},
                    },
                },
                "region": {
                    "type": "object",
                    "required": ["startLine", "startColumn"],
                    "additionalProperties": False,
                    "properties": {
                        "startLine": {"type": "integer", "minimum": 1},
                        "startColumn": {"type": "integer", "minimum": 1},
                    },
                },
            },
        },
        "logicalLocations": {"type": "array", "maxItems": 1},
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string", "minLength": 1},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["error", "warning", "note"]},
        "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {"type": "object"},
    },
}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "fullDescription", "help", "helpUri"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": {**TEXT, "required": ["text", "markdown"]},
        "helpUri": {"type": "string", "pattern": "^https://"},
        "defaultConfiguration": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"level": {"enum": ["error", "warning", "note"]}},
        },
        "properties": {"type": "object", "required": ["tags"]},
    },
}
# What we write of SARIF 2.1.0, stricter than its own schema, which leaves most of it open.
LOG = Draft202012Validator(
    {
        "type": "object",
        "required": ["$schema", "version", "runs"],
        "properties": {
            "version": {"const": "2.1.0"},
            "runs": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": {
                    "type": "object",
                    "required": ["tool", "results", "invocations", "columnKind"],
                    "properties": {
                        "tool": {
                            "type": "object",
                            "properties": {
                                "driver": {
                                    "type": "object",
                                    "required": ["name", "version", "rules"],
                                    "properties": {"rules": {"type": "array", "items": RULE}},
                                }
                            },
                        },
                        "columnKind": {"const": "unicodeCodePoints"},
                        "results": {"type": "array", "items": RESULT},
                    },
                },
            },
        },
    }
)


def run_of(outcome: Outcome, *errors: InputError, code: int = 1) -> dict[str, Any]:
    """The one run of the log, whose shape is held against the schema."""
    log = sarif_log(
        [remark for result in outcome.results for remark in remarks_of(result)],
        errors,
        version="1.2.3",
        revision="3f2a9c1d",
        exit_code=code,
        folder="/repo",
    )
    log = json.loads(json.dumps(log))
    LOG.validate(log)
    run: dict[str, Any] = log["runs"][0]
    return run


def test_a_refusal_is_an_error_at_its_field_with_the_rule_of_its_feature() -> None:
    run = run_of(checked(postgres(), using=database()))
    (result,) = run["results"]
    assert result["ruleId"] == "syscall:sync_file_range"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] == "error"
    assert result["message"]["text"] == (
        "Pod tenant-a/db: policy tenants: RuntimeClass gvisor cannot run postgresql: "
        "syscall sync_file_range is missing\n"
        "container db (docker.io/library/postgres:11): needs syscall:sync_file_range; "
        "gVisor 20260817.0 does not have it (google/gvisor#88)\n"
        "use runtimeClassName: kata-qemu"
    )
    text = json.dumps(postgres())
    assert result["locations"][0] == {
        "physicalLocation": {
            "artifactLocation": {"uri": "x.yaml", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 1, "startColumn": text.index('"image"') + 1},
        },
        "logicalLocations": [
            {
                "name": "db",
                "fullyQualifiedName": "tenant-a/Pod/db/spec.containers[0].image",
                "kind": "object",
            }
        ],
    }
    assert result["properties"] == {
        "reason": "RuntimeIncompatible",
        "fieldPath": "spec.containers[0].image",
        "policy": "tenants",
        "runtimeClass": "gvisor",
        "verdict": "incompatible",
        "evidence": ["google/gvisor#88"],
    }


def test_a_refused_class_has_the_rule_of_its_reason() -> None:
    (result,) = run_of(checked(pod(runtimeClassName="runc")))["results"]
    assert (result["ruleId"], result["level"]) == ("RuntimeClassNotAllowed", "error")


@pytest.mark.parametrize(("mode", "level"), [(Mode.WARN, "warning"), (Mode.AUDIT, "note")])
def test_what_a_mode_holds_back_weighs_less(mode: Mode, level: str) -> None:
    watching = snapshot(policy(governs=rules(classes("gvisor", "gvisor"), mode=mode)))
    (result,) = run_of(checked(pod(runtimeClassName="runc"), using=watching))["results"]
    assert (result["ruleId"], result["level"]) == ("RuntimeClassNotAllowed", level)


@pytest.mark.parametrize(
    ("action", "levels"),
    [(Action.WARN, ["warning"]), (Action.AUDIT, ["note"]), (Action.IGNORE, [])],
)
def test_a_finding_that_refuses_nothing_weighs_what_the_policy_says(
    action: Action, levels: list[str]
) -> None:
    lenient = snapshot(
        policy(governs=rules(classes(), actions={Verdict.INCOMPATIBLE: action})),
        compat=table(fact("pod:hostNetwork", Support.ABSENT)),
    )
    run = run_of(checked(pod(hostNetwork=True), using=lenient))
    assert [result["level"] for result in run["results"]] == levels


def test_advice_has_a_rule_of_its_own() -> None:
    declared = pod(annotations={"runtimegate.dev/needs": "nonsense"})
    (result,) = run_of(checked(declared))["results"]
    assert (result["ruleId"], result["level"]) == (ADVICE, "warning")


def test_of_a_pod_that_is_simply_assigned_there_is_nothing_to_say() -> None:
    assert run_of(checked(pod()), code=0)["results"] == []


def test_every_reason_of_a_pod_has_a_text() -> None:
    guards = {Reason.RUNTIME_CLASS_IN_USE, Reason.NAMESPACE_GUARDED}
    assert set(REASONS) == {*Reason, ADVICE} - guards


def test_a_fingerprint_stays_when_the_object_moves_and_changes_with_the_object() -> None:
    def fingerprint(*objects: Any) -> str:
        *_, result = run_of(checked(*objects, using=database()))["results"]
        return str(result["partialFingerprints"][FINGERPRINT])

    sidecar = postgres()
    sidecar["spec"]["containers"].insert(0, {"name": "a", "image": "b"})
    assert fingerprint(postgres()) == fingerprint(pod(), postgres()) == fingerprint(sidecar)
    assert fingerprint(postgres()) != fingerprint({**postgres(), "metadata": {"name": "other"}})


def test_two_faults_that_are_alike_are_told_apart() -> None:
    run = run_of(checked(postgres(), postgres(), using=database()))
    prints = [result["partialFingerprints"][FINGERPRINT] for result in run["results"]]
    assert len(set(prints)) == 2


def test_what_cannot_be_read_is_a_notification_of_a_run_that_failed() -> None:
    run = run_of(
        checked(), InputError(source="/repo/a b.yaml", line=7, problem="is broken"), code=2
    )
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    (told,) = invocation["toolExecutionNotifications"]
    assert told["message"]["text"] == "is broken"
    assert told["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 7, "startColumn": 1},
    }


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        ("-", "STDIN"),
        ("./a/b.yaml", "a/b.yaml"),
        ("/elsewhere/ü.yaml", "file:///elsewhere/%C3%BC.yaml"),
        ("a\udcff%\x1b.yaml", "a%FF%25%1B.yaml"),
    ],
)
def test_a_file_is_named_by_a_uri(source: str, uri: str) -> None:
    run = run_of(checked(), InputError(source=source, problem="x"))
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_a_name_that_would_be_a_link_is_none() -> None:
    hostile = pod(name="[free](https://evil.example)", runtimeClassName="runc")
    (result,) = run_of(checked(hostile))["results"]
    assert "](" not in result["message"]["text"]


def test_of_one_pod_a_bounded_number_of_things_is_said() -> None:
    needs = ", ".join(f"syscall:a{n}" for n in range(500))
    strict = snapshot(compat=table(fact("syscall:*")))
    declared = pod(annotations={"runtimegate.dev/needs": needs})
    results = run_of(checked(declared, using=strict))["results"]
    assert 1 < len(results) <= 50
