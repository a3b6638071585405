"""From what is typed on the command line to what tools and graphs are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import typer

from engine.errors import BadChoice, UnknownKind

if TYPE_CHECKING:
    from graphs.run_types import RunRequest


def kinds_from(pairs: Sequence[str] | None) -> dict[str, str]:
    """`["age=number"]` as a mapping. The last '=' divides, since a column name may hold one.

    Raises:
        UnknownKind: named with the column it was asked for.
    """
    from tools.data import Kind

    kinds: dict[str, str] = {}
    for pair in pairs or ():
        column, equals, kind = pair.rpartition("=")
        if not equals or not column:
            raise typer.BadParameter(f"{pair!r} is not COLUMN=KIND.", param_hint="--kind")
        if kind not in get_args(Kind):
            raise UnknownKind(column, kind, get_args(Kind))
        kinds[column] = kind
    return kinds


def split_from(split: str) -> tuple[str, str | None]:
    """Method and column, e.g. ("time", "date") of "time:date".

    Raises:
        BadChoice: an unknown method.
    """
    from tools.data import ImportDatasetRequest

    methods = get_args(ImportDatasetRequest.model_fields["split"].annotation)
    method, colon, column = split.partition(":")
    if method not in methods:
        raise BadChoice("split", method, methods)
    return method, (column if colon else None)


def models_from(names: str | None) -> list[str] | None:
    """`"linear,forest"` as a list; None stays None (all candidates)."""
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


@dataclass(frozen=True)
class Choices:
    """What a training is asked for on the command line."""

    data: str
    target: str | None
    budget: float | None
    metric: str | None
    models: str | None
    max_models: int | None
    drop: list[str] | None
    kinds: list[str] | None
    split: str
    seed: int
    device: str = "auto"
    processes: int = 1

    @property
    def budget_seconds(self) -> float | None:
        """Seconds; those of the settings by default, and None in fixed-count mode, where the clock does not count."""
        if self.max_models is not None:
            return None
        if self.budget is not None:
            return self.budget
        from millwright.settings import Settings

        return Settings().budget_seconds

    @property
    def defaults(self) -> list[str]:
        """The limits that nobody typed; a seed of 0 counts as not typed."""
        timed = self.budget is not None or self.max_models is not None
        typed = {"budget_seconds": timed, "max_models": timed, "seed": self.seed != 0}
        return [name for name, was_typed in typed.items() if not was_typed]

    def training(self) -> dict[str, object]:
        """Arguments of train_model, but for the dataset."""
        return {
            "target": self.target,
            "metric": self.metric,
            "models": models_from(self.models),
            "budget_seconds": self.budget_seconds,
            "max_models": self.max_models,
            "drop": self.drop or [],
            "seed": self.seed,
            "device": self.device,
            "processes": self.processes,
        }

    def importing(self) -> dict[str, object]:
        """Arguments of import_dataset, but for the source."""
        method, column = split_from(self.split)
        kinds = kinds_from(self.kinds)
        return {"target": self.target, "kinds": kinds, "split": method, "split_column": column, "seed": self.seed}

    def request(self, goal: str, approve_all: bool = False) -> "RunRequest":
        """The request of a run.

        Raises:
            BadArguments, BadBudget, BadChoice, UnknownKind: something on the command line cannot be used.
        """
        from graphs.run_types import RunRequest

        everything = {**self.training(), **self.importing()}
        return RunRequest.of(goal=goal, data=self.data, approve_all=approve_all, defaults=self.defaults, **everything)
