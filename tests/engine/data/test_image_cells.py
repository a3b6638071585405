"""Tables with images in them: paths beside the table, images as text, and what they become on the way to a dataset."""

import base64
import json
from pathlib import Path

import pandas as pd
import pytest

from engine.data.image_text import ANY_IMAGE, pixels_of
from engine.data.load import DataLimits, RawTable, read_source
from engine.data.overlap import overlap
from engine.data.profile import profile_frame
from engine.data.schema import coerce_counted, infer_schema
from engine.data.store import Datasets
from engine.errors import KindMismatch, TargetUnusable, TooLarge, UnreadableImage

from .pictures import cell, file_of, picture, pixels


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Twenty photographs in a folder and a table that names them."""
    folder = tmp_path / "shop"
    (folder / "photos").mkdir(parents=True)
    for place in range(20):
        (folder / "photos" / f"{place}.png").write_bytes(picture(place))
    return folder


def table(shop: Path, name: str = "t.csv", **changes: list[object]) -> str:
    frame = pd.DataFrame(
        {
            "photo": [f"photos/{place}.png" for place in range(20)],
            "price": [place / 3 for place in range(20)],
            "sold": ["yes", "no"] * 10,
        }
    ).assign(**changes)
    writers = {
        ".csv": lambda path: frame.to_csv(path, index=False),
        ".jsonl": lambda path: frame.to_json(path, orient="records", lines=True),
        ".parquet": frame.to_parquet,
        ".xlsx": lambda path: frame.to_excel(path, index=False),
    }
    writers[Path(name).suffix](shop / name)
    return str(shop / name)


def read(source: str, **kinds: str) -> RawTable:
    return read_source(source, DataLimits(), kinds=kinds)


def photos(changed: dict[int, object]) -> list[object]:
    return [changed.get(place, f"photos/{place}.png") for place in range(20)]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.xlsx"])
def test_files_named_in_a_column_become_its_images(shop: Path, name: str) -> None:
    found = read(table(shop, name))
    assert found.frame["photo"].tolist() == [cell(place) for place in range(20)]
    assert found.notes == ("Column 'photo': 20 of 20 image file(s) were read from beside the table.",)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_images_as_text_are_images_in_any_table(shop: Path, name: str, datasets: Datasets) -> None:
    source = table(shop, name, photo=[cell(place) for place in range(20)])
    dataset = datasets.import_source(source, target="sold")
    assert dataset.schema_.column("photo").model_dump(include={"kind", "missing", "reason"}) == {
        "kind": "image",
        "missing": 0,
        "reason": "images of 8 x 8 grey",
    }


def test_images_as_text_are_brought_into_the_one_form(shop: Path) -> None:
    large = "data:image/jpeg;base64," + base64.b64encode(file_of(pixels(200, 200), "JPEG")).decode()
    found = read(table(shop, photo=[large] * 20)).frame["photo"]
    assert pixels_of(found.iloc[0]) is not None


def test_missing_and_damaged_files_become_missing_and_are_named(shop: Path, datasets: Datasets) -> None:
    (shop / "photos" / "3.png").write_bytes(b"words")
    source = table(shop, photo=photos({4: "photos/none.png", 5: None}))
    dataset = datasets.import_source(source, target="price")
    column = dataset.schema_.column("photo")
    frame = datasets.training_frame(dataset.id)
    assert column.missing == frame["photo"].isna().sum()
    assert any("1 file(s) cannot be read as images: 'photos/3.png' (it is no PNG" in note for note in dataset.notes)
    whole = infer_schema(read(source).frame, {}).column("photo")
    assert whole.caution == (
        "Column 'photo': 2 cell(s) are no image and count as missing, e.g. 'photos/3.png', 'photos/none.png'."
    )


def test_too_many_missing_files_leave_words_or_are_refused_when_asked_for(shop: Path, datasets: Datasets) -> None:
    source = table(shop, photo=photos({place: f"gone/{place}.png" for place in range(11)}))
    assert read(source).frame["photo"].iloc[19] == "photos/19.png"
    with pytest.raises(KindMismatch, match=r"'photo' cannot be read as image: 11 of 20 cells.*'gone/0\.png'"):
        datasets.import_source(source, target="sold", kinds={"photo": "image"})


def test_most_files_missing_after_a_good_sample_are_kept_as_words(shop: Path) -> None:
    named = [f"photos/{place % 20}.png" for place in range(40)]
    named = [name if place in range(0, 40, 2) else f"gone/{place}.png" for place, name in enumerate(named)]
    pd.DataFrame({"photo": [*named, "gone/x.png", "gone/y.png"]}).to_csv(shop / "u.csv", index=False)
    found = read(str(shop / "u.csv"))
    assert found.frame["photo"].iloc[0] == "photos/0.png"


@pytest.mark.parametrize("how", ["up", "absolute", "link"])
def test_paths_that_lead_outside_are_not_followed_and_said(shop: Path, tmp_path: Path, how: str) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture(99))
    (shop / "photos" / "link.png").symlink_to(secret)
    cells = {"up": "photos/../../secret.png", "absolute": str(secret), "link": "photos/link.png"}
    found = read(table(shop, photo=photos({7: cells[how]})))
    assert found.frame["photo"].iloc[7] == cells[how]
    assert "Column 'photo': 1 path(s) lead outside the table's folder; not followed." in found.notes
    assert cell(99) not in found.frame["photo"].tolist()


@pytest.mark.parametrize("kind", ["identifier", "category", "text"])
def test_paths_stay_paths_when_another_kind_is_asked_for(shop: Path, kind: str) -> None:
    assert read(table(shop), photo=kind).frame["photo"].iloc[0] == "photos/0.png"


def test_addresses_are_never_fetched(shop: Path, datasets: Datasets) -> None:
    source = table(shop, photo=[f"https://127.0.0.1:9/{place}.png" for place in range(20)])
    assert read(source).frame["photo"].iloc[0] == "https://127.0.0.1:9/0.png"
    with pytest.raises(KindMismatch, match="20 of 20 cells"):
        datasets.import_source(source, target="sold", kinds={"photo": "image"})


def test_limits_count_the_files_of_a_column(shop: Path) -> None:
    with pytest.raises(TooLarge, match="MAX_BYTES"):
        read_source(table(shop), DataLimits(max_bytes=1_500))


@pytest.mark.parametrize("kind", ["category", "text"])
def test_images_are_not_taken_for_words(shop: Path, datasets: Datasets, kind: str) -> None:
    source = table(shop, "t.jsonl", photo=[cell(place) for place in range(20)])
    with pytest.raises(KindMismatch, match=f"'photo' holds images, which cannot be read as {kind}"):
        datasets.import_source(source, target="sold", kinds={"photo": kind})


def test_images_cannot_be_the_target(shop: Path, datasets: Datasets) -> None:
    with pytest.raises(TargetUnusable, match="holds images"):
        datasets.import_source(table(shop), target="photo")


def test_rows_to_predict_are_read_with_the_files_they_name(shop: Path, datasets: Datasets) -> None:
    dataset = datasets.import_source(table(shop), target="sold")
    one = shop / "one.csv"
    one.write_text("photo,price\nphotos/5.png,1.5\nphotos/none.png,2\n")
    rows = datasets.read_rows(str(one), dataset.schema_)
    assert rows.loc[0, "photo"] == cell(5)
    assert rows["photo"].isna().tolist() == [False, True]


def test_rows_given_as_json_are_counted_where_their_image_is_broken(shop: Path, datasets: Datasets) -> None:
    schema = datasets.import_source(table(shop), target="sold").schema_
    rows = json.loads(json.dumps([{"photo": cell(3)}, {"photo": cell(3)[:-60]}, {"photo": None}, {"photo": "3.png"}]))
    frame, lost = coerce_counted(pd.DataFrame.from_records(rows), schema.subset(["photo"]))
    assert frame["photo"].isna().tolist() == [False, True, True, True]
    assert lost == {"photo": 2}


def test_own_rows_are_found_again_however_their_images_are_written(shop: Path, datasets: Datasets) -> None:
    dataset = datasets.import_source(table(shop), target="sold")
    twin = "data:image/bmp;base64," + base64.b64encode(file_of(pixels(seed=4), "BMP")).decode()
    frame = pd.DataFrame({"photo": [twin, cell(60)], "price": [4 / 3, 4 / 3], "sold": ["yes", "yes"]})
    found = overlap(dataset, frame)
    assert (found.trained | found.sealed).tolist() == [True, False]


def test_no_image_is_ever_quoted(shop: Path, datasets: Datasets) -> None:
    broken = [cell(place)[:-60] if place < 6 else cell(place) for place in range(20)]
    dataset = datasets.import_source(table(shop, "t.jsonl", photo=broken), target="sold")
    profile = profile_frame(datasets.training_frame(dataset.id), dataset.schema_, "sold")
    said = profile.model_dump_json() + dataset.model_dump_json()
    assert ANY_IMAGE not in said
    assert "cell(s) are no image and count as missing, e.g. 'an image of 1" in said
    found = next(column for column in profile.columns if column.name == "photo")
    assert found.top[0][0] == "8 x 8 grey"
    assert found.relation is None


def test_images_do_not_stop_the_search_for_leaks(shop: Path, datasets: Datasets) -> None:
    gaps = [None if place % 2 else f"photos/{place}.png" for place in range(20)]
    dataset = datasets.import_source(table(shop, photo=gaps), target="sold")
    warnings = profile_frame(datasets.training_frame(dataset.id), dataset.schema_, "sold").warnings
    assert any("Whether column 'photo' is missing gives the target away" in warning for warning in warnings)


def test_a_column_of_nothing_but_broken_images_is_refused(shop: Path, datasets: Datasets) -> None:
    source = table(shop, "t.jsonl", photo=[f"{ANY_IMAGE}png;base64,AAAA" for _ in range(20)])
    with pytest.raises(KindMismatch, match="cannot be read as image"):
        datasets.import_source(source, target="sold")


def test_an_image_file_that_is_too_large_or_no_image_is_refused(shop: Path) -> None:
    with pytest.raises(TooLarge):
        read_source(str(shop / "photos" / "1.png"), DataLimits(max_bytes=10))
    (shop / "photos" / "1.png").write_bytes(picture()[:50])
    with pytest.raises(UnreadableImage, match="it is damaged"):
        read(str(shop / "photos" / "1.png"))


def test_the_same_images_are_the_same_dataset(shop: Path, datasets: Datasets) -> None:
    one = datasets.import_source(table(shop), target="sold")
    two = datasets.import_source(table(shop, "t.parquet", photo=[cell(place) for place in range(20)]), target="sold")
    assert one.content_hash == two.content_hash
