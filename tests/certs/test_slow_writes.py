"""A rotation through an API server whose writes take long, or are always somebody else's first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certs.errors import ConflictError
from certs.kube import Patch, Ref
from tests.certs.build import NOW
from tests.certs.fake_api import CONFIGS, FakeApi, FakeClock
from tests.certs.test_rotate import BOOTSTRAP, PACE, outages_of, rotating, run, steps


class SlowApi(FakeApi):
    """Every change of a bundle takes a minute."""

    def patch(self, ref: Ref, body: Patch, content_type: str) -> None:
        if ref in CONFIGS:
            self.clock.moment += timedelta(minutes=1)
        super().patch(ref, body, content_type)


def test_the_wait_begins_when_the_new_ca_is_seen_in_every_bundle_and_not_when_it_is_sent() -> None:
    assert PACE.settle < timedelta(minutes=1)
    api = SlowApi(clock=FakeClock(moment=NOW))
    api.register("pods.gate", "guards.gate", ca_bundle=b"")
    run(api, BOOTSTRAP)
    began = api.clock.moment
    assert steps(run(api, rotating(api))) == ["RotateCA", "TrustCA", "RenewServing"]
    assert outages_of(api, began) == []


class ContendedApi(FakeApi):
    """Whatever is changed was changed by another a moment before."""

    def patch(self, ref: Ref, body: Patch, content_type: str) -> None:
        raise ConflictError(str(ref), "was changed", status=409)


def test_whoever_never_comes_first_gives_up_and_says_why() -> None:
    api = ContendedApi(clock=FakeClock(moment=NOW))
    api.register("pods.gate", ca_bundle=b"")
    with pytest.raises(ConflictError, match="was changed"):
        run(api, BOOTSTRAP)
