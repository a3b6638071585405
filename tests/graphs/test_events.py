"""Events: one closed union, numbered by who records them, and the same after a trip through JSON."""

import pytest
from pydantic import ValidationError

from agents.plan import Plan, Step
from engine.progress import FitStarted
from graphs.events import (
    EVENT,
    ApprovalWanted,
    Artifact,
    Event,
    Metric,
    PlanProposed,
    RunFailed,
    RunFinished,
    TextDelta,
    ToolFinished,
    ToolProgress,
    ToolStarted,
    with_sequence,
)

ALL: list[Event] = [
    TextDelta(text="Hm"),
    PlanProposed(run="run_1", plan=Plan(goal="g", steps=(Step(tool="train_model"),))),
    ApprovalWanted(approval="1", tool="promote_model", arguments={"model": "mdl_1"}, why="It writes."),
    ToolStarted(call="c", tool="add", arguments={"a": 1}),
    ToolProgress(call="c", tool="add", progress=FitStarted(model="linear", index=1, total=2)),
    ToolFinished(call="c", tool="add", seconds=0.5, result={"value": 1}),
    Metric(name="roc_auc", value=0.9, rows="test", ci=(0.8, 0.95)),
    Artifact(name="report", path="/r.html"),
    RunFinished(run="run_1"),
    RunFailed(run="run_1", code="disk_full", sentence="The disk is full."),
]


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.kind)
def test_an_event_is_the_same_after_a_trip_through_json(event: Event) -> None:
    assert EVENT.validate_json(event.model_dump_json()) == event


def test_a_number_is_given_to_a_copy() -> None:
    assert [with_sequence(event, place).sequence for place, event in enumerate(ALL[:3], 7)] == [7, 8, 9]


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ALL[0].sequence = 3  # type: ignore[misc]
