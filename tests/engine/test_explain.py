import time

import numpy as np
import pandas as pd

from engine.explain import permutation_importance
from engine.metrics import METRICS
from engine.progress import Control

RNG = np.random.default_rng(1)
FRAME = pd.DataFrame({"strong": RNG.normal(size=3000), "weak": RNG.normal(size=3000), "none": RNG.normal(size=3000)})
Y = (3 * FRAME["strong"] + FRAME["weak"]).to_numpy()
COLUMNS = list(FRAME.columns)
RMSE = METRICS["rmse"]


def law(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(3 * frame["strong"] + frame["weak"])


def test_columns_are_ordered_by_what_they_are_worth() -> None:
    found = permutation_importance(law, FRAME, Y, COLUMNS, RMSE, "regression", (), seed=0, seconds=10)
    assert [row.column for row in found] == COLUMNS
    # shuffling a standard normal column of weight w costs an error of w * sqrt(2)
    assert [round(row.importance / np.sqrt(2)) for row in found] == [3, 1, 0]
    assert found[2].deviation == 0


def test_the_same_seed_gives_the_same_importance() -> None:
    one, two = (permutation_importance(law, FRAME, Y, COLUMNS, RMSE, "regression", (), 3, 10) for _ in range(2))
    assert one == two


def test_a_slow_model_is_asked_less_and_every_column_is_reached() -> None:
    def slow(frame: pd.DataFrame) -> np.ndarray:
        time.sleep(len(frame) * 1e-4)
        return law(frame)

    began = time.monotonic()
    found = permutation_importance(slow, FRAME, Y, COLUMNS, RMSE, "regression", (), seed=0, seconds=0.6)
    assert time.monotonic() - began < 1.5
    assert len(found) == 3


def test_a_cancel_keeps_the_columns_that_are_through() -> None:
    asked = iter(range(100))
    control = Control(cancelled=lambda: next(asked) >= 2)
    found = permutation_importance(law, FRAME, Y, COLUMNS, RMSE, "regression", (), 0, 10, control)
    assert [row.column for row in found] == ["strong", "weak"]


def test_raw_labels_are_read() -> None:
    labels = pd.Series(np.where(Y > 0, "yes", "no"))

    def probabilities(frame: pd.DataFrame) -> np.ndarray:
        positive = 1 / (1 + np.exp(-law(frame)))
        return np.stack([1 - positive, positive], axis=1)

    found = permutation_importance(
        probabilities, FRAME, labels, COLUMNS, METRICS["roc_auc"], "binary", ("no", "yes"), seed=0, seconds=10
    )
    assert found[0].column == "strong"
    assert found[0].importance > 0.2
