"""Attention equals torch's own, on its fused and its explicit path."""

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from engine.nets.attention import MultiHeadAttention, scaled_dot_product_attention

ROWS, HEADS, QUERIES, KEYS, WIDTH = 3, 2, 5, 7, 8
CLOSE = {"rtol": 0.0, "atol": 1e-5}
PADDING = torch.tensor([[False] * 7, [False] * 4 + [True] * 3, [False] + [True] * 6])


class Calls(TorchFunctionMode):
    """Notes the torch functions that are called inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def __torch_function__(
        self, func: Callable[..., object], types: Iterable[type], args: tuple = (), kwargs: dict | None = None
    ) -> object:
        self.seen.append(func)
        return func(*args, **(kwargs or {}))


def copied(theirs: nn.MultiheadAttention) -> MultiHeadAttention:
    """Ours with the weights of torch's, in evaluation mode."""
    ours = MultiHeadAttention(theirs.embed_dim, theirs.num_heads, bias=theirs.in_proj_bias is not None)
    ours.load_state_dict(theirs.state_dict())
    return ours.eval()


def torch_attention(bias: bool = True) -> nn.MultiheadAttention:
    """Torch's, with biases that are not zero."""
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, bias=bias).eval()
    for name, parameter in theirs.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return theirs


def inputs(*, double: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Query (N, H, T, D), key (N, H, S, D) and value (N, H, S, Dv), Dv unlike D."""
    dtype = torch.float64 if double else torch.float32
    shapes = ((ROWS, HEADS, QUERIES, 4), (ROWS, HEADS, KEYS, 4), (ROWS, HEADS, KEYS, 6))
    query, key, value = (torch.randn(shape, dtype=dtype, requires_grad=double) for shape in shapes)
    return query, key, value


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_self_attention_equals_torch(bias: bool, padded: bool, causal: bool, need_weights: bool) -> None:
    theirs, rows = torch_attention(bias), torch.randn(ROWS, KEYS, WIDTH)
    padding = PADDING if padded else None
    not_allowed = torch.ones(KEYS, KEYS, dtype=torch.bool).triu(1) if causal else None
    wanted, weights = theirs(
        rows, rows, rows, key_padding_mask=padding, attn_mask=not_allowed, average_attn_weights=False
    )
    given = copied(theirs)(rows, padding=padding, causal=causal, need_weights=need_weights)
    torch.testing.assert_close(given[0] if need_weights else given, wanted, **CLOSE)
    if need_weights:
        torch.testing.assert_close(given[1], weights, **CLOSE)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_cross_attention_with_a_mask_equals_torch(bias: bool, padded: bool, need_weights: bool) -> None:
    theirs = torch_attention(bias)
    query, key, value = (
        torch.randn(ROWS, QUERIES, WIDTH),
        torch.randn(ROWS, KEYS, WIDTH),
        torch.randn(ROWS, KEYS, WIDTH),
    )
    padding = PADDING if padded else None
    mask = torch.rand(ROWS * HEADS, QUERIES, KEYS) > 0.3
    mask[..., 0] = True
    wanted, weights = theirs(query, key, value, key_padding_mask=padding, attn_mask=~mask, average_attn_weights=False)
    ours = copied(theirs)
    mask = mask.unflatten(0, (ROWS, HEADS))
    given = ours(query, key, value, padding=padding, mask=mask, need_weights=need_weights)
    torch.testing.assert_close(given[0] if need_weights else given, wanted, **CLOSE)
    if need_weights:
        torch.testing.assert_close(given[1], weights, **CLOSE)


def test_the_value_is_the_key_and_the_key_the_query_unless_given() -> None:
    ours, query, key = copied(torch_attention()), torch.randn(2, 3, WIDTH), torch.randn(2, 4, WIDTH)
    torch.testing.assert_close(ours(query, key), ours(query, key, key))
    torch.testing.assert_close(ours(query), ours(query, query, query))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [None, (KEYS,), (QUERIES, KEYS), (ROWS, 1, 1, KEYS), (ROWS, HEADS, QUERIES, KEYS)])
def test_the_fused_path_equals_the_explicit_one(shape: tuple[int, ...] | None, causal: bool) -> None:
    query, key, value = inputs(double=True)
    mask = None if shape is None else torch.rand(shape) > 0.5
    fused, nothing = scaled_dot_product_attention(query, key, value, mask=mask, causal=causal)
    explicit, weights = scaled_dot_product_attention(query, key, value, mask=mask, causal=causal, need_weights=True)
    assert nothing is None
    assert weights is not None
    torch.testing.assert_close(fused, explicit)
    torch.testing.assert_close(weights @ value, explicit)


@pytest.mark.parametrize("need_weights", [False, True])
def test_torchs_fused_function_is_called_when_no_weights_are_asked_for(need_weights: bool) -> None:
    for mask in (None, torch.ones(KEYS, dtype=torch.bool)):
        with Calls() as calls:
            scaled_dot_product_attention(*inputs(), mask=mask, need_weights=need_weights)
        assert (functional.scaled_dot_product_attention in calls.seen) is not need_weights


@pytest.mark.parametrize("need_weights", [False, True])
def test_causal_is_counted_from_the_first_key(need_weights: bool) -> None:
    query, key, value = inputs()
    output, _ = scaled_dot_product_attention(query, key, value, causal=True, need_weights=need_weights)
    torch.testing.assert_close(output[:, :, 0], value[:, :, 0])
    mean, _ = scaled_dot_product_attention(0 * query, key, value, causal=True, need_weights=need_weights)
    torch.testing.assert_close(mean[:, :, 3], value[:, :, :4].mean(dim=2))


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_query_that_may_attend_to_nothing_gets_zeros_and_finite_gradients(need_weights: bool) -> None:
    query, key, value = inputs(double=True)
    mask = torch.ones(ROWS, 1, QUERIES, KEYS, dtype=torch.bool)
    mask[1], mask[2, :, 3] = False, False
    output, weights = scaled_dot_product_attention(query, key, value, mask=mask, need_weights=need_weights)
    assert not output[1].any()
    assert not output[2, :, 3].any()
    assert output[0].all()
    assert weights is None or torch.equal(weights.sum(-1).round(), mask.any(-1).expand(ROWS, HEADS, -1).double())
    output.sum().backward()
    assert all(part.grad.isfinite().all() for part in (query, key, value))
    assert not query.grad[1].any()


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_row_that_is_all_padding_gets_the_bias_of_the_output(need_weights: bool) -> None:
    ours = copied(torch_attention())
    given = ours(torch.randn(1, KEYS, WIDTH), padding=torch.ones(1, KEYS, dtype=torch.bool), need_weights=need_weights)
    output = given[0] if need_weights else given
    torch.testing.assert_close(output, ours.out_proj.bias.expand_as(output))


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_gradients_are_right(causal: bool, need_weights: bool) -> None:
    shapes = ((1, 2, 3, 2), (1, 2, 4, 2), (1, 2, 4, 3))
    parts = tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    mask = torch.rand(1, 1, 3, 4) > 0.4
    mask[:, :, 1] = False

    def output(query: Tensor, key: Tensor, value: Tensor) -> Tensor | tuple[Tensor, Tensor | None]:
        both = scaled_dot_product_attention(query, key, value, mask=mask, causal=causal, need_weights=need_weights)
        return both if need_weights else both[0]

    assert torch.autograd.gradcheck(output, parts)


@pytest.mark.parametrize("need_weights", [False, True])
def test_dropout_changes_outputs_in_training_only(need_weights: bool) -> None:
    attention, rows = MultiHeadAttention(WIDTH, HEADS, dropout=0.5), torch.randn(ROWS, KEYS, WIDTH)
    plain = copied(nn.MultiheadAttention(WIDTH, HEADS))
    plain.load_state_dict(attention.state_dict())

    def output(of: MultiHeadAttention) -> Tensor:
        given = of(rows, need_weights=need_weights)
        return given[0] if need_weights else given

    assert not torch.allclose(output(attention.train()), output(attention))
    torch.testing.assert_close(output(attention.eval()), output(plain))


@pytest.mark.parametrize("need_weights", [False, True])
def test_dropout_keeps_the_mean(need_weights: bool) -> None:
    query, key, value = (part[:1, :1].expand(4000, 1, -1, -1) for part in inputs())
    plain, _ = scaled_dot_product_attention(query[:1], key[:1], value[:1])
    dropped, _ = scaled_dot_product_attention(query, key, value, dropout=0.3, need_weights=need_weights)
    torch.testing.assert_close(dropped.mean(dim=0), plain[0], rtol=0.0, atol=0.05)


def test_weights_are_given_as_they_are_before_dropout() -> None:
    _, weights = scaled_dot_product_attention(*inputs(), dropout=0.5, need_weights=True)
    assert weights is not None
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(ROWS, HEADS, QUERIES))


def test_a_mask_that_is_not_bool_is_refused() -> None:
    with pytest.raises(TypeError, match="must be bool"):
        scaled_dot_product_attention(*inputs(), mask=torch.zeros(QUERIES, KEYS))


def test_a_width_that_does_not_divide_into_the_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="width of 10 does not divide into 4 heads"):
        MultiHeadAttention(10, 4)
