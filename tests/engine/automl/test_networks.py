"""Networks as candidates of a run: texts, images, what is said of them, and what ends one of them and not the run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.automl.run import TrainingRun
from engine.automl.spec import TrainSpec
from engine.data.samples import sample_frame
from engine.data.schema import coerce, infer_schema
from engine.errors import BadChoice
from engine.models.base import Floats

RNG = np.random.default_rng(4)


def reviews(rows: int = 120) -> pd.DataFrame:
    good = np.arange(rows) % 2 == 0
    filler = np.array(["the", "film", "was", "plot", "and", "actors", "of", "it"])
    words = [[*RNG.choice(filler, 9), "great" if yes else "awful"] for yes in good]
    return pd.DataFrame(
        {"text": [" ".join(RNG.permutation(line)) for line in words], "label": np.where(good, "y", "n")}
    )


def run_of(
    folder: Path, frame: pd.DataFrame, target: str, teacher: Floats | None = None, **choices: object
) -> TrainingRun:
    schema = infer_schema(frame, {}, target)
    spec = TrainSpec.model_validate({"target": target, "max_models": 1} | choices)
    return TrainingRun(folder / "run", coerce(frame, schema), schema, spec, teacher)


def test_texts_are_learned_and_the_curve_of_the_first_fold_is_kept(tmp_path: Path) -> None:
    run = run_of(tmp_path, reviews(), "label", models=("network",), max_models=None, budget_seconds=20.0)
    for name in run.prepare().candidates:
        run.fit(name, 8.0)
    outcome = next(row for row in run.outcomes() if row.model == "network")
    assert outcome.status == "done"
    assert outcome.validation is not None
    assert outcome.validation > 0.9
    assert len(outcome.curve) >= outcome.params["epochs"]
    assert outcome.curve[-1][0] < outcome.curve[0][0]
    assert run.select(3.0).name == "network"


def test_texts_longer_than_what_is_read_are_said(tmp_path: Path) -> None:
    frame = reviews(60)
    frame.loc[3, "text"] = "endless " * 2_000
    run = run_of(tmp_path, frame, "label", models=("network",), max_models=None, budget_seconds=20.0)
    run.prepare()
    assert any("what comes after them is not read" in note for note in run.fit("network", 2.0).notes)


def test_a_fit_that_diverges_is_a_failed_candidate_with_what_to_try(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": RNG.normal(size=60), "y": RNG.normal(size=60)})
    answers = np.full(60, np.inf)  # a teacher gone mad: the loss cannot be finite
    run = run_of(tmp_path, frame, "y", answers, models=("network",), task="regression")
    run.prepare()
    run.fit("dummy")
    outcome = run.fit("network")
    assert (outcome.status, outcome.validation) == ("failed", None)
    assert "not a finite number at step 1" in outcome.detail
    assert "Try a learning rate of" in outcome.detail
    assert run.select().name == "dummy"


def test_the_checkpoints_of_a_fit_that_failed_are_kept_and_those_of_others_are_not(tmp_path: Path) -> None:
    run = run_of(tmp_path, reviews(40), "label", models=("linear",))
    run.record.working("linear").mkdir(parents=True)
    run.fit("linear")
    assert not run.record.working("linear").exists()
    bad = run_of(
        tmp_path / "bad",
        pd.DataFrame({"x": RNG.normal(size=60), "y": RNG.normal(size=60)}),
        "y",
        np.full(60, np.inf),
        models=("network",),
        task="regression",
    )
    bad.prepare()
    bad.record.working("network").mkdir(parents=True)
    assert bad.fit("network").status == "failed"
    assert bad.record.working("network").exists()


def test_a_network_that_has_nothing_to_look_at_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match="without a column of kind image"):
        run_of(tmp_path, reviews(), "label", models=("resnet",)).prepare()


def test_pixel_columns_offer_the_resnet(tmp_path: Path) -> None:
    frame = sample_frame("digits")[0].head(200)
    assert "resnet" in run_of(tmp_path, frame, "digit", max_models=None, budget_seconds=60.0).prepare().candidates


def test_the_pilot_keeps_to_its_share_and_says_what_it_did_not_time(tmp_path: Path) -> None:
    models = ("linear", "network", "lstm", "encoder", "lightgbm", "forest")
    run = run_of(tmp_path, reviews(600), "label", models=models, max_models=None, budget_seconds=1.0)
    run.prepare()
    found, memory = run.estimate()
    assert [name for name, _ in found] == list(run.preparation.candidates)
    assert found[0][1] is not None
    assert found[-1][1] is None
    assert memory > 0
