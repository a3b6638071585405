import numpy as np
import pandas as pd
import pytest

from engine.data.samples import sample_frame
from engine.data.schema import coerce, infer_schema
from engine.features import FeaturePlan
from engine.features_layout import ImageBlock
from engine.pixels import kinds_with_pixels, pixel_grid


def test_the_columns_of_the_digits_are_an_image() -> None:
    grid = pixel_grid(sample_frame("digits")[0].columns)
    assert grid is not None
    assert (grid.height, grid.width) == (8, 8)
    assert grid.places[2][5] == "pixel_2_5"


@pytest.mark.parametrize("first", [0, 1])
def test_numbered_pixels_are_a_square_row_by_row(first: int) -> None:
    grid = pixel_grid(f"pixel{number}" for number in range(first, 784 + first))
    assert grid is not None
    assert (grid.height, grid.width) == (28, 28)
    assert grid.places[1][0] == f"pixel{28 + first}"


@pytest.mark.parametrize(
    "names", [["age", "tenure", "fee_1_2"], sample_frame("breast_cancer")[0].columns, [f"v{n}" for n in range(64)]]
)
def test_ordinary_columns_are_no_image(names: list[str]) -> None:
    assert pixel_grid(names) is None


def test_pixels_become_one_image_block_and_other_columns_stay_beside_it() -> None:
    frame = sample_frame("digits")[0].head(100).assign(weight=np.arange(100.0))
    schema = infer_schema(frame, {}, "digit")
    frame = coerce(frame, schema)
    plan = FeaturePlan.fit(frame, schema, schema.features("digit"), "network")
    image = next(block for block in plan.layout if isinstance(block, ImageBlock))
    assert (image.channels, image.height, image.width_) == (1, 8, 8)
    assert {block.column for block in plan.layout} == {image.column, "weight"}
    assert set(plan.columns) <= set(frame.columns)


def test_a_pixel_that_is_dropped_or_missing_is_background() -> None:
    frame = sample_frame("digits")[0].head(200)
    schema = infer_schema(frame, {}, "digit")
    frame = coerce(frame, schema)
    plan = FeaturePlan.fit(frame, schema, schema.features("digit"), "network")
    assert "pixel_0_0" not in plan.columns  # the same in every row
    features = np.asarray(plan.transform(frame)).reshape(200, 8, 8)
    raw = frame.drop(columns="digit").to_numpy(dtype=float).reshape(200, 8, 8)
    assert np.corrcoef(features.ravel(), raw.ravel())[0, 1] == pytest.approx(1.0)
    gone = plan.transform(frame.assign(pixel_3_3=pd.array([pd.NA] * 200, dtype="Int64")))
    assert np.asarray(gone).reshape(200, 8, 8)[:, 3, 3] == pytest.approx(features[:, 0, 0])


def test_the_plan_of_pixels_gives_the_same_bits_after_reload() -> None:
    frame = sample_frame("digits")[0].head(60)
    schema = infer_schema(frame, {}, "digit")
    frame = coerce(frame, schema)
    plan = FeaturePlan.fit(frame, schema, schema.features("digit"), "network")
    again = FeaturePlan.from_json(plan.to_json())
    assert np.asarray(again.transform(frame)).tobytes() == np.asarray(plan.transform(frame)).tobytes()


def test_pixels_count_as_an_image_among_the_kinds() -> None:
    pixels = {f"pixel_{row}_{column}": "number" for row in range(8) for column in range(8)}
    assert kinds_with_pixels({**pixels, "name": "text"}) == {"number", "text", "image"}
    assert kinds_with_pixels(dict.fromkeys(pixels, "text")) == {"text"}
    assert kinds_with_pixels({"a": "integer"}) == {"integer"}
