"""What a network gets of each kind of column, and that the layout says so."""

import json

import numpy as np
import pandas as pd
import pytest

from engine.data.images import from_pixels
from engine.data.schema import Column, Schema, coerce
from engine.features import FeaturePlan
from engine.features_layout import CategoryBlock, ImageBlock, NumberBlock, TextBlock

RNG = np.random.default_rng(7)
ROWS = 300
WORDS = ["late", "refund", "great", "never", "again", "thanks"]


def schema(**kinds: str) -> Schema:
    return Schema(columns=tuple(Column.model_validate({"name": name, "kind": kind}) for name, kind in kinds.items()))


KINDS = schema(
    amount="number", count="integer", plan="category", since="datetime", member="boolean", note="text", photo="image"
)


def table(rows: int = ROWS) -> pd.DataFrame:
    amount = RNG.lognormal(size=rows)
    amount[::17] = np.nan
    raw = pd.DataFrame(
        {
            "amount": amount,
            "count": RNG.integers(0, 9, rows),
            "plan": RNG.choice(["a", "b", None], rows),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 90_000, rows), unit="h"),
            "member": pd.array(RNG.choice([True, False], rows), dtype="boolean"),
            "note": [" ".join(RNG.choice(WORDS, 4)) if row % 9 else None for row in range(rows)],
            "photo": [from_pixels(RNG.integers(0, 256, (5, 6), dtype=np.uint8)).cell for _ in range(rows)],
        }
    )
    return coerce(raw, KINDS)


def fit(frame: pd.DataFrame, **kinds: str) -> FeaturePlan:
    return FeaturePlan.fit(frame, schema(**kinds), list(kinds), "network")


def test_the_layout_covers_every_feature_once_in_order() -> None:
    plan = FeaturePlan.fit(table(), KINDS, KINDS.names, "network")
    features = plan.transform(table(20))
    assert isinstance(features, np.ndarray)
    assert [block.column for block in plan.layout] == KINDS.names
    kinds = [NumberBlock, NumberBlock, CategoryBlock, NumberBlock, NumberBlock, TextBlock, ImageBlock]
    assert [type(block) for block in plan.layout] == kinds
    starts = np.cumsum([0, *(block.width for block in plan.layout)])
    assert [block.start for block in plan.layout] == starts[:-1].tolist()
    assert features.shape == (20, starts[-1]) == (20, len(plan.feature_names))


def test_a_plan_read_back_gives_the_same_bits_and_layout() -> None:
    plan = FeaturePlan.fit(table(), KINDS, KINDS.names, "network")
    again = FeaturePlan.from_json(json.loads(json.dumps(plan.to_json(), allow_nan=False)))
    fresh = table(50)
    assert again.layout == plan.layout
    assert np.asarray(plan.transform(fresh)).tobytes() == np.asarray(again.transform(fresh)).tobytes()


def test_nothing_is_missing_whatever_the_row() -> None:
    plan = FeaturePlan.fit(table(), KINDS, KINDS.names, "network")
    empty = coerce(pd.DataFrame({name: [None, None] for name in KINDS.names}), KINDS, strict=False)
    strange = empty.assign(plan=pd.Series(["zebra", "zebra"], dtype="str"), amount=[1e300, -1e300])
    for frame in (table(50), empty, strange):
        assert np.isfinite(np.asarray(plan.transform(frame))).all()


def test_other_flavours_have_no_layout() -> None:
    assert FeaturePlan.fit(table(), KINDS, ["amount", "plan"], "tree").layout == ()
    assert FeaturePlan.fit(table(), KINDS, ["amount", "plan"], "linear").layout == ()


def test_numbers_are_measured_from_the_median_and_bent_at_three() -> None:
    values = [*np.linspace(-1, 1, 99), 1e9]
    frame = pd.DataFrame({"x": values})
    features = np.asarray(fit(frame, x="number").transform(frame))[:, 0]
    assert features[np.argsort(values)].tolist() == sorted(features.tolist())
    assert np.abs(features[:99]).max() < 1.1
    assert 2.9 < features[99] <= 3.0


@pytest.mark.parametrize("values", [[0.0] * 90 + [5.0] * 10, [1e-320, 2e-320, 3e-320, 1e30], [True, False, True, True]])
def test_numbers_of_odd_spread_stay_within_three(values: list[float]) -> None:
    frame = pd.DataFrame({"x": pd.Series(values, dtype=float)})
    features = np.asarray(fit(frame, x="number").transform(frame))
    assert np.isfinite(features).all()
    assert 0.3 < np.abs(features).max() <= 3.0


def test_a_gap_is_the_median_with_a_flag_of_its_own() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, np.nan, 3.0, 4.0]})
    plan = fit(frame, x="number")
    assert plan.layout[0].width == 2
    assert np.asarray(plan.transform(frame))[2].tolist() == [0.0, 1.0]


def test_categories_are_codes_with_places_for_missing_and_strange() -> None:
    frame = pd.DataFrame({"c": pd.Series(["a"] * 50 + ["b"] * 48 + ["x", None], dtype="str")})
    plan = fit(frame, c="category")
    fresh = pd.DataFrame({"c": pd.Series([None, "new", "x", "a", "b"], dtype="str")})
    assert np.asarray(plan.transform(fresh)).ravel().tolist() == [0, 1, 1, 2, 3]
    assert plan.layout == (CategoryBlock(column="c", start=0, width=1, levels=4),)
    assert plan.categorical == ()


def test_up_to_a_thousand_levels_have_codes() -> None:
    frame = pd.DataFrame({"c": pd.Series([f"level {row % 1500}" for row in range(9000)], dtype="str")})
    plan = fit(frame, c="category")
    assert plan.layout[0] == CategoryBlock(column="c", start=0, width=1, levels=1002)
    assert len(plan.feature_names) == 1


def test_a_date_without_a_changing_part_has_no_block() -> None:
    days = pd.date_range("2024-03-01", periods=20, freq="D").astype("datetime64[us]")
    frame = pd.DataFrame({"d": days, "x": np.arange(20.0)})
    plan = fit(frame, d="datetime", x="number")
    assert plan.feature_names == ("d weekday sine", "d weekday cosine", "d days", "x")
    assert [block.width for block in plan.layout] == [3, 1]
