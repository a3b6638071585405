"""Writing to the home so that a crash at any moment leaves the old state or the new one, never half of it."""

import ctypes
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from engine.errors import DiskFull, HomeNotWritable

# EEXIST and ENOTDIR: a file stands where a folder has to be
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def _umask() -> int:
    """The process's umask. It can only be read by setting it, so this is done once, while nothing else runs."""
    found = os.umask(0o077)
    os.umask(found)
    return found


_UMASK = _umask()


@contextmanager
def typed_disk_errors(path: Path) -> Iterator[None]:
    """Turn the two disk failures a person can mend into errors that say how.

    Raises:
        DiskFull: no space, or over the quota.
        HomeNotWritable: no permission, or a read-only file system.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(path) from error
        if error.errno in _NOT_WRITABLE:
            raise HomeNotWritable(path) from error
        raise


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file aside, flush it to disk and rename it over `path`.

    Raises:
        DiskFull, HomeNotWritable: as `typed_disk_errors`.
    """
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to fill; on success it becomes `path` (replacing an older one), on failure it is gone.

    Raises:
        DiskFull, HomeNotWritable: as `typed_disk_errors`.
    """
    with typed_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            # temporary files are the owner's alone; what stays is as readable as any other file of this user
            os.chmod(name, 0o666 & ~_UMASK)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_json(path: Path, value: object) -> None:
    """Write JSON atomically; NaN and infinity are refused (ValueError), since no other reader accepts them."""
    write_atomic(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to fill; on success it becomes `target` (replacing an older one), on failure it is gone.

    Where the system can exchange two folders in one step (Linux), `target` is there at every moment, the old one or
    the new. Elsewhere an older one is moved aside first, and a kill between the two moves leaves no `target`, with
    both folders whole beside it under names that begin with '.'.

    Raises:
        DiskFull, HomeNotWritable: as `typed_disk_errors`.
    """
    with typed_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            yield aside
            aside.chmod(0o777 & ~_UMASK)
            if not target.exists():
                os.replace(aside, target)
            elif _exchange(aside, target):
                shutil.rmtree(aside, ignore_errors=True)
            else:
                _replace_in_two_moves(aside, target)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


def _replace_in_two_moves(aside: Path, target: Path) -> None:
    old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
    os.replace(target, old / "replaced")
    os.replace(aside, target)
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two paths in one step; False where the system or the file system cannot."""
    rename = _renameat2()
    return (
        rename is not None and rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0
    )


def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, TypeError, AttributeError):  # not Linux, or a C library without it
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int
    found: Callable[[int, bytes, int, bytes, int], int] = function
    return found
