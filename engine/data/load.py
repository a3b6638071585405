"""Reading a source as a table: which reader it needs, and what every reader must keep to."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from engine.data.cells import clip
from engine.data.image_text import SUFFIXES as IMAGES
from engine.errors import DataError, EmptySource, SourceNotFound, UnsupportedFormat
from engine.kinds import Kind

READ = (
    "CSV (.csv, .tsv, .txt, also .gz), Parquet (.parquet), JSON lines (.jsonl), Excel (.xlsx), "
    "a database URL with a query, a folder of images or texts with a sub-folder for each class, one image, "
    "NumPy arrays of images (.npz), sample:NAME"
)
_CSV = {".csv", ".tsv", ".tab", ".txt", ".data", ".dat", ".psv"}
_JSON_LINES = {".jsonl", ".ndjson", ".json"}
_IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_URL = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.\-]*)://")


class ReadOptions(BaseModel):
    """How to read a source; what is None is found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    query: str | None = None


class DataLimits(BaseModel):
    """The most that is read: bytes (unpacked), rows, columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bytes: int = Field(2 * 1024**3, gt=0, description="Most bytes of one source, unpacked.")
    max_rows: int = Field(5_000_000, gt=0, description="Most rows of one source.")
    max_columns: int = Field(5_000, gt=0, description="Most columns of one source.")


@dataclass(frozen=True)
class RawTable:
    """A table as read. Text formats give `str` columns; kinds are judged later. `source_name` holds no password.

    `decimal_commas` names the columns whose numbers are written with a decimal comma throughout. `kinds` and `target`
    are told where they follow from what the source is, as for a folder of images with a sub-folder for each class.
    """

    frame: pd.DataFrame
    source_name: str
    notes: tuple[str, ...] = ()
    decimal_commas: frozenset[str] = frozenset()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    target: str | None = None


def read_source(
    source: str, limits: DataLimits, options: ReadOptions | None = None, kinds: Mapping[str, str] | None = None
) -> RawTable:
    """Read a file, a folder, a database query or a sample.

    Paths of image files in a table become the images, see `engine.data.image_cells`; `kinds` are those that are asked
    for, by column: with 'image' they are looked for in any case, with another kind never.

    Raises:
        SourceNotFound, EmptySource, HeaderOnly, Undecodable, NotATable, UnsupportedFormat, DuplicateColumns, TooLarge:
            the source is not a table that can be read.
        UnreadableImage, EmptyText: a folder or an image file holds nothing that can be read.
        BadArguments: a database URL without a query, or a query that changes data.
        BadChoice: an unknown sample, sheet or encoding.
    """
    options = options or ReadOptions()
    if source.startswith("sample:"):
        from engine.data.samples import sample_frame

        frame, usual = sample_frame(source.removeprefix("sample:"))
        return _with_images(RawTable(frame, source, target=usual), None, kinds, limits)
    url = _URL.match(source)
    if url and url[1].lower() != "file":
        return _with_images(_read_url(source, url[1].lower(), limits, options), None, kinds, limits)
    path = safe_path(source.removeprefix("file://"))
    try:
        if path.is_dir():
            from engine.data.folder_source import read_folder

            return read_folder(path, limits, options)
        return _with_images(_read_file(path, limits, options), path.parent, kinds, limits)
    except PermissionError as error:
        raise DataError(f"{str(path)!r} may not be read: permission denied.", "Change its permissions.") from error


def _with_images(table: RawTable, folder: Path | None, kinds: Mapping[str, str] | None, limits: DataLimits) -> RawTable:
    from engine.data.image_cells import settle_images

    frame, images, notes = settle_images(table.frame, folder, kinds or {}, limits.max_bytes)
    found: dict[str, Kind] = {**table.kinds, **dict.fromkeys(images, "image")}
    return replace(table, frame=frame, notes=(*table.notes, *notes), kinds=found)


def safe_path(text: str) -> Path:
    """The path that a person typed, '~' taken as their home; it need not exist.

    Raises:
        SourceNotFound: no file can have this path: a home of nobody, a name too long, or a NUL in it.
    """
    try:
        path = Path(text).expanduser()
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except (OSError, RuntimeError, ValueError) as error:
        raise SourceNotFound(clip(text, 80)) from error
    return path


def inside(path: Path, root: Path) -> Path | None:
    """Where a path leads once all links are followed; None when that is not below `root`, or nowhere."""
    try:
        full = path.resolve()
        return full if full.is_relative_to(root.resolve()) else None
    except (OSError, RuntimeError, ValueError):  # links in a circle, or a name that no file can have
        return None


def _read_url(source: str, scheme: str, limits: DataLimits, options: ReadOptions) -> RawTable:
    if scheme in {"http", "https", "ftp", "s3", "gs", "az", "hdfs"}:
        raise UnsupportedFormat(
            f"A {scheme} address is not read.", f"Download the file first and give its path. Read are: {READ}."
        )
    from engine.data.sql_source import read_sql

    return read_sql(source, limits, options)


def _read_file(path: Path, limits: DataLimits, options: ReadOptions) -> RawTable:
    _check_file(path)
    with path.open("rb") as file:
        magic = file.read(8)
    reader = _reader(path, magic)
    if reader == "parquet":
        from engine.data.parquet_source import read_parquet

        return read_parquet(path, limits)
    if reader == "excel":
        from engine.data.excel_source import read_excel

        return read_excel(path, limits, options)
    if reader == "json":
        from engine.data.json_source import read_json_lines

        return read_json_lines(path, limits, options)
    if reader == "npz":
        from engine.data.npz_source import read_npz

        return read_npz(path, limits)
    if reader == "image":
        from engine.data.image_cells import read_image_file

        return read_image_file(path, limits)
    from engine.data.csv_source import read_csv

    return read_csv(path, limits, options)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise SourceNotFound(str(path), near_files(path))
    if not path.is_file():
        raise UnsupportedFormat(f"{str(path)!r} is not a regular file.", f"Read are: {READ}.")
    if path.stat().st_size == 0:
        raise EmptySource(str(path))


def near_files(path: Path) -> list[str]:
    """Files whose name is close, spelled so that they can be pasted back."""
    if not path.parent.is_dir():
        return []
    names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    return [str(path.with_name(name)) for name in get_close_matches(path.name, names, n=3, cutoff=0.6)]


def _reader(path: Path, magic: bytes) -> str:
    """By what the file holds where that is certain, by its name otherwise."""
    if magic.startswith(b"PAR1"):
        return "parquet"
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".npz"]:
        return "npz"
    if magic.startswith(_IMAGE_STARTS) or (suffixes and suffixes[-1] in IMAGES):
        return "image"
    if magic.startswith(b"PK\x03\x04") and suffixes[-1:] != [".zip"]:
        return "excel"
    inner = suffixes[:-1] if suffixes[-1:] == [".gz"] else suffixes
    last = inner[-1] if inner else ""
    if last in _JSON_LINES:
        return "json"
    if last in _CSV or (not last and magic.startswith(b"\x1f\x8b")):
        return "csv"
    if last in {".parquet", ".pq"}:
        return "parquet"
    if last in {".xlsx", ".xlsm"}:
        return "excel"
    raise UnsupportedFormat(
        f"{path.name!r} is of a format that is not read ({last or 'no extension'}).", f"Read are: {READ}."
    )


def default_name(source: str) -> str:
    """What a dataset is called when nobody says: the file's, sample's or database's name."""
    if source.startswith("sample:"):
        return source.removeprefix("sample:")
    if _URL.match(source) and not source.startswith("file://"):
        return _database_name(source) or "query"
    name = Path(source.removeprefix("file://")).name
    return name.split(".")[0] or name or "data"


def _database_name(url: str) -> str:
    """The database's name alone: everything else of a URL may hold a secret, and a malformed one anything."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        database = make_url(url).database or ""
    except (ArgumentError, ValueError):
        return ""
    name = Path(database).name.split(".")[0]
    return name if re.fullmatch(r"[\w\- ]{1,100}", name) else ""
