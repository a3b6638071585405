"""A small training of texts and numbers, for tests in several processes and in one."""

from pathlib import Path

import torch

from engine.features_layout import NumberBlock, TextBlock
from engine.nets.spec import NetSpec
from engine.training.distributed.job import FitJob, write_job
from engine.training.fit import fit
from engine.training.losses import CrossEntropy
from engine.training.rows import TensorRows
from engine.training.spec import FitReport, FitSpec

TEXTS = TextBlock(column="text", start=0, width=12, vocabulary=50)
NUMBERS = NumberBlock(column="number", start=12, width=3)
# no dropout: processes draw other numbers. The rows do not divide by a step of 16: the last one is smaller
ROWS = 75
SPEC = FitSpec(epochs=1, batch_size=4, accumulate=2, optimiser="sgd", learning_rate=0.1)


def net_spec(text_only: bool = False) -> NetSpec:
    """An encoder of two layers over the texts, beside a trunk for the numbers or alone."""
    return NetSpec(
        layout=(TEXTS,) if text_only else (TEXTS, NUMBERS),
        outputs=2,
        text="encoder",
        token_width=16,
        encoder_hidden=32,
        encoder_layers=2,
        heads=2,
        width=16,
        dropout=0.0,
    )


def small_rows() -> TensorRows:
    """Texts of different lengths and three numbers; the class follows from a number and a token, with weights."""
    generator = torch.Generator().manual_seed(7)
    tokens = torch.randint(2, 50, (ROWS, 12), generator=generator).float()
    lengths = torch.randint(1, 13, (ROWS, 1), generator=generator)
    tokens = tokens.masked_fill(torch.arange(12) >= lengths, 0)
    numbers = torch.randn(ROWS, 3, generator=generator)
    target = ((numbers[:, 0] > 0) ^ (tokens[:, 0] > 25)).long()
    return TensorRows(torch.cat([tokens, numbers], dim=1), target, torch.rand(ROWS, generator=generator) + 0.5)


def small_job(folder: Path, spec: FitSpec, text_only: bool = False) -> FitJob:
    """A job over those rows, validated by some of them."""
    rows = small_rows()
    valid = rows.batch(torch.arange(21))
    return write_job(
        folder,
        net=net_spec(text_only),
        fit=spec,
        loss=CrossEntropy(),
        rows=rows,
        valid=TensorRows(valid.inputs, valid.target),
        score="roc_auc",
    )


def alone(job: FitJob) -> tuple[dict[str, torch.Tensor], FitReport]:
    """The weights and the report of the job done in this process."""
    net, (rows, valid) = job.net(), job.rows()
    report = fit(net, rows, job.loss(), job.fit(), valid=valid, score=job.score())
    return net.state_dict(), report


def farthest(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest difference between two sets of weights of the same names."""
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)
