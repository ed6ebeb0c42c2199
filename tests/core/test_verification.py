from datetime import date
from typing import Any

import pytest

from tests.build import fact
from webhook.core.compat import Conditions, Fact, Gate
from webhook.core.names import Support
from webhook.core.verification import ProbeRun, Verification
from webhook.core.versions import parse_version

RUN = "20240729.0"
GATE = Gate(flag="net-raw", values=("true",), support=Support.FULL)


def ran(on: str = RUN, *, feature: str = "syscall:a", **flags: str) -> ProbeRun:
    """A probe of a feature under gVisor, on amd64."""
    return ProbeRun(
        runtime="gvisor",
        feature=feature,
        release=parse_version(on),
        observed="works",
        day=date(2026, 11, 24),
        arch="amd64",
        flags={name.replace("_", "-"): value for name, value in flags.items()},
    )


def row(**fields: Any) -> Fact:
    """A shipped row of syscall:a."""
    return fact("syscall:a", Support.FULL, **fields)


def test_a_run_confirms_the_row_of_its_release() -> None:
    assert ran().confirms(row())
    assert ran().confirms(fact("syscall:a", Support.FULL, ">=20240101"))
    assert not ran().confirms(fact("syscall:a", Support.FULL, "<20240101"))


@pytest.mark.parametrize(
    "when",
    [
        Conditions(vendor="gke"),
        Conditions(hypervisor=frozenset({"qemu"})),
        Conditions(cri="containerd"),
        Conditions(arch=frozenset({"arm64"})),
        Conditions(flags={"platform": "kvm"}),
    ],
)
def test_a_run_says_nothing_of_other_installations(when: Conditions) -> None:
    assert not ran().confirms(row(when=when))


def test_a_run_confirms_a_row_of_its_own_architecture() -> None:
    assert ran().confirms(row(when=Conditions(arch=frozenset({"amd64"}))))


def test_a_run_with_a_flag_confirms_only_what_speaks_of_the_flag() -> None:
    with_flag = ran(net_raw="true")
    assert with_flag.confirms(row(when=Conditions(flags={"net-raw": "true"})))
    assert with_flag.confirms(fact("syscall:a", Support.GATED, gate=GATE))
    assert not with_flag.confirms(row())


def test_no_run_confirms_an_overlay() -> None:
    assert not ran().confirms(row(overlay=True))


def test_the_runs_of_a_row_are_those_of_its_feature_and_runtime() -> None:
    runs = [ran(), ran("20221219.0"), ran(feature="syscall:b")]
    known = Verification(runs)
    assert known.of(row()) == tuple(runs[:2])
    assert known.of(fact("syscall:a", runtime="kata")) == ()
    assert Verification().of(row()) == ()


def test_a_run_is_called_by_its_release_and_flags() -> None:
    assert ran().label == "20240729.0"
    assert ran(net_raw="true").label == "20240729.0 --net-raw=true"
    assert ran("v0.0.0-20260905035102-160fafc42237").label == "20260905"
