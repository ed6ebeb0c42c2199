"""What ``kubectl create -f FILE`` prints for the answers of the two webhooks.

``demo-cluster`` and its test compare this with the real kubectl on the real API server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.registration import WEBHOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Both streams of kubectl, and its exit code."""

    stdout: str
    stderr: str
    returncode: int

    @property
    def both(self) -> str:
        """As it stands on a terminal: kubectl prints warnings first."""
        return self.stderr + self.stdout


def created(file: str, kind: str, name: str, responses: Iterable[Mapping[str, Any]]) -> Printed:
    """What is printed when the webhooks answered with these ``response`` objects, in order."""
    answers = list(responses)
    warnings = dict.fromkeys(w for answer in answers for w in answer.get("warnings", ()))
    said = "".join(f"Warning: {warning}\n" for warning in warnings)
    refusal = next((answer for answer in answers if not answer["allowed"]), None)
    if refusal is None:
        return Printed(stdout=f"{kind.lower()}/{name} created\n", stderr=said, returncode=0)
    status = refusal.get("status", {})
    message = status.get("message") or status.get("reason")
    cause = (
        f"denied the request: {message}" if message else "denied the request without explanation"
    )
    error = (
        f"Error from server ({status.get('reason') or 'Forbidden'}): "
        f'error when creating "{file}": admission webhook "{WEBHOOK}" {cause}\n'
    )
    return Printed(stdout="", stderr=said + error, returncode=1)
