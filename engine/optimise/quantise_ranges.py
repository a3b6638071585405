"""Calibration: which values activations take, seen on rows that the model was trained on."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from engine.errors import BadCalibration
from engine.serving.runtime import Feeds
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

Ranges = Mapping[str, tuple[float, float]]
"""Least and greatest value of activations, by name of the tensor."""


@dataclass(frozen=True)
class Extremes:
    """Least and greatest value of activations for each calibration row, (rows,) by name of the tensor.

    Where a graph works on the tokens of all rows together, each token counts as a row.
    """

    least: Mapping[str, NDArray[np.float32]]
    greatest: Mapping[str, NDArray[np.float32]]

    def ranges(self, left_out: float = 0.0) -> Ranges:
        """From the least to the greatest value of all rows but the `left_out` share of the most extreme at either end.

        A single row far from all others would leave these only a few of the 256 steps there are.
        """
        return {
            name: (
                float(np.quantile(values, left_out, method="higher")),
                float(np.quantile(self.greatest[name], 1 - left_out, method="lower")),
            )
            for name, values in self.least.items()
        }


def activation_extremes(prepared: ModelProto, names: Sequence[str], calibration: Sequence[Feeds]) -> Extremes:
    """Least and greatest value of the named float32 tensors for every row of every batch.

    Raises:
        BadCalibration: there are no rows, or one of the values is not a finite number.
    """
    if not any(len(values) for feeds in calibration for values in feeds.values()):
        raise BadCalibration("There are no calibration rows.", "Give rows that the model was trained on.")
    inside = [name for name in names if name not in {value.name for value in prepared.graph.input}]
    watched = copy.deepcopy(prepared)
    outputs = {value.name for value in watched.graph.output}
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inside if name not in outputs
    )
    session = open_session(watched.SerializeToString(), SessionSettings(graph_level="basic"))
    least: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    greatest: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for feeds in calibration:
        found = {**feeds, **dict(zip(inside, session.run(inside, feeds) if inside else [], strict=True))}
        for name in names:
            if found[name].size:
                rows = found[name].reshape(len(found[name]) if found[name].ndim else 1, -1)
                least[name].append(rows.min(axis=1))
                greatest[name].append(rows.max(axis=1))
    return Extremes(_together(least), _together(greatest))


def _together(parts: Mapping[str, Sequence[NDArray[np.float32]]]) -> dict[str, NDArray[np.float32]]:
    values = {name: np.concatenate(some) for name, some in parts.items() if some}
    wrong = [name for name, value in values.items() if not np.isfinite(value).all()]
    if wrong:
        raise BadCalibration(
            f"For the calibration rows {wrong[0]!r} in the model is not a finite number.",
            "Look for infinite or huge values in the data.",
        )
    return values
