"""Options that several commands share."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, the rest on stderr.")]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="A file, a folder of images or texts, 'sample:NAME', or a dataset imported before (with its split).",
    ),
]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")]
Budget = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Wall-clock limit, 60 by default; --max-models fixes the work instead."),
]
Metric = Annotated[str | None, typer.Option(help="Metric to train for; chosen by task and class balance by default.")]
Models = Annotated[
    str | None,
    typer.Option(
        metavar="A,B",
        help="Candidates: linear, forest, lightgbm, network, lstm, encoder, resnet; what suits the columns by default.",
    ),
]
MaxModels = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=200, help="Train exactly N candidates, however long it takes; reproducible."),
]
Drop = Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="Column to leave out; may be repeated.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="COLUMN=KIND", help="Kind of a column, against what is found; may be repeated."),
]
Split = Annotated[
    str, typer.Option(metavar="METHOD", help="Sealed test rows: auto, random, stratified, time:COLUMN or group:COLUMN.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the split, the folds and the models.")]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="Where networks are trained: auto, cpu, cuda or cuda:N.")]
Processes = Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Processes that train one network together.")]
Model = Annotated[str, typer.Option("--model", metavar="ID", help="Model id, name, or name@champion.")]
