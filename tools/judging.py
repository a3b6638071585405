"""Judging models: evaluate, compare, explain."""

import time
from typing import TYPE_CHECKING

from engine.figures import figure
from tools.labelled import labelled_rows
from tools.packages import find_package, importance_of, metric_of, report_of, size_mb
from tools.spec import Estimate, ToolSpec, costs_nothing
from tools.training import (
    CompareModelsRequest,
    Comparison,
    ComparisonRow,
    EvaluateModelRequest,
    EvaluationResult,
    ExplainModelRequest,
    Explanation,
    MetricValue,
)

if TYPE_CHECKING:
    from engine.package_info import PackageInfo
    from engine.registry import ModelRecord
    from tools.workshop import Workshop

NEWEST = 10
PILOT_ROWS = 200
MB = 1e6


def evaluate_model(workshop: "Workshop", request: EvaluateModelRequest) -> EvaluationResult:
    """Measure a model on labelled rows. Without `data`, or with rows of its own dataset, it is a counted look at the
    sealed test set; rows that it was trained on are left out.

    Raises:
        NotFound, PackageDamaged, DataError: the model or the data cannot be read.
        BadArguments: the model was trained on all of the rows.
        ColumnNotFound, ColumnsMissing: the data lacks the target or a column that the model needs.
        TargetUnusable: no row has a known label.
    """
    import numpy as np

    from engine.evaluate import evaluate
    from engine.metrics import METRICS
    from engine.serving.predictor import load

    record, info = find_package(workshop, request.model)
    frame, where, notes = labelled_rows(workshop, record, info, request.data)
    predictor = load(record.package)
    prediction = predictor.predict(frame.drop(columns=[info.target]))
    answers = np.asarray(
        prediction.labels if prediction.probabilities is None else prediction.probabilities, dtype=np.float64
    )
    found = evaluate(
        answers, frame[info.target], info.task, METRICS[info.metric.name], info.classes, info.lineage.seed,
        info.threshold,
    )  # fmt: skip
    notes += found.notes
    return EvaluationResult(
        model=record.model_id,
        data=where,
        rows=found.rows,
        metric=MetricValue(name=found.metric, value=found.value, ci=found.ci, rows=found.rows),
        others=found.others,
        confusion=found.confusion,
        classes=found.classes,
        looks=workshop.registry.looks(info.lineage.dataset),
        notes=(*notes, *prediction.notes),
    )


def compare_models(workshop: "Workshop", request: CompareModelsRequest) -> Comparison:
    """Models side by side, best first where they can be compared.

    Raises:
        NotFound: no such model.
    """
    names = request.models or tuple(record.model_id for record in workshop.registry.list()[:NEWEST])
    found = [find_package(workshop, name) for name in dict.fromkeys(names)]
    comparable = len({(info.lineage.dataset, info.target, info.metric.name) for _, info in found}) <= 1
    if comparable and found:
        greater = found[0][1].metric.greater_is_better
        found.sort(key=lambda pair: metric_of(pair[1]).value, reverse=greater)
    rows = tuple(_row(record, info) for record, info in found)
    best = rows[0].model if rows and comparable else None
    return Comparison(rows=rows, comparable=comparable, best=best, verdict=_verdict(rows, comparable))


def _row(record: "ModelRecord", info: "PackageInfo") -> ComparisonRow:
    return ComparisonRow(
        model=record.model_id,
        name=record.name,
        version=record.version,
        dataset=info.lineage.dataset,
        target=info.target,
        kind=info.kind,
        metric=metric_of(info),
        validation=info.validation.value if info.validation else None,
        seconds=info.seconds or 0.0,
        size_mb=size_mb(record.package),
        aliases=record.aliases,
    )


def _verdict(rows: tuple[ComparisonRow, ...], comparable: bool) -> str:
    if not rows:
        return "There is no model yet."
    if not comparable:
        return "These models differ in dataset, target or metric: their numbers cannot be set against each other."
    first = rows[0]
    if len(rows) == 1:
        return f"{_called(first)} is the only one: {_valued(first.metric)}."
    second = rows[1]
    low, high = first.metric.ci
    overlap = second.metric.ci[0] <= high and low <= second.metric.ci[1]
    doubt = " Their intervals overlap, so the order may be chance." if overlap else ""
    return (
        f"{_called(first)} is best: {_valued(first.metric)}, then {_called(second)}: {_valued(second.metric)}.{doubt}"
    )


def _called(row: ComparisonRow) -> str:
    return f"{row.name} v{row.version} ({row.kind}, {row.model})"


def _valued(metric: MetricValue) -> str:
    return f"{metric.name} {figure(metric.value)} [{figure(metric.ci[0])}, {figure(metric.ci[1])}]"


def explain_model(workshop: "Workshop", request: ExplainModelRequest) -> Explanation:
    """The columns that a model relies on, as measured when it was trained.

    Raises:
        NotFound, PackageDamaged: no such model, or its package is not whole.
    """
    record, info = find_package(workshop, request.model)
    return Explanation(
        model=record.model_id,
        target=info.target,
        metric=info.metric.name,
        rows=info.importance_rows or info.lineage.train_rows,
        importance=importance_of(info, request.top),
        report=report_of(record.package),
    )


def estimate_evaluation(workshop: "Workshop", request: EvaluateModelRequest) -> Estimate:
    """From a timed prediction of some training rows, scaled to the rows that would be judged."""
    from engine.serving.predictor import load

    record, info = find_package(workshop, request.model)
    began = time.perf_counter()
    predictor = load(record.package)
    loading = time.perf_counter() - began
    frame = workshop.datasets.training_frame(info.lineage.dataset).head(PILOT_ROWS)
    began = time.perf_counter()
    predictor.predict(frame.drop(columns=[info.target]))
    each = (time.perf_counter() - began) / max(len(frame), 1)
    return Estimate(
        seconds=round(loading + each * info.metric.rows, 4),
        memory_mb=round(2 * float(frame.memory_usage(deep=True).sum()) / max(len(frame), 1) * info.metric.rows / MB, 1),
    )


TOOLS = (
    ToolSpec(
        name="evaluate_model",
        description="Measure a registered model on labelled rows: its metric with a 95 % interval, other metrics and "
        "the confusion matrix. Give `data` (a file or another dataset) for new labelled rows; without it the model's "
        "sealed test set is looked at once more, and every look is counted. Rows that it was trained on are left out.",
        request=EvaluateModelRequest,
        result=EvaluationResult,
        function=evaluate_model,
        effect="compute",
        estimate=estimate_evaluation,
    ),
    ToolSpec(
        name="compare_models",
        description="Put registered models side by side: test metric with interval, validation, size, training time. "
        "Says which is best, whether the difference could be chance, and when models cannot be compared at all.",
        request=CompareModelsRequest,
        result=Comparison,
        function=compare_models,
        effect="read",
        estimate=costs_nothing,
    ),
    ToolSpec(
        name="explain_model",
        description="Say which columns a model relies on, most important first: how much its metric loses when a "
        "column is shuffled, measured on rows held out from training. Also says where the report lies.",
        request=ExplainModelRequest,
        result=Explanation,
        function=explain_model,
        effect="read",
        estimate=costs_nothing,
    ),
)
