"""Measures what the kernel below does with features of the compatibility table.

    python3 webhook/data/probes FEATURE...        (or one a line on standard input, with "-")

Run natively or under `runsc --network=none do`. Prints one line a feature, `FEATURE VERDICT`:

    works            done, and its effect was seen
    accepted         succeeded; nothing was looked at but that
    partial WHAT     some of it works
    ineffective      succeeded, and the effect that it should have is not there
    answers ERRNO    a call that is in the kernel's table, with arguments that no kernel takes
    errno ERRNO      refused, with arguments that Linux takes
    absent ERRNO     not there: ENOSYS, ENODEV of a mount, ENOENT of a file ...
    untested WHY     cannot be told here, or there is no probe for it

Each probe runs in a process and a folder of its own, for seconds at most, and leaves nothing. Only
the standard library, as root: what a probe needs beyond that, it says by `untested`.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from webhook.data.probes.outcome import isolated
from webhook.data.probes.registry import probe_of

if __name__ == "__main__":
    asked = sys.stdin.read().split() if sys.argv[1:] == ["-"] else sys.argv[1:]
    if not asked:
        sys.exit(__doc__)
    for feature in asked:
        os.write(1, f"{feature} {isolated(probe_of(feature))}\n".encode())
