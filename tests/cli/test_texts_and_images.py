"""Texts and images as a user has them: a folder or a table in, a model out, predictions of new ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.cli.running import Millwright, runner

RNG = np.random.default_rng(8)
BRIGHT = ("good", "great", "lovely", "fine", "superb")
DARK = ("bad", "awful", "poor", "dull", "broken")
FILLER = ("the", "film", "was", "and", "plot", "with", "actors", "of", "it", "scenes")


def picture(across: bool, size: int = 12) -> Image.Image:
    """Noise with a bright bar, across or upright."""
    pixels = RNG.integers(0, 60, (size, size))
    place = RNG.integers(2, size - 2)
    if across:
        pixels[place] = 230
    else:
        pixels[:, place] = 230
    return Image.fromarray(pixels.astype(np.uint8))


def sentence(bright: bool) -> str:
    words = list(RNG.choice(FILLER, 8)) + list(RNG.choice(BRIGHT if bright else DARK, 2))
    return " ".join(RNG.permutation(words))


def pictures(folder: Path, each: int = 40) -> Path:
    for label in ("across", "upright"):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            picture(label == "across").save(folder / label / f"{number:03}.png")
    return folder


def reviews(folder: Path, each: int = 40) -> Path:
    for label in ("bright", "dark"):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            (folder / label / f"{number:03}.txt").write_text(sentence(label == "bright"))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deep")


@pytest.fixture(scope="module")
def program(place: Path) -> Millwright:
    """One home for the tests of this module."""
    return runner(place / "home", place)


@pytest.fixture(scope="module")
def image_model(place: Path, program: Millwright) -> str:
    source = pictures(place / "bars")
    work = ("--models", "resnet", "--budget", "14", "--seed", "1", "--json")
    done = program("run", "tell the bars apart", "--data", str(source), *work, "--yes")
    assert done.code == 0, done.err
    assert done.document["target"] == "label"
    assert done.document["leaderboard"][0]["model"].startswith("resnet")
    assert "How the networks learned" in Path(done.document["report"]).read_text()
    return str(done.document["model_id"])


@pytest.fixture(scope="module")
def text_model(place: Path, program: Millwright) -> str:
    source = reviews(place / "reviews")
    work = ("--models", "network", "--max-models", "1", "--json")
    done = program("train", "--data", str(source), "--target", "label", *work)
    assert done.code == 0, done.err
    assert done.document["metric"]["value"] > 0.9
    return str(done.document["model_id"])


def test_a_folder_of_images_becomes_a_model_that_predicts_a_folder_a_table_and_one_image(
    place: Path, program: Millwright, image_model: str
) -> None:
    new = place / "new"
    new.mkdir()
    truth = []
    for number in range(12):
        truth.append("across" if number % 2 else "upright")
        picture(truth[-1] == "across").save(new / f"{number:02}.png")
    pd.DataFrame({"image": [f"new/{n:02}.png" for n in range(12)], "note": "x"}).to_csv(place / "new.csv", index=False)
    for data in ("new", "new.csv"):
        done = program("predict", "--model", image_model, "--data", data, "--out", "answers.csv", "--json")
        assert done.code == 0, done.err
        answers = pd.read_csv(place / "answers.csv")
        assert (answers["prediction"] == truth).mean() >= 0.75
        assert "base64" not in done.out
    one = program("predict", "--model", image_model, "--data", "new/01.png", "--out", "one.csv", "--json")
    assert one.document["rows"] == 1


def test_labelled_images_are_evaluated(place: Path, program: Millwright, image_model: str) -> None:
    fresh = pictures(place / "fresh", each=8)
    done = program("evaluate", "--model", image_model, "--data", str(fresh), "--json")
    assert done.code == 0, done.err
    assert done.document["rows"] == 16
    assert done.document["others"]["accuracy"] >= 0.7


def test_texts_are_predicted_from_a_table_and_an_empty_one_is_answered(
    place: Path, program: Millwright, text_model: str
) -> None:
    frame = pd.DataFrame({"text": ["great lovely film", "awful broken plot", "", "good " * 5000]})
    frame.to_csv(place / "texts.csv", index=False)
    done = program("predict", "--model", text_model, "--data", "texts.csv", "--out", "said.csv", "--json")
    assert done.code == 0, done.err
    said = pd.read_csv(place / "said.csv")
    assert list(said["prediction"][:2]) == ["bright", "dark"]
    assert said["prediction"].notna().all()


def test_a_model_of_texts_is_distilled_by_the_command(program: Millwright, text_model: str) -> None:
    done = program("distil", text_model, "--width", "16", "--budget", "8", "--json")
    assert done.code == 0, done.err
    found = done.document
    assert found["student"]["kind"] == "network"
    assert found["smaller"] > 1
    assert found["teacher"]["model"] == text_model


def test_what_is_no_image_is_named(place: Path, program: Millwright, image_model: str) -> None:
    (place / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    done = program("predict", "--model", image_model, "--data", "broken.png", "--out", "x.csv", "--json")
    assert (done.code, done.error["code"]) == (1, "unreadable_image")
    assert "broken.png" in done.error["message"]


def test_texts_that_are_all_empty_are_refused(place: Path, program: Millwright) -> None:
    for label in ("a", "b"):
        (place / "blank" / label).mkdir(parents=True)
        for number in range(8):
            (place / "blank" / label / f"{number}.txt").write_text("  \n")
    done = program("train", "--data", "blank", "--json")
    assert (done.code, done.error["code"]) == (1, "empty_text")


def test_a_network_that_does_not_fit_the_columns_is_refused(program: Millwright) -> None:
    done = program("train", "--data", "sample:churn", "--models", "resnet", "--json")
    assert (done.code, done.error["code"]) == (1, "bad_choice")
    assert "image" in done.error["message"]


def test_cuda_that_is_absent_is_said_before_anything_is_imported(program: Millwright, place: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    for command in (("run", "predict churn", "--yes"), ("train",)):
        done = program(*command, "--data", "sample:breast_cancer", "--device", "cuda", "--json")
        assert (done.code, done.error["code"]) == (1, "device_missing")
        assert "cpu" in done.error["hint"]
