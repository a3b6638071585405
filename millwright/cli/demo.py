"""`millwright demo`: the whole way on a sample, offline and without a key, with a prediction for one row at the end."""

from typing import Annotated

import typer

from millwright.cli.options import Json
from millwright.cli.reply import Reply

BUDGET = 30.0


def demo(
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="Wall-clock limit of the training.")] = BUDGET,
    json: Json = False,
) -> Reply:
    """Train on a made-up churn table, show everything on the way, and predict one row."""
    from millwright.cli.demonstration import demonstrate

    return demonstrate(budget, json)
