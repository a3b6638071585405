from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import BadArguments
from engine.models.base import Floats
from engine.models.network import Network, best_temperature
from engine.optimise.finetune import fine_tune
from engine.optimise.prune import prune
from engine.optimise.sparse import sparsify, zero_share
from engine.progress import Control, FitProgress, Progress
from tests.engine.optimise.lessons import Lesson, learned
from tests.engine.optimise.nets_to_prune import SPECS, network, rows


def tuned(network: Network, lesson: Lesson, **changes: object) -> Network:
    given: dict[str, object] = {
        "teacher": lesson.teacher, "valid": lesson.valid, "seconds": None, "seed": 0, "threads": 1,
        "control": Control(), "epochs": 8,
    }  # fmt: skip
    return fine_tune(network, *lesson.train, **(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_a_pruned_network_gets_back_most_of_what_it_lost(task: str) -> None:
    lesson = learned(task)
    pruned = prune(lesson.network, 0.6, sample=lesson.features[:200]).network
    made = tuned(pruned, lesson, epochs=15)
    original, lost, found = (lesson.loss(some) for some in (lesson.network, pruned, made))
    assert found - original < 0.5 * (lost - original)
    assert [value.shape for value in made.net.parameters()] == [value.shape for value in pruned.net.parameters()]


@pytest.mark.parametrize("kind", SPECS)
def test_every_kind_of_pruned_network_is_trained_on(kind: str) -> None:
    pruned = prune(network(kind), 0.5).network
    features, y = rows(kind, 48), np.arange(48) % 3
    before = pruned.outputs(features)
    state = {name: value.clone() for name, value in pruned.net.state_dict().items()}
    made = fine_tune(
        pruned, features, y, teacher=None, valid=None, seconds=None, seed=0, threads=1, control=Control(), epochs=6
    )
    assert loss(made.outputs(features), y) < loss(before, y)
    assert not any(module.training for module in made.net.modules())
    assert all(torch.equal(value, state[name]) for name, value in pruned.net.state_dict().items())


def test_zeros_stay_zeros_and_the_other_weights_learn() -> None:
    lesson = learned()
    sparse = sparsify(lesson.network, 0.8)
    made = tuned(sparse.network, lesson, masks=sparse.masks)
    after = dict(made.net.named_parameters())
    for name, mask in sparse.masks.items():
        assert torch.all(after[name][~mask] == 0)
        assert not torch.equal(after[name][mask], dict(sparse.network.net.named_parameters())[name][mask])
    assert zero_share(made.net) == pytest.approx(sparse.zeros, abs=1e-3)
    assert lesson.loss(made) < lesson.loss(sparse.network)


def test_zeros_of_an_lstm_stay_zeros() -> None:
    sparse = sparsify(network("deep lstm"), 0.7)
    made = fine_tune(
        sparse.network, rows("deep lstm"), np.arange(24) % 3, teacher=None, valid=None, seconds=None, seed=0,
        threads=1, control=Control(), epochs=4, masks=sparse.masks,
    )  # fmt: skip
    after = dict(made.net.named_parameters())
    assert all(torch.all(after[name][~mask] == 0) for name, mask in sparse.masks.items())


def test_the_same_amount_of_work_gives_the_same_bits() -> None:
    lesson = learned()
    pruned = prune(lesson.network, 0.5).network
    one, two, other = (tuned(pruned, lesson, epochs=2, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.outputs(lesson.features), two.outputs(lesson.features))
    assert not np.array_equal(one.outputs(lesson.features), other.outputs(lesson.features))


def test_where_no_pass_is_better_the_network_stays_what_it_was() -> None:
    lesson = learned()
    wrong = (lesson.train[0], (lesson.train[1] + 1) % 3)  # whatever is learned from these makes it worse
    made = fine_tune(
        lesson.network, *wrong, teacher=None, valid=lesson.valid, seconds=None, seed=0, threads=1, control=Control(),
        epochs=3,
    )  # fmt: skip
    assert np.array_equal(made.outputs(lesson.features), lesson.network.outputs(lesson.features))


def test_the_temperature_is_that_of_the_validation_rows() -> None:
    lesson = learned()
    sure = prune(replace(lesson.network, temperature=3.9), 0.5, sample=lesson.features).network
    made = tuned(sure, lesson)
    expected = best_temperature(made.outputs(lesson.valid[0]), lesson.valid[1])
    assert made.temperature == pytest.approx(expected, rel=1e-6)
    assert tuned(sure, lesson, valid=None).temperature == 3.9


def test_a_network_learns_from_its_teacher_where_the_labels_say_nothing() -> None:
    lesson = learned()
    pruned = prune(lesson.network, 0.6).network
    noise = np.random.default_rng(0).integers(0, 3, 320)

    def made(teacher: Floats | None) -> Network:
        return fine_tune(
            pruned, lesson.train[0], noise, teacher=teacher, valid=None, seconds=None, seed=0, threads=1,
            control=Control(), epochs=8,
        )  # fmt: skip

    assert lesson.loss(made(lesson.teacher)) < lesson.loss(made(None))


def test_rows_that_weigh_nothing_are_not_learned_from() -> None:
    lesson = learned()
    pruned = prune(lesson.network, 0.5).network
    y = lesson.train[1].copy()
    y[::2] = (y[::2] + 1) % 3
    weights = np.tile([0.0, 2.0], 160)

    def made(weights: Floats | None) -> Network:
        return fine_tune(
            pruned, lesson.train[0], y, teacher=None, valid=None, seconds=None, seed=0, threads=1, control=Control(),
            epochs=8, weights=weights,
        )  # fmt: skip

    assert lesson.loss(made(weights)) < lesson.loss(made(None))


def test_a_cancelled_training_gives_what_it_has_so_far() -> None:
    lesson = learned()
    pruned = prune(lesson.network, 0.6).network
    made = tuned(pruned, lesson, control=Control(cancelled=after_calls(60)), epochs=1000)
    assert not any(module.training for module in made.net.modules())
    assert lesson.loss(made) < lesson.loss(pruned)


def test_cancelled_before_the_first_step_the_network_is_what_it_was() -> None:
    lesson = learned()
    pruned = prune(lesson.network, 0.6).network
    made = tuned(pruned, lesson, control=Control(cancelled=lambda: True))
    assert made is not pruned
    assert np.array_equal(made.outputs(lesson.features), pruned.outputs(lesson.features))


def test_a_time_limit_ends_a_training_that_would_take_far_longer() -> None:
    lesson = learned()
    heard: list[Progress] = []
    made = tuned(prune(lesson.network, 0.5).network, lesson, seconds=1.5, epochs=100_000, control=Control(heard.append))
    assert 0 < made.epochs < 100_000
    assert any(isinstance(event, FitProgress) and event.model == "fine-tuning" for event in heard)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"teacher": np.ones((320, 2))}, r"shape \(320, 2\), not \(320, 3\)"),
        ({"weights": np.ones(3)}, "weights of the rows"),
        ({"masks": {"nowhere": torch.ones(2, dtype=torch.bool)}}, "'nowhere' fits no weight"),
        ({"valid": (np.zeros((2, 5), dtype=np.float32), np.zeros(2, dtype=np.int64))}, "do not fit a network of 6"),
        ({"valid": (np.zeros((2, 6), dtype=np.float32), np.array([0, 3]))}, "codes from 0 to 2, not from 0 to 3"),
    ],
    ids=["teacher", "weights", "masks", "validation features", "validation codes"],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(BadArguments, match=words):
        tuned(learned().network, learned(), **changes)


def test_no_rows_are_refused() -> None:
    nothing = (np.zeros((0, 6), dtype=np.float32), np.zeros(0, dtype=np.int64))
    with pytest.raises(BadArguments, match="0 targets do not fit"):
        fine_tune(
            learned().network, *nothing, teacher=None, valid=None, seconds=None, seed=0, threads=1, control=Control()
        )


def loss(outputs: np.ndarray, y: np.ndarray) -> float:
    return float(torch.nn.functional.cross_entropy(torch.from_numpy(outputs), torch.from_numpy(y)))


def after_calls(count: int) -> Callable[[], bool]:
    seen = iter(range(count))
    return lambda: next(seen, None) is None
