from typing import Any

from tests.demo.kubectl import Printed, created

ALLOWED: dict[str, Any] = {"uid": "1", "allowed": True}


def test_a_pod_that_is_let_through_is_created() -> None:
    assert created("web.yaml", "Pod", "web", [ALLOWED, ALLOWED]) == Printed(
        stdout="pod/web created\n", stderr="", returncode=0
    )


def test_warnings_stand_before_the_outcome_and_each_once() -> None:
    first = {**ALLOWED, "warnings": ["a", "b"]}
    printed = created("web.yaml", "Pod", "web", [first, {**ALLOWED, "warnings": ["b", "c"]}])
    assert printed.both == "Warning: a\nWarning: b\nWarning: c\npod/web created\n"


def test_a_refusal_is_an_error_with_the_message_as_it_is() -> None:
    status = {"code": 403, "reason": "Forbidden", "message": "policy x: no\n  use y"}
    refused = {"uid": "1", "allowed": False, "status": status}
    assert created("db.yaml", "Pod", "db", [ALLOWED, refused]) == Printed(
        stdout="",
        stderr=(
            'Error from server (Forbidden): error when creating "db.yaml": admission webhook '
            '"pods.runtimegate.dev" denied the request: policy x: no\n  use y\n'
        ),
        returncode=1,
    )
