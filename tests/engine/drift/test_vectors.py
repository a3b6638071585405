"""That texts, images and embeddings have fixed vectors, and that a sample of them is a fair one."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from engine.data.images import from_pixels
from engine.drift.vectors import (
    SAMPLE,
    embedding_width,
    image_vector,
    lowest,
    read_embeddings,
    read_images,
    read_texts,
    text_vectors,
)

TEXTS = ["The quick brown fox", "", "fox brown quick the", "Grüße, 你好!", "a a a b"]


def keys(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(n)


def picture(seed: int, *, colour: bool = False) -> str:
    shape = (12, 9, 3) if colour else (12, 9)
    return from_pixels(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).cell


def test_another_process_with_another_hash_seed_gives_the_same_text_vectors() -> None:
    program = f"from engine.drift.vectors import text_vectors; print(text_vectors({TEXTS!r}).tobytes().hex())"
    told = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], env={"PYTHONHASHSEED": "1"}, capture_output=True, check=True
    ).stdout
    assert told.decode().strip() == text_vectors(TEXTS).tobytes().hex()


def test_text_vectors_have_length_one_and_know_case_from_order() -> None:
    vectors = text_vectors(TEXTS)
    assert vectors.shape == (5, 256)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(text_vectors(["THE QUICK BROWN FOX"])[0], vectors[0])
    assert not np.array_equal(vectors[0], vectors[2])


def test_texts_on_one_subject_are_nearer_than_texts_on_two() -> None:
    one, two, other = text_vectors(
        ["the payment by card was refused", "my card payment was refused", "a parcel came late and damaged"]
    )
    assert one @ two > 0.3 > 2 * abs(one @ other)


def test_a_grey_image_by_hand() -> None:
    left_dark = np.zeros((16, 16, 1), dtype=np.uint8)
    left_dark[:, 8:] = 255
    vector = image_vector(left_dark)
    np.testing.assert_allclose(vector[:64].reshape(8, 8), np.repeat([[0] * 4 + [1] * 4], 8, axis=0))
    np.testing.assert_allclose(vector[64:], [0.5] * 6)


def test_colours_tell_images_of_equal_grey_apart() -> None:
    red, blue = np.zeros((2, 8, 8, 3), dtype=np.uint8)
    red[..., 0] = blue[..., 2] = 90
    assert image_vector(red)[:64] == pytest.approx(image_vector(blue)[:64])
    assert image_vector(red)[64:67] == pytest.approx([90 / 255, 0, 0])


def test_images_that_cannot_be_read_are_counted() -> None:
    cut = picture(0)[: len(picture(0)) // 2]
    cells = pd.Series([picture(1), None, "no image", cut, picture(2, colour=True), "data:image/gif;base64,AAAA"])
    found = read_images(cells, keys(6))
    assert (found.missing, found.unreadable) == (4, 3)
    assert found.vectors.shape == (2, 70)
    assert set(found.places) == {0, 4}


def test_embeddings_of_another_length_or_not_finite_are_unreadable() -> None:
    cells = pd.Series([[1, 2], (3.0, 4.0), np.array([5, 6]), [1], [np.nan, 1], ["a", "b"], "[1, 2]", None, [1, 1e300]])
    found = read_embeddings(cells, keys(9), 2)
    assert (found.missing, found.unreadable) == (6, 5)
    np.testing.assert_array_equal(found.vectors[np.argsort(found.places)], [[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    ("cells", "width"),
    [
        ([[1, 2], None, [3.5, 4]], 2),
        ([np.zeros(3), np.ones(3)], 3),
        ([[1, 2], [3]], None),
        ([[], []], None),
        (["ab", "cd"], None),
        ([["a"], ["b"]], None),
        ([None, None], None),
        ([1.0, 2.0], None),
    ],
)
def test_only_equally_long_lists_of_numbers_are_embeddings(cells: list[object], width: int | None) -> None:
    assert embedding_width(pd.Series(cells)) == width


def test_a_sample_holds_at_most_so_many_present_cells_and_counts_all() -> None:
    texts = pd.Series([None if row % 3 == 0 else f"text {row}" for row in range(3_000)])
    found = read_texts(texts, keys(3_000))
    assert (found.missing, len(found.vectors)) == (1_000, SAMPLE)
    assert not (found.places % 3 == 0).any()
    np.testing.assert_array_equal(found.vectors[:5], text_vectors(texts[found.places[:5]].tolist()))


def test_every_row_has_the_same_chance_to_be_drawn() -> None:
    drawn = np.zeros(40)
    for seed in range(2_000):
        drawn[lowest(keys(40, seed), 10)] += 1
    # 500 each, with a standard deviation of 19.4
    assert np.abs(drawn - 500).max() < 4.5 * 19.4


def test_the_lowest_of_two_samples_are_the_sample_of_the_union() -> None:
    both = keys(500)
    first, second = both[:200], both[200:]
    parts = np.concatenate((first[lowest(first, 50)], second[lowest(second, 50)]))
    np.testing.assert_array_equal(parts[lowest(parts, 50)], both[lowest(both, 50)])
