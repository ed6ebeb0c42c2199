"""A resize in place (KEP-1287) as a need: whoever asks for it wants it to have an effect.

What a runtime does with it decides no pod that is made: only the subresource ``resize`` asks.
"""

from webhook.core.features import Use
from webhook.core.names import Feature, Strength
from webhook.core.pod import PodView

RESIZE = Feature("pod:resize")


def resizes(pod: PodView, old: PodView) -> tuple[Use, ...]:
    """A use of ``RESIZE`` for the pod's own and for each container's resources that change."""
    before = {container.name: container.raw.get("resources") for container in old.containers}
    found = [
        Use(RESIZE, f"{container.field_path}.resources", container, Strength.PREFERRED, False)
        for container in pod.containers
        if container.name in before and before[container.name] != container.raw.get("resources")
    ]
    if pod.spec.get("resources") != old.spec.get("resources"):
        where = pod.path("spec.resources")
        found.insert(0, Use(RESIZE, where, None, Strength.PREFERRED, False))
    return tuple(found)
