"""All documents of a folder to core values, or every error that they hold.

``load_policies`` reads what an operator keeps in git, over the shipped compatibility tables that
``load_shipped`` has read: a document of the same kind and name replaces the shipped one whole, any
other adds to them, and its facts are believed before the shipped ones. An ApplicationRequirements
document with ``extends`` adds to an application and replaces none, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from webhook.core.compat import CompatTable, Conditions, Fact
from webhook.core.policy import PolicySet
from webhook.core.runtimes import Inventory
from webhook.documents.applications import ApplicationExtension, ApplicationRequirements
from webhook.documents.compat import FactsSpec, RuntimeFacts
from webhook.documents.inventory import RuntimeInventory
from webhook.documents.models import quoted
from webhook.documents.policy import RuntimePolicy
from webhook.documents.reading import IN_FORCE, KINDS, Placed, of_kind, read_documents
from webhook.documents.source import DocumentError, DocumentErrors
from webhook.documents.tables import ShippedData, Tables
from webhook.documents.version import data_version

_SHIPPED = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a policy folder says. ``documents`` are for lint and ``policy show``."""

    policies: PolicySet
    inventory: Inventory
    compat: CompatTable
    documents: tuple[Placed, ...] = ()


def load_policies(files: Sequence[tuple[str, bytes]], shipped: ShippedData) -> Loaded:
    """Every document of a policy folder that is in force, over ``shipped``.

    ``files`` are names and contents. Raises DocumentErrors with every error of the folder. A
    PolicyTest is passed over: a broken test must not keep a policy from being served.
    """
    return _loaded(files, shipped, IN_FORCE)


def load_with_tests(files: Sequence[tuple[str, bytes]], shipped: ShippedData) -> Loaded:
    """``load_policies`` with the PolicyTests among ``documents``, and their errors among others."""
    return _loaded(files, shipped, KINDS)


def _loaded(
    files: Sequence[tuple[str, bytes]], shipped: ShippedData, kinds: Collection[str]
) -> Loaded:
    documents, tables = _read(files, shipped.tables, kinds, overlay=True)
    inventories = [model.core() for _, model in of_kind(RuntimeInventory, documents)]
    policies = (model.core(at.place()) for at, model in of_kind(RuntimePolicy, documents))
    return Loaded(
        policies=PolicySet(policies),
        inventory=inventories[0] if inventories else Inventory(),
        # The very same table where nothing is laid over it: what it remembers stays warm.
        compat=tables.over(shipped.tables).table(shipped.compat.version)
        if tables != Tables()
        else shipped.compat,
        documents=documents,
    )


def load_shipped(files: Sequence[tuple[str, bytes]]) -> ShippedData:
    """The tables that come with the program; raises DocumentErrors as ``load_policies`` does."""
    _, tables = _read(files, Tables(), IN_FORCE, overlay=False)
    return ShippedData(tables=tables, compat=tables.table(data_version(files)))


def _read(
    files: Sequence[tuple[str, bytes]], below: Tables, kinds: Collection[str], *, overlay: bool
) -> tuple[tuple[Placed, ...], Tables]:
    documents, errors = read_documents(files, kinds)
    facts = [
        (p, m.core(_origins(p, m, overlay), overlay=overlay))
        for p, m in of_kind(RuntimeFacts, documents)
    ]
    # A row of several runtimes overlaps with another in each of them, and is told once.
    errors += [*_repeated(documents), *dict.fromkeys(_overlapping(facts))]
    if not errors:  # a document with an error of its own may be what is extended
        errors += _extending_nothing(documents, below)
    if errors:
        raise DocumentErrors(errors)
    tables = Tables(
        facts={placed.name: rows for placed, rows in facts},
        releases={
            placed.name: (model.spec.of_runtimes[0], model.spec.releases)
            for placed, model in of_kind(RuntimeFacts, documents)
        },
        applications={
            placed.name: model.core(placed.place() if overlay else _SHIPPED)
            for placed, model in of_kind(ApplicationRequirements, documents)
        },
        extensions={
            placed.name: model.core(placed.place() if overlay else _SHIPPED)
            for placed, model in of_kind(ApplicationExtension, documents)
        },
    )
    return tuple(documents), tables


def _origins(placed: Placed, model: RuntimeFacts, overlay: bool) -> list[str]:
    rows = range(len(model.spec.facts))
    return [placed.place("spec", "facts", row) if overlay else _SHIPPED for row in rows]


def _repeated(documents: Iterable[Placed]) -> Iterator[DocumentError]:
    """Two documents of one kind and name, and a second inventory of any name."""
    first: dict[tuple[str, str], Placed] = {}
    inventory: Placed | None = None
    for placed in documents:
        kind, name = placed.kind, placed.name
        other = first.setdefault((kind, name), placed)
        if other is not placed:
            message = f"{name} is the name of the {kind} at {other.place()} too"
            yield placed.error("metadata", "name", message=message)
        elif isinstance(placed.model, RuntimeInventory):
            if inventory is not None:
                message = (
                    f"a folder holds one RuntimeInventory; the other is at {inventory.place()}"
                )
                yield placed.error("kind", message=message)
            inventory = inventory or placed


def _extending_nothing(documents: Sequence[Placed], below: Tables) -> Iterator[DocumentError]:
    """Extensions of an application that is neither in the folder nor below it."""
    known = {*below.applications, *(p.name for p, _ in of_kind(ApplicationRequirements, documents))}
    for placed, model in of_kind(ApplicationExtension, documents):
        if (name := model.spec.extends) not in known:
            meant = get_close_matches(name, known, n=1)
            hint = f"; did you mean {meant[0]}?" if meant else ""
            message = f"must be the name of an application of the table, not {quoted(name)}{hint}"
            yield placed.error("spec", "extends", message=message)


def _overlapping(
    facts: Iterable[tuple[Placed, tuple[Fact, ...]]],
) -> Iterator[DocumentError]:
    """Two rows of one feature under the same conditions that speak of the same release."""
    known: dict[tuple[object, ...], list[tuple[Fact, str]]] = {}
    for placed, rows in facts:
        for index, fact in _numbered(placed, rows):
            alike = known.setdefault((fact.runtime, fact.feature, *_conditions(fact.when)), [])
            for earlier, at in alike:
                if fact.versions.overlaps(earlier.versions):
                    message = (
                        f"{fact.feature} of {fact.versions} is said at {at} already, of "
                        f"{earlier.versions}: rows with the same conditions must not overlap"
                    )
                    yield placed.error("spec", "facts", index, message=message)
            alike.append((fact, placed.place("spec", "facts", index)))


def _numbered(placed: Placed, rows: Sequence[Fact]) -> Iterator[tuple[int, Fact]]:
    """Facts with the index of their row in the document; of a row there is one a runtime."""
    spec = placed.model.spec
    each = len(spec.of_runtimes) if isinstance(spec, FactsSpec) else 1
    return ((position // each, fact) for position, fact in enumerate(rows))


def _conditions(when: Conditions) -> tuple[object, ...]:
    """What makes two rows' conditions the same, hashable."""
    flags = tuple(sorted(when.flags.items()))
    return (when.vendor, when.hypervisor, when.cri, str(when.cri_versions), when.arch, flags)
