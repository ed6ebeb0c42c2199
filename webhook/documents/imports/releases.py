"""One release as a set of releases: what a tool said of it holds for it alone."""

from __future__ import annotations

from webhook.core.versions import Version

_PRE_RELEASES = ("alpha", "beta", "rc")
"""By their rank in ``Version.key``; a release that is none has the rank after."""
_USUAL_NUMBERS, _MOST_NUMBERS = 3, 6


def release_number(release: Version) -> str:
    """The release by its number alone: ``20260905.0`` of a Go pseudo-version, ``1.1.5``."""
    numbers, rank, count = release.key
    return _written(_padded(release, numbers), rank, count)


def one_release(release: Version) -> str:
    """The interval of ``release`` alone: ``>=20260817.0 <20260817.1``, ``>=1.1.5 <1.1.5.1``."""
    return f">={release_number(release)} <{_after(release)}"


def _after(release: Version) -> str:
    """The first that is later, as far as releases are numbered."""
    numbers, rank, count = release.key
    padded = _padded(release, numbers)
    if rank < len(_PRE_RELEASES):
        return _written(padded, rank, count + 1)
    if release.date or len(padded) == _MOST_NUMBERS:
        return _written((*padded[:-1], padded[-1] + 1), rank, count)
    return _written((*padded, 1), rank, count)


def _padded(release: Version, numbers: tuple[int, ...]) -> tuple[int, ...]:
    usual = 2 if release.date else _USUAL_NUMBERS
    return (*numbers, *(0 for _ in range(usual - len(numbers))))


def _written(numbers: tuple[int, ...], rank: int, count: int) -> str:
    text = ".".join(map(str, numbers))
    return text if rank >= len(_PRE_RELEASES) else f"{text}-{_PRE_RELEASES[rank]}.{count}"
