import numpy as np
import pandas as pd
import pytest

from engine.errors import TargetUnusable
from engine.evaluate import Evaluation, evaluate
from engine.metrics import METRICS, score

RNG = np.random.default_rng(1)
Y = (RNG.random(1000) < 0.3).astype(np.int64)
ONE = np.clip(0.25 * Y + RNG.random(1000) * 0.7, 0.001, 0.999)
P = np.stack([1 - ONE, ONE], axis=1)
AUC = METRICS["roc_auc"]


def test_a_binary_evaluation_holds_metric_interval_and_plot_points() -> None:
    found = evaluate(P, Y, "binary", AUC, ("no", "yes"), seed=0)
    assert found.value == score(AUC, Y, P)
    assert found.ci[0] < found.value < found.ci[1]
    assert set(found.others) == {
        "average_precision", "f1", "precision", "recall", "accuracy", "balanced_accuracy", "macro_f1", "log_loss",
    }  # fmt: skip
    assert sum(map(sum, found.confusion)) == found.rows == 1000
    assert found.roc[0] == (0, 0)
    assert found.roc[-1] == (1, 1)
    assert len(found.roc) <= 200
    assert len(found.pr) <= 200
    assert sum(part.rows for part in found.calibration) == 1000


def test_raw_labels_are_read_and_unknown_ones_counted_apart() -> None:
    labels = pd.Series(np.where(Y == 1, "yes", "no"), dtype="object")
    labels[:3] = ["maybe", None, "perhaps"]
    found = evaluate(P, labels, "binary", AUC, ("no", "yes"))
    assert (found.rows, found.unlabelled) == (997, 3)


def test_the_threshold_decides_the_labels() -> None:
    low = evaluate(P, Y, "binary", AUC, ("no", "yes"), threshold=0.1)
    assert low.others["recall"] > evaluate(P, Y, "binary", AUC, ("no", "yes")).others["recall"]


def test_a_multiclass_evaluation_has_a_confusion_table_and_no_curves() -> None:
    y = RNG.integers(0, 3, 300)
    raw = RNG.random((300, 3)) + np.eye(3)[y]
    found = evaluate(raw / raw.sum(axis=1, keepdims=True), y, "multiclass", METRICS["macro_f1"], ("a", "b", "c"))
    assert len(found.confusion) == 3
    assert found.roc == ()
    assert found.calibration


def test_a_regression_evaluation_has_residuals() -> None:
    y = RNG.normal(size=900)
    found = evaluate(y + 0.1, y, "regression", METRICS["rmse"])
    assert found.value == pytest.approx(0.1)
    assert len(found.residuals) == 500
    predicted, true = found.residuals[0]
    assert predicted - true == pytest.approx(0.1)


def test_another_metric_stands_in_where_the_chosen_one_has_no_value() -> None:
    found = evaluate(P[:5], np.zeros(5, dtype=np.int64), "binary", AUC, ("no", "yes"))
    assert found.metric == "log_loss"
    assert found.value == pytest.approx(-np.log(P[:5, 0]).mean())
    assert found.notes == ("roc_auc has no value on these 5 row(s), so log_loss is given instead.",)
    constant = evaluate(np.arange(4.0), np.ones(4), "regression", METRICS["r2"])
    assert (constant.metric, round(constant.value**2, 6)) == ("rmse", 1.5)


def test_rows_of_a_class_that_training_did_not_hold_are_told() -> None:
    labels = pd.Series(["no", "yes", "other", None, "no"])
    found = evaluate(P[:5], labels, "binary", AUC, ("no", "yes"))
    assert (found.rows, found.unlabelled) == (3, 2)
    assert found.notes[0] == "1 row(s) have no label and are left out."
    assert found.notes[1].startswith("1 row(s) have a label that training did not hold")


def test_rows_without_a_known_label_cannot_be_judged() -> None:
    with pytest.raises(TargetUnusable, match="No row has a known label"):
        evaluate(P[:2], pd.Series(["x", None]), "binary", AUC, ("no", "yes"))


def test_an_evaluation_survives_json() -> None:
    found = evaluate(P, Y, "binary", AUC, ("no", "yes"))
    assert Evaluation.model_validate_json(found.model_dump_json()) == found
