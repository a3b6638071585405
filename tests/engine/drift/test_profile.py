"""What a profile keeps of each column, and how it decides that the column is compared."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import engine.drift
from engine.data.image_text import cell_of
from engine.data.schema import Column, Schema
from engine.drift.categories import KEPT
from engine.drift.numbers import edges_of, ordered
from engine.drift.profile import Profile, fit_profile
from engine.drift.reference import ColumnReference
from engine.drift.statistics.steps import at_most, from_sorted
from engine.errors import BadArguments, ColumnNotFound, ColumnsMissing, KindMismatch, TooFewRows, UnknownKind

N = 200


def column_of(cells: object, kind: str | None = None, **options: object) -> ColumnReference:
    profile = fit_profile(pd.DataFrame({"x": cells}), None if kind is None else {"x": kind}, **options)  # type: ignore[arg-type]
    return profile.columns["x"]


@pytest.mark.parametrize("form", ["exact", "sketch"])
@pytest.mark.parametrize(
    ("cells", "kind", "test"),
    [
        (np.arange(31.0), "number", "ks"),
        (np.arange(30.0), "number", "chi2"),
        (np.arange(3_000), "integer", "ks"),
        (np.r_[np.zeros(2_900), np.arange(1.0, 3_101)], "number", "ks"),
        (np.r_[np.zeros(3_100), np.arange(1.0, 2_901)], "number", "chi2"),
        (np.ones(N), "number", "ks"),
        (np.full(N, np.nan), "number", "ks"),
        ([True, False] * 10, "boolean", "chi2"),
        (["a", "b"] * 10, "category", "chi2"),
        (["a"] * 20, "category", "chi2"),
        ([f"c{row}" for row in range(N)], "category", "chi2"),
        (pd.date_range("2020-01-01", periods=N), "datetime", "rates"),
        ([f"u{row}" for row in range(N)], "identifier", "rates"),
        ([f"a long sentence number {row}" for row in range(N)], "text", "domain_classifier"),
        ([cell_of(np.zeros((4, 4), dtype=np.uint8))] * 20, "image", "domain_classifier"),
        ([[0.0, float(row)] for row in range(20)], "embedding", "mmd"),
    ],
)
def test_the_reference_decides_how_a_column_is_compared(cells: object, kind: str, test: str, form: str) -> None:
    assert column_of(cells, kind, form=form).test == test


def test_a_value_in_half_of_the_rows_is_not_yet_a_tie_and_in_one_more_it_is() -> None:
    halves = np.r_[np.zeros(50), np.arange(1.0, 51)]
    assert [column_of(cells, "number").test for cells in (halves, np.r_[0.0, halves])] == ["ks", "chi2"]


def schema_of(**kinds: str) -> Schema:
    return Schema(columns=tuple(Column.model_validate({"name": name, "kind": kind}) for name, kind in kinds.items()))


def test_missing_infinite_and_unreadable_cells_are_not_among_the_values() -> None:
    column = column_of(["1", "2", "inf", "", "x", "3", *["4"] * 500], "number")
    assert (column.rows, column.missing, column.infinite, column.present) == (506, 2, 1, 503)
    assert column.steps is not None
    assert column.steps.values.tolist() == [1, 2, 3, 4]
    assert column.steps.cumulative is not None
    assert column.steps.cumulative.tolist() == [1, 2, 3, 503]


def test_distinct_values_need_no_counts() -> None:
    column = column_of(np.random.default_rng(0).normal(size=N))
    assert column.steps is not None
    assert column.steps.cumulative is None
    assert column.steps.total == N


def test_ten_bins_hold_a_tenth_of_the_values_each() -> None:
    values = ordered(np.random.default_rng(0).normal(size=1_000))
    edges = edges_of(from_sorted(values))
    held = np.bincount(np.searchsorted(edges, values, side="left"), minlength=10)
    np.testing.assert_array_equal(held, [100] * 10)
    np.testing.assert_array_equal(edges, np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf"))


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([], []),
        ([5.0] * 9, []),
        ([0.0] * 95 + [1.0] * 5, [0.0]),
        ([0.0] * 5 + [1.0] * 95, [0.0]),
        ([1.0, 2.0, 3.0], [1.0, 2.0]),
        ([0.0] * 50 + [1.0, 2.0, 3.0, 4.0, 5.0] * 10, [0.0, 1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_every_bin_holds_a_value_of_the_reference_however_tied(values: list[float], edges: list[float]) -> None:
    steps = from_sorted(ordered(np.array(values)))
    assert edges_of(steps).tolist() == edges
    if values:
        assert (np.diff(at_most(steps, np.append(edges, np.inf)), prepend=0) > 0).all()


def test_categories_are_kept_by_frequency_and_the_rest_counted() -> None:
    common = [f"c{number:04d}" for number in range(KEPT) for _ in range(2)]
    column = column_of([*common, *["most"] * 5, *[f"rare {row}" for row in range(50)]], "category")
    assert column.counts is not None
    assert next(iter(column.counts.items())) == ("most", 5)
    assert len(column.counts) == KEPT
    assert (column.rest, column.once) == (2 + 50, 50)
    assert sum(column.counts.values()) + column.rest == column.present


def test_kinds_are_judged_where_the_mapping_does_not_give_them() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "code": rng.integers(0, 9, N),
            "size": rng.normal(size=N),
            "vector": list(rng.normal(size=(N, 3))),
            "grade": pd.Categorical(rng.integers(1, 4, N)),
            "when": pd.date_range("2020-01-01", periods=N).strftime("%d.%m.%Y"),
            7: [True, False] * (N // 2),
        }
    )
    profile = fit_profile(frame, {"code": "category"})
    kinds = {name: column.kind for name, column in profile.columns.items()}
    assert kinds == {
        "code": "category", "size": "number", "vector": "embedding", "grade": "category", "when": "datetime",
        "7": "boolean",
    }  # fmt: skip
    assert profile.readings["when"].date_format == "%d.%m.%Y"
    assert profile.readings["vector"].width == 3


def test_columns_outside_the_schema_are_left_out_and_keep_the_order_of_the_frame() -> None:
    frame = pd.DataFrame({"b": [1.0, 2.0], "c": ["x", "y"], "a": [3.0, 4.0]})
    assert list(fit_profile(frame, schema_of(a="number", b="number")).columns) == ["b", "a"]


@pytest.mark.parametrize(
    ("shape", "roles"),
    [
        ((N,), {"prediction": "number"}),
        ((N, 2), {"prediction": "number"}),
        ((N, 3), {"prediction": "category", "prediction_confidence": "number"}),
    ],
)
def test_predictions_become_columns_of_their_own(shape: tuple[int, ...], roles: dict[str, str]) -> None:
    prediction = np.random.default_rng(0).random(shape)
    profile = fit_profile(pd.DataFrame({"x": np.arange(N), "y": np.arange(N)}), target="y", prediction=prediction)
    assert {name: profile.columns[name].kind for name in profile.of_role("prediction")} == roles
    assert (profile.of_role("feature"), profile.of_role("target")) == (("x",), ("y",))
    assert list(profile.columns) == ["x", "y", *roles]


def test_predictions_take_another_name_where_a_column_has_theirs() -> None:
    frame = pd.DataFrame({"prediction": np.arange(4.0), "prediction_": np.arange(4.0)})
    profile = fit_profile(frame, prediction=np.eye(3)[[0, 1, 2, 2]], classes=["a", "b", "c"])
    assert profile.of_role("prediction") == ("prediction__", "prediction_confidence")
    assert profile.columns["prediction__"].counts == {"c": 2, "a": 1, "b": 1}


def test_what_does_not_fit_is_refused_by_name() -> None:
    frame = pd.DataFrame({"x": ["a", "b", "c"], "y": [1, 2, 3]})
    with pytest.raises(ColumnNotFound, match="'z'"):
        fit_profile(frame, target="z")
    with pytest.raises(ColumnNotFound, match="'z'"):
        fit_profile(frame, {"z": "number"})
    with pytest.raises(ColumnsMissing, match="z"):
        fit_profile(frame, schema_of(x="category", z="number"))
    with pytest.raises(UnknownKind, match="embedding"):
        fit_profile(frame, {"x": "vector"})
    for kind in ("number", "embedding"):
        with pytest.raises(KindMismatch, match="'x'"):
            fit_profile(frame, {"x": kind})


def test_no_rows_predictions_of_other_rows_and_endless_importance_are_refused() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    with pytest.raises(BadArguments, match="list"):
        fit_profile([[1.0, 2.0]])  # type: ignore[arg-type]
    with pytest.raises(TooFewRows, match="no rows"):
        fit_profile(frame.iloc[:0])
    with pytest.raises(BadArguments, match="3 predictions for 2 rows"):
        fit_profile(frame, prediction=np.zeros(3))
    with pytest.raises(BadArguments, match="importance of x"):
        fit_profile(frame, importance={"x": float("nan")})


def test_the_index_of_the_frame_does_not_matter() -> None:
    frame = pd.DataFrame({"x": np.arange(50.0), "c": list("ab") * 25}, index=[0] * 50)
    profile = fit_profile(frame, prediction=np.arange(50.0))
    assert profile.rows == profile.columns["prediction"].present == 50


def test_light_parts_of_the_package_load_no_numeric_library() -> None:
    program = "import engine.drift.levels, engine.drift.policy, engine.drift.found, sys; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"


def test_the_package_gives_its_names_whatever_was_loaded_before() -> None:
    program = (
        "import engine.drift.compare, engine.drift as d; from engine.drift import compare;"
        "print(compare is d.compare, callable(compare))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"True True\n"
    assert engine.drift.fit_profile is fit_profile
    assert engine.drift.Profile is Profile
    assert set(engine.drift.__all__) <= {*dir(engine.drift), *engine.drift.__all__}
    with pytest.raises(AttributeError, match="fit_profiles"):
        engine.drift.fit_profiles  # noqa: B018
