"""The network that the engine trains on tables, texts and images alike: one trunk for each kind of column, one head."""

from typing import Literal

import torch
from torch import Tensor, nn

from engine.features_layout import CategoryBlock, ImageBlock, Layout, NumberBlock, TextBlock
from engine.nets.bag import BagOfTokens
from engine.nets.encoder import Encoder, PooledEncoder
from engine.nets.recurrent import LstmEncoder
from engine.nets.resnet import ResNet, SmallConv
from engine.nets.spec import MOST_EMBEDDED, NetSpec
from engine.nets.tabular import TabularNet
from engine.nets.tokens import PADDING

__all__ = ["MixedNet", "NetSpec", "build_net"]

SMALL_IMAGE = 64
MIDDLE_IMAGE = 128


class TableTrunk(nn.Module):
    """All numbers and categories of a layout, through one `TabularNet`."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.numbers = [slice(block.start, block.stop) for block in spec.layout if isinstance(block, NumberBlock)]
        categories = [block for block in spec.layout if isinstance(block, CategoryBlock)]
        self.codes = [slice(block.start, block.stop) for block in categories]
        count = sum(place.stop - place.start for place in self.numbers)
        embedding = spec.number_embedding
        if embedding is None:
            embedding = 16 if count <= MOST_EMBEDDED else 0
        levels = [block.levels for block in categories]
        self.net = TabularNet(count, levels, spec.width, spec.depth, spec.dropout, embedding)
        self.features = self.net.features

    def forward(self, features: Tensor) -> Tensor:
        """The whole feature matrix (N, W) to (N, self.features)."""
        return self.net(_columns(features, self.numbers), _columns(features, self.codes).long())


def _columns(features: Tensor, places: list[slice]) -> Tensor:
    """The columns of (N, W) at `places`, side by side; none give (N, 0)."""
    return torch.cat([features[:, :0], *(features[:, place] for place in places)], dim=1)


class TextTrunk(nn.Module):
    """One column of texts. Columns of the batch that are padding in every row are left out: they change nothing."""

    def __init__(self, block: TextBlock, spec: NetSpec) -> None:
        super().__init__()
        self.place = slice(block.start, block.stop)
        self.net = _text_net(block, spec)
        self.features = self.net.features

    def forward(self, features: Tensor) -> Tensor:
        """The whole feature matrix (N, W) to (N, self.features)."""
        return self.net(_trimmed(features[:, self.place].long()))


class ImageTrunk(nn.Module):
    """One column of images."""

    def __init__(self, block: ImageBlock, spec: NetSpec) -> None:
        super().__init__()
        self.place = slice(block.start, block.stop)
        self.shape = (block.channels, block.height, block.width_)
        self.net = _image_net(block, spec)
        self.features = self.net.features

    def forward(self, features: Tensor) -> Tensor:
        """The whole feature matrix (N, W) to (N, self.features)."""
        return self.net(features[:, self.place].unflatten(1, self.shape))


class MixedNet(nn.Module):
    """A trunk for the numbers and categories, one for each column of texts or images, and a head over all of them."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(_trunks(spec))
        self.head = _head(sum(trunk.features for trunk in self.trunks), len(self.trunks), spec)

    def forward(self, features: Tensor) -> Tensor:
        """The feature matrix float32 (N, W), as the layout says, to logits or values (N, outputs).

        It must be float32 also in training with less precision: half precision cannot hold every token id.
        """
        return self.head(torch.cat([trunk(features) for trunk in self.trunks], dim=1))


def build_net(spec: NetSpec) -> MixedNet:
    """The network that `spec` describes, with fresh weights from torch's global random numbers."""
    return MixedNet(spec)


def _trunks(spec: NetSpec) -> list[nn.Module]:
    layout: Layout = spec.layout
    tabular = any(isinstance(block, NumberBlock | CategoryBlock) for block in layout)
    table = [TableTrunk(spec)] if tabular else []
    texts = [TextTrunk(block, spec) for block in layout if isinstance(block, TextBlock)]
    images = [ImageTrunk(block, spec) for block in layout if isinstance(block, ImageBlock)]
    return [*table, *texts, *images]


def _head(features: int, trunks: int, spec: NetSpec) -> nn.Sequential:
    """A linear layer over one trunk; a hidden layer before it where several have to be weighed against each other."""
    if trunks == 1:
        return nn.Sequential(nn.Dropout(spec.dropout), nn.Linear(features, spec.outputs))
    return nn.Sequential(
        nn.LayerNorm(features),
        nn.Linear(features, spec.width),
        nn.ReLU(),
        nn.Dropout(spec.dropout),
        nn.Linear(spec.width, spec.outputs),
    )


def _text_net(block: TextBlock, spec: NetSpec) -> nn.Module:
    if spec.text == "bag":
        return BagOfTokens(block.vocabulary, spec.token_width)
    if spec.text == "lstm":
        return LstmEncoder(block.vocabulary, spec.token_width, spec.lstm_hidden, spec.lstm_layers, spec.dropout)
    encoder = Encoder(
        vocabulary=block.vocabulary,
        width=spec.token_width,
        heads=spec.heads,
        layers=spec.encoder_layers,
        hidden=spec.encoder_hidden,
        longest=block.width,
        dropout=spec.dropout,
    )
    return PooledEncoder(encoder)


def _image_net(block: ImageBlock, spec: NetSpec) -> nn.Module:
    if spec.image == "conv":
        return SmallConv(block.channels, spec.conv_width)
    stride = _stem_stride(max(block.height, block.width_))
    return ResNet(block.channels, spec.resnet_widths, spec.resnet_blocks, spec.norm, stride)


def _stem_stride(size: int) -> Literal[1, 2, 4]:
    if size <= SMALL_IMAGE:
        return 1
    return 2 if size <= MIDDLE_IMAGE else 4


def _trimmed(tokens: Tensor) -> Tensor:
    """Ids (N, L) without the columns at the end that are padding in every row; one column always stays.

    A traced or compiled network keeps them all, since its shapes must not follow from what one batch holds.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return tokens
    if not len(tokens):
        return tokens[:, :1]
    longest = int((tokens != PADDING).sum(dim=1).max())
    return tokens[:, : max(longest, 1)]
