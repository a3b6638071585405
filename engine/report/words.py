"""Numbers and names in words, shared by the report and the card."""

import math

from engine.figures import figure
from engine.metrics import METRICS, Metric
from engine.optimise.spec import VARIANTS
from engine.package_info import PackageInfo

_METRICS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "f1": "F1",
    "macro_f1": "macro F1",
    "precision": "precision",
    "recall": "recall",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
    "brier": "Brier score",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}


def metric_label(name: str) -> str:
    """'roc_auc' -> 'ROC AUC'."""
    return _METRICS.get(name, name.replace("_", " "))


def number(value: float | None) -> str:
    """Four significant digits; a dash for a value that does not exist."""
    if value is None or not math.isfinite(value):
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return figure(value)


def count(value: int) -> str:
    return f"{value:,}"


def verdict(info: PackageInfo) -> str:
    """The one sentence: how good, how sure, and against what."""
    metric, label = info.metric, metric_label(info.metric.name)
    low, high = metric.ci
    sure = f" (95 % interval {number(low)} to {number(high)})" if low is not None and high is not None else ""
    first = f"On {count(metric.rows)} sealed test rows {_the_model(info)} reaches {label} {number(metric.value)}{sure}."
    if info.validation is None or info.baseline is None:
        return first
    better = "higher" if validated_metric(info).greater_is_better else "lower"
    name = f"{metric_label(info.validation.name)} " if info.validation.name != metric.name else ""
    return (
        f"{first} In validation it reaches {name}{number(info.validation.value)}, where answering without looking at "
        f"the data reaches {number(info.baseline.value)}; {better} is better."
    )


def validated_metric(info: PackageInfo) -> Metric:
    """The metric of validation, which is that of the test unless it had no value there."""
    return METRICS[info.validation.name if info.validation else info.metric.name]


def _the_model(info: PackageInfo) -> str:
    return "the ensemble" if info.kind == "ensemble" else f"the model {info.kind!r}"


def chosen(info: PackageInfo) -> str:
    """What the package consists of."""
    if info.optimised is not None:
        return (
            f"It is {info.optimised.variant!r} of {info.optimised.model}: {VARIANTS[info.optimised.variant]}. "
            "What else was tried is in the report of the optimisation beside this one."
        )
    if len(info.members) == 1:
        return f"The package holds one model, {info.members[0].name}."
    return (
        f"The package holds {len(info.members)} models; their predictions are averaged with these weights: "
        f"{shares(info)}."
    )


def shares(info: PackageInfo) -> str:
    """Members and their weights, e.g. 'linear (67%), forest (33%)'."""
    by_name: dict[str, float] = {}
    for member in info.members:
        by_name[member.name] = by_name.get(member.name, 0.0) + member.weight
    return ", ".join(f"{name} ({share:.0%})" for name, share in by_name.items())


def split(info: PackageInfo) -> str:
    """How the test rows were chosen."""
    lineage = info.lineage
    by = f" by column {lineage.split_column!r}" if lineage.split_column else ""
    return f"{lineage.split_method}{by}, {lineage.split_fraction:.0%} of the rows, seed {lineage.split_seed}"
