"""That merging two profiles gives the profile of all rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.schema import Column, Schema
from engine.drift.columns import Form
from engine.drift.profile import MetricBaseline, Profile, fit_profile
from engine.drift.reference import ColumnReference, Steps
from engine.errors import BadArguments, Fixable

SCHEMA = Schema(
    columns=(
        Column(name="number", kind="number"),
        Column(name="integer", kind="integer"),
        Column(name="word", kind="category"),
        Column(name="yes", kind="boolean"),
        Column(name="when", kind="datetime", date_format="ISO8601"),
        Column(name="id", kind="identifier"),
    )
)

ROW = st.fixed_dictionaries(
    {
        "number": st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.5, np.inf, -np.inf, np.nan]),
        "integer": st.integers(-3, 3) | st.sampled_from(["4", "x", None, " 5 "]),
        "word": st.text(max_size=2) | st.sampled_from(["a", "b", "NA", None, 1, 1.0, True]),
        "yes": st.sampled_from([True, False, None, "yes", "maybe", 0]),
        "when": st.sampled_from(["2020-01-01", "2021-02-03T04:05:06Z", "never", None]),
        "id": st.sampled_from(["a1", "a2", None]),
    }
)


def frame_of(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=object) for name in SCHEMA.names})


def told(steps: Steps | None) -> object:
    if steps is None:
        return None
    return steps.values.tobytes(), None if steps.cumulative is None else steps.cumulative.tolist(), steps.error


def facts(column: ColumnReference) -> dict[str, object]:
    """Everything but the random sample, comparable."""
    kept = {name: value for name, value in vars(column).items() if name not in {"steps", "edges", "counts", "sample"}}
    counts = None if column.counts is None else list(column.counts.items())
    edges = None if column.edges is None else column.edges.tolist()
    return {**kept, "steps": told(column.steps), "edges": edges, "counts": counts}


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=40), st.lists(ROW, min_size=1, max_size=40))
def test_exact_profiles_merge_to_the_profile_of_all_rows(
    first: list[dict[str, object]], second: list[dict[str, object]]
) -> None:
    merged = fit_profile(frame_of(first), SCHEMA, "yes").merge(fit_profile(frame_of(second), SCHEMA, "yes"))
    whole = fit_profile(frame_of([*first, *second]), SCHEMA, "yes")
    assert (merged.rows, merged.target) == (whole.rows, "yes")
    assert [facts(column) for column in merged.columns.values()] == [facts(c) for c in whole.columns.values()]


def numbers(n: int, seed: int, **more: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=n), "c": rng.choice(["a", "b", "c"], n, p=[0.2, 0.3, 0.5]), **more})


def test_many_distinct_values_and_predictions_merge_exactly() -> None:
    frames = [numbers(3_000, 1), numbers(500, 2)]
    predictions = [frame["x"].to_numpy() for frame in frames]
    parts = [fit_profile(f, prediction=p) for f, p in zip(frames, predictions, strict=True)]
    whole = fit_profile(pd.concat(frames), prediction=np.concatenate(predictions))
    merged = parts[0].merge(parts[1])
    assert {name: facts(c) for name, c in merged.columns.items()} == {
        name: facts(c) for name, c in whole.columns.items()
    }


@pytest.mark.parametrize("forms", [("sketch", "sketch"), ("exact", "sketch"), ("sketch", "exact")])
def test_with_a_sketch_on_either_side_the_union_is_a_sketch_within_its_error(forms: tuple[Form, Form]) -> None:
    frames = [numbers(20_000, 1), numbers(5_000, 2)]
    merged = fit_profile(frames[0], form=forms[0]).merge(fit_profile(frames[1], form=forms[1]))
    steps = merged.columns["x"].steps
    assert merged.form == "sketch"
    assert steps is not None
    assert steps.cumulative is not None
    truth = np.sort(pd.concat(frames)["x"].to_numpy())
    exact = np.searchsorted(truth, steps.values, side="right") / len(truth)
    assert 0 < np.abs(steps.cumulative / steps.total - exact).max() < 1.5 * steps.error < 0.005
    assert facts(merged.columns["c"]) == facts(fit_profile(pd.concat(frames)).columns["c"])


def test_a_merged_sketch_can_be_merged_again() -> None:
    profile = fit_profile(numbers(2_000, 0), form="sketch")
    for seed in range(1, 6):
        profile = profile.merge(fit_profile(numbers(2_000, seed), form="sketch"))
    steps = profile.columns["x"].steps
    assert steps is not None
    assert (profile.rows, steps.total) == (12_000, 12_000)


def test_a_sketch_of_few_values_turns_into_one_of_many_when_they_come() -> None:
    parts = [fit_profile(pd.DataFrame({"x": np.arange(start, start + 900.0)}), form="sketch") for start in (0, 900)]
    merged = parts[0].merge(parts[1])
    assert [set(profile.sketches) for profile in (*parts, merged)] == [set(), set(), {"x"}]


def test_of_too_many_categories_the_frequent_ones_keep_their_counts() -> None:
    frames = [pd.DataFrame({"c": ["top"] * 99 + [f"{start + k}" for k in range(1_500)]}) for start in (0, 1_000)]
    first, second = (fit_profile(frame, {"c": "category"}) for frame in frames)
    column = first.merge(second).columns["c"]
    assert column.counts is not None
    assert column.counts["top"] == 198
    assert sum(column.counts.values()) + column.rest == column.present == 3_198
    assert column.once >= 2_000  # 500 of the 2,500 categories are in both


def test_samples_of_texts_merge_to_a_sample_of_all_and_stay_bounded() -> None:
    parts = [
        fit_profile(pd.DataFrame({"t": [f"word{side} and row {row}" for row in range(n)]}), {"t": "text"})
        for side, n in ((1, 4_000), (2, 1_000))
    ]
    merged = parts[0].merge(parts[1])
    sample = merged.columns["t"].sample
    assert sample is not None
    assert sample.shape == (1_000, 256)
    first = parts[0].columns["t"].sample
    assert first is not None
    of_first = sum((sample == row).all(axis=1).any() for row in first)
    assert 720 < of_first < 880  # 800 expected, with a standard deviation of 11.3


def test_the_order_of_merging_makes_no_difference_to_a_sample() -> None:
    one, other = fit_profile(numbers(3_000, 1)), fit_profile(numbers(3_000, 2))
    first, second = one.merge(other).sample, other.merge(one).sample
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.values, second.values)


def test_other_columns_kinds_roles_and_classes_are_refused_by_name() -> None:
    profile = fit_profile(numbers(50, 0))
    others = {
        "only one has extra": fit_profile(numbers(50, 0, extra=1.0)),
        "'x' .feature of kind number; feature of kind category": fit_profile(numbers(50, 0), {"x": "category"}),
        "'c' .feature of kind category; target": fit_profile(numbers(50, 0), target="c"),
        "different tasks: none with classes none and binary": fit_profile(numbers(50, 0), task="binary"),
    }
    for message, other in others.items():
        with pytest.raises(BadArguments, match=message):
            profile.merge(other)
    assert issubclass(BadArguments, Fixable)


def test_embeddings_of_other_lengths_are_refused() -> None:
    profiles = [fit_profile(pd.DataFrame({"e": list(np.zeros((5, width)))})) for width in (2, 3)]
    with pytest.raises(BadArguments, match=r"of 2 numbers.*of 3 numbers"):
        profiles[0].merge(profiles[1])


def metric(value: float, half: float, rows: int, name: str = "accuracy") -> MetricBaseline:
    return MetricBaseline(name=name, value=value, ci=(value - half, value + half), rows=rows, greater_is_better=True)


def with_metric(baseline: MetricBaseline | None) -> Profile:
    return fit_profile(numbers(50, 0), metric=baseline)


def test_a_metric_is_averaged_by_rows_and_its_interval_narrows() -> None:
    found = with_metric(metric(0.9, 0.04, 300)).merge(with_metric(metric(0.8, 0.08, 100))).metric
    assert found is not None
    assert found.value == pytest.approx(0.875)
    assert found.ci == pytest.approx((0.875 - np.hypot(0.03, 0.02), 0.875 + np.hypot(0.03, 0.02)))
    assert found.rows == 400


@pytest.mark.parametrize("other", [None, metric(0.8, 0.1, 100, "f1")])
def test_a_metric_of_one_side_is_left_out(other: MetricBaseline | None) -> None:
    assert with_metric(metric(0.9, 0.05, 300)).merge(with_metric(other)).metric is None


def test_importance_is_averaged_by_rows_where_both_have_the_same_columns() -> None:
    one = replace(fit_profile(numbers(30, 0)), importance={"x": 1.0, "c": 0.0})
    other = replace(fit_profile(numbers(10, 0)), importance={"x": 0.0, "c": 2.0})
    assert one.merge(other).importance == {"x": 0.75, "c": 0.5}
    assert one.merge(replace(other, importance={"x": 1.0})).importance == {}
