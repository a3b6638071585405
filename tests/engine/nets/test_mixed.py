"""The engine's network on every mix of columns."""

from itertools import combinations
from typing import Literal

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from engine.features_layout import Block, CategoryBlock, ImageBlock, NumberBlock, TextBlock
from engine.nets.mixed import MixedNet, NetSpec, build_net

Text = Literal["bag", "lstm", "encoder"]
KINDS = ("number", "category", "text", "image")
MIXES = [mix for count in range(1, 5) for mix in combinations(KINDS, count)]
SMALL = {"width": 16, "token_width": 8, "lstm_hidden": 8, "encoder_hidden": 16, "heads": 2, "conv_width": 8}
LONGEST, VOCABULARY, LEVELS = 6, 12, 4


def block(kind: str, start: int) -> Block:
    """One of each kind, called by its kind and the place where it starts."""
    column = f"{kind}_{start}"
    if kind == "number":
        return NumberBlock(column=column, start=start, width=3)
    if kind == "category":
        return CategoryBlock(column=column, start=start, width=1, levels=LEVELS)
    if kind == "text":
        return TextBlock(column=column, start=start, width=LONGEST, vocabulary=VOCABULARY)
    return ImageBlock(column=column, start=start, width=64, channels=1, height=8, width_=8)


def spec_of(*kinds: str, **fields: object) -> NetSpec:
    """A small network for columns of these kinds, in this order."""
    layout: list[Block] = []
    for kind in kinds:
        layout.append(block(kind, layout[-1].stop if layout else 0))
    return NetSpec.model_validate({"layout": layout, "outputs": 3, "resnet_widths": (8, 16, 16)} | SMALL | fields)


def rows_of(spec: NetSpec, count: int = 8) -> Tensor:
    """Random rows (count, W) that keep what the layout promises; texts of 0 to 4 tokens."""
    parts = []
    for part in spec.layout:
        if isinstance(part, CategoryBlock):
            parts.append(torch.randint(0, part.levels, (count, 1)).float())
        elif isinstance(part, TextBlock):
            lengths = torch.arange(count) % 5
            ids = torch.randint(1, part.vocabulary, (count, part.width))
            parts.append((ids * (torch.arange(part.width) < lengths[:, None])).float())
        else:
            parts.append(torch.randn(count, part.width))
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize("mix", MIXES, ids="+".join)
def test_every_mix_of_columns_is_answered(mix: tuple[str, ...]) -> None:
    spec = spec_of(*mix)
    net, rows = build_net(spec), rows_of(spec)
    output = net(rows)
    assert output.shape == (8, 3)
    output.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())
    torch.testing.assert_close(net.eval()(rows[:1]), net(rows)[:1], rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("text", ["bag", "lstm", "encoder"])
@pytest.mark.parametrize("image", ["conv", "resnet"])
def test_every_trunk_trains_to_a_lower_loss(text: Text, image: str) -> None:
    spec = spec_of("number", "text", "category", "image", text=text, image=image, dropout=0.0)
    net, rows, classes = build_net(spec), rows_of(spec), torch.arange(8) % 3
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.01)
    losses = []
    for _ in range(12):
        loss = functional.cross_entropy(net(rows), classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["bag", "lstm", "encoder"])
@pytest.mark.parametrize("image", ["conv", "resnet"])
def test_every_parameter_receives_a_gradient(kind: str, text: Text, image: str) -> None:
    spec = spec_of(kind, kind, text=text, image=image)
    net = build_net(spec)
    net(rows_of(spec)).square().sum().backward()
    assert [name for name, value in net.named_parameters() if value.grad is None or not value.grad.any()] == []


def test_each_column_goes_to_the_trunk_of_its_kind() -> None:
    spec = spec_of("text", "number", "image", "category", "number", "text")
    net, rows = build_net(spec).eval(), rows_of(spec)
    plain = [trunk(rows) for trunk in net.trunks]
    owners = {"number": 0, "category": 0, "text_0": 1, "text_77": 2, "image": 3}
    for part in spec.layout:
        moved = rows.clone()
        moved[:, part.start : part.stop] = rows_of(spec).flip(0)[:, part.start : part.stop]
        owner = owners.get(part.column, owners.get(part.kind))
        for index, trunk in enumerate(net.trunks):
            assert torch.equal(trunk(moved), plain[index]) is (index != owner), part.column


@pytest.mark.parametrize("kind", ["text", "image"])
def test_a_single_text_or_image_is_a_trunk_and_a_linear_head(kind: str) -> None:
    spec = spec_of(kind)
    net, rows = build_net(spec).eval(), rows_of(spec)
    torch.testing.assert_close(net(rows), net.head[1](net.trunks[0](rows)))
    assert len(net.head) == 2


@pytest.mark.parametrize("text", ["bag", "lstm", "encoder"])
def test_leaving_out_padding_columns_changes_no_answer(text: Text) -> None:
    spec = spec_of("text", text=text)
    net, short = build_net(spec).eval(), rows_of(spec)[:4]
    full = torch.cat([short, torch.full((1, LONGEST), 3.0)])
    torch.testing.assert_close(net(full)[:4], net(short), rtol=0.0, atol=1e-6)


def test_padding_columns_of_a_whole_batch_are_left_out() -> None:
    net = build_net(spec_of("text"))
    seen: list[Tensor] = []
    net.trunks[0].net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(torch.tensor([[3.0, 4.0, 0, 0, 0, 0], [5.0, 0, 0, 0, 0, 0]]))
    net(torch.zeros(2, LONGEST))
    assert [tokens.shape for tokens in seen] == [(2, 2), (2, 1)]


@pytest.mark.parametrize("text", ["bag", "lstm", "encoder"])
def test_empty_texts_and_missing_images_are_answered(text: Text) -> None:
    spec = spec_of("text", "image", text=text)
    net = build_net(spec)
    output = net(torch.zeros(4, spec.layout[-1].stop))
    output.sum().backward()
    assert output.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


@pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights")  # torch's own LSTM brings it
@pytest.mark.parametrize("text", ["bag", "lstm", "encoder"])
def test_an_exported_network_answers_batches_of_other_sizes(text: Text) -> None:
    spec = spec_of("number", "category", "text", text=text)
    net, rows = build_net(spec).eval(), rows_of(spec)
    program = torch.export.export(net, (rows[:3],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    for batch in (rows[:1], rows, torch.zeros(2, rows.shape[1])):
        torch.testing.assert_close(program.module()(batch), net(batch), rtol=0.0, atol=1e-5)


def test_large_token_ids_are_read_whole() -> None:
    spec = NetSpec(layout=(TextBlock(column="t", start=0, width=1, vocabulary=70_000),), outputs=2, token_width=2)
    net = build_net(spec).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        first, second = net(torch.tensor([[65_537.0], [65_538.0]]))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("text", ["bag", "lstm", "encoder"])
@pytest.mark.parametrize("image", ["conv", "resnet"])
def test_it_trains_in_half_precision(text: Text, image: str) -> None:
    spec = spec_of("number", "category", "text", "image", text=text, image=image)
    net, rows = build_net(spec).eval(), rows_of(spec)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = net(rows)
    output.float().square().sum().backward()
    torch.testing.assert_close(output.float(), net(rows), rtol=0.0, atol=0.05)
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_a_spec_is_read_back_equal_from_json_and_builds_the_same_names() -> None:
    spec = spec_of("number", "text", "image", text="encoder", image="resnet", number_embedding=0)
    again = NetSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    one, other = build_net(spec), build_net(again)
    other.load_state_dict(one.state_dict())
    rows = rows_of(spec)
    assert torch.equal(one.eval()(rows), other.eval()(rows))


def test_the_names_of_weights_are_stable() -> None:
    net = MixedNet(spec_of("number", "category", "text", depth=1))
    assert list(net.state_dict()) == [
        "trunks.0.net.numbers.frequencies",
        "trunks.0.net.numbers.linear.weight",
        "trunks.0.net.numbers.linear.bias",
        "trunks.0.net.categories.0.weight",
        "trunks.0.net.entry.weight",
        "trunks.0.net.entry.bias",
        *(f"trunks.0.net.blocks.0.residual.{index}.{part}" for index in (0, 1, 4) for part in ("weight", "bias")),
        "trunks.0.net.exit.0.weight",
        "trunks.0.net.exit.0.bias",
        "trunks.1.net.tokens.weight",
        *(f"head.{index}.{part}" for index in (0, 1, 4) for part in ("weight", "bias")),
    ]


@pytest.mark.parametrize(("numbers", "embedded"), [(128, True), (129, False)])
def test_very_many_numbers_enter_as_they_are(numbers: int, embedded: bool) -> None:
    net = build_net(NetSpec(layout=(NumberBlock(column="n", start=0, width=numbers),), outputs=1))
    assert (net.trunks[0].net.numbers is not None) is embedded
    assert net(torch.randn(2, numbers)).shape == (2, 1)


@pytest.mark.parametrize(("size", "stride"), [(64, 1), (65, 2), (128, 2), (224, 4)])
def test_large_images_are_made_smaller_first(size: int, stride: int) -> None:
    image = ImageBlock(column="i", start=0, width=3 * 8 * size, channels=3, height=8, width_=size)
    trunk = build_net(NetSpec(layout=(image,), outputs=2, image="resnet")).trunks[0].net
    shrunk = trunk.shrink(trunk.stem(torch.randn(1, 3, 8, size)))
    assert shrunk.shape[-1] == -(-size // stride)


def test_pixels_are_read_channel_by_channel_and_row_by_row() -> None:
    image = ImageBlock(column="i", start=1, width=2 * 8 * 9, channels=2, height=8, width_=9)
    trunk = build_net(NetSpec(layout=(image,), outputs=2)).trunks[0].eval()
    pixels = torch.randn(3, 2, 8, 9)
    rows = torch.cat([torch.zeros(3, 1), pixels.reshape(3, -1)], dim=1)
    torch.testing.assert_close(trunk(rows), trunk.net(pixels))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"layout": ()}, "at least 1 item"),
        ({"text": "encoder", "token_width": 10, "heads": 4}, "does not divide into 4 heads"),
        ({"resnet_blocks": (1, 1)}, "one entry for each stage"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_spec_that_fits_no_network_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        spec_of("text", **fields)
