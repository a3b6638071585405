"""Using registered models: predict, list, show, promote."""

from typing import TYPE_CHECKING

from engine.errors import BadChoice
from engine.package_info import PackageFiles
from tools.leaks import refuse_leaks
from tools.models import (
    ListModelsRequest,
    ModelDetails,
    ModelList,
    ModelSummary,
    Predictions,
    PredictRequest,
    PromoteModelRequest,
    Promotion,
    RollBackModelRequest,
    ShowModelRequest,
)
from tools.packages import find_package, importance_of, leaderboard_of, metric_of, report_of, score_of
from tools.predicting import estimate_prediction, predict
from tools.settling import settle
from tools.spec import Estimate, ToolRequest, ToolSpec, costs_nothing

if TYPE_CHECKING:
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from tools.workshop import Workshop


CHAMPION = "champion"
MOVING_AN_ALIAS = Estimate(seconds=5.0, memory_mb=100.0)
"""Measured: MLflow is loaded and its database opened; what is written is next to nothing."""


def _moves_an_alias(_: "Workshop", __: ToolRequest) -> Estimate:
    return MOVING_AN_ALIAS


def list_models(workshop: "Workshop", _: ListModelsRequest) -> ModelList:
    """All registered versions, newest first.

    Raises:
        PackageDamaged: a package is not whole.
    """
    records = workshop.registry.list()
    return ModelList(models=tuple(summary(*find_package(workshop, record.model_id)) for record in records))


def show_model(workshop: "Workshop", request: ShowModelRequest) -> ModelDetails:
    """Everything recorded about one model.

    Raises:
        NotFound, PackageDamaged: no such model, or its package is not whole.
    """
    record, info = find_package(workshop, request.model)
    return ModelDetails(
        summary=summary(record, info),
        run=record.run_id,
        validation=score_of(info.validation),
        baseline=score_of(info.baseline),
        leaderboard=leaderboard_of(info),
        importance=importance_of(info),
        columns={column.name: column.kind for column in info.columns},
        seed=info.lineage.seed,
        looks=workshop.registry.looks(info.lineage.dataset),
        report=report_of(record.package),
        card=str(record.package / PackageFiles.CARD),
    )


def promote_model(workshop: "Workshop", request: PromoteModelRequest) -> Promotion:
    """Give a version an alias.

    Raises:
        NotFound, PackageDamaged: no such model, or its package is not whole.
        BadChoice: not an alias.
        ApprovalNeeded: it learned from a column that gives the target away, and the request does not name it.
    """
    from engine.registry import ALIASES

    if request.alias not in ALIASES:
        raise BadChoice("alias", request.alias, ALIASES)
    refuse_leaks(*find_package(workshop, request.model), request.despite_leaks)
    record, previous = workshop.registry.promote(request.model, request.alias)
    if request.alias == CHAMPION:
        settle(workshop, record.name, record.model_id)
    return Promotion(
        model=record.model_id, name=record.name, version=record.version, alias=request.alias, previous=previous
    )


def roll_back_model(workshop: "Workshop", request: RollBackModelRequest) -> Promotion:
    """Give an alias back to the version that had it before.

    Raises:
        NotFound: no such model, or no version had it before.
        BadChoice: not an alias.
    """
    from engine.registry import ALIASES

    name, _, named = request.name.partition("@")
    alias = named or request.alias
    if alias not in ALIASES:
        raise BadChoice("alias", alias, ALIASES)
    record, previous = workshop.registry.roll_back(workshop.registry.get(name).name, alias)
    if alias == CHAMPION:
        settle(workshop, record.name, record.model_id, lost=previous)
    return Promotion(model=record.model_id, name=record.name, version=record.version, alias=alias, previous=previous)


def summary(record: "ModelRecord", info: "PackageInfo") -> ModelSummary:
    """A model in one row."""
    return ModelSummary(
        model=record.model_id,
        name=record.name,
        version=record.version,
        aliases=record.aliases,
        dataset=info.lineage.dataset,
        target=info.target,
        task=info.task,
        kind=info.kind,
        metric=metric_of(info),
        created=record.created.isoformat(timespec="seconds"),
        package=str(record.package),
        variant=info.optimised.variant if info.optimised else None,
        made_from=info.optimised.model if info.optimised else None,
    )


TOOLS = (
    ToolSpec(
        name="predict",
        description="Predict rows with a registered model: from a file or dataset (`data`), or given inline (`rows`). "
        "Returns the first 20 predictions; with `out` all rows go to a CSV file in their order, with `prediction` and, "
        "for classes, one probability column each. More than 1,000 rows need `out`.",
        request=PredictRequest,
        result=Predictions,
        function=predict,
        effect="compute",
        estimate=estimate_prediction,
    ),
    ToolSpec(
        name="list_models",
        description="List the registered models with their test metric, aliases and packages, newest first. Use it to "
        "find a model's id.",
        request=ListModelsRequest,
        result=ModelList,
        function=list_models,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="show_model",
        description="Show everything recorded about one model: metrics, leaderboard, important columns, the input "
        "columns it needs, lineage, how often its test set was looked at, and where report and model card lie.",
        request=ShowModelRequest,
        result=ModelDetails,
        function=show_model,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="promote_model",
        description="Give a registered model the alias 'champion' (the one in use) or 'challenger', taking it from the "
        "version that had it. Changes what others use, so it needs the user's approval. A model that learned from a "
        "column that gives the target away is refused unless the user names that column (`despite_leaks`).",
        request=PromoteModelRequest,
        result=Promotion,
        function=promote_model,
        effect="write",
        estimate=_moves_an_alias,
    ),
    ToolSpec(
        name="roll_back_model",
        description="Give the alias 'champion' (or 'challenger') of a registered name back to the version that had it "
        "before, undoing the last promotion. Changes what others use, so it needs the user's approval.",
        request=RollBackModelRequest,
        result=Promotion,
        function=roll_back_model,
        effect="write",
        estimate=_moves_an_alias,
    ),
)
