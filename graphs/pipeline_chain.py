"""Dataset and kind of task -> the plan of a pipeline, with times from a pilot on this very data."""

import time
from functools import partial
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough

from agents.budget_work import on_the_clock
from agents.plan import ModelProposal
from engine.metrics import METRICS
from graphs.calls import use_once
from graphs.chain_types import PipelineAsk, PipelinePlan, PipelineStep
from graphs.decisions import CHOOSE_MODELS
from graphs.events import Emit, unheard
from graphs.proposals import propose
from tools.finding import find_dataset
from tools.sources import known_dataset
from tools.training import TrainingEstimate, family_of
from tools.workshop import Workshop

Json = dict[str, Any]
BASELINE = "dummy"


def pipeline_chain(
    workshop: Workshop, model: BaseChatModel, emit: Emit = unheard
) -> Runnable[PipelineAsk, PipelinePlan]:
    """Import the data, time a pilot of every candidate, let the model choose among them, say what it would take.

    Raises (when invoked): Fixable, the data cannot be read, has no such column, or is not known what to predict in.
    """
    return (
        RunnableLambda(partial(_loaded, workshop, emit))
        | RunnablePassthrough.assign(estimate=RunnableLambda(partial(_timed, workshop, emit)))
        | RunnablePassthrough.assign(choice=RunnableLambda(partial(_chosen, model, emit)))
        | RunnableLambda(_planned)
    )


def _loaded(workshop: Workshop, emit: Emit, asked: PipelineAsk) -> Json:
    began = time.perf_counter()
    known = known_dataset(workshop, asked.data)
    if known is None:
        given = {"source": asked.data, "target": asked.target}
        with on_the_clock():
            known = str(use_once(workshop, "import_dataset", given, emit).model_dump()["dataset"])
    seconds = round(time.perf_counter() - began, 3)
    return {"asked": asked, "dataset": find_dataset(workshop, known).id, "load_seconds": seconds}


def _timed(workshop: Workshop, emit: Emit, known: Json) -> TrainingEstimate:
    asked: PipelineAsk = known["asked"]
    given = {"dataset": known["dataset"], **asked.model_dump(include={"target", "task", "budget_seconds"})}
    with on_the_clock():
        found = use_once(workshop, "estimate_training", given, emit)
    assert isinstance(found, TrainingEstimate)
    return found


def _chosen(model: BaseChatModel, emit: Emit, known: Json) -> ModelProposal:
    asked, estimate = known["asked"], known["estimate"]
    families: dict[str, float | None] = {}
    for row in estimate.candidates:
        if row.model != BASELINE:
            families.setdefault(family_of(row.model), row.seconds)
    facts = {
        "goal": f"Predict {estimate.target}.",
        "task": estimate.task,
        "target": estimate.target,
        "rows": estimate.rows,
        "features": estimate.features,
        "class_shares": {},
        "warnings": list(estimate.notes),
        "models": list(families),
        "seconds_each": families,
        "asked": None,
        "metric": estimate.metric,
        "metrics": [metric.name for metric in METRICS.values() if estimate.task in metric.tasks],
        "budget_seconds": asked.budget_seconds,
    }
    with on_the_clock():
        return propose(model, CHOOSE_MODELS, facts, emit)


def _planned(known: Json) -> PipelinePlan:
    estimate: TrainingEstimate = known["estimate"]
    choice: ModelProposal = known["choice"]
    chosen = tuple(row for row in estimate.candidates if family_of(row.model) in (*choice.models, BASELINE))
    measured = [row.seconds for row in chosen if row.seconds is not None]
    training = round(sum(measured), 2) if len(measured) == len(chosen) else None
    names = ", ".join(choice.models)
    steps = (
        PipelineStep(name="load", what="Import the data and seal its test rows.", seconds=known["load_seconds"]),
        PipelineStep(
            name="train",
            what=f"Preprocess, fit and validate ({estimate.validation}) {names} beside a baseline.",
            seconds=training,
        ),
        PipelineStep(
            name="validate",
            what=f"Judge the best by {estimate.metric} once on the sealed rows, explain, package and register it.",
            seconds=None,
        ),
    )
    return PipelinePlan(
        **estimate.model_dump(include={"dataset", "target", "task", "metric", "validation", "rows", "features"}),
        candidates=chosen,
        steps=steps,
        seconds=round(known["load_seconds"] + (estimate.seconds if training is None else training), 2),
        memory_mb=estimate.memory_mb,
        why=choice.why,
        notes=estimate.notes,
    )
