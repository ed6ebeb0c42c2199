"""What ``admit()`` costs beside parsing: ratios taken in one run, interleaved."""

import gc
import statistics
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import orjson

from tests.bench.reviews import mutated_review, realistic_review, updated_review
from webhook.core.policy import LabelSelector, NamespaceSelector, Policy, PolicySet, Rules
from webhook.core.snapshot import Snapshot
from webhook.documents.folder import load_policies
from webhook.live.policy_folder import load_folder
from webhook.live.shipped import shipped
from webhook.wire.admit import Door, admit

POLICIES = Path(__file__).parents[2] / "policies"
TODAY = date(2026, 11, 24)
ROUNDS, CALLS = 21, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Medians over the rounds: microseconds a call, and its ratio to the baseline's round."""

    micros: float
    ratio: float


def measure(named: Mapping[str, Callable[[], object]], baseline: str) -> dict[str, Cost]:
    """Time each callable in turn, ``ROUNDS`` times, and set it against ``baseline``'s time."""
    seconds: dict[str, list[float]] = {name: [] for name in named}
    for _ in range(ROUNDS):
        for name, call in named.items():
            # Collected garbage is part of the price, so it is not switched off.
            seconds[name].append(timeit.timeit(call, setup=gc.enable, number=CALLS) / CALLS)
    base = seconds[baseline]
    return {
        name: Cost(
            micros=statistics.median(values) * 1e6,
            ratio=statistics.median(v / b for v, b in zip(values, base, strict=True)),
        )
        for name, values in seconds.items()
    }


def shipped_snapshot() -> Snapshot:
    """The shipped policies and tables, without a cluster."""
    loaded = load_policies(load_folder(POLICIES).files, shipped())
    return Snapshot(
        policies=loaded.policies,
        inventory=loaded.inventory,
        compat=loaded.compat,
        today=TODAY,
        revision="bench",
    )


def with_policies(snapshot: Snapshot, count: int) -> Snapshot:
    """``snapshot`` with policies for other namespaces until there are ``count``.

    A third by name, a third by glob, a third by label: every kind of look-up has its share.
    """
    own = snapshot.policies.policies
    others = (
        Policy(name=f"other-{n}", namespaces=_selector(n), rules=Rules(), priority=500)
        for n in range(count - len(own))
    )
    return replace(snapshot, policies=PolicySet((*own, *others)))


def _selector(n: int) -> NamespaceSelector:
    match n % 3:
        case 0:
            return NamespaceSelector(names=(f"team-{n}",))
        case 1:
            return NamespaceSelector(names=(f"team-{n}-*",))
        case _:
            return NamespaceSelector(selector=LabelSelector(match_labels={"team": str(n)}))


def costs() -> dict[str, Cost]:
    """Parsing alone, and both doors with 10 and with 5,000 policies."""
    body, mutated, updated = realistic_review(), mutated_review(), updated_review()
    few, many = (with_policies(shipped_snapshot(), count) for count in (10, 5_000))
    return measure(
        {
            "orjson.loads of the review": lambda: orjson.loads(body),
            "mutate, 10 policies": lambda: admit(body, few, Door.MUTATE),
            "mutate, 5,000 policies": lambda: admit(body, many, Door.MUTATE),
            "validate, 10 policies": lambda: admit(mutated, few, Door.VALIDATE),
            "validate, 5,000 policies": lambda: admit(mutated, many, Door.VALIDATE),
            "validate, never mutated": lambda: admit(body, few, Door.VALIDATE),
            "validate, another label": lambda: admit(updated, few, Door.VALIDATE),
        },
        "orjson.loads of the review",
    )
