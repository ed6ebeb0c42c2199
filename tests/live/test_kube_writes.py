"""The writing door over real HTTP: what is sent, what is asked again, what is a conflict."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import urllib3

from webhook.live.credentials import Access
from webhook.live.kube import ApiError
from webhook.live.kube_writes import ConflictError, KubeWriter

PATH = "/apis/reports.example/v1/namespaces/a/reports"
OBJECT: dict[str, Any] = {"metadata": {"name": "ours", "resourceVersion": "7"}}


class Answers(HTTPServer):
    """Gives the answers it was told to, in turn, and keeps what it was asked."""

    answers: list[tuple[int, Any]]
    asked: list[tuple[str, str, Any, str]]


class Handler(BaseHTTPRequestHandler):
    server: Answers

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        value = json.loads(body) if body else None
        accept = self.headers.get("Accept") or ""
        self.server.asked.append((self.command, self.path, value, accept))
        status, answer = self.server.answers.pop(0)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Answers]:
    served = Answers(("127.0.0.1", 0), Handler)
    served.answers, served.asked = [], []
    thread = threading.Thread(target=served.serve_forever, args=(0.01,))
    thread.start()
    yield served
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def writer(server: Answers, slept: list[float]) -> KubeWriter:
    access = Access(
        host=f"http://127.0.0.1:{server.server_port}",
        connect=lambda: urllib3.PoolManager(maxsize=1),
        authorization=lambda: "Bearer t",
    )
    return KubeWriter(access, sleep=slept.append)


def test_an_object_is_made_in_its_collection(server: Answers, writer: KubeWriter) -> None:
    server.answers = [(201, OBJECT)]
    assert writer.create(PATH, {"metadata": {"name": "ours"}}) == OBJECT
    assert server.asked[0][:3] == ("POST", PATH, {"metadata": {"name": "ours"}})


def test_what_is_there_already_or_has_changed_is_a_conflict(
    server: Answers, writer: KubeWriter
) -> None:
    server.answers = [(409, {"message": "exists"})] * 3
    with pytest.raises(ConflictError, match="exists"):
        writer.create(PATH, OBJECT)
    with pytest.raises(ConflictError):
        writer.replace(f"{PATH}/ours", OBJECT)
    with pytest.raises(ConflictError):
        writer.delete(f"{PATH}/ours", uid="u", resource_version="7")


def test_nothing_is_replaced_blindly(server: Answers, writer: KubeWriter) -> None:
    with pytest.raises(ValueError, match="without resourceVersion"):
        writer.replace(f"{PATH}/ours", {"metadata": {"name": "ours"}})
    assert not server.asked


def test_only_the_very_object_is_removed(server: Answers, writer: KubeWriter) -> None:
    server.answers = [(200, {})]
    writer.delete(f"{PATH}/ours", uid="u", resource_version="7")
    ((method, _, options, _),) = server.asked
    assert method == "DELETE"
    assert options["preconditions"] == {"uid": "u", "resourceVersion": "7"}


def test_what_is_gone_already_need_not_be_removed(server: Answers, writer: KubeWriter) -> None:
    server.answers = [(404, {})]
    writer.delete(f"{PATH}/ours", uid="u", resource_version="7")
    assert [asked[0] for asked in server.asked] == ["DELETE"]


def test_a_refusal_is_told_in_the_servers_words(server: Answers, writer: KubeWriter) -> None:
    server.answers = [(403, {"message": "not yours"}), (403, {"message": "not yours"})]
    with pytest.raises(ApiError, match=f"{PATH}/ours: HTTP 403: not yours"):
        writer.delete(f"{PATH}/ours", uid="u", resource_version="7")
    with pytest.raises(ApiError, match="not yours"):
        writer.create(PATH, OBJECT)


def test_a_busy_server_is_asked_again_after_a_while(
    server: Answers, writer: KubeWriter, slept: list[float]
) -> None:
    server.answers = [(429, {}), (503, {}), (201, OBJECT)]
    assert writer.create(PATH, OBJECT) == OBJECT
    assert slept == [0.5, 1.0]


def test_one_that_stays_busy_is_given_up(
    server: Answers, writer: KubeWriter, slept: list[float]
) -> None:
    server.answers = [(429, {})] * 5
    with pytest.raises(ApiError, match="HTTP 429"):
        writer.create(PATH, OBJECT)
    assert len(slept) == 4


def test_of_what_is_labelled_only_the_metadata_is_asked_for_page_by_page(
    server: Answers, writer: KubeWriter
) -> None:
    page = {"items": [OBJECT], "metadata": {"continue": "x"}}
    server.answers = [(200, page), (200, {"items": [OBJECT]})]
    assert list(writer.labelled(PATH, "by=us")) == [OBJECT["metadata"]] * 2
    (_, first, _, accept), (_, second, _, _) = server.asked
    assert first == f"{PATH}?limit=500&labelSelector=by%3Dus"
    assert second.endswith("&continue=x")
    assert "as=PartialObjectMetadataList;" in accept


def test_the_metadata_of_one_object_is_asked_for_as_that(
    server: Answers, writer: KubeWriter
) -> None:
    server.answers = [(200, OBJECT)]
    assert writer.metadata(f"{PATH}/ours") == OBJECT["metadata"]
    assert "as=PartialObjectMetadata;" in server.asked[0][3]


def test_an_answer_that_is_no_json_is_an_error_of_the_server(
    server: Answers, writer: KubeWriter
) -> None:
    server.answers = [(200, b"<html>")]
    with pytest.raises(ApiError, match=f"{PATH}: "):
        writer.create(PATH, OBJECT)
