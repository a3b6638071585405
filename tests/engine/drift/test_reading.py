"""That a column of any dtype is read as the declared kind, and that nothing in it goes uncounted."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from engine.drift.reading import Reading, named, prediction_frame, read_column
from engine.drift.reference import CurrentColumn
from engine.errors import BadArguments, DuplicateColumns

KINDS = ("number", "integer", "category", "text", "datetime", "boolean", "identifier", "image", "embedding")
STAMP = datetime(2020, 1, 1, tzinfo=UTC)
STRANGE: dict[str, pd.Series] = {
    "all NaN": pd.Series([np.nan] * 3),
    "no rows": pd.Series([], dtype=object),
    "no rows of numbers": pd.Series([], dtype=np.float64),
    "all None": pd.Series([None] * 3),
    "everything": pd.Series([None, "a", " a ", "1", 1, 1.0, True, 2.5, 10**30, "\ud800", [1], {"a": 1}], dtype=object),
    "infinite": pd.Series([np.inf, -np.inf, np.nan, 1.0]),
    "short floats": pd.Series([1, np.inf], dtype=np.float16),
    "long floats": pd.Series([1.5], dtype=np.longdouble),
    "nullable integers": pd.Series([1, None], dtype="Int8"),
    "nullable floats": pd.Series([1.5, None], dtype="Float32"),
    "nullable booleans": pd.Series([True, None], dtype="boolean"),
    "categorical numbers": pd.Series(pd.Categorical([1.0, 2.0, np.nan])),
    "complex": pd.Series(np.arange(2) * 1j),
    "dates with a zone": pd.Series([STAMP, None]),
    "far dates": pd.Series(np.array(["20000-01-01", "NaT"], dtype="datetime64[s]")),
    "periods": pd.Series(pd.period_range("2020-01", periods=2, freq="M")),
    "durations": pd.Series(pd.to_timedelta([1, None], unit="s")),
    "intervals": pd.Series(pd.interval_range(0, 2)),
    "sparse": pd.Series(pd.arrays.SparseArray([1.0, np.nan])),
    "decimals": pd.Series([Decimal("1.5"), None]),
    "bytes": pd.Series([b"a", b"b"]),
    "arrays": pd.Series([np.array([1, 2]), np.array([[1, 2]]), np.array(3), None]),
    "arrow integers": pd.Series([1, None], dtype=pd.ArrowDtype(pa.int64())),
    "arrow text": pd.Series(["a", None], dtype=pd.ArrowDtype(pa.string())),
    "arrow stamps": pd.Series([STAMP, None], dtype=pd.ArrowDtype(pa.timestamp("us", tz="UTC"))),
    "arrow days": pd.Series([date(2020, 1, 1), None], dtype=pd.ArrowDtype(pa.date32())),
    "arrow decimals": pd.Series([Decimal("1.5"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
    "arrow dictionary": pd.Series(["a", "b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
    "arrow lists": pd.Series([[1.0, 2.0], None], dtype=pd.ArrowDtype(pa.list_(pa.float64()))),
    "broken images": pd.Series(["data:image/png;base64,xx", "data:image/jpeg;base64,!!", "x", None]),
}


def read(cells: object, kind: str, **how: object) -> CurrentColumn:
    return read_column(pd.Series(cells), Reading.model_validate({"kind": kind, **how}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STRANGE)
def test_any_column_can_be_read_as_any_kind_and_every_cell_is_counted(name: str, kind: str) -> None:
    found = read(STRANGE[name], kind, width=2 if kind == "embedding" else 0)
    assert found.rows == len(STRANGE[name])
    assert 0 <= found.unreadable <= found.missing <= found.rows - found.infinite
    if found.values is not None:
        assert len(found.values) == found.present
        assert np.isfinite(found.values).all()
    if found.counts is not None:
        assert sum(found.counts.values()) == found.present
    if found.vectors is not None:
        assert len(found.vectors) == found.present


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint64, "Int32", "Float64"])
def test_numbers_of_any_dtype_are_read_alike(dtype: object) -> None:
    found = read_column(pd.Series([3, 1, 2]).astype(dtype), Reading(kind="number"))  # type: ignore[call-overload]
    assert found.values is not None
    assert found.values.dtype == np.float64
    assert found.values.tolist() == [1.0, 2.0, 3.0]


def test_missing_infinite_and_unreadable_numbers_are_counted_apart() -> None:
    held = read([np.nan, np.inf, -np.inf, 5.0], "number")
    written = read(["", "inf", "-Infinity", "5", "1e999", "five"], "number")
    assert (held.missing, held.infinite, held.unreadable) == (1, 2, 0)
    assert (written.missing, written.infinite, written.unreadable) == (2, 3, 1)


def test_negative_zero_is_zero_whichever_comes_first() -> None:
    for cells in ([0.0, -0.0], [-0.0, 0.0]):
        values = read(cells, "number").values
        assert values is not None
        assert not np.signbit(values).any()


def test_whole_numbers_are_read_with_the_halves_that_came_among_them() -> None:
    assert read([1.0, 2.5], "integer").values.tolist() == [1.0, 2.5]  # type: ignore[union-attr]


def test_numbers_with_decimal_commas_are_read_as_declared() -> None:
    found = read(["1.234,5", "7", "x"], "number", decimal_comma=True)
    assert found.values is not None
    assert found.values.tolist() == [7.0, 1234.5]
    assert found.unreadable == 1


def test_booleans_are_no_numbers_here_as_they_are_none_to_a_model() -> None:
    assert read([True, False], "number").unreadable == 2


@pytest.mark.parametrize(
    "cells", [["1", "2", "1"], [1, 2, 1], [1.0, 2.0, 1.0], ["1", " 2", 1.0], pd.Categorical([1, 2, 1])]
)
def test_a_category_has_one_name_however_its_numbers_are_held(cells: object) -> None:
    assert read(cells, "category").counts == {"1": 2, "2": 1}


def test_true_and_one_are_two_categories() -> None:
    assert read(pd.Series([True, 1, 1.0], dtype=object), "category").counts == {"True": 1, "1": 2}


def test_categories_without_a_row_are_not_counted() -> None:
    assert read(pd.Categorical(["a"], categories=["a", "b"]), "category").counts == {"a": 1}


def test_booleans_are_read_in_many_spellings() -> None:
    found = read(["yes", "NO", "t", "0", 1, 0.0, True, None, "maybe"], "boolean")
    assert found.counts == {"True": 4, "False": 3}
    assert (found.missing, found.unreadable) == (2, 1)


def test_dates_become_seconds_in_utc() -> None:
    zoned = read(pd.date_range("2020-01-01", periods=2, tz="Europe/Berlin"), "datetime")
    assert zoned.values is not None
    assert zoned.values.tolist() == [1577833200.0, 1577919600.0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_unit_are_read_alike(unit: str) -> None:
    found = read(pd.to_datetime(["2020-01-01", None]).as_unit(unit), "datetime")  # type: ignore[arg-type]
    assert found.values is not None
    assert found.values.tolist() == [1577836800.0]
    assert found.missing == 1


def test_dates_are_read_by_the_declared_format_whatever_else_would_fit() -> None:
    found = read(["02/01/2020", "nonsense"], "datetime", date_format="%d/%m/%Y")
    assert found.values is not None
    assert found.values.tolist() == [datetime(2020, 1, 2, tzinfo=UTC).timestamp()]
    assert found.unreadable == 1


def test_identifiers_are_only_counted_where_missing() -> None:
    found = read(["a1", "NA", "", None, "a2"], "identifier")
    assert (found.missing, found.counts, found.values) == (3, None, None)


def test_column_names_become_texts_and_must_differ() -> None:
    assert list(named(pd.DataFrame([[1, 2]], columns=[0, "b"])).columns) == ["0", "b"]
    with pytest.raises(DuplicateColumns):
        named(pd.DataFrame([[1, 2]], columns=[0, "0"]))


def test_predictions_of_two_classes_are_the_probability_of_the_second() -> None:
    frame = prediction_frame(np.array([[0.9, 0.1], [0.3, 0.7]]), ["no", "yes"])
    assert frame.to_dict("list") == {"prediction": [0.1, 0.7]}


def test_predictions_of_many_classes_are_the_best_and_how_probable_it_is() -> None:
    probabilities = np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2], [np.nan, 0.5, 0.5]])
    frame = prediction_frame(probabilities, ["a", "b", "c"])
    assert frame["prediction"].tolist()[:2] == ["b", "a"]
    assert frame["prediction_confidence"].tolist()[:2] == [0.5, 0.6]
    assert frame.isna().sum().tolist() == [1, 1]


@pytest.mark.parametrize("wrong", [np.zeros((2, 1)), np.zeros((2, 3, 1)), np.zeros((2, 4)), np.array(["a", "b"])])
def test_predictions_of_another_shape_or_of_no_numbers_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(BadArguments):
        prediction_frame(wrong, ["a", "b", "c"])
