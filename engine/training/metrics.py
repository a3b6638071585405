"""Streaming metrics of classification, by class and by name. See `Streaming` for what each of them can do."""

from collections.abc import Callable
from functools import partial

from engine.training.metrics_calibration import CalibrationError
from engine.training.metrics_counts import F1, Accuracy, Confusion, IoU, Precision, Recall
from engine.training.metrics_curves import AveragePrecision, BinnedAveragePrecision, BinnedRocAuc, RocAuc
from engine.training.metrics_state import Streaming

__all__ = [
    "F1",
    "STREAMING",
    "Accuracy",
    "AveragePrecision",
    "BinnedAveragePrecision",
    "BinnedRocAuc",
    "CalibrationError",
    "Confusion",
    "IoU",
    "Precision",
    "Recall",
    "RocAuc",
    "Streaming",
]

STREAMING: dict[str, Callable[[int], Streaming]] = {
    "confusion": Confusion,
    "accuracy": Accuracy,
    "precision": Precision,
    "macro_precision": partial(Precision, average="macro"),
    "weighted_precision": partial(Precision, average="weighted"),
    "recall": Recall,
    "macro_recall": partial(Recall, average="macro"),
    "weighted_recall": partial(Recall, average="weighted"),
    "f1": F1,
    "macro_f1": partial(F1, average="macro"),
    "weighted_f1": partial(F1, average="weighted"),
    "iou": IoU,
    "macro_iou": partial(IoU, average="macro"),
    "roc_auc": RocAuc,
    "average_precision": AveragePrecision,
    "binned_roc_auc": BinnedRocAuc,
    "binned_average_precision": BinnedAveragePrecision,
    "calibration_error": CalibrationError,
}
"""Makes a metric of so many classes, by name. Without 'macro' or 'weighted', one value for each class where it has."""
