"""`millwright run` killed with -9 at each of its stages, worker and all, then `run --resume`."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from engine.registry import Registry
from tests.cli.running import Millwright, table_text
from tests.cli.test_stopping import read_until, started

GONE_WITHIN_S = 5.0
WORK = ("--target", "left", "--max-models", "2", "--models", "linear,lightgbm", "--yes")
STAGES = ("fit lightgbm", "] register")
FURTHER_STAGES = (
    *(
        "> import_dataset",
        "> profile_dataset",
        "> estimate_training",
        "> train_model",
        "fit linear",
        "] select",
        "] evaluate",
        "] package",
    ),
)


def family(process_id: int) -> list[psutil.Process]:
    process = psutil.Process(process_id)
    return [process, *process.children(recursive=True)]


def kill_all(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    psutil.wait_procs(processes, timeout=GONE_WITHIN_S)


def fits(home: Path, run: str) -> dict[str, int]:
    """When each fit was finished, in ns since the epoch."""
    return {path.parent.name: path.stat().st_mtime_ns for path in (home / "runs" / run / "fits").glob("*/outcome.json")}


@contextmanager
def started_run(folder: Path, home: Path, stage: str) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Start a run and read on until it says `stage`; its id and its processes at that moment, all killed at the end."""
    table = folder / "clients.csv"
    table.write_text(table_text())
    with started(folder, home, "run", "who leaves", "--data", str(table), *WORK) as process:
        said = read_until(process, stage)
        processes = family(process.pid)
        try:
            named = re.search(r"run_[0-9a-f]{12}", said)
            assert named is not None, said
            yield named.group(), processes
        finally:
            kill_all(processes)


@pytest.mark.parametrize("stage", [*STAGES, *(pytest.param(stage, marks=pytest.mark.slow) for stage in FURTHER_STAGES)])
def test_a_run_killed_with_its_worker_is_resumed_with_no_fit_repeated_and_one_model(
    tmp_path: Path, home: Path, millwright: Millwright, stage: str
) -> None:
    with started_run(tmp_path, home, stage) as (run, processes):
        kill_all(processes)
    before = fits(home, run)
    done = millwright("run", "--resume", run, "--json")
    assert done.code == 0, done.err
    after = fits(home, run)
    assert {name: after[name] for name in before} == before
    assert set(after) == {"dummy", "linear", "lightgbm"}
    assert done.document["run_id"] == run
    assert [record.model_id for record in Registry(home).list()] == [done.document["model_id"]]


def test_nothing_is_left_running_after_the_command_alone_was_killed(tmp_path: Path, home: Path) -> None:
    with started_run(tmp_path, home, "fit linear") as (_, processes):
        assert len(processes) > 1, "no worker was started"
        processes[0].send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(processes, timeout=GONE_WITHIN_S)
        # the command itself is a zombie until this test reads its end
        assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
