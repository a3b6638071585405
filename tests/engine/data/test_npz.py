"""Images that NumPy saved: names, shapes and numbers that are read, and those that are not."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.data.image_text import pixels_of
from engine.data.load import DataLimits, RawTable, read_source
from engine.data.store import Datasets
from engine.errors import NotATable, TooLarge

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 6, 5), dtype=np.uint8)
LABELS = np.arange(12) % 3


@pytest.fixture
def read(tmp_path: Path) -> "Read":
    def read(limits: DataLimits | None = None, **arrays: np.ndarray) -> RawTable:
        np.savez_compressed(tmp_path / "t.npz", **arrays)
        return read_source(str(tmp_path / "t.npz"), limits or DataLimits())

    return read


class Read:
    def __call__(self, limits: DataLimits | None = None, **arrays: np.ndarray) -> RawTable: ...


def shown(table: RawTable) -> np.ndarray:
    return np.stack([pixels_of(cell) for cell in table.frame["image"]])


@pytest.mark.parametrize(("images", "labels"), [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target")])
def test_images_and_labels_are_found_by_their_names(read: Read, images: str, labels: str) -> None:
    table = read(**{images: IMAGES, labels: LABELS})
    assert np.array_equal(shown(table)[:, :, :, 0], IMAGES)
    assert table.frame["label"].tolist() == [str(label) for label in LABELS]
    assert (table.target, table.kinds["label"], table.notes) == ("label", "category", ())


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_may_stand_first_or_last(read: Read, channels: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, 6, 5, channels), dtype=np.uint8)
    last, first = shown(read(x=images)), shown(read(x=images.transpose(0, 3, 1, 2)))
    assert np.array_equal(last, first)
    if channels < 4:
        assert np.array_equal(last, images)


def test_without_labels_there_is_only_the_image(read: Read) -> None:
    table = read(x=IMAGES)
    assert (list(table.frame.columns), table.target) == (["image"], None)


@pytest.mark.parametrize("numbers", [IMAGES / 255.0, IMAGES.astype(np.int64) * 257 - 9, (IMAGES > 99)])
def test_other_numbers_are_stretched_over_the_whole_file_and_said(read: Read, numbers: np.ndarray) -> None:
    table = read(x=numbers)
    low, high = numbers.min(), numbers.max()
    wanted = np.rint((numbers.astype(float) - low) / (float(high) - low) * 255)
    assert np.array_equal(shown(table)[:, :, :, 0], wanted)
    assert table.notes[0].startswith("Pixel values from")


def test_what_is_split_already_is_read_together_and_said(read: Read) -> None:
    table = read(x_train=IMAGES[:8], y_train=LABELS[:8], x_test=IMAGES[8:], y_test=LABELS[8:])
    assert np.array_equal(shown(table)[:, :, :, 0], IMAGES)
    assert table.notes == ("Training and test arrays were read together; the sealed test rows are chosen anew.",)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [(LABELS[:, None], "category"), (LABELS > 0, "boolean"), (LABELS * 1.0, "category"), (LABELS / 7, "number")],
    ids=["a column", "truth", "whole floats", "floats"],
)
def test_labels_of_other_forms_keep_their_kind(read: Read, tmp_path: Path, labels: np.ndarray, kind: str) -> None:
    read(x=IMAGES, y=labels)
    dataset = Datasets(tmp_path / "home").import_source(str(tmp_path / "t.npz"))
    assert dataset.schema_.kind("label") in {kind, "category"}
    assert dataset.schema_.kind("image") == "image"


def test_words_may_be_labels(read: Read) -> None:
    assert read(x=IMAGES, y=np.array(["cat", "dog"] * 6)).frame["label"].tolist() == ["cat", "dog"] * 6


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": IMAGES}, r"no array of images \(it holds: a \(12, 6, 5\)\)"),
        ({"x": IMAGES[:, 0]}, r"x has shape \(12, 5\) of uint8, which are no images"),
        ({"x": IMAGES[:0]}, r"x has shape \(0, 6, 5\)"),
        ({"x": np.zeros((2, 5, 6, 7))}, r"x has shape \(2, 5, 6, 7\)"),
        ({"x": IMAGES.astype(complex)}, "complex128, which are no images"),
        ({"x": IMAGES, "y": LABELS[:5]}, r"y has shape \(5,\) of int64 for 12 images"),
        ({"x": IMAGES, "y": np.zeros((12, 3))}, r"y has shape \(12, 3\)"),
        ({"x": IMAGES.astype(object)}, "arrays of Python objects"),
        ({"x_train": IMAGES, "x_test": IMAGES, "y_test": LABELS}, "training and test arrays are of different shapes"),
    ],
)
def test_arrays_that_are_no_images_are_refused_with_what_was_found(
    read: Read, arrays: dict[str, np.ndarray], said: str
) -> None:
    with pytest.raises(NotATable, match=said):
        read(**arrays)


@pytest.mark.parametrize("content", [b"PK\x03\x04 nothing", b"words", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(NotATable):
        read_source(str(tmp_path / "t.npz"), DataLimits())


def test_a_cut_file_is_refused(tmp_path: Path, read: Read) -> None:
    read(x=IMAGES)
    whole = (tmp_path / "t.npz").read_bytes()
    for kept in (len(whole) // 2, len(whole) - 30):
        (tmp_path / "t.npz").write_bytes(whole[:kept])
        with pytest.raises(NotATable, match="not a readable"):
            read_source(str(tmp_path / "t.npz"), DataLimits())


def test_limits_count_what_it_unpacks_to(read: Read) -> None:
    with pytest.raises(TooLarge, match="MAX_BYTES"):
        read(DataLimits(max_bytes=10_000), x=np.zeros((200, 20, 20), dtype=np.uint8))
    with pytest.raises(TooLarge, match="MAX_ROWS"):
        read(DataLimits(max_rows=11), x=IMAGES)


@pytest.mark.parametrize("rows", [10**15, 10**21])
def test_a_header_that_claims_more_than_there_is_does_not_reach_for_the_memory(tmp_path: Path, rows: int) -> None:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, 8, 8), }}".ljust(117) + "\n"
    claim = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("x.npy", claim)
    with pytest.raises(NotATable):
        read_source(str(tmp_path / "t.npz"), DataLimits())
