"""Checkpointed blocks compute what plain ones do, with dropout and batch norm on."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from engine.nets.checkpointing import checkpoint_blocks
from engine.nets.encoder import Encoder
from engine.nets.resnet import ResNet
from engine.nets.tabular import TabularNet

CODES = torch.randint(0, 5, (6, 1), generator=torch.Generator().manual_seed(1))
TOKENS = torch.tensor([[3, 4, 5, 6], [8, 9, 0, 0], [0, 0, 0, 0]])
NETS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], int]] = {
    "encoder": (lambda: Encoder(10, 8, 2, layers=3, hidden=16, longest=4, dropout=0.4), (TOKENS,), 3),
    "resnet": (lambda: ResNet(1, widths=(4, 8), blocks=(2, 1)), (torch.linspace(-1, 1, 300).view(3, 1, 10, 10),), 3),
    "table": (lambda: TabularNet(2, (5,), 8, depth=2, dropout=0.4), (torch.linspace(-1, 1, 12).view(6, 2), CODES), 2),
}


def outcome(net: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    """Output, gradients and what is kept (running means and all) after one pass with fixed random numbers."""
    torch.manual_seed(7)
    output = net(*inputs)
    output.square().mean().backward()
    after = torch.rand(1)
    grads = {f"gradient of {name}": parameter.grad for name, parameter in net.named_parameters()}
    return {"output": output, "random numbers after": after, **grads, **net.state_dict()}


@pytest.mark.parametrize("name", NETS)
def test_checkpointed_equals_plain(name: str) -> None:
    make, inputs, blocks = NETS[name]
    plain = make().train()
    checkpointed = copy.deepcopy(plain)
    assert checkpoint_blocks(checkpointed, True) == blocks
    torch.testing.assert_close(outcome(checkpointed, inputs), outcome(plain, inputs), rtol=0.0, atol=1e-6)


def kept_for_the_gradient(net: nn.Module, inputs: tuple[Tensor, ...]) -> int:
    """How many numbers autograd keeps after a forward pass."""
    sizes: list[int] = []

    def note(value: Tensor) -> Tensor:
        sizes.append(value.numel())
        return value

    with torch.autograd.graph.saved_tensors_hooks(note, lambda value: value):
        net(*inputs)
    return sum(sizes)


@pytest.mark.parametrize("name", NETS)
def test_checkpointed_blocks_keep_fewer_activations(name: str) -> None:
    make, inputs, _ = NETS[name]
    net = make().train()
    before = kept_for_the_gradient(net, inputs)
    checkpoint_blocks(net, True)
    assert kept_for_the_gradient(net, inputs) < 0.8 * before
    checkpoint_blocks(net, False)
    assert kept_for_the_gradient(net, inputs) == before


@pytest.mark.parametrize("name", NETS)
def test_names_of_parameters_stay(name: str) -> None:
    net = NETS[name][0]()
    before = list(net.state_dict())
    checkpoint_blocks(net, True)
    assert list(net.state_dict()) == before


def test_batch_norms_count_again_after_the_gradient() -> None:
    make, inputs, _ = NETS["resnet"]
    net = make().train()
    checkpoint_blocks(net, True)
    for step in (1, 2):
        net(*inputs).sum().backward()
        counts = [value.item() for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")]
        assert set(counts) == {step}


def test_nothing_is_computed_twice_without_gradients() -> None:
    make, inputs, _ = NETS["encoder"]
    net = make().eval()
    with torch.inference_mode():
        plain = net(*inputs)
        checkpoint_blocks(net, True)
        torch.testing.assert_close(net(*inputs), plain)


def test_a_network_without_repeated_blocks_has_none_to_switch() -> None:
    assert checkpoint_blocks(nn.Linear(2, 2), True) == 0
