"""The directory: read as one version, written so that a crash leaves nothing half-done unseen."""

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from certs.files import (
    ServingFiles,
    load_serving,
    locked,
    make_directory,
    read_directory,
    read_pem,
    read_serving,
    serving_files,
    write_files,
)
from certs.inspect import inspect_serving
from tests.certs.build import ca, leaf, message_of

WRITES_AS_NOBODY = """
import os, sys
from pathlib import Path
from certs.errors import CertificateError
from certs.files import write_files

if os.geteuid() == 0:  # root may write everywhere
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    write_files(Path(sys.argv[1]), {"tls.crt": b"any"})
except CertificateError as error:
    print(error)
"""
PAIR = {"tls.crt": leaf().cert_pem, "tls.key": leaf().key_pem, "ca.crt": ca().cert_pem}


def mounted(mount: Path, version: str, files: dict[str, bytes]) -> None:
    """What the kubelet does for a Secret: a new folder, then one symlink replaced."""
    folder = mount / f"..{version}"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (mount / "..data_tmp").symlink_to(folder.name)
    (mount / "..data_tmp").replace(mount / "..data")
    for name in files:
        if not (mount / name).is_symlink():
            (mount / name).symlink_to(f"..data/{name}")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_written_pair_is_loaded(tmp_path: Path) -> None:
    write_files(tmp_path, PAIR)
    found = load_serving(tmp_path)
    assert found.cert == inspect_serving(leaf().cert_pem)
    assert found.ca is not None


def test_a_mounted_secret_is_read_through_its_symlinks(tmp_path: Path) -> None:
    mounted(tmp_path, "v1", PAIR)
    assert load_serving(tmp_path).cert == inspect_serving(leaf().cert_pem)
    mounted(tmp_path, "v2", {**PAIR, "tls.crt": leaf(1).cert_pem, "tls.key": leaf(1).key_pem})
    assert load_serving(tmp_path).cert == inspect_serving(leaf(1).cert_pem)


def test_a_mounted_secret_is_not_written_to(tmp_path: Path) -> None:
    mounted(tmp_path, "v1", PAIR)
    assert message_of(lambda: write_files(tmp_path, PAIR)) == (
        f"{tmp_path}: is a mounted Secret or ConfigMap; expected a directory of its own to write to"
    )


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "tls"
    make_directory(directory)
    write_files(directory, {**PAIR, "ca.key": ca().key_pem})
    assert {path.name: mode(path) for path in directory.iterdir()} == {
        "tls.crt": 0o644,
        "tls.key": 0o600,
        "ca.crt": 0o644,
        "ca.key": 0o600,
    }
    assert mode(directory) == 0o700


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tls.crt")
    said = f"{tmp_path}/tls.crt: is a named pipe; expected a PEM file"
    assert message_of(lambda: read_directory(tmp_path)) == said


def test_an_existing_directory_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_directory(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_key_that_all_could_read_is_replaced_by_one_that_only_the_owner_can(
    tmp_path: Path,
) -> None:
    (tmp_path / "tls.key").write_bytes(b"old")
    (tmp_path / "tls.key").chmod(0o644)
    write_files(tmp_path, {"tls.key": leaf().key_pem})
    assert mode(tmp_path / "tls.key") == 0o600


def test_what_a_crash_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".tls.key.new").write_bytes(b"half a key")
    write_files(tmp_path, {"tls.key": leaf().key_pem})
    assert [path.name for path in tmp_path.iterdir()] == ["tls.key"]


def test_a_reader_sees_the_old_file_or_the_new_one_and_never_a_part(tmp_path: Path) -> None:
    whole = [leaf(1).cert_pem, leaf(1).cert_pem + ca().cert_pem]
    write_files(tmp_path, {"tls.crt": whole[0]})
    done = threading.Event()

    def rewrite() -> None:
        for number in range(100):
            write_files(tmp_path, {"tls.crt": whole[number % 2]})
        done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(read_pem(tmp_path / "tls.crt"))
    writer.join()
    assert seen <= set(whole)


def test_a_secret_that_is_swapped_while_it_is_read_is_seen_in_one_version(tmp_path: Path) -> None:
    versions = [
        {"tls.crt": leaf(number).cert_pem, "tls.key": leaf(number).key_pem} for number in range(2)
    ]
    mounted(tmp_path, "v", versions[0])
    done = threading.Event()

    def swap() -> None:
        for number in range(100):
            mounted(tmp_path, f"v{number}", versions[number % 2])
        done.set()

    writer = threading.Thread(target=swap)
    writer.start()
    mixed = 0
    while not done.is_set():
        found = read_serving(serving_files(tmp_path))
        pair = {"tls.crt": found.cert_pem, "tls.key": found.key_pem}
        mixed += pair not in versions
    writer.join()
    assert mixed == 0


def test_a_half_written_pair_is_reported(tmp_path: Path) -> None:
    write_files(tmp_path, {**PAIR, "tls.crt": leaf(1).cert_pem})
    assert message_of(lambda: load_serving(tmp_path)) == (
        f"{tmp_path}/tls.key: is not the key of {tmp_path}/tls.crt; expected the two from one issue"
    )


@pytest.mark.parametrize("name", ["tls.crt", "tls.key"])
def test_a_missing_half_is_reported(tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {other: data for other, data in PAIR.items() if other != name})
    assert message_of(lambda: load_serving(tmp_path)) == (
        f"{tmp_path}/{name}: does not exist; expected a PEM file"
    )


def test_an_empty_file_is_reported(tmp_path: Path) -> None:
    write_files(tmp_path, {**PAIR, "tls.crt": b""})
    assert message_of(lambda: load_serving(tmp_path)) == (
        f"{tmp_path}/tls.crt: is empty; expected a PEM certificate (-----BEGIN CERTIFICATE-----)"
    )


@pytest.mark.parametrize("bundle", [None, b""])
def test_a_missing_or_empty_bundle_is_no_error(tmp_path: Path, bundle: bytes | None) -> None:
    write_files(tmp_path, {**PAIR, "ca.crt": bundle or b""})
    if bundle is None:
        (tmp_path / "ca.crt").unlink()
    assert load_serving(tmp_path).ca is None


def test_a_pair_may_lie_anywhere_and_have_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(leaf().cert_pem)
    (tmp_path / "b.pem").write_bytes(leaf().key_pem)
    found = read_serving(ServingFiles(cert=tmp_path / "a.pem", key=tmp_path / "b.pem"))
    assert (found.cert_pem, found.key_pem, found.ca_pem) == (*_pair(), b"")


def _pair() -> tuple[bytes, bytes]:
    return leaf().cert_pem, leaf().key_pem


def test_a_file_that_is_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").mkdir()
    assert message_of(lambda: load_serving(tmp_path)) == (
        f"{tmp_path}/tls.crt: cannot be read: is a directory"
    )


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").write_bytes(b"-" * ((1 << 20) + 1))
    assert message_of(lambda: load_serving(tmp_path)) == (
        f"{tmp_path}/tls.crt: has more than 1 MiB; expected a PEM file"
    )


def test_a_pem_file_that_must_exist_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "client-ca.crt"
    assert message_of(lambda: read_pem(path)) == f"{path}: does not exist; expected a PEM file"


def test_an_empty_directory_holds_nothing(tmp_path: Path) -> None:
    found = read_directory(tmp_path)
    assert (found.cert_pem, found.key_pem, found.ca_pem, found.ca_key_pem) == (b"", b"", b"", b"")


def test_a_directory_that_is_a_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert message_of(lambda: make_directory(path)) == f"{path}: cannot be written: file exists"


def test_a_directory_that_does_not_exist_cannot_be_held(tmp_path: Path) -> None:
    def hold() -> None:
        with locked(tmp_path / "none"):
            pass

    assert message_of(hold) == f"{tmp_path}/none: cannot be opened: no such file or directory"


def test_what_cannot_be_written_is_reported_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").mkdir()
    (tmp_path / "tls.crt" / "inside").touch()
    assert message_of(lambda: write_files(tmp_path, {"tls.crt": leaf().cert_pem})) == (
        f"{tmp_path}/tls.crt: cannot be written: is a directory"
    )


def test_a_directory_without_permission_is_reported() -> None:
    # Not `tmp_path`: another user may not even enter the folders above it.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", WRITES_AS_NOBODY, name],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert os.listdir(name) == []
    said = f"{name}/tls.crt: cannot be written: permission denied\n"
    assert (done.stdout, done.stderr) == (said, "")


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []
    with locked(tmp_path):
        second = threading.Thread(target=lambda: _hold(tmp_path, order))
        second.start()
        second.join(timeout=0.1)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def _hold(directory: Path, order: list[str]) -> None:
    with locked(directory):
        order.append("second")


def test_keys_never_show_in_a_repr(tmp_path: Path) -> None:
    write_files(tmp_path, {**PAIR, "ca.key": ca().key_pem})
    assert "PRIVATE" not in repr(read_directory(tmp_path)) + repr(load_serving(tmp_path))
