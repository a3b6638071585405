"""Random numbers of a training: where they start, where they are, and that the caller's are left alone."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def derived_seed(*parts: int) -> int:
    """A seed of 63 bits for one purpose out of several, e.g. (seed, epoch): the same parts, the same seed."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(*parts: int) -> torch.Generator:
    """A generator on the CPU whose numbers follow from `parts` alone."""
    made: torch.Generator = torch.Generator().manual_seed(derived_seed(*parts))
    return made


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Start the global generators of torch (CPU and `device`) at `seed`; afterwards they are where they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def deterministic(on: bool) -> Iterator[None]:
    """Let torch use only algorithms that give the same bits every time; afterwards it is as it was.

    An operation that has no such algorithm raises a RuntimeError that names it. On CUDA, matrix products need the
    environment variable CUBLAS_WORKSPACE_CONFIG to be ':4096:8' or ':16:8' before the first of them.
    """
    if not on:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, filling = torch.backends.cudnn.benchmark, torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    # it is for finding reads of memory that nobody wrote, and makes small nets slower by half
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = benchmark
        torch.utils.deterministic.fill_uninitialized_memory = filling


def random_state(device: torch.device) -> Tensor:
    """Where the global generators are: bytes (n,), those of the CPU and then those of `device` if it is CUDA."""
    state = torch.get_rng_state()
    return torch.cat([state, torch.cuda.get_rng_state(device)]) if device.type == "cuda" else state


def set_random_state(state: Tensor, device: torch.device) -> None:
    """Put the global generators back to where `random_state` found them."""
    cpu = len(torch.get_rng_state())
    # copies, since torch reads the state from the start of a view's storage, which is another process's row
    torch.set_rng_state(state[:cpu].clone())
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[cpu:].clone(), device)
