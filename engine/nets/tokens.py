"""What the text networks share: embeddings of tokens, and pooling from a vector a token to a vector a row."""

import torch
from torch import Tensor, nn

PADDING = 0
EMBEDDING_SCALE = 0.02


def token_embedding(vocabulary: int, width: int) -> nn.Embedding:
    """A table (vocabulary, width) whose row for padding is zero and stays so.

    It starts small, as in Devlin et al. 2019, so that tokens that were hardly ever trained on hardly count.
    """
    table = nn.Embedding(vocabulary, width, padding_idx=PADDING)
    nn.init.normal_(table.weight, std=EMBEDDING_SCALE)
    nn.init.zeros_(table.weight[PADDING])
    return table


def masked_mean(hidden: Tensor, valid: Tensor) -> Tensor:
    """(N, L, W) and bool (N, L) to the mean over valid places (N, W); zeros for a row without any."""
    counts = valid.sum(dim=1, keepdim=True).clamp(min=1)
    return hidden.masked_fill(~valid.unsqueeze(-1), 0.0).sum(dim=1) / counts


def masked_max(hidden: Tensor, valid: Tensor) -> Tensor:
    """(N, L, W) and bool (N, L) to the greatest over valid places (N, W); zeros for a row without any."""
    greatest = hidden.masked_fill(~valid.unsqueeze(-1), -torch.inf).amax(dim=1)
    return greatest.masked_fill(~valid.any(dim=1, keepdim=True), 0.0)


def mean_and_max(hidden: Tensor, valid: Tensor) -> Tensor:
    """(N, L, W) and bool (N, L) to both, side by side (N, 2 W)."""
    return torch.cat([masked_mean(hidden, valid), masked_max(hidden, valid)], dim=-1)
