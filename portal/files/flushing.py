"""Makes what was written to a folder survive a power cut: one call for all files where the system has one."""

import ctypes
import os
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path


@cache
def _syncfs() -> Callable[[int], int] | None:
    """Return the C library's ``syncfs``, or None where there is none (it is Linux's)."""
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is None:
        return None
    function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int
    result: Callable[[int], int] = function
    return result


def flush_files(root: Path, files: Iterable[Path]) -> None:
    """Make the bytes of ``files`` under ``root`` durable.

    Raises:
        OSError: when the disk reports that something was not written.
    """
    if not _flush_all(root):
        for file in files:
            _fsync(file)


def flush_folders(root: Path, folders: Iterable[Path]) -> None:
    """Make the names in ``folders`` under ``root`` durable."""
    if not _flush_all(root):
        for folder in {*folders, root}:
            _fsync(folder)


def _flush_all(root: Path) -> bool:
    syncfs = _syncfs()
    if syncfs is None:
        return False
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(root))
    finally:
        os.close(descriptor)
    return True


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
