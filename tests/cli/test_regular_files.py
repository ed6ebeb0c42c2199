import os
import socket
from pathlib import Path

import pytest

from webhook.cli.regular_files import MEBIBYTE, read_file

READ_LIMIT = 2 * MEBIBYTE
INSTEAD = "which is not read: pass - and redirect standard input from it"


def read(path: Path | str) -> bytes | str:
    """What is read of a path, or why it is not."""
    return read_file(Path(path), READ_LIMIT)


def test_a_regular_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"x" * READ_LIMIT)
    assert read(file) == b"x" * READ_LIMIT


def test_a_larger_one_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.touch()
    os.truncate(file, 200 * MEBIBYTE)  # takes no space, and would take its size in memory
    assert read(file) == "is too large: 200 MiB, at most 2 MiB are read; split it"


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    assert read(tmp_path / "a.yaml") == f"is a named pipe, {INSTEAD}"


def test_a_device_and_a_socket_are_not_read(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        assert read(tmp_path / "s") == f"is a socket, {INSTEAD}"
    assert read("/dev/zero") == f"is a device, {INSTEAD}"


def test_what_a_shell_passes_for_a_process_substitution_is_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"kind: Pod\n")
    os.close(writing)
    try:
        assert read(f"/dev/fd/{reading}") == b"kind: Pod\n"
    finally:
        os.close(reading)


@pytest.mark.parametrize(
    ("name", "problem"),
    [("loop.yaml", "Too many levels of symbolic links"), ("no.yaml", "No such file or directory")],
)
def test_what_is_not_there_is_said_in_the_systems_words(
    tmp_path: Path, name: str, problem: str
) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert read(tmp_path / name) == problem
