"""The file that predict writes: where it may lie, and what is in it."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.load import safe_path
from engine.errors import BadArguments, HomeNotWritable, SourceNotFound
from engine.files import atomic_file

if TYPE_CHECKING:
    import pandas as pd

    from tools.models import PredictRequest
    from tools.workshop import Workshop

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_OURS = re.compile(rb"prediction(\r?\n|,probability_|,row_id\r?\n)")
_ANOTHER = "Give another file, for example predictions.csv."


def checked_out(workshop: "Workshop", request: "PredictRequest") -> Path | None:
    """The full path of `out`; None when nothing is to be written.

    Raises:
        BadArguments: no file can be there, or something is there that must not be lost: the input, what a dataset
            was imported from, anything in the home, or, unless the request says so, a file that predict did not write.
    """
    if request.out is None:
        return None
    path = checked_place(workshop, request.out, "predictions.csv", (request.data or "",))
    if path.exists() and not request.overwrite and not _holds_predictions(path):
        raise BadArguments(
            f"`out` {request.out!r} is there already and holds no predictions.",
            "Give another file, or overwrite=true where the user wants it replaced.",
        )
    return path


def checked_place(workshop: "Workshop", out: str, example: str, inputs: tuple[str, ...]) -> Path:
    """The full path of `out`, a file that may be written.

    Raises:
        BadArguments: no file can be there, it lies in the home, or it is one of `inputs` or a dataset's source.
    """
    another = f"Give another file, for example {example}."
    try:
        path = safe_path(out).resolve()
    except SourceNotFound as error:
        raise BadArguments(f"`out` {out[:80]!r} is not a path that a file can have.", another) from error
    if path.is_dir():
        raise BadArguments(f"`out` {out!r} is a folder.", f"Give a file in it, for example {example}.")
    above = next(folder for folder in path.parents if folder.exists())
    if not above.is_dir():
        raise BadArguments(f"`out` {out!r} would lie in {str(above)!r}, which is a file.", another)
    if path.is_relative_to(workshop.home.resolve()):
        raise BadArguments(f"`out` {out!r} lies in the home, which keeps its own files.", another)
    sources = [*inputs, *(dataset.source for dataset in workshop.datasets.list())]
    if path.exists() and any(_is_file(source, path) for source in sources):
        raise BadArguments(f"`out` is the input {out!r}, which would be lost.", another)
    return path


def _is_file(source: str, path: Path) -> bool:
    try:
        found = safe_path(source)
    except SourceNotFound:
        return False
    return bool(source) and found.exists() and found.samefile(path)


def _holds_predictions(path: Path) -> bool:
    """Whether the file begins as predict begins one; an empty file holds nothing that could be lost."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return False
    return not head or bool(_OURS.match(head))


def write_answers(answers: "pd.DataFrame", path: Path, *, disarm: bool) -> tuple[str, ...]:
    """Write a CSV aside and rename it, so that a reader never sees half of it; returns what to say of it.

    Args:
        disarm: the predictions are class names, which a spreadsheet might run; the ids of rows are disarmed anyway.

    Raises:
        BadArguments: the file cannot be written there.
        DiskFull: nothing half-written stays.
    """
    answers, notes = without_formulas(answers, ("prediction",) if disarm else ())
    try:
        with atomic_file(path) as file:
            answers.to_csv(file, index=False)
    except (HomeNotWritable, OSError) as error:
        cause = error.__cause__ if isinstance(error, HomeNotWritable) else error
        why = getattr(cause, "strerror", None) or str(error)
        raise BadArguments(f"`out` {str(path)!r} cannot be written: {why}.", _ANOTHER) from error
    return notes


def without_formulas(
    answers: "pd.DataFrame", columns: tuple[str, ...] = ("prediction",)
) -> "tuple[pd.DataFrame, tuple[str, ...]]":
    """Labels, and ids of rows, that a spreadsheet would run as a formula get an apostrophe; numbers stay."""
    notes = []
    for column in (*columns, *(["row_id"] if "row_id" in answers else [])):
        texts = [str(text) for text in answers[column]]
        risky = {text for text in set(texts) if _FORMULA.match(text) and not _NUMBER.fullmatch(text)}
        if risky:
            answers = answers.assign(**{column: [f"'{text}" if text in risky else text for text in texts]})
            what = "class name(s)" if column == "prediction" else "row id(s)"
            notes.append(f"{len(risky)} {what} begin like a formula and are written with an apostrophe in front.")
    return answers, tuple(notes)
