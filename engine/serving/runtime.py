"""What answers for a package: its members by their own libraries, or one ONNX graph. Made from a folder alone.

A folder holds `runtime.json` and either `model.onnx` (or that packed by gzip) or `members/<name>/`. The two halves of
an answer, what is done to the rows and what the model computes, can be asked for one by one, so that each can be timed.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.families import NETWORKS
from engine.serving.runtime_spec import MISSING, Input, MembersRuntimeSpec, OnnxRuntimeSpec, RuntimeFile
from engine.tasks import label_text

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from engine.automl.members import Member

Floats = NDArray[np.float64]
Feeds: TypeAlias = dict[str, NDArray[Any]]

RUNTIME_FILE = "runtime.json"
ONNX_FILE = "model.onnx"
PACKED_FILE = "model.onnx.gz"
MEMBERS = "members"
FEW = 2
"""Rows up to which cells are taken one by one."""


class Runtime(Protocol):
    """Answers rows in the schema's kinds: (n,) values for regression, (n, classes) probabilities otherwise."""

    def answer(self, rows: pd.DataFrame) -> Floats:
        """`compute(prepare(rows))`."""
        ...

    def prepare(self, rows: pd.DataFrame) -> Any:  # noqa: ANN401
        """What the model is given for these rows."""
        ...

    def compute(self, prepared: Any) -> Floats:  # noqa: ANN401
        """The model's answers to what `prepare` gave."""
        ...


@dataclass(frozen=True)
class MembersRuntime:
    """Each member by its own library; their answers averaged by `weights`."""

    members: tuple["Member", ...]
    weights: tuple[float, ...]

    def answer(self, rows: pd.DataFrame) -> Floats:
        return self.compute(self.prepare(rows))

    def prepare(self, rows: pd.DataFrame) -> Sequence[Any]:
        return [member.plan.transform(rows) for member in self.members]

    def compute(self, prepared: Sequence[Any]) -> Floats:
        from engine.automl.members import blend

        parts = [member.model.predict(features) for member, features in zip(self.members, prepared, strict=True)]
        return blend(parts, self.weights)


@dataclass(frozen=True)
class OnnxRuntime:
    """One session. Safe to share between threads."""

    session: "InferenceSession"
    inputs: tuple[Input, ...]
    regression: bool

    def answer(self, rows: pd.DataFrame) -> Floats:
        if not len(rows):  # some operators end the process where there is no row
            width = self.session.get_outputs()[0].shape[1]
            return np.zeros(0) if self.regression else np.zeros((0, width if isinstance(width, int) else 0))
        return self.compute(self.prepare(rows))

    def prepare(self, rows: pd.DataFrame) -> Feeds:
        return feeds_of(rows, self.inputs)

    def compute(self, prepared: Feeds) -> Floats:
        answer = np.asarray(self.session.run(None, prepared)[0], dtype=np.float64)
        return answer[:, 0] if self.regression else answer


def load_runtime(folder: Path) -> Runtime:
    """Read a variant's folder, or a package's that has a `runtime.json`.

    Raises:
        OSError, ValueError, KeyError: not a whole one; who opens a package says so in words.
    """
    file = RuntimeFile.model_validate_json((folder / RUNTIME_FILE).read_text(encoding="utf-8"))
    if isinstance(file.runtime, OnnxRuntimeSpec):
        return _onnx(folder, file.runtime, file.regression)
    return _members(folder, file.runtime, file.weights)


def feeds_of(rows: pd.DataFrame, inputs: Sequence[Input]) -> Feeds:
    """What an ONNX model is given for rows in the schema's kinds, by the names of its inputs."""
    return {entry.name: _feed(rows, entry) for entry in inputs}


def write_runtime(folder: Path, file: RuntimeFile) -> None:
    """Write `runtime.json` into an existing folder."""
    from engine.files import write_json

    write_json(folder / RUNTIME_FILE, file.model_dump(mode="json"))


def _onnx(folder: Path, spec: OnnxRuntimeSpec, regression: bool) -> OnnxRuntime:
    from engine.serving.session import SESSION_ERRORS, open_session

    packed = folder / PACKED_FILE
    model = gzip.decompress(packed.read_bytes()) if packed.is_file() else folder / ONNX_FILE
    try:
        session = open_session(model, spec.session)
    except SESSION_ERRORS as error:
        raise ValueError(f"ONNX Runtime cannot open the model: {error}") from error
    return OnnxRuntime(session, spec.inputs, regression)


def _members(folder: Path, spec: MembersRuntimeSpec, weights: Sequence[float]) -> MembersRuntime:
    from engine.automl.members import load_member

    folders = sorted(path for path in (folder / MEMBERS).iterdir() if path.is_dir())
    members = [load_member(path) for path in folders]
    if any(member.kind in NETWORKS for member in members):
        from engine.serving.torch_modes import in_mode, use_threads

        use_threads(spec.threads)
        members = [in_mode(member, spec) for member in members]
    return MembersRuntime(tuple(members), tuple(weights))


def _feed(rows: pd.DataFrame, entry: Input) -> NDArray[Any]:
    if entry.kind == "numbers":
        return _numbers(rows, entry.columns)
    if entry.kind == "texts":
        return _texts(rows, entry.columns)
    if entry.kind == "moments":
        return _moments(rows, entry.columns)
    if entry.kind == "block":
        block = entry.step.apply(rows[entry.step.column])
        dense: Any = block.toarray() if hasattr(block, "toarray") else block
        return np.ascontiguousarray(dense, dtype=np.float32)
    return trimmed(entry.step.apply(rows[entry.step.column]).astype(np.int64))


def trimmed(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """Token ids (n, length) without the columns at the end that are padding in every row; one column is kept."""
    used = int((tokens != 0).sum(axis=1).max(initial=1))
    return np.ascontiguousarray(tokens[:, : max(1, used)])


def _numbers(rows: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """(n, columns) as they are; what is infinite is dealt with in the graph."""
    out = np.empty((len(rows), len(columns)))
    if len(rows) <= FEW:
        out[:] = [[_number(cell) for cell in row] for row in _few(rows, columns)]
        return out
    for place, name in enumerate(columns):
        out[:, place] = _as_float64(rows[name])
    return out


def _as_float64(series: pd.Series) -> Floats:
    from engine.features_steps import numbers

    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers(series)


def _number(cell: object) -> float:
    """A cell of a number, integer or boolean column."""
    return float(cell) if isinstance(cell, float | int | np.generic) else np.nan


def _texts(rows: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.object_]:
    out = np.empty((len(rows), len(columns)), dtype=object)
    if len(rows) <= FEW:
        out[:] = [[_text(cell) for cell in row] for row in _few(rows, columns)]
        return out
    for place, name in enumerate(columns):
        out[:, place] = _as_texts(rows[name])
    return out


def _as_texts(series: pd.Series) -> NDArray[np.object_]:
    from engine.features_steps import texts

    cells = series if isinstance(series.dtype, pd.StringDtype) else texts(series)
    return cells.to_numpy(dtype=object, na_value=MISSING)


def _text(cell: object) -> str:
    """A cell of a category column."""
    if isinstance(cell, str):
        return cell
    return MISSING if pd.isna(cell) else label_text(cell)  # type: ignore[call-overload]


def _few(rows: pd.DataFrame, columns: Sequence[str]) -> list[list[object]]:
    """Cells row by row: for a row or two, taking cells one by one is several times faster than taking columns."""
    place = {name: index for index, name in enumerate(rows.columns)}
    places = [place[name] for name in columns]
    return [[rows.iat[row, index] for index in places] for row in range(len(rows))]


def _moments(rows: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.int64]:
    """(n, columns) microseconds since 1970; not a time is NO_MOMENT in NumPy's own notation."""
    from engine.features_steps import moments

    out = np.empty((len(rows), len(columns)), dtype=np.int64)
    for place, name in enumerate(columns):
        out[:, place] = moments(rows[name]).to_numpy().astype("datetime64[us]").view(np.int64)
    return out


def by_name(feeds: Mapping[str, NDArray[Any]], place: slice) -> Feeds:
    """The rows at `place` of every input."""
    return {name: values[place] for name, values in feeds.items()}
