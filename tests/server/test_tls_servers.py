"""The context under the servers that hold it: uvicorn, and gunicorn with both its workers."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from certs.files import make_directory, serving_files
from certs.issue import issue_ca
from tests.server.doors import PATIENCE
from tests.server.tls_peers import NOW, client, client_identity, presented_to_http, put, serving
from webhook.server.tls import ServingContext

FIRST, SECOND = serving(), serving()

CONFIG = """
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from certs.files import make_directory, serving_files
from webhook.server.tls import ServingContext

threads, control_socket_disable = 4, True
FILES = serving_files(Path("tls").absolute())
serving = None


def post_fork(server, worker):
    global serving
    serving = ServingContext(FILES, now=datetime.now(UTC))
    threading.Thread(target=poll, daemon=True).start()


def poll():
    while True:
        time.sleep(0.02)
        serving.refresh(datetime.now(UTC))


def ssl_context(config, default):
    return serving.hook(config, default)
"""

APPLICATION = """
import config
from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):
    CONFIG_KWARGS = {
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "off",
        "ssl_context_factory": lambda uvicorn_config, default: config.serving.context,
    }


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "1")])
    return [b"!"]


async def asgi(scope, receive, send):
    headers = [(b"content-length", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"!"})
"""

# gunicorn takes TLS for granted only when it is told a certificate; uvicorn has its own switch.
WORKERS = {
    "gthread": ["--worker-class", "gthread", "--certfile", "tls/tls.crt", "application:wsgi"],
    "uvicorn": ["--worker-class", "application.Worker", "application:asgi"],
}


async def application(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"!"})


@contextmanager
def uvicorn_serves(context: ServingContext) -> Iterator[int]:
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=0,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        log_level="warning",
        ssl_context_factory=context.hook,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


def test_uvicorn_serves_a_new_pair_to_later_connections(tmp_path: Path) -> None:
    put(tmp_path, FIRST)
    context = ServingContext(serving_files(tmp_path), now=NOW)
    with uvicorn_serves(context) as port:
        assert presented_to_http(port) == FIRST.cert_pem
        put(tmp_path, SECOND)
        assert context.refresh(NOW)
        assert presented_to_http(port) == SECOND.cert_pem


def test_uvicorn_turns_clients_away_that_it_does_not_know(tmp_path: Path) -> None:
    put(tmp_path, FIRST)
    clients = issue_ca(now=NOW)
    (tmp_path / "clients.crt").write_bytes(clients.cert_pem)
    context = ServingContext(serving_files(tmp_path), now=NOW, client_ca=tmp_path / "clients.crt")
    ours = client(identity=client_identity(tmp_path / "ours.pem", clients))
    with uvicorn_serves(context) as port:
        assert presented_to_http(port, ours) == FIRST.cert_pem
        with pytest.raises((ssl.SSLError, ConnectionError)):
            presented_to_http(port, client())


@contextmanager
def gunicorn_serves(directory: Path, worker: str) -> Iterator[int]:
    (directory / "config.py").write_text(CONFIG)
    (directory / "application.py").write_text(APPLICATION)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        handle = listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "--config", "python:config"]
        command += ["--bind", f"fd://{handle}", *WORKERS[worker]]
        process = subprocess.Popen(
            command,
            cwd=directory,
            pass_fds=[handle],
            env={**os.environ, "PYTHONPATH": str(directory)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield listener.getsockname()[1]
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, log
        assert "Traceback" not in log, log


@pytest.mark.slow
@pytest.mark.parametrize("worker", WORKERS)
def test_no_request_fails_while_gunicorn_takes_over_new_pairs(tmp_path: Path, worker: str) -> None:
    tls = tmp_path / "tls"
    make_directory(tls)
    put(tls, FIRST)
    pairs = [FIRST, *(serving() for _ in range(4))]
    with gunicorn_serves(tmp_path, worker) as port:
        for pair in pairs:
            put(tls, pair)
            shown = set()
            deadline = time.monotonic() + PATIENCE
            while pair.cert_pem not in shown:
                shown.add(presented_to_http(port))
                assert time.monotonic() < deadline
    assert shown <= {pair.cert_pem for pair in pairs}
