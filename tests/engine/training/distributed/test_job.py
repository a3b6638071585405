"""The folder of a job: what is written is read back."""

from pathlib import Path

import pytest
import torch

from engine.errors import BadChoice
from engine.metrics import METRICS
from engine.training.distributed.job import LOSSES, FitJob, loss_of, score_of, write_job
from engine.training.losses import CrossEntropy, Focal, Loss
from engine.training.rows import TensorRows
from engine.training.spec import DistributedSpec
from tests.engine.training.distributed.small_job import SPEC, net_spec, small_job, small_rows


def test_a_job_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    small_job(tmp_path, SPEC)
    job, every = FitJob(tmp_path), torch.arange(75)
    rows, valid = job.rows()
    assert job.fit() == SPEC
    assert job.loss() == CrossEntropy()
    assert valid is not None
    assert len(valid) == 21
    for found, written in zip(rows.batch(every).tensors, small_rows().batch(every).tensors, strict=True):
        assert torch.equal(found, written)


def test_the_network_begins_alike_in_every_process(tmp_path: Path) -> None:
    job = small_job(tmp_path, SPEC)
    one = job.net().state_dict()
    torch.manual_seed(123)
    assert all(torch.equal(value, one[name]) for name, value in job.net().state_dict().items())


def test_given_weights_are_begun_with(tmp_path: Path) -> None:
    weights = {name: value + 1 for name, value in small_job(tmp_path / "a", SPEC).net().state_dict().items()}
    job = write_job(tmp_path / "b", net=net_spec(), fit=SPEC, loss=CrossEntropy(), rows=small_rows(), weights=weights)
    assert all(torch.equal(value, weights[name]) for name, value in job.net().state_dict().items())
    assert job.score() is None


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_of_the_engine_can_be_named(name: str) -> None:
    assert loss_of(name, {}) == LOSSES[name]()


def test_options_of_a_loss_come_along(tmp_path: Path) -> None:
    loss = Focal(gamma=1.5, alpha=(0.3, 0.7))
    job = write_job(tmp_path, net=net_spec(), fit=SPEC, loss=loss, rows=small_rows())
    assert job.loss() == loss


def test_a_loss_or_metric_from_elsewhere_is_refused(tmp_path: Path) -> None:
    def own(output: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
        return output.mean()

    found: Loss = own
    with pytest.raises(BadChoice, match="loss of a job"):
        write_job(tmp_path, net=net_spec(), fit=SPEC, loss=found, rows=small_rows())
    with pytest.raises(BadChoice, match="metric"):
        write_job(tmp_path, net=net_spec(), fit=SPEC, loss=CrossEntropy(), rows=small_rows(), score="speed")


def test_a_new_attempt_clears_away_what_the_last_one_said(tmp_path: Path) -> None:
    job = small_job(tmp_path, SPEC)
    for path in (job.events, job.log, job.stop, tmp_path / "failed-1.json", tmp_path / "exits.json"):
        path.touch()
    kept = job.checkpoints / "step-00000001"
    kept.mkdir(parents=True)
    job.begin(DistributedSpec(strategy="ddp", processes=2))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"checkpoints", "net.json", "fit.json", "goal.json", "rows.safetensors", "distributed.json"}
    assert kept.exists()
    assert job.distributed().processes == 2


def test_scores_are_greater_when_better() -> None:
    logits, codes = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]]), torch.tensor([0, 1, 1])
    assert score_of(METRICS["accuracy"])(logits, codes) == pytest.approx(2 / 3)
    beside_a_teacher = torch.cat([codes[:, None].float(), logits.softmax(1)], dim=1)
    assert score_of(METRICS["accuracy"])(logits, beside_a_teacher) == pytest.approx(2 / 3)
    assert score_of(METRICS["rmse"])(torch.tensor([[1.0], [3.0]]), torch.tensor([1.0, 1.0])) == pytest.approx(-(2**0.5))


def test_rows_with_random_changes_are_taken_as_they_are(tmp_path: Path) -> None:
    rows = small_rows().batch(torch.arange(75))
    changing = TensorRows(rows.inputs, rows.target, augment=lambda inputs, _: tuple(-each for each in inputs))
    job = write_job(tmp_path, net=net_spec(), fit=SPEC, loss=CrossEntropy(), rows=changing)
    assert torch.equal(job.rows()[0].batch(torch.arange(75)).inputs[0], rows.inputs[0])
