"""Whether this server should be sent reviews, and what is to be known of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from webhook.core.snapshot import Snapshot
from webhook.live.cluster import ClusterState
from webhook.live.current import Current
from webhook.live.reload import ReloadState
from webhook.server.logs import clean
from webhook.server.metrics import Readings


class Certificate(Protocol):
    """The certificate that is served; ``webhook.server.tls.ServingContext`` is one."""

    problem: str | None

    @property
    def not_after(self) -> datetime:
        """When it ends."""

    @property
    def ca_not_after(self) -> datetime | None:
        """When its CA ends, where that is known."""

    def ready(self, now: datetime) -> bool:
        """Whether it can be served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition of readiness; ``note`` is what else to know, ready or not."""

    name: str
    ok: bool
    detail: str
    notes: tuple[str, ...] = ()


class Health:
    """Readiness of one server. What it does not use (a cluster, a certificate) is left None."""

    def __init__(
        self,
        current: Current,
        *,
        version: str,
        now: Callable[[], datetime],
        reload_state: Callable[[], ReloadState] | None = None,
        cluster_state: Callable[[], ClusterState] | None = None,
        certificate: Certificate | None = None,
        lines_dropped: Callable[[], int] = lambda: 0,
        cluster_max_age_seconds: float | None = None,
    ) -> None:
        self.version = version
        self.draining = False
        self._current = current
        self._now = now
        self._reload_state = reload_state
        self._cluster_state = cluster_state
        self._certificate = certificate
        self._lines_dropped = lines_dropped
        self._cluster_max_age_seconds = cluster_max_age_seconds

    def checks(self) -> tuple[Check, ...]:
        """Every condition, in reading order."""
        return (
            self._policies(),
            *(
                (_cluster(self._cluster_state(), self._cluster_max_age_seconds),)
                if self._cluster_state
                else ()
            ),
            *((_certificate(self._certificate, self._now()),) if self._certificate else ()),
            Check(
                name="stopping",
                ok=not self.draining,
                detail="stopping: send new connections elsewhere" if self.draining else "no",
            ),
        )

    def ready(self) -> bool:
        """Whether every condition holds."""
        return all(check.ok for check in self.checks())

    def readings(self, in_flight: int) -> Readings:
        """The state of this server for metrics."""
        snapshot = self._current.snapshot
        certificate = self._certificate
        return Readings(
            version=self.version,
            revision=snapshot.revision,
            compat_version=snapshot.compat.version,
            policies=len(snapshot.policies.policies),
            ready=self.ready(),
            draining=self.draining,
            in_flight=in_flight,
            reload=self._reload_state() if self._reload_state else None,
            cluster=self._cluster_state() if self._cluster_state else None,
            certificate_not_after=certificate.not_after if certificate else None,
            ca_not_after=certificate.ca_not_after if certificate else None,
            lines_dropped=self._lines_dropped(),
            certificate_problem=bool(certificate and certificate.problem),
            exemptions=tuple(_ends(snapshot)),
        )

    def _policies(self) -> Check:
        snapshot = self._current.snapshot
        count = len(snapshot.policies.policies)
        detail = f"{count} in revision {snapshot.revision}"
        state = self._reload_state() if self._reload_state else None
        if state is None:
            return Check(name="policies", ok=True, detail=detail)
        notes = tuple(f"refused: {error}" for error in state.errors)
        return Check(
            name="policies",
            ok=True,
            detail=f"{detail}, loaded {_shown(state.succeeded_at)}",
            notes=(f"the folder as it is now was refused {_shown(state.failed_at)}", *notes)
            if state.errors and state.failed_at
            else (),
        )


def _ends(snapshot: Snapshot) -> Iterator[tuple[str, str, datetime]]:
    """The exemptions that end, and when: their last day in UTC is over."""
    for policy in snapshot.policies.policies:
        for exemption in policy.exemptions:
            if exemption.expires is not None:
                over = exemption.expires + timedelta(days=1)
                yield policy.name, exemption.name, datetime.combine(over, time.min, UTC)


def _cluster(state: ClusterState, max_age_seconds: float | None) -> Check:
    if not state.synced:
        return Check(name="cluster", ok=False, detail="not listed yet", notes=state.problems)
    sizes = ", ".join(f"{size} {kind}" for kind, size in state.sizes.items())
    age = state.age_seconds or 0.0
    old = max_age_seconds is not None and age > max_age_seconds
    return Check(
        name="cluster",
        ok=not old,
        detail=f"{sizes}, last heard of {age:.0f} s ago"
        + (f": more than --cluster-max-age-seconds {max_age_seconds:.0f}" if old else ""),
        notes=state.problems,
    )


def _certificate(certificate: Certificate, now: datetime) -> Check:
    return Check(
        name="certificate",
        ok=certificate.ready(now),
        detail=f"valid until {_shown(certificate.not_after)}",
        notes=(certificate.problem,) if certificate.problem else (),
    )


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def report(checks: tuple[Check, ...]) -> str:
    """The checks as ``/readyz?verbose`` prints them, a line each and the notes indented."""
    lines: list[str] = []
    for check in checks:
        lines.append(f"[{'+' if check.ok else '-'}] {check.name}: {clean(check.detail)}")
        lines.extend(f"    {clean(note, 1000)}" for note in check.notes)
    lines.append("ready" if all(check.ok for check in checks) else "not ready")
    return "\n".join(lines) + "\n"
