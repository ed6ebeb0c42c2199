"""What a RuntimeClass probably means where no inventory says so: by its handler, else by its name.

The names are those that the projects' own manifests use (gVisor's ``runsc``, kata-deploy's
``kata-qemu``, …). Whatever is assumed is said, so that somebody can put it right.
"""

from dataclasses import dataclass

from webhook.core.compat import CompatTable
from webhook.core.explain import newest_release
from webhook.core.names import RUNTIME_TITLES, Handler, shown
from webhook.core.runtimes import HYPERVISORS, RuntimeProfile

_BEGINNINGS: tuple[tuple[str, str], ...] = (
    ("runsc", "gvisor"), ("gvisor", "gvisor"), ("kata", "kata"), ("runc", "runc"),
    ("crun", "crun"), ("youki", "youki"), ("nvidia", "nvidia"), ("wasm", "wasm"),
    ("spin", "wasm"), ("windows", "windows"), ("runhcs", "windows"),
)  # fmt: skip
_HANDLER_OF = {"gvisor": "runsc"}
_GKE_HANDLER = "gvisor"
_DEFAULT_HYPERVISOR = "qemu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """A class as it is assumed to be; ``words`` say what was assumed."""

    profile: RuntimeProfile
    words: str


def assumed_class(name: str, handler: Handler | None, table: CompatTable) -> Assumed:
    """What the class ``name`` means. ``handler`` is the cluster's, None where it has none yet.

    Of a class that is there nobody knows the release; one that is not there will be installed, and
    in the newest release that the table knows.
    """
    runtime = _runtime(handler or name)
    newest = newest_release(table, runtime) if handler is None else None
    profile = RuntimeProfile(
        runtime=runtime,
        runtime_class=name,
        handler=handler or Handler(_HANDLER_OF.get(runtime, name)),
        versions=(newest,) if newest else (),
        hypervisor=_hypervisor(handler or name) if runtime == "kata" else None,
        vendor="gke" if handler == _GKE_HANDLER else None,
    )
    return Assumed(profile=profile, words=_words(name, profile, there=handler is not None))


def assumed_node_default() -> Assumed:
    """What a pod without a class runs on."""
    profile = RuntimeProfile(runtime="runc")
    return Assumed(profile=profile, words="a pod without a class runs on runc, release unknown")


def _runtime(name: str) -> str:
    return next((runtime for start, runtime in _BEGINNINGS if name.startswith(start)), "other")


def _hypervisor(name: str) -> str:
    parts = name.split("-")
    return next((h for h in HYPERVISORS if h in parts), _DEFAULT_HYPERVISOR)


def _words(name: str, profile: RuntimeProfile, *, there: bool) -> str:
    title = RUNTIME_TITLES[profile.runtime]
    release = f" {profile.versions[0]}, the newest that the table knows" if profile.versions else ""
    if there:
        release = ", release unknown: those of the last 24 months are judged"
    return f"{shown(name, 63)} is {title}{release} (handler {shown(profile.handler or '', 63)})"
