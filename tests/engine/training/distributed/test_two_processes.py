"""Training in two processes (gloo, CPU) gives what one process gives. One start by torchrun; each test looks at it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.training.distributed.failure import log_end

Facts = dict[str, float | bool]
SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("two")
    command = [
        "env", "OMP_NUM_THREADS=1", sys.executable, "-m", "engine.training.distributed.starter", str(os.getpid()),
        str(folder / "exits.json"), "--standalone", "--local-addr=127.0.0.1", "--nproc-per-node=2", str(SCRIPT),
        str(folder),
    ]  # fmt: skip
    with (
        (folder / "log.txt").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log) as process,
    ):
        process.wait()
    assert process.returncode == 0, "\n".join(log_end(folder / "log.txt"))
    found: Facts = json.loads((folder / "facts.json").read_bytes())
    return found


@pytest.mark.parametrize("how", ["ddp", "fsdp", "offload"])
def test_two_processes_train_as_one_with_the_joint_batch(facts: Facts, how: str) -> None:
    assert facts[f"{how} weights"] < 1e-5
    assert facts[f"{how} norms"] < 1e-5
    assert facts[f"{how} loss"] < 1e-5
    assert facts[f"{how} score"] < 1e-5


@pytest.mark.parametrize("how", ["ddp", "offload"])
def test_a_training_stopped_within_an_epoch_goes_on_to_the_same_weights(facts: Facts, how: str) -> None:
    assert facts[f"{how} stopped"]
    assert facts[f"{how} went on"]
    assert facts[f"{how} resumed"] < 1e-6


def test_blocks_in_bfloat16_learn_nearly_the_same_and_keep_their_weights_in_float32(facts: Facts) -> None:
    assert 0 < facts["fsdp bf16 loss"] < 0.05
    assert facts["fsdp bf16 float32"]


@pytest.mark.parametrize("model", ["encoder", "trunks"])
@pytest.mark.parametrize("rows", [8, 11, 1])
def test_a_model_in_two_stages_has_the_gradients_of_the_whole(facts: Facts, model: str, rows: int) -> None:
    assert facts[f"pipeline {model} {rows}"] < 1e-5


def test_a_pipeline_goes_on_from_the_last_checkpoint_that_all_stages_have(facts: Facts) -> None:
    assert facts["pipeline goes on after"] == 2


def test_a_job_in_two_stages_ends_with_the_weights_of_one_process(facts: Facts) -> None:
    assert facts["pipeline weights"] < 1e-5
    assert facts["pipeline score"] < 1e-5
