"""The commands against a cluster: from what was asked to a run, and to an exit code."""

from collections.abc import Callable
from datetime import datetime

import click

from certs.asked import Asked, Place
from certs.bootstrap import Names
from certs.cluster import read_objects
from certs.kube import ApiServer, connect
from certs.plan import Missing
from certs.report_cluster import findings, off_warning, show_cluster
from certs.rollout import Pace
from certs.rotate import ClusterJob, Time, bring_about, check_clock, look, wait_for_configs
from certs.served import parse_endpoint
from certs.state import Wish, standing_prints


def change(
    place: Place,
    asked: Asked,
    output: str,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> int:
    """Bring the cluster into order; 1 when a webhook was left as it cannot work."""
    api = connect(place.kubeconfig)
    job = _job(place, asked, _unwanted(api, place, asked))
    check_clock(now(), api.server_time)
    time = Time(now=now, sleep=sleep)
    wait_for_configs(api, place.target, time, place.wait_seconds)
    outcome = bring_about(api, job, time)
    show_cluster(outcome, place.target, output)
    if job.unregistered and outcome.gate_is_off:
        click.echo(off_warning(outcome), err=True)
    return int(bool(outcome.unverified))


def show(place: Place, asked: Asked, output: str, now: Callable[[], datetime]) -> int:
    """Show how things stand; 1 when there are findings."""
    api = connect(place.kubeconfig)
    outcome = look(api, _job(place, asked, frozenset()), now())
    check_clock(now(), api.server_time)
    show_cluster(outcome, place.target, output)
    found = findings(outcome)
    if found and output == "text":
        # Only bootstrap makes what is not there.
        remedy = "bootstrap" if isinstance(outcome.found.rollout.signer, Missing) else "renew"
        click.echo(f"run: runtimegate certs {remedy}, with the same options")
    return int(bool(found))


def _unwanted(api: ApiServer, place: Place, asked: Asked) -> frozenset[str]:
    """What stands now and was asked to be replaced: a second run need not replace it again."""
    serving, signer = standing_prints(read_objects(api, place.target))
    chosen = {serving if asked.renew else "", signer if asked.rotate or asked.force else ""}
    return frozenset(chosen - {""})


def _job(place: Place, asked: Asked, unwanted: frozenset[str]) -> ClusterJob:
    names = asked.names or Names()
    return ClusterJob(
        target=place.target,
        wish=Wish(
            dns_names=names.dns_names,
            ip_addresses=names.ip_addresses,
            force=asked.force,
            unwanted=unwanted,
        ),
        key_type=asked.key_type,
        pace=Pace(settle=place.settle, grace=place.grace),
        endpoints=tuple(parse_endpoint(text, "--check-served") for text in place.check_served),
        strict=asked.strict,
        unregistered=asked.unregistered,
    )
