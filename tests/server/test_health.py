from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.build import exemption, policy, snapshot
from webhook.live.cluster import ClusterState
from webhook.live.current import Current
from webhook.live.reload import ReloadState
from webhook.server.health import Health, report

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SIZES = {"namespaces": 3, "runtimeclasses": 2, "nodes": 1}


class FakeCertificate:
    """A certificate that ends at ``not_after``."""

    def __init__(self, *, days: float = 30, problem: str | None = None) -> None:
        self.not_after = NOW + timedelta(days=days)
        self.ca_not_after = None
        self.problem = problem

    def ready(self, now: datetime) -> bool:
        return now <= self.not_after


def health(**parts: Any) -> Health:
    return Health(Current(snapshot()), version="1", now=lambda: NOW, **parts)


def cluster(**tweak: Any) -> ClusterState:
    return ClusterState(
        **{"synced": True, "age_seconds": 12.4, "sizes": SIZES, "problems": (), **tweak}
    )


def test_with_nothing_around_it_a_server_with_policies_is_ready() -> None:
    assert health().ready() is True


def test_everything_in_order_is_said_in_a_line_each() -> None:
    whole = health(
        reload_state=lambda: ReloadState(succeeded_at=NOW),
        cluster_state=cluster,
        certificate=FakeCertificate(),
    )
    assert report(whole.checks()) == (
        "[+] policies: 1 in revision 3f2a9c1d, loaded 2026-11-24T12:00:00Z\n"
        "[+] cluster: 3 namespaces, 2 runtimeclasses, 1 nodes, last heard of 12 s ago\n"
        "[+] certificate: valid until 2026-12-24T12:00:00Z\n"
        "[+] stopping: no\n"
        "ready\n"
    )


def test_a_refused_policy_folder_is_told_and_stays_ready() -> None:
    state = ReloadState(
        succeeded_at=NOW,
        failures=1,
        failed_at=NOW + timedelta(minutes=1),
        errors=("p.yaml:1: no", "p.yaml:2: \x1b[31mno"),
    )
    broken = health(reload_state=lambda: state)
    assert broken.ready() is True
    assert report(broken.checks()) == (
        "[+] policies: 1 in revision 3f2a9c1d, loaded 2026-11-24T12:00:00Z\n"
        "    the folder as it is now was refused 2026-11-24T12:01:00Z\n"
        "    refused: p.yaml:1: no\n"
        "    refused: p.yaml:2: \\x1b[31mno\n"
        "[+] stopping: no\n"
        "ready\n"
    )


def test_a_folder_that_was_refused_once_and_is_in_force_again_is_told_as_any() -> None:
    state = ReloadState(succeeded_at=NOW, failures=1, failed_at=NOW - timedelta(minutes=1))
    assert report(health(reload_state=lambda: state).checks()).startswith(
        "[+] policies: 1 in revision 3f2a9c1d, loaded 2026-11-24T12:00:00Z\n[+] stopping: no\n"
    )


def test_a_cluster_that_was_never_listed_is_not_ready() -> None:
    state = cluster(synced=False, age_seconds=None, problems=("nodes: HTTP 403",))
    unsynced = health(cluster_state=lambda: state)
    assert unsynced.ready() is False
    assert "[-] cluster: not listed yet\n    nodes: HTTP 403\n" in report(unsynced.checks())


def test_a_cluster_that_is_away_after_it_was_listed_stays_ready() -> None:
    away = health(cluster_state=lambda: cluster(age_seconds=900.0, problems=("nodes: away",)))
    assert away.ready() is True
    assert "last heard of 900 s ago\n    nodes: away\n" in report(away.checks())


def test_a_cluster_that_is_away_for_longer_than_the_limit_is_not_ready() -> None:
    limited = health(
        cluster_state=lambda: cluster(age_seconds=900.0), cluster_max_age_seconds=600.0
    )
    assert limited.ready() is False
    assert "ago: more than --cluster-max-age-seconds 600\n" in report(limited.checks())


def test_a_cluster_as_old_as_the_limit_is_ready() -> None:
    state = cluster(age_seconds=600.0)
    assert health(cluster_state=lambda: state, cluster_max_age_seconds=600.0).ready() is True


def test_exemptions_are_read_with_the_moment_after_their_last_day() -> None:
    ending = exemption("ending", expires=date(2026, 12, 31))
    endless = exemption("endless", expires=None)
    current = Current(snapshot(policy(exemptions=(ending, endless))))
    read = Health(current, version="1", now=lambda: NOW).readings(0).exemptions
    assert read == (("tenants", "ending", datetime(2027, 1, 1, tzinfo=UTC)),)


def test_an_expired_certificate_is_not_ready() -> None:
    assert health(certificate=FakeCertificate(days=-1)).ready() is False


def test_certificate_files_that_cannot_be_served_are_told_and_stay_ready() -> None:
    problem = health(certificate=FakeCertificate(problem="tls.crt: is damaged"))
    assert problem.ready() is True
    assert "\n    tls.crt: is damaged\n" in report(problem.checks())


def test_a_server_that_is_stopping_is_not_ready() -> None:
    stopping = health()
    stopping.draining = True
    assert stopping.ready() is False
    assert report(stopping.checks()).endswith(
        "[-] stopping: stopping: send new connections elsewhere\nnot ready\n"
    )
