from tests.build import fact
from webhook.core.names import Support
from webhook.live.verified import read_verified, verified

KEPT = b"""
date: 2026-11-24
host: {kernel: "6.18", arch: amd64}
releases: ["20221219.0", "20240729.0"]
verified:
  - probe: calls
    native: works
    observed:
      "20221219.0": refused
      "20240729.0 --net-raw=true": works
    features: [
      "syscall:a", "syscall:b"]
"""


def test_every_run_of_every_feature_is_read() -> None:
    known = read_verified([("gvisor.yaml", KEPT)])
    (old,) = known.of(fact("syscall:b"))
    assert (old.label, old.observed, str(old.day), old.arch) == (
        "20221219.0",
        "refused",
        "2026-11-24",
        "amd64",
    )
    assert known.of(fact("syscall:c")) == ()
    assert known.of(fact("syscall:a", runtime="kata")) == ()


def test_the_kept_result_can_be_read_where_there_is_one() -> None:
    assert verified() is verified()
    assert verified().of(fact("syscall:no_such_call", Support.FULL)) == ()
