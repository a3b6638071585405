"""From the choices of a request to what the engine trains."""

import math
from typing import TYPE_CHECKING

from engine.automl.spec import TrainSpec
from engine.errors import BadArguments, BadBudget, BadChoice, ColumnNotFound, NotFound
from engine.families import check_families
from engine.metrics import METRICS, metric_name
from tools.finding import find_dataset, find_target
from tools.training import TrainingChoices, TrainModelRequest

if TYPE_CHECKING:
    from engine.data.store import Dataset
    from tools.workshop import Workshop


def train_spec(choices: TrainingChoices, dataset: "Dataset", threads: int) -> TrainSpec:
    """What the engine is to do. The validation folds follow the dataset's split: by time, by group, or neither."""
    column = dataset.split.column
    return TrainSpec(
        target=find_target(dataset, choices.target),
        task=choices.task,
        metric=choices.metric,
        models=choices.models,
        budget_seconds=choices.budget_seconds,
        max_models=choices.max_models,
        drop=choices.drop,
        seed=choices.seed,
        threads=threads,
        device=choices.device,
        processes=choices.processes,
        order_column=column if dataset.split.method == "time" else None,
        group_column=column if dataset.split.method == "group" else None,
    )


def check_choices(workshop: "Workshop", choices: TrainingChoices) -> None:
    """Refuse at once what cannot be trained, before a job is begun for it.

    Raises:
        BadBudget: not a number of seconds from 1 up.
        NotFound, BadArguments, ColumnNotFound, BadChoice: no such dataset, run, target, column, metric or model.
        DeviceMissing: the device is not there.
    """
    budget = choices.budget_seconds
    if budget is not None and not (math.isfinite(budget) and budget >= 1):
        raise BadBudget(budget)
    if budget is None and choices.max_models is None:
        raise BadArguments(
            "The training has no limit.", "Give budget_seconds, or max_models for a fixed amount of work."
        )
    dataset = find_dataset(workshop, choices.dataset)
    find_target(dataset, choices.target)
    for name in choices.drop:
        if name not in dataset.schema_.names:
            raise ColumnNotFound(name, dataset.schema_.names)
    if choices.metric is not None and metric_name(choices.metric) not in METRICS:
        raise BadChoice("metric", choices.metric, list(METRICS))
    if choices.models is not None:
        check_families(choices.models)
    check_device(choices.device)
    if isinstance(choices, TrainModelRequest) and choices.run is not None:
        _check_run(workshop, choices.run)


def check_device(device: str) -> None:
    """Refuse a device that is not there. torch is only loaded for one that has to be looked for.

    Raises:
        BadChoice, DeviceMissing: as `engine.training.device.choose_device`.
    """
    if device in {"auto", "cpu"}:
        return
    from engine.training.device import choose_device

    choose_device(device)


def _check_run(workshop: "Workshop", run: str) -> None:
    known = sorted(path.name for path in workshop.runs.glob("run_*")) if workshop.runs.exists() else []
    if run not in known:
        raise NotFound("run", run, known)
