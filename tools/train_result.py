"""What train_model answers: the engine's records as the tool's result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.package_info import PackageFiles
from tools.training import ImportanceRow, LeaderboardRow, MetricValue, TrainingResult, ValidationValue

if TYPE_CHECKING:
    from engine.automl.spec import FitOutcome, Preparation, Selection
    from engine.evaluate import Evaluation
    from engine.explain import Importance
    from engine.registry import ModelRecord


@dataclass(frozen=True)
class RoundFacts:
    """A run as it stands after its fits."""

    run: str
    dataset: str
    preparation: "Preparation"
    leaderboard: "list[FitOutcome]"
    seconds: float
    cancelled: bool


def round_result(facts: RoundFacts) -> TrainingResult:
    """The result of a round that does not end the run."""
    best = next((row for row in facts.leaderboard if row.validation is not None), None)
    dummy = next((row for row in facts.leaderboard if row.model == "dummy"), None)
    return TrainingResult(
        run=facts.run,
        dataset=facts.dataset,
        target=facts.preparation.target,
        task=facts.preparation.task,
        validation=_validation(facts, best.validation if best else None),
        baseline=_validation(facts, dummy.validation if dummy else None),
        best=best.model if best else None,
        leaderboard=tuple(_row(outcome) for outcome in facts.leaderboard),
        seconds=facts.seconds,
        notes=facts.preparation.notes,
        cancelled=facts.cancelled,
    )


def finished_result(
    facts: RoundFacts,
    selection: "Selection",
    evaluation: "Evaluation",
    importance: "Sequence[Importance]",
    record: "ModelRecord",
) -> TrainingResult:
    """The result of a run that is over: its model judged, packaged and registered."""
    return round_result(facts).model_copy(
        update={
            "validation": _validation(facts, selection.validation),
            "baseline": _validation(facts, selection.baseline),
            "best": selection.name,
            "notes": (*facts.preparation.notes, *selection.notes, *evaluation.notes),
            "model": record.model_id,
            "metric": MetricValue(
                name=evaluation.metric, value=evaluation.value, ci=evaluation.ci, rows=evaluation.rows
            ),
            "importance": tuple(
                ImportanceRow(column=row.column, importance=row.importance, deviation=row.deviation)
                for row in importance
            ),
            "package": str(record.package),
            "report": str(record.package / PackageFiles.REPORT),
        }
    )


def _validation(facts: RoundFacts, value: float | None) -> ValidationValue | None:
    if value is None:
        return None
    return ValidationValue(name=facts.preparation.metric, value=value, method=facts.preparation.validation_method)


def _row(outcome: "FitOutcome") -> LeaderboardRow:
    return LeaderboardRow(
        model=outcome.model,
        status=outcome.status,
        validation=outcome.validation,
        seconds=outcome.seconds,
        detail=outcome.detail,
    )
