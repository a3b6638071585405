"""A pre-norm Transformer encoder over token ids (Vaswani et al. 2017; layer norm first, Xiong et al. 2020)."""

import torch
from torch import Tensor, nn

from engine.errors import SequenceTooLong
from engine.nets.attention import MultiHeadAttention
from engine.nets.checkpointing import RepeatedBlock
from engine.nets.tokens import EMBEDDING_SCALE, PADDING, masked_mean, token_embedding


class EncoderLayer(RepeatedBlock):
    """x + attention(norm(x)), then x + feed_forward(norm(x)) (Xiong et al. 2020, figure 1b).

    Computes what `torch.nn.TransformerEncoderLayer(norm_first=True, activation="gelu")` does.
    """

    def __init__(self, width: int, heads: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = MultiHeadAttention(width, heads, dropout)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width)
        )
        self.dropout = nn.Dropout(dropout)

    def run(self, hidden: Tensor, padding: Tensor | None = None) -> Tensor:
        """(N, L, width) to (N, L, width); no place attends to one that `padding` (N, L) marks True."""
        hidden = hidden + self.dropout(self.attention(self.attention_norm(hidden), padding=padding))
        return hidden + self.dropout(self.feed_forward(self.feed_forward_norm(hidden)))


class Encoder(nn.Module):
    """Token and learned position embeddings, `layers` encoder layers and a last layer norm."""

    def __init__(
        self, vocabulary: int, width: int, heads: int, layers: int, hidden: int, longest: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.features = width
        self.longest = longest
        self.tokens = token_embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.empty(longest, width))
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, hidden, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.positions, std=EMBEDDING_SCALE)

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids int64 (N, L), 0 for padding, to (N, L, width); places of padding hold nothing of use.

        Raises:
            SequenceTooLong: L is more than `longest`.
        """
        length = tokens.shape[1]
        if length > self.longest:
            raise SequenceTooLong(length, self.longest)
        padding = tokens == PADDING
        hidden = self.dropout(self.tokens(tokens) + self.positions[:length])
        for layer in self.layers:
            hidden = layer(hidden, padding)
        return self.norm(hidden)


class PooledEncoder(nn.Module):
    """An encoder's vectors, averaged over the tokens of a row that are not padding."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.features = encoder.features
        self.encoder = encoder

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids int64 (N, L), 0 for padding, to (N, features); zeros for a row that is all padding.

        Raises:
            SequenceTooLong: L is more than the encoder's `longest`.
        """
        return masked_mean(self.encoder(tokens), tokens != PADDING)
