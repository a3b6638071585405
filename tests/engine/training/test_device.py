"""Which device is taken, and what is said when it is not there."""

import pytest
import torch

from engine.errors import BadChoice, DeviceMissing
from engine.training.device import Cuda, choose_device, cuda_here, describe_device

NOTHING, WITHOUT_DEVICE, TWO = Cuda(built=False, devices=0), Cuda(built=True, devices=0), Cuda(built=True, devices=2)


@pytest.mark.parametrize(
    ("asked", "cuda", "device"),
    [("auto", NOTHING, "cpu"), ("auto", WITHOUT_DEVICE, "cpu"), ("auto", TWO, "cuda"), ("cpu", TWO, "cpu"),
     ("cuda", TWO, "cuda"), ("cuda:1", TWO, "cuda:1")],
)  # fmt: skip
def test_the_device_is_the_one_asked_for(asked: str, cuda: Cuda, device: str) -> None:
    assert choose_device(asked, cuda) == torch.device(device)


@pytest.mark.parametrize(
    ("asked", "cuda", "why"),
    [("cuda", NOTHING, "built without CUDA"), ("cuda", WITHOUT_DEVICE, "sees no CUDA device"),
     ("cuda:7", TWO, r"there are 2 CUDA device\(s\)")],
)  # fmt: skip
def test_a_device_that_is_not_there_is_refused_with_the_reason(asked: str, cuda: Cuda, why: str) -> None:
    with pytest.raises(DeviceMissing, match=rf"device '{asked}' cannot be used: .*{why}.* Ask for 'cpu'"):
        choose_device(asked, cuda)


@pytest.mark.parametrize("asked", ["gpu", "cuda:", "cuda:x", "CPU"])
def test_an_unknown_name_is_refused(asked: str) -> None:
    with pytest.raises(BadChoice, match=r"is not a known device\. Choose from: auto, cpu, cuda"):
        choose_device(asked, TWO)


def test_this_machine_has_a_device() -> None:
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert cuda_here().devices == torch.cuda.device_count()


def test_the_cpu_is_described_with_its_cores() -> None:
    assert describe_device(torch.device("cpu")).startswith("CPU, ")
