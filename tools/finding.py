"""From what a caller names to what is in the home: datasets, models, targets."""

from typing import TYPE_CHECKING

from engine.errors import BadArguments, ColumnNotFound, NotFound, SourceNotFound
from engine.redaction import without_secrets as without_secrets

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
