from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.automl.members import Member, load_member, save_member
from engine.data.schema import Column, Schema
from engine.errors import BadArguments, BadChoice, TooFewRows
from engine.optimise.errors import VariantRefused
from engine.optimise.student import train_student
from engine.progress import Control

RNG = np.random.default_rng(8)
ROWS = 400
NUMBERS = RNG.normal(size=(ROWS, 2))
LEAVES = (NUMBERS[:, 0] + 0.5 * NUMBERS[:, 1] + RNG.normal(0, 0.3, ROWS)) > 0
FRAME = pd.DataFrame(
    {
        "id": [f"c{row}" for row in range(ROWS)],
        "a": NUMBERS[:, 0],
        "b": NUMBERS[:, 1],
        "town": RNG.choice(["north", "south"], ROWS),
        "leaves": np.where(LEAVES, "yes", "no"),
        "price": 300 + 40 * NUMBERS[:, 0],
    }
)
SCHEMA = Schema(
    columns=(
        Column(name="id", kind="identifier"),
        Column(name="a", kind="number"),
        Column(name="b", kind="number"),
        Column(name="town", kind="category"),
    )
)
TRUTH = 1 / (1 + np.exp(-8 * (NUMBERS[:, 0] + 0.5 * NUMBERS[:, 1])))
ANSWERS = np.stack([1 - TRUTH, TRUTH], axis=1)


def student(folder: Path, **changes: object) -> Member:
    given: dict[str, object] = {
        "target": "leaves", "task": "binary", "metric": "f1", "classes": ("no", "yes"), "answers": ANSWERS,
        "family": "network", "width": 8, "seconds": None, "seed": 0, "threads": 1, "folder": folder / "student",
        "control": Control(),
    }  # fmt: skip
    frame, schema = changes.pop("train", FRAME), changes.pop("schema", SCHEMA)
    return train_student(frame, schema, **(given | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Member:
    return student(tmp_path_factory.mktemp("taught"))


def test_a_student_answers_from_raw_rows_as_its_teacher_does(taught: Member) -> None:
    said = taught.predict(FRAME)
    assert said.shape == (ROWS, 2)
    assert ((said[:, 1] > 0.5) == (TRUTH > 0.5)).mean() > 0.95
    assert taught.model.inner.spec.width == 8
    assert (taught.kind, taught.task, taught.classes) == ("network", "binary", ("no", "yes"))


def test_it_looks_at_the_columns_of_the_schema_but_identifiers_and_the_target(taught: Member) -> None:
    assert set(taught.columns) == {"a", "b", "town"}


def test_it_is_a_whole_member_that_can_be_saved_and_read(taught: Member, tmp_path: Path) -> None:
    save_member(
        tmp_path / "m", taught.plan, taught.model, task=taught.task, classes=taught.classes, params=taught.params
    )
    assert np.array_equal(load_member(tmp_path / "m").predict(FRAME), taught.predict(FRAME))


def test_a_fixed_amount_of_work_gives_the_same_bits(taught: Member, tmp_path: Path) -> None:
    assert np.array_equal(student(tmp_path).predict(FRAME), taught.predict(FRAME))


def test_it_learns_the_answers_and_not_the_labels_alone(tmp_path: Path) -> None:
    wrong = FRAME.assign(leaves=np.random.default_rng(2).permutation(FRAME["leaves"]))
    said = student(tmp_path, train=wrong, metric="log_loss").predict(FRAME)
    assert ((said[:, 1] > 0.5) == (TRUTH > 0.5)).mean() > 0.7  # the labels alone would give a half


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    gaps = FRAME.assign(leaves=FRAME["leaves"].where(np.arange(ROWS) < 300, None))
    answers = ANSWERS.copy()
    answers[300:] = np.nan  # would ruin the training if they were looked at
    assert np.isfinite(student(tmp_path, train=gaps, answers=answers).predict(FRAME)).all()


def test_a_number_is_learned_in_its_own_units(tmp_path: Path) -> None:
    made = student(
        tmp_path, target="price", task="regression", metric="rmse", classes=(), answers=FRAME["price"].to_numpy(),
        width=16,
    )  # fmt: skip
    assert np.sqrt(np.mean((made.predict(FRAME) - FRAME["price"]) ** 2)) < 15


def test_it_is_done_when_the_time_is(tmp_path: Path) -> None:
    assert student(tmp_path, seconds=1.0).predict(FRAME).shape == (ROWS, 2)
    assert not (tmp_path / "student").exists()


def test_stopped_before_the_first_step_there_is_no_student(tmp_path: Path) -> None:
    with pytest.raises(VariantRefused, match="stopped before its first step"):
        student(tmp_path, control=Control(cancelled=lambda: True))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"family": "forest"}, BadChoice, "'forest' is not a known student"),
        ({"family": "lstm"}, BadChoice, "without a column of kind text"),
        ({"width": 0}, BadArguments, "width of 0"),
        ({"answers": ANSWERS[:10]}, BadArguments, r"shape \(10, 2\) do not fit 400 rows and 2 classes"),
        ({"answers": ANSWERS[:, 1]}, BadArguments, r"shape \(400,\)"),
        ({"train": FRAME.head(3), "answers": ANSWERS[:3]}, TooFewRows, "only 3 rows"),
    ],
    ids=["no network", "no text", "no width", "too few answers", "one column of answers", "too few rows"],
)
def test_what_makes_no_student_is_refused(
    tmp_path: Path, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        student(tmp_path, **changes)
