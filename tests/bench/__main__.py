"""The benchmarks: `make bench`. Only ratios within one run mean anything; machines differ."""

import sys
import tempfile
from pathlib import Path

from tests.bench import audit, cluster, saved
from tests.bench.admit import costs
from tests.bench.http import RATE, build_programs, compare, median
from tests.bench.tables import loadings


def main() -> None:
    """Print all of them; ``--tables`` and ``--admit`` stop after the first, and the second.

    With the argument ``cluster`` those of a large cluster instead, with ``audit`` an audit of one,
    with ``saved`` what is made of a file that holds one.
    """
    if sys.argv[1:] == ["cluster"]:
        cluster.main()
        return
    if sys.argv[1:2] == ["audit"]:
        audit.main(*sys.argv[2:])
        return
    if sys.argv[1:2] == ["saved"]:
        saved.main(*sys.argv[2:])
        return
    _print_loadings()
    if "--tables" in sys.argv:
        return
    _print_costs()
    if "--admit" in sys.argv:
        return
    _print_servers()


def _print_loadings() -> None:
    print("loading the shipped tables, over an interpreter with the same imports")
    print(f"{'':30} {'CPU ms':>8} {'RSS MiB':>8}")
    for name, loading in loadings().items():
        print(f"{name:30} {loading.milliseconds:8.1f} {loading.mebibytes:8.1f}")
    print(f"{loading.facts} facts, {loading.applications} applications")


def _print_costs() -> None:
    print("\nadmit() alone, the review of 5.9 kB, shipped policies and tables")
    print(f"{'':30} {'µs':>8} {'ratio':>8}")
    for name, cost in costs().items():
        print(f"{name:30} {cost.micros:8.1f} {cost.ratio:8.2f}")


def _print_servers() -> None:
    build_programs()
    with tempfile.TemporaryDirectory(prefix="runtimegate-bench-") as folder:
        figures = compare(Path(folder))
    floor = median(next(iter(figures.values())).per_second)
    print(
        f"\nover TLS with keep-alive, server on one core, load on the other; p50, p99 at {RATE}/s"
    )
    print(f"{'':38} {'req/s':>8} {'of floor':>9} {'p50 ms':>8} {'p99 ms':>8} {'RSS MiB':>8} failed")
    for name, figure in figures.items():
        per_second = median(figure.per_second)
        print(
            f"{name:38} {per_second:8.0f} {per_second / floor:9.2f} {median(figure.p50):8.2f} "
            f"{median(figure.p99):8.2f} {figure.mebibytes:8.1f} {figure.failures:6}"
        )


if __name__ == "__main__":
    main()
