"""Pooling and the bag look at valid places only."""

import torch

from engine.nets.bag import BagOfTokens
from engine.nets.tokens import masked_max, masked_mean, token_embedding

HIDDEN = torch.tensor([[[1.0, -1.0], [3.0, -5.0], [99.0, 99.0]], [[7.0, 7.0], [7.0, 7.0], [7.0, 7.0]]])
VALID = torch.tensor([[True, True, False], [False, False, False]])


def test_the_mean_is_over_valid_places() -> None:
    assert masked_mean(HIDDEN, VALID).tolist() == [[2.0, -3.0], [0.0, 0.0]]


def test_the_greatest_is_over_valid_places() -> None:
    assert masked_max(HIDDEN, VALID).tolist() == [[3.0, -1.0], [0.0, 0.0]]


def test_gradients_reach_valid_places_only() -> None:
    hidden = HIDDEN.clone().requires_grad_()
    (masked_max(hidden, VALID) + masked_mean(hidden, VALID)).sum().backward()
    assert hidden.grad.isfinite().all()
    assert hidden.grad[0, :2].any()
    assert not hidden.grad[~VALID].any()


def test_padding_is_embedded_as_zeros_and_learns_nothing() -> None:
    table = token_embedding(5, 3)
    table(torch.tensor([[1, 0]])).sum().backward()
    assert not table.weight[0].any()
    assert table.weight.grad.any(dim=1).tolist() == [False, True, False, False, False]


def test_padding_and_order_change_no_answer_of_the_bag() -> None:
    net = BagOfTokens(10, 4)
    short = net(torch.tensor([[3, 4, 5]]))
    assert short.shape == (1, net.features)
    torch.testing.assert_close(net(torch.tensor([[5, 3, 4, 0, 0]])), short, rtol=0.0, atol=1e-6)
    assert not torch.allclose(net(torch.tensor([[3, 4, 6]])), short)


def test_an_empty_text_is_a_bag_of_zeros() -> None:
    assert not BagOfTokens(10, 4)(torch.zeros(2, 3, dtype=torch.int64)).any()
