"""Folders of images and of texts: a sub-folder for each class, loose files, and what is left out."""

from pathlib import Path

import pytest

from engine.data.load import DataLimits, RawTable, ReadOptions, read_source
from engine.data.store import Datasets
from engine.errors import (
    EmptyText,
    NotATable,
    TargetUnusable,
    TooFewRows,
    TooLarge,
    Undecodable,
    UnreadableImage,
    UnsupportedFormat,
)

from .pictures import bars, file_of, picture, pixels


def read(folder: Path, limits: DataLimits | None = None, **options: str) -> RawTable:
    return read_source(str(folder), limits or DataLimits(), ReadOptions(**options))


def write(folder: Path, files: dict[str, bytes | str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Twelve cats, twelve dogs."""
    names = [f"{kind}/{number:02d}.png" for kind in ("cats", "dogs") for number in range(12)]
    return write(tmp_path / "animals", {name: picture(place) for place, name in enumerate(names)})


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    texts = {f"ham/{number}.txt": f"See you at {number} o'clock" for number in range(8)}
    return write(tmp_path / "mail", texts | {f"spam/{number}.md": f"Win {number} prizes" for number in range(8)})


def test_each_sub_folder_is_a_class(animals: Path) -> None:
    table = read(animals)
    assert list(table.frame.columns) == ["image", "label"]
    assert table.frame["label"].tolist() == ["cats"] * 12 + ["dogs"] * 12
    assert (table.target, table.kinds) == ("label", {"image": "image", "label": "category"})
    assert table.notes == ()


def test_a_folder_is_imported_with_its_classes_as_the_target(animals: Path, datasets: Datasets) -> None:
    dataset = datasets.import_source(str(animals))
    assert (dataset.name, dataset.target, dataset.rows) == ("animals", "label", 24)
    assert [column.kind for column in dataset.schema_.columns] == ["image", "category"]
    assert datasets.import_source(str(animals)).id == dataset.id


def test_classes_named_by_numbers_are_classes(tmp_path: Path, datasets: Datasets) -> None:
    folder = write(tmp_path / "d", {f"{place % 3}/{place}.png": picture(place) for place in range(30)})
    assert datasets.import_source(str(folder)).schema_.kind("label") == "category"


def test_texts_are_read_in_the_order_of_their_paths(mail: Path, datasets: Datasets) -> None:
    frame = read(mail).frame
    assert frame["text"].iloc[[0, 7, 8]].tolist() == [
        "See you at 0 o'clock",
        "See you at 7 o'clock",
        "Win 0 prizes",
    ]
    assert datasets.import_source(str(mail)).schema_.kind("text") == "text"


def test_loose_images_are_read_to_be_predicted(tmp_path: Path) -> None:
    table = read(write(tmp_path / "new", {"b.png": picture(1), "a.jpg": file_of(pixels(), "JPEG")}))
    assert table.frame["file"].tolist() == ["a.jpg", "b.png"]
    assert (table.target, table.kinds["file"]) == (None, "identifier")


def test_loose_texts_are_read_to_be_predicted(tmp_path: Path) -> None:
    frame = read(write(tmp_path / "new", {"b.txt": "two", "a.txt": "one"})).frame
    assert frame.to_dict("list") == {"text": ["one", "two"], "file": ["a.txt", "b.txt"]}


def test_other_files_are_counted_and_left_out(animals: Path) -> None:
    write(animals, {"LICENSE.txt": "free", "cats/.DS_Store": "x", ".git/config": "x", "cats/a.xml": "<a/>"})
    write(animals, {"cats/more/13.png": picture(), "birds/notes.xml": "<a/>"})
    table = read(animals)
    assert len(table.frame) == 24
    assert table.notes == (
        "Left out of the folder: 3 file(s) of other types (.txt, .xml), 2 hidden one(s), "
        "1 folder(s) below the sub-folders.",
        "Sub-folder(s) without images: birds.",
    )


def test_links_that_lead_out_of_the_folder_are_not_followed(animals: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret", {"a.png": picture(77)})
    (animals / "cats" / "secret.png").symlink_to(secret / "a.png")
    (animals / "secrets").symlink_to(secret)
    (animals / "cats" / "again.png").symlink_to(animals / "dogs" / "00.png")
    table = read(animals)
    assert len(table.frame) == 25
    assert "2 link(s) that lead outside" in table.notes[0]


def test_links_in_a_circle_do_not_stop_the_reading(animals: Path) -> None:
    (animals / "all").symlink_to(animals)
    (animals / "loop.png").symlink_to(animals / "loop.png")
    assert len(read(animals).frame) == 24


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a/1.png": picture(), "b/1.txt": "words"}, "both 1 image.s. and 1 text.s."),
        ({"1.png": picture(), "1.txt": "words"}, "both 1 image.s. and 1 text.s."),
        ({"1.png": picture(), "2.png": picture(), "a/1.png": picture()}, "2 loose image.s. beside its sub-folders"),
        ({"a/1.png": picture(), "labels.csv": "file,label"}, "table .labels.csv. and a single sub-folder of images"),
    ],
)
def test_a_folder_of_both_is_refused_with_what_was_found(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(NotATable, match=said):
        read(write(tmp_path / "mixed", files))


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({}, "Read are: CSV"),
        ({"churn.csv": "a,b"}, r"Give one of its files, e\.g\. .*churn\.csv"),
        ({"train/cats/1.png": picture()}, r"the folder whose sub-folders are the classes, e\.g\. .*train"),
        ({"a/1.doc": "x"}, "Read are: CSV"),
    ],
)
def test_a_folder_of_neither_is_refused_with_what_to_give(tmp_path: Path, files: dict[str, bytes], hint: str) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with pytest.raises(UnsupportedFormat, match=hint):
        read(write(folder, files))


def test_a_few_unreadable_images_are_left_out_and_named(animals: Path) -> None:
    write(animals, {"cats/99.png": picture()[:40]})
    table = read(animals)
    assert len(table.frame) == 24
    assert table.notes == ("1 image(s) cannot be read and were left out: cats/99.png.",)


def test_many_unreadable_images_end_the_reading_at_the_first(animals: Path) -> None:
    write(animals, {"cats/03.png": "words", "dogs/01.png": picture()[:40]})
    with pytest.raises(UnreadableImage, match=r"'cats/03.png'.*it is no PNG.*2 of 24 images cannot be read"):
        read(animals)


def test_a_class_does_not_lose_its_only_image_in_silence(animals: Path) -> None:
    write(animals, {"emus/1.png": b""})
    with pytest.raises(UnreadableImage, match=r"'emus/1\.png' .*: the file is empty"):
        read(animals)


def test_empty_texts_are_missing_and_named(mail: Path) -> None:
    table = read(write(mail, {"ham/0.txt": " \n"}))
    assert table.frame["text"].isna().sum() == 1
    assert table.notes == ("1 text(s) are empty and count as missing: ham/0.txt.",)


def test_texts_that_are_all_empty_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyText, match=r"All 2 texts in .* are empty"):
        read(write(tmp_path / "t", {"a/1.txt": "", "b/2.txt": "\n"}))


def test_a_text_in_another_encoding_is_named_or_read_as_asked(mail: Path) -> None:
    write(mail, {"ham/0.txt": "café".encode("latin-1")})
    with pytest.raises(Undecodable, match=r"'ham/0\.txt' is not valid utf-8"):
        read(mail)
    assert read(mail, encoding="latin-1").frame.loc[0, "text"] == "café"


def test_a_folder_with_one_class_has_nothing_to_learn(tmp_path: Path, datasets: Datasets) -> None:
    folder = write(tmp_path / "one", {f"cats/{place}.png": picture(place) for place in range(12)})
    with pytest.raises(TargetUnusable, match="single value"):
        datasets.import_source(str(folder))


def test_a_class_with_one_example_is_learned_and_said(animals: Path, datasets: Datasets) -> None:
    write(animals, {"emus/1.png": picture(50)})
    dataset = datasets.import_source(str(animals))
    assert "1 class(es) with a single row: training only." in dataset.notes
    assert "emus" in set(datasets.training_frame(dataset.id)["label"])


def test_limits_hold_for_folders(animals: Path) -> None:
    with pytest.raises(TooLarge, match="MAX_ROWS"):
        read(animals, DataLimits(max_rows=23))
    with pytest.raises(TooLarge, match="MAX_BYTES"):
        read(animals, DataLimits(max_bytes=1_000))


def test_one_image_file_is_one_row(tmp_path: Path, datasets: Datasets) -> None:
    folder = write(tmp_path, {"a.png": picture()})
    assert datasets.read_rows(str(folder / "a.png")).shape == (1, 1)
    with pytest.raises(TooFewRows):
        datasets.import_source(str(folder / "a.png"))


@pytest.mark.parametrize("name", ["a.png", "a.jpeg", "a.webp"])
def test_words_called_an_image_are_unreadable(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableImage, match="it is no PNG"):
        read(write(tmp_path, {name: "dear diary"}) / name)


def test_an_image_called_something_else_is_still_one(tmp_path: Path) -> None:
    assert read(write(tmp_path, {"download": picture()}) / "download").frame.shape == (1, 1)


def test_large_images_are_shrunk_and_said(tmp_path: Path) -> None:
    large = {f"{place % 2}/{place}.png": file_of(bars(place, True, 150)) for place in range(3)}
    assert read(write(tmp_path / "l", large)).notes == (
        "3 image(s) were shrunk so that the longer side has 128 pixels.",
    )
