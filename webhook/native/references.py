"""Image references in CEL: normalised as ``core.images`` does, and its patterns as RE2.

``REFERENCE`` and ``pattern_regex`` say in CEL what ``parse_image`` and ``ImagePattern.matches`` say
in Python; tests hold them against each other on a real API server.
"""

from collections.abc import Sequence

from webhook.core.images import ImagePattern
from webhook.native.cel import glob_part, literal

_REGISTRY = (
    r"(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
    r"(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
GRAMMAR = rf"^(?:{_REGISTRY}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::{_TAG})?(?:@{_DIGEST})?$"
NAMES_REGISTRY = r"^(?:localhost|[^/]*[.:A-Z][^/]*)/"
"""Docker's rule: a first part with a dot, port or capital, or ``localhost``."""
WITH_REGISTRY = rf"^{_REGISTRY}/"
_LONGEST, _LONGEST_PATH = 640, 255


def reference(image: str) -> str:
    """The CEL expression of ``registry/path[:tag]`` for the expression ``image``; '' for nonsense.

    A list of one is CEL's way to name a value in between.
    """
    first = "i.substring(0, i.indexOf('/'))"
    rest = "i.substring(i.indexOf('/'))"
    path = "i.substring(i.indexOf('/') + 1).split(':')[0]"
    return (
        f"[{image}]"
        f".filter(i, size(i) <= {_LONGEST} && i.matches({literal(GRAMMAR)})"
        f" && (!i.matches({literal(NAMES_REGISTRY)}) || i.matches({literal(WITH_REGISTRY)})))"
        ".map(i, i.split('@')[0])"
        f".map(i, i.matches({literal(NAMES_REGISTRY)}) ? i : 'docker.io/' + i)"
        f".map(i, {first}.lowerAscii() + {rest})"
        ".map(i, i.startsWith('index.docker.io/') ? 'docker.io/' + i.substring(16) : i)"
        ".map(i, i.matches('^docker[.]io/[^/]+$') ? 'docker.io/library/' + i.substring(10) : i)"
        f".filter(i, size({path}) <= {_LONGEST_PATH})"
        ".join('')"
    )


_ANY_PARTS, _ANY_TAG = "[^/]+(?:/[^/:]+)*", "(?::[^/]*)?"


def pattern_regex(patterns: Sequence[ImagePattern]) -> str:
    """The RE2 expression of the references that some of ``patterns`` names."""
    untagged = {_path(p.components) for p in patterns if p.tag is None}
    tagged = {
        f"{_path(p.components)}:{glob_part(p.tag, any_one='[^/]')}"
        for p in patterns
        if p.tag is not None
    }
    anywhere = sorted(p.removeprefix(f"{_ANY_PARTS}/") for p in untagged if _anywhere(p))
    paths = sorted(p for p in untagged if not _anywhere(p))
    if anywhere:
        paths.append(f"{_ANY_PARTS}/{_some(anywhere)}")
    whole = sorted(tagged)
    if paths:
        whole.append(f"{_some(paths)}{_ANY_TAG}")
    return f"^{_some(whole)}$"


def _anywhere(path: str) -> bool:
    return path.startswith(f"{_ANY_PARTS}/")


def _some(choices: Sequence[str]) -> str:
    return f"(?:{'|'.join(choices)})"


def _path(components: Sequence[str]) -> str:
    return "/".join(_part(index, part) for index, part in enumerate(components))


def _part(index: int, part: str) -> str:
    # Only a registry, which comes first, may hold the ':' of a port.
    any_one = "[^/:]" if index else "[^/]"
    if part == "*":
        return f"{any_one}+(?:/[^/:]+)*"
    return glob_part(part, any_one=any_one)
