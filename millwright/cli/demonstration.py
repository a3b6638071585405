"""The work behind `millwright demo`."""

from typing import TYPE_CHECKING

from rich.console import Console

from graphs.run_types import RunRequest, RunSummary
from millwright.cli import runs, screens_run
from millwright.cli.opening import call, opened
from millwright.cli.reply import Reply
from millwright.cli.screens import cell, sentences

if TYPE_CHECKING:
    from tools.workshop import Workshop

GOAL = "predict which customers churn"
SAMPLE = "sample:churn"


def demonstrate(budget: float, json: bool) -> Reply:
    """Run the sample to a model and predict its first row."""
    request = RunRequest.of(goal=GOAL, data=SAMPLE, budget_seconds=budget, approve_all=True)
    with opened() as workshop:
        summary, exit_code = runs.run(workshop, request)
        row = first_row(workshop, summary.target)
        answer = predict_one(workshop, summary.model_id, row)
    document = {**summary.model_dump(mode="json"), "row": row, "prediction": answer}
    return Reply(document, lambda console: _show(summary, row, answer, console), json, exit_code)


def first_row(workshop: "Workshop", target: str) -> dict[str, object]:
    """The sample's first row without its target, as JSON values."""
    from engine.data.samples import sample_frame

    frame, _ = sample_frame(SAMPLE.removeprefix("sample:"))
    row = frame.drop(columns=target).iloc[0]
    return {str(name): _plain(value) for name, value in row.items()}


def predict_one(workshop: "Workshop", model: str, row: dict[str, object]) -> dict[str, object]:
    from tools.models import Predictions

    found = call(workshop, "predict", Predictions, model=model, rows=[row])
    return dict(found.predictions[0])


def _plain(value: object) -> object:
    """A cell as JSON: numpy scalars become Python's, missing becomes None."""
    plain = value.item() if hasattr(value, "item") else value
    return None if plain != plain else plain


def _show(summary: RunSummary, row: dict[str, object], answer: dict[str, object], console: Console) -> None:
    screens_run.show(summary, console)
    given = ", ".join(f"{name}={cell(value)}" for name, value in row.items())
    said = ", ".join(f"{name} {cell(value)}" for name, value in answer.items())
    console.print(sentences("", "One customer", f"  {given}", f"  {said}"))
