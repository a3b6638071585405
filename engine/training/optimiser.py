"""The optimisers of a training."""

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from engine.training.spec import FitSpec

MOMENTUM = 0.9


def make_optimiser(model: nn.Module, spec: FitSpec, fused: bool) -> Optimizer:
    """AdamW (Loshchilov and Hutter 2019) or SGD with momentum 0.9, over all weights that are to be learned.

    Only matrices and larger weights decay: pulling biases and the scales of norms to zero is no regularisation.
    `fused` takes torch's kernel that updates all weights at once, on CUDA and on the CPU.

    Raises:
        ValueError: nothing is to be learned.
    """
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decaying = [parameter for parameter in learned if parameter.ndim >= 2]
    others = [parameter for parameter in learned if parameter.ndim < 2]
    groups = [
        {"params": decaying, "weight_decay": spec.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise ValueError("The model has no weight that is to be learned (requires_grad).")
    if spec.optimiser == "sgd":
        return SGD(groups, lr=spec.learning_rate, momentum=MOMENTUM, fused=fused)
    return AdamW(groups, lr=spec.learning_rate, fused=fused)


def set_learning_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
