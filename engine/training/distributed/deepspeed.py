"""The same training as a DeepSpeed configuration, for those who run it there. DeepSpeed itself is never imported."""

from collections.abc import Mapping

from pydantic import JsonValue

from engine.errors import BadArguments
from engine.training.distributed.deepspeed_schema import check_deepspeed
from engine.training.spec import DistributedSpec, FitSpec

DeepSpeedConfig = dict[str, JsonValue]


def deepspeed_config(fit: FitSpec, spec: DistributedSpec, steps: int | None = None) -> DeepSpeedConfig:
    """The DeepSpeed JSON of one training of `steps` optimiser steps (`fit.max_steps` when None), already checked.

    The ZeRO stage follows from the strategy: none and ddp 0 (1 with offload, which stage 0 does not have), fsdp 3,
    pipeline 0 (its model must be a deepspeed.PipelineModule of as many stages as there are processes).
    Half precision is DeepSpeed's own: weights in 16 bits with a float32 copy, where the loop here has float32
    weights and autocast. Its optimiser decays all weights, the one here only matrices and larger ones, and its
    schedulers warm up over two steps at least. Patience, averaging of weights (EMA) and
    the time limit have no counterpart there.

    Raises:
        BadArguments: the schedule needs the number of steps, or what is asked for does not go together.
    """
    config: DeepSpeedConfig = {
        **_sizes(fit, spec),
        "optimizer": _optimizer(fit),
        "zero_optimization": _zero(spec),
        **_scheduler(fit, steps or fit.max_steps),
        **_precision(fit),
        **_activations(fit),
    }
    if fit.clip_norm is not None:
        config["gradient_clipping"] = fit.clip_norm
    if fit.optimiser == "sgd" and stage_of(spec) > 0:
        config["zero_allow_untested_optimizer"] = True
    check_deepspeed(config, replicas(spec))
    return config


def replicas(spec: DistributedSpec) -> int:
    """Processes that each take other rows: all of them, but for a pipeline, whose stages see the same rows."""
    return 1 if spec.strategy == "pipeline" else spec.world


def stage_of(spec: DistributedSpec) -> int:
    """The ZeRO stage (Rajbhandari et al. 2020): what is shared out among the processes."""
    if spec.zero_stage is not None:
        return spec.zero_stage
    if spec.strategy == "fsdp":
        return 3
    return 1 if spec.offload else 0


def _sizes(fit: FitSpec, spec: DistributedSpec) -> DeepSpeedConfig:
    micro, accumulate = fit.batch_size, fit.accumulate
    if spec.strategy == "pipeline":
        if micro % spec.micro_batches:
            raise BadArguments(
                f"DeepSpeed's pipeline needs equal micro-batches, and {micro} rows are not {spec.micro_batches} "
                "equal parts.",
                f"Choose a batch size that is a multiple of {spec.micro_batches}.",
            )
        micro, accumulate = micro // spec.micro_batches, accumulate * spec.micro_batches
    return {
        "train_batch_size": micro * accumulate * replicas(spec),
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": accumulate,
    }


def _optimizer(fit: FitSpec) -> DeepSpeedConfig:
    params: DeepSpeedConfig = {"lr": fit.learning_rate, "weight_decay": fit.weight_decay}
    if fit.optimiser == "sgd":
        return {"type": "SGD", "params": params | {"momentum": 0.9}}
    return {"type": "AdamW", "params": params | {"betas": [0.9, 0.999], "eps": 1e-8}}


def _zero(spec: DistributedSpec) -> DeepSpeedConfig:
    zero: DeepSpeedConfig = {"stage": stage_of(spec)}
    if spec.offload:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if spec.offload and stage_of(spec) == 3:
        zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    return zero


def _scheduler(fit: FitSpec, steps: int | None) -> Mapping[str, JsonValue]:
    if fit.schedule == "constant" and not fit.warmup:
        return {}
    if steps is None:
        raise BadArguments(
            f"A DeepSpeed schedule ({fit.schedule}, with warm-up) needs the number of optimiser steps.",
            "Give steps, or set max_steps, or take the schedule 'constant' without warm-up.",
        )
    warmup: DeepSpeedConfig = {"warmup_num_steps": max(1, round(fit.warmup * steps)), "warmup_type": "linear"}
    rates: DeepSpeedConfig = {"warmup_min_lr": 0.0, "warmup_max_lr": fit.learning_rate}
    ratios: DeepSpeedConfig = {"warmup_min_ratio": 0.0, "cos_min_ratio": 0.0}
    total: DeepSpeedConfig = {"total_num_steps": steps}
    if fit.schedule == "cosine":
        return {"scheduler": {"type": "WarmupCosineLR", "params": warmup | ratios | total}}
    if fit.schedule == "linear":
        return {"scheduler": {"type": "WarmupDecayLR", "params": warmup | rates | total}}
    return {"scheduler": {"type": "WarmupLR", "params": warmup | rates}}


def _precision(fit: FitSpec) -> Mapping[str, JsonValue]:
    if fit.precision == "fp32":
        return {}
    if fit.precision == "bf16":
        return {"bf16": {"enabled": True}}
    return {"fp16": {"enabled": True, "loss_scale": 0.0, "initial_scale_power": 16, "loss_scale_window": 2000}}


def _activations(fit: FitSpec) -> Mapping[str, JsonValue]:
    if not fit.checkpoint_activations:
        return {}
    return {"activation_checkpointing": {"cpu_checkpointing": fit.offload_activations, "partition_activations": False}}
