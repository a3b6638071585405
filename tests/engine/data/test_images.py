"""Whatever an image was, it becomes a small PNG as text; what cannot be read says why."""

import base64
import io
import json
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.data.image_text import MAX_SIDE, Size, bytes_of, cell_of, image_sizes, pixels_of, size_of
from engine.data.images import from_pixels, read_image, settled, stretched
from engine.errors import UnreadableImage

from .pictures import cell, file_of, picture, pixels


def read(data: bytes) -> np.ndarray:
    found = pixels_of(read_image(data, "a.png").cell)
    assert found is not None
    return found


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("colour", [False, True])
def test_lossless_formats_keep_every_pixel(form: str, colour: bool) -> None:
    image = (pixels(5, 9, colour) // 64) * 64  # a GIF has 256 colours
    assert np.array_equal(read(file_of(image, form)), image.reshape(5, 9, -1))


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_formats_that_lose_a_little_are_read_too(form: str) -> None:
    smooth = np.tile(np.linspace(0, 255, 16, dtype=np.uint8), (16, 1))
    found = read(file_of(smooth, form)).mean(axis=2)
    assert np.abs(found - smooth).max() < 25


def test_an_image_without_colour_is_grey_however_it_is_stored() -> None:
    grey = pixels()
    stored = [Image.fromarray(grey).convert(mode) for mode in ("L", "RGB", "RGBA", "P", "LA")]
    assert {read_image(file_of(image), "a.png").cell for image in stored} == {from_pixels(grey).cell}


def test_see_through_parts_are_laid_on_white() -> None:
    image = np.zeros((4, 4, 4), dtype=np.uint8)
    image[:, 2:, 3] = 255
    assert np.array_equal(read(file_of(image))[:, :, 0], [[255, 255, 0, 0]] * 4)


def test_one_see_through_colour_is_laid_on_white() -> None:
    image = Image.fromarray(np.full((2, 2), 7, dtype=np.uint8))
    assert (read(file_of(image, transparency=7)) == 255).all()


def test_sixteen_bits_become_eight() -> None:
    deep = np.array([[0, 256, 65535]], dtype=np.uint16)
    assert read(file_of(deep)).ravel().tolist() == [0, 1, 255]


def test_a_picture_of_floats_is_stretched_over_its_range() -> None:
    image = Image.fromarray(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32))
    assert read(file_of(image, "TIFF")).ravel().tolist() == [0, 128, 255]


def test_a_picture_taken_with_the_camera_held_upright_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(file_of(pixels(4, 8), exif=exif)).shape == (8, 4, 1)


def test_a_large_image_is_shrunk_and_keeps_its_shape() -> None:
    found = read_image(file_of(pixels(300, 600, True), "JPEG"), "a.jpg")
    assert found.shrunk
    assert size_of(found.cell) == Size(64, MAX_SIDE, 3)
    assert not read_image(picture(), "a.png").shrunk


def test_of_an_animation_the_first_frame_is_read() -> None:
    frames = [Image.fromarray(np.full((4, 4), value, dtype=np.uint8)) for value in (10, 200)]
    assert (read(file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])) == 10).all()


def test_nothing_but_pixels_is_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken by a person with a name"
    plain, marked = file_of(pixels()), file_of(pixels(), exif=exif, icc_profile=b"profile" * 9)
    assert read_image(marked, "a.png").cell == read_image(plain, "a.png").cell


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (picture()[:-30], "it is damaged"),
        (b"", "the file is empty"),
        (b"dear diary", "it is no PNG, JPEG, GIF, BMP, WebP or TIFF file"),
        (b"\x89PNG\r\n\x1a\n", "it is no PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is no PNG"),
    ],
    ids=["cut", "empty", "words", "a beginning", "drawing"],
)
def test_a_file_that_is_no_image_is_named_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableImage, match=f"'cats/1.png' cannot be read as an image: {why}"):
        read_image(data, "cats/1.png")


def as_text(data: bytes) -> str:
    """Any bytes as a cell of a PNG."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that claims to be as large as this."""
    return bytes_of(png(bytes(1000), side))


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_an_image_that_would_fill_the_memory_is_not_unpacked(side: int) -> None:
    with pytest.raises(UnreadableImage, match="pixels"):
        read_image(bomb(side), "bomb.png")


FILES = [file_of(pixels(9, 9, True), form) for form in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.floats(0, 1),
)
def test_altered_bytes_give_an_image_or_a_reason(data: bytes, changes: list[tuple[float, int]], kept: float) -> None:
    altered = bytearray(data)
    for place, value in changes:
        altered[int(place * len(data))] = value
    try:
        found = read_image(bytes(altered[: int(len(data) * max(kept, 0.5))]), "a.png")
    except UnreadableImage:
        return
    assert pixels_of(found.cell) is not None


@given(st.integers(1, 12), st.integers(1, 12), st.booleans(), st.integers(0, 99))
def test_pixels_survive_the_way_into_a_cell_and_back(height: int, width: int, colour: bool, seed: int) -> None:
    image = pixels(height, width, colour, seed)
    back = pixels_of(from_pixels(image).cell)
    assert back is not None
    assert np.array_equal(back, np.broadcast_to(image.reshape(height, width, -1), back.shape))


def test_a_settled_cell_stays_as_it_is_and_others_become_settled() -> None:
    mine = cell()
    assert settled(mine) == mine
    again = settled(as_text(file_of(pixels(200, 200), "JPEG")))
    assert again is not None
    assert pixels_of(again) is not None
    assert settled(again) == again


@pytest.mark.parametrize(
    "text",
    [
        "a.png",
        "http://example.org/a.png",
        "data:text/plain;base64,QQ==",
        "data:image/png;base64,",
        "data:image/png;base64,@@@@",
        "data:image/png,QQ==",
        as_text(b"nothing"),
        cell()[:-60],
        as_text(picture()[:60]),
    ],
)
def test_text_that_holds_no_image_is_none(text: str) -> None:
    assert settled(text) is None
    assert pixels_of(text) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_cell_altered_anywhere_is_no_cell_any_more(place: int, change: int) -> None:
    data = bytearray(bytes_of(cell()))
    data[place % len(data)] ^= change
    assert pixels_of(as_text(bytes(data))) is None


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows: bytes, side: int = 2) -> str:
    """A cell with these bytes for its rows, whatever they are."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return as_text(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.mark.parametrize(
    ("rows", "side"),
    [
        (b"\x02\x01\x01\x02\x01", 2),
        (b"\x02\x01\x01" * 3, 2),
        (b"\x02\x01\x01\x00\x01\x01", 2),
        (bytes(10**7), 2),
        (b"", 0),
        ((b"\x02" + bytes(129)) * 129, 129),
    ],
    ids=["too short", "too long", "another filter", "endless", "no pixel", "too large"],
)
def test_a_picture_of_another_form_is_no_cell(rows: bytes, side: int) -> None:
    assert pixels_of(png(b"\x02\x01\x01\x02\x01\x01")) is not None
    assert pixels_of(png(rows, side)) is None


def test_a_picture_of_another_writer_is_settled_with_the_same_pixels() -> None:
    image = pixels(MAX_SIDE + 1, 3)[:MAX_SIDE]
    other = as_text(file_of(image))
    assert pixels_of(other) is None
    assert settled(other) == cell_of(image)
    assert size_of(as_text(file_of(np.zeros((3, 3), dtype=np.uint16)))) is None


@given(st.integers(1, 12), st.integers(1, 12), st.booleans(), st.integers(0, 99))
def test_other_readers_see_the_same_pixels(height: int, width: int, colour: bool, seed: int) -> None:
    image = pixels(height, width, colour, seed)
    with Image.open(io.BytesIO(bytes_of(cell_of(image)))) as found:
        assert np.array_equal(np.asarray(found), image)


def test_sizes_are_counted_in_words() -> None:
    cells = pd.Series([cell(), cell(1), cell(2, 4, 9, True), None])
    assert image_sizes(cells) == {"8 x 8 grey": 2, "4 x 9 colour": 1}


def test_a_cell_is_plain_json_text() -> None:
    assert json.loads(json.dumps(cell())) == cell()
    assert Image.open(io.BytesIO(bytes_of(cell()))).size == (8, 8)


@pytest.mark.parametrize("values", [[np.nan, np.inf], [5.0, 5.0], [-1e308, 1e308]])
def test_numbers_that_cannot_be_stretched_are_dark_or_held(values: list[float]) -> None:
    assert stretched(np.array([values])).dtype == np.uint8
