"""Images as pixels for a network and as a coarse picture for every other model."""

import json

import numpy as np
import pandas as pd
import pytest

from engine.data.images import from_pixels
from engine.data.schema import Column, Schema
from engine.features import FeaturePlan
from engine.features_image import GRID, LONGEST_SIDE, ImageStep
from engine.features_layout import ImageBlock
from engine.features_steps import Flavour

RNG = np.random.default_rng(3)
SCHEMA = Schema(columns=(Column(name="photo", kind="image"),))
FLAVOURS: tuple[Flavour, ...] = ("linear", "tree", "network")


def column(*shapes: tuple[int, ...], rows: int = 40) -> pd.DataFrame:
    """Noise in the given shapes, in turn; every ninth row is missing."""
    cells = []
    for row in range(rows):
        image = RNG.integers(0, 256, shapes[row % len(shapes)], dtype=np.uint8)
        cells.append(None if row % 9 == 8 else from_pixels(image).cell)
    return pd.DataFrame({"photo": pd.Series(cells, dtype="str")})


def fitted(frame: pd.DataFrame, flavour: Flavour) -> FeaturePlan:
    return FeaturePlan.fit(frame, SCHEMA, ["photo"], flavour)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("shapes", [((8, 8),), ((12, 9, 3),), ((5, 7), (30, 20, 3), (90, 128))])
def test_a_plan_read_back_gives_the_same_bits(flavour: Flavour, shapes: tuple[tuple[int, ...], ...]) -> None:
    frame = column(*shapes)
    plan = fitted(frame, flavour)
    again = FeaturePlan.from_json(json.loads(json.dumps(plan.to_json(), allow_nan=False)))
    first, second = plan.transform(frame), again.transform(frame)
    assert first.dtype == np.float32
    assert first.shape == (len(frame), len(plan.feature_names))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_rows_are_transformed_alike_alone_and_together(flavour: Flavour) -> None:
    frame = column((6, 6, 3), (9, 4))
    plan = fitted(frame, flavour)
    alone = np.concatenate([plan.transform(frame.iloc[[row]]) for row in range(10)])
    assert plan.transform(frame.iloc[:10]).tobytes() == alone.tobytes()


def test_a_network_gets_every_pixel_channel_by_channel() -> None:
    images = RNG.integers(0, 256, (30, 4, 5, 3), dtype=np.uint8)
    frame = pd.DataFrame({"photo": pd.Series([from_pixels(image).cell for image in images], dtype="str")})
    plan = fitted(frame, "network")
    assert plan.layout == (ImageBlock(column="photo", start=0, width=60, channels=3, height=4, width_=5),)
    wanted = images.astype(np.float64)
    wanted = (wanted - wanted.mean(axis=(0, 1, 2))) / wanted.std(axis=(0, 1, 2))
    assert plan.transform(frame) == pytest.approx(wanted.transpose(0, 3, 1, 2).reshape(30, -1), abs=1e-4)


@pytest.mark.parametrize(
    ("shapes", "size"),
    [
        (((28, 28),), (28, 28, 1)),
        (((20, 30, 3),), (20, 30, 3)),
        (((64, 128),), (32, LONGEST_SIDE, 1)),
        (((20, 20), (20, 30), (30, 20)), (30, 30, 1)),
        (((90, 90), (100, 50, 3)), (LONGEST_SIDE, LONGEST_SIDE, 3)),
    ],
)
def test_the_size_that_all_are_brought_to(shapes: tuple[tuple[int, ...], ...], size: tuple[int, int, int]) -> None:
    step = ImageStep.fit(column(*shapes)["photo"], "network")
    assert (step.height, step.width, step.channels) == size


@pytest.mark.parametrize("flavour", ["linear", "network"])
def test_a_missing_image_is_zero(flavour: Flavour) -> None:
    frame = column((8, 8))
    assert (fitted(frame, flavour).transform(frame)[8] == 0).all()


def test_a_missing_image_is_missing_to_a_tree() -> None:
    frame = column((8, 8))
    features = fitted(frame, "tree").transform(frame)
    assert np.isnan(features[8]).all()
    assert np.isfinite(features[:8]).all()


def test_of_a_tiny_image_the_coarse_picture_is_the_image() -> None:
    image = RNG.integers(0, 256, (8, 8), dtype=np.uint8)
    frame = pd.DataFrame({"photo": pd.Series([from_pixels(image).cell, from_pixels(255 - image).cell], dtype="str")})
    features = fitted(frame, "tree").transform(frame)
    assert features[0, :64].tolist() == image.ravel().tolist()
    assert features[0, 64:] == pytest.approx([image.mean(), image.std()], rel=1e-5)


def test_of_a_large_image_the_coarse_picture_is_its_average() -> None:
    image = np.kron(RNG.integers(0, 256, (GRID, GRID)), np.ones((8, 8))).astype(np.uint8)
    frame = pd.DataFrame({"photo": pd.Series([from_pixels(image).cell, from_pixels(255 - image).cell], dtype="str")})
    features = fitted(frame, "tree").transform(frame)
    assert features[0, : GRID * GRID].tolist() == image[::8, ::8].ravel().tolist()


def test_a_linear_plan_is_scaled_and_no_place_swings_it() -> None:
    images = RNG.integers(0, 256, (200, 8, 8), dtype=np.uint8)
    images[:, 0, 0] = 0
    images[7, 0, 0] = 255
    frame = pd.DataFrame({"photo": pd.Series([from_pixels(image).cell for image in images], dtype="str")})
    features = fitted(frame, "linear").transform(frame)
    assert np.abs(features.mean(axis=0)).max() < 1e-4
    assert np.abs(features).max() < 15


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_cell_that_holds_no_image_counts_as_missing(flavour: Flavour) -> None:
    plan = fitted(column((8, 8)), flavour)
    cells = pd.DataFrame({"photo": pd.Series([None, "words", "data:image/png;base64,AAAA"], dtype="str")})
    features = plan.transform(cells)
    assert np.array_equal(features[1:], features[[0, 0]], equal_nan=True)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_row_at_all_has_no_features_but_their_width(flavour: Flavour) -> None:
    plan = fitted(column((8, 8)), flavour)
    assert plan.transform(column((8, 8)).iloc[:0]).shape == (0, len(plan.feature_names))


def test_colour_at_predict_is_grey_to_a_plan_of_grey_images() -> None:
    plan = fitted(column((8, 8)), "network")
    assert plan.transform(column((8, 8, 3))).shape == (40, 64)


def test_equal_columns_of_images_are_told_from_different_ones() -> None:
    frame = column((8, 8)).assign(twin=lambda found: found["photo"], other=column((8, 8))["photo"])
    names = ["photo", "twin", "other"]
    schema = Schema(columns=tuple(Column(name=name, kind="image") for name in names))
    plan = FeaturePlan.fit(frame, schema, names, "tree")
    assert plan.dropped == {"twin": "it is a copy of 'photo'"}
