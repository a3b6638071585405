import json
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from engine.errors import BadArguments
from engine.monitoring.cells import answers_from_json, answers_to_json, rows_from_json, rows_to_json


def back(frame: pd.DataFrame) -> pd.DataFrame:
    return rows_from_json(rows_to_json(frame))


def test_numbers_whole_numbers_truth_values_and_text_come_back_as_they_were() -> None:
    frame = pd.DataFrame(
        {"number": [0.1, -2.0], "whole": [1, 2**62 + 1], "true": [True, False], "text": ["ä\n", "1"]},
    )
    assert_frame_equal(back(frame), frame)


def test_missing_cells_of_every_kind_come_back_missing() -> None:
    frame = pd.DataFrame(
        {
            "number": [0.5, np.nan],
            "whole": pd.array([2**62 + 1, None], dtype="Int64"),
            "true": pd.array([True, None], dtype="boolean"),
            "text": ["a", None],
        }
    )
    assert_frame_equal(back(frame), frame)


def test_the_rows_are_plain_json_without_nan_or_infinity() -> None:
    frame = pd.DataFrame({"x": [np.inf, np.nan, -np.inf]})
    cells = [json.loads(row, parse_constant=pytest.fail) for row in rows_to_json(frame)]
    assert cells == [{"x": "inf"}, {"x": None}, {"x": "-inf"}]


def test_a_column_that_is_infinite_in_every_row_is_a_column_of_numbers() -> None:
    frame = pd.DataFrame({"x": [np.inf, -np.inf]})
    assert_frame_equal(back(frame), frame)


def test_the_word_inf_among_other_words_stays_a_word() -> None:
    frame = pd.DataFrame({"x": ["inf", "other"]})
    assert_frame_equal(back(frame), frame)


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        (np.float32(0.5), 0.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (pd.NaT, None),
        (pd.NA, None),
        (datetime(2026, 1, 2, 3, 4), "2026-01-02T03:04:00"),
        (pd.Timestamp("2026-01-02", tz="UTC"), "2026-01-02T00:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (2**64, "18446744073709551616"),
        (Decimal("1.50"), "1.50"),
        (["a", 1], '["a", 1]'),
    ],
)
def test_scalars_of_every_sort_are_kept_as_json_has_words_for(cell: object, kept: object) -> None:
    frame = pd.DataFrame({"x": pd.Series([cell], dtype=object)})
    assert json.loads(rows_to_json(frame)[0]) == {"x": kept}


def test_nul_and_half_a_surrogate_pair_are_kept_in_plain_ascii() -> None:
    row = rows_to_json(pd.DataFrame({"x\x00": pd.Series(["\x00", "\ud800"], dtype=object)}))
    assert all(text.isascii() and "\x00" not in text for text in row)
    assert rows_from_json(row)["x\x00"].tolist() == ["\x00", "?"]


def test_rows_of_several_calls_have_the_columns_of_all() -> None:
    rows = [*rows_to_json(pd.DataFrame({"a": [1], "b": ["x"]})), *rows_to_json(pd.DataFrame({"a": [2], "c": [0.5]}))]
    frame = rows_from_json(rows)
    assert list(frame) == ["a", "b", "c"]
    assert frame["c"].isna().tolist() == [True, False]


def test_frames_without_columns_or_rows_keep_their_shape() -> None:
    assert back(pd.DataFrame(index=range(3))).shape == (3, 0)
    assert rows_from_json([]).shape == (0, 0)


def test_columns_of_the_same_name_are_refused_by_name() -> None:
    with pytest.raises(BadArguments, match="Columns come twice: a"):
        rows_to_json(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize(
    "answers", [[0.5, np.nan, np.inf], [[0.25, 0.75], [np.nan, -np.inf]], np.empty(0), np.empty((2, 0))]
)
def test_answers_come_back_with_their_shape(answers: object) -> None:
    array = np.array(answers, dtype=np.float64)
    np.testing.assert_array_equal(answers_from_json(answers_to_json(array)), array)


def test_answers_of_models_with_more_and_fewer_classes_stand_side_by_side() -> None:
    texts = [*answers_to_json(np.array([[0.4, 0.6]])), *answers_to_json(np.array([[0.2, 0.3, 0.5]]))]
    np.testing.assert_array_equal(answers_from_json(texts), [[0.4, 0.6, np.nan], [0.2, 0.3, 0.5]])


NUMBERS = st.one_of(st.floats(), st.none())
WHOLE = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.one_of(st.text().filter(lambda text: text not in {"inf", "-inf"}), st.none())
COLUMNS = st.one_of(*(st.lists(cells, min_size=4, max_size=4) for cells in (NUMBERS, WHOLE, TEXTS, st.booleans())))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), COLUMNS, min_size=1, max_size=3))
def test_any_cells_come_back(columns: dict[str, list[object]]) -> None:
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    found = back(frame)
    assert list(found) == list(frame)
    for name, cells in columns.items():
        expected = [None if cell != cell else cell for cell in cells]
        assert [None if pd.isna(cell) else cell for cell in found[name].tolist()] == expected
