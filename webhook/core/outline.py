"""Pods that an operator makes of an object which embeds no pod template: told by an outline.

An Argo Workflow holds containers, a Prometheus an image, a CloudNativePG Cluster sometimes not even
that. An outline is a row that says where the parts are; what it makes is a PodView whose findings
point at the fields that their author wrote. What the operator adds by its own settings is not seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from webhook.core.field_paths import FieldPath, below, field_path, found_at
from webhook.core.pod import ContainerView, PodView, mapping, sequence, strings, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A field path from the object itself (``root``) or from where the pod is outlined."""

    root: bool
    path: FieldPath


def place(written: str) -> Place:
    """``/spec.nodeSelector`` is a path from the object, ``nodeSelector`` from the pod's place."""
    return Place(root=written.startswith("/"), path=field_path(written.removeprefix("/")))


def places(*written: str) -> tuple[Place, ...]:
    """Several places, the first to be believed first."""
    return tuple(place(one) for one in written)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeContainer:
    """A container that the operator makes by itself; objects only choose its image.

    The image is the first text at ``images``, else ``default``, whose tag is the text at
    ``version`` where there is one.
    """

    name: str
    images: tuple[Place, ...] = ()
    default: str = ""
    version: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Where the parts of the pods are.

    ``each``: the objects of which each becomes a pod. ``among``: there is no pod where none of
    these is set. ``unless``: what a pod will be cannot be told where one of these is. ``template``:
    a pod template that the operator completes. ``metadata``: objects with labels and annotations.
    ``fields``: pod fields and where they are, the first that is set counts (of volumes: all).
    ``class_at``: where the class can be set; None where it cannot. ``class_where``: the same in
    words, where the path alone does not say how.
    """

    each: FieldPath = ()
    among: tuple[Place, ...] = ()
    unless: tuple[Place, ...] = ()
    template: Place | None = None
    metadata: tuple[Place, ...] = ()
    containers: tuple[Place, ...] = ()
    init_containers: tuple[Place, ...] = ()
    made: tuple[MadeContainer, ...] = ()
    fields: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    class_at: Place | None = None
    class_where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlinedPod:
    """A pod as an outline tells it. ``certain``: no image is the operator's default.

    ``class_at`` is the field path at which its class can be set; empty where it cannot.
    """

    view: PodView
    certain: bool
    class_at: str


def outlined_pods(
    obj: Mapping[str, Any], outline: Outline, *, namespace: str, name: str
) -> Iterator[OutlinedPod]:
    """The pods that are made of ``obj``, as far as it tells."""
    for at, base in found_at(obj, outline.each):
        source = _Source(obj=obj, base=base, at=at)
        if not isinstance(base, dict) or any(map(source.has, outline.unless)):
            continue
        if outline.among and not any(map(source.has, outline.among)):
            continue
        pod = _sketch(source, outline)
        if pod.containers:
            yield OutlinedPod(
                view=_view(pod, source, outline, namespace, name),
                certain=pod.certain,
                class_at=source.named(outline.class_at) if outline.class_at else "",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """The object, and the part of it that becomes a pod."""

    obj: Mapping[str, Any]
    base: Any
    at: str

    def found(self, where: Place) -> Iterator[tuple[str, Any]]:
        """What is at a place, with field paths of the object."""
        if where.root:
            return found_at(self.obj, where.path)
        return found_at(self.base, where.path, self.at)

    def set_at(self, where: tuple[Place, ...]) -> Iterator[tuple[str, Any]]:
        """What is at the places and not empty."""
        for one in where:
            yield from ((at, value) for at, value in self.found(one) if value)

    def has(self, where: Place) -> bool:
        """Whether something is set at a place."""
        return any(self.set_at((where,)))

    def named(self, where: Place) -> str:
        """The field path of a place, set or not."""
        keys = (f"[{key}]" if key == "*" or "." in key else f".{key}" for key in where.path)
        return below("" if where.root else self.at, "".join(keys).removeprefix("."))


@dataclass(slots=True, kw_only=True)
class _Sketch:
    """A pod in the making: its spec, and where the parts of it are in the object."""

    spec: dict[str, Any]
    labels: dict[str, str]
    annotations: dict[str, str]
    placed: dict[str, str]
    containers: list[ContainerView]
    certain: bool = True


def _sketch(source: _Source, outline: Outline) -> _Sketch:
    pod = _Sketch(spec={}, labels={}, annotations={}, placed={}, containers=[])
    pod.placed["spec"] = source.at or "spec"
    _add_template(pod, source, outline)
    for where, value in source.set_at(outline.metadata):
        _add_metadata(pod, where, value)
    for key, listed in outline.fields.items():
        _add_field(pod, key, source.set_at(listed))
    for key, listed in (
        ("containers", outline.containers),
        ("initContainers", outline.init_containers),
    ):
        _add_containers(pod, key, source.set_at(listed))
    for made in outline.made:
        _add_made(pod, source, made)
    return pod


def _add_template(pod: _Sketch, source: _Source, outline: Outline) -> None:
    """A pod template that need not be whole."""
    for at, template in source.found(outline.template) if outline.template else ():
        spec = mapping(mapping(template).get("spec"))
        pod.spec.update(spec)
        pod.placed["spec"] = f"{at}.spec"
        _add_metadata(pod, f"{at}.metadata", mapping(template).get("metadata"))
        for key in ("containers", "initContainers"):
            pod.spec.pop(key, None)
            _add_containers(pod, key, found_at(spec, (key,), f"{at}.spec"))


def _add_metadata(pod: _Sketch, at: str, value: object) -> None:
    pod.labels.update(strings(mapping(value).get("labels")))
    for key, said in strings(mapping(value).get("annotations")).items():
        pod.annotations[key] = said
        pod.placed[f"metadata.annotations[{key}]"] = f"{at}.annotations[{key}]"


def _add_field(pod: _Sketch, key: str, found: Iterator[tuple[str, Any]]) -> None:
    if key == "volumes":
        for at, listed in found:
            for index, volume in enumerate(sequence(listed)):
                volumes = pod.spec["volumes"] = [*sequence(pod.spec.get("volumes")), volume]
                pod.placed[f"spec.volumes[{len(volumes) - 1}]"] = f"{at}[{index}]"
        return
    for at, value in found:
        pod.spec[key] = value
        pod.placed[f"spec.{key}"] = at
        return


def _add_containers(pod: _Sketch, key: str, found: Iterator[tuple[str, Any]]) -> None:
    """Container objects, or lists of them."""
    for at, value in found:
        entries = found_at(value, ("*",), at) if isinstance(value, list) else ((at, value),)
        for where, raw in entries:
            if isinstance(raw, dict):
                _add_container(pod, key, where, raw, "")


def _add_container(
    pod: _Sketch, key: str, at: str, raw: Mapping[str, Any], image_path: str
) -> None:
    pod.spec[key] = [*sequence(pod.spec.get(key)), raw]
    pod.containers.append(
        ContainerView(
            name=text(raw.get("name")),
            image=text(raw.get("image")),
            field_path=at,
            raw=raw,
            image_at=image_path,
        )
    )


def _add_made(pod: _Sketch, source: _Source, made: MadeContainer) -> None:
    if any(c.name == made.name and c.image for c in pod.containers):
        return  # the object replaces its image in a list of containers
    chosen = next(
        ((at, image) for at, image in source.set_at(made.images) if isinstance(image, str)), None
    )
    if chosen is None:
        if not made.default:
            return
        pod.certain = False
        where = source.named(made.images[0]) if made.images else source.at or "spec"
        chosen = (where, _default_image(source, made))
    at, image = chosen
    raw = {"name": made.name, "image": image}
    _add_container(pod, "containers", source.at or "spec", raw, at)


def _default_image(source: _Source, made: MadeContainer) -> str:
    found = source.set_at((made.version,)) if made.version else ()
    version = next((said for _, said in found if isinstance(said, str)), "")
    return f"{made.default}:{version}" if version else made.default


def _view(pod: _Sketch, source: _Source, outline: Outline, namespace: str, name: str) -> PodView:
    if outline.class_at is not None:
        pod.placed.setdefault("spec.runtimeClassName", source.named(outline.class_at))
    spec = pod.spec
    account = text(spec.get("serviceAccountName")) or text(spec.get("serviceAccount"))
    return PodView(
        namespace=namespace,
        name=name,
        labels=pod.labels,
        annotations=pod.annotations,
        service_account=account or "default",
        runtime_class_name=text(spec.get("runtimeClassName")) or None,
        os_name=text(mapping(spec.get("os")).get("name")),
        node_name=text(spec.get("nodeName")),
        containers=tuple(pod.containers),
        spec=spec,
        at=source.at or "spec",
        placed=pod.placed,
        class_where=_class_where(source, outline),
    )


def _class_where(source: _Source, outline: Outline) -> str | None:
    if outline.class_at is None:
        return None
    return outline.class_where or f"by its {source.named(outline.class_at)}"
