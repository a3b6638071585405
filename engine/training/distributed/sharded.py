"""FSDP2: every process keeps a part of each weight, gradient and moment; blocks gather their weights while they run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, set_model_state_dict
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, OffloadPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

from engine.training.distributed.group import Group, clip_together
from engine.training.parallel import State

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
_FROM_THE_FIRST = StateDictOptions(full_state_dict=True, cpu_offload=True, broadcast_from_rank0=True)


@dataclass(frozen=True)
class Sharded:
    """The `Parallel` of `fully_shard` (Zhao et al. 2023, "PyTorch FSDP"; ZeRO stage 3 of Rajbhandari et al. 2020).

    `offload` keeps the shards and the optimiser's moments in main memory. `bf16` gathers and multiplies the weights
    of the repeated blocks in bfloat16 (gradients are still added up in float32); what is outside of them stays in
    float32, since the features hold codes that bfloat16 cannot tell apart. States are whole and numbered as one
    process would number them, so that a training may go on with another number of processes, or alone.
    """

    group: Group
    offload: bool = False
    bf16: bool = False

    @property
    def rank(self) -> int:
        return self.group.rank

    @property
    def world(self) -> int:
        return self.group.world

    def wrap(self, model: nn.Module) -> nn.Module:
        """The same model with its weights cut up: block by block, then the rest. One cut up already is left as it is.

        A model still in main memory goes to the device block by block, so it never has to fit there whole.
        """
        if isinstance(model, FSDPModule):
            return model
        mesh = init_device_mesh(self.group.device.type, (self.world,))
        pinned = self.group.device.type == "cuda"
        policy = CPUOffloadPolicy(pin_memory=pinned) if self.offload else OffloadPolicy()
        precision = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if self.bf16 else None,
            reduce_dtype=torch.float32 if self.bf16 else None,
            output_dtype=torch.float32 if self.bf16 else None,
        )
        for block in repeated_blocks(model):
            fully_shard(block, mesh=mesh, offload_policy=policy, mp_policy=precision)
        return fully_shard(model, mesh=mesh, offload_policy=policy)

    @contextmanager
    def exchanging(self, model: nn.Module, last: bool) -> Iterator[None]:
        model.set_requires_gradient_sync(last)
        yield

    def total(self, value: Tensor) -> Tensor:
        return self.group.total(value)

    def clip(self, model: nn.Module, limit: float) -> Tensor:
        grads = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        return clip_together((grad.to_local() for grad in grads), limit, self.group)

    def model_state(self, model: nn.Module) -> dict[str, Tensor]:
        state: dict[str, Tensor] = get_model_state_dict(model, options=_WHOLE)
        return state

    def optimiser_state(self, model: nn.Module, optimiser: Optimizer) -> State:
        """As `Optimizer.state_dict` of one process. Gathered tensor by tensor, and kept on rank 0 only."""
        plain = optimiser.state_dict()
        moments = {place: self._gathered(values) for place, values in plain["state"].items()}
        return {"state": moments if self.rank == 0 else {}, "param_groups": plain["param_groups"]}

    def load(self, model: nn.Module, optimiser: Optimizer | None, weights: Mapping[str, Tensor], state: State) -> None:
        set_model_state_dict(model, dict(weights), options=_FROM_THE_FIRST)
        if optimiser is None:
            return
        parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        moments = {place: _cut_like(parameters[place], values) for place, values in state["state"].items()}
        optimiser.load_state_dict({"state": moments, "param_groups": state["param_groups"]})

    def wait(self) -> None:
        self.group.wait()

    def _gathered(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: _whole(value, self.group.device, self.rank == 0) for name, value in values.items()}


def repeated_blocks(model: nn.Module) -> list[nn.Module]:
    """The outermost blocks that occur at least twice in one list or chain, such as the layers of an encoder."""
    found: list[nn.Module] = []
    for child in model.children():
        members = list(child.children()) if isinstance(child, nn.ModuleList | nn.Sequential) else []
        kinds = [type(member) for member in members if next(member.parameters(), None) is not None]
        blocks = [member for member in members if kinds.count(type(member)) > 1]
        found += blocks or repeated_blocks(child)
    return found


def _whole(value: Tensor, device: torch.device, keep: bool) -> Tensor:
    """A sharded tensor put together, on the CPU; every process must take part, `keep` says who needs the result."""
    if not isinstance(value, DTensor):
        return value.detach().cpu().clone()
    whole = value.detach().to(device).full_tensor()
    return whole.cpu() if keep else whole.new_empty(0, device="cpu")


def _cut_like(parameter: nn.Parameter, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Moments cut as their parameter is; what has another shape (a step count) stays whole."""
    if not isinstance(parameter, DTensor):
        return dict(values)
    mesh: DeviceMesh = parameter.device_mesh
    return {
        name: distribute_tensor(value.to(mesh.device_type), mesh, parameter.placements, src_data_rank=None)
        if value.shape == parameter.shape
        else value
        for name, value in values.items()
    }
