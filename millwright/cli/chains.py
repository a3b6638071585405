"""`millwright chain` (a question, a program, a plan: one answer each) and `millwright research` (the team)."""

from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.opening import opened, opened_mind
from millwright.cli.options import Data, Json, Seed, Target
from millwright.cli.plain import plain
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from graphs.chain_types import ChainAnswer, CodeAnswer, PipelinePlan
    from graphs.research_types import ResearchSummary

app = typer.Typer(help="One answer: to a question, as a program, or as the plan of a pipeline.", no_args_is_help=True)
OptionalData = Annotated[
    str | None, typer.Option("--data", metavar="SOURCE", help="A file, 'sample:NAME', or a dataset imported before.")
]
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="What you want to know, in words.")]


@app.command("answer")
def answer(question: Question, json: Json = False) -> Reply:
    """Answer a question from the indexed documents, or from the datasets and models there are."""
    from graphs.chains import answer_chain
    from graphs.documents import search_of

    with opened() as workshop, opened_mind(workshop) as (model, _):
        found = answer_chain(workshop, model, search_of(workshop.home)).invoke(question)
    return Reply(found, lambda console: console.print(plain(_answer_text(found)), markup=False, highlight=False), json)


@app.command("code")
def code(
    task: Annotated[str, typer.Argument(metavar="TASK", help="What the program is to do, in words.")],
    data: OptionalData = None,
    json: Json = False,
) -> Reply:
    """Write a Python program for a task and explain it. It is checked and not run."""
    from graphs.chains import code_chain

    with opened() as workshop, opened_mind(workshop) as (model, _):
        found = code_chain(workshop, model).invoke({"task": task, "data": data})
    return Reply(found, lambda console: console.print(plain(_code_text(found)), markup=False, highlight=False), json)


@app.command("plan")
def plan(
    data: Data,
    target: Target = None,
    task: Annotated[
        str | None, typer.Option(metavar="KIND", help="binary, multiclass or regression; found when left out.")
    ] = None,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="What a training may take.")] = 60.0,
    json: Json = False,
) -> Reply:
    """Plan a pipeline for a dataset, with times from a pilot on this data. Nothing is trained for good."""
    from pydantic import ValidationError

    from graphs.chain_types import PipelineAsk
    from graphs.pipeline_chain import pipeline_chain
    from tools.arguments import bad_arguments

    try:
        asked = PipelineAsk.model_validate({"data": data, "target": target, "task": task, "budget_seconds": budget})
    except ValidationError as error:
        raise bad_arguments("plan", PipelineAsk, error) from error
    with opened() as workshop, opened_mind(workshop) as (model, _):
        found = pipeline_chain(workshop, model).invoke(asked)
    return Reply(found, lambda console: console.print(plain(_plan_text(found)), markup=False, highlight=False), json)


def research(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="What you want to know.")] = None,
    data: OptionalData = None,
    target: Target = None,
    model: Annotated[str | None, typer.Option(metavar="ID", help="The model that the question is about.")] = None,
    budget: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="After which nothing new is begun; a call under way is not cut off."),
    ] = 60.0,
    seed: Seed = 0,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a research that was stopped.")] = None,
    json: Json = False,
) -> Reply:
    """Have a team look into a question: researcher, coder and reviewer write a checked report and a program."""
    from graphs.documents import search_of
    from graphs.research_types import ResearchRequest
    from graphs.researches import resume_research, start_research
    from millwright.cli.listening import Listener, listening

    request = None
    if resume is None:
        limits = {"budget_seconds": budget, "seed": seed}
        request = ResearchRequest.of(question=question or "", data=data, target=target, model=model, **limits)
    with opened() as workshop, opened_mind(workshop) as (chat_model, saver):
        listener = Listener(workshop, budget)
        search = search_of(workshop.home)
        with listening(listener):
            if request is None:
                found = resume_research(workshop, chat_model, saver, str(resume), search=search, emit=listener)
            else:
                found = start_research(workshop, chat_model, saver, request, search=search, emit=listener)
    return Reply(found, lambda console: console.print(plain(_report(found)), markup=False, highlight=False), json)


def _answer_text(found: "ChainAnswer") -> str:
    places = [f"  {source.doc}, characters {source.start} to {source.end}" for source in found.sources]
    return "\n".join([found.text, *places])


def _code_text(found: "CodeAnswer") -> str:
    return f"{found.code}\n{found.explanation}"


def _plan_text(found: "PipelinePlan") -> str:
    lines = [f"{found.dataset}: {found.rows:,} training rows, {found.features} columns, {found.task} of {found.target}"]
    for step in found.steps:
        lines.append(
            f"  {step.name:10} {'not measured' if step.seconds is None else f'{step.seconds:.1f} s':>14}  {step.what}"
        )
    lines.append(f"In all about {found.seconds:.0f} s and {found.memory_mb:,.0f} MB, as far as it was measured here.")
    return "\n".join([*lines, found.why, *found.notes])


def _report(found: "ResearchSummary") -> str:
    from pathlib import Path

    return f"{Path(found.report).read_text(encoding='utf-8')}\nReport: {found.report}"
