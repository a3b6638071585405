"""Which kind a column is, what overrides may do, and that cells come back as they were."""

import uuid
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.cells import BLANKS
from engine.data.schema import Column, Schema, coerce, coerce_counted, infer_schema
from engine.errors import ColumnNotFound, ColumnsMissing, KindMismatch, UnknownKind

CODES = [f"A{number:03d}-{number % 7}" for number in range(100)]
SENTENCES = [f"the {number} th customer wrote a long complaint" for number in range(100)]
LEVELS = [f"level {number % 1000}" for number in range(5000)]


def judge(values: list[object], name: str = "column", **overrides: str) -> Column:
    frame = pd.DataFrame({name: values})
    return infer_schema(frame, overrides).columns[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1.5", "2", "-3e4", ".5"], "number"),
        (["1", "2", "+3"], "integer"),
        (["29.85", " ", "", "NA", "?"], "number"),
        ([0.5, np.nan], "number"),
        ([1.0, 2.0, 3.0], "number"),
        ([1.0, np.nan, 3.0], "integer"),
        ([3, 1, 2], "integer"),
        (["0", "1"] * 9, "integer"),
        (["true", "FALSE", ""], "boolean"),
        ([True, None, False], "boolean"),
        (["yes", "no"] * 9, "category"),
        (["2024-01-31", "2024-02-01T10:00:00Z", ""], "datetime"),
        (["31.01.2024", "01.02.2024"], "datetime"),
        ([datetime(2024, 1, 1)] * 3, "datetime"),
        (["02139", "10001"] * 9, "category"),
        (LEVELS, "category"),
        (SENTENCES, "text"),
        (["", "NA", None], "category"),
        (CODES, "identifier"),
        ([str(uuid.UUID(int=number * 7919)) for number in range(12)], "identifier"),
    ],
)
def test_kinds_are_judged_from_the_cells(values: list[object], kind: str) -> None:
    column = judge(values)
    assert column.kind == kind
    assert column.reason


@pytest.mark.parametrize("name", ["id", "customerID", "Order Id", "user_id", "patientid", "unnamed_1", "index"])
def test_unique_whole_numbers_under_the_name_of_an_id_are_identifiers(name: str) -> None:
    assert judge(list(range(100, 50, -1)), name).kind == "identifier"


@pytest.mark.parametrize("name", ["paid", "humid", "grid", "volatile_acid", "income"])
def test_a_name_that_only_ends_alike_is_no_id(name: str) -> None:
    assert judge(list(range(100, 50, -1)), name).kind == "integer"


def test_unique_floats_are_measurements_whatever_their_name() -> None:
    assert judge([number / 7 for number in range(1, 50)], "sensor_id").kind == "number"


def test_repeated_ids_stay_a_column_to_group_by() -> None:
    assert judge([number // 5 for number in range(50)], "patient_id").kind == "integer"


def test_a_few_words_among_numbers_become_missing_and_are_named() -> None:
    column = judge([str(number / 2) for number in range(300)] + ["n.n.", "unknown"])
    assert (column.kind, column.missing) == ("number", 2)
    assert "2 cell(s) are no number and count as missing, e.g. 'n.n.', 'unknown'" in column.caution


def test_many_words_among_numbers_make_a_category() -> None:
    assert judge([*map(str, range(50)), *["low"] * 5]).kind == "category"


@pytest.mark.parametrize("values", [[1.5, np.inf, -np.inf], ["1.5", "inf", "-Infinity"], ["1.5", "1e999", "-1e999"]])
def test_infinite_values_are_counted_and_missing(values: list[object]) -> None:
    column = judge(values)
    assert (column.kind, column.missing) == ("number", 2)
    assert "2 infinite value(s) count as missing" in column.caution


def test_an_override_wins() -> None:
    assert judge(["1", "2", "3"], column="category").kind == "category"
    assert judge(["yes", "no", "on"], column="boolean").missing == 0
    assert judge([1, 2, 3], "id", id="integer").kind == "integer"


def test_an_unknown_kind_offers_the_nearest() -> None:
    with pytest.raises(UnknownKind, match="Did you mean 'number'"):
        judge(["1"], column="nubmer")


def test_an_override_of_no_column_offers_the_nearest() -> None:
    with pytest.raises(ColumnNotFound, match="Did you mean 'column'"):
        judge(["1"], colunm="number")


@pytest.mark.parametrize(
    ("values", "kind", "said"),
    [
        (["York", "Leeds", "3"], "number", "2 of 3 cells do not fit, e.g. 'York', 'Leeds'"),
        (["York", "Leeds", "Hull"], "datetime", "3 of 3 cells"),
        (["York", "Leeds", "yes"], "boolean", "2 of 3 cells"),
        (["1.5", "2.5", "3"], "integer", "2 of 3 cells do not fit, e.g. values that are not whole"),
    ],
)
def test_an_override_that_fits_few_cells_is_refused_with_examples(values: list[object], kind: str, said: str) -> None:
    with pytest.raises(KindMismatch, match=said):
        judge(values, column=kind)


def test_the_target_is_never_an_identifier() -> None:
    frame = pd.DataFrame({"code": CODES, "id": range(100)})
    assert infer_schema(frame, {}, "code").kind("code") == "category"
    assert infer_schema(frame, {}, "id").kind("id") == "integer"


def test_dates_that_read_both_ways_are_said_and_read_alike_later() -> None:
    column = judge(["03/04/2024", "05/06/2024"])
    assert "read as month/day/year" in column.caution
    later = coerce(pd.DataFrame({"column": ["01/02/2024"]}), Schema(columns=(column,)))
    assert later.loc[0, "column"] == pd.Timestamp("2024-01-02")


def test_one_day_beyond_twelve_settles_the_order() -> None:
    column = judge(["03/04/2024", "25/12/2024"])
    later = coerce(pd.DataFrame({"column": ["01/02/2024", "2024-02-03"]}), Schema(columns=(column,)))
    assert later["column"].tolist() == [pd.Timestamp("2024-02-01"), pd.Timestamp("2024-02-03")]


def test_features_are_all_but_target_dropped_and_identifiers() -> None:
    schema = infer_schema(pd.DataFrame({"id": range(9), "a": [1.5] * 9, "b": [2.5] * 9, "y": [0.5] * 9}), {})
    assert schema.features("y", drop=("b",)) == ["a"]
    with pytest.raises(ColumnNotFound):
        schema.features("y", drop=("c",))


SCHEMA = Schema(
    columns=(
        Column(name="n", kind="number"),
        Column(name="i", kind="integer"),
        Column(name="c", kind="category"),
        Column(name="t", kind="text"),
        Column(name="b", kind="boolean"),
        Column(name="d", kind="datetime"),
    )
)


def test_coerce_gives_the_declared_dtypes_in_order_and_ignores_other_columns() -> None:
    frame = pd.DataFrame(
        [{"x": 1, "d": "2024-01-02", "b": "yes", "t": " a ", "c": " u ", "i": "4", "n": "0.5"}], index=[7]
    )
    found = coerce(frame, SCHEMA)
    assert [str(kind) for kind in found.dtypes] == ["float64", "Int64", "str", "str", "boolean", "datetime64[us]"]
    assert found.iloc[0].tolist() == [0.5, 4, "u", " a ", True, pd.Timestamp("2024-01-02")]
    assert found.index.tolist() == [7]


def test_cells_that_do_not_fit_become_missing_and_are_counted() -> None:
    frame = pd.DataFrame([{"n": "x", "i": "inf", "c": "", "t": "", "b": "perhaps", "d": "soon"}])
    found, unusable = coerce_counted(frame, SCHEMA)
    assert found.isna().all(axis=None)
    assert unusable == {"n": 1, "i": 1, "b": 1, "d": 1}


def test_coerce_names_the_columns_that_are_missing() -> None:
    with pytest.raises(ColumnsMissing, match="does not have: i, b"):
        coerce(pd.DataFrame({"n": ["1"], "c": ["u"], "t": ["v"], "d": [None]}), SCHEMA)


def test_whole_numbers_that_came_as_floats_are_the_same_category() -> None:
    schema = Schema(columns=(Column(name="c", kind="category"),))
    assert coerce(pd.DataFrame({"c": [1.0, np.nan]}), schema)["c"].tolist()[0] == "1"


def test_a_schema_survives_json() -> None:
    assert Schema.model_validate_json(SCHEMA.model_dump_json()) == SCHEMA


FINITE = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(10**17), 10**17)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), min_size=1).filter(
    lambda word: word.strip() == word and word not in BLANKS
)


@settings(max_examples=60, deadline=None)
@given(st.lists(FINITE, min_size=1))
def test_floats_survive_being_written_as_text(numbers: list[float]) -> None:
    schema = Schema(columns=(Column(name="n", kind="number"),))
    assert coerce(pd.DataFrame({"n": [repr(number) for number in numbers]}), schema)["n"].tolist() == numbers


@settings(max_examples=60, deadline=None)
@given(st.lists(WHOLE, min_size=1))
def test_whole_numbers_survive_with_every_digit(numbers: list[int]) -> None:
    schema = Schema(columns=(Column(name="i", kind="integer"),))
    frame = pd.DataFrame({"i": [*map(str, numbers), ""]})
    assert coerce(frame, schema)["i"].tolist()[:-1] == numbers


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, min_size=1))
def test_words_survive(words: list[str]) -> None:
    schema = Schema(columns=(Column(name="c", kind="category"),))
    assert coerce(pd.DataFrame({"c": words}), schema)["c"].tolist() == words


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(), FINITE, WHOLE, st.booleans(), st.datetimes()), min_size=1))
def test_no_column_is_too_odd_to_judge(values: list[object]) -> None:
    frame = pd.DataFrame({"odd": pd.Series(values, dtype=object)})
    schema = infer_schema(frame, {})
    assert len(coerce(frame, schema)) == len(values)


def test_a_new_fraction_in_a_column_of_whole_numbers_keeps_its_value() -> None:
    schema = Schema(columns=(Column(name="i", kind="integer"),))
    found = coerce(pd.DataFrame({"i": ["2", "2.4", "2.5", None]}), schema, strict=False)["i"]
    assert found.tolist()[:3] == [2.0, 2.4, 2.5]
    assert found.isna().sum() == 1


def test_short_messages_are_text_though_some_repeat() -> None:
    messages = [
        f"Ok, see you at {number % 200} then" if number % 12 else "Sorry, I'll call later" for number in range(300)
    ]
    assert judge(messages).kind == "text"


def test_half_a_surrogate_pair_in_a_row_given_inline_does_not_stop_the_reading() -> None:
    schema = Schema(columns=(Column(name="note", kind="text"),))
    assert coerce(pd.DataFrame({"note": ["\ud800!"]}, dtype=object), schema).loc[0, "note"] == "?!"


def test_what_a_source_tells_goes_before_what_its_cells_look_like() -> None:
    frame = pd.DataFrame({"label": ["0", "1", "2"] * 9})
    column = infer_schema(frame, {}, told={"label": "category"}).columns[0]
    assert (column.kind, column.reason) == ("category", "category, as its source tells")
    assert infer_schema(frame, {"label": "integer"}, told={"label": "category"}).kind("label") == "integer"
