"""The units of the networks over images: channels, or whole groups of them where a group norm looks at a group."""

from collections.abc import Sequence

from torch import Tensor, nn

from engine.nets.mixed import MixedNet
from engine.nets.resnet import ResNet, SmallConv
from engine.optimise.prune_units import Slot, Units, head_reads, linear_in, linear_out, runs

STATISTICS = ("running_mean", "running_var")


def conv_units(net: MixedNet, images: SmallConv, name: str, start: int) -> list[Units]:
    """Channels between one convolution and the next, and those that the head reads."""
    convs = [place for place, layer in enumerate(images.layers) if isinstance(layer, nn.Conv2d)]
    found = []
    for order, place in enumerate(convs):
        conv, norm = images.layers[place], images.layers[place + 1]
        channels = _channels(conv, norm)
        last = order + 1 == len(convs)
        read = head_reads(net, start + channels) if last else (linear_in(images.layers[convs[order + 1]], channels),)
        found.append(Units(f"{name}.layers.{place}", (*_written(conv, norm, channels), *read)))
    return found


def resnet_units(net: MixedNet, images: ResNet, name: str, start: int) -> list[Units]:
    """Channels inside each block, and those of the stream between blocks.

    A stream goes on through shortcuts that change nothing: all blocks along it write and read the same channels.
    """
    found: list[Units] = []
    stem = f"{name}.stem"
    channels = _channels(images.stem[0], images.stem[1])
    stream = [*_written(images.stem[0], images.stem[1], channels)]
    for place, block in enumerate(images.stages):
        first, norm, second = block.residual[0], block.residual[1], block.residual[3]
        inner = _channels(first, norm)
        here = f"{name}.stages.{place}"
        found.append(Units(f"{here}.inner", (*_written(first, norm, inner), linear_in(second, inner))))
        stream.append(linear_in(first, channels))
        if not isinstance(block.shortcut, nn.Identity):
            stream.append(linear_in(block.shortcut[0], channels))
            found.append(Units(stem, tuple(stream)))
            stem, channels = f"{here}.stream", _channels(second, block.residual[4])
            stream = [*_written(block.shortcut[0], block.shortcut[1], channels)]
        stream += _written(second, block.residual[4], channels)
    found.append(Units(stem, (*stream, *head_reads(net, start + channels))))
    return found


def _channels(conv: nn.Module, norm: nn.Module) -> Tensor:
    """Places (units, k) of the channels that go together."""
    count = int(conv.out_channels)
    groups = int(norm.num_groups) if isinstance(norm, nn.GroupNorm) else count
    return runs(groups, count // groups)


def _written(conv: nn.Module, norm: nn.Module, channels: Tensor) -> Sequence[Slot]:
    """Where channels are made and normalised; a norm may have been folded into its convolution."""
    slots = [*linear_out(conv, channels)]
    if isinstance(norm, nn.Identity):
        return slots
    slots += [Slot(norm, weight, 0, channels) for weight in ("weight", "bias")]
    if isinstance(norm, nn.BatchNorm2d):
        slots += [Slot(norm, statistic, 0, channels) for statistic in STATISTICS]
    return slots
