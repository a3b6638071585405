"""Where a model errs most: planted slices are found, noise is not, cells are read as the reference reads its own."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from engine.data.schema import infer_schema
from engine.drift.profile import Profile, fit_profile
from engine.drift.slices import Slice, worst_slices

KINDS = {"code": "category", "paid": "boolean"}


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "plan": rng.choice(["basic", "plus", "free"], rows),
            "code": rng.choice([1.0, 2.0, np.nan], rows),
            "paid": rng.choice(["yes", "no"], rows),
            "months": rng.integers(0, 72, rows),
            "fee": rng.normal(50, 10, rows),
        }
    )


@pytest.fixture(scope="module")
def profile() -> Profile:
    return fit_profile(table(2_000, 0), KINDS)


def found(frame: pd.DataFrame, bad: NDArray[np.bool_], profile: Profile, noise: float = 0.1) -> tuple[Slice, ...]:
    """The slices of rows of which all in `bad` are wrong, and a share `noise` of the others."""
    error = (np.random.default_rng(9).random(len(frame)) < noise).astype(float)
    return worst_slices(frame, np.where(bad, 1.0, error), profile)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (lambda f: f["plan"] == "free", "plan = 'free'"),
        (lambda f: f["code"] == 1, "code = '1'"),
        (lambda f: f["paid"] == "no", "paid = 'False'"),
        (lambda f: f["months"] > 53, "months over"),
        (lambda f: f["fee"] < 44, "fee up to"),
    ],
)
def test_a_planted_slice_is_found_first(profile: Profile, bad: object, where: str) -> None:
    frame = table(1_000, 1)
    assert callable(bad)
    worst = found(frame, bad(frame).to_numpy(dtype=bool), profile)[0]
    assert worst.where.startswith(where), worst
    assert worst.error > 0.75 > 0.2 > worst.error_elsewhere
    assert worst.p_value < 1e-6


def test_a_slice_says_how_large_it_is_now_and_was(profile: Profile) -> None:
    frame = table(1_000, 2)
    by_value = found(frame, (frame["plan"] == "free").to_numpy(), profile)[0]
    assert (by_value.rows, by_value.share) == (int((frame["plan"] == "free").sum()), by_value.rows / 1_000)
    assert by_value.reference_share == (table(2_000, 0)["plan"] == "free").mean()
    by_range = found(frame, (frame["fee"] < 44).to_numpy(), profile)[0]
    assert by_range.reference_share == pytest.approx(0.3, abs=0.005)


def test_rows_of_a_new_category_are_a_slice_of_their_own(profile: Profile) -> None:
    frame = table(1_000, 3)
    frame["plan"] = frame["plan"].where(np.arange(1_000) % 5 > 0, "gift")
    worst = found(frame, (frame["plan"] == "gift").to_numpy(), profile)[0]
    assert (worst.where, worst.rows, worst.reference_share) == ("plan is new", 200, 0.0)


def test_an_old_category_that_is_spelled_as_another_type_is_not_new(profile: Profile) -> None:
    frame = table(1_000, 4).astype({"code": object, "paid": object})
    frame["code"] = [None if pd.isna(value) else f"{value}"[0] for value in frame["code"]]
    frame["paid"] = frame["paid"] == "yes"
    wheres = [one.where for one in found(frame, frame["paid"].to_numpy(dtype=bool), profile)]
    assert wheres == ["paid = 'True'"]


def test_numbers_with_a_decimal_comma_are_read_as_the_reference_was() -> None:
    values = np.random.default_rng(5).normal(size=1_000)
    frame = pd.DataFrame({"x": [f"{value:.4f}".replace(".", ",") for value in values]})
    schema = infer_schema(frame, {}, None, decimal_commas={"x"})
    worst = found(frame, values > 0.8, fit_profile(frame, schema))[0]
    assert worst.where.startswith("x over 0.")


def test_noise_gives_few_false_alarms(profile: Profile) -> None:
    trials = [table(500, 100 + seed) for seed in range(200)]
    rng = np.random.default_rng(6)
    for errors in (lambda: (rng.random(500) < 0.1).astype(float), lambda: np.abs(rng.normal(size=500))):
        alarms = [bool(worst_slices(frame, errors(), profile)) for frame in trials]
        assert np.mean(alarms) <= 0.08


def test_the_p_value_is_that_of_welch() -> None:
    frame = pd.DataFrame({"side": ["left"] * 60 + ["right"] * 140})
    error = np.random.default_rng(7).gamma(2.0, size=200) + np.where(frame["side"] == "left", 0.8, 0.0)
    (worst,) = worst_slices(frame, error, fit_profile(frame, {"side": "category"}))
    expected = ttest_ind(error[:60], error[60:], equal_var=False).pvalue
    assert worst.p_value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1])
def test_where_all_rows_are_equally_wrong_no_slice_stands_out(profile: Profile, value: float) -> None:
    assert worst_slices(table(300, 8), np.full(300, value), profile) == ()


def test_too_few_rows_or_other_columns_give_no_slice(profile: Profile) -> None:
    frame = table(40, 9)
    assert worst_slices(frame, (frame["plan"] == "free").astype(float).to_numpy(), profile) == ()
    assert worst_slices(pd.DataFrame({"other": range(300)}), np.arange(300.0), profile) == ()
    assert worst_slices(frame.head(0), np.empty(0), profile) == ()
