"""Recurrent text networks (LSTM: Hochreiter and Schmidhuber 1997; both directions: Schuster and Paliwal 1997)."""

import torch
from torch import Tensor, nn

from engine.nets.tokens import PADDING, mean_and_max, token_embedding


class LstmLayer(nn.Module):
    """One LSTM over the tokens in order and, if `bidirectional`, another over each row's tokens in reverse.

    torch's own bidirectional LSTM starts the second one at the padding unless it is given packed sequences, which
    `torch.export` refuses; here rows are reversed within their own length, so padding comes last both ways.
    """

    def __init__(self, width: int, hidden: int, bidirectional: bool = True) -> None:
        super().__init__()
        self.features = hidden * (2 if bidirectional else 1)
        self.ahead = nn.LSTM(width, hidden, batch_first=True)
        self.back = nn.LSTM(width, hidden, batch_first=True) if bidirectional else None

    def forward(self, inputs: Tensor, reverse: Tensor) -> Tensor:
        """(N, L, width) and the places of the reversed order (N, L) to (N, L, features)."""
        ahead = _states(self.ahead, inputs)
        if self.back is None:
            return ahead
        back = _states(self.back, _reordered(inputs, reverse))
        return torch.cat([ahead, _reordered(back, reverse)], dim=-1)


class LstmEncoder(nn.Module):
    """Token embeddings, `layers` LSTM layers (dropout between them), mean and greatest over the valid places."""

    def __init__(
        self,
        vocabulary: int,
        width: int,
        hidden: int,
        layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        step = hidden * (2 if bidirectional else 1)
        self.features = 2 * step
        self.tokens = token_embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            LstmLayer(step if index else width, hidden, bidirectional) for index in range(layers)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids int64 (N, L), 0 for padding (at the end), to (N, features); zeros for a row that is all padding."""
        valid = tokens != PADDING
        reverse = reversed_places(valid)
        hidden = self.tokens(tokens)
        for layer in self.layers:
            hidden = layer(self.dropout(hidden), reverse)
        return mean_and_max(hidden, valid)


def reversed_places(valid: Tensor) -> Tensor:
    """For bool (N, L), the places (N, L) int64 that turn each row's valid beginning round and leave its end.

    [True, True, True, False] gives [2, 1, 0, 3]. Done twice, everything is where it was.
    """
    places = torch.arange(valid.shape[1], device=valid.device).expand(valid.shape)
    return torch.where(valid, valid.sum(dim=1, keepdim=True) - 1 - places, places)


def _states(lstm: nn.LSTM, inputs: Tensor) -> Tensor:
    """(N, L, width) to the states (N, L, hidden); in full precision on a CPU, since not every CPU has less."""
    if inputs.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return lstm(inputs)[0]
    with torch.autocast("cpu", enabled=False):
        return lstm(inputs.float())[0]


def _reordered(hidden: Tensor, places: Tensor) -> Tensor:
    """Row by row, the vectors of (N, L, W) at `places` (N, L)."""
    return hidden.gather(1, places.unsqueeze(-1).expand(hidden.shape))
