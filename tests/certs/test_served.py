"""What an address presents, over real sockets."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.inspect import inspect_serving
from certs.served import Endpoint, outdated, parse_endpoint
from tests.certs.build import leaf, message_of


@contextlib.contextmanager
def presenting(folder: Path) -> Iterator[Endpoint]:
    """A server on loopback that presents ``leaf()`` and says nothing."""
    pair = folder / "pair.pem"
    pair.write_bytes(leaf().key_pem + leaf().cert_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listening.accept()
                    with contextlib.suppress(OSError):
                        context.wrap_socket(plain, server_side=True).close()

        threading.Thread(target=answer, daemon=True).start()
        try:
            yield Endpoint(host="127.0.0.1", port=listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def test_an_address_that_presents_the_certificate_is_up_to_date(tmp_path: Path) -> None:
    with presenting(tmp_path) as endpoint:
        assert outdated((endpoint,), inspect_serving(leaf().cert_pem).fingerprint) == ()


def test_an_address_that_presents_another_is_named_with_it(tmp_path: Path) -> None:
    shown = inspect_serving(leaf().cert_pem).fingerprint[:23]
    with presenting(tmp_path) as endpoint:
        assert outdated((endpoint,), "00") == (f"127.0.0.1:{endpoint.port} (presents {shown}…)",)


def test_an_address_that_is_not_reached_counts_as_outdated() -> None:
    assert outdated((Endpoint(host="127.0.0.1", port=1),), "00") == (
        "127.0.0.1:1 (not reached: connection refused)",
    )


def test_a_host_that_has_no_address_counts_as_outdated() -> None:
    (said,) = outdated((Endpoint(host="nowhere.invalid", port=443),), "00")
    assert said.startswith("nowhere.invalid:443 (not reached: ")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("gate.ns.svc:443", Endpoint(host="gate.ns.svc", port=443)),
        ("[::1]:8443", Endpoint(host="::1", port=8443)),
    ],
)
def test_an_address_is_read(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text, "--check-served") == endpoint


@pytest.mark.parametrize("text", ["gate", ":443", "gate:", "gate:0", "gate:65536", "gate:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert message_of(lambda: parse_endpoint(text, "--check-served")) == (
        f"--check-served: {text!r} is no address; expected HOST:PORT"
    )
