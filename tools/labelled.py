"""The rows on which a model is judged: its sealed test rows, or rows that it was not trained on."""

from typing import TYPE_CHECKING

from engine.errors import BadArguments, ColumnNotFound, NotFound
from tools.finding import is_source, without_secrets
from tools.packages import column_kinds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from engine.data.overlap import Overlap
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from tools.workshop import Workshop

    Labelled = tuple[pd.DataFrame, str, tuple[str, ...]]
    """The rows with their target in its kind, what to call them, and what to say of them."""


def labelled_rows(workshop: "Workshop", record: "ModelRecord", info: "PackageInfo", data: str | None) -> "Labelled":
    """The rows that `data` names. Sealed rows of the model's dataset are a counted look, however they are named.

    Raises:
        NotFound, DataError: there is no such data, or it cannot be read.
        ColumnNotFound: it lacks the target.
        BadArguments: the model was trained on all of its rows.
    """
    if data is None or data == info.lineage.dataset:
        return _sealed(workshop, record, info)
    try:
        dataset = workshop.datasets.get(data)
    except NotFound:
        if not is_source(data):
            raise
        frame, said = _new_rows(workshop, record, info, workshop.datasets.read_rows(data, kinds=column_kinds(record)))
        return frame, without_secrets(data), said
    if dataset.id == info.lineage.dataset:
        return _sealed(workshop, record, info)
    note = f"These are the training rows of {dataset.name!r}; its sealed test rows stay closed."
    frame, said = _new_rows(workshop, record, info, workshop.datasets.training_frame(dataset.id))
    return frame, dataset.id, (note, *said)


def _sealed(workshop: "Workshop", record: "ModelRecord", info: "PackageInfo") -> "Labelled":
    frame = workshop.datasets.open_sealed(
        info.lineage.dataset, workshop.registry, model=record.model_id, purpose=_purpose(workshop)
    )
    looks = workshop.registry.looks(info.lineage.dataset)
    return frame, f"sealed test set of {info.lineage.dataset}", (_said_of_look(info, looks),)


def _new_rows(
    workshop: "Workshop", record: "ModelRecord", info: "PackageInfo", frame: "pd.DataFrame"
) -> "tuple[pd.DataFrame, tuple[str, ...]]":
    """The rows without those that the model was trained on; those of its sealed test set are a look at it."""
    from engine.data.overlap import overlap

    frame = _with_target(frame, info)
    try:
        dataset = workshop.datasets.get(info.lineage.dataset)
    except NotFound:
        return frame, (f"{info.lineage.dataset} is gone, so the model may have been trained on some of these rows.",)
    found = overlap(dataset, frame)
    left, notes = _without_trained(frame, found)
    sealed = int(found.sealed[left].sum())
    if sealed:
        looks = workshop.registry.record_look(dataset.id, record.model_id, _purpose(workshop))
        notes += (f"{sealed:,} row(s) are of the sealed test set. {_said_of_look(info, looks)}",)
    return frame[left], notes


def _without_trained(frame: "pd.DataFrame", found: "Overlap") -> "tuple[NDArray[np.bool_], tuple[str, ...]]":
    """Which rows are left (n,), and what to say of the others."""
    equal = int(found.trained.sum())
    if not equal:
        return ~found.trained, ()
    if not found.telling:
        kept = f"{equal:,} row(s) equal a row that the model was trained on; they stay, as its rows are often equal."
        return found.trained | True, (kept,)
    if equal == len(frame):
        raise BadArguments(
            f"The model was trained on all {equal:,} rows of this data, so they say nothing about it.",
            "Give rows that it has not seen, or leave `data` out for its sealed test set.",
        )
    return ~found.trained, (f"{equal:,} row(s) are left out: the model was trained on them.",)


def _purpose(workshop: "Workshop") -> str:
    return f"evaluate_model at {workshop.now().isoformat()}"


def _said_of_look(info: "PackageInfo", looks: int) -> str:
    return (
        f"This was look {looks} at the sealed test set of {info.lineage.dataset}. "
        "The more looks guide a choice, the more a result on it flatters."
    )


def _with_target(frame: "pd.DataFrame", info: "PackageInfo") -> "pd.DataFrame":
    from engine.data.schema import Column, Schema, coerce

    if info.target not in frame.columns:
        raise ColumnNotFound(info.target, [str(name) for name in frame.columns])
    column = Column.model_validate(
        {"name": info.target, "kind": info.target_kind, "decimal_comma": info.target_decimal_comma}
    )
    labels = coerce(frame[[info.target]], Schema(columns=(column,)), strict=False)
    return frame.assign(**{info.target: labels[info.target].to_numpy(dtype=object)}).astype(
        {info.target: labels[info.target].dtype}
    )
