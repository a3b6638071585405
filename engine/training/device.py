"""Which device a training runs on."""

import re
from dataclasses import dataclass

import torch

from engine.environment import available_cores
from engine.errors import BadChoice, DeviceMissing


@dataclass(frozen=True)
class Cuda:
    """What there is of CUDA: whether this torch was built with it, and the number of its devices."""

    built: bool
    devices: int


def cuda_here() -> Cuda:
    """What this machine and this torch have."""
    return Cuda(torch.version.cuda is not None, torch.cuda.device_count() if torch.cuda.is_available() else 0)


def choose_device(asked: str = "auto", cuda: Cuda | None = None) -> torch.device:
    """'auto' (CUDA if it can be used, else the CPU), 'cpu', 'cuda' or 'cuda:N'. `cuda` is looked up when None.

    Raises:
        BadChoice: another name.
        DeviceMissing: CUDA, or that device of it, is not there.
    """
    cuda = cuda or cuda_here()
    if asked == "auto":
        return torch.device("cuda" if cuda.devices else "cpu")
    if asked == "cpu":
        return torch.device("cpu")
    if not re.fullmatch(r"cuda(:\d+)?", asked):
        raise BadChoice("device", asked, ["auto", "cpu", "cuda", "cuda:0"])
    if not cuda.built:
        raise DeviceMissing(asked, "this torch was built without CUDA")
    if not cuda.devices:
        raise DeviceMissing(asked, "torch sees no CUDA device (is there one, and a driver for it?)")
    device = torch.device(asked)
    if device.index is not None and device.index >= cuda.devices:
        raise DeviceMissing(asked, f"there are {cuda.devices} CUDA device(s), counted from 0")
    return device


def processes_on(asked: str, processes: int, cuda: Cuda | None = None) -> int:
    """How many of the processes that are wished for train on the device 'auto', 'cpu', 'cuda' or 'cuda:N': on CUDA
    each needs a device of its own, counted from the first, so that 'auto' takes no more than there are.

    Raises:
        DeviceMissing: CUDA was asked for, and there are fewer devices, or one was asked for by its number.
    """
    cuda = cuda or cuda_here()
    if processes == 1 or choose_device(asked, cuda).type == "cpu":
        return processes
    if asked == "auto":
        return min(processes, cuda.devices)
    if asked != "cuda" or cuda.devices < processes:
        raise DeviceMissing(asked, f"{processes} processes need a GPU each, counted from the first")
    return processes


def describe_device(device: torch.device) -> str:
    """In words, for a report: 'CPU, 2 cores' or 'NVIDIA A100 (80 GiB)'."""
    if device.type != "cuda":
        return f"CPU, {available_cores()} cores"
    found = torch.cuda.get_device_properties(device)
    return f"{found.name} ({found.total_memory / 2**30:.0f} GiB)"
