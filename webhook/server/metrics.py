"""Metrics: their names and labels in one place, every label from a small closed set.

What counts up is counted by each worker and summed when scraped (prometheus-client's
multiprocess mode, when there are several). What is a state (policies, caches, certificate) is
read when scraped, from the worker that answers; all workers follow the same files and cluster.
"""

import os
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from webhook.core.decision import Assign, Keep
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory
from webhook.live.cluster import ClusterState
from webhook.live.current import Current
from webhook.live.reload import ReloadState
from webhook.wire.admit import Outcome
from webhook.wire.response import decision_word, reason_of

CONTENT_TYPE = CONTENT_TYPE_LATEST
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_BUCKETS = (
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1, 0.25, 0.5, 1.0,
)  # fmt: skip
_OPERATIONS = frozenset({"CREATE", "UPDATE", "DELETE", "CONNECT"})
_OTHER = "other"
REVIEW_LABELS = (
    "webhook", "operation", "resource", "decision", "would", "mode", "policy", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """The state of a server, as metrics show it; None is not known or not in use."""

    version: str
    revision: str
    compat_version: str
    policies: int
    ready: bool
    draining: bool
    in_flight: int
    lines_dropped: int = 0
    reload: ReloadState | None = None
    cluster: ClusterState | None = None
    certificate_not_after: datetime | None = None
    ca_not_after: datetime | None = None
    certificate_problem: bool = False
    exemptions: tuple[tuple[str, str, datetime], ...] = ()


class Metrics:
    """The counters of reviews, and the page that shows everything."""

    def __init__(self, *, classes: Container[str] = ()) -> None:
        # Or every series has a second one, with its birthday.
        disable_created_metrics()
        self._registry = CollectorRegistry()
        self._reviews = Counter(
            "runtimegate_reviews",
            "Reviews answered with a verdict.",
            REVIEW_LABELS,
            registry=self._registry,
        )
        self._seconds = Histogram(
            "runtimegate_review_seconds",
            "Time from a whole request body to its answer.",
            ("webhook",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._errors = Counter(
            "runtimegate_review_errors",
            "Calls of a webhook answered with an HTTP error, by status code.",
            ("webhook", "status"),
            registry=self._registry,
        )
        self._assignments = Counter(
            "runtimegate_assignments",
            "Pods that were given a RuntimeClass.",
            ("policy", "runtime_class"),
            registry=self._registry,
        )
        self._classes = classes
        # A counter's own look-up of its labels takes a lock, and longer than to count.
        self._review = cache(self._reviews.labels)
        self._assignment = cache(self._assignments.labels)
        self._timers = {door: self._seconds.labels(door) for door in ("mutate", "validate")}

    def record(self, outcome: Outcome, seconds: float) -> None:
        """Count one review."""
        decision = outcome.decision
        grounds = decision.grounds
        would = decision.would if isinstance(decision, Keep) else None
        operation = outcome.request.operation
        self._review(
            outcome.door.value,
            operation if operation in _OPERATIONS else _OTHER,
            outcome.resource,
            decision_word(decision),
            decision_word(would) if would is not None else "",
            grounds.mode or "",
            grounds.policy or "",
            reason_of(decision),
        ).inc()
        self._timers[outcome.door.value].observe(seconds)
        if isinstance(decision, Assign):
            # A namespace may choose among "kata-*": a name that it makes up is no label.
            name = decision.runtime_class if decision.runtime_class in self._classes else _OTHER
            self._assignment(grounds.policy or "", name).inc()

    def record_error(self, door: str, status: int) -> None:
        """Count one call that got no verdict."""
        self._errors.labels(door, str(status)).inc()

    def page(self, readings: Readings) -> bytes:
        """Everything, in Prometheus's text format."""
        registry = CollectorRegistry()
        registry.register(_State(readings))
        ProcessCollector(registry=registry)
        if os.environ.get(MULTIPROCESS_VARIABLE):
            MultiProcessCollector(registry)
            return generate_latest(registry)
        return generate_latest(registry) + generate_latest(self._registry)


class NamedClasses:
    """Whether the inventory or a policy in force names a RuntimeClass: then it may be a label."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._of: tuple[PolicySet, Inventory] | None = None
        self._names: frozenset[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        policies, inventory = self._current.snapshot.policies, self._current.snapshot.inventory
        if self._of is None or self._of[0] is not policies or self._of[1] is not inventory:
            self._names = frozenset(_classes_named(policies, inventory))
            self._of = (policies, inventory)
        return name in self._names


def _classes_named(policies: PolicySet, inventory: Inventory) -> Iterator[str]:
    yield from inventory.by_class
    for policy in policies.policies:
        for rules in (policy.rules, *(override.rules for override in policy.overrides)):
            classes = rules.runtime_classes
            yield from (classes.default or "", *classes.fallback, *classes.allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gauge:
    """One state: ``read`` gives its values, each with those of ``labels``; none when unknown."""

    name: str
    help: str
    read: Callable[[Readings], Iterable[tuple[tuple[str, ...], float]]]
    labels: tuple[str, ...] = field(default=())
    counts_up: bool = False


def _one(value: float | None) -> Iterator[tuple[tuple[str, ...], float]]:
    if value is not None:
        yield (), float(value)


def _moment(value: datetime | None) -> Iterator[tuple[tuple[str, ...], float]]:
    return _one(value.timestamp() if value else None)


_STATES: tuple[_Gauge, ...] = (
    _Gauge(
        name="runtimegate_build_info",
        help="The version of the program.",
        labels=("version",),
        read=lambda r: [((r.version,), 1.0)],
    ),
    _Gauge(
        name="runtimegate_policy_info",
        help="The revision of the policies and the version of the compatibility data in force.",
        labels=("revision", "compat_version"),
        read=lambda r: [((r.revision, r.compat_version), 1.0)],
    ),
    _Gauge(
        name="runtimegate_policies",
        help="Policies in force.",
        read=lambda r: _one(r.policies),
    ),
    _Gauge(
        name="runtimegate_ready",
        help="1 when /readyz says so.",
        read=lambda r: _one(r.ready),
    ),
    _Gauge(
        name="runtimegate_draining",
        help="1 from the request to stop until the end.",
        read=lambda r: _one(r.draining),
    ),
    _Gauge(
        name="runtimegate_reviews_in_flight",
        help="Reviews being read, decided or answered.",
        read=lambda r: _one(r.in_flight),
    ),
    _Gauge(
        name="runtimegate_log_lines_dropped",
        help="Log lines of reviews that could not be written without waiting.",
        read=lambda r: _one(r.lines_dropped),
        counts_up=True,
    ),
    _Gauge(
        name="runtimegate_policy_reload_success_timestamp_seconds",
        help="When the policies in force were loaded.",
        read=lambda r: _moment(r.reload.succeeded_at if r.reload else None),
    ),
    _Gauge(
        name="runtimegate_policy_reload_failing",
        help="1 while the policy folder is refused and older policies are served.",
        read=lambda r: _one(bool(r.reload.errors) if r.reload else None),
    ),
    _Gauge(
        name="runtimegate_policy_reloads",
        help="Policy folders taken over since the start.",
        read=lambda r: _one(r.reload.generation - 1 if r.reload else None),
        counts_up=True,
    ),
    _Gauge(
        name="runtimegate_policy_reload_failures",
        help="Policy folders refused since the start.",
        read=lambda r: _one(r.reload.failures if r.reload else None),
        counts_up=True,
    ),
    _Gauge(
        name="runtimegate_exemption_expires_timestamp_seconds",
        help="When an exemption ends; one that never does is left out.",
        labels=("policy", "exemption"),
        read=lambda r: [((p, e), at.timestamp()) for p, e, at in r.exemptions],
    ),
    _Gauge(
        name="runtimegate_cluster_synced",
        help="1 when namespaces, RuntimeClasses and nodes have been listed.",
        read=lambda r: _one(r.cluster.synced if r.cluster else None),
    ),
    _Gauge(
        name="runtimegate_cluster_age_seconds",
        help="Time since the API server was last heard of.",
        read=lambda r: _one(r.cluster.age_seconds if r.cluster else None),
    ),
    _Gauge(
        name="runtimegate_cluster_objects",
        help="Objects known of the cluster.",
        labels=("kind",),
        read=lambda r: (
            [((kind,), float(size)) for kind, size in r.cluster.sizes.items()] if r.cluster else ()
        ),
    ),
    _Gauge(
        name="runtimegate_certificate_not_after_timestamp_seconds",
        help="When the serving certificate ends.",
        read=lambda r: _moment(r.certificate_not_after),
    ),
    _Gauge(
        name="runtimegate_ca_not_after_timestamp_seconds",
        help="When the CA of the serving certificate ends.",
        read=lambda r: _moment(r.ca_not_after),
    ),
    _Gauge(
        name="runtimegate_certificate_problem",
        help="1 while the certificate files hold what cannot be served.",
        read=lambda r: _one(r.certificate_problem if r.certificate_not_after else None),
    ),
)


class _State(Collector):
    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for state in _STATES:
            family = CounterMetricFamily if state.counts_up else GaugeMetricFamily
            metric = family(state.name, state.help, labels=state.labels)
            for labels, value in state.read(self._readings):
                metric.add_metric(labels, value)
            yield metric
