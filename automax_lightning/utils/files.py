"""What several modules do with files."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; a copy, where the file system has no hard links.

    Args:
        source: the file.
        target: its new name, which must be free.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file by rename, synced to the disk."""
    fresh = path.with_name(f"{path.name}.new")
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def sync(path: Path) -> None:
    """Wait until a file's content, or a directory's names, are on the disk; without effect where the system cannot.

    Args:
        path: of the file or directory.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except PermissionError:  # Windows opens no directory
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder; one that is gone, holds anything, or may not be removed stays as it is.

    Args:
        folder: whatever it is.

    Raises:
        OSError: if the disk fails, so that whoever removes tries again.
    """
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno in (errno.EIO, errno.ENOSPC):
            raise
