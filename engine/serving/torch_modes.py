"""Networks run otherwise than as they were trained: compiled, or in 16-bit brain floats."""

import copy
import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from engine.automl.members import Member
from engine.models.network import Network
from engine.nets.attention import MultiHeadAttention
from engine.optimise.errors import VariantRefused
from engine.serving.runtime_spec import MembersRuntimeSpec

ROUNDED = (nn.Linear, nn.Conv2d, nn.Embedding, MultiHeadAttention)
"""Modules whose weights enter products that autocast does in bfloat16, and tables that are only looked up. Norms and
LSTMs keep float32: the first are small and sums of many, the second are not computed in less on a CPU."""
WARM_UP_ROWS = (1, 2, 32)
"""torch compiles for one row and for several apart, and once more where a number of rows divides by 16."""
RECOMPILED = 16
"""More ways than a network is ever compiled in; beyond it torch would go on without compiling, and not say so."""


def in_mode(member: Member, spec: MembersRuntimeSpec) -> Member:
    """The member with its network in `spec.mode` on `spec.device`; a member that is no network as it is.

    Compiling is done here, before the first answer, and takes up to a minute. The caller's member is left alone.

    Raises:
        VariantRefused: there is no GPU, torch.compile has no C++ compiler here, or it cannot compile the network.
    """
    network = network_of(member)
    if network is None or (spec.mode, spec.device) == ("eager", "cpu"):
        return member
    changed = on_gpu(network) if spec.device == "cuda" else network
    if spec.mode != "eager":
        changed = compiled(changed) if spec.mode == "compile" else halved(changed)
    return replace(member, model=replace(member.model, inner=changed))


def network_of(member: Member) -> Network | None:
    """The member's network; None when it is another kind of model."""
    return member.model.inner if isinstance(member.model.inner, Network) else None


def on_gpu(network: Network) -> Network:
    """A copy of the network whose weights lie on the first GPU.

    Raises:
        VariantRefused: there is none.
    """
    if not torch.cuda.is_available():
        raise VariantRefused("There is no GPU here.", "Load the model where there is one.")
    return replace(network, net=copy.deepcopy(network.net).to("cuda"))


def use_threads(count: int) -> None:
    """Have torch use so many threads in this process."""
    torch.set_num_threads(count)


def compiled(network: Network) -> Network:
    """The network by inductor, for any number of rows, compiled by the time this returns.

    Texts keep their padding: a network that is compiled for every length stalls at lengths it has not met. On CUDA
    the kernels are replayed as CUDA graphs.

    Raises:
        VariantRefused: no C++ compiler (CPU), or the network cannot be compiled.
    """
    net = copy.deepcopy(network.net)
    device = next(net.parameters()).device
    if device.type == "cpu":
        find_compiler()
    with warnings.catch_warnings():
        # the compiler uses parts of torch that are on their way out
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.")
        from torch._dynamo.exc import TorchDynamoException
        from torch._inductor import config

        graphs = "reduce-overhead" if device.type == "cuda" else None
        net.compile(dynamic=True, mode=graphs, recompile_limit=RECOMPILED, isolate_recompiles=True)
        found = replace(network, net=net)
        width = max(block.stop for block in network.spec.layout)
        try:
            # in this process alone: inductor's workers would stay as long as the model does
            with config.patch(compile_threads=1):
                for rows in WARM_UP_ROWS:
                    found.outputs(np.zeros((rows, width), dtype=np.float32))
        except TorchDynamoException as error:
            first = str(error).strip().splitlines()[0]
            raise VariantRefused(f"torch.compile cannot compile this network: {first}") from error
    return found


def find_compiler(path: str | None = None) -> str:
    """The C++ compiler that torch.compile will use for the CPU; `path` are folders to look in, by default PATH.

    Raises:
        VariantRefused: there is none.
    """
    from torch._inductor import config

    asked: Sequence[str | None] = config.cpp.cxx if isinstance(config.cpp.cxx, list | tuple) else (config.cpp.cxx,)
    names = [name for name in asked if name]
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        raise VariantRefused(
            f"torch.compile needs a C++ compiler, and there is none here (looked for {', '.join(names)}).",
            "Install g++, or name another one in the variable CXX.",
        )
    return found


def compile_seconds() -> float | None:
    """What torch.compile has taken in this process, by its own account; None when nothing was compiled."""
    if "torch._dynamo" not in sys.modules:
        return None
    from torch._dynamo.utils import compilation_time_metrics

    spent = compilation_time_metrics.get("_compile.compile_inner", [])
    return float(sum(spent)) if spent else None


def halved(network: Network) -> Network:
    """The network with products in bfloat16: rounded weights, activations as autocast has them."""
    return replace(network, net=_InHalf(rounded(network).net).eval())


def rounded(network: Network) -> Network:
    """The network with the weights of ROUNDED in bfloat16, which no longer goes with float32 outside of autocast."""
    net = copy.deepcopy(network.net)
    for module in net.modules():
        if isinstance(module, ROUNDED):
            module.to(torch.bfloat16)
    return replace(network, net=net)


class _InHalf(nn.Module):  # type: ignore[misc]
    """A net under autocast. Its features stay float32, since bfloat16 holds no token id above 256 for certain."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor) -> Tensor:
        """Features float32 (N, W) to outputs float32 (N, outputs)."""
        with torch.autocast(features.device.type, dtype=torch.bfloat16):
            return self.net(features).float()
