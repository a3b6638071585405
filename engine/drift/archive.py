"""JSON and arrays as one file: a zip of 'profile.json' and of arrays in NumPy's own format, which `np.load` reads.

Only the JSON and float32, of which samples are, are compressed: vectors of texts are nearly all zeros, while measured
doubles hardly shrink and have to be read quickly. All dates in the zip are the first that it knows, so that equal
contents are equal files.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo
from zlib import error as zlib_error

import numpy as np
from numpy.typing import NDArray

from engine.files import atomic_file

Arrays = Mapping[str, NDArray[np.generic]]

DAMAGE = (BadZipFile, zlib_error, OSError, EOFError, KeyError, IndexError, ValueError, RuntimeError)
"""What the readers of zip, NumPy and JSON raise for files that are cut, altered or of another kind; an OSError too, as
for a place that no file has."""

_JSON = "profile.json"


def write_archive(path: Path, head: Mapping[str, object], arrays: Arrays) -> None:
    """Write JSON values and arrays atomically.

    Raises:
        ValueError: NaN or an infinity in `head`, or an array of objects.
        DiskFull, HomeNotWritable: nothing half-written stays.
    """
    text = json.dumps({**head, "arrays": list(arrays)}, allow_nan=False, separators=(",", ":"))
    with atomic_file(path) as file, ZipFile(file, "w") as archive:
        archive.writestr(_entry(_JSON, ZIP_DEFLATED), text)
        for name, array in arrays.items():
            compression = ZIP_DEFLATED if array.dtype == np.float32 else ZIP_STORED
            with archive.open(_entry(f"{name}.npy", compression), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read_archive(path: Path) -> tuple[dict[str, object], dict[str, NDArray[np.generic]]]:
    """What `write_archive` wrote, bit by bit.

    Raises:
        any of `DAMAGE`: the file is not one of these, or not whole.
    """
    with ZipFile(path) as archive:
        head = json.loads(archive.read(_JSON))
        names = head.pop("arrays") if isinstance(head, dict) else None
        if not isinstance(names, list):
            raise ValueError("profile.json does not tell which arrays there are")
        return head, {name: _array(archive, name) for name in names}


def _entry(name: str, compression: int) -> ZipInfo:
    entry = ZipInfo(name)
    entry.compress_type = compression
    entry.create_system = 3  # as on Unix, wherever it is written
    return entry


def _array(archive: ZipFile, name: str) -> NDArray[np.generic]:
    # the whole member first: its checksum is looked at before anything in it is believed
    content = io.BytesIO(archive.read(f"{name}.npy"))
    array: NDArray[np.generic] = np.lib.format.read_array(content, allow_pickle=False)
    return array
