"""The processes: gunicorn's arbiter, and workers that each keep their own snapshot up to date.

What is read once (code, policies, tables) is read before the fork and shared. Threads, sockets to
the API server and everything that changes start after it, in each worker: so every worker sees
each reload, and none depends on another.
"""

import gc
import logging
import os
import random
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from a2wsgi import WSGIMiddleware
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from prometheus_client.multiprocess import mark_process_dead

from webhook.core.names import ALWAYS_EXCLUDED
from webhook.core.snapshot import Snapshot
from webhook.live.cluster import ClusterCache
from webhook.live.credentials import Access
from webhook.live.current import Current
from webhook.live.existing_pods import ExistingPodLister
from webhook.live.kube import KubeApi
from webhook.live.reload import PolicySource, PolicyState, Reloader, keep_doing
from webhook.server.answer import Reviews
from webhook.server.app import Service, create_app
from webhook.server.front import Front
from webhook.server.health import Health
from webhook.server.logs import ReviewLog, Stdout
from webhook.server.metrics import MULTIPROCESS_VARIABLE, Metrics, NamedClasses
from webhook.server.tls import ServingContext
from webhook.server.worker import KEEP_ALIVE_SECONDS, ReviewWorker, Stop

log = logging.getLogger("runtimegate.server")

_HEARTBEAT_SECONDS = 30
_SWITCH_SECONDS = 0.001
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - writable where the root file system is not


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to serve; everything in it has been seen to work."""

    version: str
    listener: socket.socket
    tls: ServingContext
    source: PolicySource
    stamp: object
    policies: PolicyState
    access: Access | None
    workers: int = 1
    threads: int = 4
    excluded_namespaces: frozenset[str] = frozenset()
    look_seconds: float = 2.0
    drain_seconds: float = 5.0
    finish_seconds: float = 10.0
    cluster_max_age_seconds: float | None = None


class Gate(BaseApplication):  # type: ignore[misc]  # it has no types
    """The application that gunicorn runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.tls_hook = settings.tls.hook
        self.stop = Stop(
            drain_seconds=settings.drain_seconds,
            finish_seconds=settings.finish_seconds,
            begin=self._begin_to_stop,
        )
        self._health: Health | None = None
        self._look = _Look()
        super().__init__()

    def load_config(self) -> None:
        """gunicorn's settings; it calls this."""
        settings = self._settings
        values: dict[str, Any] = {
            "bind": f"fd://{settings.listener.detach()}",
            "workers": settings.workers,
            "worker_class": ReviewWorker,
            "timeout": _HEARTBEAT_SECONDS,
            "graceful_timeout": int(settings.drain_seconds + settings.finish_seconds) + 2,
            "keepalive": KEEP_ALIVE_SECONDS,
            "control_socket_disable": True,  # it would be made under the home directory
            "worker_tmp_dir": _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None,
            "logger_class": _Log,
            "pre_fork": _freeze,
            "child_exit": _forget_worker,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Front:
        """The ASGI application of this worker, with its threads; called after the fork."""
        settings = self._settings
        # A thread that computes gives way to the loop after this; Python's own 5 ms show in p99.
        sys.setswitchinterval(_SWITCH_SECONDS)
        current = Current(_snapshot(settings, _now()))
        reloader = Reloader(source=settings.source, current=current, stamp=settings.stamp, now=_now)
        reloader.poll()  # a worker made later than the first starts with what holds now
        cluster = _follow(settings.access, current)
        stdout = Stdout()
        self._health = Health(
            current,
            version=settings.version,
            now=_now,
            reload_state=lambda: reloader.state,
            cluster_state=cluster.state if cluster else None,
            certificate=settings.tls,
            lines_dropped=lambda: stdout.dropped,
            cluster_max_age_seconds=settings.cluster_max_age_seconds,
        )
        self._look.start(
            (reloader.poll, lambda: _refresh(settings.tls)), every=settings.look_seconds
        )
        # Connections of its own: a preview must not keep one from the watches.
        pods = ExistingPodLister(KubeApi(settings.access)) if settings.access else None
        service = _service(current, cluster, pods, self._health, stdout)
        return front_of(service, threads=settings.threads)

    def look_now(self) -> None:
        """Look at policies and certificate at once (SIGHUP)."""
        self._look.now()

    def _begin_to_stop(self) -> None:
        if self._health is not None:
            self._health.draining = True

    def run(self) -> NoReturn:
        """Serve until told to stop; ends the process."""
        _Arbiter(self).run()
        raise SystemExit(0)


def _service(
    current: Current,
    cluster: ClusterCache | None,
    pods: ExistingPodLister | None,
    health: Health,
    stdout: Stdout,
) -> Service:
    metrics = Metrics(classes=NamedClasses(current))
    review_log = ReviewLog(stdout, now=_now)
    reviews = Reviews(
        current,
        metrics=metrics,
        review_log=review_log,
        namespaces=cluster,
        pods=pods,
    )
    return Service(current=current, reviews=reviews, metrics=metrics, health=health)


def front_of(service: Service, *, threads: int) -> Front:
    """The application of one worker: the reviews on its loop, the rest by Flask in threads."""
    # Flask and a2wsgi spell the protocols' types in their own words.
    flask: Any = create_app(service)
    rest: Any = WSGIMiddleware(flask, workers=threads)
    return Front(
        reviews=service.reviews,
        health=service.health,
        rest=rest,
        threads=threads,
    )


def _snapshot(settings: Settings, now: datetime) -> Snapshot:
    policies = settings.policies
    return Snapshot(
        policies=policies.policies,
        inventory=policies.inventory,
        compat=policies.compat,
        today=now.date(),
        revision=policies.revision,
        excluded_namespaces=ALWAYS_EXCLUDED | settings.excluded_namespaces,
    )


def _follow(access: Access | None, current: Current) -> ClusterCache | None:
    if access is None:
        return None
    cluster = ClusterCache(KubeApi(access), current, chance=random.random)
    cluster.start()
    return cluster


def _refresh(tls: ServingContext) -> None:
    """Take over new certificate files; say once what is wrong with those that cannot be."""
    before = tls.problem
    if tls.refresh(_now()):
        log.info("certificate replaced: valid until %s", tls.not_after.isoformat())
    if tls.problem and tls.problem != before:
        log.error("certificate: %s", tls.problem)


class _Look:
    """The thread that looks at files every so often, or at once when asked to."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def start(self, jobs: tuple[Callable[[], object], ...], *, every: float) -> None:
        threading.Thread(
            target=keep_doing,
            args=(jobs,),
            kwargs={"every": every, "wait": self._wait},
            name="look",
            daemon=True,
        ).start()

    def now(self) -> None:
        self._asked.set()

    def _wait(self, seconds: float) -> bool:
        self._asked.wait(seconds)
        self._asked.clear()
        return False


class _Arbiter(Arbiter):  # type: ignore[misc]  # it has no types
    """gunicorn's arbiter for a server whose settings do not change while it runs."""

    def handle_hup(self) -> None:
        """Workers look at their files at once; none is replaced."""
        self.kill_workers(signal.SIGHUP)

    def handle_usr2(self) -> None:
        """There is no second arbiter: a new version is a new Pod."""

    handle_ttin = handle_ttou = handle_usr2


class _Log(Logger):  # type: ignore[misc]  # it has no types
    """gunicorn's messages through the handlers that ``logs.log_to`` has set."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False


def _freeze(_arbiter: object, _worker: object) -> None:
    """Keep the collector off what all workers share: it would copy the pages by touching them."""
    gc.collect()
    gc.freeze()


def _forget_worker(_arbiter: object, worker: Any) -> None:
    if os.environ.get(MULTIPROCESS_VARIABLE):
        mark_process_dead(worker.pid)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the rim: the clock of the whole server
