"""The LSTM equals torch's packed one, without packing."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from engine.nets.recurrent import LstmEncoder, reversed_places

WIDTH, HIDDEN = 6, 5
TOKENS = torch.tensor([[3, 4, 5, 6, 7], [8, 9, 2, 0, 0], [2, 0, 0, 0, 0]])
LENGTHS = torch.tensor([5, 3, 1])


def copied(theirs: nn.LSTM) -> LstmEncoder:
    """Ours with the weights of torch's, in evaluation mode."""
    ours = LstmEncoder(10, WIDTH, HIDDEN, layers=theirs.num_layers, bidirectional=theirs.bidirectional).eval()
    for index, layer in enumerate(ours.layers):
        for net, ending in ((layer.ahead, ""), (layer.back, "_reverse")):
            for name, value in {} if net is None else dict(net.named_parameters()).items():
                value.data = getattr(theirs, name.replace("_l0", f"_l{index}{ending}")).data
    return ours


def packed(theirs: nn.LSTM, embedded: Tensor) -> Tensor:
    """What torch's LSTM says of packed rows, pooled: mean and greatest side by side (N, 2 * H)."""
    rows, _ = theirs(pack_padded_sequence(embedded, LENGTHS, batch_first=True))
    hidden, _ = pad_packed_sequence(rows, batch_first=True)
    parts = [row[:length] for row, length in zip(hidden, LENGTHS, strict=True)]
    return torch.stack([torch.cat([part.mean(dim=0), part.amax(dim=0)]) for part in parts])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_it_equals_torchs_packed_lstm(layers: int, bidirectional: bool) -> None:
    theirs = nn.LSTM(WIDTH, HIDDEN, layers, batch_first=True, bidirectional=bidirectional)
    ours = copied(theirs)
    assert ours(TOKENS).shape == (3, ours.features)
    torch.testing.assert_close(ours(TOKENS), packed(theirs, ours.tokens(TOKENS)), rtol=0.0, atol=1e-6)


def test_places_are_reversed_within_the_length() -> None:
    places = reversed_places(torch.tensor([[True, True, True, False], [False] * 4]))
    assert places.tolist() == [[2, 1, 0, 3], [0, 1, 2, 3]]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_no_answer(bidirectional: bool) -> None:
    net = LstmEncoder(10, WIDTH, HIDDEN, layers=2, bidirectional=bidirectional).eval()
    longer = torch.cat([TOKENS, torch.zeros(3, 4, dtype=torch.int64)], dim=1)
    torch.testing.assert_close(net(longer), net(TOKENS), rtol=0.0, atol=1e-6)


def test_a_row_of_padding_gets_zeros_and_finite_gradients() -> None:
    net = LstmEncoder(10, WIDTH, HIDDEN)
    output = net(torch.cat([TOKENS, torch.zeros(1, 5, dtype=torch.int64)]))
    assert not output[3].any()
    output.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_the_backward_direction_reads_the_tokens_in_reverse() -> None:
    net = LstmEncoder(10, WIDTH, HIDDEN).eval()
    net.layers[0].back.load_state_dict(net.layers[0].ahead.state_dict())
    turned = torch.tensor([[7, 6, 5, 4, 3]])
    ahead, back = slice(0, HIDDEN), slice(HIDDEN, 2 * HIDDEN)
    torch.testing.assert_close(net(turned)[:, ahead], net(TOKENS[:1])[:, back])
    assert not torch.allclose(net(TOKENS[:1])[:, ahead], net(TOKENS[:1])[:, back])


def test_dropout_changes_outputs_in_training_only() -> None:
    net = LstmEncoder(10, WIDTH, HIDDEN, dropout=0.5)
    assert not torch.allclose(net.train()(TOKENS), net(TOKENS))
    torch.testing.assert_close(net.eval()(TOKENS), net(TOKENS))
