"""What the tables of the agents' tests say, checked the same way for each subject."""

from tests.build import profile
from tests.data.shipped import applications, faults, running, table
from webhook.core.names import VERDICT_RANK, Verdict

GVISOR = profile("gvisor", "20260817.0")
KATA = profile("kata", "4.1.0", hypervisor="qemu")
RUNC = profile("runc", "1.4.0")

Images = dict[str, tuple[str, ...]]
"""Images of the usual publishers by the application that they are."""
Refused = list[tuple[str, tuple[str, ...], list[tuple[str, str]]]]
"""An image, its arguments, and what is told of it."""
Harmless = list[tuple[str, tuple[str, ...]]]
"""An image and its arguments."""


def pairs(images: Images) -> list[tuple[str, str]]:
    """Every image beside its application."""
    return [(image, name) for name, published in images.items() for image in published]


def gvisor_faults(image: str, *args: str) -> list[tuple[str, str]]:
    """What gVisor's release of 2026-08 is told of a container."""
    return faults(running(image, *args), GVISOR)


def contradicted_runs(image: str, name: str) -> list[str]:
    """Releases on which the application was seen to work, and which refuse it all the same."""
    application = next(a for a in table().catalogue.applications if a.name == name)
    starts = [run.versions.intervals[0].start for run in application.verified if run.works == "yes"]
    return [
        str(start)
        for start in starts
        if start is not None
        and any(
            VERDICT_RANK[Verdict(verdict)] < VERDICT_RANK[Verdict.DEGRADED]
            for verdict, _ in faults(running(image), profile("gvisor", str(start)))
        )
    ]


def known_as(image: str, names: Images) -> set[str]:
    """Which of these applications an image is taken for."""
    return set(names).intersection(applications(running(image)))
