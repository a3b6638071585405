"""`millwright data`: import, profile and list datasets."""

from typing import Annotated

import typer

from millwright.cli.choices import kinds_from, split_from
from millwright.cli.opening import call, dataset_of, opened
from millwright.cli.options import Json, Kinds, Seed, Split, Target
from millwright.cli.reply import Reply

app = typer.Typer(help="Import, profile and list datasets.", no_args_is_help=True)
Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="CSV (gzip too), Parquet, JSON lines, Excel, a folder of images or texts with a sub-folder for each "
        "class, .npz, database URL, sample:NAME.",
    ),
]


@app.command("import")
def import_(
    source: Source,
    target: Target = None,
    name: Annotated[str | None, typer.Option(help="Name; the file's name by default.")] = None,
    kind: Kinds = None,
    split: Split = "auto",
    seed: Seed = 0,
    delimiter: Annotated[str | None, typer.Option(help="CSV delimiter; found by itself.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Text encoding; found by itself.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Excel sheet; the first by default.")] = None,
    query: Annotated[str | None, typer.Option(metavar="SQL", help="Query, when SOURCE is a database URL.")] = None,
    json: Json = False,
) -> Reply:
    """Copy a source into the home with a declared schema and a sealed test split."""
    from millwright.cli import screens
    from tools.data import DatasetSummary

    method, column = split_from(split)
    how = {"split": method, "split_column": column, "seed": seed}
    reading = {"delimiter": delimiter, "encoding": encoding, "sheet": sheet, "query": query}
    options = {"target": target, "name": name, "kinds": kinds_from(kind), **how, **reading}
    with opened() as workshop:
        found = call(workshop, "import_dataset", DatasetSummary, source=source, **options)
    return Reply(found, lambda console: console.print(screens.dataset(found)), json)


@app.command("profile")
def profile(data: Source, target: Target = None, json: Json = False) -> Reply:
    """Describe the training rows: missing values, distributions, relation to the target, warnings in words.

    SOURCE may be a dataset imported before; anything else is imported first.
    """
    from millwright.cli import screens
    from tools.data import DatasetProfile

    with opened() as workshop:
        dataset = dataset_of(workshop, data, target=target)
        found = call(workshop, "profile_dataset", DatasetProfile, dataset=dataset, target=target)
    return Reply(found, lambda console: console.print(screens.profile(found)), json)


@app.command("list")
def list_(json: Json = False) -> Reply:
    """List the imported datasets, newest first."""
    from millwright.cli import screens
    from tools.data import DatasetList

    with opened() as workshop:
        found = call(workshop, "list_datasets", DatasetList)
    return Reply(found, lambda console: console.print(screens.datasets(found)), json)
