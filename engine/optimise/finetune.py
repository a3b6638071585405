"""Training a changed network on: from its weights, with a low rate, towards the labels and the original's answers."""

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_softmax
from torch import Tensor

from engine.errors import BadArguments
from engine.features import Matrix
from engine.models.base import Deadline, Floats, Hearing, NoTimeError, Params, Setting, Target
from engine.models.network import Network, best_temperature, train_on
from engine.models.network_params import fit_spec
from engine.nets.mixed import MixedNet
from engine.progress import Control, FitProgress, Note

RATE_SHARE = 0.5
"""Of the learning rate that a fresh network of the kind has."""
EPOCHS_SHARE = 0.5
"""Of the passes over the rows that a fresh network has, where nobody says how many."""
TOLD_EVERY_S = 0.5


@dataclass(frozen=True)
class Further:
    """How long and how fast a network is trained on. `what` says in words what for.

    With `seconds` the passes end when the time does; without, the work is fixed and gives the same bits each time.
    """

    what: str
    seconds: float | None
    epochs: int | None
    seed: int
    threads: int
    control: Control
    rate_share: float = RATE_SHARE
    epochs_share: float = EPOCHS_SHARE


def fine_tune(
    network: Network,
    features: Matrix,
    y: Target,
    *,
    teacher: Floats | None,
    valid: tuple[Matrix, Target] | None,
    seconds: float | None,
    seed: int,
    threads: int,
    control: Control,
    masks: Mapping[str, Tensor] | None = None,
    epochs: int | None = None,
    weights: Floats | None = None,
) -> Network:
    """Train a pruned or sparse network on; `network` itself is left as it is.

    The pass that is best on the `valid` rows is kept, and its temperature is found on them; where no pass is better
    than the network was before, that is what is given back. Without them it is the last pass. When `control` cancels,
    it is the best until then.

    Args:
        features: float32 (n, width).
        y: codes (n,) into the network's own outputs, or values for regression.
        teacher: the original's answers, probabilities (n, outputs) or values (n,), learned beside y.
        masks: by names of parameters, bool, False where a weight is zero and stays so.
        epochs: passes over the rows at most.
        weights: (n,) weigh the rows.

    Raises:
        BadArguments: rows, targets, answers or masks that do not fit the network or each other.
        LossNotFinite, OutOfMemory: as `engine.training.fit`.
    """
    further = Further("fine-tuning", seconds, epochs, seed, threads, control)
    given = replace(network, net=copy.deepcopy(network.net).eval())
    check_lesson(given, features, y, teacher, weights)
    if valid is not None:
        check_lesson(given, *valid, None, None)
    with _only(given.net, masks or {}):
        return train_further(given, further, features, y, teacher, valid, weights)


def train_further(
    network: Network,
    further: Further,
    features: Matrix,
    y: Target,
    teacher: Floats | None,
    valid: tuple[Matrix, Target] | None,
    weights: Floats | None = None,
) -> Network:
    """As `fine_tune` for what was checked; the net of `network` is changed."""
    begun = replace(network, net=copy.deepcopy(network.net)) if valid is not None else None
    usual = fit_spec(network.kind, network.spec.layout, len(y), {}, further.seed, None)
    params: Params = {
        "learning_rate": further.rate_share * usual.learning_rate,
        "epochs": further.epochs or max(1, round(further.epochs_share * usual.epochs)),
    }
    try:
        trained = train_on(network, features, y, params, _setting(network, further, valid, teacher, weights))
    except NoTimeError:
        return replace(network, net=network.net.eval())
    if begun is None or valid is None:
        return trained
    begun = _with_temperature(begun, valid)
    return max((trained, begun), key=lambda found: _merit(found, valid))


def check_lesson(network: Network, features: Matrix, y: Target, teacher: Floats | None, weights: Floats | None) -> None:
    """Raises: BadArguments: no rows, or rows, targets or answers that do not fit the network or each other."""
    rows, width = features.shape[0], max(block.stop for block in network.spec.layout)
    if rows == 0 or features.shape[1] != width or len(y) != rows:
        raise BadArguments(
            f"Features of shape {tuple(features.shape)} with {len(y)} targets do not fit a network of {width} features."
        )
    outputs = network.spec.outputs
    if not network.regression and (y.min() < 0 or y.max() >= outputs):
        raise BadArguments(f"The targets must be codes from 0 to {outputs - 1}, not from {y.min()} to {y.max()}.")
    expected = (rows,) if network.regression else (rows, outputs)
    if teacher is not None and teacher.shape != expected:
        raise BadArguments(f"The teacher's answers have the shape {teacher.shape}, not {expected}.")
    if weights is not None and weights.shape != (rows,):
        raise BadArguments(f"The weights of the rows have the shape {weights.shape}, not {(rows,)}.")


def _setting(
    network: Network,
    further: Further,
    valid: tuple[Matrix, Target] | None,
    teacher: Floats | None,
    weights: Floats | None,
) -> Setting:
    return Setting(
        task="regression" if network.regression else "binary" if network.spec.outputs == 2 else "multiclass",
        classes=0 if network.regression else network.spec.outputs,
        deadline=Deadline(further.control, further.seconds),
        seed=further.seed,
        threads=further.threads,
        valid=valid,
        weights=weights,
        layout=network.spec.layout,
        teacher=teacher,
        hearing=_hearing(further),
    )


def _hearing(further: Further) -> Hearing:
    """Passes on what a training says, steps only now and then."""
    told, watch = [0.0], further.control.watch

    def tick(done: int, total: int) -> None:
        now = time.monotonic()
        if now - told[0] >= TOLD_EVERY_S:
            told[0] = now
            watch(FitProgress(model=further.what, done=done, total=max(done, total)))

    def note(text: str) -> None:
        watch(Note(text=f"{further.what}: {text}"))

    return Hearing(tick=tick, note=note)


def _with_temperature(network: Network, valid: tuple[Matrix, Target]) -> Network:
    if network.regression:
        return network
    return replace(network, temperature=best_temperature(network.outputs(valid[0]), valid[1]))


def _merit(network: Network, valid: tuple[Matrix, Target]) -> float:
    """Minus the squared error, or the log loss."""
    if network.regression:
        return -float(np.mean((network.predict(valid[0]) - valid[1]) ** 2))
    scores = log_softmax(network.outputs(valid[0]) / network.temperature, axis=1)
    return float(scores[np.arange(len(scores)), valid[1].astype(np.int64)].mean())


@contextmanager
def _only(net: MixedNet, masks: Mapping[str, Tensor]) -> Iterator[None]:
    """Within, no gradient reaches weights whose mask is False: AdamW moves none that is 0 and has no gradient."""
    learned = dict(net.named_parameters())
    for name, mask in masks.items():
        if name not in learned or learned[name].shape != mask.shape:
            raise BadArguments(f"The mask of {name!r} fits no weight of the network.")
    hooks = [learned[name].register_hook(_masking(mask)) for name, mask in masks.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _masking(mask: Tensor) -> Callable[[Tensor], Tensor]:
    def masked(gradient: Tensor) -> Tensor:
        return gradient * mask.to(gradient.device)

    return masked
