"""Quantisation-aware training: a network learns while its weights and activations are rounded as 8 bits will do it.

Rounding is simulated in floats in the forward pass and passed over by the gradient (Jacob et al. 2018, "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 3). Weights are symmetric
int8 with a scale for each output channel, inputs of layers uint8 with one scale, from ranges that follow the batches.
"""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.nn.utils.parametrize import register_parametrization, remove_parametrizations

from engine.features import Matrix
from engine.models.base import Floats, Target
from engine.models.network import AT_ONCE, Network
from engine.nets.attention import MultiHeadAttention
from engine.nets.mixed import MixedNet
from engine.optimise.finetune import Further, check_lesson, train_further
from engine.optimise.qat_smooth import smooth
from engine.progress import Control

RATE_SHARE = 0.25
EPOCHS_SHARE = 0.5
CALIBRATION_ROWS = 1024
"""Rows of those learned from whose ranges are taken before the first step."""
MOMENTUM = 0.05
"""Share of a batch's range in the moving average."""
LEAST_SCALE = 1e-8
ROUNDING = "input_rounding"


def quantisation_aware(
    network: Network,
    features: Matrix,
    y: Target,
    *,
    teacher: Floats | None,
    valid: tuple[Matrix, Target] | None,
    seconds: float | None,
    seed: int,
    threads: int,
    control: Control,
    epochs: int | None = None,
    weights: Floats | None = None,
) -> Network:
    """The network in plain 32-bit floats, with weights that lose less when they and the activations are quantised.

    Before, batch norms are folded into their convolutions, so that their statistics stay what they are, and outliers
    are smoothed away (`engine.optimise.qat_smooth`); afterwards the rounding is taken off. Arguments are those of
    `engine.optimise.finetune.fine_tune`; the best pass is the one that answers best while rounded. `network` itself is
    left as it is.

    Raises:
        BadArguments, LossNotFinite, OutOfMemory: as `fine_tune`.
    """
    check_lesson(network, features, y, teacher, weights)
    if valid is not None:
        check_lesson(network, *valid, None, None)
    places = np.random.default_rng([seed, 7]).permutation(len(y))[:CALIBRATION_ROWS]
    sample = torch.from_numpy(np.ascontiguousarray(features[np.sort(places)]))
    rounded = replace(network, net=_rounded(network.net, sample, smoothed=True))
    further = Further("quantisation-aware training", seconds, epochs, seed, threads, control, RATE_SHARE, EPOCHS_SHARE)
    trained = train_further(rounded, further, features, y, teacher, valid, weights)
    _take_off(trained.net)
    return trained


def as_quantised(network: Network, sample: Matrix) -> Network:
    """A copy that answers as if it were quantised, with ranges from `sample`: features (n, width) like those to come.

    For training and for judging; it cannot be exported. `network` itself is left as it is.
    """
    rows = torch.from_numpy(np.ascontiguousarray(sample))
    return replace(network, net=_rounded(network.net, rows, smoothed=False))


def _rounded(original: MixedNet, rows: Tensor, *, smoothed: bool) -> MixedNet:
    net: MixedNet = copy.deepcopy(original).eval()
    rows = rows.to(next(net.parameters()).device)
    _fold_norms(net)
    if smoothed:
        smooth(net, rows)
    for module, weight in _quantised(net):
        module.add_module(ROUNDING, InputRounding())
        module.register_forward_pre_hook(_round_input)
        register_parametrization(module, weight, WeightRounding())
    _calibrate(net, rows)
    return net


class WeightRounding(nn.Module):
    """Symmetric int8 (-127 .. 127) with a scale for each row of a weight (out, ...)."""

    def forward(self, weight: Tensor) -> Tensor:
        scale = weight.detach().abs().flatten(1).amax(dim=1).clamp(min=127 * LEAST_SCALE) / 127
        zero = torch.zeros(len(weight), dtype=torch.int32, device=weight.device)
        return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -127, 127)


class InputRounding(nn.Module):
    """uint8 with one scale over the range from `low` to `high`, which always holds 0.

    In training the range follows those of the batches; `watching`, it takes in all that it sees and rounds nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.watching = False
        self.register_buffer("low", torch.zeros(()))
        self.register_buffer("high", torch.zeros(()))

    def forward(self, values: Tensor) -> Tensor:
        if self.watching:
            self._take(*_range(values), share=None)
            return values
        if self.training:
            self._take(*_range(values), share=MOMENTUM)
        scale = ((self.high - self.low) / 255).clamp(min=LEAST_SCALE)
        zero = (-self.low / scale).round().clamp(0, 255).int()
        # half precision has no such rounding
        return torch.fake_quantize_per_tensor_affine(values.float(), scale, zero, 0, 255).to(values.dtype)

    def _take(self, low: Tensor, high: Tensor, share: float | None) -> None:
        if share is None:
            self.low.copy_(torch.minimum(self.low, low))
            self.high.copy_(torch.maximum(self.high, high))
        else:
            self.low.lerp_(low, share)
            self.high.lerp_(high, share)


def _range(values: Tensor) -> tuple[Tensor, Tensor]:
    low, high = values.detach().float().aminmax()
    return low.clamp(max=0), high.clamp(min=0)


def _round_input(module: nn.Module, inputs: Any) -> Any:  # noqa: ANN401
    return (getattr(module, ROUNDING)(inputs[0]), *inputs[1:])


def _quantised(net: MixedNet) -> Iterator[tuple[nn.Module, str]]:
    """The modules that 8 bits are for, with the name of their weight."""
    for module in list(net.modules()):
        if isinstance(module, nn.Linear | nn.Conv2d):
            yield module, "weight"
        elif isinstance(module, MultiHeadAttention):
            yield module, "in_proj_weight"


def _calibrate(net: MixedNet, rows: Tensor) -> None:
    roundings = [module for module in net.modules() if isinstance(module, InputRounding)]
    for rounding in roundings:
        rounding.watching = True
    with torch.no_grad():
        for some in rows.split(AT_ONCE):
            net(some)
    for rounding in roundings:
        rounding.watching = False


def _fold_norms(net: MixedNet) -> None:
    """Let convolutions do what the batch norms behind them do in evaluation mode."""
    for chain in [module for module in net.modules() if isinstance(module, nn.Sequential)]:
        for place in range(len(chain) - 1):
            conv, norm = chain[place], chain[place + 1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                chain[place], chain[place + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()


def _take_off(net: MixedNet) -> None:
    for module, weight in _quantised(net):
        remove_parametrizations(module, weight, leave_parametrized=False)
        delattr(module, ROUNDING)
        module._forward_pre_hooks.clear()
