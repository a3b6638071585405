"""In which numbers a training computes: autocast and the scaling of losses."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from engine.errors import BadArguments
from engine.training.spec import Precision

_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


def check_precision(precision: Precision, device: torch.device) -> None:
    """Raises BadArguments when the device cannot compute in it."""
    if precision == "bf16" and not has_bf16(device):
        raise BadArguments(
            f"{torch.cuda.get_device_name(device)} cannot compute in bf16.", "Use precision 'fp16' or 'fp32'."
        )


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself; CPUs do, some slower than in float32."""
    return device.type != "cuda" or bool(torch.cuda.is_bf16_supported(including_emulation=False))


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[None]:
    """The context of a forward pass; the weights stay float32 (Micikevicius et al. 2018)."""
    if precision == "fp32":
        return nullcontext()
    context: AbstractContextManager[None] = torch.autocast(device.type, dtype=_HALF[precision])
    return context


def loss_scaler(precision: Precision, device: torch.device) -> torch.amp.GradScaler:
    """Keeps small fp16 gradients from vanishing; does nothing for the other precisions."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")


def at_least_single(output: Tensor) -> Tensor:
    """A model's answer in float32 when it is in half precision, so that losses are computed in full."""
    return output.float() if output.dtype in _HALF.values() else output
