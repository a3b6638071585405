"""From what a caller names to what is in the home: datasets, models, targets."""

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import BadArguments, ColumnNotFound, NotFound

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
        hint = f"It is a source: call import_dataset with source={name!r} first and use the dataset id it returns."
        raise NotFound("dataset", name, hint=hint) from error


def is_source(name: str) -> bool:
    """Whether the name is something import_dataset would read: a sample, a URL or a file."""
    return name.startswith("sample:") or "://" in name or Path(name).expanduser().is_file()


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
