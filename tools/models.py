"""Tools over packaged models: predict, list, show, promote."""

from pydantic import Field

from tools.spec import ToolRequest, ToolResult
from tools.training import ImportanceRow, LeaderboardRow, MetricValue, ValidationValue


class PredictRequest(ToolRequest):
    """Predict rows from a file, a dataset, or given inline. Give exactly one of `data` and `rows`."""

    model: str = Field(description="Model id or name; 'name@champion' for an alias.")
    data: str | None = Field(None, description="File or dataset id with the model's columns.")
    rows: tuple[dict[str, object], ...] = Field((), description="Rows as objects, e.g. [{'tenure': 3}].")
    out: str | None = Field(None, description="CSV file to write; needed for more than 1,000 rows.")
    id_column: str | None = Field(
        None,
        description="Column with row ids, by which true values are told later; for watched models. The identifier of "
        "the training data where it is there, else ids are made.",
    )
    overwrite: bool = Field(
        False, description="Write `out` over a file that does not hold predictions; only where the user asked for it."
    )


class Predictions(ToolResult):
    """`predictions` holds at most the first 20 rows: 'prediction' and, for classes, 'probability_<class>'; where the
    model is watched also 'row_id', by which true values are told later. `logged` rows are kept by a monitor."""

    model: str
    rows: int
    logged: int = 0
    predictions: tuple[dict[str, object], ...]
    out: str | None = None
    notes: tuple[str, ...] = ()


class ListModelsRequest(ToolRequest):
    """List the registered models, newest first."""


class ModelSummary(ToolResult):
    """`variant` says how an optimised model is run, and `made_from` which model it was made from; None for others."""

    model: str
    name: str
    version: int
    aliases: tuple[str, ...]
    dataset: str
    target: str
    task: str
    kind: str
    metric: MetricValue
    created: str
    package: str
    variant: str | None = None
    made_from: str | None = None


class ModelList(ToolResult):
    models: tuple[ModelSummary, ...]


class ShowModelRequest(ToolRequest):
    """Everything recorded about one model."""

    model: str = Field(description="Model id or name.")


class ModelDetails(ToolResult):
    summary: ModelSummary
    run: str
    validation: ValidationValue | None
    baseline: ValidationValue | None
    leaderboard: tuple[LeaderboardRow, ...]
    importance: tuple[ImportanceRow, ...]
    columns: dict[str, str] = Field(description="Input columns and their kinds.")
    seed: int
    looks: int
    report: str
    card: str


class PromoteModelRequest(ToolRequest):
    """Give a model version an alias, taking it from the version that had it. Needs approval."""

    model: str = Field(description="Model id.")
    alias: str = Field("champion", description="'champion' or 'challenger'.")
    despite_leaks: tuple[str, ...] = Field(
        (),
        description="Columns that give the target away and that the model may have learned from all the same; only "
        "where the user has said so of each by name.",
    )


class RollBackModelRequest(ToolRequest):
    """Give an alias back to the version that had it before. Needs approval."""

    name: str = Field(description="Name in the registry.")
    alias: str = Field("champion", description="'champion' or 'challenger'.")


class Promotion(ToolResult):
    model: str
    name: str
    version: int
    alias: str
    previous: str | None = Field(description="Model id that had the alias before, if any.")
