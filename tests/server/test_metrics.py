import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.build import inventory, profile, review_bytes, snapshot
from webhook.live.cluster import ClusterState
from webhook.live.current import Current
from webhook.live.reload import ReloadState
from webhook.server.metrics import Metrics, NamedClasses, Readings
from webhook.wire.admit import Door, admit

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)


def readings(**tweak: Any) -> Readings:
    values: dict[str, Any] = {
        "version": "1",
        "revision": "r",
        "compat_version": "c",
        "policies": 3,
        "ready": True,
        "draining": False,
        "in_flight": 2,
    }
    return Readings(**(values | tweak))


def samples(metrics: Metrics, of: Readings) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    page = metrics.page(of).decode()
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(page)
        for s in family.samples
    }


def value(found: dict[tuple[str, tuple[tuple[str, str], ...]], float], name: str) -> float | None:
    return next((v for (n, _), v in found.items() if n == name), None)


def test_each_review_is_counted_once_with_its_decision() -> None:
    metrics = Metrics()
    outcome = admit(review_bytes(), snapshot(), Door.MUTATE)
    metrics.record(outcome, 0.00007)
    metrics.record(outcome, 0.5)
    found = samples(metrics, readings())
    labels = {
        "webhook": "mutate",
        "operation": "CREATE",
        "resource": "pods",
        "decision": "assign",
        "would": "",
        "mode": "enforce",
        "policy": "tenants",
        "reason": "",
    }
    assert found["runtimegate_reviews_total", tuple(sorted(labels.items()))] == 2
    bucket = "runtimegate_review_seconds_bucket"
    assert found[bucket, (("le", "0.0001"), ("webhook", "mutate"))] == 1
    assert found[bucket, (("le", "+Inf"), ("webhook", "mutate"))] == 2
    assert found["runtimegate_review_seconds_count", (("webhook", "validate"),)] == 0


def assigned(metrics: Metrics) -> dict[tuple[tuple[str, str], ...], float]:
    found = samples(metrics, readings())
    return {labels: v for (n, labels), v in found.items() if n == "runtimegate_assignments_total"}


def test_assignments_are_counted_by_a_class_that_the_policies_name() -> None:
    metrics = Metrics(classes=NamedClasses(Current(snapshot())))
    metrics.record(admit(review_bytes(), snapshot(), Door.MUTATE), 0.1)
    metrics.record(admit(review_bytes(), snapshot(), Door.VALIDATE), 0.1)
    assert assigned(metrics) == {(("policy", "tenants"), ("runtime_class", "gvisor")): 1}


def test_a_class_that_nobody_named_is_counted_as_other() -> None:
    metrics = Metrics()
    metrics.record(admit(review_bytes(), snapshot(), Door.MUTATE), 0.1)
    assert assigned(metrics) == {(("policy", "tenants"), ("runtime_class", "other")): 1}


def test_classes_are_those_of_the_policies_in_force() -> None:
    current = Current(snapshot())
    classes = NamedClasses(current)
    assert ("gvisor" in classes, "kata-mine" in classes, "new" in classes) == (True, False, False)
    current.replace(inventory=inventory(new=profile("kata")))
    assert "new" in classes


def test_calls_without_a_verdict_are_counted_by_status() -> None:
    metrics = Metrics()
    metrics.record_error("validate", 413)
    found = samples(metrics, readings())
    key = ("runtimegate_review_errors_total", (("status", "413"), ("webhook", "validate")))
    assert found[key] == 1


def test_no_series_tells_only_when_it_was_made() -> None:
    metrics = Metrics()
    metrics.record_error("validate", 413)
    assert not [name for name, _ in samples(metrics, readings()) if name.endswith("_created")]


def test_states_are_those_of_the_moment() -> None:
    cluster = ClusterState(synced=True, age_seconds=7.0, sizes={"nodes": 4}, problems=())
    reload = ReloadState(generation=3, succeeded_at=MOMENT, failures=2, errors=("x",))
    found = samples(
        Metrics(),
        readings(
            reload=reload,
            cluster=cluster,
            certificate_not_after=MOMENT,
            certificate_problem=True,
            lines_dropped=5,
            exemptions=(("tenants", "agent", MOMENT),),
        ),
    )
    seconds = MOMENT.timestamp()
    for name, expected in (
        ("runtimegate_policies", 3),
        ("runtimegate_ready", 1),
        ("runtimegate_draining", 0),
        ("runtimegate_reviews_in_flight", 2),
        ("runtimegate_log_lines_dropped_total", 5),
        ("runtimegate_policy_reload_success_timestamp_seconds", seconds),
        ("runtimegate_policy_reload_failing", 1),
        ("runtimegate_exemption_expires_timestamp_seconds", seconds),
        ("runtimegate_policy_reloads_total", 2),
        ("runtimegate_policy_reload_failures_total", 2),
        ("runtimegate_cluster_synced", 1),
        ("runtimegate_cluster_age_seconds", 7),
        ("runtimegate_cluster_objects", 4),
        ("runtimegate_certificate_not_after_timestamp_seconds", seconds),
        ("runtimegate_certificate_problem", 1),
    ):
        assert value(found, name) == expected, name
    assert found["runtimegate_build_info", (("version", "1"),)] == 1
    assert found["runtimegate_policy_info", (("compat_version", "c"), ("revision", "r"))] == 1


def test_what_is_not_in_use_has_no_value() -> None:
    found = samples(Metrics(), readings())
    for name in (
        "runtimegate_cluster_synced",
        "runtimegate_certificate_not_after_timestamp_seconds",
        "runtimegate_certificate_problem",
        "runtimegate_policy_reload_failing",
    ):
        assert value(found, name) is None, name


WORKER = """
import os
from tests.build import inventory, profile, review_bytes, snapshot
from tests.server.test_metrics import readings
from webhook.server.metrics import Metrics
from webhook.wire.admit import Door, admit

metrics = Metrics()
for _ in range(2):
    if os.fork() == 0:
        for _ in range(5):
            metrics.record(admit(review_bytes(), snapshot(), Door.MUTATE), 0.001)
        os._exit(0)
    os.wait()
print(metrics.page(readings()).decode())
"""


def test_the_counters_of_several_workers_add_up(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    page = subprocess.run(
        [sys.executable, "-c", WORKER],
        env=environ,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = {
        s.name: s.value
        for family in text_string_to_metric_families(page)
        for s in family.samples
        if s.labels.get("webhook", "mutate") == "mutate"
    }
    assert found["runtimegate_reviews_total"] == 10
    assert found["runtimegate_review_seconds_count"] == 10
    assert found["runtimegate_policies"] == 3
