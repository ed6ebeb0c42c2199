import pytest

from tests.build import classes, pod, policy, rules, snapshot
from tests.cli.test_check_inputs import checked, database, postgres, workload
from webhook.cli.report import as_json, summary, text_report
from webhook.core.names import Mode


def test_a_person_reads_a_line_a_pod_and_below_it_the_refusal() -> None:
    deployment = workload("apps/v1", "Deployment", "spec.template", postgres())
    outcome = checked(
        pod(), pod(namespace="other", runtimeClassName="runc"), deployment, using=database()
    )
    assert list(text_report(outcome.results)) == [
        "x.yaml",
        "  assign  Pod tenant-a/web        gvisor  policy tenants",
        "  keep    Pod other/web           runc    no policy matches the namespace",
        "  deny    Deployment tenant-a/it  gvisor  policy tenants, RuntimeIncompatible",
        (
            "          policy tenants: RuntimeClass gvisor cannot run postgresql: "
            "syscall sync_file_range is missing (container db); "
            "use runtimeClassName: kata-qemu in its pod template"
        ),
        (
            "            container db (docker.io/library/postgres:11): "
            "needs syscall:sync_file_range; "
            "gVisor 20260817.0 does not have it (google/gvisor#88)"
        ),
        "            at x.yaml:5:154 spec.template.spec.containers[0].image",
    ]


def test_a_warning_stands_below_its_pod() -> None:
    (_, line, warning) = text_report(
        checked(pod(annotations={"runtimegate.dev/needs": "nonsense"})).results
    )
    assert line == "  assign  Pod tenant-a/web  gvisor  policy tenants"
    assert warning == (
        "          warning: annotation runtimegate.dev/needs: "
        "nonsense is no feature id and was left out"
    )


def test_of_a_policy_that_only_watches_the_refusal_is_told_once() -> None:
    watching = snapshot(policy(governs=rules(classes("gvisor", "gvisor"), mode=Mode.WARN)))
    outcome = checked(pod(runtimeClassName="runc"), using=watching)
    assert list(text_report(outcome.results)) == [
        "x.yaml",
        (
            "  keep    Pod tenant-a/web  runc  "
            "policy tenants, mode warn: would deny, RuntimeClassNotAllowed"
        ),
        (
            "          policy tenants: RuntimeClass runc is not allowed in namespace tenant-a; "
            "allowed: gvisor; use runtimeClassName: gvisor"
        ),
        "            at x.yaml:1:149 spec.runtimeClassName",
    ]


def test_colours_are_those_of_the_decision() -> None:
    painted = list(text_report(checked(pod()).results, lambda text, colour: f"<{colour}:{text}>"))
    assert painted[1] == "  <cyan:assign>  Pod tenant-a/web  gvisor  policy tenants"


@pytest.mark.parametrize("hostile", ["a\x1b[2Jb", "a\nb", "a\u202eb", "a\x9bb"])
def test_what_a_tenant_wrote_reaches_the_terminal_escaped(hostile: str) -> None:
    outcome = checked(pod(name=hostile), pod(runtimeClassName=hostile, namespace="other"))
    said = [*text_report(outcome.results), *as_json([r.name for r in outcome.results]).split("\n")]
    assert all(line.isprintable() for line in said)


def test_the_summary_counts() -> None:
    outcome = checked(pod(), postgres(), pod(namespace="other"), using=database())
    told = summary(outcome.results, skipped=2, errors=1, revision="3f2a9c1d")
    assert told == (
        "3 pods: 1 kept, 1 assigned, 1 refused; 2 other objects skipped; "
        "1 error in the input; policies 3f2a9c1d"
    )


def test_the_summary_counts_what_enforce_would_do() -> None:
    watching = snapshot(policy(governs=rules(classes("gvisor", "gvisor"), mode=Mode.AUDIT)))
    outcome = checked(pod(), pod(runtimeClassName="runc"), using=watching)
    told = summary(outcome.results, skipped=0, errors=0, revision="")
    assert told == "2 pods: 2 kept, 1 would be assigned, 1 would be refused"


def test_of_nothing_the_summary_says_so() -> None:
    assert summary((), skipped=1, errors=0, revision="") == "0 pods; 1 other object skipped"
