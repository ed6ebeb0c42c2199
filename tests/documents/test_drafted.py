from datetime import date
from typing import Any

import pytest

from tests.build import pod
from tests.core.test_drafting import LADDER, drafted
from tests.core.test_survey import running
from webhook.core.drafting import draft
from webhook.core.survey import Survey
from webhook.documents.drafted import About, drafted_files
from webhook.documents.folder import load_policies
from webhook.live.shipped import shipped

ABOUT = About(origin="a saved cluster", today=date(2026, 11, 24))


def text_of(*objects: dict[str, Any], file: str = "namespaces/team.yaml") -> str:
    return drafted_files(drafted(*objects), ABOUT)[file]


def test_a_reviewer_is_told_of_an_override_that_does_not_isolate_and_has_no_account() -> None:
    review = "# REVIEW: not isolated, and chosen by what any author of a pod here may write."
    assert review in text_of(running("agent", hostNetwork=True))
    assert review not in text_of(running("agent", hostNetwork=True, serviceAccountName="agent"))


@pytest.mark.parametrize(("asked", "isolated"), [("runc", False), ("kata-clh", True), ("x", False)])
def test_a_class_that_is_named_and_isolates_needs_no_review(asked: str, isolated: bool) -> None:
    text = text_of(running("web", runtimeClassName=asked))
    assert f"may go on with {asked}, the class that it names itself." in text
    assert ("REVIEW: not isolated" not in text) == isolated


def test_pods_that_an_override_takes_besides_are_named() -> None:
    text = text_of(running("web"), running("agent", hostNetwork=True))
    assert "# It also takes Pod team/web (1 pod), which nothing that it reads tells apart." in text


def test_a_namespace_called_like_a_file_of_the_draft_has_its_own() -> None:
    survey = Survey(ladder=LADDER)
    for name in ("others", "inventory", "everything-on-gvisor"):
        survey.add(pod(name=name), name)
    survey.add(pod(name="agent", hostNetwork=True), "others")
    files = drafted_files(draft(survey.workloads(), LADDER, whole=True), ABOUT)
    assert sorted(files) == [
        "inventory.yaml", "namespaces/others.yaml", "others.yaml", "sandboxed.yaml",
    ]  # fmt: skip
    loaded = load_policies([(n, t.encode()) for n, t in files.items()], shipped())
    governing = {
        name: policy.name
        for name in ("others", "inventory", "everything-on-gvisor", "tomorrow")
        if (policy := loaded.policies.policy_for(name, {}))
    }
    assert governing == {
        "others": "others", "inventory": "everything-on-gvisor-2",
        "everything-on-gvisor": "everything-on-gvisor-2", "tomorrow": "others-2",
    }  # fmt: skip


def test_of_a_part_of_a_cluster_nothing_is_said_of_the_rest() -> None:
    assert "others.yaml" not in drafted_files(drafted(running("web"), whole=False), ABOUT)
