"""PolicyTest: the model of the document. A test is input of ``policy test`` and of nobody else.

What a case leaves out is the document's: ``date``, ``namespace``, ``user`` and ``cluster`` whole,
``expect`` key by key. The words of ``expect`` are those of ``check -o json``; ``''`` is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from webhook.core.pod import mapping
from webhook.documents.models import (
    Day,
    Matching,
    Metadata,
    Model,
    first_repeated,
    misplaced,
)
from webhook.documents.policy_test_expected import Expected
from webhook.documents.policy_test_given import (
    GivenCluster,
    GivenNamespace,
    GivenPod,
    GivenUser,
    RawObject,
    RelativePath,
    Selection,
)

_STRICT = Field(strict=True)
CaseName = Annotated[
    str,
    _STRICT,
    Matching(r"[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", "one line of text", 200),
]


class Case(Model):
    """One pod, or the pods of some manifests, and what must become of them."""

    name: CaseName = Field(
        description="What holds, as a sentence; unique within the document.",
        examples=["runc is not for tenants"],
    )
    pod: GivenPod | None = Field(default=None, description="The pod.")
    objects: tuple[RawObject, ...] = Field(
        default=(), min_length=1, description="Pods and workloads, whole, in place of pod."
    )
    files: tuple[RelativePath, ...] = Field(
        default=(),
        min_length=1,
        description="Manifests, in place of pod: paths from this document's file, within the "
        "policy folder. Every pod and pod template in them must be as expected.",
    )
    only: Selection | None = Field(
        default=None, description="Of objects and files, the objects that the case is about."
    )
    old_pod: GivenPod | None = Field(
        default=None, description="The pod as it was: the case is an update of it to pod."
    )
    subresource: Literal["ephemeralcontainers", "resize"] | None = Field(
        default=None, description="With oldPod: the subresource that the update came by."
    )
    day: Day | None = Field(default=None, alias="date", description="The day (UTC) to judge as of.")
    namespace: GivenNamespace | None = Field(
        default=None, description="Where the pods are that name no namespace."
    )
    user: GivenUser | None = Field(default=None, description="Who asks.")
    cluster: GivenCluster | None = Field(
        default=None, description="What is known of the cluster. Omitted: nothing."
    )
    expect: Expected = Field(
        description="What must become of the pods.", examples=["{decision: deny}"]
    )

    @model_validator(mode="after")
    def _is_about_something(self) -> Self:
        listed = "objects" if self.objects else "files" if self.files else ""
        if not self.pod and not listed:
            raise ValueError("must be about a pod: give pod, objects or files")
        if self.pod and listed:
            raise misplaced(listed, message="must not be given beside pod")
        if self.only and not listed:
            raise misplaced("only", message="chooses among objects and files: give them")
        if self.old_pod and not self.pod:
            raise misplaced("oldPod", message="is what pod was: give pod")
        if self.subresource and not self.old_pod:
            raise misplaced("subresource", message="is of an update: give oldPod")
        return self


class PolicyTestSpec(Model):
    """Cases, and what they share."""

    day: Day | None = Field(
        default=None,
        alias="date",
        description="The day (UTC) to judge as of: exemptions end, releases age. Each case has "
        "one, here or itself, so that a test does not change with the calendar.",
        examples=["2026-11-24"],
    )
    namespace: GivenNamespace | None = Field(
        default=None, description="Where the pods are that name no namespace."
    )
    user: GivenUser | None = Field(default=None, description="Who asks. Omitted: nobody known.")
    cluster: GivenCluster | None = Field(
        default=None, description="What is known of the cluster. Omitted: nothing."
    )
    expect: Expected | None = Field(
        default=None, description="What every case expects, unless it gives the key itself."
    )
    cases: tuple[Case, ...] = Field(
        min_length=1, description="The cases.", examples=["[{name: …, pod: …, expect: …}]"]
    )

    @model_validator(mode="after")
    def _cases_are_whole(self) -> Self:
        if repeated := first_repeated([case.name for case in self.cases]):
            first, second = repeated
            message = f"is the name of cases[{first}] too"
            raise misplaced("cases", second, "name", message=message)
        for index, case in enumerate(self.cases):
            for below, message in self._lacks(case):
                raise misplaced("cases", index, *below, message=message)
        return self

    def _lacks(self, case: Case) -> Iterator[tuple[tuple[str, ...], str]]:
        if self.day_of(case) is None:
            yield (), "needs a day to judge as of: give date, here or in spec"
        own = mapping(case.pod.metadata).get("namespace") if case.pod else None
        if case.pod and not own and not (case.namespace or self.namespace):
            yield (), "needs to know where the pod is: give namespace, here or in spec"
        if own and case.namespace and own != case.namespace.name:
            yield (
                ("pod", "metadata", "namespace"),
                f"is not {case.namespace.name}, as the case says",
            )
        if contradiction := self.expected_of(case).contradiction():
            key, message = contradiction
            yield ("expect", key), message

    def day_of(self, case: Case) -> date | None:
        """The day to judge ``case`` as of."""
        return case.day or self.day

    def expected_of(self, case: Case) -> Expected:
        """All that ``case`` expects."""
        return case.expect.over(self.expect)


class PolicyTest(Model):
    """What must become of pods under the policies of the folder; read by policy test only."""

    api_version: Literal["runtimegate.dev/v1"] = Field(description="The version of the format.")
    kind: Literal["PolicyTest"] = Field(description="What the document is.")
    metadata: Metadata = Field(description="What the document is called.")
    spec: PolicyTestSpec = Field(description="The cases, and what they share.")
