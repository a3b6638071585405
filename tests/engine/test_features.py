import json

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse

from engine.data.schema import Column, Schema, coerce
from engine.features import FeaturePlan, Matrix

RNG = np.random.default_rng(5)
ROWS = 600


def schema(**kinds: str) -> Schema:
    return Schema(columns=tuple(Column.model_validate({"name": name, "kind": kind}) for name, kind in kinds.items()))


KINDS = schema(
    amount="number", count="integer", plan="category", city="category", since="datetime", member="boolean", note="text"
)
WORDS = np.array(["late", "refund", "great", "never", "again", "thanks", "été", "断線"])


def table(rows: int = ROWS) -> pd.DataFrame:
    amount = RNG.normal(size=rows) * 10
    amount[::17] = np.nan
    amount[5], amount[6] = np.inf, -np.inf
    raw = pd.DataFrame(
        {
            "amount": amount,
            "count": pd.array(np.where(RNG.random(rows) < 0.1, None, RNG.integers(0, 9, rows)), dtype="Int64"),
            "plan": RNG.choice(["a", "b", None], rows),
            "city": [f"city {i % 400}" for i in range(rows)],
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 90_000, rows), unit="h"),
            "member": pd.array(RNG.choice([True, False, None], rows), dtype="boolean"),
            "note": [" ".join(RNG.choice(WORDS, 4)) if i % 9 else None for i in range(rows)],
        }
    )
    return coerce(raw, KINDS)


def dense(matrix: Matrix) -> np.ndarray:
    return matrix.toarray() if issparse(matrix) else matrix


@pytest.mark.parametrize("flavour", ["linear", "tree"])
def test_a_plan_read_back_from_json_gives_the_same_bits(flavour: str) -> None:
    plan = FeaturePlan.fit(table(), KINDS, KINDS.names, flavour)  # type: ignore[arg-type]
    again = FeaturePlan.from_json(json.loads(json.dumps(plan.to_json(), allow_nan=False)))
    fresh = table(50)
    first, second = dense(plan.transform(fresh)), dense(again.transform(fresh))
    assert again.feature_names == plan.feature_names
    assert first.dtype == np.float32
    assert first.tobytes() == second.tobytes()
    assert first.shape == (50, len(plan.feature_names))


def test_a_linear_plan_leaves_nothing_missing_and_nothing_large() -> None:
    plan = FeaturePlan.fit(table(), KINDS, KINDS.names, "linear")
    features = dense(plan.transform(table(80)))
    assert np.isfinite(features).all()
    assert np.abs(features).max() < 20


def test_an_outlier_does_not_flatten_the_other_values() -> None:
    frame = pd.DataFrame({"x": np.append(RNG.normal(size=999), 1e9)})
    features = dense(FeaturePlan.fit(frame, schema(x="number"), ["x"], "linear").transform(frame))
    assert features[:999, 0].std() > 0.8
    assert features[999, 0] < 5


def test_a_tree_plan_keeps_missing_and_reads_infinite_as_missing() -> None:
    frame = pd.DataFrame({"x": [1.0, np.inf, np.nan, -np.inf, 2.0]})
    features = dense(FeaturePlan.fit(frame, schema(x="number"), ["x"], "tree").transform(frame))
    assert np.array_equal(features[:, 0], [1, np.nan, np.nan, np.nan, 2], equal_nan=True)


@pytest.mark.parametrize("flavour", ["linear", "tree"])
def test_unseen_categories_and_missing_cells_are_tolerated(flavour: str) -> None:
    plan = FeaturePlan.fit(table(), KINDS, KINDS.names, flavour)  # type: ignore[arg-type]
    empty = coerce(pd.DataFrame({name: [None, None] for name in KINDS.names}), KINDS, strict=False)
    strange = empty.assign(plan=pd.Series(["zebra", "zebra"], dtype="str"))
    assert dense(plan.transform(empty)).shape == dense(plan.transform(strange)).shape


def test_an_unseen_category_counts_as_rare() -> None:
    frame = pd.DataFrame({"c": pd.Series(["a"] * 50 + ["b"] * 48 + ["x", "y"], dtype="str")})
    plan = FeaturePlan.fit(frame, schema(c="category"), ["c"], "linear")
    fresh = pd.DataFrame({"c": pd.Series(["new", "x", "a"], dtype="str")})
    assert plan.feature_names == ("c = a", "c = b", "c = rare")
    assert dense(plan.transform(fresh)).tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0]]


def test_a_thousand_levels_become_few_features_and_a_frequency() -> None:
    levels = [f"level {int(i)}" for i in np.floor(1000 * RNG.random(4000) ** 2)]
    frame = pd.DataFrame({"c": pd.Series(levels, dtype="str")})
    plan = FeaturePlan.fit(frame, schema(c="category"), ["c"], "linear")
    assert len(plan.feature_names) <= 43
    assert plan.feature_names[-1] == "c frequency"
    often = dense(plan.transform(pd.DataFrame({"c": ["level 0", "level 999", "never seen"]})))[:, -1]
    assert often[0] == 1.0
    assert often[0] > often[1] >= often[2] == 0.0


def test_columns_without_information_are_dropped_with_a_reason() -> None:
    frame = pd.DataFrame({"x": [1.0, 2, 3], "same": [7.0] * 3, "none": [np.nan] * 3, "copy": [1.0, 2, 3]})
    kinds = schema(x="number", same="number", none="number", copy="number")
    plan = FeaturePlan.fit(frame, kinds, kinds.names, "tree")
    assert plan.columns == ("x",)
    assert plan.dropped == {
        "same": "it has the same value in every row",
        "none": "every value is missing",
        "copy": "it is a copy of 'x'",
    }


def test_only_category_codes_are_marked_as_categorical() -> None:
    plan = FeaturePlan.fit(table(), KINDS, ["amount", "plan", "city"], "tree")
    named = [plan.feature_names[place] for place in plan.categorical]
    assert named == ["plan", "city"]


def test_date_parts_that_never_vary_are_left_out() -> None:
    days = pd.DataFrame({"d": pd.date_range("2024-03-01", periods=20, freq="D").astype("datetime64[us]")})
    plan = FeaturePlan.fit(days, schema(d="datetime"), ["d"], "tree")
    assert plan.feature_names == ("d weekday", "d days")
    assert dense(plan.transform(days))[:3].tolist() == [[4, 0], [5, 1], [6, 2]]


def test_words_weigh_by_how_rare_they_are() -> None:
    notes = pd.DataFrame({"t": pd.Series(["good phone"] * 6 + ["bad phone"] * 2 + [None], dtype="str")})
    plan = FeaturePlan.fit(notes, schema(t="text"), ["t"], "linear")
    matrix = plan.transform(pd.DataFrame({"t": pd.Series(["bad phone", "unknown words", None], dtype="str")}))
    assert issparse(matrix)
    words = dense(matrix)[:, :-2]
    assert np.linalg.norm(words, axis=1) == pytest.approx([1, 0, 0], abs=1e-6)
    # 'phone' is in every note: it weighs less than 'bad' and 'bad phone'
    assert sorted(np.round(words[0][words[0] > 0], 3))[0] < 0.5


def test_a_one_column_one_row_frame_transforms() -> None:
    frame = pd.DataFrame({"x": np.arange(20.0)})
    plan = FeaturePlan.fit(frame, schema(x="number"), ["x"], "linear")
    assert dense(plan.transform(frame.iloc[[3]])).shape == (1, 1)


def test_rows_are_transformed_alike_alone_and_together() -> None:
    frame = table()
    plan = FeaturePlan.fit(frame, KINDS, KINDS.names, "linear")
    together = dense(plan.transform(frame.iloc[:7]))
    alone = np.concatenate([dense(plan.transform(frame.iloc[[row]])) for row in range(7)])
    assert together.tobytes() == alone.tobytes()


def test_values_beyond_float32_are_held_within_it() -> None:
    frame = pd.DataFrame({"x": [1e300, -1e300, 1.0, 2.0]})
    for flavour in ("linear", "tree"):
        plan = FeaturePlan.fit(frame, schema(x="number"), ["x"], flavour)  # type: ignore[arg-type]
        assert np.isfinite(dense(plan.transform(frame))).all()


def test_building_features_ends_when_the_check_says_so() -> None:
    calls = iter(range(100))

    def check() -> None:
        if next(calls) >= 5:
            raise TimeoutError

    frame = coerce(pd.DataFrame({name: [None, None] for name in KINDS.names}), KINDS, strict=False)
    with pytest.raises(TimeoutError):
        FeaturePlan.fit(frame, KINDS, KINDS.names, "tree", 0, check)
