"""Image networks at every size they are for."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from engine.nets.resnet import BasicBlock, Norm, ResNet, SmallConv


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (64, 64), (9, 17)])
def test_images_of_any_size_give_one_vector_each(height: int, width: int, channels: int) -> None:
    images = torch.randn(2, channels, height, width)
    for net in (ResNet(channels), ResNet(channels, norm="group"), SmallConv(channels)):
        assert net(images).shape == (2, net.features)


def test_stages_halve_the_size_and_have_their_widths() -> None:
    net = ResNet(3, widths=(8, 16, 24), blocks=(2, 1, 3))
    hidden = net.stem(torch.randn(2, 3, 16, 16))
    assert hidden.shape == (2, 8, 16, 16)
    assert net.stages(hidden).shape == (2, 24, 4, 4)
    assert len(net.stages) == 6
    assert net.features == 24


@pytest.mark.parametrize(("stride", "size"), [(1, 56), (2, 28), (4, 14)])
def test_the_stem_shrinks_large_images(stride: int, size: int) -> None:
    net = ResNet(3, widths=(4,), blocks=(1,), stem_stride=stride)
    assert net.shrink(net.stem(torch.randn(1, 3, 56, 56))).shape == (1, 4, size, size)


def test_a_block_is_the_activation_of_residual_plus_shortcut() -> None:
    block, images = BasicBlock(4, 4, 1, "batch").eval(), torch.randn(2, 4, 6, 6)
    first, one, _, second, two = block.residual
    hidden = one(functional.conv2d(images, first.weight, padding=1)).relu()
    wanted = (two(functional.conv2d(hidden, second.weight, padding=1)) + images).relu()
    torch.testing.assert_close(block(images), wanted)


def test_group_norm_answers_a_row_alike_alone_and_in_a_batch() -> None:
    net, images = ResNet(1, norm="group"), torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(net(images[:1]), net(images)[:1], rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_it_overfits_sixteen_random_images(norm: Norm) -> None:
    trunk = ResNet(1, widths=(8, 16, 32), norm=norm)
    net = nn.Sequential(trunk, nn.Linear(trunk.features, 4))
    images, classes = torch.randn(16, 1, 8, 8), torch.arange(16) % 4
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.01)
    for _ in range(40):
        loss = functional.cross_entropy(net(images), classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert torch.equal(net(images).argmax(dim=1), classes)
    assert loss.item() < 0.05
