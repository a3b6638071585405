"""The processes of one training: who this one is, and how they add up numbers and wait for each other."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from engine.errors import BadArguments, DeviceMissing
from engine.training.spec import DistributedSpec


@dataclass(frozen=True)
class Group:
    """This process's place among `world` processes, and the device it works on."""

    rank: int
    world: int
    device: torch.device

    def total(self, value: Tensor) -> Tensor:
        """The sum over all processes, the same in each; `value` itself is left alone."""
        summed = value.detach().to(self.device, copy=True)
        dist.all_reduce(summed)
        return summed.to(value.device)

    def wait(self) -> None:
        """Until every process is here."""
        self.total(torch.zeros(1)).item()

    def least(self, value: int) -> int:
        """The smallest of all processes' values."""
        least = torch.tensor(value, device=self.device)
        dist.all_reduce(least, dist.ReduceOp.MIN)
        return int(least.item())

    def any(self, flag: bool) -> bool:
        """Whether the flag is up in at least one process; the same answer in each."""
        return bool(self.total(torch.tensor(float(flag))).item())


@contextmanager
def process_group(spec: DistributedSpec) -> Iterator[Group]:
    """Join the processes that torchrun (or Ray Train) started with this one, and leave them at the end.

    torch reads rank, world and meeting point from the environment that the starter has set. A group that is there
    already (Ray Train makes one) is used and left standing.

    Raises:
        BadArguments: nobody started this process as one of several.
        DeviceMissing: nccl was asked for, and there is no CUDA device.
    """
    own = not dist.is_initialized()
    if own:
        _join(spec)
    try:
        yield Group(dist.get_rank(), dist.get_world_size(), _device(spec))
    finally:
        if own:
            dist.destroy_process_group()


def own_rank() -> int:
    """This process's number, also when it has not joined the others (then counted on its machine)."""
    rank: int = dist.get_rank() if dist.is_initialized() else dist.get_node_local_rank(fallback_rank=0)
    return rank


def _join(spec: DistributedSpec) -> None:
    if spec.backend == "nccl" and not torch.cuda.is_available():
        raise DeviceMissing("cuda", "the backend nccl needs it, and torch finds none")
    if not dist.is_torchelastic_launched():
        raise BadArguments(
            "This process is not one of several that were started together.",
            "Start it with engine.training.distributed.launch, or with torchrun.",
        )
    if _device(spec).type == "cuda":
        torch.cuda.set_device(_device(spec))
    dist.init_process_group(backend_of(spec), timeout=timedelta(seconds=spec.timeout_seconds))


def backend_of(spec: DistributedSpec) -> str:
    """The backend for torch; on CUDA with gloo beside nccl, for what is kept in main memory."""
    if spec.backend == "auto":
        return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    return "cpu:gloo,cuda:nccl" if spec.backend == "nccl" else "gloo"


def _device(spec: DistributedSpec) -> torch.device:
    if spec.backend == "gloo" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", dist.get_node_local_rank(fallback_rank=0))


def clip_together(gradients: Iterable[Tensor], limit: float, group: Group) -> Tensor:
    """Scale gradients of which each process holds others, in place; returns the norm of all of them before.

    The same rule as torch.nn.utils.clip_grad_norm_: scaled by limit / (norm + 1e-6) where that is below 1.
    """
    own = list(gradients)
    squares = sum((part.float().pow(2).sum().to(group.device) for part in own), torch.zeros((), device=group.device))
    norm = group.total(squares).sqrt()
    scale = (limit / (norm + 1e-6)).clamp(max=1.0)
    for part in own:
        part.mul_(scale.to(part.device))
    return norm
