"""Training in the real worker: killed and recovered, cancelled, in time, and gone when its client is."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import ColumnNotFound
from engine.progress import FitFinished, Progress
from millwright.compose import open_workshop
from millwright.settings import Settings
from tools.catalogue import invoke
from tools.jobs import job_id
from tools.lock import holder, is_held
from tools.training import TrainingResult
from tools.workshop import Workshop

FIXED: dict[str, Any] = {"models": ["linear", "lightgbm"], "max_models": 2, "budget_seconds": None}


@pytest.fixture
def workshop(settings: Settings) -> Iterator[Workshop]:
    with open_workshop(settings) as opened:
        yield opened


@pytest.fixture
def dataset(workshop: Workshop) -> str:
    return str(workshop.call("import_dataset", source="sample:breast_cancer").model_dump()["dataset"])


def train(workshop: Workshop, watch: Callable[[Progress], None], call: str | None = None, **arguments: Any) -> Any:
    return invoke(workshop, "train_model", arguments, call_id=call, watch=watch)


def test_a_worker_killed_between_fits_repeats_none_and_registers_one_model(
    workshop: Workshop, dataset: str, home: Path
) -> None:
    seen: list[Progress] = []

    def kill_once(progress: Progress) -> None:
        seen.append(progress)
        if isinstance(progress, FitFinished) and progress.model == "linear":
            os.kill(holder(home) or 0, 9)

    result = train(workshop, kill_once, "call-1", dataset=dataset, **FIXED)
    assert isinstance(result, TrainingResult)
    finished = [event.model for event in seen if isinstance(event, FitFinished)]
    assert sorted(finished) == ["dummy", "lightgbm", "linear"]
    assert finished.count("linear") == 1
    assert len(workshop.registry.list()) == 1
    assert workshop.registry.looks(dataset) == 1
    fits = home / "runs" / result.run / "fits"
    assert {path.name for path in fits.iterdir()} == {"dummy", "linear", "lightgbm"}
    assert train(workshop, seen.append, "call-1", dataset=dataset, **FIXED) == result


def test_cancel_ends_a_training_soon_and_keeps_the_best_so_far(workshop: Workshop, dataset: str) -> None:
    stopped: list[float] = []
    asked: list[float] = []

    def cancel_after_linear(progress: Progress) -> None:
        if isinstance(progress, FitFinished):
            if progress.model == "linear":
                asked.append(time.monotonic())
                threading.Thread(target=workshop.jobs.cancel, args=(job_id("call-1"),)).start()
            else:
                stopped.append(time.monotonic())

    result = train(workshop, cancel_after_linear, "call-1", dataset=dataset, budget_seconds=120)
    assert result.cancelled
    assert result.model is not None
    assert workshop.jobs.status(job_id("call-1")).state == "cancelled"
    assert stopped[-1] - asked[0] < 2 * contention()


def test_a_small_budget_is_kept_with_a_worker_that_must_still_be_started(workshop: Workshop, dataset: str) -> None:
    before, began = contention(), time.monotonic()
    result = train(workshop, lambda _: None, dataset=dataset, budget_seconds=5)
    seconds = time.monotonic() - began
    assert result.model is not None
    assert seconds <= (1.1 * 5 + 3) * max(before, contention())


def test_an_error_in_the_worker_is_the_same_error_here(workshop: Workshop, dataset: str) -> None:
    from tools.training import TrainModelRequest

    request = TrainModelRequest(dataset=dataset, target="diagnos")
    with pytest.raises(ColumnNotFound, match="Did you mean 'diagnosis'"):
        workshop.jobs.run("train_model", request, "job_wrong")


def test_nothing_is_left_running_after_the_client_was_killed(home: Path, tmp_path: Path) -> None:
    client = subprocess.Popen([sys.executable, "-c", CLIENT, str(home)], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    with client:
        assert client.stdout.readline() == "fit\n"
        family = [*psutil.Process(client.pid).children(recursive=True)]
        assert holder(home) in {process.pid for process in family}
        client.kill()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert not is_held(home)


CLIENT = """
import sys
from pathlib import Path
from millwright.compose import open_workshop
from millwright.settings import Settings
from tools.catalogue import invoke

if __name__ == "__main__":
    with open_workshop(Settings(home=Path(sys.argv[1]))) as workshop:
        dataset = workshop.call("import_dataset", source="sample:churn").dataset
        told = lambda progress: progress.kind == "fit_started" and print("fit", flush=True)
        invoke(workshop, "train_model", {"dataset": dataset, "budget_seconds": 60}, watch=told)
"""


def contention() -> float:
    """How much longer than alone two processes take now: budgets are promised on a machine of one's own."""
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    began = time.monotonic()
    burning = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(2)]
    for process in burning:
        process.wait()
    return max(1.0, (time.monotonic() - began) / 0.5)
