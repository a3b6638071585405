"""Changes to training rows that leave their label as it is: images moved and turned a little, tokens left out."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

from engine.features_layout import ImageBlock, Layout, TextBlock
from engine.nets.tokens import PADDING

SHIFT = 0.1
"""Share of the side by which an image moves at most, either way."""
TURN = math.radians(10)
SCALE = 0.1
LEFT_OUT = 0.1
"""Share of the tokens of a text that are replaced by the unknown one."""
UNKNOWN = 1


@dataclass(frozen=True)
class Augmentation:
    """For the training loop: `(features,)` (N, W) float32 in, the same shape out. `flip` mirrors half of the images.

    Mirroring is for photographs: a mirrored letter or digit is another one.
    """

    layout: Layout
    flip: bool = False

    def __call__(self, inputs: tuple[Tensor, ...], generator: Generator) -> tuple[Tensor, ...]:
        features = inputs[0].clone()
        for block in self.layout:
            place = slice(block.start, block.stop)
            if isinstance(block, ImageBlock):
                features[:, place] = moved(features[:, place], block, generator, self.flip)
            elif isinstance(block, TextBlock):
                features[:, place] = thinned(features[:, place], generator)
        return (features,)


def moved(pixels: Tensor, block: ImageBlock, generator: Generator, flip: bool = False) -> Tensor:
    """Each image (N, C*H*W) turned, scaled and shifted by its own random amounts; beyond the edge it goes on as there.

    The edge is repeated, so that a dark background stays dark whatever zero means after scaling.
    """
    rows = len(pixels)
    images = pixels.unflatten(1, (block.channels, block.height, block.width_))
    turn, scale, right, down = (_uniform(rows, most, generator) for most in (TURN, SCALE, 2 * SHIFT, 2 * SHIFT))
    cosine, sine = torch.cos(turn) * (1 + scale), torch.sin(turn) * (1 + scale)
    mirrored = torch.ones(rows) - 2 * (torch.rand(rows, generator=generator) < 0.5) * flip
    theta = torch.stack(
        [torch.stack([cosine * mirrored, -sine, right], 1), torch.stack([sine * mirrored, cosine, down], 1)], 1
    ).to(images)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False).flatten(1)


def thinned(tokens: Tensor, generator: Generator, share: float = LEFT_OUT) -> Tensor:
    """Token ids (N, L) of which a share is made unknown; padding stays padding."""
    chosen = torch.rand(tokens.shape, generator=generator).to(tokens.device) < share
    return torch.where(chosen & (tokens != PADDING), torch.full_like(tokens, UNKNOWN), tokens)


def _uniform(rows: int, most: float, generator: Generator) -> Tensor:
    return (2 * torch.rand(rows, generator=generator) - 1) * most
