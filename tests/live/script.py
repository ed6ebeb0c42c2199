"""An API server that plays what a test wrote."""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.live.kube import Page


class Script:
    """An ApiServer that plays what a test wrote: each call takes the next entry of its list."""

    def __init__(self, *, lists: list[Any] | None = None, watches: list[Any] | None = None) -> None:
        self.lists = lists or []
        self.watches = watches or []
        self.calls: list[str] = []
        self.objects: dict[str, Any] = {}
        self.error: Exception | None = None

    def list_page(self, path: str, *, limit: int, resume: str = "") -> Page:
        self.calls.append(f"list {resume}".strip())
        entry = self.lists.pop(0)
        if isinstance(entry, Exception):
            raise entry
        return entry  # type: ignore[no-any-return]  # what the test wrote

    def watch(
        self, path: str, *, resource_version: str, seconds: int
    ) -> Iterator[Mapping[str, Any]]:
        self.calls.append(f"watch {resource_version}")
        for entry in self.watches.pop(0):
            if isinstance(entry, Exception):
                raise entry
            yield entry

    def get(self, path: str, *, seconds: float) -> Mapping[str, Any] | None:
        self.calls.append(f"get {path}")
        if self.error:
            raise self.error
        return self.objects.get(path)
