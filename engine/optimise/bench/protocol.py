"""What a benchmark and its processes say to each other: one JSON line for each question and for each answer."""

from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

_OBJECTS = b"millwright.objects"
"""Of the table's metadata: columns of Python objects, which Arrow would give back as texts."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Load(_Record):
    """Load the variant at `place` among the process's folders and answer one row."""

    ask: Literal["load"] = "load"
    place: int = 0


class Burst(_Record):
    """Answer `answers` times `size` rows drawn by `seed`, after some that are not timed."""

    ask: Literal["burst"] = "burst"
    place: int = 0
    size: int
    answers: int
    seed: int


class Ready(_Record):
    """Python is up and has the rows; nothing of the variant is loaded."""

    say: Literal["ready"] = "ready"


class Loaded(_Record):
    """`cold_ms` from before the first import of a model's library to the first answer."""

    say: Literal["loaded"] = "loaded"
    cold_ms: float


class Times(_Record):
    """Milliseconds by answer: what is done to the rows before the model, and the model.

    `peak_mb` (10^6 bytes) is the process's largest resident memory until now, `compile_s` what compiling has taken in
    all (None: nothing is compiled).
    """

    say: Literal["times"] = "times"
    prepare_ms: tuple[float, ...]
    compute_ms: tuple[float, ...]
    peak_mb: float
    compile_s: float | None = None


class Failed(_Record):
    """An error, in a sentence; the process is of no more use."""

    say: Literal["failed"] = "failed"
    why: str


Question = Annotated[Load | Burst, Field(discriminator="ask")]
Answer = Annotated[Ready | Loaded | Times | Failed, Field(discriminator="say")]
QUESTION: TypeAdapter[Question] = TypeAdapter(Question)
ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


def write_rows(path: Path, rows: pd.DataFrame) -> None:
    """Write rows so that `read_rows` gives them back with exactly their kinds of columns; the index is left out,
    and a missing text in a column of Python objects comes back as NaN.

    Arrow's own format keeps what Parquet loses: categories that are numbers, and dates to the second.

    Raises:
        ValueError: a column that Arrow cannot hold, or that would come back as another kind.
    """
    try:
        table = pa.Table.from_pandas(rows, preserve_index=False)
    except pa.ArrowException as error:
        raise ValueError(f"rows cannot be handed to another process: {error}") from error
    objects = [str(name) for name, kind in rows.dtypes.items() if pd.api.types.is_object_dtype(kind)]
    table = table.replace_schema_metadata({**table.schema.metadata, _OBJECTS: "\n".join(objects).encode()})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    back = read_rows(path)
    changed = [str(name) for name in rows.columns if back[name].dtype != rows[name].dtype]
    if changed:
        raise ValueError(f"columns cannot be handed to another process as they are: {', '.join(changed)}")


def read_rows(path: Path) -> pd.DataFrame:
    """What `write_rows` wrote."""
    with pa.OSFile(str(path), "rb") as file:
        table = pa.ipc.open_file(file).read_all()
    objects = table.schema.metadata[_OBJECTS].decode()
    frame: pd.DataFrame = table.to_pandas()
    return frame.astype(dict.fromkeys(objects.split("\n"), object)) if objects else frame
