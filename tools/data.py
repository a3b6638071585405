"""Tools over datasets: import, list, profile."""

from typing import Literal

from pydantic import Field

from engine.data.profiled import ColumnProfile as ColumnProfile
from engine.data.profiled import FrameProfile
from engine.kinds import Kind as Kind
from tools.spec import ToolRequest, ToolResult


class ImportDatasetRequest(ToolRequest):
    """Copy a source into the home with a declared schema and a sealed test split."""

    source: str = Field(
        description="A file (CSV, gzip, Parquet, JSON lines, Excel, one image, images in .npz), a folder of images or "
        "texts with a sub-folder for each class, a database URL with `query`, or 'sample:NAME'. Image files that a "
        "table names in a column are read with it."
    )
    target: str | None = Field(None, description="Column to predict; makes the test split stratified by it.")
    name: str | None = Field(None, description="Name for the dataset; the file's name by default.")
    kinds: dict[str, str] = Field(
        default_factory=dict,
        description="Kinds that override what is inferred, by column: number, integer, category, text, datetime, "
        "boolean, identifier or image.",
    )
    split: Literal["auto", "random", "stratified", "time", "group"] = Field(
        "auto", description="How the sealed test rows are chosen; 'time' and 'group' need `split_column`."
    )
    split_column: str | None = Field(None, description="Column to order (time) or to keep together (group) by.")
    test_fraction: float = Field(0.2, ge=0.05, le=0.5, description="Share of rows sealed as the test set.")
    seed: int = Field(0, ge=0, description="Seed of the split.")
    delimiter: str | None = Field(None, description="CSV delimiter; found by itself when left out.")
    encoding: str | None = Field(None, description="Text encoding; found by itself when left out.")
    sheet: str | None = Field(None, description="Excel sheet; the first by default.")
    query: str | None = Field(None, description="SQL query, when the source is a database URL.")


class ColumnSummary(ToolResult):
    name: str
    kind: Kind
    missing: int
    distinct: int
    reason: str


class DatasetSummary(ToolResult):
    """An imported dataset, e.g. dataset='ds_3f9a0c1b2d4e'."""

    dataset: str
    name: str
    source: str
    rows: int
    train_rows: int
    test_rows: int
    target: str | None
    split: str
    columns: tuple[ColumnSummary, ...]
    notes: tuple[str, ...] = ()


class ListDatasetsRequest(ToolRequest):
    """List the imported datasets, newest first."""


class DatasetList(ToolResult):
    datasets: tuple[DatasetSummary, ...]


class ProfileDatasetRequest(ToolRequest):
    """Describe the training rows of a dataset (the sealed test rows are never read)."""

    dataset: str = Field(description="Dataset id, e.g. 'ds_3f9a0c1b2d4e', or its name.")
    target: str | None = Field(None, description="Column to predict; the one named at import by default.")


class DatasetProfile(FrameProfile, ToolResult):
    """The profile of a dataset's training rows."""

    dataset: str
