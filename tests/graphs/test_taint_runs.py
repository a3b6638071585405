"""A run under a yes to all promotes only what its goal plainly orders, whatever the model proposes."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from agents.scripted import ScriptedModel, call, say
from engine.errors import BadArguments
from graphs.run_types import RunRequest, RunSummary, StepWaiting
from graphs.runs import start_run
from tests.graphs.planshop import plan_workshop

Saver = BaseCheckpointSaver[Any]


def run_to_all(home: Path, saver: Saver, rows: Path, goal: str, *edits: str) -> RunSummary:
    """A run in which the model proposes to promote, and whoever is asked says yes."""

    def agree(step: StepWaiting) -> bool:
        return True

    arguments = {"model": "$finish.model", "alias": "champion"}
    step = {"tool": "promote_model", "arguments": arguments, "why": "Because."}
    model = ScriptedModel(script=[call("propose_steps", steps=[step]), *[say("no proposal")] * 20])
    request = RunRequest.of(goal=goal, data=str(rows), target="y", max_models=1, approve_all=True, edits=edits)
    return start_run(plan_workshop(home), model, saver, request, approve_step=agree)


def promotions(summary: RunSummary) -> list[str]:
    return [step.state for step in summary.steps if step.tool == "promote_model"]


def test_a_plain_order_is_followed(home: Path, saver: Saver, rows: Path) -> None:
    assert promotions(run_to_all(home, saver, rows, "predict y, then promote it")) == ["done"]


@pytest.mark.parametrize(
    "words",
    ["Promote it? No!", "should we deploy it later?", "if I say yes, promote it", "promote it when I say so"],
)
def test_a_question_a_refusal_or_a_condition_promotes_nothing(home: Path, saver: Saver, rows: Path, words: str) -> None:
    assert promotions(run_to_all(home, saver, rows, f"predict y for production. {words}")) == []


def test_an_edit_that_sets_a_condition_promotes_nothing(home: Path, saver: Saver, rows: Path) -> None:
    with pytest.raises(BadArguments, match="changes nothing"):
        run_to_all(home, saver, rows, "predict y for production", "promote it when I say so")
