"""Log lines: JSON, one per line, and nothing in them that a tenant wrote reaches a terminal raw.

A review's line goes to standard output by one ``write``: 3 µs, where the logging module takes 15.
Everything else (reloads, failures, our bugs with their traceback) goes through that module to
standard error, in the same form.
"""

import logging
import os
import select
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from webhook.core.decision import Keep
from webhook.wire.admit import Outcome
from webhook.wire.response import decision_word, reason_of
from webhook.wire.review import AdmissionRequest

_LIMIT = 253  # the longest name that Kubernetes allows
_LONGEST_MESSAGE = 16384
_STDOUT = 1


def clean(text: str, limit: int = _LIMIT) -> str:
    """``text`` bounded, and with every character escaped that could move a cursor or a reader:
    controls, terminal escapes, bidirectional overrides, line separators."""
    if len(text) <= limit and text.isprintable():
        return text
    escaped = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:limit]
    )
    return escaped if len(escaped) <= limit and len(text) <= limit else escaped[: limit - 1] + "…"


def _cleaned(*texts: str) -> tuple[str, ...]:
    """Each text cleaned; nearly always there is nothing to clean, which one look tells."""
    together = "".join(texts)
    if len(together) <= _LIMIT and together.isprintable():
        return texts
    return tuple(clean(text) for text in texts)


class Stdout:
    """Standard output, for whole lines: below PIPE_BUF (4096) those of several workers do not mix.

    Nobody reading it must not stop admission. A pipe is writable when it has room for PIPE_BUF
    bytes, so a line is either written without waiting, or dropped and counted.
    """

    def __init__(self) -> None:
        self.dropped = 0

    def __call__(self, line: bytes) -> None:
        """Write ``line``."""
        try:
            if _STDOUT in select.select((), (_STDOUT,), (), 0)[1]:
                os.write(_STDOUT, line)
                return
        except OSError:  # closed, or its disk is full
            pass
        self.dropped += 1


class ReviewLog:
    """The one log line of each review."""

    def __init__(self, write: Callable[[bytes], None], *, now: Callable[[], datetime]) -> None:
        self._write = write
        self._now = now

    def record(self, outcome: Outcome, seconds: float) -> None:
        """Write what was asked, by whom, and what was decided: never the object itself."""
        request, decision = outcome.request, outcome.decision
        grounds = decision.grounds
        would = decision.would if isinstance(decision, Keep) else None
        uid, operation, resource, namespace, name, user, runtime_class = _cleaned(
            request.uid,
            request.operation,
            _resource(request),
            request.namespace,
            _name(request),
            request.user,
            grounds.runtime_class or "",
        )
        self._put(
            {
                "time": self._now(),
                "level": "info",
                "event": "review",
                "webhook": outcome.door,
                "uid": uid,
                "operation": operation,
                "resource": resource,
                "namespace": namespace,
                "name": name,
                "user": user,
                "decision": decision_word(decision),
                "would": decision_word(would) if would is not None else None,
                "reason": reason_of(decision) or None,
                "why": grounds.why or None,
                "policy": grounds.policy,
                "override": grounds.override,
                "exemption": grounds.exemption,
                "mode": grounds.mode,
                "runtimeClass": runtime_class or None,
                "dryRun": request.dry_run,
                "revision": outcome.revision,
                "ms": round(seconds * 1000, 3),
            }
        )

    def record_error(self, door: str, status: int, message: str, seconds: float) -> None:
        """Write that a call got no verdict, and why."""
        self._put(
            {
                "time": self._now(),
                "level": "error" if status >= 500 else "warning",
                "event": "review",
                "webhook": door,
                "status": status,
                "error": clean(message, 1024),
                "ms": round(seconds * 1000, 3),
            }
        )

    def _put(self, fields: dict[str, object]) -> None:
        self._write(orjson.dumps(fields, option=_OPTIONS))


_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


def _resource(request: AdmissionRequest) -> str:
    resource = f"{request.resource}.{request.group}" if request.group else request.resource
    return f"{resource}/{request.sub_resource}" if request.sub_resource else resource


def _name(request: AdmissionRequest) -> str:
    """The object's name; its ``generateName`` where the API server has not made one yet."""
    if request.name:
        return request.name
    metadata = (request.object or {}).get("metadata")
    if not isinstance(metadata, dict):
        return ""
    name = metadata.get("name") or metadata.get("generateName")
    return name if isinstance(name, str) else ""


class JsonFormatter(logging.Formatter):
    """The lines of the logging module in the form of ours."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; a traceback is a field of it."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "event": record.name,
            "pid": record.process,
            "message": _clean_lines(record.getMessage()),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["traceback"] = _clean_lines("".join(traceback.format_exception(*record.exc_info)))
        return orjson.dumps(line, option=orjson.OPT_UTC_Z).decode()


def _clean_lines(text: str) -> str:
    return "\n".join(clean(line, _LONGEST_MESSAGE) for line in text.split("\n"))


def log_to(handler: logging.Handler, *, level: int = logging.INFO) -> None:
    """Send what this program and its servers log to ``handler``; of the servers only what is
    wrong, since they tell of every start and stop."""
    handler.setFormatter(JsonFormatter())
    for name, lowest in (
        ("runtimegate", level),
        ("gunicorn.error", logging.WARNING),
        ("uvicorn.error", logging.WARNING),
        ("asyncio", logging.ERROR),
    ):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(lowest)
        logger.propagate = False
