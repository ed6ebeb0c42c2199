"""One cause of a refusal as CEL, and what may be one and is not compiled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from webhook.core.policy import Exemption
from webhook.native.cel import FALSE
from webhook.native.omitted import Part

Place = tuple[int, str]
"""The number of the rules, and the class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One cause: ``in_pod`` is a test of ``object``, ``in_container`` of ``c``.

    ``application`` is a test of ``c``, whose reference is among the images. ``anew`` tells on an
    update whether the pod, of what may change of it, had it not before.
    ``exempt`` are the numbers of the exemptions that leave it out; ``partly`` means that some may
    leave out a part of it only, and are taken to leave out the whole.
    """

    feature: str
    texts: Mapping[Place, str]
    in_pod: str = FALSE
    in_container: str = FALSE
    application: str = FALSE
    anew: str = FALSE
    exempt: tuple[int, ...] = ()
    partly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """What the webhook may refuse and the compiled policy does not."""

    part: Part
    name: str
    places: tuple[Place, ...]


Found = Iterator[Ground | Unsure]


def exempting(exemptions: Sequence[Exemption], feature: str) -> tuple[int, ...]:
    """The numbers of the exemptions that leave a feature out."""
    return tuple(i for i, e in enumerate(exemptions) if e.covers(feature))


def making(named: str) -> str:
    """What to do by a class, whether the pod is to be made or is there already."""
    return f"make the pod with runtimeClassName: {named}"
