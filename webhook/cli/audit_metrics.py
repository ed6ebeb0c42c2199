"""The report of an audit as Prometheus metrics of bounded size, for a run that ends.

Nobody can scrape a CronJob. What it found is printed, written where node-exporter's textfile
collector picks it up, or pushed to a Pushgateway; all three hold the same gauges. Every label is of
a closed set, or of the first few of an open one with ``_other`` for the rest, which no namespace,
RuntimeClass or feature can be called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest, write_to_textfile
from prometheus_client.exposition import push_to_gateway

from webhook.cli.audit_json import Report, head_value
from webhook.core.audit import FAILING, State
from webhook.core.names import shown

PREFIX = "runtimegate_audit_"
MOST_NAMESPACES, MOST_CLASSES, MOST_FEATURES = 100, 30, 50
OTHER, NONE = "_other", "_none"
_JOB = "runtimegate-audit"
_PUSH_SECONDS = 30


def metrics_text(report: Report) -> str:
    """The metrics in the text format."""
    return generate_latest(_registry(report)).decode()


def write(report: Report, path: Path) -> str:
    """Write them whole or not at all, by a file beside it; what went wrong, else empty."""
    try:
        write_to_textfile(str(path), _registry(report))
    except OSError as error:
        return f"--metrics-file {shown(str(path), 200)}: {error.strerror}"
    return ""


def push(report: Report, url: str) -> str:
    """Put them into a Pushgateway in the place of the last run's; what went wrong, else empty."""
    try:
        push_to_gateway(url, job=_JOB, registry=_registry(report), timeout=_PUSH_SECONDS)
    except (OSError, ValueError) as error:
        return f"--push-metrics {shown(url, 200)}: {shown(str(error), 200)}"
    return ""


def _registry(report: Report) -> CollectorRegistry:
    registry = CollectorRegistry()
    head = head_value(report)
    for name, documentation, rows in _families(report, head):
        labels, *values = rows
        gauge = Gauge(PREFIX + name, documentation, labels, registry=registry)
        for *words, value in values:
            (gauge.labels(*words) if words else gauge).set(value)
    return registry


Family = tuple[str, str, list[Any]]
"""Name, what it is, and rows: the names of the labels, then each time their values and a number."""


def _families(report: Report, head: Mapping[str, Any]) -> Iterator[Family]:
    totals, states = head["totals"], [str(state) for state in State]
    by_state = totals["byState"]
    yield (
        "workloads",
        "Workloads and single pods by their worst state",
        [["state"], *([state, by_state[state]["subjects"]] for state in states)],
    )
    yield (
        "pods",
        "Pods that have not ended by their worst state",
        [["state"], *([state, by_state[state]["pods"]] for state in states)],
    )
    yield (
        "refused_workloads",
        "Workloads of which a pod would be refused if it were made anew",
        [[], [totals["refused"]["subjects"]]],
    )
    yield (
        "namespace_workloads",
        f"Workloads by namespace and worst state, {MOST_NAMESPACES} namespaces and the rest",
        [["namespace", "state"], *_by_namespace(head["namespaces"])],
    )
    classes: Counter[str] = Counter()
    for entry in head["runtimeClasses"]:
        classes[shown(entry["name"], 63) or NONE] += entry["pods"]
    yield (
        "runtime_class_pods",
        f"Pods by RuntimeClass, {MOST_CLASSES} and the rest",
        [["runtime_class"], *_first(classes, MOST_CLASSES)],
    )
    yield (
        "feature_workloads",
        f"Workloads by feature that their runtime lacks or limits, {MOST_FEATURES} and the rest",
        [["feature"], *_first(_by_feature(report), MOST_FEATURES)],
    )
    yield "not_looked_at", "What could not be listed or read", [[], [_incomplete(report)]]
    yield (
        "last_run_timestamp_seconds",
        "When this was found",
        [[], [report.about.generated_at.timestamp()]],
    )
    about = head["metadata"]
    yield (
        "info",
        "The policies and the compatibility data that were audited by",
        [["revision", "data_version"], [about["policies"]["revision"], about["dataVersion"], 1]],
    )


def _incomplete(report: Report) -> int:
    return len(report.missing) + len(report.errors)


def _by_namespace(namespaces: Iterable[Mapping[str, Any]]) -> Iterator[list[Any]]:
    """Those with the most that fails by name; of each state only what there is."""
    worst = sorted(namespaces, key=lambda n: (-_failing(n), -n["subjects"], n["name"]))
    counts: Counter[tuple[str, str]] = Counter()
    for number, namespace in enumerate(worst):
        name = shown(namespace["name"], 63) if number < MOST_NAMESPACES else OTHER
        for state, found in namespace["byState"].items():
            counts[name, state] += found["subjects"]
    for (name, state), count in counts.items():
        if count:
            yield [name, state, count]


def _failing(namespace: Mapping[str, Any]) -> int:
    return sum(int(namespace["byState"][state]["subjects"]) for state in FAILING)


def _by_feature(report: Report) -> Counter[str]:
    counts: Counter[str] = Counter()
    for subject in report.subjects:
        counts.update({shown(finding.feature, 100) for finding, _ in subject.findings()})
    return counts


def _first(counts: Mapping[str, int], most: int) -> Iterator[list[Any]]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    yield from ([name, count] for name, count in ordered[:most])
    if rest := sum(count for _, count in ordered[most:]):
        yield [OTHER, rest]
