"""Rows to calibrate by: how they are drawn, and that bad ones are refused and good ones are not."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from engine.drift.profile import Profile, fit_profile
from engine.errors import BadArguments, BadCalibration
from engine.optimise.calibration import (
    CALIBRATION_ROWS,
    LEAST_ROWS,
    calibration_rows,
    check_calibration,
    check_ranges,
)
from engine.optimise.core import FEATURES
from tests.engine.optimise.small_graphs import digits

ROWS = 1500


def table(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Columns of every awkward kind: heavy tails, mostly 0, whole numbers, categories with rare ones, missing cells."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "normal": rng.normal(50, 10, rows),
            "heavy": np.exp(1.5 * rng.normal(size=rows)),
            "sparse": np.where(rng.random(rows) < 0.1, rng.exponential(10, rows), 0.0),
            "count": rng.poisson(3, rows),
            "town": rng.choice(list("abcdef"), rows, p=[0.5, 0.25, 0.15, 0.06, 0.03, 0.01]),
            "yes": rng.random(rows) < 0.2,
            "gaps": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)),
            "when": pd.date_range("2024-01-01", periods=rows, freq="h"),
            "label": rng.choice(3, rows, p=[0.8, 0.15, 0.05]),
        }
    )


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return table()


@pytest.fixture(scope="module")
def profile(rows: pd.DataFrame) -> Profile:
    return fit_profile(rows, target="label")


def drawn(rows: pd.DataFrame, seed: int, count: int = CALIBRATION_ROWS) -> pd.DataFrame:
    return calibration_rows(rows, rows["label"].to_numpy(), rows=count, seed=seed)


def test_rows_are_drawn_in_order_without_repetition_and_the_same_for_a_seed(rows: pd.DataFrame) -> None:
    found = drawn(rows, 1)
    assert len(found) == CALIBRATION_ROWS
    assert found.index.is_monotonic_increasing
    assert found.index.is_unique
    assert found.index.equals(drawn(rows, 1).index)
    assert not found.index.equals(drawn(rows, 2).index)


def test_each_class_has_its_share_and_the_rarest_one_row() -> None:
    y = np.repeat([0, 1, 2, 3], [900, 90, 9, 1])
    found = calibration_rows(pd.DataFrame({"y": y}), y, rows=100, seed=3)
    assert found["y"].value_counts().sort_index().tolist() == [89, 9, 1, 1]


@pytest.mark.parametrize("counts", [[500, 499, 1], [3, 3, 994], [1, 1, 1, 997], [333, 333, 334], [250] * 4])
@pytest.mark.parametrize("wanted", [10, 77, 100])
def test_there_are_never_more_rows_than_asked_for(counts: list[int], wanted: int) -> None:
    y = np.repeat(range(len(counts)), counts)
    found = calibration_rows(pd.DataFrame({"y": y}), y, rows=wanted, seed=0)
    assert len(found) == wanted
    assert set(found["y"]) == set(y)
    assert (np.abs(found["y"].value_counts().sort_index() - np.array(counts) * wanted / len(y)) <= len(counts)).all()


def test_numbers_are_not_stratified_and_small_tables_taken_whole() -> None:
    y = np.linspace(0, 1, 1000)
    assert len(calibration_rows(pd.DataFrame({"y": y}), y, rows=50, seed=0)) == 50
    assert len(calibration_rows(pd.DataFrame({"y": y}), y, rows=5000, seed=0)) == 1000


def test_more_classes_than_rows_are_drawn_at_random() -> None:
    y = np.arange(1000)
    assert len(calibration_rows(pd.DataFrame({"y": y}), y, rows=50, seed=0)) == 50


@pytest.mark.parametrize("count", [LEAST_ROWS, CALIBRATION_ROWS])
def test_random_training_rows_are_accepted_a_hundred_times(rows: pd.DataFrame, profile: Profile, count: int) -> None:
    for seed in range(100):
        check_calibration(drawn(rows, seed, count), profile)


def test_fresh_rows_of_the_same_kind_are_accepted(profile: Profile) -> None:
    for seed in range(1, 31):
        check_calibration(table(400, seed).drop(columns="label"), profile)


Change = Callable[[pd.DataFrame], pd.DataFrame]
NUMBERS = ["normal", "heavy", "sparse", "count", "gaps"]
CHANGES: dict[str, tuple[Change, str]] = {
    "scaled down": (lambda frame: frame.assign(**{name: frame[name] * 0.01 for name in NUMBERS}), "known range"),
    "scaled up": (lambda frame: frame.assign(**{name: frame[name] * 100 for name in NUMBERS}), "known range"),
    "shifted by two deviations": (lambda frame: frame.assign(normal=frame["normal"] + 20), "'normal'"),
    "one column scaled down": (lambda frame: frame.assign(normal=frame["normal"] * 0.01), "'normal'"),
    "one heavy column scaled down": (lambda frame: frame.assign(heavy=frame["heavy"] * 0.01), "'heavy'"),
    "a column that is gone": (lambda frame: frame.drop(columns="normal"), "'normal' is not among"),
    "a column that is constant": (lambda frame: frame.assign(normal=50.0), "'normal' covers too little"),
    "all of one town": (lambda frame: frame.assign(town="a"), "'town'"),
    "new towns": (lambda frame: frame.assign(town="z"), "'town'"),
    "much missing": (lambda frame: frame.assign(normal=frame["normal"].where(frame.index % 2 == 0)), "'normal'"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("count", [LEAST_ROWS, CALIBRATION_ROWS])
def test_rows_unlike_the_training_rows_are_refused_every_time(
    rows: pd.DataFrame, profile: Profile, name: str, count: int
) -> None:
    change, said = CHANGES[name]
    for seed in range(10):
        with pytest.raises(BadCalibration) as refused:
            check_calibration(change(drawn(rows, seed, count)), profile)
        assert said in refused.value.sentence
        assert "same units" in refused.value.hint


def test_one_value_far_outside_is_refused(rows: pd.DataFrame, profile: Profile) -> None:
    changed = drawn(rows, 0)
    changed.iloc[7, 0] = 1e6
    with pytest.raises(
        BadCalibration, match=r"'normal' has values far outside the known range: it goes from .* to 1e\+06"
    ):
        check_calibration(changed, profile)


def test_sorted_rows_instead_of_random_ones_are_refused(rows: pd.DataFrame, profile: Profile) -> None:
    with pytest.raises(BadCalibration, match="'normal'"):
        check_calibration(rows.sort_values("normal").head(300), profile)


@pytest.mark.parametrize("count", [0, 1, LEAST_ROWS - 1])
def test_too_few_rows_are_refused_with_the_least_and_why(rows: pd.DataFrame, profile: Profile, count: int) -> None:
    with pytest.raises(BadCalibration, match=f"{count} calibration rows, and 100 are needed: .* 2% of new values"):
        check_calibration(rows.head(count), profile)


def test_what_is_no_table_is_said(profile: Profile) -> None:
    with pytest.raises(BadArguments, match="DataFrame"):
        check_calibration([1, 2], profile)  # type: ignore[arg-type]


def test_a_sketched_profile_does_as_well(rows: pd.DataFrame) -> None:
    sketched = fit_profile(rows, target="label", form="sketch")
    for seed in range(20):
        check_calibration(drawn(rows, seed), sketched)
    with pytest.raises(BadCalibration, match="known range"):
        check_calibration(CHANGES["scaled down"][0](drawn(rows, 0)), sketched)


def test_digits_scaled_by_a_hundredth_are_refused_and_others_are_not() -> None:
    given = digits()
    frame = pd.DataFrame(given.train).rename(columns=str)
    profile = fit_profile(frame)
    for seed in range(8):
        some = calibration_rows(frame, np.zeros(len(frame)), seed=seed)
        check_calibration(some, profile)
        with pytest.raises(BadCalibration):
            check_calibration(some * 0.01, profile)


def test_words_unlike_the_training_rows_are_refused() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"word{number}" for number in range(200)])

    def texts(rows: int, first: int) -> pd.DataFrame:
        return pd.DataFrame({"text": [" ".join(rng.choice(words[first : first + 100], 15)) for _ in range(rows)]})

    known = texts(600, 0)
    profile = fit_profile(known, {"text": "text"})
    check_calibration(calibration_rows(known, np.zeros(600), rows=150, seed=0), profile)
    with pytest.raises(BadCalibration, match="'text' looks different"):
        check_calibration(texts(150, 100), profile)


def test_ranges_of_features_are_checked_too() -> None:
    given = digits()
    training = [{FEATURES: given.train, "codes": np.zeros((len(given.train), 1), np.int64)}]
    rng = np.random.default_rng(0)
    for _ in range(50):
        some = given.train[rng.permutation(len(given.train))[:200]]
        check_ranges([{FEATURES: some, "codes": np.ones((200, 1), np.int64)}], training)
        with pytest.raises(BadCalibration, match="covers too little"):
            check_ranges([{FEATURES: some * 0.01}], training)
        with pytest.raises(BadCalibration, match="far outside"):
            check_ranges([{FEATURES: some * 100}], training)


def test_ranges_of_images_are_those_of_their_pixels() -> None:
    images = np.random.default_rng(0).random((300, 3, 8, 8)).astype(np.float32)
    check_ranges([{"image_0": images[:150]}], [{"image_0": images}])
    with pytest.raises(BadCalibration, match="image_0"):
        check_ranges([{"image_0": images[:150] * 0.01}], [{"image_0": images}])


def test_ranges_without_rows_are_refused() -> None:
    with pytest.raises(BadCalibration, match="no calibration rows"):
        check_ranges([], [{FEATURES: digits().train}])
