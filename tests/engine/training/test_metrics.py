from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from torch import Tensor

from engine.training.metrics import (
    F1,
    STREAMING,
    Accuracy,
    AveragePrecision,
    BinnedAveragePrecision,
    BinnedRocAuc,
    CalibrationError,
    Confusion,
    IoU,
    Precision,
    Recall,
    RocAuc,
    Streaming,
)


def problem(classes: int, count: int = 300, seed: int = 0, digits: int = 2) -> tuple[Tensor, Tensor]:
    """Probabilities (count, classes) float64, rounded so that ties are met, and codes."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes, count)
    raw = np.round(rng.random((count, classes)) + 0.7 * np.eye(classes)[codes], digits) + 0.01
    return torch.tensor(raw / raw.sum(axis=1, keepdims=True)), torch.tensor(codes)


def fed(metric: Streaming, output: Tensor, target: Tensor, cuts: Sequence[int] = (100, 101, 250)) -> Tensor:
    """The value after the rows came in batches, cut before each of `cuts`."""
    for start, stop in pairwise((0, *cuts, len(target))):
        metric.update(output[start:stop], target[start:stop])
    return metric.compute()


def chosen(output: Tensor) -> Tensor:
    """Predicted codes; of two classes with the same probability the second, as everywhere in the engine."""
    return (output[:, 1] >= output[:, 0]).long() if output.shape[1] == 2 else output.argmax(dim=1)


def sure(codes: Tensor, classes: int) -> Tensor:
    return torch.eye(classes, dtype=torch.float64)[codes]


EVERY = pytest.mark.parametrize("name", STREAMING)
CLASSES = pytest.mark.parametrize("classes", [2, 4])

# --- equal to scikit-learn ---------------------------------------------------------------------------------------

BY_CLASS = {
    Precision: partial(reference.precision_score, zero_division=0),
    Recall: partial(reference.recall_score, zero_division=0),
    F1: partial(reference.f1_score, zero_division=0),
    IoU: partial(reference.jaccard_score, zero_division=0),
}


@CLASSES
@pytest.mark.parametrize("seed", range(2))
def test_accuracy_and_confusion_are_scikit_learns(classes: int, seed: int) -> None:
    output, target = problem(classes, seed=seed)
    expected = reference.accuracy_score(target, chosen(output))
    assert float(fed(Accuracy(classes), output, target)) == pytest.approx(expected, abs=1e-12)
    expected = reference.confusion_matrix(target, chosen(output))
    assert fed(Confusion(classes), output, target).tolist() == expected.tolist()


@CLASSES
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("average", [None, "macro", "weighted"])
@pytest.mark.parametrize("metric", BY_CLASS)
def test_ratios_by_class_are_scikit_learns(
    classes: int, seed: int, average: str | None, metric: type[Precision]
) -> None:
    output, target = problem(classes, seed=seed)
    expected = BY_CLASS[metric](target, chosen(output), average=average)
    assert fed(metric(classes, average), output, target).numpy() == pytest.approx(expected, abs=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("average", [None, "macro", "weighted"])
@pytest.mark.parametrize("metric", BY_CLASS)
@pytest.mark.parametrize(("true", "predicted"), [([0, 0, 2, 2], [0, 2, 2, 0]), ([0, 1, 1, 0], [3, 3, 1, 1])])
def test_absent_classes_count_as_in_scikit_learn(
    average: str | None, metric: type[Precision], true: list[int], predicted: list[int]
) -> None:
    labels = range(5) if average is None else None
    expected = BY_CLASS[metric](true, predicted, average=average, labels=labels)
    found = fed(metric(5, average), torch.tensor(predicted), torch.tensor(true), cuts=(1,))  # type: ignore[arg-type]
    assert found.numpy() == pytest.approx(expected, abs=1e-12)


@CLASSES
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_roc_auc_is_scikit_learns(classes: int, seed: int, dtype: torch.dtype) -> None:
    output, target = problem(classes, seed=seed)
    output = output.to(dtype)
    scores = output[:, 1] if classes == 2 else output
    expected = reference.roc_auc_score(target, scores, multi_class="ovr")
    assert float(fed(RocAuc(classes), output, target)) == pytest.approx(expected, abs=1e-12)


@CLASSES
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_average_precision_is_scikit_learns(classes: int, seed: int, dtype: torch.dtype) -> None:
    output, target = problem(classes, seed=seed)
    output = output.to(dtype)
    expected = reference.average_precision_score(target, output[:, 1] if classes == 2 else output)
    assert float(fed(AveragePrecision(classes), output, target)) == pytest.approx(expected, abs=1e-12)


ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1)), min_size=2, max_size=40)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=ROWS.filter(lambda rows: len({code for _, code in rows}) == 2), cut=st.integers(0, 40))
def test_curves_are_scikit_learns_whatever_the_ties_and_the_cut(rows: list[tuple[int, int]], cut: int) -> None:
    scores = torch.tensor([place / 6 for place, _ in rows], dtype=torch.float64)
    target = torch.tensor([code for _, code in rows])
    area = fed(RocAuc(2), scores, target, (min(cut, len(rows)),))
    precision = fed(AveragePrecision(2), scores, target, (min(cut, len(rows)),))
    assert float(area) == pytest.approx(reference.roc_auc_score(target, scores), abs=1e-12)
    assert float(precision) == pytest.approx(reference.average_precision_score(target, scores), abs=1e-12)


def calibration_by_hand(output: np.ndarray, target: np.ndarray, bins: int) -> float:
    """Guo et al. 2017, equations 2 and 3, bin by bin."""
    confidence, right = output.max(axis=1), chosen(torch.tensor(output)).numpy() == target
    error = 0.0
    for m in range(bins):
        inside = (confidence > m / bins) & (confidence <= (m + 1) / bins)
        if inside.any():
            error += inside.sum() / len(target) * abs(right[inside].mean() - confidence[inside].mean())
    return error


@CLASSES
@pytest.mark.parametrize("bins", [1, 10, 15])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_calibration_error_is_the_papers_bin_by_bin(classes: int, bins: int, dtype: torch.dtype) -> None:
    output, target = problem(classes, digits=1)
    expected = calibration_by_hand(output.to(dtype).double().numpy(), target.numpy(), bins)
    assert float(fed(CalibrationError(classes, bins), output.to(dtype), target)) == pytest.approx(expected, abs=1e-6)


def test_the_calibration_error_by_hand() -> None:
    # two bins: (0, 0.5] holds 0.5 (wrong), (0.5, 1] holds 0.6 (right) and 0.8 (wrong)
    # 1/3 * |0 - 0.5| + 2/3 * |1/2 - 0.7| = 0.3
    output = torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8]], dtype=torch.float64)
    metric = CalibrationError(3, bins=2)
    metric.update(output, torch.tensor([1, 1, 0]))
    assert float(metric.compute()) == pytest.approx(0.3, abs=1e-12)


# --- streaming and merging ---------------------------------------------------------------------------------------


@EVERY
@CLASSES
def test_batches_cut_anywhere_give_the_same_value(name: str, classes: int) -> None:
    output, target = problem(classes)
    whole = fed(STREAMING[name](classes), output, target, cuts=())
    for cuts in ((1,), (299,), (0, 150, 150, 300), tuple(range(10, 300, 10))):
        parts = fed(STREAMING[name](classes), output, target, cuts)
        torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-12)


@EVERY
@CLASSES
def test_merged_metrics_are_one_metric_of_all_rows(name: str, classes: int) -> None:
    output, target = problem(classes)
    first, second, fresh = (STREAMING[name](classes) for _ in range(3))
    fed(first, output[:120], target[:120], cuts=(50,))
    fed(second, output[120:], target[120:], cuts=(50,))
    first.merge(second)
    first.merge(fresh)
    torch.testing.assert_close(first.compute(), fed(STREAMING[name](classes), output, target), rtol=1e-12, atol=1e-12)


@EVERY
@CLASSES
def test_joined_states_are_one_metric_of_all_rows(name: str, classes: int) -> None:
    output, target = problem(classes)
    several = [STREAMING[name](classes) for _ in range(3)]
    for metric, part in zip(several, (slice(0, 10), slice(10, 200), slice(200, 300)), strict=True):
        metric.update(output[part], target[part])
    states = [metric.state() for metric in several]
    join: Callable[[list[Tensor]], Tensor] = sum if several[0].joined == "sum" else torch.cat  # type: ignore[assignment]
    joined = STREAMING[name](classes)
    joined.load({key: join([state[key] for state in states]) for key in states[0]})
    torch.testing.assert_close(joined.compute(), fed(STREAMING[name](classes), output, target), rtol=1e-12, atol=1e-12)


@EVERY
def test_a_state_is_a_copy(name: str) -> None:
    output, target = problem(3)
    metric, other = STREAMING[name](3), STREAMING[name](3)
    metric.update(output, target)
    before, state = metric.compute(), metric.state()
    other.load(state)
    other.update(output.flip(1), target)
    for value in state.values():
        value.zero_()
    torch.testing.assert_close(metric.compute(), before)


@EVERY
def test_a_batch_that_the_caller_overwrites_is_not_lost(name: str) -> None:
    output, target = problem(3)
    expected = fed(STREAMING[name](3), output, target)
    metric, shared, codes = STREAMING[name](3), torch.empty_like(output[:100]), torch.empty_like(target[:100])
    for start in (0, 100, 200):
        shared.copy_(output[start : start + 100])
        codes.copy_(target[start : start + 100])
        metric.update(shared, codes)
    torch.testing.assert_close(metric.compute(), expected)


@EVERY
def test_updates_in_and_out_of_inference_mode_add_up(name: str) -> None:
    output, target = problem(3)
    with torch.inference_mode():
        metric, other = STREAMING[name](3), STREAMING[name](3)
        metric.update(output[:100].clone(), target[:100].clone())
        other.load(metric.state())
    expected = fed(STREAMING[name](3), output, target)
    for one in (metric, other):
        one.update(output[100:].clone().requires_grad_(), target[100:])
        torch.testing.assert_close(one.compute(), expected)
        assert not any(value.requires_grad for value in one.state().values())


@EVERY
def test_updating_never_reads_a_value(name: str) -> None:
    # tensors on the meta device have no values, and say so when one is read
    metric = STREAMING[name](3)
    metric.update(torch.empty(8, 3, device="meta"), torch.empty(8, dtype=torch.int64, device="meta"))
    assert all(value.is_meta for value in metric.state().values())


@pytest.mark.parametrize("name", [name for name in STREAMING if STREAMING[name](3).joined == "sum"])
def test_the_memory_of_counts_does_not_grow_with_the_rows(name: str) -> None:
    metric = STREAMING[name](3)
    before = [tuple(value.shape) for value in metric.state().values()]
    fed(metric, *problem(3))
    assert [tuple(value.shape) for value in metric.state().values()] == before


def test_confusion_counts_need_the_square_of_the_classes() -> None:
    assert sum(value.numel() for value in Confusion(30).state().values()) == 30 * 30 + 1


def test_kept_scores_need_the_memory_that_is_said() -> None:
    for classes, columns in ((2, 1), (4, 4)):
        metric = RocAuc(classes)
        metric.update(problem(classes)[0].float(), problem(classes)[1])
        assert sum(value.nbytes for value in metric.state().values()) == 300 * (columns * 4 + 4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@CLASSES
def test_updating_on_cuda_does_not_wait_and_gives_the_same(classes: int) -> None:
    output, target = problem(classes)
    there, twice = (output.cuda(), target.cuda()), (torch.cat([output, output]), torch.cat([target, target]))
    metrics = {name: make(classes) for name, make in STREAMING.items()}
    torch.cuda.set_sync_debug_mode("error")
    try:
        for metric in metrics.values():
            metric.update(*there)
            metric.update(*there)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for name, metric in metrics.items():
        expected = fed(STREAMING[name](classes), *twice)
        torch.testing.assert_close(metric.compute().cpu(), expected, rtol=1e-12, atol=1e-12)


# --- what goes in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["accuracy", "f1", "roc_auc", "average_precision", "binned_roc_auc", "calibration_error"]
)
def test_two_classes_may_come_as_the_probability_of_class_1(name: str) -> None:
    output, target = problem(2)
    expected = fed(STREAMING[name](2), output, target)
    for one in (output[:, 1], output[:, 1:]):
        torch.testing.assert_close(fed(STREAMING[name](2), one, target), expected, rtol=1e-12, atol=1e-12)


def test_predicted_codes_and_logits_count_as_the_class_with_the_largest_score() -> None:
    output, target = problem(4)
    expected = fed(Confusion(4), output, target).tolist()
    assert fed(Confusion(4), output.argmax(dim=1), target).tolist() == expected
    assert fed(Confusion(4), 5 * output.log(), target).tolist() == expected


def test_a_probability_of_one_half_is_class_1_in_every_form() -> None:
    half = torch.full((1, 2), 0.5)
    for output in (half, half[:, 1], half[:, 1:]):
        assert fed(Accuracy(2), output, torch.tensor([1]), cuts=()) == 1


def test_masks_are_counted_place_by_place() -> None:
    masks = torch.arange(2 * 4 * 5).reshape(2, 4, 5) % 3
    predicted = masks.roll(1, dims=2)
    logits = sure(predicted, 3).movedim(-1, 1)
    expected = reference.jaccard_score(masks.flatten(), predicted.flatten(), average=None)
    for output in (logits, predicted):
        assert fed(IoU(3), output, masks, cuts=(1,)).numpy() == pytest.approx(expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@EVERY
def test_half_precision_scores_are_taken_as_they_are(name: str, dtype: torch.dtype) -> None:
    output, target = problem(3)
    half = output.to(dtype)
    torch.testing.assert_close(fed(STREAMING[name](3), half, target), fed(STREAMING[name](3), half.double(), target))


@EVERY
def test_shapes_that_do_not_fit_are_named(name: str) -> None:
    output, target = problem(3)
    with pytest.raises(ValueError, match=r"\(300, 2\)"):
        STREAMING[name](3).update(output[:, :2], target)
    with pytest.raises(ValueError, match=r"\(299,\)|\(300, 3\)"):
        STREAMING[name](3).update(output, target[1:])
    with pytest.raises(ValueError, match=r"whole numbers, got torch.float64"):
        STREAMING[name](3).update(output, target.double())


@EVERY
@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_code_outside_the_classes_is_named_when_computed(name: str, wrong: int) -> None:
    output, target = problem(3)
    target[7] = wrong
    metric = STREAMING[name](3)
    metric.update(output, target)
    with pytest.raises(ValueError, match=r"within 0 \.\. 2"):
        metric.compute()


@pytest.mark.parametrize("make", [BinnedRocAuc, BinnedAveragePrecision, CalibrationError])
@pytest.mark.parametrize("wrong", [1.5, -0.5, float("nan")])
def test_what_is_no_probability_is_named_when_computed(make: type[BinnedRocAuc], wrong: float) -> None:
    output, target = problem(3)
    output[7] = wrong
    metric = make(3)
    metric.update(output, target)
    with pytest.raises(ValueError, match=r"probabilities within 0 \.\. 1"):
        metric.compute()


def test_predicted_codes_outside_the_classes_are_named_when_computed() -> None:
    metric = Accuracy(3)
    metric.update(torch.tensor([0, 5]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"1 values .* within 0 \.\. 2"):
        metric.compute()


@EVERY
def test_one_class_is_no_classification(name: str) -> None:
    with pytest.raises(ValueError, match="classes must be 2 or more, got 1"):
        STREAMING[name](1)


@pytest.mark.parametrize("name", sorted(STREAMING.keys() - {"calibration_error"}))
def test_a_metric_of_other_classes_is_not_merged_or_loaded(name: str) -> None:
    with pytest.raises(ValueError, match="the state must hold"):
        STREAMING[name](3).merge(STREAMING[name](4))
    with pytest.raises(ValueError, match="the state must hold"):
        STREAMING[name](3).load({})


def test_another_metric_is_not_merged() -> None:
    with pytest.raises(ValueError, match="a Precision cannot take in a Recall"):
        Precision(3).merge(Recall(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the state must hold"):
        CalibrationError(3, bins=10).merge(CalibrationError(3))


# --- values that are not there -----------------------------------------------------------------------------------


@EVERY
@CLASSES
def test_no_rows_have_no_value(name: str, classes: int) -> None:
    metric = STREAMING[name](classes)
    untouched = metric.compute()
    metric.update(*(part[:0] for part in problem(classes)))
    for value in (untouched, metric.compute()):
        assert value.isnan().all() or name == "confusion"
        assert not value.nan_to_num().any()


@CLASSES
@pytest.mark.parametrize("make", [RocAuc, BinnedRocAuc])
@pytest.mark.parametrize("code", [0, 1])
def test_rows_of_one_class_have_no_area(classes: int, make: Callable[[int], Streaming], code: int) -> None:
    output, target = problem(classes)
    assert fed(make(classes), output, torch.full_like(target, code)).isnan()


@pytest.mark.parametrize("make", [AveragePrecision, BinnedAveragePrecision])
def test_average_precision_without_a_positive_has_no_value_and_with_nothing_else_is_1(
    make: Callable[[int], Streaming],
) -> None:
    output, target = problem(2)
    assert fed(make(2), output, torch.zeros_like(target)).isnan()
    assert fed(make(2), output, torch.ones_like(target)) == 1


@pytest.mark.parametrize("make", [RocAuc, BinnedRocAuc, AveragePrecision, BinnedAveragePrecision])
def test_a_class_that_was_never_seen_is_left_out_of_the_mean(make: Callable[[int], Streaming]) -> None:
    output, target = problem(4)
    target[target == 3] = 0
    alone = [fed(make(2), output[:, code], (target == code).long()) for code in range(3)]
    assert float(fed(make(4), output, target)) == pytest.approx(float(torch.stack(alone).mean()), abs=1e-12)


@pytest.mark.parametrize("make", [RocAuc, AveragePrecision])
def test_a_score_that_is_not_a_number_leaves_no_value(make: Callable[[int], Streaming]) -> None:
    output, target = problem(2)
    output[5] = float("nan")
    assert fed(make(2), output, target).isnan()


@EVERY
def test_a_perfect_prediction_has_the_best_value(name: str) -> None:
    target = problem(3)[1]
    value = fed(STREAMING[name](3), sure(target, 3), target)
    if name == "confusion":
        assert value.tolist() == torch.diag(target.bincount()).tolist()
    else:
        assert value.tolist() == (0 if name == "calibration_error" else torch.ones_like(value).tolist())


def test_a_single_row_is_enough_for_what_it_defines() -> None:
    output, target = torch.tensor([[0.2, 0.8]]), torch.tensor([1])
    values = {name: fed(STREAMING[name](2), output, target, cuts=()) for name in STREAMING}
    assert values["accuracy"] == values["macro_f1"] == values["average_precision"] == 1
    assert values["roc_auc"].isnan()
    assert float(values["calibration_error"]) == pytest.approx(0.2, abs=1e-6)


# --- bins --------------------------------------------------------------------------------------------------------

BINNED = pytest.mark.parametrize(
    ("exact", "binned"), [(RocAuc, BinnedRocAuc), (AveragePrecision, BinnedAveragePrecision)]
)


@BINNED
@CLASSES
@pytest.mark.parametrize("bins", [2, 7, 64, 8192])
@pytest.mark.parametrize("digits", [1, 9])
def test_the_exact_value_is_within_the_bound_of_the_binned_one(
    exact: Callable[[int], Streaming],
    binned: Callable[[int, int], BinnedRocAuc],
    classes: int,
    bins: int,
    digits: int,
) -> None:
    for seed in range(5):
        output, target = problem(classes, seed=seed, digits=digits)
        rough = binned(classes, bins)
        difference = abs(float(fed(exact(classes), output, target)) - float(fed(rough, output, target)))
        assert difference <= float(rough.error_bound()) + 1e-12


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=ROWS, bins=st.integers(2, 5))
def test_the_bound_holds_whatever_the_order_within_a_bin(rows: list[tuple[int, int]], bins: int) -> None:
    scores = torch.tensor([place / 6 for place, _ in rows], dtype=torch.float64)
    target = torch.tensor([code for _, code in rows])
    for exact, rough in ((RocAuc(2), BinnedRocAuc(2, bins)), (AveragePrecision(2), BinnedAveragePrecision(2, bins))):
        value, binned = (fed(metric, scores, target, cuts=()) for metric in (exact, rough))
        bound = rough.error_bound()
        assert value.isnan() == binned.isnan() == bound.isnan()
        assert value.isnan() or abs(value - binned) <= bound + 1e-12


def test_the_worst_order_within_a_bin_is_as_far_off_as_the_bound() -> None:
    # ten negatives in the upper bin, then in the lower one a negative before two positives
    # exact (1/12 + 2/13) / 2, binned 2/13; the best order would give 2/12, which is nearer
    scores = torch.tensor([0.9] * 10 + [0.3, 0.2, 0.1])
    target = torch.tensor([0] * 11 + [1, 1])
    rough = BinnedAveragePrecision(2, bins=2)
    exact, binned = (float(fed(metric, scores, target, cuts=())) for metric in (AveragePrecision(2), rough))
    assert exact == pytest.approx((1 / 12 + 2 / 13) / 2, abs=1e-12)
    assert binned == pytest.approx(2 / 13, abs=1e-12)
    assert float(rough.error_bound()) == pytest.approx(binned - exact, abs=1e-12)


@BINNED
def test_bins_finer_than_the_scores_lose_nothing(
    exact: Callable[[int], Streaming], binned: Callable[[int, int], BinnedRocAuc]
) -> None:
    rng = np.random.default_rng(0)
    scores, target = torch.tensor(rng.integers(0, 65, 300) / 64), torch.tensor(rng.integers(0, 2, 300))
    expected = float(fed(exact(2), scores, target))
    # 63/64 and 1 share the last of 64 bins, and not the last of 128
    assert float(fed(binned(2, 128), scores, target)) == pytest.approx(expected, abs=1e-12)


@BINNED
def test_the_bound_is_small_for_the_usual_bins(
    exact: Callable[[int], Streaming], binned: Callable[[int], BinnedRocAuc]
) -> None:
    output, target = problem(2, count=20_000, digits=9)
    rough = binned(2)
    difference = abs(float(fed(exact(2), output, target)) - float(fed(rough, output, target)))
    assert difference <= float(rough.error_bound()) < 1e-3


def test_bins_and_sizes_of_the_binned_state_are_as_said() -> None:
    assert sum(value.nbytes for value in BinnedRocAuc(4, 100).state().values()) == 16 * 4 * 100 + 8
    with pytest.raises(ValueError, match="bins must be 2 or more, got 1"):
        BinnedRocAuc(4, 1)
