"""Reading a column of any frame as the kind that the reference declares: one reader for reference and current rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from engine.drift.categories import count_blank, spell, spell_booleans
from engine.drift.found import ColumnKind
from engine.drift.numbers import NumberCells, ordered, read_dates, read_numbers
from engine.drift.reference import CurrentColumn, Floats
from engine.drift.vectors import VectorCells, read_embeddings, read_images, read_texts
from engine.errors import BadArguments, DuplicateColumns

NUMERIC: frozenset[ColumnKind] = frozenset({"number", "integer", "datetime"})
VECTORS: frozenset[ColumnKind] = frozenset({"text", "image", "embedding"})

PREDICTION = ("prediction", "prediction_confidence")
"""Names of the columns that predictions become."""

_GREATEST_INT64 = 2**63 - 1


class Reading(BaseModel):
    """How the cells of a column are read.

    `date_format` and `decimal_comma` are as in `engine.data.schema.Column`; `width` is how many numbers an embedding
    has (0 for other kinds).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ColumnKind
    date_format: str | None = None
    decimal_comma: bool = False
    width: int = 0


def read_column(cells: pd.Series, reading: Reading, *, seed: int = 0) -> CurrentColumn:
    """Read cells of any dtype; what is not of the kind counts as unreadable and missing, and raises nothing.

    Dates become seconds since 1970 in UTC; infinities count apart. Of texts, images and embeddings at most 1,000 cells,
    drawn by `seed`, become vectors. Of identifiers only the missing cells are counted.
    """
    cells = real(cells)
    if reading.kind in NUMERIC:
        return _numeric(read_values(cells, reading))
    if reading.kind in VECTORS:
        return of_vectors(read_vectors(cells, reading, np.random.default_rng(seed).random(len(cells))), len(cells))
    if reading.kind == "identifier":
        return CurrentColumn(len(cells), count_blank(cells), 0)
    found, unreadable = spell_booleans(cells) if reading.kind == "boolean" else (spell(cells), 0)
    return CurrentColumn(len(cells), found.missing, 0, unreadable, counts=found.counts())


def read_values(cells: pd.Series, reading: Reading) -> NumberCells:
    """Numbers, integers and datetimes in the order of the rows."""
    if reading.kind == "datetime":
        return read_dates(cells, reading.date_format)
    return read_numbers(cells, decimal_comma=reading.decimal_comma)


def read_vectors(cells: pd.Series, reading: Reading, keys: Floats) -> VectorCells:
    """Texts, images and embeddings; the cells with the lowest `keys` (n,) become vectors."""
    if reading.kind == "text":
        return read_texts(cells, keys)
    if reading.kind == "image":
        return read_images(cells, keys)
    return read_embeddings(cells, keys, reading.width)


def of_vectors(found: VectorCells, rows: int) -> CurrentColumn:
    """Vectors as a column of `rows` rows."""
    return CurrentColumn(rows, found.missing, 0, found.unreadable, vectors=found.vectors)


def real(cells: pd.Series) -> pd.Series:
    """The cells; complex numbers, which no kind takes, as objects, and whole numbers beyond int64 as doubles."""
    if pd.api.types.is_complex_dtype(cells.dtype):
        return cells.astype(object)
    beyond = pd.api.types.is_unsigned_integer_dtype(cells.dtype) and bool((cells > _GREATEST_INT64).any())
    if not beyond:
        return cells
    return pd.Series(cells.to_numpy(dtype=np.float64, na_value=np.nan), index=cells.index, name=cells.name)


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with texts as column names.

    Raises:
        DuplicateColumns: two columns have one name.
    """
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DuplicateColumns(twice)
    return frame.set_axis(names, axis=1)


def prediction_frame(
    prediction: Floats, classes: Sequence[str] = (), names: Sequence[str] = PREDICTION
) -> pd.DataFrame:
    """Predictions as columns that are compared like any other.

    Values (n,) and probabilities of two classes (n, 2), of which the second counts, give one column of numbers.
    Probabilities of k > 2 classes give the most probable class by name (its number, where `classes` is empty) and how
    probable it is. `names` are those of the two columns.

    Raises:
        BadArguments: no numbers, another shape, or not as many columns as there are classes.
    """
    given = _numbers(prediction)
    if given.ndim == 1:
        return pd.DataFrame({names[0]: given})
    if given.ndim != 2 or given.shape[1] < 2 or len(classes) not in {0, given.shape[1]}:
        raise BadArguments(
            f"Predictions of shape {given.shape} do not fit {len(classes)} classes.",
            "Give values of shape (n,), or probabilities of shape (n, classes).",
        )
    if given.shape[1] == 2:
        return pd.DataFrame({names[0]: given[:, 1]})
    return _most_probable(given, list(classes) or [str(place) for place in range(given.shape[1])], names)


def _numbers(prediction: Floats) -> Floats:
    try:
        return np.asarray(prediction, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadArguments(f"The predictions are no numbers: {error}.", "Give values or probabilities.") from error


def _most_probable(probabilities: Floats, classes: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    known = ~np.isnan(probabilities).any(axis=1)
    best = np.where(known, probabilities.argmax(axis=1), -1)
    labels = pd.Series(pd.Categorical.from_codes(best, categories=pd.Index(classes)))
    return pd.DataFrame({names[0]: labels, names[1]: np.where(known, probabilities.max(axis=1), np.nan)})


def _numeric(found: NumberCells) -> CurrentColumn:
    values = ordered(found.values)
    return CurrentColumn(
        rows=len(found.values),
        missing=len(found.values) - len(values) - found.infinite,
        infinite=found.infinite,
        unreadable=found.unreadable,
        values=values,
    )
