"""Whether an exported model answers as its original does is found out by asking both."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.features import FeaturePlan
from engine.features_steps import NumberStep
from engine.features_tokens import TokenStep
from engine.optimise.compose import compose
from engine.optimise.core import ANSWER, OPSET, Core, tokens_name
from engine.optimise.errors import ExportFailed
from engine.optimise.parity import BATCHES, TOLERANCE, check_parity, measure_difference, require_parity, spoilt
from engine.serving.runtime import Floats, OnnxRuntime
from engine.serving.session import open_session
from engine.serving.session_settings import SessionSettings

REAL = pd.DataFrame({
    "size": np.linspace(-3, 3, 50),
    "count": pd.array(range(50), dtype="Int64"),
    "flag": pd.array([True, False] * 25, dtype="boolean"),
    "town": pd.Series(["north side", "south"] * 25, dtype="str"),
    "when": pd.date_range("2024-01-01", periods=50).astype("datetime64[us]"),
})  # fmt: skip


class Answering:
    """A runtime that answers by a function of the rows."""

    def __init__(self, function: Callable[[pd.DataFrame], np.ndarray]) -> None:
        self._function = function
        self.asked: list[int] = []

    def answer(self, rows: pd.DataFrame) -> Floats:
        return self.compute(self.prepare(rows))

    def prepare(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows

    def compute(self, prepared: pd.DataFrame) -> Floats:
        self.asked.append(len(prepared))
        return np.asarray(self._function(prepared), dtype=np.float64)


def size(rows: pd.DataFrame) -> np.ndarray:
    """Missing and infinite are 0, and huge is 9, as in a feature plan."""
    return np.asarray(np.clip(np.nan_to_num(rows["size"].to_numpy(), posinf=0, neginf=0), -9, 9))


def test_equal_answers_hold_and_were_asked_for_at_every_batch_size() -> None:
    candidate = Answering(size)
    parity = check_parity(candidate, Answering(size), REAL, regression=True, scale=2.0)
    assert (parity.largest, parity.tolerance, parity.batches) == (0.0, TOLERANCE, BATCHES)
    assert set(candidate.asked) == set(BATCHES)
    assert parity.rows == len(REAL) + len(spoilt(REAL))
    assert require_parity(parity) is parity


@pytest.mark.parametrize("batch", BATCHES)
def test_a_model_that_is_wrong_at_one_batch_size_does_not_hold(batch: int) -> None:
    frozen = Answering(lambda rows: size(rows) + (0.1 if len(rows) == batch else 0.0))
    parity = check_parity(frozen, Answering(size), REAL, regression=True, scale=2.0)
    assert parity.largest == pytest.approx(0.05)
    with pytest.raises(ExportFailed, match=r"by up to 0.05 otherwise on"):
        require_parity(parity)


@pytest.mark.parametrize("row", [0, 24, 49])
def test_a_difference_on_any_real_row_is_found(row: int) -> None:
    wrong = Answering(lambda rows: size(rows) + 0.1 * (rows["count"] == row).fillna(value=False).to_numpy(dtype=bool))
    assert measure_difference(wrong, Answering(size), REAL, regression=False, scale=9.0).largest == pytest.approx(0.1)


@pytest.mark.parametrize("spoils", [
    lambda rows: rows["size"].isna(),
    lambda rows: rows["size"] == np.inf,
    lambda rows: rows["size"] == -1e300,
    lambda rows: rows["count"].isna(),
    lambda rows: rows["count"] > 2**50,
    lambda rows: rows["flag"].isna(),
    lambda rows: rows["town"].isna(),
    lambda rows: rows["town"] == "north",
    lambda rows: ~rows["town"].isin(["north side", "south"]),
    lambda rows: rows["when"].isna(),
    lambda rows: rows["when"].dt.year < 1800,
    lambda rows: rows.isna().all(axis=1),
])  # fmt: skip
def test_what_no_sample_holds_is_tried_too(spoils: Callable[[pd.DataFrame], pd.Series]) -> None:
    wrong = Answering(lambda rows: size(rows) + spoils(rows).fillna(value=False).to_numpy(dtype=bool))
    assert not check_parity(wrong, Answering(size), REAL, regression=True, scale=1.0).held
    assert measure_difference(wrong, Answering(size), REAL, regression=True, scale=1.0).largest == 0.0


def test_rounding_may_grow_with_the_distance_of_a_number_from_the_others() -> None:
    middle = 1e6
    original = Answering(lambda rows: middle + size(rows) ** 9)
    near = Answering(lambda rows: middle + size(rows) ** 9 * (1 + TOLERANCE / 2))
    shifted = Answering(lambda rows: middle * (1 + 1e-9) + size(rows) ** 9)
    assert check_parity(near, original, REAL, regression=True, scale=1.0).held
    assert not check_parity(shifted, original, REAL, regression=True, scale=1.0).held
    assert check_parity(shifted, original, REAL, regression=True, scale=1e3).held


def test_a_spread_of_nothing_does_not_divide_by_it() -> None:
    assert check_parity(Answering(size), Answering(size), REAL, regression=True, scale=0.0).largest == 0.0


def test_spoilt_rows_keep_their_kinds() -> None:
    assert spoilt(REAL).dtypes.tolist() == REAL.dtypes.tolist()
    odd = REAL[["size", "town"]].head(1)
    assert len(spoilt(odd)) > 10


def test_answers_that_are_no_numbers_or_of_another_shape_are_no_export() -> None:
    with pytest.raises(ExportFailed, match="no number"):
        check_parity(Answering(lambda rows: size(rows) * np.nan), Answering(size), REAL, regression=True, scale=1.0)
    with pytest.raises(ExportFailed, match=r"\(1, 1\), not \(1,\)"):
        check_parity(Answering(lambda rows: size(rows)[:, None]), Answering(size), REAL, regression=True, scale=1.0)
    with pytest.raises(ExportFailed, match="no rows"):
        check_parity(Answering(size), Answering(size), REAL.head(0), regression=True, scale=1.0)


def test_every_row_is_answered_and_small_batches_are_spread_over_all() -> None:
    rows = pd.DataFrame({"size": np.arange(2_079.0)})
    asked: dict[int, set[float]] = {batch: set() for batch in BATCHES}

    def watched(part: pd.DataFrame) -> np.ndarray:
        asked[len(part)] |= set(part["size"])
        return size(part)

    measure_difference(Answering(watched), Answering(size), rows, regression=True, scale=1.0)
    assert len(asked[33]) == len(rows)
    for batch in (1, 3, 7):
        assert len(asked[batch]) == 16 * batch
        assert max(asked[batch]) == 2_078


def test_fewer_rows_than_a_batch_are_repeated() -> None:
    candidate = Answering(size)
    check_parity(candidate, Answering(size), REAL.head(2), regression=True, scale=1.0)
    assert set(candidate.asked) == set(BATCHES)


def token_sum(length: int | None) -> OnnxRuntime:
    """A model that adds up token ids, of texts of any length or of one only."""
    texts = pd.Series([f"{'day ' * (row % 7)}night" for row in range(40)], dtype="str", name="note")
    plan = FeaturePlan(
        flavour="network", steps=(TokenStep.fit(texts), NumberStep(column="x", flavour="network"))
    )  # fmt: skip
    taken = [helper.make_tensor_value_info(tokens_name(0), TensorProto.INT64, ["n", "length"])]
    source, nodes = tokens_name(0), []
    if length is not None:
        nodes = [helper.make_node("Reshape", [source, "shape"], ["fixed"])]
        source = "fixed"
    nodes += [
        helper.make_node("ReduceSum", [source, "axes"], ["raw"]),
        helper.make_node("Cast", ["raw"], [ANSWER], to=TensorProto.DOUBLE),
    ]
    held = {"axes": np.array([1])} | ({} if length is None else {"shape": np.array([-1, length])})
    graph = helper.make_graph(
        nodes, "core", taken, [helper.make_tensor_value_info(ANSWER, TensorProto.DOUBLE, ["n", 1])],
        [numpy_helper.from_array(value, name) for name, value in held.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    composed = compose([(plan, Core(model, "dynamo"), 1.0)], regression=True)
    session = open_session(composed.model.SerializeToString(), SessionSettings())
    return OnnxRuntime(session, composed.inputs, regression=True)


def test_texts_are_compared_at_several_lengths() -> None:
    rows = pd.DataFrame({"note": pd.Series(["day day night", "night", None] * 5, dtype="str"), "x": 1.0})
    parity = check_parity(token_sum(None), token_sum(None), rows, regression=True, scale=1.0)
    assert parity.held
    assert len(parity.lengths) >= 3
    with pytest.raises(ExportFailed, match="fails on"):
        check_parity(token_sum(4), token_sum(None), rows, regression=True, scale=1.0)
