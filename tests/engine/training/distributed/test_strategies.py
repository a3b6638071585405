"""What goes together, and what does not."""

import subprocess
import sys

import pytest
import torch

from engine.errors import BadArguments, DeviceMissing
from engine.training.distributed.group import Group, clip_together, process_group
from engine.training.distributed.strategies import check_together
from engine.training.spec import DistributedSpec, FitSpec

PIPELINE = DistributedSpec(strategy="pipeline", processes=2)


@pytest.mark.parametrize(
    ("fit", "spec", "named"),
    [
        (FitSpec(), DistributedSpec(processes=2), "would each train the same"),
        (FitSpec(), DistributedSpec(strategy="ddp", nodes=2), "need an address"),
        (FitSpec(), DistributedSpec(strategy="ddp", nodes=2, address="host"), "HOST:PORT"),
        (FitSpec(precision="fp16"), PIPELINE, "fp16"),
        (FitSpec(seconds=10), PIPELINE, "time limit"),
        (FitSpec(compile=True), PIPELINE, "compile"),
    ],
)
def test_what_does_not_go_together_is_refused(fit: FitSpec, spec: DistributedSpec, named: str) -> None:
    with pytest.raises(BadArguments, match=named):
        check_together(fit, spec)


def test_what_goes_together_is_let_through() -> None:
    check_together(FitSpec(), DistributedSpec())
    check_together(FitSpec(precision="fp16", seconds=10), DistributedSpec(strategy="fsdp", processes=2))
    check_together(FitSpec(), DistributedSpec(strategy="ddp", nodes=2, address="host:29500"))


def test_a_process_that_nobody_started_with_others_is_told_so() -> None:
    with pytest.raises(BadArguments, match="not one of several"), process_group(DistributedSpec()):
        pass


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_nccl_without_cuda_is_refused() -> None:
    with pytest.raises(DeviceMissing, match="nccl"), process_group(DistributedSpec(backend="nccl")):
        pass


class OneOfOne(Group):
    """A group that needs no others."""

    def total(self, value: torch.Tensor) -> torch.Tensor:
        return value


def test_clipping_together_follows_the_rule_of_torch() -> None:
    ours = [torch.tensor([3.0, 4.0]), torch.tensor([12.0])]
    norm = clip_together(ours, 1.0, OneOfOne(0, 1, torch.device("cpu")))
    theirs = [torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))]
    theirs[0].grad, theirs[1].grad = torch.tensor([3.0, 4.0]), torch.tensor([12.0])
    assert norm == torch.nn.utils.clip_grad_norm_(theirs, 1.0)
    torch.testing.assert_close(ours, [each.grad for each in theirs])


def test_the_package_and_the_deepspeed_configuration_load_no_torch() -> None:
    code = (
        "import sys, engine.training.distributed, engine.training.distributed.deepspeed, "
        "engine.training.distributed.starter, engine.training.distributed.worker; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
