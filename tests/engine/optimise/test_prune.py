import copy
from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from engine.errors import BadArguments
from engine.models.network import Network
from engine.nets.attention import MultiHeadAttention
from engine.nets.mixed import MixedNet, build_net
from engine.nets.spec import NetSpec
from engine.optimise.core import core_feeds
from engine.optimise.errors import NothingPruned
from engine.optimise.export_net import export_network
from engine.optimise.prune import Pruned, prune, units_of
from engine.optimise.prune_size import full_row, size_of
from tests.engine.optimise.nets_to_prune import IMAGE, NUMBERS, SPECS, TEXT, network, rows

KINDS = tuple(SPECS)


@pytest.mark.parametrize("sampled", [True, False], ids=["sample", "no sample"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_pruned_network_answers_as_the_original_with_these_units_at_zero(kind: str, sampled: bool) -> None:
    given = network(kind)
    made = prune(given, 0.4, sample=rows(kind) if sampled else None)
    expected = with_zeros(given, made)
    features = rows(kind, seed=6)
    assert np.abs(made.network.outputs(features) - expected.outputs(features)).max() <= 1e-5
    assert np.abs(given.outputs(features) - expected.outputs(features)).max() > 1e-3  # zeros do make a difference


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_loses_its_share_of_units_and_the_network_gets_smaller_and_cheaper(kind: str) -> None:
    given = network(kind)
    made = prune(given, 0.5, sample=rows(kind))
    counts = {units.name: units.count for units in units_of(given.net)}
    assert {name: len(kept) for name, kept in made.kept.items()} == {
        name: count - count // 2 for name, count in counts.items()
    }
    assert made.before == size_of(given)
    assert made.after == size_of(made.network)
    assert made.after.parameters < 0.75 * made.before.parameters
    assert made.after.multiply_adds < 0.75 * made.before.multiply_adds


def test_an_lstm_really_loses_hidden_units_in_both_directions() -> None:
    made = prune(network("deep lstm"), 0.5)
    layers = made.network.net.trunks[0].net.layers
    assert [layer.ahead.hidden_size for layer in layers] == [5, 5]
    assert [layer.back.weight_hh_l0.shape for layer in layers] == [(20, 5), (20, 5)]
    assert layers[1].ahead.weight_ih_l0.shape == (20, 10)
    assert made.network.net.trunks[0].features == 20
    assert made.network.net.head[1].in_features == 20


def test_heads_go_whole_and_keep_their_width() -> None:
    attention = prune(network("encoder"), 0.5).network.net.trunks[0].net.encoder.layers[0].attention
    assert (attention.heads, attention.width) == (2, 8)
    assert attention.in_proj_weight.shape == (24, 16)
    assert attention.out_proj.weight.shape == (16, 8)


def test_norms_over_groups_keep_whole_groups() -> None:
    made = prune(network("resnet in groups"), 0.5)
    norms = [module for module in made.network.net.modules() if isinstance(module, nn.GroupNorm)]
    assert {(norm.num_groups, norm.num_channels) for norm in norms} == {(4, 8)}


@pytest.mark.parametrize("kind", KINDS)
def test_pruning_leaves_the_original_and_the_random_numbers_alone(kind: str) -> None:
    given, features = network(kind), rows(kind)
    before, state = given.outputs(features), torch.get_rng_state()
    prune(given, 0.5, sample=features)
    assert np.array_equal(given.outputs(features), before)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in given.net.modules())


@pytest.mark.parametrize("kind", KINDS)
def test_a_pruned_network_can_be_pruned_again(kind: str) -> None:
    once = prune(network(kind), 0.3, sample=rows(kind))
    twice = prune(once.network, 0.4, sample=rows(kind))
    features = rows(kind, seed=6)
    assert np.abs(twice.network.outputs(features) - with_zeros(once.network, twice).outputs(features)).max() <= 1e-5


def test_a_network_left_in_training_mode_is_pruned_as_one_that_answers() -> None:
    given = network("all, lstm and resnet")
    expected = prune(given, 0.5, sample=rows("all, lstm and resnet"))
    given.net.train()
    made = prune(given, 0.5, sample=rows("all, lstm and resnet"))
    assert made.kept == expected.kept
    assert not any(module.training for module in made.network.net.modules())
    assert given.net.training


def test_the_same_call_prunes_the_same_units() -> None:
    one, two = (prune(network("resnet"), 0.5, sample=rows("resnet")) for _ in range(2))
    assert one.kept == two.kept
    assert np.array_equal(one.network.outputs(rows("resnet")), two.network.outputs(rows("resnet")))


def test_a_pruned_network_learns_in_all_its_weights() -> None:
    made = prune(network("all, lstm and resnet"), 0.5)
    net = made.network.net.train()
    net(torch.from_numpy(rows("all, lstm and resnet"))).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.shape == weight.shape for weight in net.parameters())


def test_a_share_so_small_that_no_unit_goes_is_an_error_that_says_which_would_do() -> None:
    with pytest.raises(NothingPruned, match=r"takes no unit out of a layer of 24 units.*at least 0\.0417"):
        prune(network("table"), 0.01)


def test_a_network_with_nothing_to_take_out_is_an_error() -> None:
    spec = NetSpec(layout=NUMBERS, outputs=2, width=8, depth=0, number_embedding=0)
    given = Network("network", spec, build_net(spec).eval(), regression=False, epochs=1)
    with pytest.raises(NothingPruned, match="no layer of which a unit could be taken out"):
        prune(given, 0.9)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_outside_of_0_and_1_is_refused(share: float) -> None:
    with pytest.raises(BadArguments, match="above 0 and below 1"):
        prune(network("table"), share)


@pytest.mark.parametrize("shape", [(0, 4), (5, 3)])
def test_a_sample_that_does_not_fit_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(BadArguments, match="does not fit a network of 4 features"):
        prune(network("table"), 0.5, sample=np.zeros(shape, dtype=np.float32))


def test_a_share_next_to_1_keeps_one_unit_in_every_layer() -> None:
    made = prune(network("all, bag and conv"), 0.999)
    assert {len(kept) for kept in made.kept.values()} == {1}
    assert np.isfinite(made.network.outputs(rows("all, bag and conv"))).all()


def test_units_that_are_never_awake_go_first() -> None:
    given = network("table")
    block = given.net.trunks[0].net.blocks[0].residual
    with torch.no_grad():
        block[1].weight[::2] = 0
        block[1].bias[::2] = -1  # these hidden units are always 0 behind the activation, and their readers are the same
    made = prune(given, 0.5, sample=rows("table"))
    assert made.kept["trunks.0.net.blocks.0"] == tuple(range(1, 24, 2))


def test_layers_too_narrow_to_give_up_a_unit_are_counted() -> None:
    assert prune(network("encoder"), 0.2).notes == ("2 of 4 layers are too narrow to give up a unit",)
    assert prune(network("encoder"), 0.5).notes == ()


@pytest.mark.parametrize("kind", ["all, lstm and resnet", pytest.param("encoder", marks=pytest.mark.slow)])
def test_a_pruned_network_is_exported_as_it_answers(kind: str) -> None:
    made, features = prune(network(kind), 0.5, sample=rows(kind)).network, rows(kind, seed=6)
    model = export_network(made).model.SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    said = session.run(None, core_feeds(features, SPECS[kind].layout))[0]
    assert np.abs(said - made.predict(features)).max() < 1e-5


def test_importance_is_the_mean_square_of_what_a_unit_adds_to_its_reader() -> None:
    given = network("table")
    features = torch.from_numpy(rows("table"))
    seen: list[Tensor] = []
    reader = given.net.trunks[0].net.blocks[0].residual[4]
    with torch.inference_mode(), reader.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        given.net(features)
    added = torch.einsum("nu,ou->nuo", seen[0].double(), reader.weight.detach().double())
    expected = added.square().sum(dim=2).mean(dim=0)
    # pruning keeps the largest of these
    made = prune(given, 0.5, sample=features.numpy())
    assert set(made.kept["trunks.0.net.blocks.0"]) == set(expected.topk(12).indices.tolist())


@pytest.mark.parametrize("kind", ["encoder", "deep lstm"])
def test_padding_at_the_end_of_texts_does_not_count(kind: str) -> None:
    given = network(kind)
    features = rows(kind, 40)
    features[:30, 4:] = 0  # padded up to the longest, in which ever place they stand
    alone = [prune(given, 0.5, sample=features[row : row + 1]) for row in range(2, 4)]
    padded = [prune(given, 0.5, sample=features[[row, 1]]) for row in range(2, 4)]
    assert [made.kept for made in alone] != [made.kept for made in padded]  # the long text does count
    reader = given.net.trunks[0].net.layers[1].ahead if kind == "deep lstm" else _feed_forward(given)
    seen: list[Tensor] = []
    with torch.inference_mode(), reader.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].double())):
        for row in features:  # one by one, each without any padding
            if row[0]:
                given.net(torch.from_numpy(row[None]))
    moments = torch.cat([values.flatten(0, 1) for values in seen]).square().mean(dim=0)
    made = prune(given, 0.5, sample=features)
    if kind == "encoder":
        energy = moments * reader.weight.detach().double().square().sum(dim=0)
        assert set(made.kept["trunks.0.net.layers.0.hidden"]) == set(energy.topk(10).indices.tolist())
        return
    units = next(found for found in units_of(given.net) if found.name.endswith("layers.0.ahead"))
    after = [slot.module for slot in units.slots if slot.weight == "weight_ih_l0" and slot.reads]
    assert after == [given.net.trunks[0].net.layers[1].ahead, given.net.trunks[0].net.layers[1].back]
    states = moments[:10]  # the state itself is also what the layer reads at the next token
    weights = [lstm.weight_ih_l0.detach()[:, :10] for lstm in after]
    weights.append(given.net.trunks[0].net.layers[0].ahead.weight_hh_l0.detach())
    energy = states * torch.stack([weight.double().square().sum(dim=0) for weight in weights]).sum(dim=0)
    assert set(made.kept["trunks.0.net.layers.0.ahead"]) == set(energy.topk(5).indices.tolist())


def _feed_forward(given: Network) -> nn.Module:
    return given.net.trunks[0].net.encoder.layers[0].feed_forward[3]


@pytest.mark.parametrize("kind", ["table", "bag", "conv", "resnet"])
def test_multiply_adds_are_those_that_torch_counts(kind: str) -> None:
    given = network(kind)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        given.net(full_row(given))
    assert size_of(given).multiply_adds == counter.get_total_flops() // 2


def test_multiply_adds_of_an_lstm_and_an_encoder_are_those_reckoned_by_hand() -> None:
    length, width, hidden = 9, 16, 10
    lstm = 2 * length * 4 * hidden * (width + hidden) + 4 * hidden * 3
    assert size_of(network("lstm")).multiply_adds == lstm
    layer = length * (4 * width * width + 2 * width * 20) + 2 * length * length * width
    assert size_of(network("encoder")).multiply_adds == 2 * layer + width * 3


# the same network with units at zero, in another way than by cutting


def with_zeros(given: Network, made: Pruned) -> Network:
    """`given` with the values of the units that `made` lacks at zero, by hooks where they arise."""
    net = copy.deepcopy(given.net)
    counts = {units.name: units.count for units in units_of(net)}
    gone = {name: [unit for unit in range(counts[name]) if unit not in kept] for name, kept in made.kept.items()}
    for name, numbers in gone.items():
        _silence(net, name, numbers, counts[name])
    _blind_head(net, gone, counts)
    return Network(given.kind, given.spec, net.eval(), regression=False, epochs=1)


def _silence(net: MixedNet, name: str, gone: Sequence[int], count: int) -> None:
    if name == "head":
        _zero_before(net.head[4], gone)
        return
    _, place, _, *path = name.split(".")
    trunk = net.trunks[int(place)].net
    match path:
        case ["numbers"]:
            width = trunk.numbers.linear.out_features
            _zero_after(trunk.numbers, [f * width + u for f in range(len(trunk.numbers.frequencies)) for u in gone])
        case ["categories", which]:
            _zero_after(trunk.categories[int(which)], gone)
        case ["blocks", which]:
            _zero_before(trunk.blocks[int(which)].residual[4], gone)
        case ["tokens"]:
            _zero_after(trunk.tokens, gone)
        case ["layers", which, "ahead" | "back" as way]:
            _still(getattr(trunk.layers[int(which)], way), gone)
        case ["layers", which, "heads"]:
            attention: MultiHeadAttention = trunk.encoder.layers[int(which)].attention
            _zero_before(attention.out_proj, _channels(gone, count, attention.width))
        case ["layers", which, "hidden"]:
            _zero_before(trunk.encoder.layers[int(which)].feed_forward[3], gone)
        case ["layers", which]:  # the activation after a convolution and its norm
            _zero_after(trunk.layers[int(which) + 2], _channels(gone, count, trunk.layers[int(which)].out_channels), 1)
        case ["stages", which, "inner"]:
            residual = trunk.stages[int(which)].residual
            _zero_after(residual[2], _channels(gone, count, residual[0].out_channels), 1)
        case _:
            _silence_stream(trunk, path, gone, count)


def _silence_stream(trunk: nn.Module, path: Sequence[str], gone: Sequence[int], count: int) -> None:
    first = 0 if path == ["stem"] else int(path[1])
    if path == ["stem"]:
        _zero_after(trunk.stem, _channels(gone, count, trunk.stem[0].out_channels), 1)
    for place, block in enumerate(trunk.stages):
        goes_on = isinstance(block.shortcut, nn.Identity)
        if place > first and not goes_on:
            return
        if place >= first and (goes_on or path != ["stem"]):
            _zero_after(block, _channels(gone, count, block.residual[3].out_channels), 1)
        elif path == ["stem"]:
            return


def _channels(gone: Sequence[int], count: int, channels: int) -> list[int]:
    each = channels // count
    return [unit * each + one for unit in gone for one in range(each)]


def _zero_after(module: nn.Module, places: Sequence[int], dim: int = -1) -> None:
    module.register_forward_hook(lambda _module, _inputs, output: output.index_fill(dim, torch.tensor(places), 0.0))


def _zero_before(module: nn.Module, places: Sequence[int]) -> None:
    module.register_forward_pre_hook(lambda _module, inputs: inputs[0].index_fill(-1, torch.tensor(places), 0.0))


def _still(lstm: nn.Module, gone: Sequence[int]) -> None:
    """Without anything to write (the third gate), the state of a unit stays 0, and so does what it gives."""
    rows_of_gate = [2 * lstm.hidden_size + unit for unit in gone]
    with torch.no_grad():
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            getattr(lstm, name)[rows_of_gate] = 0


def _blind_head(net: MixedNet, gone: Mapping[str, Sequence[int]], counts: Mapping[str, int]) -> None:
    """Behind a norm over all trunks a feature of 0 is not 0: let the head not read it."""
    start = 0
    for place, trunk in enumerate(net.trunks):
        features = trunk.features
        half = features // 2
        last = [name for name in gone if name.startswith(f"trunks.{place}.")]
        match type(trunk.net).__name__:
            case "BagOfTokens":
                unread = [unit + part for unit in gone[last[0]] for part in (0, half)]
            case "LstmEncoder":
                ahead, back = last[-2:]
                states = [*gone[ahead], *(counts[ahead] + unit for unit in gone[back])]
                unread = [unit + part for unit in states for part in (0, half)]
            case "SmallConv" | "ResNet":
                unread = _channels(gone[last[-1]], counts[last[-1]], features)
            case _:
                unread = []
        with torch.no_grad():
            net.head[1].weight[:, [start + feature for feature in unread]] = 0
        start += features


def test_the_specs_of_these_tests_cover_every_kind_of_trunk() -> None:
    layouts = {spec.layout for spec in SPECS.values()}
    assert {TEXT, IMAGE} <= layouts
    names = {type(trunk.net).__name__ for kind in KINDS for trunk in network(kind).net.trunks}
    assert names == {"TabularNet", "BagOfTokens", "LstmEncoder", "PooledEncoder", "SmallConv", "ResNet"}


@pytest.mark.parametrize("name", ["lstm", "encoder", "resnet"])
def test_a_network_that_would_lose_no_unit_is_an_error_and_no_silent_copy(name: str) -> None:
    with pytest.raises(NothingPruned, match="takes no unit out"):
        prune(network(name), 0.001)


def test_an_lstm_really_becomes_smaller() -> None:
    made = prune(network("lstm"), 0.5)
    assert made.after.parameters < made.before.parameters
    assert made.after.multiply_adds < 0.5 * made.before.multiply_adds
