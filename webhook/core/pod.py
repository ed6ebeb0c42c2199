"""A pod as the gate reads it: a frozen view of raw JSON that knows no policy and changes nothing.

The raw object is never passed through a typed client model: fields newer than this program stay.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from webhook.core.images import ImageReference, parse_image
from webhook.core.names import shown
from webhook.core.values import per_review

CONTAINER_LISTS: tuple[str, ...] = ("containers", "initContainers", "ephemeralContainers")
ARCH_LABEL = "kubernetes.io/arch"
_EMPTY: Mapping[str, Any] = {}
_ALL_STRINGS = frozenset({str})


class PodShapeError(ValueError):
    """An object is no pod: ``field_path`` and what it must be."""

    def __init__(self, field_path: str, message: str) -> None:
        super().__init__(f"{field_path}: {message}")
        self.field_path = field_path


@per_review(frozen=True, slots=True, kw_only=True)
class ContainerView:
    """One container of any of the three lists; ``raw`` is the object as it was sent.

    ``image_at`` is where its image stands, when that is not in the object itself.
    """

    name: str
    image: str
    field_path: str
    raw: Mapping[str, Any]
    image_at: str = ""

    @property
    def image_path(self) -> str:
        """The field path of the image."""
        return self.image_at or f"{self.field_path}.image"

    @property
    def reference(self) -> ImageReference | None:
        """The normalised image reference; None when the text is none."""
        return parse_image(self.image)


@per_review(frozen=True, slots=True, kw_only=True)
class PodView:
    """One pod or pod template. ``at`` is the field path of the template, empty for a pod.

    ``placed`` maps the parts of a pod that an outline tells to where they were written.
    ``class_where`` says where in its object a class is named, for who is told to name one: empty
    for a pod, None where the kind has no place for it.
    """

    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    service_account: str
    runtime_class_name: str | None
    os_name: str
    node_name: str
    containers: tuple[ContainerView, ...]
    spec: Mapping[str, Any]
    at: str = ""
    placed: Mapping[str, str] = field(default_factory=dict)
    class_where: str | None = ""

    def path(self, field: str) -> str:
        """``spec.hostNetwork`` as a field path of the object that was sent."""
        if self.placed:
            return _placed(self.placed, field)
        return f"{self.at}.{field}" if self.at else field

    @property
    def node_selector(self) -> Mapping[str, Any]:
        """``spec.nodeSelector`` as sent."""
        return mapping(self.spec.get("nodeSelector"))


def view_pod(
    spec: object, metadata: object, *, namespace: str, at: str = "", default_name: str = ""
) -> PodView:
    """Return the view of a pod's ``spec`` and ``metadata``.

    ``namespace`` is the request's, not the metadata's: the API server fills the latter later.
    Raises PodShapeError where the spec is no object or a container list is no list of objects.
    """
    prefix = f"{at}." if at else ""
    if not isinstance(spec, dict):
        raise PodShapeError(f"{prefix}spec", "must be an object")
    meta = mapping(metadata)
    name = text(meta.get("name")) or text(meta.get("generateName")) or default_name
    return PodView(
        namespace=namespace,
        name=name,
        labels=strings(meta.get("labels")),
        annotations=strings(meta.get("annotations")),
        service_account=text(spec.get("serviceAccountName"))
        or text(spec.get("serviceAccount"))
        or "default",
        runtime_class_name=text(spec.get("runtimeClassName")) or None,
        os_name=text(mapping(spec.get("os")).get("name")),
        node_name=text(spec.get("nodeName")),
        containers=_containers(spec, prefix),
        spec=spec,
        at=at,
        class_where="in its pod template" if at else "",
    )


def view_binding(obj: Mapping[str, Any], *, namespace: str, default_name: str = "") -> PodView:
    """A Binding as far as it changes its pod: the annotations that it adds, and nothing else."""
    metadata = mapping(obj.get("metadata"))
    return PodView(
        namespace=namespace,
        name=text(metadata.get("name")) or default_name,
        labels=_EMPTY,
        annotations=strings(metadata.get("annotations")),
        service_account="",
        runtime_class_name=None,
        os_name="",
        node_name="",
        containers=(),
        spec=_EMPTY,
    )


def _placed(placed: Mapping[str, str], written: str) -> str:
    """``written`` with its longest part that is placed elsewhere replaced."""
    head = written
    while head:
        if head in placed:
            return placed[head] + written[len(head) :]
        head = head[: max(head.rfind("."), head.rfind("["), 0)]
    return written


def _containers(spec: Mapping[str, Any], prefix: str) -> tuple[ContainerView, ...]:
    if not spec.get("containers"):
        raise PodShapeError(f"{prefix}spec.containers", "must hold at least one container")
    views: list[ContainerView] = []
    for key in CONTAINER_LISTS:
        if entries := spec.get(key):
            _view_each(entries, f"{prefix}spec.{key}", views)
    return tuple(views)


def _view_each(entries: object, at: str, views: list[ContainerView]) -> None:
    if not isinstance(entries, list):
        raise PodShapeError(at, "must be a list")
    for index, raw in enumerate(entries):
        field_path = f"{at}[{index}]"
        if not isinstance(raw, dict):
            raise PodShapeError(field_path, "must be an object")
        views.append(
            ContainerView(
                name=text(raw.get("name")),
                image=text(raw.get("image")),
                field_path=field_path,
                raw=raw,
            )
        )


def mapping(value: object) -> Mapping[str, Any]:
    """``value`` when it is an object, else an empty one: the API server has checked the types."""
    return value if isinstance(value, dict) else _EMPTY


def strings(value: object) -> Mapping[str, str]:
    """``value`` when it is an object of strings; of another object the strings that it holds.

    Labels and annotations: whatever reads them afterwards may rely on strings.
    """
    if not isinstance(value, dict):
        return _EMPTY
    if _ALL_STRINGS.issuperset(map(type, value)) and _ALL_STRINGS.issuperset(
        map(type, value.values())
    ):
        return value
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}


def sequence(value: object) -> Sequence[Any]:
    """``value`` when it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str:
    """``value`` when it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def words(container: ContainerView) -> Sequence[str]:
    """Every word of the container's command line: ``command``, then ``args``."""
    raw = container.raw
    command, args = raw.get("command"), raw.get("args")
    if not command and not args:
        return ()
    return [word for word in (*sequence(command), *sequence(args)) if isinstance(word, str)]


def environment(container: ContainerView) -> Iterator[tuple[str, str]]:
    """Every variable that the container's ``env`` sets to a plain value."""
    for entry in map(mapping, sequence(container.raw.get("env"))):
        if name := text(entry.get("name")):
            yield name, text(entry.get("value"))


def described(container: ContainerView) -> str:
    """``db (docker.io/library/postgres:11)``: the container as messages name it.

    Some kinds leave the name to their operator: then the image alone.
    """
    image = shown(str(container.reference or container.image), 160)
    return f"{shown(container.name, 63)} ({image})" if container.name else image
