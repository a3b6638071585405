"""The network for tables: embedded numbers and categories into residual blocks.

Numbers are embedded by periodic functions (Gorishniy et al. 2022, "On Embeddings for Numerical Features"), the
blocks are those of its ResNet baseline (Gorishniy et al. 2021) with layer norm in place of batch norm.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.nets.checkpointing import RepeatedBlock

FREQUENCIES = 16
# of the scales from 0.01 to 1, California housing liked the largest best and the noisier wine quality the smallest
FREQUENCY_SCALE = 0.3


def category_width(levels: int) -> int:
    """How wide the embedding of a category with so many levels is: grows slowly, at most 50."""
    return min(50, round(1.6 * math.pow(levels, 0.56)))


class NumberEmbedding(nn.Module):
    """PLR (lite) of Gorishniy et al. 2022, section 3.2: relu(linear([sin(2 pi c x), cos(2 pi c x)])).

    Every number has its own learned frequencies c; the linear layer is the same for all.
    """

    def __init__(self, numbers: int, width: int) -> None:
        super().__init__()
        self.features = numbers * width
        self.frequencies = nn.Parameter(torch.empty(numbers, FREQUENCIES))
        self.linear = nn.Linear(2 * FREQUENCIES, width)
        nn.init.normal_(self.frequencies, std=FREQUENCY_SCALE)

    def forward(self, numbers: Tensor) -> Tensor:
        """(N, F) to (N, F * width)."""
        angles = 2 * math.pi * self.frequencies * numbers.unsqueeze(-1)
        waves = torch.cat([angles.sin(), angles.cos()], dim=-1)
        return self.linear(waves).relu().flatten(1)


class MlpBlock(RepeatedBlock):
    """x + dropout(linear(dropout(relu(linear(norm(x)))))) (Gorishniy et al. 2021, section 3.3)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
            nn.Dropout(dropout),
        )

    def run(self, hidden: Tensor) -> Tensor:
        """(N, width) to (N, width)."""
        return hidden + self.residual(hidden)


class TabularNet(nn.Module):
    """`numbers` numbers and one code for each entry of `levels` to `width` features; either may be none, not both.

    The numbers enter as they are and, unless `embedding` is 0, embedded in so many places each.
    """

    def __init__(
        self, numbers: int, levels: Sequence[int], width: int, depth: int, dropout: float = 0.0, embedding: int = 16
    ) -> None:
        super().__init__()
        self.features = width
        self.numbers = NumberEmbedding(numbers, embedding) if numbers and embedding else None
        self.categories = nn.ModuleList(nn.Embedding(count, category_width(count)) for count in levels)
        inside = numbers * (1 + embedding) + sum(map(category_width, levels))
        self.entry = nn.Linear(inside, width)
        self.blocks = nn.Sequential(*(MlpBlock(width, dropout) for _ in range(depth)))
        self.exit = nn.Sequential(nn.LayerNorm(width), nn.ReLU())

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Floats (N, F) and int64 (N, C), with F or C possibly 0, to (N, features)."""
        parts = [numbers]
        if self.numbers is not None:
            parts.append(self.numbers(numbers))
        parts += [table(column) for table, column in zip(self.categories, codes.unbind(dim=1), strict=True)]
        return self.exit(self.blocks(self.entry(torch.cat(parts, dim=-1))))
