import io
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import orjson
import pytest

from tests.build import pod, review_bytes, snapshot
from webhook.server.logs import JsonFormatter, ReviewLog, Stdout, clean, log_to
from webhook.wire.admit import Door, admit

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
_TOUCHED = ("runtimegate", "gunicorn.error", "uvicorn.error", "asyncio")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("web-0", "web-0"),
        ("DOMAIN\\user", "DOMAIN\\user"),
        ('quoted "x"', 'quoted "x"'),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2028line", "\\u2028line"),
        ("\x85\x7f", "\\x85\\x7f"),
        ("größe", "größe"),
    ],
)
def test_what_could_move_a_cursor_or_a_reader_is_escaped(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_a_long_text_is_cut() -> None:
    assert clean("x" * 1_000_000) == "x" * 252 + "…"


def test_a_text_is_not_made_longer_than_that_by_escaping_it() -> None:
    assert clean("\U000e0001" * 1000, 25) == "\\U000e0001\\U000e0001\\U00…"


def test_a_text_of_just_the_limit_is_whole() -> None:
    assert clean("x" * 253) == "x" * 253


def line_of(body: bytes) -> bytes:
    lines: list[bytes] = []
    log = ReviewLog(lines.append, now=lambda: MOMENT)
    log.record(admit(body, snapshot(), Door.MUTATE), 0.000123)
    return lines[0]


def test_a_pod_that_will_be_named_later_is_logged_by_what_its_name_begins_with() -> None:
    obj = pod()
    obj["metadata"] = {"generateName": "web-7d9f-"}
    assert orjson.loads(line_of(review_bytes(obj, name="")))["name"] == "web-7d9f-"


def test_a_subresource_and_a_group_are_part_of_the_resource() -> None:
    body = review_bytes(sub_resource="ephemeralcontainers", operation="UPDATE", old=pod())
    assert orjson.loads(line_of(body))["resource"] == "pods/ephemeralcontainers"
    deployment = {"group": "apps", "version": "v1", "resource": "deployments"}
    body = review_bytes(resource=deployment)
    assert orjson.loads(line_of(body))["resource"] == "deployments.apps"


def test_the_object_itself_is_never_logged() -> None:
    obj = pod(containers=[{"name": "c", "image": "i", "env": [{"name": "K", "value": "s3cret"}]}])
    assert b"s3cret" not in line_of(review_bytes(obj))


def test_a_call_without_a_verdict_is_a_warning_and_a_failure_of_ours_an_error() -> None:
    lines: list[bytes] = []
    log = ReviewLog(lines.append, now=lambda: MOMENT)
    log.record_error("mutate", 400, "no \x1b[31m good", 0.001)
    log.record_error("mutate", 500, "away", 0.001)
    assert [orjson.loads(line) for line in lines] == [
        {
            "time": "2026-11-24T12:00:00Z",
            "level": level,
            "event": "review",
            "webhook": "mutate",
            "status": status,
            "error": error,
            "ms": 1.0,
        }
        for level, status, error in (
            ("warning", 400, "no \\x1b[31m good"),
            ("error", 500, "away"),
        )
    ]


def test_a_line_goes_to_standard_output_whole(capfd: pytest.CaptureFixture[str]) -> None:
    stdout = Stdout()
    stdout(b'{"a":1}\n')
    assert (capfd.readouterr().out, stdout.dropped) == ('{"a":1}\n', 0)


@contextmanager
def pipe_as_stdout() -> Iterator[int]:
    """Standard output is a pipe; yields the end to read it from, which the test may close."""
    saved = os.dup(1)
    read_end, write_end = os.pipe()
    os.dup2(write_end, 1)
    os.close(write_end)
    try:
        yield read_end
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def test_a_log_that_nobody_reads_holds_up_no_review() -> None:
    stdout = Stdout()
    line = b"x" * 999 + b"\n"
    with pipe_as_stdout() as read_end:
        for _ in range(1000):
            stdout(line)
        written = os.read(read_end, 2_000_000)
        os.close(read_end)
    assert stdout.dropped > 900
    assert len(written) == (1000 - stdout.dropped) * len(line)


def test_a_log_that_is_closed_refuses_no_pod() -> None:
    stdout = Stdout()
    with pipe_as_stdout() as read_end:
        os.close(read_end)
        stdout(b"x\n")
    assert stdout.dropped == 1


def formatted(message: str, *, error: Exception | None = None) -> str:
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("runtimegate.x", logging.ERROR, "f", 1, message, (), info)
    return JsonFormatter().format(record)


def test_messages_of_the_logging_module_are_lines_of_json_too() -> None:
    text = formatted("first\nsecond \x1b[31m\u202e")
    assert text.isprintable()
    entry = orjson.loads(text)
    assert (entry["level"], entry["event"], entry["message"]) == (
        "error",
        "runtimegate.x",
        "first\nsecond \\x1b[31m\\u202e",
    )


def test_a_traceback_is_a_field_without_raw_escapes() -> None:
    text = formatted("failed", error=KeyError("\x1b[31mred\u202e"))
    assert text.isprintable()
    assert orjson.loads(text)["traceback"].startswith("KeyError: ")


def test_of_the_servers_below_only_what_is_wrong_is_logged() -> None:
    saved = {name: (_logger(name).handlers, _logger(name).level) for name in _TOUCHED}
    stream = io.StringIO()
    try:
        log_to(logging.StreamHandler(stream))
        logging.getLogger("runtimegate.policies").info("reloaded")
        logging.getLogger("gunicorn.error").info("Booting worker")
        logging.getLogger("gunicorn.error").error("Worker died")
    finally:
        for name, (handlers, level) in saved.items():
            _logger(name).handlers = handlers
            _logger(name).setLevel(level)
            _logger(name).propagate = True
    messages = [orjson.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert messages == ["reloaded", "Worker died"]


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(name)
