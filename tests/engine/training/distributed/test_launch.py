"""A job's processes: they tell what they do, stop when asked, and end with whoever started them."""

import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from engine.errors import JobFailed, ProcessesFailed
from engine.training.distributed.job import FitJob
from engine.training.distributed.launch import launch
from engine.training.events import CheckpointSaved, FitBegan, FitEnded, LoopEvent, StepDone
from engine.training.spec import DistributedSpec
from tests.engine.training.distributed.small_job import SPEC, alone, farthest, small_job

TWO = DistributedSpec(strategy="ddp", processes=2, timeout_seconds=60)
STEPWISE = SPEC.model_copy(update={"epochs": 2, "checkpoint_every": 1})


class Heard:
    """Events as they come, and what to do at a step."""

    def __init__(self) -> None:
        self.events: list[LoopEvent] = []

    def __call__(self, event: LoopEvent) -> None:
        self.events.append(event)

    @property
    def steps(self) -> list[int]:
        return [event.step for event in self.events if isinstance(event, StepDone)]


class KillsOne(Heard):
    """Kills one of the job's processes after the first step."""

    def __call__(self, event: LoopEvent) -> None:
        super().__call__(event)
        if isinstance(event, CheckpointSaved) and len(self.steps) == 1:
            workers(psutil.Process())[1].send_signal(signal.SIGKILL)


def workers(parent: psutil.Process) -> list[psutil.Process]:
    """The training processes that were started by `parent`, by rank."""
    found = []
    for process in parent.children(recursive=True):
        if "engine.training.distributed.worker" in process.cmdline() and "--standalone" not in process.cmdline():
            found.append(process)
    return sorted(found, key=lambda process: int(process.environ()["RANK"]))


def test_a_job_is_heard_and_stopped_goes_on_and_says_which_process_it_lost(tmp_path: Path) -> None:
    job, first, second = small_job(tmp_path, STEPWISE), Heard(), KillsOne()
    report = launch(job, TWO, listener=first, stop=lambda: len(first.steps) > 0)
    assert report.ended == "stopped"
    assert report.steps == first.steps[-1] < 10
    assert isinstance(first.events[0], FitBegan)
    assert first.events[-1] == FitEnded(report)
    with pytest.raises(ProcessesFailed, match=r"Process 1 of 2 .* was ended by SIGKILL"):
        launch(job, TWO, listener=second)
    assert second.steps[0] == report.steps + 1
    assert workers(psutil.Process()) == []


@pytest.mark.slow
def test_a_job_that_lost_a_process_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    job, rest = small_job(tmp_path / "job", STEPWISE), Heard()
    with pytest.raises(ProcessesFailed):
        launch(job, TWO, listener=KillsOne())
    report = launch(job, TWO, listener=rest)
    assert rest.steps[0] > 1
    assert rest.steps[-1] == report.steps == 10
    weights, one = alone(small_job(tmp_path / "one", STEPWISE.model_copy(update={"batch_size": 8})))
    assert farthest(job.weights(), weights) < 1e-5
    assert report.best_score == pytest.approx(one.best_score)
    # what is done is not done again
    assert launch(job, TWO, listener=rest) == report


@pytest.mark.slow
def test_an_error_of_the_training_keeps_its_code_and_its_next_step(tmp_path: Path) -> None:
    job = small_job(tmp_path, SPEC.model_copy(update={"learning_rate": 1e30, "clip_norm": None}))
    with pytest.raises(JobFailed, match="The loss is not a finite number at step") as caught:
        launch(job, TWO)
    assert caught.value.code == "loss_not_finite"
    assert "Try a learning rate of" in caught.value.hint


@pytest.mark.slow
def test_two_machines_meet_at_an_address(tmp_path: Path) -> None:
    job = small_job(tmp_path / "job", SPEC)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    nodes = [
        DistributedSpec(strategy="ddp", nodes=2, node_rank=rank, address=address, timeout_seconds=60) for rank in (0, 1)
    ]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda node: launch(job, node), nodes)
    weights, _ = alone(small_job(tmp_path / "one", SPEC.model_copy(update={"batch_size": 8})))
    assert first == second
    assert farthest(job.weights(), weights) < 1e-5


@pytest.mark.slow
def test_the_processes_end_with_the_process_that_launched_them(tmp_path: Path) -> None:
    small_job(tmp_path, STEPWISE.model_copy(update={"epochs": 10_000}))
    caller = psutil.Popen(
        [sys.executable, "-c", f"from {__name__} import *; launch(FitJob(Path({str(tmp_path)!r})), TWO)"]
    )
    await_first_step(FitJob(tmp_path))
    started = caller.children(recursive=True)
    assert len(workers(caller)) == 2
    caller.kill()
    caller.wait()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert alive == []


def await_first_step(job: FitJob) -> None:
    until = time.monotonic() + 120
    while not (job.events.exists() and "StepDone" in job.events.read_text(encoding="utf-8")):
        assert time.monotonic() < until
        time.sleep(0.1)
