"""Files that a document in the policy folder names: read only where they lie in that folder.

Whoever writes a document (a pull request's author, in CI) would else choose what is read of the
machine, and see it in the errors.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from webhook.documents.source import MOST_BYTES


class NamedFileError(Exception):
    """A file that a document names cannot be had; the text follows its name."""


def read_named(folder: Path, document: Path, name: str) -> tuple[Path, bytes]:
    """The file that ``document``, in ``folder``, calls ``name``: its path from here, and content.

    Raises NamedFileError.
    """
    path = Path(os.path.normpath(document.parent / name))
    # Asked before the disk is: what lies outside is not even told to be there or not.
    if not path.is_relative_to(os.path.normpath(folder)):
        raise NamedFileError("leads out of the policy folder")
    try:
        root, real = folder.resolve(strict=True), path.resolve(strict=True)
        if not real.is_relative_to(root):
            raise NamedFileError("is a link that leads out of the policy folder")
        return path, _content(real)
    except FileNotFoundError:
        raise NamedFileError("does not exist") from None
    except (OSError, RuntimeError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        raise NamedFileError(f"cannot be read: {said or 'links in a circle'}") from None


def _content(path: Path) -> bytes:
    """The bytes of a regular file; a pipe is refused, and blocks nobody."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NamedFileError("is no regular file")
    with open(handle, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise NamedFileError(f"has more than {MOST_BYTES} bytes")
    return content
