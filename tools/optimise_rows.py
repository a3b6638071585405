"""Which model is optimised, and which rows the ranges of its 8-bit variants are taken from."""

from typing import TYPE_CHECKING

from tools.packages import column_kinds, find_package
from tools.sources import known_dataset

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.schema import Schema
    from engine.data.store import Dataset
    from engine.optimise.rows import Rows
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from tools.workshop import Workshop


def find_trained(workshop: "Workshop", model: str) -> "tuple[ModelRecord, PackageInfo]":
    """A model by id or name; of an optimised one, the model that it was made from.

    Raises:
        NotFound, PackageDamaged: there is none, or its folder is not whole.
    """
    record, info = find_package(workshop, model)
    return (record, info) if info.optimised is None else find_package(workshop, info.optimised.model)


def calibration_of(
    workshop: "Workshop",
    asked: str | None,
    *,
    dataset: "Dataset",
    record: "ModelRecord",
    schema: "Schema",
    rows: "Rows",
    most: int,
    seed: int,
) -> "pd.DataFrame":
    """At most `most` rows: those asked for, or a sample of the training rows that variants are made from.

    Rows that equal one that variants are compared on, or a sealed one, are left out of those asked for.

    Raises:
        BadCalibration: they are unlike the rows that the model was trained on, or too few.
        DataError, ColumnsMissing: they cannot be read, or lack a column.
    """
    from engine.data.schema import coerce
    from engine.drift.profile import Profile
    from engine.optimise.calibration import calibration_rows, check_calibration
    from engine.package_info import PackageFiles

    known = None if asked is None else known_dataset(workshop, asked)
    if asked is None or known == dataset.id:
        sample: pd.DataFrame = calibration_rows(rows.train, rows.y_train, rows=most, seed=seed)
        return sample
    datasets = workshop.datasets
    found = datasets.training_frame(known) if known else datasets.read_rows(asked, kinds=column_kinds(record))
    given = coerce(found, schema, strict=False)
    reference = Profile.load(record.package / PackageFiles.REFERENCE)
    check_calibration(given, reference)
    left = given[~_kept_apart(given, dataset, rows, schema)]
    if len(left) < len(given):
        check_calibration(left, reference)
    return left if len(left) <= most else left.sample(most, random_state=seed)


def _kept_apart(given: "pd.DataFrame", dataset: "Dataset", rows: "Rows", schema: "Schema") -> "pd.Series":
    """Whether each row equals a sealed row of the dataset, or one that variants are compared on."""
    import numpy as np
    import pandas as pd

    from engine.data.overlap import overlap, row_keys
    from engine.data.schema import coerce

    compared = row_keys(coerce(rows.guard, schema, strict=False), schema)
    sealed = overlap(dataset, given).sealed
    return pd.Series(sealed | np.isin(row_keys(given, schema), compared), index=given.index)
