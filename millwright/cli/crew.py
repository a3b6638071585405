"""`millwright crew`: a team of agents that works on a dataset, one after the other or under a manager."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from millwright.cli.choices import models_from
from millwright.cli.options import Drop, Json, MaxModels, Models, Seed
from millwright.cli.reply import Reply

if TYPE_CHECKING:
    from rich.console import Console

    from crews.brief import CrewReport, CrewRequest
    from millwright.settings import Settings

NAME = "development"


def crew(
    name: Annotated[str, typer.Argument(metavar="CREW", help="Which crew: development.")] = NAME,
    data: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="A file, 'sample:NAME', or a dataset imported before.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")] = None,
    goal: Annotated[
        str, typer.Option(metavar="TEXT", help="What you want, in words; requirements in it are checked.")
    ] = "",
    process: Annotated[
        str, typer.Option(metavar="PROCESS", help="sequential, or hierarchical: a manager delegates and checks.")
    ] = "sequential",
    budget: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="For training and tuning, 60 by default; the rest comes on top."),
    ] = None,
    max_models: MaxModels = None,
    models: Models = None,
    drop: Drop = None,
    task: Annotated[
        str | None, typer.Option(help="binary, multiclass or regression; found from the target by default.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Metric to train for and to hold --min-score against.")] = None,
    min_score: Annotated[
        float | None, typer.Option(metavar="VALUE", help="Worst value of the metric that will do; QA checks it.")
    ] = None,
    max_latency_ms: Annotated[
        float | None, typer.Option(metavar="MS", help="Most milliseconds for one row; QA checks it.")
    ] = None,
    max_size_mb: Annotated[float | None, typer.Option(metavar="MB", help="Most megabytes; QA checks it.")] = None,
    seed: Seed = 0,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a crew run that was cut off.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Start without asking.")] = False,
    json: Json = False,
) -> Reply:
    """Have a Data Scientist, an ML Engineer, a QA Engineer and an MLOps Engineer work on a dataset.

    They analyse it, train and tune a model, test it on edge cases and against your requirements, and write how it would
    be deployed. Nothing is deployed. Ctrl-C stops them; --resume RUN goes on where they were.
    """
    from crews.brief import CrewRequest
    from millwright.crewing import asked_before, new_run
    from millwright.settings import Settings

    settings = Settings()
    if resume is not None:
        given = {"--data": data, "--target": target, "--goal": goal, "--budget": budget, "--max-models": max_models}
        _must_stand_alone([option for option, value in given.items() if value])
        return _carried_out(settings, resume, asked_before(settings, resume), yes, json)
    if data is None or target is None:
        raise typer.BadParameter("give --data SOURCE and --target COLUMN, or --resume RUN.", param_hint="--data")
    demands = {"metric": metric, "min_score": min_score, "max_latency_ms": max_latency_ms, "max_size_mb": max_size_mb}
    what = {"crew": name, "data": data, "target": target, "goal": goal, "process": process, "demands": demands}
    limit = {"budget_seconds": seconds_of(settings, budget, max_models), "max_models": max_models, "seed": seed}
    choices = {"models": models_from(models), "drop": drop or [], "task": task}
    return _carried_out(settings, new_run(), CrewRequest.of(**what, **limit, **choices), yes, json)


def seconds_of(settings: "Settings", budget: float | None, max_models: int | None) -> float | None:
    """The budget: what was asked for, that of the settings, or none where a number of models is fixed."""
    return budget if budget is not None or max_models is not None else settings.budget_seconds


def _must_stand_alone(others: list[str]) -> None:
    if others:
        raise typer.BadParameter(
            f"the crew goes on as it was asked for: leave out {', '.join(others)}.", param_hint="--resume"
        )


def _carried_out(settings: "Settings", run: str, request: "CrewRequest", yes: bool, json: bool) -> Reply:
    from engine.errors import Fixable, MillwrightError
    from millwright.cli.asking import approved
    from millwright.cli.crew_view import CrewView
    from millwright.cli.interrupt import Interrupted
    from millwright.crewing import run_crew

    print(outline(run, request), file=sys.stderr)
    approved("Start the crew?", yes)
    go_on = f"Go on with it: millwright crew {request.crew} --resume {run} --yes"
    view = CrewView(request.budget_seconds)
    try:
        report = run_crew(settings, run, request, view)
    except KeyboardInterrupt as error:
        raise Interrupted(f"Crew run {run} was stopped; what is finished is kept.", go_on) from error
    except MillwrightError as error:
        if not isinstance(error, Fixable):
            print(go_on, file=sys.stderr)
        raise
    finally:
        view.close()
    return Reply(report, lambda console: show(report, console), json)


def outline(run: str, request: "CrewRequest") -> str:
    """What will be done, in a few lines."""
    limit = f"{request.max_models} candidates" if request.budget_seconds is None else f"{request.budget_seconds:g} s"
    lines = [
        f"Crew run {run}: {request.crew}, {request.process}, on {request.data}, target {request.target!r}.",
        "  Data Scientist   analyses the data and recommends models",
        f"  ML Engineer      trains and tunes within {limit}, looks at the sealed test rows once, registers a model",
        "  QA Engineer      tests it on edge cases and against your requirements",
        "  MLOps Engineer   plans serving, monitoring, A/B test and rollback; nothing is deployed",
    ]
    if request.process == "hierarchical":
        lines.append("  Manager          delegates each task, checks what the tools really did, sends back once")
    return "\n".join(lines)


def show(report: "CrewReport", console: "Console") -> None:
    """Print what each agent came to, what was struck or left undone, and where the files lie."""
    from millwright.cli.screens import sentences
    from millwright.cli.screens_run import from_here

    for task in report.tasks:
        console.print(sentences("", f"{task.agent} ({task.name})", task.output))
        console.print(sentences(*(f"  {from_here(path)}" for path in task.artifacts)))
    if report.missing:
        console.print(sentences("", "Not done", *report.missing))
    if report.struck:
        console.print(sentences("", f"Struck, since no tool result holds it: {', '.join(report.struck)}"))
    console.print(
        sentences(
            "",
            f"Model    {report.model_id}",
            f"Report   {from_here(report.report)}",
            f"Crew     {report.run}, {report.seconds:.1f} s",
        )
    )
