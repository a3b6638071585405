"""Importing, listing and profiling datasets."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.load import ReadOptions, safe_path
from engine.data.split import SplitSpec
from tools.data import (
    ColumnSummary,
    DatasetList,
    DatasetProfile,
    DatasetSummary,
    ImportDatasetRequest,
    ListDatasetsRequest,
    ProfileDatasetRequest,
)
from tools.finding import find_dataset, is_file_or_folder
from tools.spec import Estimate, ToolSpec, costs_nothing

if TYPE_CHECKING:
    from engine.data.store import Dataset
    from tools.workshop import Workshop

PILOT_BYTES = 256 * 1024
PILOT_ROWS = 500
MB = 1e6


def import_dataset(workshop: "Workshop", request: ImportDatasetRequest) -> DatasetSummary:
    """Copy a source into the home. The same rows, kinds and split give the same dataset again."""
    dataset = workshop.datasets.import_source(
        request.source,
        target=request.target,
        name=request.name,
        kinds=request.kinds,
        split=SplitSpec(
            method=request.split, column=request.split_column, fraction=request.test_fraction, seed=request.seed
        ),
        options=ReadOptions(
            delimiter=request.delimiter, encoding=request.encoding, sheet=request.sheet, query=request.query
        ),
    )
    return summary(dataset)


def list_datasets(workshop: "Workshop", _: ListDatasetsRequest) -> DatasetList:
    return DatasetList(datasets=tuple(summary(dataset) for dataset in workshop.datasets.list()))


def profile_dataset(workshop: "Workshop", request: ProfileDatasetRequest) -> DatasetProfile:
    """Describe the training rows.

    Raises:
        NotFound, ColumnNotFound: no such dataset or target.
    """
    from engine.data.profile import profile_frame

    dataset = find_dataset(workshop, request.dataset)
    frame = workshop.datasets.training_frame(dataset.id)
    profile = profile_frame(frame, dataset.schema_, request.target or dataset.target)
    return DatasetProfile.model_validate({"dataset": dataset.id, **profile.model_dump()})


def summary(dataset: "Dataset") -> DatasetSummary:
    """A dataset as the tools tell of it."""
    split = (
        dataset.split.method if dataset.split.column is None else f"{dataset.split.method} by {dataset.split.column}"
    )
    return DatasetSummary(
        dataset=dataset.id,
        name=dataset.name,
        source=dataset.source,
        rows=dataset.rows,
        train_rows=dataset.train_rows,
        test_rows=dataset.test_rows,
        target=dataset.target,
        split=f"{split}, {dataset.split.fraction:.0%} sealed",
        columns=tuple(
            ColumnSummary(
                name=column.name,
                kind=column.kind,
                missing=column.missing,
                distinct=column.distinct,
                reason=column.reason,
            )
            for column in dataset.schema_.columns
        ),
        notes=dataset.notes,
    )


def estimate_import(workshop: "Workshop", request: ImportDatasetRequest) -> Estimate:
    """From a timed reading of a part, scaled to all of it; a sample is timed as it is made."""
    if not is_file_or_folder(request.source):
        return _sample_cost(request.source)
    path = safe_path(request.source)
    return _examples_cost(workshop, path) or _table_cost(path)


def _examples_cost(workshop: "Workshop", path: Path) -> Estimate | None:
    """Of images or texts; None for a table."""
    from engine.data.pilot import pilot

    began = time.perf_counter()
    found = pilot(path, workshop.datasets.limits)
    if found is None:
        return None
    seconds = (time.perf_counter() - began) * found.share
    return Estimate(seconds=round(seconds, 4), memory_mb=round(2 * found.characters * found.share / MB, 1))


def _table_cost(path: Path) -> Estimate:
    """From the first quarter megabyte."""
    import io

    import pandas as pd

    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(PILOT_BYTES)
    lines = head[: head.rfind(b"\n") + 1] or head
    began = time.perf_counter()
    # Latin-1 decodes any byte: what is wanted is the time of parsing text of this size, whatever the format
    frame = pd.read_csv(
        io.BytesIO(lines), sep=None, engine="python", encoding="latin-1", on_bad_lines="skip", dtype=str
    )
    share = max(1.0, size / max(len(lines), 1))
    memory = float(frame.memory_usage(deep=True).sum()) / MB * share
    return Estimate(seconds=round((time.perf_counter() - began) * share, 4), memory_mb=round(2 * memory, 1))


def estimate_profile(workshop: "Workshop", request: ProfileDatasetRequest) -> Estimate:
    """From a timed profile of a sample of the rows, scaled to all of them."""
    from engine.data.profile import profile_frame

    dataset = find_dataset(workshop, request.dataset)
    began = time.perf_counter()
    frame = workshop.datasets.training_frame(dataset.id)
    read = time.perf_counter() - began
    head = frame.head(PILOT_ROWS)
    began = time.perf_counter()
    profile_frame(head, dataset.schema_, request.target or dataset.target)
    seconds = read + (time.perf_counter() - began) * max(1.0, len(frame) / max(len(head), 1))
    return Estimate(seconds=round(seconds, 4), memory_mb=round(2 * float(frame.memory_usage(deep=True).sum()) / MB, 1))


def _sample_cost(source: str) -> Estimate:
    from engine.data.samples import SAMPLES, sample_frame

    name = source.removeprefix("sample:")
    if not source.startswith("sample:") or name not in SAMPLES:
        return Estimate(seconds=0.0, memory_mb=0.0)
    began = time.perf_counter()
    frame, _ = sample_frame(name)
    return Estimate(
        seconds=round(time.perf_counter() - began, 4),
        memory_mb=round(2 * float(frame.memory_usage(deep=True).sum()) / MB, 1),
    )


TOOLS = (
    ToolSpec(
        name="import_dataset",
        description="Copy data into the home so that it can be trained on: a CSV, gzip, Parquet, JSON lines or "
        "Excel file, a folder of images or texts with a sub-folder for each class, images in .npz, a database URL with "
        "a query, or 'sample:churn', 'sample:breast_cancer', 'sample:diabetes', 'sample:digits', "
        "'sample:digits_images'. Finds each column's kind, seals a test set that only the engine may read, and returns "
        "the dataset id that the other tools take. Name the target where it is known. Importing the same data again "
        "returns the same dataset.",
        request=ImportDatasetRequest,
        result=DatasetSummary,
        function=import_dataset,
        effect="compute",
        estimate=estimate_import,
    ),
    ToolSpec(
        name="list_datasets",
        description="List the imported datasets with their columns, newest first. Use it to find a dataset id, a "
        "column's exact name, or what has been imported so far.",
        request=ListDatasetsRequest,
        result=DatasetList,
        function=list_datasets,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="profile_dataset",
        description="Describe the training rows of a dataset: missing values, distributions, outliers, how strongly "
        "each column relates to the target, class balance, and warnings such as leaks or constant columns. The sealed "
        "test rows are never read.",
        request=ProfileDatasetRequest,
        result=DatasetProfile,
        function=profile_dataset,
        effect="read",
        estimate=estimate_profile,
    ),
)
