"""Image networks: a small residual network (He et al. 2016, "Deep Residual Learning") and a lighter plain one."""

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from engine.nets.checkpointing import RepeatedBlock

Norm = Literal["batch", "group"]

MOST_GROUPS = 8


def _norm(kind: Norm, channels: int) -> nn.Module:
    """Batch norm, or group norm (Wu and He 2018), which treats each image by itself."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(math.gcd(MOST_GROUPS, channels), channels)


def _conv(channels: int, width: int, stride: int = 1, kernel: int = 3) -> nn.Conv2d:
    """A convolution without bias, since a norm follows; started as He et al. 2015 say."""
    conv = nn.Conv2d(channels, width, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


class BasicBlock(RepeatedBlock):
    """Two 3x3 convolutions and a shortcut; the activation follows the sum (He et al. 2016, figure 5 left).

    Where size or channels change, the shortcut is a 1x1 convolution (option B of section 3.3).
    """

    def __init__(self, channels: int, width: int, stride: int, norm: Norm) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _conv(channels, width, stride), _norm(norm, width), nn.ReLU(), _conv(width, width), _norm(norm, width)
        )
        changes = stride != 1 or channels != width
        self.shortcut = (
            nn.Sequential(_conv(channels, width, stride, kernel=1), _norm(norm, width)) if changes else nn.Identity()
        )
        self.activation = nn.ReLU()

    def run(self, images: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, width, H / stride, W / stride), rounded up."""
        return self.activation(self.residual(images) + self.shortcut(images))


class ResNet(nn.Module):
    """A 3x3 stem, stages of basic blocks (each after the first halves the size), and the mean over all places.

    For images of 8x8 and more. `stem_stride` 2 or 4 makes large ones smaller first, as a ResNet for photographs does.
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int] = (32, 64, 128),
        blocks: Sequence[int] = (1, 1, 1),
        norm: Norm = "batch",
        stem_stride: Literal[1, 2, 4] = 1,
    ) -> None:
        super().__init__()
        self.features = widths[-1]
        self.stem = nn.Sequential(_conv(channels, widths[0], min(stem_stride, 2)), _norm(norm, widths[0]), nn.ReLU())
        self.shrink = nn.MaxPool2d(3, stride=2, padding=1) if stem_stride == 4 else nn.Identity()
        self.stages = nn.Sequential()
        before = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for index in range(count):
                stride = 2 if stage and not index else 1
                self.stages.append(BasicBlock(before, width, stride, norm))
                before = width

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, features)."""
        return self.stages(self.shrink(self.stem(images))).mean(dim=(2, 3))


class SmallConv(nn.Module):
    """Three plain convolutions with group norm, halving the size twice, and the mean over all places.

    For images of 4x4 and more that stand beside other columns of a table.
    """

    def __init__(self, channels: int, width: int = 32) -> None:
        super().__init__()
        self.features = 2 * width
        self.layers = nn.Sequential(
            *_conv_layer(channels, width),
            nn.MaxPool2d(2),
            *_conv_layer(width, 2 * width),
            nn.MaxPool2d(2),
            *_conv_layer(2 * width, 2 * width),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, features)."""
        return self.layers(images).mean(dim=(2, 3))


def _conv_layer(channels: int, width: int) -> tuple[nn.Module, ...]:
    return _conv(channels, width), _norm("group", width), nn.ReLU()
