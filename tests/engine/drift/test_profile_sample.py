"""That the sample of rows is a fair one, and that rows are coded the same way whenever."""

import numpy as np
import pandas as pd
import pytest

from engine.drift.profile import Profile, fit_profile
from engine.drift.sample import MOST_ROWS, RowSample, encode_rows, row_keys

FRAME = pd.DataFrame(
    {
        "n": [1.5, np.nan, np.inf, 1e300],
        "c": ["b", "b", "a", None],
        "y": [True, None, False, True],
        "id": ["k1", "k2", "k3", "k4"],
        "d": pd.date_range("2020-01-01", periods=4),
        "t": [0, 1, 0, 1],
    }
)
KINDS = {"id": "identifier", "y": "boolean", "n": "number"}
MOST = np.finfo(np.float32).max


def sample_of(profile: Profile) -> RowSample:
    assert profile.sample is not None
    return profile.sample


def test_features_become_numbers_and_nothing_else_is_taken() -> None:
    profile = fit_profile(FRAME, KINDS, "t", prediction=np.zeros(4))
    assert sample_of(profile).names == ("n", "c", "y")
    rows = encode_rows(profile, FRAME)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, [[1.5, 0, 1], [np.nan, 0, np.nan], [np.nan, 1, 0], [MOST, -1, 1]])


def test_current_rows_are_coded_as_the_reference_whatever_their_dtypes_order_and_gaps() -> None:
    profile = fit_profile(FRAME, KINDS, "t")
    current = pd.DataFrame({"c": ["new", " a ", "b"], "n": ["2", "x", "-1e300"], "more": [1, 2, 3]})
    np.testing.assert_array_equal(
        encode_rows(profile, current), [[2, -1, np.nan], [np.nan, 1, np.nan], [-MOST, 0, np.nan]]
    )
    assert encode_rows(profile, current.iloc[:0]).shape == (0, 3)


def test_without_a_feature_that_is_a_number_there_is_no_sample() -> None:
    profile = fit_profile(FRAME[["id", "t"]], {"id": "identifier"}, "t")
    assert profile.sample is None
    assert encode_rows(profile, FRAME).shape == (4, 0)


def test_the_sample_is_of_whole_rows() -> None:
    numbers = np.arange(10_000.0)
    rows = sample_of(fit_profile(pd.DataFrame({"a": numbers, "b": -numbers}))).values
    assert rows.shape == (MOST_ROWS, 2)
    np.testing.assert_array_equal(rows[:, 0], -rows[:, 1])
    assert len(np.unique(rows[:, 0])) == MOST_ROWS


def test_the_sample_is_spread_over_all_rows_and_follows_the_seed() -> None:
    frame = pd.DataFrame({"a": np.arange(10_000.0)})
    first, again, other = (sample_of(fit_profile(frame, seed=seed)).values[:, 0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first, other)) == pytest.approx(400, abs=80)  # a fifth, with a deviation of 16
    held = np.histogram(first, bins=10, range=(0, 10_000))[0]
    assert np.abs(held - 200).max() < 60  # with a deviation of 12


def test_any_first_part_of_a_sample_is_spread_as_well() -> None:
    first = sample_of(fit_profile(pd.DataFrame({"a": np.arange(10_000.0)}))).values[:200, 0]
    assert first.mean() == pytest.approx(5_000, abs=4.5 * 2_887 / np.sqrt(200))


def test_other_rows_are_drawn_at_other_places() -> None:
    one, other = (row_keys(pd.DataFrame({"a": np.arange(start, start + 100.0)}), 0) for start in (0, 1))
    assert len(np.intersect1d(one, other)) == 0


def test_a_merged_sample_has_as_many_of_each_part_as_its_rows_ask_for() -> None:
    parts = [
        fit_profile(pd.DataFrame({"a": np.full(n, side), "b": np.arange(n)})) for side, n in ((0, 9_000), (1, 3_000))
    ]
    rows = sample_of(parts[0].merge(parts[1])).values
    assert len(rows) == MOST_ROWS
    assert rows[:, 0].sum() == pytest.approx(500, abs=90)  # with a deviation of 19


def test_all_rows_of_small_parts_are_kept() -> None:
    parts = [fit_profile(pd.DataFrame({"a": np.arange(start, start + 900.0)})) for start in (0, 900)]
    np.testing.assert_array_equal(np.sort(sample_of(parts[0].merge(parts[1])).values[:, 0]), np.arange(1_800))


def test_categories_are_recoded_to_their_ranks_in_the_union() -> None:
    frames = [pd.DataFrame({"c": [*"aaab", None], "n": range(5)}), pd.DataFrame({"c": [*"bbbbbbcc"], "n": range(8)})]
    merged = fit_profile(frames[0]).merge(fit_profile(frames[1]))
    both = pd.concat(frames)
    held = sample_of(merged).values
    found, wanted = held[np.lexsort(held.T)], encode_rows(merged, both)
    assert list(merged.columns["c"].counts or {}) == ["b", "a", "c"]
    np.testing.assert_array_equal(found, wanted[np.lexsort(wanted.T)])
