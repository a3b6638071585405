import zlib

import numpy as np
import pytest
import torch

from engine.errors import BadArguments
from engine.optimise.errors import NothingPruned
from engine.optimise.sparse import packed_bytes, sparsify, zero_share
from tests.engine.optimise.nets_to_prune import SPECS, network, rows

KINDS = tuple(SPECS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_share_of_all_weights_becomes_zero_and_no_other_number_changes(kind: str) -> None:
    given = network(kind)
    made = sparsify(given, 0.6)
    before, after = dict(given.net.named_parameters()), dict(made.network.net.named_parameters())
    count = sum(mask.numel() for mask in made.masks.values())
    assert sum(int((~mask).sum()) for mask in made.masks.values()) == int(0.6 * count)
    for name, value in before.items():
        expected = value * made.masks[name] if name in made.masks else value
        assert torch.equal(after[name], expected)
    zeros = sum(int((value == 0).sum()) for value in after.values())
    assert made.zeros == zeros / sum(value.numel() for value in after.values()) == zero_share(made.network.net)


@pytest.mark.parametrize("kind", ["lstm", "encoder", "resnet", "all, bag and conv"])
def test_weights_of_every_kind_of_layer_take_part_and_none_is_emptied(kind: str) -> None:
    made = sparsify(network(kind), 0.9)
    expected = {
        name
        for name, value in made.network.net.named_parameters()
        if value.ndim > 1 and "positions" not in name and "frequencies" not in name
    }
    assert set(made.masks) == expected
    assert all(0 < int(mask.sum()) < mask.numel() for mask in made.masks.values())


def test_of_one_layer_the_smallest_weights_go() -> None:
    given = network("table")
    made = sparsify(given, 0.5)
    for name, mask in made.masks.items():
        weight = dict(given.net.named_parameters())[name].detach().abs()
        assert weight[~mask].max() <= weight[mask].min()


def test_layers_are_compared_by_what_their_weights_add_to_their_layer_and_not_by_their_scale() -> None:
    given, scaled = network("table"), network("table")
    with torch.no_grad():
        scaled.net.trunks[0].net.blocks[0].residual[4].weight.mul_(1000)
    one, other = sparsify(given, 0.7).masks, sparsify(scaled, 0.7).masks
    differing = sum(int((one[name] != other[name]).sum()) for name in one)
    assert differing <= 2  # but for the last bits of the scores


def test_the_file_gets_smaller_when_packed_and_not_as_it_is() -> None:
    made = sparsify(network("all, lstm and resnet"), 0.8)
    state = made.network.net.state_dict().values()
    raw = b"".join(value.numpy().tobytes() for value in state)
    assert made.dense_bytes == len(raw)
    assert made.packed_after == packed_bytes(made.network.net) == len(zlib.compress(raw, 6))
    assert made.packed_after < 0.6 * made.packed_before <= made.dense_bytes


def test_the_original_stays_as_it_is_and_what_is_made_answers_in_evaluation_mode() -> None:
    given, features = network("all, lstm and resnet"), rows("all, lstm and resnet")
    before = given.outputs(features)
    given.net.train()
    made = sparsify(given, 0.5)
    assert not any(module.training for module in made.network.net.modules())
    given.net.eval()
    assert np.array_equal(given.outputs(features), before)


def test_a_share_that_sets_no_weight_to_zero_is_an_error() -> None:
    with pytest.raises(NothingPruned, match="sets none to zero"):
        sparsify(network("table"), 1e-6)
    once = sparsify(network("table"), 0.5)
    with pytest.raises(NothingPruned, match="zero already"):
        sparsify(once.network, 0.3)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_a_share_outside_of_0_and_1_is_refused(share: float) -> None:
    with pytest.raises(BadArguments, match="above 0 and below 1"):
        sparsify(network("table"), share)
