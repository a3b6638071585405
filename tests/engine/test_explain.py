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


def test_labels_are_read_at_the_threshold_of_the_model() -> None:
    def timid(frame: pd.DataFrame) -> np.ndarray:
        positive = 0.2 / (1 + np.exp(-law(frame)))  # never above one half
        return np.stack([1 - positive, positive], axis=1)

    codes = (Y > 0).astype(np.int64)
    given = (timid, FRAME, codes, COLUMNS, METRICS["f1"], "binary", ("no", "yes"), 0, 10.0)
    assert permutation_importance(*given)[0].importance == 0
    found = permutation_importance(*given, threshold=0.1)
    assert found[0].column == "strong"
    assert found[0].importance > 0.2


def test_without_a_clock_the_work_is_bounded_and_the_rows_are_told() -> None:
    def law_of_some(frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(frame["c0"], dtype=np.float64)

    assert {row.rows for row in permutation_importance(law, FRAME, Y, COLUMNS, RMSE, "regression", (), 0, None)} == {
        2000
    }
    calls = []

    def counted(frame: pd.DataFrame) -> np.ndarray:
        calls.append(len(frame))
        return law_of_some(frame)

    wide = pd.DataFrame(np.zeros((300, 400)), columns=[f"c{place}" for place in range(400)])
    names = list(wide.columns)
    assert len(permutation_importance(counted, wide, np.arange(300.0), names, RMSE, "regression", (), 0, None)) == 400
    assert len(calls) == 1 + 2 * 400


def test_numbers_of_one_value_are_explained_by_error() -> None:
    found = permutation_importance(law, FRAME, np.ones(3000), COLUMNS, METRICS["r2"], "regression", (), 0, 10)
    assert len(found) == 3
