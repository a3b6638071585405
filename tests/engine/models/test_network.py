from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import BadChoice, DeviceMissing, LossNotFinite
from engine.families import NETWORKS
from engine.features_layout import CategoryBlock, ImageBlock, Layout, NumberBlock, TextBlock
from engine.models.base import Deadline, Hearing, NoTimeError, Params, Setting
from engine.models.model import fit_model, load_model
from engine.models.network import Network
from engine.models.network_params import batch_size, fit_spec, net_spec, usual_epochs
from engine.progress import Control
from engine.training.augment import Augmentation, moved, thinned

RNG = np.random.default_rng(3)
QUICK: Params = {"epochs": 12, "width": 32, "learning_rate": 0.01}
LENGTH, WORDS = 12, 30
TEXT: Layout = (TextBlock(column="t", start=0, width=LENGTH, vocabulary=WORDS),)
IMAGE: Layout = (ImageBlock(column="i", start=0, width=64, channels=1, height=8, width_=8),)
NUMBER: Layout = (NumberBlock(column="x", start=0, width=4),)


def texts(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Token ids with the end padded; class 1 where token 7 stands somewhere."""
    tokens = RNG.integers(8, WORDS, (rows, LENGTH)).astype(np.float32)
    y = RNG.integers(0, 2, rows)
    tokens[y == 1, RNG.integers(0, 4, int(y.sum()))] = 7
    tokens[np.arange(LENGTH) >= RNG.integers(5, LENGTH + 1, (rows, 1))] = 0
    return tokens, y


def images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a bright bar, across or upright."""
    pixels = RNG.normal(0, 0.3, (rows, 8, 8)).astype(np.float32)
    y = RNG.integers(0, 2, rows)
    place = RNG.integers(1, 7, rows)
    for row in range(rows):
        if y[row]:
            pixels[row, place[row]] += 2
        else:
            pixels[row, :, place[row]] += 2
    return pixels.reshape(rows, 64), y


def setting(layout: Layout, task: str = "binary", classes: int = 2, seconds: float | None = None) -> Setting:
    return Setting(task, classes, Deadline(Control(), seconds), seed=1, layout=layout)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["network", "lstm", "encoder"])
def test_a_network_learns_from_texts(kind: str) -> None:
    x, y = texts(500)
    given = replace(setting(TEXT), valid=(x[400:], y[400:]))
    model = fit_model(kind, x[:400], y[:400], QUICK | {"epochs": 25}, given)
    assert (model.predict(x[400:]).argmax(axis=1) == y[400:]).mean() > 0.9


@pytest.mark.parametrize("kind", ["network", "resnet"])
def test_a_network_learns_from_images(kind: str) -> None:
    x, y = images(400)
    model = fit_model(kind, x[:300], y[:300], QUICK, setting(IMAGE))
    assert (model.predict(x[300:]).argmax(axis=1) == y[300:]).mean() > 0.9


def test_a_network_learns_numbers_in_their_own_units() -> None:
    x = RNG.normal(size=(400, 4)).astype(np.float32)
    y = 1e6 + 5e4 * x[:, 0]
    model = fit_model("network", x, y, QUICK | {"epochs": 30}, setting(NUMBER, "regression", 0))
    assert np.sqrt(np.mean((model.predict(x) - y) ** 2)) < 1e4


@pytest.mark.parametrize("kind", NETWORKS)
def test_all_kinds_of_columns_go_through_every_family(kind: str, tmp_path: Path) -> None:
    layout: Layout = (
        NumberBlock(column="n", start=0, width=2),
        CategoryBlock(column="c", start=2, width=1, levels=4),
        TextBlock(column="t", start=3, width=LENGTH, vocabulary=WORDS),
        ImageBlock(column="i", start=3 + LENGTH, width=64, channels=1, height=8, width_=8),
    )
    tokens, y = texts(60)
    pixels, _ = images(60)
    x = np.hstack([RNG.normal(size=(60, 2)), RNG.integers(0, 4, (60, 1)), tokens, pixels]).astype(np.float32)
    model = fit_model(kind, x, y, QUICK | {"epochs": 2}, setting(layout))
    model.save(tmp_path)
    assert load_model(tmp_path).predict(x).tobytes() == model.predict(x).tobytes()
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_an_empty_text_has_an_answer_like_any_other() -> None:
    x, y = texts(100)
    for kind in ("network", "lstm", "encoder"):
        model = fit_model(kind, x, y, QUICK | {"epochs": 1}, setting(TEXT))
        assert np.isfinite(model.predict(np.zeros((1, LENGTH), dtype=np.float32))).all()


def test_the_same_seed_gives_the_same_bits() -> None:
    x, y = texts(200)
    one, other = (fit_model("lstm", x, y, QUICK | {"epochs": 2}, setting(TEXT)).predict(x) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_the_callers_random_numbers_are_left_alone() -> None:
    x, y = texts(80)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit_model("network", x, y, QUICK | {"epochs": 1}, setting(TEXT))
    assert torch.equal(torch.rand(3), expected)


def test_a_student_that_only_hears_its_teacher_learns_the_teachers_answers() -> None:
    x = RNG.normal(size=(600, 4)).astype(np.float32)
    share = 1 / (1 + np.exp(-2 * x[:, 0]))
    teacher = np.stack([1 - share, share], axis=1)
    noise = RNG.integers(0, 2, 600)
    given = replace(setting(NUMBER), teacher=teacher)
    model = fit_model("network", x, noise, QUICK | {"epochs": 30, "alpha": 1.0}, given)
    assert np.corrcoef(model.predict(x)[:, 1], share)[0, 1] > 0.95


def test_a_student_of_a_regression_learns_the_teachers_values() -> None:
    x = RNG.normal(size=(400, 4)).astype(np.float32)
    teacher = 100 + 20 * x[:, 1].astype(np.float64)
    given = replace(setting(NUMBER, "regression", 0), teacher=teacher)
    noise = 100 + 20 * RNG.normal(size=400)
    model = fit_model("network", x, noise, QUICK | {"epochs": 30, "alpha": 1.0}, given)
    assert np.corrcoef(model.predict(x), teacher)[0, 1] > 0.95


def test_probabilities_are_scaled_by_the_validation_rows() -> None:
    x = RNG.normal(size=(300, 4)).astype(np.float32)
    y = RNG.integers(0, 2, 300)  # nothing to learn: a net that fits noise is far too sure
    given = replace(setting(NUMBER), valid=(x[200:], y[200:]))
    model = fit_model("network", x[:200], y[:200], QUICK | {"judge": "labels", "epochs": 40}, given)
    assert isinstance(model.inner, Network)
    assert model.inner.temperature > 1.0
    assert model.chosen["temperature"] == model.inner.temperature


def test_no_time_at_all_is_said() -> None:
    x, y = texts(50)
    with pytest.raises(NoTimeError):
        fit_model("lstm", x, y, {}, setting(TEXT, seconds=0.0))


def test_a_fit_ends_within_its_time_and_says_so() -> None:
    x, y = texts(2000)
    said: list[str] = []
    given = replace(setting(TEXT, seconds=1.5), hearing=Hearing(note=said.append))
    fit_model("lstm", x, y, {"epochs": 1000}, given)
    assert not given.deadline.reached
    assert any("not enough for all 1000 passes" in note for note in said)


def test_a_diverging_fit_names_the_step_and_what_to_try() -> None:
    x = RNG.normal(size=(100, 4)).astype(np.float32)
    x[7, 2] = np.inf
    with pytest.raises(LossNotFinite, match=r"at step \d+ .*learning rate.*Try a learning rate of"):
        fit_model("network", x, RNG.integers(0, 2, 100), QUICK, setting(NUMBER))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_that_is_absent_is_said() -> None:
    x, y = texts(20)
    with pytest.raises(DeviceMissing, match="CUDA"):
        fit_model("network", x, y, {}, replace(setting(TEXT), device="cuda"))


def test_an_unknown_device_is_named() -> None:
    x, y = texts(20)
    with pytest.raises(BadChoice, match="'gpu' is not a known device"):
        fit_model("network", x, y, {}, replace(setting(TEXT), device="gpu"))


def test_a_fit_that_was_left_goes_on_from_its_checkpoint_to_the_same_bits(tmp_path: Path) -> None:
    x, y = texts(160)
    params = QUICK | {"epochs": 4}
    whole = fit_model("lstm", x, y, params, setting(TEXT)).predict(x)
    ticks: list[int] = []
    left = Deadline(Control(cancelled=lambda: len(ticks) >= 13))
    first = replace(
        setting(TEXT), deadline=left, hearing=Hearing(lambda done, _: ticks.append(done)), checkpoints=tmp_path / "fit"
    )
    fit_model("lstm", x, y, params, first)
    assert ticks[-1] < 20
    resumed: list[int] = []
    second = replace(setting(TEXT), hearing=Hearing(lambda done, _: resumed.append(done)), checkpoints=tmp_path / "fit")
    assert fit_model("lstm", x, y, params, second).predict(x).tobytes() == whole.tobytes()
    assert resumed[0] == ticks[-1] + 1


def test_checkpoints_of_other_settings_are_begun_anew(tmp_path: Path) -> None:
    x, y = texts(80)
    given = replace(setting(TEXT), checkpoints=tmp_path / "fit")
    fit_model("lstm", x, y, QUICK | {"epochs": 1}, given)
    model = fit_model("lstm", x, y, QUICK | {"epochs": 2, "learning_rate": 0.02}, given)
    assert model.chosen["epochs"] == 2


def test_a_batch_makes_about_fifty_steps_an_epoch_and_few_rows_are_passed_over_more_often() -> None:
    assert [batch_size(rows) for rows in (50, 3_000, 1_000_000)] == [16, 64, 256]
    assert usual_epochs("resnet", IMAGE, 64, 16) == 100
    assert usual_epochs("resnet", IMAGE, 10_000, 256) == 20


def test_specs_follow_the_parameters_of_a_candidate() -> None:
    spec = net_spec("resnet", IMAGE, 10, {"width": 64, "dropout": 0.3})
    assert (spec.image, spec.resnet_widths, spec.dropout) == ("resnet", (16, 32, 64), 0.3)
    assert net_spec("encoder", TEXT, 2, {"width": 100}).token_width % 16 == 0
    fit = fit_spec("lstm", TEXT, 1000, {"epochs": 3, "learning_rate": 0.5}, seed=4, seconds=None)
    assert (fit.epochs, fit.learning_rate, fit.seed, fit.deterministic) == (3, 0.5, 4, True)


def test_an_image_that_is_moved_keeps_its_shape_and_its_light() -> None:
    pixels = torch.zeros(50, 64)
    pixels.unflatten(1, (8, 8))[:, 3:5, 3:5] = 1.0
    block = IMAGE[0]
    assert isinstance(block, ImageBlock)
    changed = moved(pixels, block, torch.Generator().manual_seed(0))
    assert changed.shape == pixels.shape
    assert not torch.equal(changed, pixels)
    assert changed.sum(dim=1).mean().item() == pytest.approx(4.0, abs=0.8)


def test_mirroring_happens_to_half_of_the_images() -> None:
    block = IMAGE[0]
    assert isinstance(block, ImageBlock)
    pixels = torch.zeros(400, 8, 8)
    pixels[:, :, :2] = 1.0
    changed = moved(pixels.flatten(1), block, torch.Generator().manual_seed(0), flip=True).unflatten(1, (8, 8))
    right = changed[:, :, 4:].sum(dim=(1, 2)) > changed[:, :, :4].sum(dim=(1, 2))
    assert 0.4 < right.double().mean().item() < 0.6


def test_a_tenth_of_the_tokens_is_left_out_and_padding_stays() -> None:
    tokens = torch.cat([torch.full((100, 50), 9.0), torch.zeros(100, 10)], dim=1)
    changed = thinned(tokens, torch.Generator().manual_seed(0))
    assert (changed[:, 50:] == 0).all()
    assert 0.08 < (changed[:, :50] == 1).double().mean().item() < 0.12


def test_numbers_and_categories_are_not_augmented() -> None:
    layout: Layout = (*NUMBER, CategoryBlock(column="c", start=4, width=1, levels=3))
    features = torch.rand(5, 5)
    (same,) = Augmentation(layout)((features,), torch.Generator())
    assert torch.equal(same, features)


def test_two_processes_train_the_network_that_one_trains(tmp_path: Path) -> None:
    x = RNG.normal(size=(120, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    params = QUICK | {"epochs": 2, "dropout": 0.0, "batch_size": 16}
    there = replace(setting(NUMBER), device="cpu")
    alone = fit_model("network", x, y, params, there).predict(x)
    said: list[tuple[int, int]] = []
    hearing = Hearing(lambda done, total: said.append((done, total)))
    two = replace(there, processes=2, checkpoints=tmp_path / "job", hearing=hearing)
    together = fit_model("network", x, y, params, two).predict(x)
    assert np.abs(together - alone).max() < 1e-4
    assert said[-1] == (16, 16)


def test_a_fit_in_several_processes_goes_on_with_the_time_that_it_was_given_first(tmp_path: Path) -> None:
    from engine.models.network_fit import Fitting
    from engine.training.fit import fit
    from engine.training.spec import FitSpec

    x, y = texts(40)
    fitting = Fitting("lstm", x, y, QUICK, replace(setting(TEXT), processes=2, checkpoints=tmp_path))
    begun = FitSpec(epochs=3, batch_size=16, seconds=30.0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(LENGTH, 2))
    stops = iter([False] * 4 + [True] * 99)
    fit(net, fitting.rows, fitting._loss(), begun, checkpoints=tmp_path / "checkpoints", stop=lambda: next(stops))
    later = begun.model_copy(update={"seconds": 12.5})
    assert fitting._going_on(later, tmp_path / "checkpoints") == (begun, tmp_path / "checkpoints", 1)
    other = begun.model_copy(update={"epochs": 9})
    assert fitting._going_on(other, tmp_path / "checkpoints") == (other, tmp_path / "checkpoints", 0)
    assert not (tmp_path / "checkpoints").exists()


def test_the_callers_threads_are_as_they_were_after_a_fit() -> None:
    x, y = texts(40)
    before = torch.get_num_threads()
    fit_model("network", x, y, QUICK | {"epochs": 1}, replace(setting(TEXT, seconds=9.0), threads=2))
    assert torch.get_num_threads() == before
