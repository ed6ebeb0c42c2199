"""The OCI ``features`` structure → RuntimeFacts of the release that printed it.

It proves what a runtime that shares the node's kernel does with some fields of a pod. Of a sandbox
it proves neither that a field has an effect inside nor what becomes of a pod that sets one that is
not recognised: there the shipped rows, which were measured, stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.core.compat import CompatTable, Fact
from webhook.core.names import RUNTIME_TITLES, Support
from webhook.core.versions import Version
from webhook.documents.imports.oci_features import Features
from webhook.documents.imports.oci_questions import Answer, answers
from webhook.documents.imports.reading import validated
from webhook.documents.imports.releases import one_release, release_number
from webhook.documents.imports.result import Imported, LeftOut, Wish, in_force, runtime_facts
from webhook.documents.rows import Row, evidence_row, fact_row, what_row
from webhook.documents.source import SourceDocument

SANDBOXES = frozenset({"gvisor", "kata", "wasm", "windows"})
"""Runtimes of whose insides the structure says nothing."""
_KNOWN_BETTER = frozenset(
    {Support.GATED, Support.IGNORED, Support.ERRNO, Support.STUB, Support.SCOPED}
)
_UNGUARDED = (
    "{} change what the runtime does and are refused by no policy: the CRI must not pass them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """An answer beside the shipped row."""

    answer: Answer
    fact: Fact | None
    runtime: str

    @property
    def same(self) -> bool:
        return self.fact is not None and self.fact.support == self.answer.support

    @property
    def what(self) -> Row:
        """What a row says of the feature: as the shipped one does, where that says the same."""
        if self.same and self.fact is not None:
            return what_row(self.fact)
        return {"support": self.answer.support, "note": self.answer.note}

    @property
    def why_not(self) -> str | None:
        """Why the shipped row is better knowledge; None where it is not."""
        if self.fact is None or self.same:
            return None
        if self.fact.support in _KNOWN_BETTER:
            return f"the shipped row is more exact: {self.fact.support}"
        if self.answer.recognised and self.runtime in SANDBOXES:
            return f"what a sandbox recognises need not work inside; shipped: {self.fact.support}"
        return None


def import_features(
    source: SourceDocument, runtime: str, release: Version, table: CompatTable, wish: Wish
) -> Imported:
    """The rows of ``release``; raises DocumentErrors for what is no such structure."""
    features = validated(source, Features)
    compared = [
        _Compared(
            answer=answer,
            fact=in_force(table, runtime, release, answer.feature),
            runtime=runtime,
        )
        for answer in answers(features, runtime)
    ]
    taken = [c for c in compared if c.why_not is None and (wish.everything or not c.same)]
    rows = [row for c in taken for row in _rows(c, release, table, wish)]
    unguarded = features.unguarded()
    return Imported(
        subject=f"{RUNTIME_TITLES[runtime]} {release_number(release)}",
        documents=(runtime_facts(runtime, release, "features", wish, {"facts": rows}),)
        if rows
        else (),
        taken=tuple(map(_told, taken)),
        same=0 if wish.everything else sum(c.same for c in compared),
        left_out=tuple(_left_out(c, c.why_not) for c in compared if c.why_not is not None),
        remarks=(_UNGUARDED.format(f"annotations {', '.join(unguarded)}"),) if unguarded else (),
    )


def _told(compared: _Compared) -> str:
    was = compared.fact.support if compared.fact else "not in the table"
    return f"{compared.answer.feature}: {compared.answer.support}, shipped: {was}"


def _left_out(compared: _Compared, reason: str) -> LeftOut:
    answer = compared.answer
    said = f"{answer.property} says {'yes' if answer.recognised else 'no'}"
    return LeftOut(name=answer.feature, reason=f"{said}; {reason}")


def _rows(compared: _Compared, release: Version, table: CompatTable, wish: Wish) -> Iterator[Row]:
    """The row, and those that it would hide: under conditions, as behind an old containerd."""
    answer = compared.answer
    row: Row = {
        "feature": answer.feature,
        "versions": [one_release(release)],
        **compared.what,
    }
    if answer.proof is not None:
        row["evidence"] = [evidence_row(wish.evidence), evidence_row(answer.proof)]
    yield row
    for fact in table.facts if answer.recognised else ():
        if (
            (fact.runtime, fact.feature) == (compared.runtime, answer.feature)
            and fact.when.specificity
            and release in fact.versions
        ):
            yield fact_row(fact, [one_release(release)])
