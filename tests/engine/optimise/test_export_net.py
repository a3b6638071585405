"""Networks as ONNX cores: every kind of network answers as its original, at any batch and length."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from engine.features_layout import Block, CategoryBlock, ImageBlock, NumberBlock, TextBlock
from engine.models.network import Network
from engine.nets.mixed import build_net
from engine.nets.recurrent import LstmLayer
from engine.nets.spec import NetSpec
from engine.optimise.core import ANSWER, OPSET, Core, core_feeds
from engine.optimise.errors import ExportFailed
from engine.optimise.export_net import export_network
from engine.optimise.export_net_check import sample_rows, why_unlike
from engine.serving.runtime import Floats
from engine.serving.session import open_session
from engine.serving.session_settings import GraphLevel, SessionSettings

LENGTH = 9


def layout(*kinds: str) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for place, kind in enumerate(kinds):
        start, name = (blocks[-1].stop if blocks else 0), f"c{place}"
        if kind == "number":
            blocks.append(NumberBlock(column=name, start=start, width=3))
        elif kind == "category":
            blocks.append(CategoryBlock(column=name, start=start, width=1, levels=4))
        elif kind == "text":
            blocks.append(TextBlock(column=name, start=start, width=LENGTH, vocabulary=30))
        else:
            blocks.append(ImageBlock(column=name, start=start, width=2 * 8 * 9, channels=2, height=8, width_=9))
    return tuple(blocks)


KINDS: dict[str, NetSpec] = {
    "table": NetSpec(layout=layout("number", "category", "number", "category"), outputs=3, width=8, depth=1),
    "categories": NetSpec(layout=layout("category", "category"), outputs=3, width=8, depth=1),
    "bag": NetSpec(layout=layout("text"), outputs=2, token_width=6),
    "lstm": NetSpec(layout=layout("text"), outputs=3, text="lstm", token_width=6, lstm_hidden=5, lstm_layers=2),
    "encoder": NetSpec(layout=layout("text"), outputs=3, text="encoder", token_width=8, heads=2, encoder_hidden=12),
    "conv": NetSpec(layout=layout("image"), outputs=3, conv_width=8),
    "resnet": NetSpec(layout=layout("image"), outputs=3, image="resnet", resnet_widths=(6, 8), resnet_blocks=(1, 1)),
    "mixed": NetSpec(
        layout=layout("text", "number", "image", "category", "text"), outputs=3, text="lstm",
        width=8, depth=1, token_width=6, lstm_hidden=5, conv_width=8,
    ),
    "regression": NetSpec(
        layout=layout("number", "text", "text"), outputs=1, text="encoder", width=8, depth=1, token_width=8, heads=2
    ),
}  # fmt: skip


def network(kind: str) -> Network:
    """With weights that make a difference, and statistics of batch norm as after training."""
    torch.manual_seed(1)
    spec = KINDS[kind]
    net = build_net(spec)
    for name, value in net.state_dict().items():
        if "running_var" in name:
            value.uniform_(0.5, 2.0)
        elif value.is_floating_point() and value.ndim < 4:  # convolutions begin large enough
            value.add_(0.3 * torch.randn_like(value))
    number = kind == "regression"
    return Network(
        kind=kind, spec=spec, net=net.eval(), regression=number, epochs=1,
        temperature=1.0 if number else 1.7, centre=40.0 if number else 0.0, scale=12.0 if number else 1.0,
    )  # fmt: skip


@cache
def exported(kind: str) -> Core:
    return export_network(network(kind))


def answers(core: Core, features: np.ndarray, blocks: Sequence[Block], level: GraphLevel = "all") -> Floats:
    session = open_session(core.model.SerializeToString(), SessionSettings(graph_level=level))
    (answer,) = session.run([ANSWER], core_feeds(features, tuple(blocks)))
    return np.asarray(answer)


def expected(original: Network, features: np.ndarray) -> Floats:
    predicted = original.predict(features)
    return predicted[:, None] if original.regression else predicted


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_answers_as_the_network_at_other_batches_and_lengths_than_the_sample_s(self, kind: str) -> None:
        original = network(kind)
        for rows in (1, 2, 5, 40):
            for length in (0, 1, 3, LENGTH):
                features = sample_rows(original.spec.layout, rows, length, seed=7)
                wanted = expected(original, features)
                answer = answers(exported(kind), features, original.spec.layout)
                assert answer.dtype == np.float64
                np.testing.assert_allclose(answer, wanted, rtol=0, atol=1e-5 * original.scale)

    def test_answers_differ_between_rows(self, kind: str) -> None:
        blocks = KINDS[kind].layout
        answer = answers(exported(kind), sample_rows(blocks, 9, LENGTH, seed=3), blocks)
        assert (answer.std(axis=0) > 1e-3).all()

    def test_answers_alike_at_all_graph_levels(self, kind: str) -> None:
        blocks = KINDS[kind].layout
        features = sample_rows(blocks, 5, LENGTH, seed=4)
        plain = answers(exported(kind), features, blocks, "none")
        for level in ("basic", "extended", "all"):
            assert np.abs(answers(exported(kind), features, blocks, level) - plain).max() < 1e-4

    def test_is_a_valid_model_by_the_newer_exporter_of_the_engine_s_opset(self, kind: str) -> None:
        core = exported(kind)
        onnx.checker.check_model(core.model, full_check=True)
        assert core.exporter == "dynamo"
        assert {entry.domain: entry.version for entry in core.model.opset_import}[""] == OPSET
        assert [value.name for value in core.model.graph.output] == [ANSWER]
        feeds = core_feeds(sample_rows(KINDS[kind].layout, 2, 2), KINDS[kind].layout)
        assert [value.name for value in core.model.graph.input] == list(feeds)

    def test_names_tell_the_layer_and_nothing_tells_of_source_files(self, kind: str) -> None:
        graph = exported(kind).model.graph
        names = [node.name for node in graph.node]
        assert len(set(names)) == len(names)
        layers = [node.name for node in graph.node if node.op_type in {"Gemm", "Conv", "LSTM"}]
        assert layers
        assert all(name.startswith(("trunks.", "head.")) for name in layers)
        assert b".py" not in exported(kind).model.SerializeToString()


class TestMode:
    @pytest.mark.parametrize("kind", ["table", "lstm", "encoder", "resnet"])
    def test_a_network_left_in_training_is_exported_in_evaluation_and_left_as_it_was(self, kind: str) -> None:
        left = network(kind)
        left.net.train()
        before = copy.deepcopy(left.net.state_dict())
        core = export_network(left)
        assert not {"Dropout", "BatchNormalization"} & {node.op_type for node in core.model.graph.node}
        assert all(module.training for module in left.net.modules())
        assert all(torch.equal(value, before[name]) for name, value in left.net.state_dict().items())
        assert all(weight.requires_grad for weight in left.net.parameters())
        features = sample_rows(left.spec.layout, 4, LENGTH)
        left.net.eval()
        assert np.abs(answers(core, features, left.spec.layout) - left.predict(features)).max() < 1e-5

    def test_nothing_is_printed_and_no_random_number_taken(self, capfd: pytest.CaptureFixture[str]) -> None:
        torch.manual_seed(5)
        original = network("bag")
        before = torch.get_rng_state()
        export_network(original)
        assert torch.equal(torch.get_rng_state(), before)
        assert capfd.readouterr() == ("", "")


class TestOtherNets:
    def test_directions_of_different_sizes_and_one_direction_alone(self) -> None:
        uneven = network("lstm")
        first, last = uneven.net.trunks[0].net.layers
        assert isinstance(first, LstmLayer)
        first.back = None
        last.ahead, last.back = nn.LSTM(5, 5, batch_first=True), nn.LSTM(5, 3, batch_first=True)
        uneven.net.head[1] = nn.Linear(16, 3)
        core = export_network(uneven)
        assert core.exporter == "dynamo"
        assert [node.op_type for node in core.model.graph.node].count("LSTM") == 3
        assert why_unlike(core.model, uneven) == ""

    def test_fewer_heads_than_the_spec_says_and_no_biases(self) -> None:
        fewer = network("encoder")
        attention = fewer.net.trunks[0].net.encoder.layers[0].attention
        kept = torch.cat([torch.arange(4) + part * 8 for part in range(3)])
        attention.in_proj_weight = nn.Parameter(attention.in_proj_weight[kept])
        attention.in_proj_bias = None
        attention.out_proj = nn.Linear(4, 8)
        attention.heads = 1
        core = export_network(fewer)
        assert core.exporter == "dynamo"
        assert why_unlike(core.model, fewer) == ""

    def test_an_encoder_of_a_class_of_its_own_is_exported_as_it_is_written(self) -> None:
        class Doubled(type(network("encoder").net.trunks[0].net.encoder)):  # type: ignore[misc]
            def forward(self, tokens: Tensor) -> Tensor:
                return 2 * super().forward(tokens)

        other = network("encoder")
        other.net.trunks[0].net.encoder.__class__ = Doubled
        core = export_network(other)
        assert "MultiHeadAttention" not in {node.op_type for node in core.model.graph.node}
        assert why_unlike(core.model, other) == ""

    def test_a_person_is_told_of_operators_that_others_do_not_know(self) -> None:
        assert any("ONNX Runtime's own" in note for note in exported("encoder").notes)
        assert exported("lstm").notes == ()

    def test_given_rows_are_compared_too(self) -> None:
        original = network("table")
        rows = sample_rows(original.spec.layout, 6, 0)
        assert why_unlike(exported("table").model, original, rows) == ""
        rows[:, 1] = np.nan  # the network's answer is no number
        assert "given row(s) otherwise" in why_unlike(exported("table").model, original, rows)


class NotForGraphs(nn.Module):
    """Goes through Python's numbers: one exporter cannot follow, the other takes them for constants."""

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.tensor(hidden.tolist())[:, :3]


class TestFailures:
    def test_what_no_exporter_can_follow_is_refused_with_both_reasons(self) -> None:
        odd = network("table")
        odd.net.head = NotForGraphs()
        with pytest.raises(ExportFailed, match=r"newer exporter there was .*; with the older one the graph"):
            export_network(odd)

    def test_a_trunk_of_another_kind_is_refused(self) -> None:
        odd = network("table")
        odd.net.trunks[0] = nn.Identity()
        with pytest.raises(ExportFailed, match="Identity"):
            export_network(odd)

    def test_a_network_whose_answers_are_no_numbers_is_refused(self) -> None:
        broken = network("table")
        with torch.no_grad():
            broken.net.head[1].bias[0] = torch.nan
        with pytest.raises(ExportFailed, match="otherwise, by up to nan"):
            export_network(broken)


@pytest.mark.parametrize("centre", [2_015.3, 1e9])
def test_values_far_from_zero_beside_their_deviation_are_exported_exactly(centre: float) -> None:
    one = replace(network("regression"), centre=centre, scale=0.7)
    assert export_network(one).exporter == "dynamo"
