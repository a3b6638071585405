"""Scaled dot-product and multi-head attention (Vaswani et al. 2017, "Attention Is All You Need", section 3.2)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    dropout: float = 0.0,
    need_weights: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """softmax(query @ key^T / sqrt(D)) @ value (Vaswani et al. 2017, eq. 1).

    A query that may attend to nothing gets zeros. Without weights to give back, torch's fused kernels do the work.

    Args:
        query: (N, H, T, D).
        key: (N, H, S, D).
        value: (N, H, S, Dv).
        mask: bool, broadcastable to (N, H, T, S); True where a query may attend to a key.
        causal: query t attends to keys 0..t only, counted from the first key also when T and S differ (torch's
            `is_causal`); together with `mask`, both must allow it.
        dropout: probability with which a weight is dropped, always applied: give 0 outside training.
        need_weights: give the weights too.

    Returns:
        The output (N, H, T, Dv), and the weights (N, H, T, S) as they are before dropout, or None if not asked for.

    Raises:
        TypeError: the mask is not bool (torch would add it to the scores instead).
    """
    if mask is not None and mask.dtype != torch.bool:
        raise TypeError(f"The attention mask must be bool (True = may be attended to), not {mask.dtype}.")
    if mask is None and not need_weights:
        return functional.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=causal), None
    allowed = _allowed(query, key, mask, causal)
    # which rows hold nothing is settled here: not every backend and export format turns their 0/0 into zeros
    some = allowed.any(dim=-1, keepdim=True)
    if need_weights:
        output, weights = _explicit(query, key, value, allowed | ~some, dropout)
        return output.masked_fill(~some, 0.0), weights.masked_fill(~some, 0.0)
    output = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed | ~some, dropout_p=dropout)
    return output.masked_fill(~some, 0.0), None


def _allowed(query: Tensor, key: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """Where a query may attend to a key, broadcastable to (N, H, T, S)."""
    everywhere = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device)
    if causal:
        everywhere = everywhere.tril()
    if mask is None:
        return everywhere
    return mask & everywhere if causal else torch.atleast_2d(mask)


def _explicit(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
    """Output (N, H, T, Dv) and weights (N, H, T, S), step by step."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    weights = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
    return functional.dropout(weights, dropout) @ value, weights


class MultiHeadAttention(nn.Module):
    """Attention in `heads` subspaces of width / heads each (Vaswani et al. 2017, section 3.2.2).

    Query, key and value projections lie in one matrix, in torch's order and under torch's names, so that the weights
    of a `torch.nn.MultiheadAttention` of the same size can be loaded. Dropout of weights happens in training only.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        """Raises ValueError when `width` does not divide into `heads`."""
        super().__init__()
        if width % heads:
            raise ValueError(f"A width of {width} does not divide into {heads} heads.")
        self.width = width
        self.heads = heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width)) if bias else None
        self.out_proj = nn.Linear(width, width, bias=bias)
        nn.init.xavier_uniform_(self.in_proj_weight)
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        *,
        padding: Tensor | None = None,
        mask: Tensor | None = None,
        causal: bool = False,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend from `query` to `key`; a query with nothing to attend to gets the output projection's bias.

        Args:
            query: (N, T, width).
            key: (N, S, width); `query` itself when None.
            value: (N, S, width); `key` when None.
            padding: bool (N, S), True where a key is padding, which nothing attends to.
            mask: bool, broadcastable to (N, H, T, S), True where a query may attend to a key.
            causal: as `scaled_dot_product_attention`.
            need_weights: give the weights too.

        Returns:
            The output (N, T, width); with `need_weights`, also the weights (N, H, T, S), each head's own.
        """
        query, key, value = (self._split(part) for part in self._project(query, key, value))
        output, weights = scaled_dot_product_attention(
            query,
            key,
            value,
            mask=_without_padding(mask, padding),
            causal=causal,
            dropout=self.dropout if self.training else 0.0,
            need_weights=need_weights,
        )
        output = self.out_proj(output.transpose(1, 2).flatten(2))
        return output if weights is None else (output, weights)

    def _project(self, query: Tensor, key: Tensor | None, value: Tensor | None) -> tuple[Tensor, ...]:
        """The three projections, each (N, T or S, width); one matrix product for self-attention."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        if key is None and value is None:
            return tuple(functional.linear(query, weight, bias).chunk(3, dim=-1))
        key = query if key is None else key
        value = key if value is None else value
        biases = (None, None, None) if bias is None else bias.chunk(3)
        return tuple(
            functional.linear(*part) for part in zip((query, key, value), weight.chunk(3), biases, strict=True)
        )

    def _split(self, projected: Tensor) -> Tensor:
        """(N, L, width) to (N, heads, L, width / heads)."""
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _without_padding(mask: Tensor | None, padding: Tensor | None) -> Tensor | None:
    """`mask` (N, H, T, S) that also forbids the keys which `padding` (N, S) marks; None when all is allowed."""
    if padding is None:
        return mask
    kept = ~padding[:, None, None, :]
    return kept if mask is None else mask & kept
