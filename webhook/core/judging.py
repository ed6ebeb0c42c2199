"""The judge of an audit: pods and templates to how they stand."""

from webhook.core.alike import Alike
from webhook.core.audit import Standpoint, assess
from webhook.core.pod import PodView
from webhook.core.subject import MOST_IMAGES, Standing
from webhook.core.workload import WorkloadPod


class Judging:
    """The judge of an audit, under the policies in force and, where given, under others.

    ``runs`` is false for manifests, whose pods have still to be made.
    """

    def __init__(
        self, now: Standpoint, after: Standpoint | None = None, *, runs: bool = True
    ) -> None:
        self._now = now
        self._after = after
        self._running = Alike(lambda pod: self._judged(pod, runs=True)) if runs else None

    def of_pod(self, pod: PodView) -> Standing:
        """How a pod stands; the very same value for an equal pod that runs."""
        return self._running(pod) if self._running else self._judged(pod, runs=False)

    def of_template(self, template: WorkloadPod) -> Standing:
        """How the pods of a template will stand."""
        return self._judged(template.view, runs=False)

    def _judged(self, pod: PodView, *, runs: bool) -> Standing:
        images = dict.fromkeys(str(c.reference or c.image) for c in pod.containers)
        return Standing(
            now=assess(pod, runs=runs, at=self._now),
            after=assess(pod, runs=runs, at=self._after) if self._after else None,
            images=tuple(images)[:MOST_IMAGES],
        )
