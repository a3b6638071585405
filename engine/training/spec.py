"""How a torch model is trained, as JSON-safe frozen records. Loads no torch."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Precision = Literal["fp32", "bf16", "fp16"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FitSpec(_Record):
    """One training. An optimiser step sees `batch_size * accumulate` rows (of all processes together: times world).

    `seconds` is a wall-clock limit: the learning-rate schedule comes to its end by then, whatever the epochs.
    `patience` counts epochs without a better validation score. `batch_size` is a wish: on out-of-memory it is halved
    and `accumulate` doubled, so that a step still sees the same rows.
    """

    epochs: int = Field(10, ge=1)
    max_steps: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    batch_size: int = Field(64, ge=1)
    accumulate: int = Field(1, ge=1)
    optimiser: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    warmup: float = Field(0.05, ge=0, lt=1, description="Share of the steps over which the rate rises from 0.")
    clip_norm: float | None = Field(1.0, gt=0)
    precision: Precision = "fp32"
    ema_decay: float | None = Field(None, gt=0, lt=1)
    patience: int | None = Field(None, ge=1)
    deterministic: bool = False
    checkpoint_activations: bool = False
    offload_activations: bool = False
    compile: bool = False
    seed: int = 0
    checkpoint_every: int | None = Field(None, ge=1, description="Optimiser steps between checkpoints.")


class DistributedSpec(_Record):
    """How one training is spread over processes and machines.

    `ddp` copies the model to every process, `fsdp` shards it (FSDP2), `pipeline` cuts it into `stages` parts of
    consecutive layers. `offload` keeps shards and optimiser state in main memory. `address` is the rendezvous
    HOST:PORT of several machines; with `ray_address`, Ray Train places the processes instead of torchrun.
    """

    strategy: Literal["none", "ddp", "fsdp", "pipeline"] = "none"
    processes: int = Field(1, ge=1, description="Processes on each machine.")
    nodes: int = Field(1, ge=1)
    node_rank: int = Field(0, ge=0)
    address: str | None = None
    ray_address: str | None = None
    backend: Literal["auto", "gloo", "nccl"] = "auto"
    offload: bool = False
    zero_stage: Literal[0, 1, 2, 3] | None = Field(None, description="For DeepSpeed; from the strategy when None.")
    micro_batches: int = Field(4, ge=1, description="Parts of a batch that are in a pipeline at a time.")
    timeout_seconds: float = Field(600.0, gt=0)

    @property
    def world(self) -> int:
        """Processes in all."""
        return self.processes * self.nodes


class EpochRecord(_Record):
    """One epoch. Losses are means over rows; `score` is greater-is-better, None without validation rows."""

    epoch: int
    loss: float
    valid_loss: float | None = None
    score: float | None = None
    learning_rate: float
    seconds: float


class FitReport(_Record):
    """How a training went. `ended` says why it stopped: all epochs, patience, time or the caller.

    `batch_size` and `accumulate` are those that fitted; `notes` say in sentences what was changed and why.
    """

    ended: Literal["done", "patience", "time", "stopped"]
    epochs: int
    steps: int
    best_epoch: int | None
    best_score: float | None
    history: tuple[EpochRecord, ...]
    seconds: float
    rows_per_second: float
    batch_size: int
    accumulate: int
    notes: tuple[str, ...] = ()
