"""Image references as the container runtimes read them, and patterns matched by path component."""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from webhook.core.versions import Version, VersionError, parse_version

DEFAULT_REGISTRY = "docker.io"
_MAX_LENGTH = 640  # what a path, a tag of 128, a registry and a digest can add up to
_LONGEST_PATH = 255  # distribution/reference: RepositoryNameTotalLengthMax

# The grammar of distribution/reference: a registry, lower-case path components, tag, digest.
_REGISTRY = re.compile(
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
    r"(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_TAG_VERSION = re.compile(r"[vV]?(?P<version>[0-9]+(?:\.[0-9]+)*)(?:\Z|[-_+.])")
_TAG_PRE = re.compile(r"[vV]?[0-9]+(?:\.[0-9]+)*-?(?:alpha|beta|rc)[-.]?[0-9]*")
_PATTERN_PART = re.compile(r"[a-z0-9._*?-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageReference:
    """A normalised reference: ``postgres`` is registry ``docker.io``, path ``library/postgres``."""

    registry: str
    path: tuple[str, ...]
    tag: str | None
    digest: str | None

    @property
    def components(self) -> tuple[str, ...]:
        """Registry and path components: what a pattern is matched against."""
        return (self.registry, *self.path)

    def __str__(self) -> str:
        name = "/".join(self.components)
        tag = f":{self.tag}" if self.tag else ""
        return f"{name}{tag}@{self.digest}" if self.digest else name + tag

    @property
    def version(self) -> Version | None:
        """The release that the tag names; None without a tag or when it names none (``latest``)."""
        return tag_version(self.tag) if self.tag else None


def parse_image(text: str) -> ImageReference | None:
    """Return the reference that ``text`` writes, normalised as containerd does; None for nonsense.

    The kubelet refuses what this refuses (``InvalidImageName``), so nothing runs unrecognised.
    """
    # Measured before it is remembered: tenants write these, megabytes if they like.
    # A registry is lowered, and some letters that are no ASCII have an ASCII one below them.
    return _parsed(text) if 0 < len(text) <= _MAX_LENGTH and text.isascii() else None


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ImageReference | None:
    name, _, digest = text.partition("@")
    if "@" in text and not _DIGEST.fullmatch(digest):
        return None
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        return None
    registry, path = _split_registry((head + slash + last).split("/"))
    if not _REGISTRY.fullmatch(registry) or not all(_COMPONENT.fullmatch(part) for part in path):
        return None
    if sum(len(part) + 1 for part in path) > _LONGEST_PATH + 1:
        return None
    return ImageReference(
        registry=registry, path=path, tag=tag if colon else None, digest=digest or None
    )


def _split_registry(parts: list[str]) -> tuple[str, tuple[str, ...]]:
    """Docker's rule: a first part with a dot, port or capital, or ``localhost``, is a registry."""
    first = parts[0]
    if len(parts) > 1 and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    ):
        registry, path = first.lower(), parts[1:]
    else:
        registry, path = DEFAULT_REGISTRY, parts
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and len(path) == 1:
        path = ["library", *path]
    return registry, tuple(path)


@lru_cache(maxsize=4096)
def tag_version(tag: str) -> Version | None:
    """The release a tag begins with: ``16.3-alpine`` is 16.3, ``latest`` none."""
    match = _TAG_PRE.match(tag)
    text = match.group() if match else ""
    if not text:
        plain = _TAG_VERSION.match(tag)
        if plain is None:
            return None
        text = plain["version"]
    try:
        return parse_version(text)
    except VersionError:
        return None


class ImagePatternError(ValueError):
    """A text is no image pattern; the message says what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePattern:
    """A pattern over registry and path components, and perhaps the tag.

    A component ``*`` stands for one or more whole components; ``*`` and ``?`` inside a component
    never cross a ``/``. So ``*/postgres`` is any registry's ``postgres`` and never
    ``postgres-exporter``.
    """

    text: str
    components: tuple[str, ...]
    tag: str | None

    def matches(self, image: ImageReference) -> bool:
        """Whether ``image`` is one of the images that this pattern names."""
        if self.tag is not None and not (image.tag and glob_matches(self.tag, image.tag)):
            return False
        return _components_match(self.components, image.components)


def parse_image_pattern(text: str) -> ImagePattern:
    """Return the pattern; a bare ``postgres`` means ``docker.io/library/postgres``.

    Raises ImagePatternError for an empty text, an upper-case path or a digest.
    """
    allowed = 'such as "postgres", "*/postgres", "docker.io/bitnami/*" or "*/redis:7*"'
    if "@" in text:
        raise ImagePatternError(f"must not hold a digest: name the repository, {allowed}")
    head, slash, last = text.rpartition("/")
    last, colon, tag = last.partition(":")
    parts = (head + slash + last).split("/")
    # The first part may be a registry with a port; all others are path components.
    if not all(
        _PATTERN_PART.fullmatch(p.split(":")[0] if i == 0 else p) for i, p in enumerate(parts)
    ):
        raise ImagePatternError(f"must be an image pattern {allowed}, not {text[:120]!r}")
    if colon and not tag:
        raise ImagePatternError(f"must not end in ':': {text[:120]!r}")
    if "*" not in parts[0] and "?" not in parts[0]:
        registry, path = _split_registry(parts)
        parts = [registry, *path]
    return ImagePattern(text=text, components=tuple(parts), tag=tag if colon else None)


def _components_match(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    # From the end: the last components tell images apart, while many patterns begin with a star.
    left, there = len(pattern), len(parts)
    while left and pattern[left - 1] != "*":
        if not there or not glob_matches(pattern[left - 1], parts[there - 1]):
            return False
        left, there = left - 1, there - 1
    if not left:
        return not there
    return any(_components_match(pattern[: left - 1], parts[:n]) for n in range(there))


def glob_matches(pattern: str, text: str) -> bool:
    """Whether a glob of ``*`` and ``?`` names ``text``; nothing else is special."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _compiled(pattern).match(text) is not None


@lru_cache(maxsize=16384)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_translated(pattern))


def globs_union(globs: Iterable[str]) -> re.Pattern[str]:
    """One pattern that matches whatever some of the globs names."""
    return re.compile("|".join(_translated(glob) for glob in sorted(globs)))


def _translated(pattern: str) -> str:
    # fnmatch's translation never backtracks over several stars; its "[" is taken as a letter here.
    return fnmatch.translate(pattern.replace("[", "[[]"))
