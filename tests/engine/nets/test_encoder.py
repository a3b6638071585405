"""The encoder equals torch's layer by layer, and padding never changes what it says."""

import pytest
import torch
from torch import nn

from engine.errors import SequenceTooLong
from engine.nets.encoder import Encoder, EncoderLayer, PooledEncoder

WIDTH, HEADS, HIDDEN = 16, 4, 32
TOKENS = torch.tensor([[3, 4, 5, 6, 7], [8, 9, 0, 0, 0], [2, 0, 0, 0, 0]])
NAMES = {
    "self_attn": "attention",
    "norm1": "attention_norm",
    "norm2": "feed_forward_norm",
    "linear1": "feed_forward.0",
    "linear2": "feed_forward.3",
}


def copied(theirs: nn.TransformerEncoderLayer) -> EncoderLayer:
    """Ours with the weights of torch's."""
    ours = EncoderLayer(WIDTH, HEADS, HIDDEN)
    state = {}
    for name, value in theirs.state_dict().items():
        first, _, rest = name.partition(".")
        state[f"{NAMES[first]}.{rest}"] = value
    ours.load_state_dict(state)
    return ours


def encoder(longest: int = 12, dropout: float = 0.0) -> Encoder:
    return Encoder(20, WIDTH, HEADS, layers=2, hidden=HIDDEN, longest=longest, dropout=dropout)


def test_a_layer_equals_torchs() -> None:
    theirs = nn.TransformerEncoderLayer(
        WIDTH, HEADS, HIDDEN, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    hidden, padding = torch.randn(3, 5, WIDTH), TOKENS == 0
    wanted = theirs(hidden, src_key_padding_mask=padding)
    torch.testing.assert_close(copied(theirs)(hidden, padding), wanted, rtol=0.0, atol=1e-5)


def test_the_shapes_are_those_of_the_docstrings() -> None:
    net = encoder()
    assert net(TOKENS).shape == (3, 5, WIDTH)
    assert PooledEncoder(net)(TOKENS).shape == (3, net.features)


def test_padding_changes_no_answer() -> None:
    net = PooledEncoder(encoder()).eval()
    longer = torch.cat([TOKENS, torch.zeros(3, 6, dtype=torch.int64)], dim=1)
    torch.testing.assert_close(net(longer), net(TOKENS), rtol=0.0, atol=1e-6)


def test_a_row_is_answered_alike_alone_and_beside_longer_ones() -> None:
    net = PooledEncoder(encoder()).eval()
    torch.testing.assert_close(net(TOKENS[1:2, :2])[0], net(TOKENS)[1], rtol=0.0, atol=1e-6)


def test_a_row_of_padding_gets_zeros_and_finite_gradients() -> None:
    net = PooledEncoder(encoder())
    output = net(torch.zeros(2, 4, dtype=torch.int64))
    assert torch.equal(output, torch.zeros(2, WIDTH))
    net(torch.cat([TOKENS[:, :4], torch.zeros(2, 4, dtype=torch.int64)])).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_the_order_of_tokens_matters() -> None:
    net = PooledEncoder(encoder()).eval()
    assert not torch.allclose(net(TOKENS[:1]), net(TOKENS[:1].flip(1)), atol=1e-4)


def test_a_sequence_longer_than_the_positions_is_named() -> None:
    net = encoder(longest=4)
    assert net(TOKENS[:, :4]).isfinite().all()
    with pytest.raises(SequenceTooLong, match=r"5 tokens is longer than the 4 .* Cut it"):
        net(TOKENS)


def test_dropout_changes_outputs_in_training_only() -> None:
    net = encoder(dropout=0.3)
    assert not torch.allclose(net.train()(TOKENS), net(TOKENS))
    torch.testing.assert_close(net.eval()(TOKENS), net(TOKENS))
