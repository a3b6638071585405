"""Text networks in the words of ONNX Runtime: the same functions as in `engine.nets`, as its fastest operators.

What an exporter makes of `engine.nets` is right but slow: an LSTM of two directions becomes two operators and the
turning round of every row, and attention with padding was slower than torch's own at batch 32 (0.5 times as fast).
These forms are for `torch.onnx.export(dynamo=True)` alone: run by torch, their operators give zeros.
"""

import math

import torch
from torch import Tensor, nn
from torch.onnx import ops

from engine.nets.attention import MultiHeadAttention
from engine.nets.encoder import Encoder, EncoderLayer, PooledEncoder
from engine.nets.recurrent import LstmEncoder, LstmLayer
from engine.nets.tokens import PADDING

RUNTIME_DOMAIN = "com.microsoft"
"""Of the operators that only ONNX Runtime has."""
ATTENTION = f"{RUNTIME_DOMAIN}::MultiHeadAttention"
LSTM_VERSION = 14
FAINT = -40.0
"""How far padding is below a row's first token in the scores: a weight of e^-40, which float32 cannot tell from none.

Not lower: ONNX Runtime's softmax ends at e^-88, and arithmetic with numbers so small takes twice the time of all else.
"""
_GATES = (0, 3, 1, 2)
"""torch has the gates of an LSTM as input, forget, cell, output; ONNX as input, output, forget, cell."""


def runtime_form(net: nn.Module) -> nn.Module:
    """The form of a text network (`PooledEncoder`, `LstmEncoder`); any other module as it is."""
    if type(net) is PooledEncoder and _is_plain(net.encoder):
        return PooledEncoder(EncoderForm(net.encoder))
    if type(net) is LstmEncoder and all(type(layer) is LstmLayer for layer in net.layers):
        return LstmForm(net)
    return net


def _is_plain(encoder: nn.Module) -> bool:
    """Whether all that an `EncoderForm` does otherwise is as written in `engine.nets`: subclasses may differ."""
    layers = encoder.layers if type(encoder) is Encoder else ()
    return len(layers) > 0 and all(
        type(one) is EncoderLayer and type(one.attention) is MultiHeadAttention for one in layers
    )


class EncoderForm(nn.Module):
    """`Encoder` with all places of all rows below each other, so that every linear layer is one `Gemm`."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.features = encoder.features
        self.tokens = encoder.tokens
        self.positions = encoder.positions
        self.layers = nn.ModuleList(_EncoderLayerForm(layer) for layer in encoder.layers)
        self.norm = encoder.norm

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids int64 (N, L), 0 for padding, to (N, L, width)."""
        rows, length = tokens.shape
        padding = (tokens == PADDING).unsqueeze(-1)
        hidden = (self.tokens(tokens) + self.positions[:length]).flatten(0, 1)
        for layer in self.layers:
            hidden = layer(hidden, padding)
        return self.norm(hidden).unflatten(0, (rows, length))


class _EncoderLayerForm(nn.Module):
    def __init__(self, layer: EncoderLayer) -> None:
        super().__init__()
        self.attention_norm = layer.attention_norm
        self.attention = AttentionForm(layer.attention)
        self.feed_forward_norm = layer.feed_forward_norm
        self.feed_forward = layer.feed_forward

    def forward(self, hidden: Tensor, padding: Tensor) -> Tensor:
        """(N * L, width) and bool (N, L, 1) to (N * L, width)."""
        hidden = hidden + self.attention(self.attention_norm(hidden), padding)
        return hidden + self.feed_forward(self.feed_forward_norm(hidden))


class AttentionForm(nn.Module):
    """Self-attention with padding as `MultiHeadAttention` without a mask, which alone has the fast algorithm.

    Each head's queries get one more place that is 1, and its keys one that is 0. A key that is padding is replaced by
    that of the row's first token with FAINT in the new place (times the root that scores are divided by): its scores
    are FAINT below those of the first token, whatever these are. In a row that is all padding every place gets the
    same weight; what comes out there is of no use in the original either.
    """

    def __init__(self, attention: MultiHeadAttention) -> None:
        super().__init__()
        self.heads = attention.heads
        weights, bias = attention.in_proj_weight, attention.in_proj_bias
        each = len(weights) // 3 // self.heads
        self.scale = 1 / math.sqrt(each)
        queries, keys, values = weights.chunk(3)
        zeros = torch.zeros(len(weights)) if bias is None else bias
        of_queries, of_keys, of_values = zeros.chunk(3)
        self.query = _linear(_longer(queries, self.heads, 0.0), _longer(of_queries, self.heads, 1.0))
        self.key = _linear(_longer(keys, self.heads, 0.0), _longer(of_keys, self.heads, 0.0))
        self.value = _linear(values, of_values)
        self.out_proj = attention.out_proj
        faint = _longer(torch.zeros(self.heads * each), self.heads, FAINT / self.scale)
        self.register_buffer("faint", faint, persistent=False)

    def forward(self, hidden: Tensor, padding: Tensor) -> Tensor:
        """(N * L, width) and bool (N, L, 1) to (N * L, width)."""
        places = padding.shape[:2]
        query, key, value = (linear(hidden).unflatten(0, places) for linear in (self.query, self.key, self.value))
        key = torch.where(padding, key[:, :1] + self.faint, key)
        attended = ops.symbolic(
            ATTENTION,
            (query, key, value),
            {"num_heads": self.heads, "scale": self.scale},
            dtype=value.dtype,
            shape=value.shape,
            version=1,
        )
        return self.out_proj(attended.flatten(0, 1))


def _longer(values: Tensor, heads: int, last: float) -> Tensor:
    """(heads * D, ...) to (heads * (D + 1), ...), with `last` as the new place of each head."""
    each = values.detach().unflatten(0, (heads, -1))
    return torch.cat([each, torch.full_like(each[:, :1], last)], dim=1).flatten(0, 1)


def _linear(weights: Tensor, bias: Tensor) -> nn.Linear:
    # on no device there is nothing to fill with random numbers, which are the caller's
    linear = nn.Linear(weights.shape[1], weights.shape[0], device="meta")
    linear.weight, linear.bias = (nn.Parameter(part.detach().clone()) for part in (weights, bias))
    return linear


class LstmForm(nn.Module):
    """`LstmEncoder` with both directions of a layer in one operator, which knows where each row ends."""

    def __init__(self, encoder: LstmEncoder) -> None:
        super().__init__()
        self.features = encoder.features
        self.tokens = encoder.tokens
        self.layers = nn.ModuleList(_LstmLayerForm(layer) for layer in encoder.layers)

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids int64 (N, L), 0 for padding (at the end), to (N, features); zeros for a row that is all padding."""
        tokens = tokens.t()  # places first, as the operator wants them
        valid = (tokens != PADDING).unsqueeze(-1)
        counts = valid.sum(dim=0)
        lengths = counts.clamp(min=1)
        hidden = self.tokens(tokens)
        for layer in self.layers:
            hidden = layer(hidden, lengths.squeeze(-1).to(torch.int32))
        mean = hidden.masked_fill(~valid, 0.0).sum(dim=0) / lengths
        greatest = hidden.masked_fill(~valid, -torch.inf).amax(dim=0).masked_fill(counts == 0, 0.0)
        return torch.cat([mean, greatest], dim=-1)


class _LstmLayerForm(nn.Module):
    """One operator for both directions; one for each where pruning left them of different sizes."""

    def __init__(self, layer: LstmLayer) -> None:
        super().__init__()
        ahead, back = layer.ahead, layer.back
        if back is None:
            parts = [_LstmOperator("forward", ahead)]
        elif ahead.hidden_size == back.hidden_size:
            parts = [_LstmOperator("bidirectional", ahead, back)]
        else:
            parts = [_LstmOperator("forward", ahead), _LstmOperator("reverse", back)]
        self.parts = nn.ModuleList(parts)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """(L, N, width) and int32 (N,) to (L, N, features)."""
        states = [part(inputs, lengths) for part in self.parts]
        return states[0] if len(states) == 1 else torch.cat(states, dim=-1)


class _LstmOperator(nn.Module):
    """ONNX's LSTM, of one direction or two of the same size."""

    def __init__(self, direction: str, *lstms: nn.LSTM) -> None:
        super().__init__()
        self.direction = direction
        self.count = len(lstms)
        self.hidden = lstms[0].hidden_size
        self.weights = nn.Parameter(_stacked(lstms, "weight_ih_l0"))
        self.recurrence = nn.Parameter(_stacked(lstms, "weight_hh_l0"))
        biases = [_stacked(lstms, name) for name in ("bias_ih_l0", "bias_hh_l0")]
        self.biases = nn.Parameter(torch.cat(biases, dim=1))

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """(L, N, width) and int32 (N,) to (L, N, count * hidden)."""
        places, rows = inputs.shape[:2]
        last = (self.count, rows, self.hidden)
        states, _, _ = ops.symbolic_multi_out(
            "::LSTM",
            (inputs, self.weights, self.recurrence, self.biases, lengths),
            {"hidden_size": self.hidden, "direction": self.direction},
            dtypes=(inputs.dtype,) * 3,
            shapes=((places, self.count, rows, self.hidden), last, last),
            version=LSTM_VERSION,
        )
        return states.squeeze(1) if self.count == 1 else states.transpose(1, 2).flatten(2)


def _stacked(lstms: tuple[nn.LSTM, ...], name: str) -> Tensor:
    """A weight of each, with the gates in ONNX's order: (count, 4 * hidden, ...)."""
    parts = [getattr(lstm, name).detach().chunk(4) for lstm in lstms]
    return torch.stack([torch.cat([gates[place] for place in _GATES]) for gates in parts])
