"""The candidates: a few good settings first, then a seeded random search, cheap ones before costly ones."""

import re
from collections.abc import Collection, Iterable, Sequence
from zlib import crc32

import numpy as np

from engine.errors import BadChoice
from engine.families import KINDS, NETWORKS, check_families, check_needs, usual_families
from engine.metrics import Metric
from engine.models.base import Params
from engine.tasks import Task

_NAME = re.compile(rf"({'|'.join(KINDS)})(?:-t([1-9]\d*))?")

_CURATED: dict[str, tuple[Params, ...]] = {
    "lightgbm": (
        # shallow and heavily smoothed: strong on small tables with many categories
        {"num_leaves": 5, "learning_rate": 0.05, "min_data_in_leaf": 40, "feature_fraction": 0.5, "lambda_l2": 5.0},
        {"num_leaves": 31, "learning_rate": 0.05, "min_data_in_leaf": 10, "feature_fraction": 0.8, "lambda_l2": 0.5},
        {"num_leaves": 63, "learning_rate": 0.03, "min_data_in_leaf": 15, "feature_fraction": 0.5, "lambda_l2": 2.0},
    ),
    "forest": ({"leaf": 1, "share": 0.35, "trees": 250}, {"leaf": 8, "share": 0.6, "trees": 200}),
    "linear": ({"strength": 3.0}, {"strength": 30.0}),
}


def candidates(
    models: Sequence[str] | None,
    max_models: int | None,
    kinds: Collection[str] = (),
    budget_seconds: float | None = None,
) -> tuple[str, ...]:
    """Names to train, the dummy first. `max_models` counts all but the dummy; tuned variants fill up to it.

    Args:
        kinds: of the columns to learn from, as `engine.families.usual_families` takes them.

    Raises:
        BadChoice: a name that is no family, or one that has nothing to look at in such columns.
    """
    usual = usual_families(kinds, budget_seconds)
    families = usual if models is None else check_families(models)
    check_needs(families, kinds)
    names = sorted(families, key=lambda name: usual.index(name) if name in usual else len(usual))
    if "lightgbm" in names and max_models is None:
        names.insert(names.index("lightgbm") + 1, "lightgbm-t1")
    if max_models is not None:
        names = names[:max_models]
        if families:
            names += more_trials(_tuned(families), max_models - len(names), names)
    return ("dummy", *names)


def _tuned(families: Sequence[str]) -> str:
    """The family whose variants fill up a fixed number of models."""
    if "lightgbm" in families:
        return "lightgbm"
    return next((family for family in families if family in NETWORKS), families[-1])


def more_trials(family: str, count: int, existing: Iterable[str]) -> list[str]:
    """The next `count` names of tuned variants of a family."""
    numbers = [
        int(match[2]) for name in existing if (match := _NAME.fullmatch(name)) and match[1] == family and match[2]
    ]
    first = max(numbers, default=0) + 1
    return [f"{family}-t{number}" for number in range(first, first + max(0, count))]


def family_of(name: str) -> str:
    """The model kind behind a candidate's name.

    Raises:
        BadChoice: not a candidate's name.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise BadChoice("candidate", name, KINDS)
    return match[1]


def params_of(name: str, metric: Metric, task: Task, seed: int) -> Params:
    """The parameters of a candidate, the same for the same name and seed."""
    family, number = family_of(name), int((_NAME.fullmatch(name) or [0, 0, 0])[2] or 0)
    loss: Params = {"loss": "absolute"} if task == "regression" and metric.name == "mae" else {}
    if family in NETWORKS and metric.uses == "labels":
        # the pass that is kept is the one with the most right labels, not the one with the best probabilities
        loss = {"judge": "labels"}
    if number == 0:
        return loss
    curated = _CURATED.get(family, ())
    if number <= len(curated):
        return curated[number - 1] | loss
    rng = np.random.default_rng([seed, crc32(name.encode())])
    return _drawn(family, rng, cost=min(1.0, number / 12)) | loss


def _drawn(family: str, rng: np.random.Generator, cost: float) -> Params:
    """A random setting; `cost` in [0, 1] lets later trials be larger and slower."""
    if family == "lightgbm":
        return {
            "num_leaves": round(2 ** rng.uniform(2, 4.5 + 2.5 * cost)),
            "learning_rate": round(float(10 ** rng.uniform(-1.2 - 0.5 * cost, -0.9)), 4),
            "min_data_in_leaf": round(2 ** rng.uniform(2, 6.5)),
            "feature_fraction": round(float(rng.uniform(0.4, 1.0)), 2),
            "bagging_fraction": round(float(rng.uniform(0.6, 1.0)), 2),
            "lambda_l2": round(float(10 ** rng.uniform(-2, 1.3)), 4),
            "cat_smooth": round(float(10 ** rng.uniform(0, 2)), 1),
            "max_bin": int(rng.choice([127, 255, 511])),
        }
    if family == "forest":
        return {
            "leaf": round(2 ** rng.uniform(0, 4.5)),
            "share": round(float(rng.uniform(0.15, 0.9)), 2),
            "trees": int(150 + 250 * cost),
        }
    if family in NETWORKS:
        return {
            "learning_rate": round(float(10 ** rng.uniform(-3.3, -2.3)), 5),
            "dropout": round(float(rng.uniform(0.05, 0.4)), 2),
            "width": int(rng.choice([64, 96, 128, 192])),
            "smoothing": float(rng.choice([0.0, 0.05, 0.1])),
        }
    return {"strength": round(float(10 ** rng.uniform(-2, 3)), 4)}


def class_power(task: Task, metric: Metric) -> float:
    """How strongly rare classes are weighed up in fitting: weight = (even share / share) ** power.

    Only where the label is the most probable class and all classes count alike; a binary label has a tuned threshold
    instead, which leaves the probabilities true.
    """
    if task != "multiclass":
        return 0.0
    return {"macro_f1": 0.5, "balanced_accuracy": 1.0}.get(metric.name, 0.0)
