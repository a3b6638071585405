from collections.abc import Callable
from math import exp, log

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.training.losses import (
    AbsoluteError,
    CrossEntropy,
    Dice,
    Distillation,
    Focal,
    Huber,
    Loss,
    RegressionDistillation,
    SquaredError,
    SupervisedContrastive,
    absolute_error_loss,
    contrastive_loss,
    dice_loss,
    distillation_loss,
    focal_loss,
    huber_loss,
    label_smoothing_loss,
    regression_distillation_loss,
    squared_error_loss,
    supervised_contrastive_loss,
)

CODES = torch.tensor([0, 1, 2, 0, 1, 2])
YES_NO = torch.tensor([0, 1, 0, 1, 1, 0])
MASK = torch.tensor([[0, 0, 1], [1, 0, 0], [1, 1, 2], [0, 0, 0], [2, 2, 0], [1, 0, 2]])
WEIGHT = torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])
NUMBERS = torch.tensor([0.5, -1.0, 2.0, 0.0, 3.5, -2.5])


def rows(*size: int, seed: int = 0) -> Tensor:
    """Normal numbers, float64."""
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


SOFT = functional.softmax(rows(6, 3, seed=1), dim=1)
WITH_TEACHER = torch.cat([CODES[:, None].double(), SOFT], dim=1)

# each loss as a function of one tensor, and a size that it takes
LOSSES: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "cross entropy": (lambda x: label_smoothing_loss(x, CODES, 0.1, (1.0, 2.0, 0.5), WEIGHT), (6, 3)),
    "focal": (lambda x: focal_loss(x, CODES, 2.0, (1.0, 2.0, 0.5), WEIGHT), (6, 3)),
    "focal, gamma 0": (lambda x: focal_loss(x, CODES, 0.0), (6, 3)),
    "focal, gamma 0.5": (lambda x: focal_loss(x, CODES, 0.5), (6, 3)),
    "focal, sigmoid": (lambda x: focal_loss(x, YES_NO, 0.5, 0.25, WEIGHT), (6,)),
    "dice, sigmoid": (lambda x: dice_loss(x, (MASK > 0).long()), (6, 3)),
    "dice": (lambda x: dice_loss(x, MASK, 0.5, ignored=2, weight=WEIGHT), (6, 3, 3)),
    "dice, no smoothing": (lambda x: dice_loss(x, MASK, 0.0), (6, 3, 3)),
    "contrastive": (lambda x: contrastive_loss(x, rows(6, 3, seed=9).round().to(x.dtype), YES_NO, 2.0, WEIGHT), (6, 3)),
    "supervised contrastive": (lambda x: supervised_contrastive_loss(x, CODES, 0.5, WEIGHT), (6, 3)),
    "distillation": (lambda x: Distillation(3.0, 0.7)(x, WITH_TEACHER, WEIGHT), (6, 3)),
    "teacher's logits": (lambda x: distillation_loss(x, CODES, teacher_logits=rows(6, 3, seed=2)), (6, 3)),
    "squared": (lambda x: squared_error_loss(x, NUMBERS, WEIGHT), (6, 1)),
    "absolute": (lambda x: absolute_error_loss(x, NUMBERS, WEIGHT), (6,)),
    "huber": (lambda x: huber_loss(x, NUMBERS, 0.7, WEIGHT), (6,)),
    "teacher's numbers": (lambda x: regression_distillation_loss(x, NUMBERS, NUMBERS + 1, 0.3), (6, 1)),
}
every_loss = pytest.mark.parametrize(("loss", "size"), LOSSES.values(), ids=LOSSES)

# each loss as the training loop calls it, with an output and a target of six rows
CALLS: dict[str, tuple[Loss, Tensor, Tensor]] = {
    "cross entropy": (CrossEntropy(0.1, (1.0, 2.0, 0.5)), rows(6, 3), CODES),
    "focal": (Focal(2.0, (0.2, 0.3, 0.5)), rows(6, 3), CODES),
    "focal, sigmoid": (Focal(1.0, 0.25), rows(6, 1), YES_NO),
    "dice": (Dice(0.5, ignored=2), rows(6, 3, 3), MASK),
    "squared": (SquaredError(), rows(6, 1), NUMBERS),
    "absolute": (AbsoluteError(), rows(6), NUMBERS),
    "huber": (Huber(0.7), rows(6), NUMBERS[:, None]),
    "distillation": (Distillation(2.0, 0.3), rows(6, 3), WITH_TEACHER),
    "teacher's numbers": (RegressionDistillation(0.3), rows(6), torch.stack([NUMBERS, NUMBERS + 1], dim=1)),
}
every_call = pytest.mark.parametrize(("loss", "output", "target"), CALLS.values(), ids=CALLS)


def value_and_slope(loss: Callable[[Tensor], Tensor], at: Tensor) -> tuple[float, Tensor]:
    at = at.clone().requires_grad_()
    value = loss(at)
    value.backward()
    assert at.grad is not None
    return float(value.detach()), at.grad


# --- what holds for all ------------------------------------------------------------------------------------------


@every_loss
def test_the_gradient_is_that_of_finite_differences(loss: Callable[[Tensor], Tensor], size: tuple[int, ...]) -> None:
    assert torch.autograd.gradcheck(loss, rows(*size, seed=3).requires_grad_())


@every_loss
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_extreme_numbers_give_a_finite_loss_and_gradient(
    loss: Callable[[Tensor], Tensor], size: tuple[int, ...], dtype: torch.dtype
) -> None:
    signs = rows(*size, seed=4).sign()
    for at in (1e4 * signs, -1e4 * signs, torch.full(size, 1e4), torch.zeros(size)):
        value, slope = value_and_slope(lambda x: loss(x.to(dtype)).double(), at)
        assert torch.tensor(value).isfinite()
        assert slope.isfinite().all()


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(
    loss: Callable[[Tensor], Tensor], size: tuple[int, ...], dtype: torch.dtype
) -> None:
    half = rows(*size, seed=5).to(dtype)
    value = loss(half)
    assert value.dtype == torch.float32
    assert float(value) == float(loss(half.float()))


@every_call
def test_micro_batches_add_up_to_the_whole_batch(loss: Loss, output: Tensor, target: Tensor) -> None:
    whole = loss(output, target, WEIGHT)
    parts = [(slice(0, 1), 1), (slice(1, 3), 2), (slice(3, 6), 3)]
    summed = sum(loss(output[part], target[part], WEIGHT[part]) * count for part, count in parts)
    assert float(summed) / 6 == pytest.approx(float(whole), rel=1e-12)


@every_call
def test_weights_of_one_change_nothing_and_doubled_weights_double(loss: Loss, output: Tensor, target: Tensor) -> None:
    plain = float(loss(output, target))
    assert float(loss(output, target, torch.ones(6))) == pytest.approx(plain, rel=1e-12)
    assert float(loss(output, target, torch.full((6,), 2.0))) == pytest.approx(2 * plain, rel=1e-12)


@every_call
def test_a_batch_of_no_rows_is_refused(loss: Loss, output: Tensor, target: Tensor) -> None:
    with pytest.raises(ValueError, match="at least one row, got shape"):
        loss(output[:0], target[:0])


@every_call
def test_weights_of_another_shape_are_refused(loss: Loss, output: Tensor, target: Tensor) -> None:
    with pytest.raises(ValueError, match=r"weights must be one a row, \(6,\), got \(6, 1\)"):
        loss(output, target, torch.ones(6, 1))


@every_call
def test_a_target_of_other_rows_is_refused_with_the_shapes(loss: Loss, output: Tensor, target: Tensor) -> None:
    with pytest.raises(ValueError, match=r"\([^)]*5[^)]*\)"):
        loss(output, target[:5])


def test_equal_settings_are_equal_losses() -> None:
    assert Focal(2.0, (0.5, 1.0)) == Focal(2.0, (0.5, 1.0))
    assert len({CrossEntropy(), CrossEntropy(0.0), CrossEntropy(0.1)}) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CrossEntropy(1.5), r"smoothing must be 0 .. 1, got 1.5"),
        (lambda: Focal(-1.0), r"gamma must be 0 or more, got -1.0"),
        (lambda: Dice(float("nan")), r"smoothing must be 0 or more, got nan"),
        (lambda: Huber(0.0), r"delta must be over 0, got 0.0"),
        (lambda: Distillation(temperature=0.0), r"temperature must be over 0"),
        (lambda: Distillation(alpha=2.0), r"alpha must be 0 .. 1, got 2.0"),
        (lambda: RegressionDistillation(-0.1), r"alpha must be 0 .. 1, got -0.1"),
        (lambda: SupervisedContrastive(float("inf")), r"temperature must be over 0, got inf"),
    ],
)
def test_a_setting_out_of_range_is_refused_when_it_is_made(make: Callable[[], Loss], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# --- cross entropy -----------------------------------------------------------------------------------------------


def test_label_smoothing_by_hand() -> None:
    # p = (3/4, 1/4); the target with e = 0.2 is (0.9, 0.1)
    expected = -0.9 * log(3 / 4) - 0.1 * log(1 / 4)
    logits = torch.tensor([[log(3), 0.0]], dtype=torch.float64)
    assert float(label_smoothing_loss(logits, torch.tensor([0]), 0.2)) == pytest.approx(expected, rel=1e-12)


def test_class_weights_by_hand() -> None:
    # p = (3/4, 1/4); terms 2 * 0.9 * log(4/3) and 3 * 0.1 * log(4), not divided by the weights
    expected = 2 * 0.9 * log(4 / 3) + 3 * 0.1 * log(4)
    logits = torch.tensor([[log(3), 0.0]], dtype=torch.float64)
    loss = label_smoothing_loss(logits, torch.tensor([0]), 0.2, torch.tensor([2.0, 3.0]))
    assert float(loss) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_is_torchs(smoothing: float) -> None:
    logits, expected = rows(6, 3), nn.CrossEntropyLoss(label_smoothing=smoothing)
    assert float(CrossEntropy(smoothing)(logits, CODES)) == pytest.approx(float(expected(logits, CODES)), rel=1e-12)


def test_row_and_class_weights_are_torchs_before_the_mean() -> None:
    weights = (1.0, 2.0, 0.5)
    each = nn.CrossEntropyLoss(
        weight=torch.tensor(weights, dtype=torch.float64), label_smoothing=0.1, reduction="none"
    )(rows(6, 3), CODES)
    loss = CrossEntropy(0.1, weights)(rows(6, 3), CODES, WEIGHT)
    assert float(loss) == pytest.approx(float((each * WEIGHT).sum() / 6), rel=1e-12)


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.1, (1.0,) * 4), Focal(2.0, (0.5, 1.0, 1.0, 2.0))])
def test_a_class_that_no_row_of_the_batch_has_is_pushed_down(loss: Loss) -> None:
    value, slope = value_and_slope(lambda x: loss(x, CODES), rows(6, 4))
    assert value > 0
    assert (slope[:, 3] > 0).all()


def test_a_perfect_prediction_costs_nothing() -> None:
    sure = 1e4 * functional.one_hot(CODES, 3).double()
    for loss in (CrossEntropy(), Focal(0.0), Focal(0.5), Focal(2.0, (1.0, 2.0, 3.0))):
        value, slope = value_and_slope(lambda x, loss=loss: loss(x, CODES), sure)
        assert value == 0
        assert slope.abs().max() < 1e-12


def test_a_sure_mistake_costs_the_distance_of_the_logits() -> None:
    wrong = torch.tensor([[1e4, -1e4]])
    for loss in (CrossEntropy(), Focal(2.0)):
        assert float(loss(wrong, torch.tensor([1]))) == pytest.approx(2e4)


@pytest.mark.parametrize(
    ("logits", "codes", "message"),
    [
        (rows(6), CODES, r"got \(6,\) and \(6,\)"),
        (
            rows(6, 3),
            CODES[:, None],
            r"logits must be \(rows, classes\) and codes \(rows,\), got \(6, 3\) and \(6, 1\)",
        ),
        (rows(6, 3), CODES.double(), r"codes must be whole numbers, got torch.float64"),
        (rows(6, 3).long(), CODES, r"logits must be floating-point numbers, got torch.int64"),
        (rows(6, 2), CODES, r"codes must be within 0 .. 1, got 0 .. 2"),
        (rows(6, 3), CODES - 100, r"codes must be within 0 .. 2, got -100 .. -98"),
    ],
)
def test_logits_and_codes_that_do_not_fit_are_refused(logits: Tensor, codes: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CrossEntropy()(logits, codes)


def test_class_weights_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one number for each of the 3 classes, got shape \(2,\)"):
        CrossEntropy(class_weights=(1.0, 2.0))(rows(6, 3), CODES)


# --- focal -------------------------------------------------------------------------------------------------------


def test_focal_by_hand() -> None:
    # p = (3/4, 1/4). Row of class 0: 0.5 * (1/4)^2 * log(4/3). Row of class 1: 2 * (3/4)^2 * log(4).
    expected = (0.5 * (1 / 4) ** 2 * log(4 / 3) + 2 * (3 / 4) ** 2 * log(4)) / 2
    logits = torch.tensor([[log(3), 0.0], [log(3), 0.0]], dtype=torch.float64)
    for alpha in ((0.5, 2.0), torch.tensor([0.5, 2.0])):
        assert float(focal_loss(logits, torch.tensor([0, 1]), 2.0, alpha)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [(2,), (2, 1)])
@pytest.mark.parametrize("alpha", [0.25, (0.75, 0.25)])
def test_focal_of_two_classes_by_hand(size: tuple[int, ...], alpha: float | tuple[float, float]) -> None:
    # p of class 1 is 3/4. Class 1: 0.25 * (1/4)^2 * log(4/3). Class 0, p_t = 1/4: 0.75 * (3/4)^2 * log(4).
    expected = (0.25 * (1 / 4) ** 2 * log(4 / 3) + 0.75 * (3 / 4) ** 2 * log(4)) / 2
    logits = torch.full(size, log(3), dtype=torch.float64)
    assert float(focal_loss(logits, torch.tensor([1, 0]), 2.0, alpha)) == pytest.approx(expected, rel=1e-12)


def test_focal_of_gamma_0_is_torchs_cross_entropy() -> None:
    many, one = rows(6, 3), rows(6)
    assert float(focal_loss(many, CODES, 0.0)) == pytest.approx(float(functional.cross_entropy(many, CODES)), rel=1e-12)
    both = functional.binary_cross_entropy_with_logits(one, YES_NO.double())
    assert float(focal_loss(one, YES_NO, 0.0)) == pytest.approx(float(both), rel=1e-12)


def test_the_sigmoid_form_is_the_softmax_of_zero_and_the_logit() -> None:
    one = rows(6)
    two = torch.stack([torch.zeros_like(one), one], dim=1)
    alone, pair = (focal_loss(logits, YES_NO, 1.5, (0.2, 0.9)) for logits in (one, two))
    assert float(alone) == pytest.approx(float(pair), rel=1e-12)


def test_one_alpha_for_many_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"alpha must be one number for each class, got the single number 0.25"):
        Focal(2.0, 0.25)(rows(6, 3), CODES)


# --- Dice --------------------------------------------------------------------------------------------------------


def test_dice_by_hand() -> None:
    # p = (3/4, 1/2), truth (1, 0), s = 1: 1 - (2 * 3/4 + 1) / (9/16 + 1/4 + 1 + 1) = 1 - 40/45
    logits = torch.tensor([[log(3), 0.0]], dtype=torch.float64)
    assert float(dice_loss(logits, torch.tensor([[1, 0]]))) == pytest.approx(1 / 9, rel=1e-12)


def test_dice_of_classes_by_hand() -> None:
    # two places, p = (3/4, 1/4) in both, truth 0 and 1, s = 0
    # class 0: 2 * 3/4 / (9/16 + 9/16 + 1) = 12/17; class 1: 2 * 1/4 / (1/16 + 1/16 + 1) = 4/9
    logits = torch.tensor([[[log(3), log(3)], [0.0, 0.0]]], dtype=torch.float64)
    expected = 1 - (12 / 17 + 4 / 9) / 2
    assert float(dice_loss(logits, torch.tensor([[0, 1]]), 0.0)) == pytest.approx(expected, rel=1e-12)


def test_a_class_neither_there_nor_predicted_does_not_count() -> None:
    # as above, with a third class of probability 0
    logits = torch.tensor([[[log(3), log(3)], [0.0, 0.0], [-1e4, -1e4]]], dtype=torch.float64)
    expected = 1 - (12 / 17 + 4 / 9) / 2
    for smoothing in (0.0, 1e-9):
        value, slope = value_and_slope(lambda x, s=smoothing: dice_loss(x, torch.tensor([[0, 1]]), s), logits)
        assert value == pytest.approx(expected, rel=1e-6)
        assert slope.isfinite().all()


def test_a_class_predicted_and_not_there_costs_its_whole_share() -> None:
    # all is class 0, all is predicted class 1 for sure: both dice are 0
    logits = torch.tensor([[[-1e4, -1e4], [1e4, 1e4]]])
    assert float(dice_loss(logits, torch.tensor([[0, 0]]), 0.0)) == 1


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_perfect_masks_cost_nothing(smoothing: float) -> None:
    sure = 1e4 * functional.one_hot(MASK, 3).double().movedim(-1, 1)
    value, slope = value_and_slope(lambda x: dice_loss(x, MASK, smoothing), sure)
    assert value == 0
    assert slope.abs().max() == 0


def test_an_empty_mask_predicted_empty_costs_nothing_and_the_others_count_as_before() -> None:
    logits, empty = rows(1, 4), torch.full((1, 4), -3.0, dtype=torch.float64)
    codes = torch.tensor([[1, 0, 0, 1]])
    both = dice_loss(torch.cat([logits, empty]), torch.cat([codes, torch.zeros_like(codes)]), 0.0)
    assert float(both) == pytest.approx(float(dice_loss(logits, codes, 0.0)) / 2, rel=1e-12)


def test_ignored_places_are_as_if_cut_out() -> None:
    logits, codes = rows(2, 3, 5), torch.tensor([[0, 1, 2, 255, 255], [1, 1, 0, 255, 255]])
    ignoring, cut = dice_loss(logits, codes, ignored=255), dice_loss(logits[:, :, :3], codes[:, :3])
    assert float(ignoring) == pytest.approx(float(cut), rel=1e-12)


def test_a_mask_that_is_ignored_everywhere_costs_nothing() -> None:
    value, slope = value_and_slope(lambda x: dice_loss(x, torch.full((1, 4), 255), 0.0, ignored=255), rows(1, 3, 4))
    assert value == 0
    assert slope.abs().max() == 0


def test_images_are_masks_of_many_places() -> None:
    image, codes = rows(2, 3, 4, 5), torch.arange(40).reshape(2, 4, 5) % 3
    flat = dice_loss(image.flatten(2), codes.flatten(1))
    assert float(dice_loss(image, codes)) == pytest.approx(float(flat), rel=1e-12)
    one, yes = rows(2, 1, 4, 5), (codes > 0).long()
    assert float(dice_loss(one, yes)) == pytest.approx(float(dice_loss(one[:, 0], yes)), rel=1e-12)


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(6, 3, 3\) and \(6, 4\)"):
        dice_loss(rows(6, 3, 3), torch.zeros(6, 4, dtype=torch.long))


# --- contrastive -------------------------------------------------------------------------------------------------


def test_contrastive_by_hand() -> None:
    # distance 5 each: together 25/2; apart with margin 7 (7 - 5)^2 / 2 = 2; apart with margin 4: 0
    left, right = torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])
    together, apart = torch.tensor([0]), torch.tensor([1])
    assert float(contrastive_loss(left, right, together, 4.0)) == 12.5
    assert float(contrastive_loss(left, right, apart, 7.0)) == 2
    assert float(contrastive_loss(left, right, apart, 4.0)) == 0


def test_pairs_at_distance_zero_cost_half_the_squared_margin_and_are_not_pushed() -> None:
    same = rows(2, 3)
    value, slope = value_and_slope(lambda x: contrastive_loss(x, same, torch.tensor([1, 1]), 3.0), same)
    assert value == 4.5
    assert slope.abs().max() == 0


def test_pairs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(6, 3\), \(6, 2\) and \(6,\)"):
        contrastive_loss(rows(6, 3), rows(6, 2), YES_NO)
    with pytest.raises(ValueError, match="at least one row"):
        contrastive_loss(rows(0, 3), rows(0, 3), YES_NO[:0])
    with pytest.raises(ValueError, match="margin must be over 0"):
        contrastive_loss(rows(6, 3), rows(6, 3), YES_NO, 0.0)


def test_supervised_contrastive_by_hand() -> None:
    # lengths do not count. Rows 0 and 1 point the same way, row 2 is at a right angle to both; T = 1.
    # rows 0 and 1: -log(e^1 / (e^1 + e^0)); row 2 has no positive and is left out of the mean
    embeddings = torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]], dtype=torch.float64)
    loss = supervised_contrastive_loss(embeddings, torch.tensor([0, 0, 1]), 1.0)
    assert float(loss) == pytest.approx(log(1 + exp(-1)), rel=1e-12)


def test_supervised_contrastive_is_the_papers_sum_written_out() -> None:
    unit, labels, temperature = functional.normalize(rows(7, 4)), torch.tensor([0, 1, 0, 2, 1, 0, 3]), 0.3
    anchors = []
    for i in range(7):
        others = [a for a in range(7) if a != i]
        below = sum(exp(float(unit[i] @ unit[a]) / temperature) for a in others)
        positives = [p for p in others if labels[p] == labels[i]]
        terms = [log(exp(float(unit[i] @ unit[p]) / temperature) / below) for p in positives]
        anchors += [-sum(terms) / len(terms)] if terms else []
    loss = supervised_contrastive_loss(unit, labels, temperature)
    assert float(loss) == pytest.approx(sum(anchors) / 5, rel=1e-12)
    assert len(anchors) == 5


def test_anchor_weights_weigh_the_anchors() -> None:
    labels, only = torch.tensor([0, 0, 1, 1]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    first = SupervisedContrastive(0.5)(rows(4, 3), labels, only)
    second = SupervisedContrastive(0.5)(rows(4, 3), labels, 1 - only)
    assert float(first + second) == pytest.approx(float(SupervisedContrastive(0.5)(rows(4, 3), labels)), rel=1e-12)


@pytest.mark.parametrize("count", [1, 4])
def test_a_batch_without_positives_costs_nothing_and_pushes_nothing(count: int) -> None:
    value, slope = value_and_slope(lambda x: supervised_contrastive_loss(x, torch.arange(count)), rows(count, 3))
    assert value == 0
    assert slope.abs().max() == 0


def test_similarities_stay_in_float32_under_autocast() -> None:
    embeddings = rows(6, 8).float()
    plain = supervised_contrastive_loss(embeddings, CODES)
    with torch.autocast("cpu", torch.bfloat16):
        assert float(supervised_contrastive_loss(embeddings, CODES)) == float(plain)


def test_embeddings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(6, 3\) and \(5,\)"):
        SupervisedContrastive()(rows(6, 3), CODES[:5])
    with pytest.raises(ValueError, match="at least one row"):
        SupervisedContrastive()(rows(0, 3), CODES[:0])


# --- distillation ------------------------------------------------------------------------------------------------


def test_distillation_by_hand() -> None:
    # T = 2: the teacher is softened to (3/4, 1/4), by logits (2 log 3, 0) as by probabilities (0.9, 0.1); the
    # student is (1/2, 1/2). Soft part 4 * (3/4 log(3/2) + 1/4 log(1/2)), hard part log 2.
    expected = 0.7 * log(2) + 0.3 * 4 * (3 / 4 * log(3 / 2) + 1 / 4 * log(1 / 2))
    student, code = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([1])
    logits = torch.tensor([[2 * log(3), 0.0]], dtype=torch.float64)
    by_logits = distillation_loss(student, code, teacher_logits=logits, temperature=2.0, alpha=0.3)
    by_probabilities = Distillation(2.0, 0.3)(student, torch.tensor([[1.0, 0.9, 0.1]], dtype=torch.float64))
    assert float(by_logits) == pytest.approx(expected, rel=1e-12)
    assert float(by_probabilities) == pytest.approx(expected, rel=1e-12)


def test_the_soft_part_is_torchs_divergence_times_the_squared_temperature() -> None:
    student, teacher = rows(6, 3), rows(6, 3, seed=1)
    soft, wanted = functional.log_softmax(student / 4, dim=1), functional.softmax(teacher / 4, dim=1)
    expected = 16 * functional.kl_div(soft, wanted, reduction="batchmean")
    loss = distillation_loss(student, CODES, teacher_logits=teacher, temperature=4.0, alpha=1.0)
    assert float(loss) == pytest.approx(float(expected), rel=1e-12)


def test_probabilities_teach_what_the_logits_behind_them_teach() -> None:
    student, teacher = rows(6, 3), rows(6, 3, seed=1)
    by_logits = distillation_loss(student, CODES, teacher_logits=teacher, temperature=3.0)
    known = functional.softmax(teacher, dim=1)
    by_probabilities = distillation_loss(student, CODES, teacher_probabilities=known, temperature=3.0)
    assert float(by_logits) == pytest.approx(float(by_probabilities), rel=1e-12)


def test_without_a_share_of_the_teacher_it_is_cross_entropy() -> None:
    loss = Distillation(3.0, 0.0)(rows(6, 3), WITH_TEACHER)
    assert float(loss) == pytest.approx(float(CrossEntropy()(rows(6, 3), CODES)), rel=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 20.0])
def test_a_teacher_that_is_sure_is_as_the_codes_at_any_temperature(temperature: float) -> None:
    sure = torch.cat([CODES[:, None].double(), functional.one_hot(CODES, 3).double()], dim=1)
    value, slope = value_and_slope(lambda x: Distillation(temperature, 1.0)(x, sure), rows(6, 3))
    expected = temperature**2 * functional.cross_entropy(rows(6, 3) / temperature, CODES)
    assert value == pytest.approx(float(expected), rel=1e-12)
    assert slope.isfinite().all()


def test_a_student_equal_to_its_teacher_has_no_soft_loss() -> None:
    teacher = rows(6, 3)
    value, slope = value_and_slope(
        lambda x: distillation_loss(x, CODES, teacher_logits=teacher, alpha=1.0, temperature=5.0), teacher
    )
    assert value == pytest.approx(0, abs=1e-14)
    assert slope.abs().max() < 1e-14


def test_the_teacher_gets_no_gradient() -> None:
    teacher, student = rows(6, 3, seed=1).requires_grad_(), rows(6, 3).requires_grad_()
    distillation_loss(student, CODES, teacher_logits=teacher).backward()
    assert teacher.grad is None
    assert student.grad is not None


def test_exactly_one_teacher_is_needed() -> None:
    with pytest.raises(ValueError, match="one of the two; got 0"):
        distillation_loss(rows(6, 3), CODES)
    with pytest.raises(ValueError, match="one of the two; got 2"):
        distillation_loss(rows(6, 3), CODES, teacher_logits=rows(6, 3), teacher_probabilities=SOFT)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (SOFT, r"must be \(rows, 1 \+ classes\).*got \(6, 3\) for logits \(6, 3\)"),
        (CODES, r"got \(6,\) for logits \(6, 3\)"),
        (WITH_TEACHER.half(), "must be float32 or float64, got torch.float16"),
        (torch.cat([CODES[:, None] + 1.0, SOFT], dim=1), r"codes must be within 0 .. 2, got 1 .. 3"),
    ],
)
def test_a_target_of_distillation_that_does_not_fit_is_refused(target: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Distillation()(rows(6, 3), target)


def test_a_teacher_of_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"answers must be \(6, 3\) as the student's, got \(6, 2\)"):
        distillation_loss(rows(6, 3), CODES, teacher_logits=rows(6, 2))


# --- numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (SquaredError(), (0.25 + 9) / 2),
        (AbsoluteError(), (0.5 + 3) / 2),
        (Huber(1.0), (0.125 + (3 - 0.5)) / 2),
        (Huber(2.0), (0.125 + 2 * (3 - 1)) / 2),
    ],
)
@pytest.mark.parametrize("size", [(2,), (2, 1)])
def test_errors_of_numbers_by_hand(loss: Loss, expected: float, size: tuple[int, ...]) -> None:
    # the errors are 0.5 and -3; (2, 1) against (2,) must not become (2, 2)
    assert float(loss(torch.tensor([1.5, -1.0]).reshape(size), torch.tensor([1.0, 2.0]))) == pytest.approx(expected)


def test_errors_of_numbers_are_torchs() -> None:
    values, target = 3 * rows(6), NUMBERS.double()
    pairs = [
        (SquaredError(), functional.mse_loss(values, target)),
        (AbsoluteError(), functional.l1_loss(values, target)),
        (Huber(0.7), functional.huber_loss(values, target, delta=0.7)),
    ]
    for loss, expected in pairs:
        assert float(loss(values, NUMBERS)) == pytest.approx(float(expected), rel=1e-12)


def test_distillation_of_numbers_by_hand() -> None:
    # value 1, truth 3, teacher 2: 0.25 * 4 + 0.75 * 1
    assert float(RegressionDistillation(0.75)(torch.tensor([[1.0]]), torch.tensor([[3.0, 2.0]]))) == 1.75


def test_numbers_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one number a row for values \(6,\), got \(6, 2\)"):
        SquaredError()(rows(6), rows(6, 2))
    with pytest.raises(ValueError, match=r"values must be \(rows,\) or \(rows, 1\), got \(6, 2\)"):
        AbsoluteError()(rows(6, 2), rows(6))
    with pytest.raises(ValueError, match=r"must be \(rows, 2\): the number and the teacher's; got \(6,\)"):
        RegressionDistillation()(rows(6), rows(6))
