"""The complete HTTP application: every route, for tests and embedders as it is.

In production the two review routes are answered before it (``front.py``), by the same function.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from webhook.live.current import Current
from webhook.server.answer import JSON, TEXT, Answer, Reviews
from webhook.server.health import Health, report
from webhook.server.logs import ReviewLog, Stdout
from webhook.server.metrics import CONTENT_TYPE, Metrics, NamedClasses
from webhook.wire.admit import Door
from webhook.wire.review import MAX_BODY_BYTES

log = logging.getLogger("runtimegate.server")

View = Callable[[], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the routes are made of."""

    current: Current
    reviews: Reviews
    metrics: Metrics
    health: Health


def plain_service(current: Current) -> Service:
    """A service with nothing around it: no reload, no cluster, no certificate."""
    metrics = Metrics(classes=NamedClasses(current))
    return Service(
        current=current,
        reviews=Reviews(current, metrics=metrics, review_log=ReviewLog(Stdout(), now=_now)),
        metrics=metrics,
        health=Health(current, version="", now=_now),
    )


def create_app(service: Service) -> Flask:
    """The Flask application that serves ``service``."""
    app = Flask("runtimegate", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    for door in Door:
        app.add_url_rule(
            f"/{door}",
            door,
            _review(service, door),
            methods=["POST"],
            provide_automatic_options=False,
        )
    for path, view in (
        ("/healthz", _healthz()),
        ("/readyz", _readyz(service)),
        ("/metrics", _metrics(service)),
        ("/version", _version(service)),
    ):
        app.add_url_rule(path, path[1:], view, provide_automatic_options=False)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _our_bug)
    return app


def _review(service: Service, door: Door) -> View:
    def review() -> Response:
        token = service.reviews.begin()
        try:
            return _response(_answered(service, door))
        finally:
            service.reviews.end(token)

    return review


def _answered(service: Service, door: Door) -> Answer:
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return service.reviews.too_large(door)
    timeout = request.args.get("timeout", "")
    return service.reviews.answer(door, request.headers.get("Content-Type", ""), body, timeout)


def _response(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, content_type=answer.content_type)


def _healthz() -> View:
    def healthz() -> Response:
        return Response("ok\n", content_type=TEXT)

    return healthz


def _readyz(service: Service) -> View:
    def readyz() -> Response:
        checks = service.health.checks()
        ready = all(check.ok for check in checks)
        text = report(checks) if "verbose" in request.args or not ready else "ok\n"
        return Response(text, status=200 if ready else 503, content_type=TEXT)

    return readyz


def _metrics(service: Service) -> View:
    def metrics() -> Response:
        readings = service.health.readings(service.reviews.in_flight)
        return Response(service.metrics.page(readings), content_type=CONTENT_TYPE)

    return metrics


def _version(service: Service) -> View:
    def version() -> Response:
        snapshot = service.current.snapshot
        body = {
            "version": service.health.version,
            "revision": snapshot.revision,
            "hash": snapshot.revision.partition(" ")[0],
            "compatData": snapshot.compat.version,
            "policies": len(snapshot.policies.policies),
        }
        return Response(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE), content_type=JSON)

    return version


def _http_error(error: HTTPException) -> Response:
    response = Response(f"{error.name.lower()}\n", status=error.code, content_type=TEXT)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _our_bug(error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return Response("internal error: see the log of runtimegate\n", status=500, content_type=TEXT)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the clock of embedders and tests
