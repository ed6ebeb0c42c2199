"""Certificates in a directory, under the names of a Kubernetes TLS Secret.

``tls.crt``, ``tls.key`` and ``ca.crt`` are what a server and its clients need; ``ca.key`` beside
them is the sign of a directory that this package looks after. Reading works through the symlinks
of a mounted Secret (``tls.crt`` → ``..data/tls.crt``, ``..data`` → one version). Writing replaces
each file at once (temporary file, fsync, rename); between two renames a reader can see one half
of a change, which reading twice or ``inspect_pair`` finds out.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certs.errors import CertificateError
from certs.inspect import Labels, ServingPair, inspect_pair

TLS_CRT, TLS_KEY, CA_CRT, CA_KEY = "tls.crt", "tls.key", "ca.crt", "ca.key"

_MODES = {TLS_CRT: 0o644, CA_CRT: 0o644, TLS_KEY: 0o600, CA_KEY: 0o600}
_DIRECTORY_MODE = 0o700
_LARGEST = 1 << 20  # what etcd and so a Secret can hold; a chain has a few kilobytes
_READS = 10  # a mount is swapped once in minutes, so the second try nearly always succeeds


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingFiles:
    """Where a server finds its pair; ``ca`` None when there is nothing to check it against."""

    cert: Path
    key: Path
    ca: Path | None = None

    @property
    def labels(self) -> Labels:
        """The paths, for messages."""
        return Labels(cert=str(self.cert), key=str(self.key), ca=str(self.ca or CA_CRT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The bytes of the four files, read together; empty for one that is missing or empty."""

    cert_pem: bytes = b""
    key_pem: bytes = field(default=b"", repr=False)
    ca_pem: bytes = b""
    ca_key_pem: bytes = field(default=b"", repr=False)


def serving_files(directory: Path) -> ServingFiles:
    """The files of a TLS directory."""
    return ServingFiles(cert=directory / TLS_CRT, key=directory / TLS_KEY, ca=directory / CA_CRT)


def load_serving(directory: Path) -> ServingPair:
    """Return the pair of a directory; raises CertificateError for each way it can be unusable."""
    files = serving_files(directory)
    return inspect_contents(read_serving(files), files)


def inspect_contents(contents: Contents, files: ServingFiles) -> ServingPair:
    """Return the pair that these bytes are; raises CertificateError naming the files."""
    return inspect_pair(
        cert_pem=contents.cert_pem,
        key_pem=contents.key_pem,
        ca_pem=contents.ca_pem,
        labels=files.labels,
    )


def read_serving(files: ServingFiles) -> Contents:
    """Return the bytes of certificate, key and CA bundle, all from one version of a mount.

    Raises CertificateError when certificate or key cannot be read; a bundle may be missing.
    """
    paths = (files.cert, files.key, *((files.ca,) if files.ca else ()))
    cert, key, *ca = _read_together(paths)
    for path, data in ((files.cert, cert), (files.key, key)):
        if data is None:
            raise _missing(path)
    return Contents(cert_pem=cert or b"", key_pem=key or b"", ca_pem=(ca[0] if ca else b"") or b"")


def read_pem(path: Path) -> bytes:
    """Return the bytes of a PEM file that must exist; raises CertificateError."""
    data = _read(path)
    if data is None:
        raise _missing(path)
    return data


def read_directory(directory: Path) -> Contents:
    """Return all four files of a directory, which need not exist; raises CertificateError."""
    names = (TLS_CRT, TLS_KEY, CA_CRT, CA_KEY)
    cert, key, ca, ca_key = (
        data or b"" for data in _read_together([directory / name for name in names])
    )
    return Contents(cert_pem=cert, key_pem=key, ca_pem=ca, ca_key_pem=ca_key)


def make_directory(directory: Path) -> None:
    """Make the directory with mode 0700 unless there is one; raises CertificateError."""
    with _writing(directory):
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold an existing directory for changes: a second program that would change it waits."""
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CertificateError(str(directory), f"cannot be opened: {_why(error)}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_files(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Replace these files, each at once and in the order given; the caller holds the lock.

    Raises CertificateError when that is not possible, as in a mounted Secret or ConfigMap: there
    the kubelet replaces the files, and would undo or be blocked by what is written.
    """
    if (directory / "..data").is_symlink():
        problem = "is a mounted Secret or ConfigMap; expected a directory of its own to write to"
        raise CertificateError(str(directory), problem)
    for name, data in contents.items():
        with _writing(directory / name):
            _replace(directory, name, data)


def _read_together(paths: list[Path] | tuple[Path, ...]) -> list[bytes | None]:
    """The files' bytes, read again when one was replaced meanwhile; None for a missing one."""
    for _ in range(_READS - 1):
        before = [_identity(path) for path in paths]
        found = [_read(path) for path in paths]
        if before == [_identity(path) for path in paths]:
            return found
    return [_read(path) for path in paths]


def _identity(path: Path) -> tuple[int, ...] | None:
    """Changes whenever the file is replaced or written, also by a symlink on the way to it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _read(path: Path) -> bytes | None:
    try:
        if path.is_fifo():  # opening it would wait for a writer
            raise CertificateError(str(path), "is a named pipe; expected a PEM file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CertificateError(str(path), f"cannot be read: {_why(error)}") from error
    if len(data) > _LARGEST:
        raise CertificateError(str(path), "has more than 1 MiB; expected a PEM file")
    return data


def _missing(path: Path) -> CertificateError:
    return CertificateError(str(path), "does not exist; expected a PEM file")


def _replace(directory: Path, name: str, data: bytes) -> None:
    """Under the lock the temporary name is ours alone; one left by a crash is overwritten."""
    temporary = directory / f".{name}.new"
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), _MODES[name])
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(directory / name)
    parent = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CertificateError(str(path), f"cannot be written: {_why(error)}") from error


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
