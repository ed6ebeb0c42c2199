"""Equal pods are judged once: most pods of a cluster are copies of a few hundred templates.

Two pods are equal here when nothing that a decision reads differs: all but their names, the node
that they were bound to, and the random suffix of the volume by which the API server gives them
their service account's token.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from webhook.core.names import MIRROR_POD
from webhook.core.pod import CONTAINER_LISTS, PodView, mapping, sequence, text

JudgedT = TypeVar("JudgedT", bound=Hashable)
MOST_REMEMBERED = 50_000
"""An entry is some hundred bytes; what it leads to is kept by the census anyway."""
_TOKEN_VOLUME = re.compile(r"kube-api-access-[a-z0-9]{5}")


class Alike(Generic[JudgedT]):
    """Judges a pod that runs once for all that are its equals, which get the very same value.

    A mirror pod is judged by itself, for its node makes it.
    """

    def __init__(self, judged: Callable[[PodView], JudgedT]) -> None:
        self._judged = judged
        self._known: dict[bytes, JudgedT] = {}

    def __call__(self, pod: PodView) -> JudgedT:
        """What is made of the pod."""
        if MIRROR_POD in pod.annotations:
            return self._judged(pod)
        identity = _identity(pod)
        known = self._known.get(identity)
        if known is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            known = self._known[identity] = self._judged(pod)
        return known


def _identity(pod: PodView) -> bytes:
    spec = {key: value for key, value in pod.spec.items() if key != "nodeName"}
    _rename_token_volume(spec)
    read = (pod.namespace, pod.labels, pod.annotations, spec)
    return blake2b(repr(read).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _rename_token_volume(spec: dict[str, Any]) -> None:
    """Leave out the suffix where the volume is named and mounted, in a copy of both."""
    spec["volumes"] = [_renamed(volume) for volume in sequence(spec.get("volumes"))]
    for key in CONTAINER_LISTS:
        if containers := sequence(spec.get(key)):
            spec[key] = [_remounted(mapping(container)) for container in containers]


def _remounted(container: Mapping[str, Any]) -> Mapping[str, Any]:
    mounts = sequence(container.get("volumeMounts"))
    return {**container, "volumeMounts": [_renamed(m) for m in mounts]} if mounts else container


def _renamed(named: object) -> object:
    name = text(mapping(named).get("name"))
    if not _TOKEN_VOLUME.fullmatch(name):
        return named
    return {**mapping(named), "name": "kube-api-access"}
