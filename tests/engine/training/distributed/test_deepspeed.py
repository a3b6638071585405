"""The DeepSpeed configuration of a training, and the documented schema it is checked against."""

import itertools
import json

import pytest
from pydantic import JsonValue

from engine.errors import BadArguments
from engine.training.distributed.deepspeed import deepspeed_config, stage_of
from engine.training.distributed.deepspeed_schema import check_deepspeed
from engine.training.optimiser import MOMENTUM
from engine.training.spec import DistributedSpec, FitSpec

FIT = FitSpec(batch_size=8, accumulate=2, max_steps=200)
DDP = DistributedSpec(strategy="ddp", processes=2, nodes=2)
CONFIG: dict[str, JsonValue] = {"train_micro_batch_size_per_gpu": 8}


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_every_stage_and_precision_gives_a_valid_configuration(stage: int, precision: str) -> None:
    for optimiser, schedule in itertools.product(("adamw", "sgd"), ("constant", "linear", "cosine")):
        fit = FIT.model_copy(update={"precision": precision, "optimiser": optimiser, "schedule": schedule})
        spec = DDP.model_copy(update={"zero_stage": stage, "offload": stage > 0})
        config = deepspeed_config(fit, spec)
        read = check_deepspeed(json.loads(json.dumps(config)), 4)
        assert read.zero_optimization.stage == stage
        assert (read.fp16.enabled, read.bf16.enabled) == (precision == "fp16", precision == "bf16")


def test_a_step_sees_the_rows_of_all_processes() -> None:
    config = deepspeed_config(FIT, DDP)
    assert config["train_batch_size"] == 8 * 2 * 4
    assert config["train_micro_batch_size_per_gpu"] == 8
    assert config["gradient_accumulation_steps"] == 2


def test_a_pipeline_accumulates_over_its_micro_batches() -> None:
    config = deepspeed_config(FIT, DistributedSpec(strategy="pipeline", processes=2, micro_batches=4))
    assert config["train_micro_batch_size_per_gpu"] == 2
    assert config["gradient_accumulation_steps"] == 8
    assert config["train_batch_size"] == 16


def test_the_stage_follows_from_the_strategy_unless_it_is_given() -> None:
    assert stage_of(DDP) == 0
    assert stage_of(DDP.model_copy(update={"offload": True})) == 1
    assert stage_of(DistributedSpec(strategy="fsdp", processes=2)) == 3
    assert stage_of(DistributedSpec(strategy="fsdp", processes=2, zero_stage=2)) == 2


def test_offload_of_everything_needs_stage_3() -> None:
    fsdp = deepspeed_config(FIT, DistributedSpec(strategy="fsdp", processes=2, offload=True))
    ddp = deepspeed_config(FIT, DDP.model_copy(update={"offload": True}))
    assert fsdp["zero_optimization"] == {
        "stage": 3,
        "offload_optimizer": {"device": "cpu", "pin_memory": True},
        "offload_param": {"device": "cpu", "pin_memory": True},
    }
    assert ddp["zero_optimization"] == {"stage": 1, "offload_optimizer": {"device": "cpu", "pin_memory": True}}


def test_the_schedule_warms_up_and_ends_with_the_training() -> None:
    read = check_deepspeed(deepspeed_config(FIT.model_copy(update={"schedule": "linear", "warmup": 0.1}), DDP), 4)
    assert read.scheduler is not None
    assert read.scheduler.model_dump(exclude_unset=True) == {
        "type": "WarmupDecayLR",
        "params": {
            "warmup_min_lr": 0.0,
            "warmup_max_lr": 1e-3,
            "warmup_num_steps": 20,
            "total_num_steps": 200,
            "warmup_type": "linear",
        },
    }


def test_a_schedule_without_the_number_of_steps_is_refused() -> None:
    fit = FIT.model_copy(update={"max_steps": None})
    with pytest.raises(BadArguments, match="needs the number of optimiser steps"):
        deepspeed_config(fit, DDP)
    assert "scheduler" in deepspeed_config(fit, DDP, steps=50)


def test_sgd_has_the_momentum_of_the_loop() -> None:
    config = deepspeed_config(FIT.model_copy(update={"optimiser": "sgd"}), DDP)
    optimizer = check_deepspeed(config, 4).optimizer
    assert optimizer is not None
    assert optimizer.params["momentum"] == MOMENTUM


def test_clipping_and_activation_checkpointing_are_carried_over() -> None:
    config = deepspeed_config(FIT.model_copy(update={"checkpoint_activations": True, "clip_norm": 0.5}), DDP)
    assert config["gradient_clipping"] == 0.5
    assert config["activation_checkpointing"] == {"cpu_checkpointing": False, "partition_activations": False}
    assert "gradient_clipping" not in deepspeed_config(FIT.model_copy(update={"clip_norm": None}), DDP)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"zero_optimisation": {"stage": 1}}, "zero_optimisation"),
        ({"zero_optimization": {"stage": 4}}, "zero_optimization.stage"),
        ({"zero_optimization": {"stage": 1, "offload_param": {"device": "cpu"}}}, "offload_param needs stage 3"),
        ({"zero_optimization": {"stage": 0, "offload_optimizer": {"device": "cpu"}}}, "offload_optimizer needs stage"),
        ({"zero_optimization": {"stage": 3, "offload_param": {"device": "nvme"}}}, "needs an nvme_path"),
        ({"zero_optimization": {"stage": 3, "offload_param": {"device": "disk"}}}, "offload_param.device"),
        ({"fp16": {"enabled": True}, "bf16": {"enabled": True}}, "cannot both be enabled"),
        ({"fp16": {"enabled": "yes"}}, "fp16.enabled"),
        ({"train_micro_batch_size_per_gpu": "auto"}, "train_micro_batch_size_per_gpu"),
        ({"gradient_clipping": -1.0}, "gradient_clipping"),
        ({"scheduler": {"type": "Cosine", "params": {}}}, "scheduler"),
        ({"scheduler": {"type": "WarmupDecayLR", "params": {"warmup_num_steps": 3}}}, "total_num_steps"),
        ({"scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": 0}}}, "warmup_num_steps"),
        ({"optimizer": {"type": "SGD"}, "zero_optimization": {"stage": 1}}, "zero_allow_untested_optimizer"),
    ],
)
def test_what_is_not_documented_is_refused_by_name(wrong: dict[str, JsonValue], named: str) -> None:
    with pytest.raises(BadArguments, match=named):
        check_deepspeed(CONFIG | wrong, 4)


def test_sizes_that_do_not_agree_are_refused() -> None:
    sizes: dict[str, JsonValue] = {**CONFIG, "gradient_accumulation_steps": 2, "train_batch_size": 64}
    check_deepspeed(sizes, 4)
    with pytest.raises(BadArguments, match=r"train_batch_size 64 is not 8 rows .* 2 .* 2 processes.* it is 32"):
        check_deepspeed(sizes, 2)
    with pytest.raises(BadArguments, match="neither"):
        check_deepspeed({"gradient_accumulation_steps": 2}, 2)


def test_sizes_written_as_round_numbers_are_read() -> None:
    read = check_deepspeed(CONFIG | {"zero_optimization": {"stage": 2, "reduce_bucket_size": 5e8}}, 1)
    assert read.zero_optimization.reduce_bucket_size == 500_000_000
