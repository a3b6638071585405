import json

import numpy as np
import pytest

from engine.drift.baseline import Baseline, LossModel, PerformanceReference, reference_rows
from engine.errors import BadArguments
from engine.metrics import METRICS, score

RNG = np.random.default_rng(0)
LOSS = LossModel(texts=("tree\n", "é"), squared=True, scale=0.1 + 0.2, noise=1e-17, width=3, encoding={"of": [1, None]})


def binary() -> PerformanceReference:
    positive = RNG.random(50)
    return PerformanceReference(
        "f1", "binary", ("no", "yes"), 1 / 3, RNG.integers(0, 2, 50), np.stack([1 - positive, positive], axis=1),
        RNG.normal(size=(30, 2)).astype(np.float32), ("a", "b"),
    )  # fmt: skip


def regression() -> PerformanceReference:
    return PerformanceReference(
        "rmse", "regression", (), 0.5, RNG.normal(size=40), RNG.normal(size=40), loss_model=LOSS
    )


@pytest.mark.parametrize("reference", [binary(), regression()], ids=["binary", "regression"])
def test_what_was_packed_is_unpacked_bit_by_bit(reference: PerformanceReference) -> None:
    head, arrays = reference.pack()
    again = PerformanceReference.unpack(json.loads(json.dumps(head)), arrays)
    assert (again.metric, again.task, again.classes) == (reference.metric, reference.task, reference.classes)
    assert (again.threshold, again.columns, again.loss_model) == (
        reference.threshold, reference.columns, reference.loss_model,
    )  # fmt: skip
    for name in ("truth", "prediction", "contributions"):
        one, other = getattr(reference, name), getattr(again, name)
        assert (one is None and other is None) or (one.dtype == other.dtype and one.tobytes() == other.tobytes())


@pytest.mark.parametrize("missing", ["truth", "prediction"])
def test_a_missing_array_is_an_error(missing: str) -> None:
    head, arrays = binary().pack()
    with pytest.raises(KeyError, match=missing):
        PerformanceReference.unpack(head, {name: array for name, array in arrays.items() if name != missing})


@pytest.mark.parametrize(
    ("name", "shape"),
    [("prediction", (50,)), ("prediction", (49, 2)), ("prediction", (50, 3)), ("contributions", (30, 3))],
)
def test_an_array_of_another_shape_is_an_error(name: str, shape: tuple[int, ...]) -> None:
    head, arrays = binary().pack()
    with pytest.raises(ValueError, match="of shape"):
        PerformanceReference.unpack(head, arrays | {name: np.zeros(shape)})


@pytest.mark.parametrize("change", [{"task": "ranking"}, {"unknown": 1}, {"threshold": None}])
def test_a_dictionary_that_is_not_of_a_reference_is_an_error(change: dict[str, object]) -> None:
    head, arrays = binary().pack()
    with pytest.raises(ValueError, match="validation error"):
        PerformanceReference.unpack(head | change, arrays)


def test_the_value_is_the_metric_at_the_references_threshold() -> None:
    reference = binary()
    expected = score(METRICS["f1"], reference.truth, reference.prediction, 1 / 3)
    assert reference.value(METRICS["f1"]) == expected
    assert np.isnan(
        PerformanceReference("f1", "binary", ("a", "b"), 0.5, np.zeros(0, np.int64), np.zeros((0, 2))).value(
            METRICS["f1"]
        )
    )


def test_at_most_five_thousand_usable_rows_are_kept_in_their_order() -> None:
    truth = np.arange(6000.0)
    prediction = truth.copy()
    truth[3], prediction[4] = np.nan, np.inf
    kept, predicted = reference_rows(truth, prediction, "regression", 0)
    assert len(kept) == 5000
    assert (np.diff(kept) > 0).all()
    assert np.array_equal(kept, predicted)
    assert not {3.0, 4.0} & set(kept)


def test_rows_of_unknown_class_are_not_kept() -> None:
    truth, prediction = reference_rows(np.array([0, -1, 1]), np.full((3, 2), 0.5), "binary", 0)
    assert truth.tolist() == [0, 1]
    assert truth.dtype == np.int64
    assert prediction.shape == (2, 2)


def test_a_baseline_without_a_value_is_refused() -> None:
    with pytest.raises(BadArguments, match="has to be a number"):
        Baseline(float("nan"), (0.1, 0.2))


@pytest.mark.parametrize(
    ("interval", "expected"), [((0.8, 0.9), 0.1 / 3.919927969), ((np.nan, np.nan), 0.0), ((0.9, 0.9), 0.0)]
)
def test_the_error_of_a_baseline_is_read_from_its_interval(interval: tuple[float, float], expected: float) -> None:
    assert Baseline(0.85, interval).deviation == pytest.approx(expected)
