"""`millwright models`, and what is done with one model: predict, evaluate, explain."""

from pathlib import Path
from typing import Annotated

import typer

from millwright.cli.opening import call, call_job, opened
from millwright.cli.options import Device, Json, Model, Seed
from millwright.cli.reply import Reply

app = typer.Typer(help="List, show, compare and promote models.", no_args_is_help=True)
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Model id, name, or name@champion.")]


@app.command("list")
def list_(json: Json = False) -> Reply:
    """List the registered models, newest first."""
    from millwright.cli import screens
    from tools.models import ModelList

    with opened() as workshop:
        found = call(workshop, "list_models", ModelList)
    return Reply(found, lambda console: console.print(screens.models(found)), json)


@app.command("show")
def show(model: ModelArgument, json: Json = False) -> Reply:
    """Show everything recorded about one model."""
    from millwright.cli import screens
    from tools.models import ModelDetails

    with opened() as workshop:
        found = call(workshop, "show_model", ModelDetails, model=model)
    return Reply(found, lambda console: console.print(screens.model(found)), json)


@app.command("compare")
def compare(
    models: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="The newest ten by default.")] = None,
    json: Json = False,
) -> Reply:
    """Put models side by side."""
    from millwright.cli import screens
    from tools.training import Comparison

    with opened() as workshop:
        found = call(workshop, "compare_models", Comparison, models=models or [])
    return Reply(found, lambda console: console.print(screens.comparison(found)), json)


@app.command("promote")
def promote(
    model: ModelArgument,
    alias: Annotated[str, typer.Option(help="champion or challenger.")] = "champion",
    despite_leak: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Accept that it learned from this column that gives the target away."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> Reply:
    """Give a model version an alias, taking it from the version that had it."""
    from millwright.cli import screens
    from millwright.cli.asking import approved
    from tools.models import Promotion

    approved(f"Make {model} the {alias}?", yes)
    with opened() as workshop:
        named = {"model": model, "alias": alias, "despite_leaks": despite_leak or []}
        found = call(workshop, "promote_model", Promotion, **named)
    return Reply(found, lambda console: console.print(screens.promotion(found)), json)


@app.command("rollback")
def roll_back(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name in the registry.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> Reply:
    """Make the model that was champion before the champion again."""
    from millwright.cli import screens
    from millwright.cli.asking import approved
    from tools.models import Promotion

    approved(f"Roll {name} back to the champion before?", yes)
    with opened() as workshop:
        found = call(workshop, "roll_back_model", Promotion, name=name)
    return Reply(found, lambda console: console.print(screens.promotion(found)), json)


def predict(
    model: Model,
    data: Annotated[str, typer.Option(metavar="FILE", help="Rows with the model's columns, in any order.")],
    out: Annotated[Path, typer.Option(metavar="FILE.csv", help="Where to write the predictions.")],
    id_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Ids of the rows, by which a monitor is told their true values later."),
    ] = None,
    json: Json = False,
) -> Reply:
    """Predict the rows of a file, in their order: columns prediction and, for classes, probability_<class>.

    Where a monitor watches the model, the rows are logged, and their ids are in the column row_id.
    """
    from millwright.cli import screens
    from tools.models import Predictions

    with opened() as workshop:
        arguments = {"model": model, "data": data, "out": str(out), "id_column": id_column, "overwrite": True}
        found = call_job(workshop, "predict", Predictions, None, **arguments)
    return Reply(found, lambda console: console.print(screens.predictions(found)), json)


def distil(
    model: ModelArgument,
    student: Annotated[
        str | None, typer.Option(help="network, lstm, encoder or resnet; what suits the columns by default.")
    ] = None,
    width: Annotated[int, typer.Option(min=8, max=1024, help="Width of the student's layers.")] = 64,
    alpha: Annotated[float, typer.Option(min=0, max=1, help="Weight of the teacher beside the labels.")] = 0.5,
    softness: Annotated[float, typer.Option(min=0.1, max=20, help="Temperature of the teacher's answers.")] = 2.0,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Wall-clock limit.")] = 60.0,
    seed: Seed = 0,
    device: Device = "auto",
    name: Annotated[str | None, typer.Option(help="Name in the registry.")] = None,
    json: Json = False,
) -> Reply:
    """Train a small network to answer as MODEL does; say what it keeps and how much smaller and faster it is."""
    from millwright.cli import screens
    from tools.training import Distillation

    arguments = {"student": student, "width": width, "alpha": alpha, "softness": softness, "seed": seed}
    arguments |= {"device": device, "name": name, "budget_seconds": budget}
    with opened() as workshop:
        found = call_job(workshop, "distil_model", Distillation, budget, model=model, **arguments)
    return Reply(found, lambda console: console.print(screens.distillation(found)), json)


def evaluate(
    model: Model,
    data: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Labelled rows; another look at the sealed test by default.")
    ] = None,
    json: Json = False,
) -> Reply:
    """Measure a model on labelled rows. Looks at the sealed test set are counted and shown."""
    from millwright.cli import screens
    from tools.training import EvaluationResult

    with opened() as workshop:
        found = call_job(workshop, "evaluate_model", EvaluationResult, None, model=model, data=data)
    return Reply(found, lambda console: console.print(screens.evaluation(found)), json)


def explain(
    model: Model,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many columns.")] = 10,
    json: Json = False,
) -> Reply:
    """Say which columns a model relies on."""
    from millwright.cli import screens
    from tools.training import Explanation

    with opened() as workshop:
        found = call_job(workshop, "explain_model", Explanation, None, model=model, top=top)
    return Reply(found, lambda console: console.print(screens.explanation(found)), json)
