"""Checkpoints are read back, damaged ones passed over, and a training goes on as if it had never stopped."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import BadArguments, HomeNotWritable
from engine.training.checkpoint import Checkpoint, Identity, load, save
from engine.training.events import CheckpointSaved, LoopEvent
from engine.training.fit import fit
from engine.training.progress import Progress
from engine.training.spec import EpochRecord, FitSpec
from tests.engine.training.small import (
    FULL,
    StopAfter,
    Weights,
    cross_entropy,
    full_training,
    largest_difference,
    perceptron,
    rows,
)

RECORD = EpochRecord(epoch=1, loss=0.5, valid_loss=None, score=0.25, learning_rate=0.1, seconds=2.0)


def checkpoint(step: int = 7) -> Checkpoint:
    return Checkpoint(
        identity=Identity(spec=FULL, rows=50, world=1, weights={"a": "(2,) torch.float32"}),
        progress=Progress(batch_size=4, epoch=1, index=2, step=step, history=(RECORD,), notes=("hot",)),
        model={"a": torch.tensor([1.0, 2.0])},
        optimiser={
            "state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.arange(4.0).reshape(2, 2).T}},
            "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0], "foreach": None}],
        },
        random=torch.arange(6, dtype=torch.uint8).reshape(1, 6),
        scaler={"scale": 65536.0},
        best={"a": torch.tensor([3.0, 4.0])},
    )


def found(folder: Path) -> Checkpoint:
    sound = load(folder).checkpoint
    assert sound is not None
    return sound


def steps(folder: Path) -> list[str]:
    return sorted(place.name for place in folder.iterdir())


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    given = checkpoint()
    place = save(tmp_path, given)
    read = found(tmp_path)
    assert load(tmp_path).place == place
    assert (read.identity, read.progress, read.scaler) == (given.identity, given.progress, given.scaler)
    assert read.optimiser["param_groups"] == given.optimiser["param_groups"]
    moments = read.optimiser["state"][0]
    assert moments["step"].item() == 7.0
    assert torch.equal(moments["exp_avg"], given.optimiser["state"][0]["exp_avg"])
    assert [read.model["a"].tolist(), read.best["a"].tolist(), read.average] == [[1.0, 2.0], [3.0, 4.0], {}]
    assert torch.equal(read.random, given.random)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (2, 4, 6, 8):
        save(tmp_path, checkpoint(step))
    (tmp_path / ".step-00000009.x").mkdir()  # of a writer that was killed
    save(tmp_path, checkpoint(10))
    assert steps(tmp_path) == ["step-00000008", "step-00000010"]


@pytest.mark.parametrize("file", ["model.safetensors", "state.json", "digests.json", "optimiser.safetensors"])
@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_a_damaged_one_is_passed_over_and_said(tmp_path: Path, file: str, how: str) -> None:
    save(tmp_path, checkpoint(2))
    path = save(tmp_path, checkpoint(4)) / file
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-9] if how == "cut" else content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    result = load(tmp_path)
    assert result.place == tmp_path / "step-00000002"
    assert len(result.damaged) == 1
    assert "step-00000004' is damaged" in result.damaged[0]


def test_a_passed_over_one_is_deleted_by_the_next(tmp_path: Path) -> None:
    for step in (2, 4):
        save(tmp_path, checkpoint(step))
    (tmp_path / "step-00000004" / "state.json").unlink()
    save(tmp_path, checkpoint(3))
    assert steps(tmp_path) == ["step-00000002", "step-00000003"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable, match="file"):
        save(tmp_path / "file", checkpoint())


@pytest.fixture(scope="module")
def never_stopped() -> Weights:
    weights, report = full_training()
    assert report.steps == 15
    return weights


@pytest.mark.parametrize("stop_after", [0, 3, 5, 9])
def test_a_stopped_training_goes_on_to_the_same_weights(
    tmp_path: Path, never_stopped: Weights, stop_after: int
) -> None:
    _, first = full_training(tmp_path, stop=StopAfter(stop_after))
    resumed, report = full_training(tmp_path)
    assert (first.ended, first.steps) == ("stopped", stop_after)
    assert (report.ended, report.steps, report.epochs) == ("done", 15, 3)
    assert largest_difference(resumed, never_stopped) == 0.0


def test_the_history_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    _, whole = full_training()
    full_training(tmp_path, stop=StopAfter(8))
    _, report = full_training(tmp_path)
    for one, other in zip(report.history, whole.history, strict=True):
        assert one.model_copy(update={"seconds": 0.0}) == other.model_copy(update={"seconds": 0.0})
    assert (report.best_epoch, report.best_score) == (whole.best_epoch, whole.best_score)
    assert report.notes == ("Went on from the checkpoint after step 8.",)


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, never_stopped: Weights) -> None:
    command = [sys.executable, "-m", "tests.engine.training.killed_fit", str(tmp_path)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert steps(tmp_path) == ["step-00000005", "step-00000006"]
    resumed, _ = full_training(tmp_path)
    assert largest_difference(resumed, never_stopped) == 0.0


def test_a_training_goes_on_from_the_one_before_a_damaged_checkpoint(tmp_path: Path, never_stopped: Weights) -> None:
    full_training(tmp_path, stop=StopAfter(7))
    (tmp_path / "step-00000007" / "model.safetensors").write_bytes(b"nothing")
    resumed, report = full_training(tmp_path)
    assert largest_difference(resumed, never_stopped) == 0.0
    assert "step-00000007' is damaged" in report.notes[1]


def test_a_finished_training_is_not_done_again(tmp_path: Path, never_stopped: Weights) -> None:
    full_training(tmp_path)
    told: list[LoopEvent] = []
    again, report = full_training(tmp_path, listener=told.append)
    assert (report.ended, report.steps) == ("done", 15)
    assert largest_difference(again, never_stopped) == 0.0
    assert [type(event).__name__ for event in told] == ["FitBegan", "FitEnded"]


def test_checkpoints_come_every_so_many_steps_and_after_each_epoch(tmp_path: Path) -> None:
    told: list[LoopEvent] = []
    full_training(tmp_path, listener=told.append)
    saved = [event.step for event in told if isinstance(event, CheckpointSaved)]
    assert saved == [2, 4, 5, 6, 8, 10, 12, 14, 15]
    assert steps(tmp_path) == ["step-00000014", "step-00000015"]


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_and_both_optimisers_resume(tmp_path: Path, optimiser: str, precision: str) -> None:
    spec = FitSpec.model_validate(
        {"epochs": 2, "batch_size": 8, "optimiser": optimiser, "precision": precision, "learning_rate": 0.02}
    )

    def trained(folder: Path | None, stop: StopAfter) -> dict[str, Tensor]:
        model = perceptron()
        fit(model, rows(), cross_entropy, spec, checkpoints=folder, stop=stop)
        return model.state_dict()

    trained(tmp_path, StopAfter(4))
    assert largest_difference(trained(tmp_path, StopAfter(99)), trained(None, StopAfter(99))) == 0.0


@pytest.mark.parametrize(
    ("change", "named"),
    [({"learning_rate": 0.5}, "learning_rate is 0.02, and here it is 0.5"), ({"seed": 6}, "seed is 5"),
     ({"ema_decay": None}, "ema_decay is 0.9, and here it is None")],
)  # fmt: skip
def test_a_checkpoint_of_another_spec_is_refused(tmp_path: Path, change: dict[str, object], named: str) -> None:
    full_training(tmp_path, stop=StopAfter(1))
    with pytest.raises(BadArguments, match=f"of another training: there, {named}"):
        full_training(tmp_path, FULL.model_copy(update=change))


def test_a_checkpoint_of_another_model_or_other_rows_is_refused(tmp_path: Path) -> None:
    spec = FitSpec(epochs=1)
    fit(perceptron(), rows(), cross_entropy, spec, checkpoints=tmp_path)
    with pytest.raises(BadArguments, match=r"the weight '1.weight' is None, and here it is \(8,\) torch.float32"):
        fit(perceptron(norm=True), rows(), cross_entropy, spec, checkpoints=tmp_path)
    with pytest.raises(BadArguments, match="the number of rows is 50, and here it is 49"):
        fit(perceptron(), rows(49), cross_entropy, spec, checkpoints=tmp_path)
