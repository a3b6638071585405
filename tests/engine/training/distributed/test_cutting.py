"""Models as chains of links, and balanced cuts."""

import pytest
import torch
from torch import nn

from engine.errors import BadArguments
from engine.nets.mixed import build_net
from engine.training.distributed.cutting import balanced, chain, cut
from tests.engine.training.distributed.small_job import net_spec, small_rows


@pytest.mark.parametrize(
    ("sizes", "stages", "borders"),
    [
        ([1, 1, 1, 1], 2, [2]),
        ([9, 1, 1, 1], 2, [1]),
        ([1, 1, 1, 9], 4, [1, 2, 3]),
        ([3, 3, 2, 2, 2], 2, [2]),
        ([0, 5, 0], 3, [1, 2]),
        ([4, 7], 1, []),
    ],
)
def test_the_largest_stage_is_as_small_as_can_be(sizes: list[int], stages: int, borders: list[int]) -> None:
    assert balanced(sizes, stages) == borders


@pytest.mark.parametrize("text_only", [True, False])
def test_the_links_of_a_network_give_what_it_gives(text_only: bool) -> None:
    net, features = build_net(net_spec(text_only)).eval(), small_rows().batch(torch.arange(20)).inputs[0]
    hidden = features
    for link in chain(net):
        hidden = link(hidden, features)
    torch.testing.assert_close(hidden, net(features))


def test_every_parameter_is_in_one_stage() -> None:
    net = build_net(net_spec(text_only=True))
    stages = cut(net, 3)
    held = [parameter for stage in stages for link in stage for parameter in link.parameters()]
    assert {id(parameter) for parameter in held} == {id(parameter) for parameter in net.parameters()}
    assert len(held) == len(list(net.parameters()))


def test_what_cannot_be_cut_is_named() -> None:
    shared = nn.Linear(2, 2)
    with pytest.raises(BadArguments, match="A Linear cannot be cut"):
        cut(shared, 2)
    with pytest.raises(BadArguments, match="share weights"):
        cut(nn.Sequential(shared, shared), 2)
    with pytest.raises(BadArguments, match="Use 2 processes or fewer"):
        cut(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), 3)
