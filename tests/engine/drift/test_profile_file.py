"""That a saved profile is one file, comes back bit by bit, and that a damaged one is told and not believed."""

import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.drift.baseline import PerformanceReference
from engine.drift.columns import Form
from engine.drift.packing import load_profile
from engine.drift.profile import MetricBaseline, Profile, fit_profile
from engine.errors import PackageDamaged, SourceNotFound

METRIC = MetricBaseline(name="accuracy", value=0.9, ci=(0.85, 0.95), rows=300, greater_is_better=True)


def frame_of(n: int = 3_000) -> pd.DataFrame:
    """A column of each kind."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number / one": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "ties": rng.integers(0, 2_000, n).astype(np.float64),
            "few": rng.integers(0, 5, n),
            "word": rng.choice(["a", "ü", '"'], n),
            "when": pd.date_range("2020-01-01", periods=n),
            "yes": rng.choice([True, False], n),
            "name": [f"A{row:05d}" for row in range(n)],
            "text": [f"sentence number {row} of a long list of them" for row in range(n)],
            "vector": list(rng.normal(size=(n, 4)).astype(np.float32)),
            "nothing": np.full(n, np.nan),
        }
    )


def profile_of(form: Form = "exact") -> Profile:
    frame = frame_of()
    prediction = np.random.default_rng(1).dirichlet(np.ones(3), len(frame))
    return fit_profile(
        frame, target="few", form=form, prediction=prediction, classes=("a", "b", "c"), task="multiclass",
        metric=METRIC, importance={"ties": 0.25, "word": 1e-9},
    )  # fmt: skip


@pytest.fixture(scope="module", params=["exact", "sketch"])
def profile(request: pytest.FixtureRequest) -> Profile:
    return profile_of(request.param)


def alike(one: object, other: object) -> bool:
    """Equal bit by bit, arrays within too."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(alike(one[k], other[k]) for k in one)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and alike(vars(one), vars(other))
    return bool(one == other)


def test_everything_comes_back_bit_by_bit(profile: Profile, tmp_path: Path) -> None:
    profile.save(tmp_path / "one.profile")
    again = Profile.load(tmp_path / "one.profile")
    assert set(vars(again)) == set(vars(profile))
    for name, value in vars(profile).items():
        assert alike(value, vars(again)[name]), name


def test_equal_profiles_are_equal_files(profile: Profile, tmp_path: Path) -> None:
    profile.save(tmp_path / "one")
    Profile.load(tmp_path / "one").save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_same_rows_and_seed_make_the_same_exact_profile(tmp_path: Path) -> None:
    for name in ("one", "two"):
        profile_of().save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_one_file_is_written_exactly_there_or_in_the_folder(profile: Profile, tmp_path: Path) -> None:
    profile.save(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["drift.profile"]
    assert Profile.load(tmp_path).rows == profile.rows
    with np.load(tmp_path / "drift.profile", allow_pickle=False) as held:
        assert json.loads(held["profile.json"])["rows"] == profile.rows


def test_what_performance_drift_keeps_is_kept(profile: Profile, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    reference = PerformanceReference(
        metric="accuracy", task="binary", classes=("a", "b"), threshold=0.5,
        truth=rng.integers(0, 2, 50), prediction=rng.random((50, 2)),
        contributions=rng.random((50, 2), dtype=np.float32), columns=("ties", "word"),
    )  # fmt: skip
    profile.with_performance(reference).save(tmp_path / "one")
    assert alike(Profile.load(tmp_path / "one").performance, reference)
    assert profile.performance is None


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.profile"):
        with pytest.raises(SourceNotFound):
            Profile.load(path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04", b"\x93NUMPY" + bytes(99)])
def test_another_file_is_no_profile(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one").write_bytes(content)
    with pytest.raises(PackageDamaged, match="drift profile"):
        Profile.load(tmp_path / "one")


def test_a_cut_file_is_no_profile(profile: Profile, tmp_path: Path) -> None:
    profile.save(tmp_path / "one")
    whole = (tmp_path / "one").read_bytes()
    for share in (0.01, 0.5, 0.99):
        (tmp_path / "one").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(PackageDamaged):
            Profile.load(tmp_path / "one")


def test_no_changed_byte_is_believed(tmp_path: Path) -> None:
    fit_profile(frame_of(40).drop(columns=["text"]), form="sketch").save(tmp_path / "one")
    whole = (tmp_path / "one").read_bytes()
    for place in range(0, len(whole), 41):
        (tmp_path / "one").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            load_profile(tmp_path / "one").save(tmp_path / "two")
        except PackageDamaged:
            continue
        # a byte that no reader looks at, such as a date
        assert (tmp_path / "two").read_bytes() == whole


@pytest.mark.parametrize(
    ("change", "value"),
    [("version", 2), ("format", "other"), ("rows", "many"), ("columns", [{}]), ("arrays", None), ("arrays", ["gone"])],
)
def test_another_version_or_content_is_no_profile(profile: Profile, tmp_path: Path, change: str, value: object) -> None:
    profile.save(tmp_path / "one")
    with zipfile.ZipFile(tmp_path / "one") as old, zipfile.ZipFile(tmp_path / "two", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, json.dumps({**json.loads(content), change: value}) if name[-5:] == ".json" else content)
    with pytest.raises(PackageDamaged):
        Profile.load(tmp_path / "two")


def test_arrays_of_another_type_are_no_profile(profile: Profile, tmp_path: Path) -> None:
    assert profile.sample is not None
    wrong = replace(profile.sample, values=profile.sample.values.astype(np.float64))
    replace(profile, sample=wrong).save(tmp_path / "one")
    with pytest.raises(PackageDamaged, match="another type"):
        Profile.load(tmp_path / "one")


def test_a_folder_that_is_in_the_way_keeps_its_files(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "drift.profile").write_bytes(b"old")
    with pytest.raises(ValueError, match="Out of range"):
        replace(profile, importance={"x": float("inf")}).save(tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.slow
def test_a_million_rows_are_profiled_in_seconds_and_a_sketch_of_them_takes_less_than_a_megabyte(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = {f"n{place}": rng.normal(size=1_000_000) for place in range(20)}
    words = {f"c{place}": rng.choice([f"word {k}" for k in range(40)], 1_000_000) for place in range(5)}
    started = time.monotonic()
    profile = fit_profile(pd.DataFrame(numbers | words), form="sketch")
    assert time.monotonic() - started < 30
    profile.save(tmp_path / "one")
    assert (tmp_path / "one").stat().st_size < 1_000_000
    assert all(column.steps is None or 0 < column.steps.error < 0.003 for column in profile.columns.values())
