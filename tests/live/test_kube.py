import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from tests.live.fake_api import FakeApi, namespace
from webhook.live.credentials import Access
from webhook.live.kube import ApiError, GoneError, KubeApi, object_path

NAMESPACES = "/api/v1/namespaces"


def access(url: str, *, token: str | None = None) -> Access:
    return Access(
        host=url,
        connect=urllib3.PoolManager,
        authorization=lambda: f"Bearer {token}" if token else None,
    )


def test_a_list_comes_in_pages_as_raw_objects(fake: FakeApi, url: str) -> None:
    for name in ("a", "b", "c"):
        fake.put(NAMESPACES, {**namespace(name), "fieldFromTheFuture": {"x": 1}})
    api = KubeApi(access(url))
    first = api.list_page(NAMESPACES, limit=2)
    assert [item["metadata"]["name"] for item in first.items] == ["a", "b"]
    assert first.items[0]["fieldFromTheFuture"] == {"x": 1}
    assert first.resume == "2"
    last = api.list_page(NAMESPACES, limit=2, resume=first.resume)
    assert [item["metadata"]["name"] for item in last.items] == ["c"]
    assert (last.resume, last.resource_version) == ("", "103")


def test_a_watch_gives_the_events_after_a_version(fake: FakeApi, url: str) -> None:
    fake.put(NAMESPACES, namespace("before"))
    version = str(fake.version)
    fake.put(NAMESPACES, namespace("after", tier="tenant"))
    fake.delete(NAMESPACES, "after")
    events = KubeApi(access(url)).watch(NAMESPACES, resource_version=version, seconds=60)
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in (next(events), next(events))] == [
        ("ADDED", "after"),
        ("DELETED", "after"),
    ]
    fake.stopping = True
    assert list(events) == []


def test_a_watch_asks_for_bookmarks_and_for_an_end(fake: FakeApi, url: str) -> None:
    fake.stopping = True
    list(KubeApi(access(url)).watch(NAMESPACES, resource_version="7", seconds=300))
    assert parse_qs(urlsplit(fake.requests[-1]).query) == {
        "watch": ["1"],
        "allowWatchBookmarks": ["true"],
        "resourceVersion": ["7"],
        "timeoutSeconds": ["300"],
    }


def test_a_watch_from_a_version_long_gone_says_so(fake: FakeApi, url: str) -> None:
    fake.expire()
    with pytest.raises(GoneError, match=r"^/api/v1/namespaces: HTTP 410: too old$"):
        next(KubeApi(access(url)).watch(NAMESPACES, resource_version="1", seconds=60))


def test_a_watch_that_is_silent_too_long_asks_for_a_new_list(fake: FakeApi, url: str) -> None:
    # Long enough for the head of the answer, which a watch that is silent has sent.
    api = KubeApi(access(url), silence_seconds=3)
    events = api.watch(NAMESPACES, resource_version="100", seconds=60)
    with pytest.raises(GoneError, match=r"^watch of /api/v1/namespaces was silent too long$"):
        next(events)


def test_a_watch_that_breaks_off_is_an_error_of_one_line(fake: FakeApi, url: str) -> None:
    fake.break_watches = 1
    events = KubeApi(access(url)).watch(NAMESPACES, resource_version="100", seconds=60)
    with pytest.raises(ApiError, match=r"^watch of /api/v1/namespaces broke off: .+$"):
        list(events)


def test_an_object_is_got_by_its_name(fake: FakeApi, url: str) -> None:
    fake.put(NAMESPACES, namespace("tenant-a", tier="tenant"))
    got = KubeApi(access(url)).get(object_path(NAMESPACES, "tenant-a"), seconds=60)
    assert got is not None
    assert got["metadata"]["labels"] == {"tier": "tenant"}


def test_an_object_that_does_not_exist_is_none(url: str) -> None:
    assert KubeApi(access(url)).get(object_path(NAMESPACES, "nope"), seconds=60) is None


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_an_object_that_may_not_be_got_is_not_taken_for_none(
    fake: FakeApi, url: str, status: int
) -> None:
    fake.refuse = lambda _: status
    with pytest.raises(ApiError) as caught:
        KubeApi(access(url)).get(object_path(NAMESPACES, "a"), seconds=5)
    assert caught.value.status == status


def test_a_list_that_has_expired_says_how_to_go_on() -> None:
    status = {"code": 410, "message": "expired", "metadata": {"continue": "the rest"}}
    body = json.dumps(status).encode()
    head = b"HTTP/1.1 410 Gone\r\nContent-Length: %d\r\n\r\n" % len(body)
    with answering(head, body) as url, pytest.raises(GoneError) as caught:
        KubeApi(access(url)).list_page(NAMESPACES, limit=1, resume="old")
    assert caught.value.resume == "the rest"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (b"200 OK", b"<html>", "the API server sent what is not JSON: "),
        (b"200 OK", b"[]", "the API server sent JSON that is no object"),
        (b"503 Away", b"<html>", "/api/v1/namespaces: HTTP 503"),
        (b"503 Away", b"[]", "/api/v1/namespaces: HTTP 503"),
        (b"410 Gone", b"[]", "/api/v1/namespaces: HTTP 410"),
    ],
)
def test_what_no_api_server_says_is_an_error_too(status: bytes, body: bytes, said: str) -> None:
    head = b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    with answering(head % (status, len(body)), body) as url, pytest.raises(ApiError) as caught:
        KubeApi(access(url)).list_page(NAMESPACES, limit=1)
    assert str(caught.value).startswith(said)


def test_a_page_says_how_many_come_after_it() -> None:
    body = json.dumps({"metadata": {"remainingItemCount": 7, "continue": "x"}}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with answering(head, body) as url:
        assert KubeApi(access(url)).list_page(NAMESPACES, limit=1).remaining == 7


def test_an_answer_that_drips_in_is_waited_for_no_longer_than_it_may_take() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with (
        answering(head, b" ", b" " * 999) as url,
        pytest.raises(ApiError, match=r"no answer in time|[Tt]imed out"),
    ):
        KubeApi(access(url)).list_page_within(
            NAMESPACES, limit=1, resume="", seconds=0.5, most_bytes=10_000_000
        )


@contextmanager
def answering(*parts: bytes) -> Iterator[str]:
    """A server that sends ``parts`` to whoever comes, and then the last of them time and again."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError), listener.accept()[0] as connection:
            connection.recv(65536)
            for part in (*parts, *repeat(parts[-1], 200)):
                connection.sendall(part)
                time.sleep(0.05)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join()
        listener.close()


def test_a_refusal_names_the_place_the_status_and_the_reason(fake: FakeApi, url: str) -> None:
    fake.refuse = lambda _: 403
    with pytest.raises(ApiError, match=r"^/api/v1/namespaces: HTTP 403: refused 403$") as caught:
        KubeApi(access(url)).list_page(NAMESPACES, limit=1)
    assert caught.value.status == 403


def test_an_answer_that_does_not_come_is_not_waited_for(fake: FakeApi, url: str) -> None:
    fake.delay_seconds = 60
    with pytest.raises(ApiError, match="imed out"):
        KubeApi(access(url)).get(object_path(NAMESPACES, "a"), seconds=0.1)
    assert len(fake.requests) <= 1


def test_a_server_that_is_away_is_an_error_of_one_line() -> None:
    with pytest.raises(ApiError, match=r"^http://127\.0\.0\.1:1: .*[Cc]onnection refused$"):
        KubeApi(access("http://127.0.0.1:1")).list_page(NAMESPACES, limit=1)


def test_the_token_goes_with_every_request_as_it_is_then(fake: FakeApi, url: str) -> None:
    tokens = iter(["one", "two"])
    api = KubeApi(
        Access(
            host=url,
            connect=urllib3.PoolManager,
            authorization=lambda: f"Bearer {next(tokens)}",
        )
    )
    api.list_page(NAMESPACES, limit=1)
    api.list_page(NAMESPACES, limit=1)
    assert fake.authorizations == ["Bearer one", "Bearer two"]


def test_a_replaced_ca_or_client_certificate_makes_new_connections(
    url: str, tmp_path: Path
) -> None:
    ca = tmp_path / "ca.crt"
    ca.write_text("old")
    made: list[str] = []  # of one length: certificates of one kind often are

    def connect() -> urllib3.PoolManager:
        made.append(ca.read_text())
        return urllib3.PoolManager()

    api = KubeApi(Access(host=url, connect=connect, authorization=lambda: None, files=(ca,)))
    api.list_page(NAMESPACES, limit=1)
    api.list_page(NAMESPACES, limit=1)
    (tmp_path / "new").write_text("new")
    (tmp_path / "new").rename(ca)
    api.list_page(NAMESPACES, limit=1)
    assert made == ["old", "new"]
    ca.unlink()
    with pytest.raises(ApiError, match="No such file"):
        api.list_page(NAMESPACES, limit=1)


def test_names_cannot_lead_out_of_their_collection() -> None:
    assert object_path(NAMESPACES, "../secrets?x=1") == "/api/v1/namespaces/..%2Fsecrets%3Fx%3D1"


def test_several_threads_share_one_api(fake: FakeApi, url: str) -> None:
    fake.put(NAMESPACES, namespace("a"))
    api = KubeApi(access(url))
    found: list[int] = []

    def ask() -> None:
        found.extend(len(api.list_page(NAMESPACES, limit=5).items) for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 60
