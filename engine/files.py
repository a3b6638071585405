"""Writing to the home so that a crash at any moment leaves the old state or the new one, never half of it."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DiskFull, HomeNotWritable

# EEXIST and ENOTDIR: a file stands where a folder has to be
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


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
    data = content.encode() if isinstance(content, str) else content
    with typed_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
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

    Raises:
        DiskFull, HomeNotWritable: as `typed_disk_errors`.
    """
    with typed_disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            yield aside
            if target.exists():
                old = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.old."))
                os.replace(target, old / "replaced")
                os.replace(aside, target)
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.replace(aside, target)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
