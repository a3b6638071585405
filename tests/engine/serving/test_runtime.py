"""What an ONNX model is given for rows: the same for one row as for many, and what the feature plan would see."""

import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.features_steps import LARGEST, numbers
from engine.features_tokens import TokenStep
from engine.serving.runtime import FEW, ONNX_FILE, by_name, feeds_of, load_runtime, trimmed, write_runtime
from engine.serving.runtime_spec import (
    MISSING,
    NO_MOMENT,
    Input,
    MomentsInput,
    NumbersInput,
    OnnxRuntimeSpec,
    RuntimeFile,
    TextsInput,
    TokensInput,
)

FRAME = pd.DataFrame({
    "number": [1.5, np.nan, np.inf, -1e300, -0.0],
    "whole": pd.array([1, None, -3, 2**53 + 1, 0], dtype="Int64"),
    "flag": pd.array([True, None, False, True, False], dtype="boolean"),
    "plain": np.array([True, False, True, False, True]),
    "town": pd.Series(["x", None, "é", "a b", "nul\0l"], dtype="str"),
    "when": np.array(["1970-01-02", "NaT", "1969-12-31T23:59", "2024-02-29", "1600-01-01"], dtype="datetime64[us]"),
})  # fmt: skip
NUMBERS = NumbersInput(name="n", columns=("whole", "number", "flag", "plain"))
TEXTS = TextsInput(name="t", columns=("town",))
MOMENTS = MomentsInput(name="m", columns=("when",))
INPUTS: tuple[Input, ...] = (NUMBERS, TEXTS, MOMENTS)


def test_numbers_are_float64_with_nan_for_missing_in_the_order_of_the_input() -> None:
    found = feeds_of(FRAME, [NUMBERS])["n"]
    nan = np.nan
    wanted = [[1, 1.5, 1, 1], [nan, nan, nan, 0], [-3, np.inf, 0, 1], [2.0**53, -1e300, 1, 0], [0, 0, 0, 1]]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, wanted)


def test_a_missing_category_is_the_empty_text() -> None:
    found = feeds_of(FRAME, [TEXTS])["t"]
    assert found.dtype == np.dtype(object)
    assert found.tolist() == [["x"], [MISSING], ["é"], ["a b"], ["nul\0l"]]


def test_dates_are_microseconds_since_1970_and_a_marker() -> None:
    found = feeds_of(FRAME, [MOMENTS])["m"]
    day = 86_400_000_000
    assert found[:3, 0].tolist() == [day, NO_MOMENT, -60_000_000]
    assert found.dtype == np.int64


@pytest.mark.parametrize("rows", range(1, FEW + 3))
def test_a_few_rows_are_fed_as_many_are(rows: int) -> None:
    whole = feeds_of(FRAME, INPUTS)
    for start in range(len(FRAME) - rows + 1):
        part = feeds_of(FRAME.iloc[start : start + rows], INPUTS)
        for name, wanted in by_name(whole, slice(start, start + rows)).items():
            assert part[name].dtype == wanted.dtype
            np.testing.assert_array_equal(part[name], wanted)


def test_a_whole_number_column_that_came_as_fractions_is_read_as_it_is() -> None:
    rows = pd.DataFrame({"whole": [2.5, np.nan, 1.0]})
    entry = NumbersInput(name="n", columns=("whole",))
    for part in (rows, rows.head(1)):
        np.testing.assert_array_equal(feeds_of(part, [entry])["n"], part.to_numpy())


@settings(max_examples=100, deadline=None)
@given(cells=st.lists(st.one_of(st.floats(), st.none()), min_size=1, max_size=5))
def test_any_number_is_what_the_feature_plan_sees_before_it_is_held(cells: list[float | None]) -> None:
    rows = pd.DataFrame({"x": np.array(cells, dtype=np.float64)})
    found = feeds_of(rows, [NumbersInput(name="n", columns=("x",))])["n"][:, 0]
    held = np.clip(np.where(np.isfinite(found), found, np.nan), -LARGEST, LARGEST)
    np.testing.assert_array_equal(held, numbers(rows["x"]))


def test_rows_with_another_index_and_more_columns_are_fed_by_name() -> None:
    rows = FRAME.assign(extra=1)[["extra", *reversed(FRAME.columns)]].set_index(pd.Index([9, 9, 7, 7, 1]))
    for part in (rows, rows.iloc[[2]]):
        first = feeds_of(part, INPUTS)
        second = feeds_of(FRAME if len(part) > 1 else FRAME.iloc[[2]], INPUTS)
        for name, wanted in second.items():
            np.testing.assert_array_equal(first[name], wanted)


def test_a_column_that_is_not_there_is_an_error() -> None:
    for rows in (FRAME, FRAME.head(1)):
        with pytest.raises(KeyError, match="town"):
            feeds_of(rows.drop(columns="town"), [TEXTS])


def test_tokens_are_as_long_as_the_longest_text_and_at_least_one() -> None:
    assert trimmed(np.array([[3, 0, 0], [4, 5, 0]])).tolist() == [[3, 0], [4, 5]]
    assert trimmed(np.zeros((2, 3), dtype=np.int64)).tolist() == [[0], [0]]
    step = TokenStep.fit(pd.Series(["day night day", "night"], dtype="str", name="note"))
    entry = TokensInput(name="k", step=step)
    rows = pd.DataFrame({"note": pd.Series(["night", None], dtype="str")})
    found = feeds_of(rows, [entry])["k"]
    assert found.dtype == np.int64
    assert found.shape[1] < step.length
    np.testing.assert_array_equal(found, step.apply(rows["note"])[:, : found.shape[1]])


def test_inputs_are_read_back_from_json_as_they_were() -> None:
    spec = OnnxRuntimeSpec(inputs=INPUTS)
    assert OnnxRuntimeSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_damaged_model_is_a_value_error(tmp_path: Path) -> None:
    write_runtime(tmp_path, RuntimeFile(regression=True, weights=(1.0,), runtime=OnnxRuntimeSpec(inputs=INPUTS)))
    (tmp_path / ONNX_FILE).write_bytes(b"no model")
    with pytest.raises(ValueError, match="ONNX Runtime cannot open the model"):
        load_runtime(tmp_path)


def test_one_row_of_twenty_columns_takes_less_than_a_few_column_accesses() -> None:
    kinds = [FRAME["number"], FRAME["whole"], FRAME["town"], FRAME["town"]]
    rows = pd.DataFrame({f"c{place}": kinds[place % 4] for place in range(20)}).iloc[[0]]
    entries: list[Input] = [
        NumbersInput(name="n", columns=tuple(f"c{place}" for place in range(20) if place % 4 < 2)),
        TextsInput(name="t", columns=tuple(f"c{place}" for place in range(20) if place % 4 > 1)),
    ]

    def taken(columns: bool) -> float:
        began = time.perf_counter()
        if columns:
            for name in rows.columns:
                rows[name].tolist()
        else:
            feeds_of(rows, entries)
        return time.perf_counter() - began

    pairs = [(taken(False), taken(True)) for _ in range(200)]
    assert median(mine for mine, _ in pairs) < median(theirs for _, theirs in pairs)
