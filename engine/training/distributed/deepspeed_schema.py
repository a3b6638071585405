"""The documented keys of a DeepSpeed configuration, with their types and what goes with what.

After the page "DeepSpeed Configuration JSON" of the DeepSpeed documentation and the signatures of its schedulers,
as of release 0.19. Deprecated keys are refused like unknown ones. Sections that this project never writes are only
checked to be objects.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError, model_validator

from engine.errors import BadArguments

Section: TypeAlias = dict[str, JsonValue]


def _whole(value: object) -> object:
    """5e8, as DeepSpeed's pages write sizes, is a float to JSON and a whole number to DeepSpeed."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
Positive = Annotated[int, BeforeValidator(_whole), Field(ge=1)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Optimizer(_Part):
    """The names that DeepSpeed has of its own, and those of torch.optim that it looks up."""

    type: Literal[
        "Adam", "AdamW", "Lamb", "Muon", "OneBitAdam", "ZeroOneAdam", "OneBitLamb",
        "SGD", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "RMSprop", "ASGD",
    ]  # fmt: skip
    params: dict[str, JsonValue] = {}


class Warmup(_Part):
    warmup_min_lr: Number = 0.0
    warmup_max_lr: Number = 0.001
    warmup_num_steps: Positive = 1000
    warmup_type: Literal["log", "linear"] = "log"
    last_batch_iteration: int = -1


class WarmupDecay(Warmup):
    total_num_steps: Positive


class WarmupCosine(_Part):
    total_num_steps: Positive
    warmup_min_ratio: Share = 0.0
    warmup_num_steps: Positive = 1000
    cos_min_ratio: Share = 0.0001
    warmup_type: Literal["log", "linear"] = "log"
    last_batch_iteration: int = -1


class WarmupLR(_Part):
    type: Literal["WarmupLR"]
    params: Warmup = Warmup()


class WarmupDecayLR(_Part):
    type: Literal["WarmupDecayLR"]
    params: WarmupDecay


class WarmupCosineLR(_Part):
    type: Literal["WarmupCosineLR"]
    params: WarmupCosine


class OtherSchedule(_Part):
    type: Literal["LRRangeTest", "OneCycle"]
    params: Section = {}


Scheduler = Annotated[WarmupLR | WarmupDecayLR | WarmupCosineLR | OtherSchedule, Field(discriminator="type")]


class Fp16(_Part):
    enabled: bool = False
    auto_cast: bool = False
    loss_scale: Number = 0.0
    initial_scale_power: Count = 16
    loss_scale_window: Positive = 1000
    hysteresis: Count = 2
    consecutive_hysteresis: bool = False
    min_loss_scale: Positive = 1
    fp16_master_weights_and_grads: bool = False


class Bf16(_Part):
    enabled: bool = False
    immediate_grad_update: bool = False
    check_grad_overflow: bool = True
    bf16_master_weights_and_grads: bool = False
    bf16_optimizer_states: bool = False


class TorchAutocast(_Part):
    enabled: bool = False
    dtype: Literal["bfloat16", "float16"] = "bfloat16"
    lower_precision_safe_modules: list[str] = []


class _Offload(_Part):
    device: Literal["none", "cpu", "nvme"] = "none"
    nvme_path: str | None = None
    pin_memory: bool = True
    buffer_count: Count = 5

    @model_validator(mode="after")
    def _has_a_path(self) -> "_Offload":
        if self.device == "nvme" and self.nvme_path is None:
            raise ValueError("device 'nvme' needs an nvme_path")
        return self


class OffloadParam(_Offload):
    buffer_size: Count = 100_000_000
    max_in_cpu: Count = 1_000_000_000


class OffloadOptimizer(_Offload):
    buffer_count: Count = 4
    pipeline_read: bool = False
    pipeline_write: bool = False
    fast_init: bool = False
    ratio: Share = 1.0
    super_offload: bool = False
    cpuadam_cores_perc: Share = 0.8


class Zero(_Part):
    stage: Literal[0, 1, 2, 3] = 0
    allgather_partitions: bool = True
    allgather_bucket_size: Count = 500_000_000
    compute_grad_norm: bool = True
    overlap_comm: bool | None = None
    reduce_scatter: bool = True
    reduce_bucket_size: Positive = 500_000_000
    contiguous_gradients: bool = True
    load_from_fp32_weights: bool = True
    round_robin_gradients: bool = False
    parameter_alignment: bool = False
    ignore_unused_parameters: bool = True
    offload_param: OffloadParam | None = None
    offload_optimizer: OffloadOptimizer | None = None
    sub_group_size: Count = 1_000_000_000
    stage3_max_live_parameters: Count = 1_000_000_000
    stage3_max_reuse_distance: Count = 1_000_000_000
    stage3_prefetch_bucket_size: Count = 50_000_000
    stage3_param_persistence_threshold: Count = 100_000
    stage3_model_persistence_threshold: Count | None = None
    stage3_gather_16bit_weights_on_model_save: bool = False
    stage3_module_granularity_threshold: Count = 0
    zero_hpz_partition_size: Count = 1
    zero_quantized_weights: bool = False
    zero_quantized_gradients: bool = False
    log_trace_cache_warnings: bool = False
    save_muon_momentum_buffer_in_memory: bool = False

    @model_validator(mode="after")
    def _offload_fits_the_stage(self) -> "Zero":
        optimizer, parameters = self.offload_optimizer, self.offload_param
        if optimizer is not None and self.stage == 0:
            raise ValueError("offload_optimizer needs stage 1, 2 or 3")
        if parameters is not None and self.stage != 3:
            raise ValueError("offload_param needs stage 3")
        if optimizer is not None and self.stage != 3 and (optimizer.device == "nvme" or optimizer.ratio < 1):
            raise ValueError("offload to nvme, or of a part (ratio), needs stage 3")
        if not self.compute_grad_norm and self.stage not in (1, 2):
            raise ValueError("compute_grad_norm false needs stage 1 or 2")
        return self


class ActivationCheckpointing(_Part):
    partition_activations: bool = False
    cpu_checkpointing: bool = False
    contiguous_memory_optimization: bool = False
    number_checkpoints: Positive | None = None
    synchronize_checkpoint_boundary: bool = False
    profile: bool = False


class Config(_Part):
    """One configuration; `train_batch_size`, and either of the two that it is made of, may be left out."""

    train_batch_size: Positive | None = None
    train_micro_batch_size_per_gpu: Positive | None = None
    gradient_accumulation_steps: Positive | None = None
    managed_gradient_accumulation: bool = True
    optimizer: Optimizer | None = None
    scheduler: Scheduler | None = None
    communication_data_type: Literal["fp16", "bf16", "fp32"] | None = None
    gradient_allreduce_op: Literal["mean", "sum"] = "mean"
    prescale_gradients: bool = False
    gradient_predivide_factor: Number = 1.0
    fp16: Fp16 = Fp16()
    bf16: Bf16 = Bf16()
    torch_autocast: TorchAutocast = TorchAutocast()
    gradient_clipping: Number = 0.0
    zero_optimization: Zero = Zero()
    zero_allow_untested_optimizer: bool = False
    zero_force_ds_cpu_optimizer: bool = True
    activation_checkpointing: ActivationCheckpointing = ActivationCheckpointing()
    steps_per_print: Positive | None = None
    wall_clock_breakdown: bool = False
    memory_breakdown: bool = False
    dump_state: bool = False
    disable_python_gc: bool = False
    dataloader_drop_last: bool = False
    aio: Section = {}
    autotuning: Section = {}
    checkpoint: Section = {}
    comet: Section = {}
    comms_logger: Section = {}
    compile: Section = {}
    csv_monitor: Section = {}
    data_efficiency: Section = {}
    data_types: Section = {}
    expert_parallel: Section = {}
    flops_profiler: Section = {}
    hybrid_engine: Section = {}
    tensor_parallel: Section = {}
    tensorboard: Section = {}
    wandb: Section = {}

    @model_validator(mode="after")
    def _one_half_precision(self) -> "Config":
        if self.fp16.enabled and self.bf16.enabled:
            raise ValueError("fp16 and bf16 cannot both be enabled")
        return self

    @model_validator(mode="after")
    def _known_to_zero(self) -> "Config":
        known = self.optimizer is None or self.optimizer.type in {"Adam", "AdamW", "Lamb", "Muon"}
        if self.zero_optimization.stage > 0 and not known and not self.zero_allow_untested_optimizer:
            raise ValueError("ZeRO with this optimizer needs zero_allow_untested_optimizer")
        return self


def check_deepspeed(config: Mapping[str, object], world: int) -> Config:
    """Read a configuration for `world` data-parallel processes as the documentation has it.

    Raises:
        BadArguments: a key that is not documented, a value of another type or out of range, things that exclude each
            other, or sizes for which train_batch_size = train_micro_batch_size_per_gpu *
            gradient_accumulation_steps * world does not hold.
    """
    try:
        read = Config.model_validate(config)
    except ValidationError as error:
        raise _bad(error) from error
    _check_sizes(read, world)
    return read


def _check_sizes(config: Config, world: int) -> None:
    """DeepSpeed infers what is left out of the three sizes (`_set_batch_related_parameters`); so does this."""
    train, micro = config.train_batch_size, config.train_micro_batch_size_per_gpu
    if train is None and micro is None:
        raise BadArguments(
            "The DeepSpeed configuration says neither train_batch_size nor train_micro_batch_size_per_gpu.",
            "Give at least one of them.",
        )
    steps = config.gradient_accumulation_steps
    if train is None:
        return
    if micro is None:
        micro = train // world // (steps or 1)
    steps = steps or train // micro // world
    if train != micro * steps * world:
        raise BadArguments(
            f"The DeepSpeed batch sizes do not agree: train_batch_size {train} is not {micro} rows per process * "
            f"{steps} accumulation steps * {world} processes.",
            f"With these parts it is {micro * steps * world}.",
        )


def _bad(error: ValidationError) -> BadArguments:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the configuration"
    return BadArguments(
        f"The DeepSpeed configuration is not as documented: {where}: {first['msg']}.",
        "See the page 'DeepSpeed Configuration JSON' of its documentation.",
    )
