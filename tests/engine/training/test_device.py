"""Which device is taken, and what is said when it is not there."""

import pytest
import torch

from engine.errors import BadChoice, DeviceMissing
from engine.training.device import Cuda, choose_device, cuda_here, describe_device, processes_on

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


@pytest.mark.parametrize(
    ("asked", "cuda", "processes", "there"),
    [("auto", NOTHING, 3, 3), ("auto", TWO, 3, 2), ("auto", Cuda(True, 1), 3, 1), ("auto", TWO, 1, 1),
     ("cpu", TWO, 3, 3), ("cuda", TWO, 2, 2), ("cuda:1", TWO, 1, 1)],
)  # fmt: skip
def test_each_process_has_a_device_of_its_own(asked: str, cuda: Cuda, processes: int, there: int) -> None:
    assert processes_on(asked, processes, cuda) == there


@pytest.mark.parametrize(("asked", "processes"), [("cuda", 3), ("cuda:0", 2)])
def test_more_processes_than_the_devices_that_were_asked_for_are_refused(asked: str, processes: int) -> None:
    with pytest.raises(DeviceMissing, match="need a GPU each"):
        processes_on(asked, processes, TWO)


@pytest.mark.parametrize("asked", ["gpu", "cuda:", "cuda:x", "CPU"])
def test_an_unknown_name_is_refused(asked: str) -> None:
    with pytest.raises(BadChoice, match=r"is not a known device\. Choose from: auto, cpu, cuda"):
        choose_device(asked, TWO)


def test_this_machine_has_a_device() -> None:
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert cuda_here().devices == torch.cuda.device_count()


def test_the_cpu_is_described_with_its_cores() -> None:
    assert describe_device(torch.device("cpu")).startswith("CPU, ")
