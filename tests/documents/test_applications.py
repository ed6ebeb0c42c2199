from typing import Any

import pytest

from tests.documents.build import EVIDENCE, LEFT_OUT, error, load, load_tables, need, requirements
from webhook.core.applications import (
    Application,
    Clause,
    Evidence,
    Need,
    Recognition,
    Verified,
)
from webhook.core.images import parse_image_pattern
from webhook.core.names import Feature, Strength
from webhook.core.versions import interval_set, parse_interval

PROOF = Evidence(kind="issue", source="google/gvisor#88", date="2018-11-20")
RUN = {"runtime": "gvisor", "versions": [">=20240729.0"], "works": "yes", "evidence": [EVIDENCE]}


def only_application(text: str) -> Application:
    (application,) = load(text).compat.catalogue.applications
    return application


def test_an_application_may_be_known_by_its_image_and_need_nothing() -> None:
    assert only_application(requirements()) == Application(
        name="postgresql",
        title="postgresql",
        recognise=(Recognition(images=(parse_image_pattern("*/postgresql"),)),),
        origin="a.yaml:1",
    )


def test_a_shipped_application_says_so() -> None:
    (application,) = load_tables(requirements()).compat.catalogue.applications
    assert application.origin == "shipped"


def test_an_application_may_say_everything() -> None:
    text = requirements(
        title="PostgreSQL",
        recognise=[
            {
                "images": ["postgres"],
                "excludeImages": ["*/postgres-exporter"],
                "args": ["*postgres*"],
                "env": {"POSTGRES_PASSWORD": "*"},
                "labels": {"app.kubernetes.io/name": "postgresql*"},
            }
        ],
        evidence=[EVIDENCE],
        needs=[
            {
                "feature": "syscall:io_uring_setup",
                "strength": "required",
                "versions": [">=18"],
                "when": {"args": ["*io_uring*"]},
                "unless": {"env": {"SAFE": "1"}},
                "note": "reads and writes",
            }
        ],
        verified=[{**RUN, "applicationVersion": 15, "note": "slowly"}],
    )
    assert only_application(text) == Application(
        name="postgresql",
        title="PostgreSQL",
        recognise=(
            Recognition(
                images=(parse_image_pattern("postgres"),),
                exclude_images=(parse_image_pattern("*/postgres-exporter"),),
                clause=Clause(
                    words=("*postgres*",),
                    env={"POSTGRES_PASSWORD": "*"},
                    labels={"app.kubernetes.io/name": "postgresql*"},
                ),
            ),
        ),
        needs=(
            Need(
                feature=Feature("syscall:io_uring_setup"),
                strength=Strength.REQUIRED,
                versions=interval_set([parse_interval(">=18")]),
                when=Clause(words=("*io_uring*",)),
                unless=Clause(env={"SAFE": "1"}),
                note="reads and writes",
                evidence=(PROOF,),
            ),
        ),
        verified=(
            Verified(
                runtime="gvisor",
                versions=interval_set([parse_interval(">=20240729.0")]),
                works="yes",
                application_version="15",
                note="slowly",
                evidence=(PROOF,),
            ),
        ),
        origin="a.yaml:1",
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"title": LEFT_OUT}, "spec.title: must be given, such as postgresql"),
        ({"recognise": []}, "spec.recognise: must not be empty"),
        (
            {"recognise": [{}]},
            (
                "spec.recognise[0]: must hold at least one of args, env, labels, images, "
                "excludeImages"
            ),
        ),
        (
            {"recognise": [{"args": ["a"], "excludeImages": ["a"]}]},
            "spec.recognise[0].images: must be given where excludeImages is",
        ),
        (
            {"needs": [need(feature="syscall:*")]},
            "spec.needs[0].feature: must be one feature id, without *, not 'syscall:*'",
        ),
        (
            {"needs": [need(strength="must")]},
            (
                "spec.needs[0].strength: must be one of required, preferred, optional, observed, "
                "not 'must'"
            ),
        ),
        (
            {"needs": [need(evidence=LEFT_OUT)]},
            (
                "spec.needs[0].evidence: must be given, here or for the whole document in "
                "spec.evidence"
            ),
        ),
        (
            {"needs": [need(versions=["<20181108"])]},
            "spec.needs[0].versions: must be releases of the application, not '20181108'",
        ),
        (
            {"needs": [need(when={})]},
            "spec.needs[0].when: must hold at least one of args, env, labels",
        ),
        (
            {"verified": [{**RUN, "works": "perhaps"}]},
            "spec.verified[0].works: must be one of yes, partial, no, not 'perhaps'",
        ),
        (
            {"verified": [{**RUN, "versions": ["<4.1.0"]}]},
            "spec.verified[0].versions: must be a date such as 20260817.0 for gvisor, not '4.1.0'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(spec: dict[str, Any], message: str) -> None:
    assert error(requirements(**spec)) == message
