"""PolicyReports printed, or written to the cluster that was audited."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from webhook.cli.audit_json import Report
from webhook.cli.audit_reports import MANAGED_BY, REPORT_KINDS, namespace_results, reports_of
from webhook.cli.cluster_options import Where
from webhook.core.names import counted
from webhook.live.credentials import find_access
from webhook.live.kube import ApiError
from webhook.live.kube_writes import KubeWriter
from webhook.live.report_store import ReportStore


def report_documents(report: Report) -> Iterator[str]:
    """The reports of both kinds as one List, ready for `kubectl apply`; a report at a time."""
    yield '{"apiVersion": "v1", "kind": "List", "items": ['
    number = 0
    for namespace, results in namespace_results(report):
        for kind in REPORT_KINDS:
            for document in reports_of(kind, namespace, results):
                yield ("," if number else "") + "\n" + json.dumps(document)
                number += 1
    yield "\n]}\n"


def publish(report: Report, where: Where) -> list[str]:
    """Write the reports of every kind that the cluster has; a line for each thing that failed.

    Of an audit that could not see everything nothing is written: what is there says more.
    """
    if report.missing or report.errors:
        return ["no report was written, because not everything could be looked at"]
    api = KubeWriter(find_access(kubeconfig=where.kubeconfig, context=where.context))
    stores, problems = _stores(api, where)
    if not stores and not problems:
        names = " nor ".join(f"{kind.plural}.{kind.group}" for kind in REPORT_KINDS)
        return [f"--write-reports: the cluster has neither {names}: install one of the CRDs"]
    for namespace, results in namespace_results(report):
        for number, store in stores.items():
            for document in reports_of(REPORT_KINDS[number], namespace, results):
                store.put(document)
    for number, store in stores.items():
        store.remove_stale()
        problems += store.written.problems
        _tell(number, store)
    return problems


def _stores(api: KubeWriter, where: Where) -> tuple[dict[int, ReportStore], list[str]]:
    """The kinds that the cluster has, by their place in REPORT_KINDS."""
    stores: dict[int, ReportStore] = {}
    problems: list[str] = []
    for number, kind in enumerate(REPORT_KINDS):
        store = ReportStore(
            api=api,
            root=f"/apis/{kind.api_version}",
            plural=kind.plural,
            label=next(iter(MANAGED_BY.items())),
            namespaces=frozenset(where.namespaces),
        )
        try:
            if store.open():
                stores[number] = store
        except ApiError as error:
            problems.append(str(error))
    return stores, problems


def _tell(number: int, store: ReportStore) -> None:
    kind, written = REPORT_KINDS[number], store.written
    made = f"{written.created} made, {written.replaced} replaced, {written.removed} removed"
    total = counted(written.created + written.replaced, kind.kind)
    click.echo(f"{total} of {kind.group} written: {made}", err=True)
