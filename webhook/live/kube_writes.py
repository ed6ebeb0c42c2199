"""The door through which something is written to the API server; ``live/kube.py`` only reads.

The server never opens it. A replaced or deleted object must still be the one that was read, by its
resourceVersion: what somebody changed in the meantime is never overwritten.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3

from webhook.live.credentials import Access
from webhook.live.kube import ApiError, KubeApi

_SECONDS = 30.0
_BUSY = frozenset({429, 503})
"""The API server asks to come back: while the storage of a new CRD starts, or under load."""
_PAUSES = (0.5, 1.0, 2.0, 4.0)
_OBJECT = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class ConflictError(ApiError):
    """The object is there already, or is no longer the one that was read (409)."""


class KubeWriter(KubeApi):
    """A KubeApi that writes too: whole objects, one at a time."""

    def __init__(self, access: Access, *, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(access)
        self._sleep = sleep

    def labelled(self, collection: str, label: str) -> Iterator[Mapping[str, Any]]:
        """The metadata of each object that has ``label`` (``key=value``), and nothing else of it.

        A 404 means that there is no such collection.
        """
        query = {"limit": "500", "labelSelector": label}
        while True:
            page = self._asked(f"{collection}?{urlencode(query)}", accept=_LIST)
            yield from (item["metadata"] for item in page.get("items") or ())
            query["continue"] = (page.get("metadata") or {}).get("continue") or ""
            if not query["continue"]:
                return

    def metadata(self, path: str) -> Mapping[str, Any]:
        """The metadata of one object."""
        found: Mapping[str, Any] = self._asked(path, accept=_OBJECT)["metadata"]
        return found

    def create(self, collection: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object; ConflictError where one of its name is there."""
        return self._write("POST", collection, obj)

    def replace(self, path: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put ``obj``, read before and changed, in its place; ConflictError where it changed."""
        if not obj["metadata"].get("resourceVersion"):
            raise ValueError("an object without resourceVersion would overwrite whatever is there")
        return self._write("PUT", path, obj)

    def delete(self, path: str, *, uid: str, resource_version: str) -> None:
        """Remove the very object that was read; one that is gone already will do."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        try:
            self._write("DELETE", path, options)
        except ApiError as error:
            if error.status != 404:
                raise

    def _write(self, method: str, url: str, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return self._asked(url, method=method, body=orjson.dumps(obj))
        except ApiError as error:
            if error.status == 409:
                raise ConflictError(str(error), status=409) from error
            raise

    def _asked(self, url: str, **request: Any) -> Mapping[str, Any]:
        """The answer, asked for again where the API server is busy: it has done nothing then."""
        for pause in _PAUSES:
            try:
                return self._read(self._send(url, read_seconds=_SECONDS, **request), url)
            except ApiError as error:
                if error.status not in _BUSY:
                    raise
                self._sleep(pause)
        return self._read(self._send(url, read_seconds=_SECONDS, **request), url)

    def _read(self, response: urllib3.BaseHTTPResponse, url: str) -> Mapping[str, Any]:
        try:
            self._raise_for(response, url)
            found: Mapping[str, Any] = orjson.loads(response.read(decode_content=True))
        except (urllib3.exceptions.HTTPError, OSError, orjson.JSONDecodeError) as error:
            raise ApiError(f"{url.partition('?')[0]}: {error}") from error
        finally:
            response.release_conn()
        return found
