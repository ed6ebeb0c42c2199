"""How an override names pods: by what a policy can say of them and other pods do not have too.

Service account, images and labels are written by the author of a pod, and so may hold anything;
what is no name by the API's own rules, a glob above all, never enters a policy.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from webhook.core.images import ImagePatternError, ImageReference, parse_image_pattern
from webhook.core.survey import Traits, Variant

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_OBJECT = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_ANNOTATION = re.compile(r"(?=.{1,317}\Z)[-A-Za-z0-9_.]+(?:/[-A-Za-z0-9_.]+)?")
_IDENTIFYING = (
    "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component", "app",
    "k8s-app", "component", "name", "run",
)  # fmt: skip
DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which pods an override is for, as a policy says it: all given parts must hold."""

    service_accounts: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()

    def takes(self, traits: Traits) -> bool:
        """Whether an override with it takes a pod (``PodSelector.matches_some``)."""
        if self.service_accounts and traits.service_account not in self.service_accounts:
            return False
        if not set(self.labels) <= set(traits.every_label):
            return False
        return not self.images or any(_repository(r) in self.images for r in traits.images)


def is_namespace(name: str) -> bool:
    """Whether a namespace can be called so."""
    return _LABEL.fullmatch(name) is not None


def is_account(name: str) -> bool:
    """Whether a service account can be called so."""
    return _OBJECT.fullmatch(name) is not None


def is_annotation(key: str) -> bool:
    """Whether an annotation can have this key."""
    return _ANNOTATION.fullmatch(key) is not None


def is_class_name(name: str | None) -> bool:
    """Whether a policy can name a class: no glob, nothing that no RuntimeClass is called."""
    return name is not None and _OBJECT.fullmatch(name) is not None


def narrowest(
    variant: Variant, default: int, strangers: Sequence[Traits], *, narrow: bool
) -> Selector:
    """The first of the ways to name these pods that takes no stranger; else the narrowest."""
    ways = list(_ways(variant, default, narrow=narrow))
    return next((way for way in ways if not any(map(way.takes, strangers))), ways[-1])


def _ways(variant: Variant, default: int, *, narrow: bool) -> Iterator[Selector]:
    """``narrow``: an image alone is not enough, for many pods may have it."""
    traits = variant.traits
    account = traits.service_account if is_class_name(traits.service_account) else ""
    own = (account,) if account not in {"", DEFAULT_ACCOUNT} else ()
    images = _patterns(variant.at_fault[default]) or _patterns(traits.images[:1])
    images = images or _patterns(traits.images)
    labels = _identifying(traits.labels)
    if own or (images and not (narrow and labels)):
        yield Selector(service_accounts=own, images=images)
    if labels:
        yield Selector(service_accounts=own, images=images, labels=labels)
    every = tuple(label for label in traits.labels if _sayable(label))
    if every and every != labels:
        yield Selector(service_accounts=own, images=images, labels=every)
    if not (own or images or labels or every):
        # Nothing else tells these pods apart; an account that no policy can name is none.
        yield Selector(service_accounts=(account or DEFAULT_ACCOUNT,))


def _patterns(references: Iterable[ImageReference]) -> tuple[str, ...]:
    names = (_repository(reference) for reference in references)
    return tuple(sorted({name for name in names if _is_pattern(name)}))


def _repository(reference: ImageReference) -> str:
    return "/".join(reference.components)


def _is_pattern(name: str) -> bool:
    try:
        return parse_image_pattern(name).components == tuple(name.split("/"))
    except ImagePatternError:
        return False


def _identifying(labels: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The labels that name an application; where there are none, all of them."""
    sayable = tuple(label for label in labels if _sayable(label))
    return tuple(label for label in sayable if label[0] in _IDENTIFYING) or sayable


def _sayable(label: tuple[str, str]) -> bool:
    key, value = label
    return _KEY.fullmatch(key) is not None and _VALUE.fullmatch(value) is not None
