"""The Flask app alone, behind gunicorn's threads and TLS: what an embedder would run.

python -m tests.bench.flask_door CERT KEY     prints the address, serves until it is killed
"""

import socket
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from tests.bench.admit import shipped_snapshot
from webhook.live.current import Current
from webhook.server.app import create_app, plain_service


class _Door(BaseApplication):  # type: ignore[misc]  # it has no types
    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(plain_service(Current(shipped_snapshot())))


def main() -> None:
    """Serve with one worker and eight threads."""
    cert, key = sys.argv[1:]
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
    settings = {
        "bind": f"fd://{listener.detach()}",
        "worker_class": "gthread",
        "threads": 8,
        "keepalive": 60,
        "certfile": cert,
        "keyfile": key,
        "control_socket_disable": True,
        "errorlog": "/dev/null",
    }
    # The log lines go to /dev/null with standard output, as those of the front do.
    _Door(settings).run()


if __name__ == "__main__":
    main()
