"""From what a caller names to what is in the home: datasets, models, targets."""

from typing import TYPE_CHECKING

from engine.errors import BadArguments, ColumnNotFound, NotFound, SourceNotFound

if TYPE_CHECKING:
    from engine.data.store import Dataset
    from tools.workshop import Workshop


def find_dataset(workshop: "Workshop", name: str) -> "Dataset":
    """A dataset by id or name.

    Raises:
        NotFound: no such dataset; when the name is a source that could be imported, the hint says so.
    """
    try:
        return workshop.datasets.get(name)
    except NotFound as error:
        if not is_source(name):
            raise
        shown = without_secrets(name)
        hint = f"It is a source: call import_dataset with source={shown!r} first and use the dataset id it returns."
        raise NotFound("dataset", shown, hint=hint) from error


def is_source(name: str) -> bool:
    """Whether the name is something import_dataset would read: a sample, a URL, a file or a folder."""
    return name.startswith("sample:") or "://" in name or is_file_or_folder(name)


def is_file_or_folder(name: str) -> bool:
    """Whether the name is that of a file or a folder; one that no file can have is not."""
    from engine.data.load import safe_path

    try:
        path = safe_path(name)
    except SourceNotFound:
        return False
    return path.is_file() or path.is_dir()


def without_secrets(source: str) -> str:
    """A source as it may be shown and kept: a URL without its password and parameters."""
    if "://" not in source or source.startswith("file://"):
        return source
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from engine.data.sql_source import redacted

    scheme = source.partition("://")[0]
    try:
        url = make_url(source)
    except (ArgumentError, ValueError):
        return f"{scheme}://***"
    # a password with an unquoted '/' in it is read as part of the database's name
    return f"{scheme}://***" if "@" in (url.database or "") else redacted(url)


def find_target(dataset: "Dataset", target: str | None) -> str:
    """The column to predict: the one asked for, else the one named at import.

    Raises:
        BadArguments: neither is there.
        ColumnNotFound: the dataset has no such column.
    """
    chosen = target or dataset.target
    if chosen is None:
        columns = ", ".join(dataset.schema_.names[:20])
        raise BadArguments(
            f"Which column of {dataset.name!r} should be predicted?", f"Give `target`; the columns are: {columns}."
        )
    if chosen not in dataset.schema_.names:
        raise ColumnNotFound(chosen, dataset.schema_.names)
    return chosen
