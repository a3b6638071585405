import json
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.automl.members import blend, load_member
from engine.automl.run import TrainingRun
from engine.automl.spec import Selection, TrainSpec
from engine.data.samples import sample_frame
from engine.data.schema import coerce, infer_schema
from engine.errors import BadArguments, BadBudget, BadChoice, ColumnNotFound, NothingTrained, TargetUnusable
from engine.metrics import METRICS, score
from engine.progress import Control, FitFinished, FitStarted, Progress

RNG = np.random.default_rng(8)


def small_table(rows: int = 300) -> pd.DataFrame:
    x, group = RNG.normal(size=rows), RNG.choice(["a", "b", "c"], rows)
    risk = 1 / (1 + np.exp(-2 * x - (group == "a")))
    missing = np.where(RNG.random(rows) < 0.1, np.nan, RNG.normal(size=rows))
    return pd.DataFrame({"x": x, "group": group, "noise": missing, "y": np.where(RNG.random(rows) < risk, "yes", "no")})


TABLE = small_table()


def training(folder: Path, table: pd.DataFrame = TABLE, target: str = "y", **choices: object) -> TrainingRun:
    schema = infer_schema(table, {}, target)
    spec = TrainSpec.model_validate({"target": target, "max_models": 2, "threads": 2} | choices)
    return TrainingRun(folder, coerce(table, schema), schema, spec)


def trained(run: TrainingRun, seconds: float | None = None) -> Selection:
    for name in run.prepare().candidates:
        run.fit(name, seconds)
    return run.select()


def predicted(selection: Selection, frame: pd.DataFrame) -> np.ndarray:
    members = [load_member(member.folder) for member in selection.members]
    return blend([member.predict(frame) for member in members], [member.weight for member in selection.members])


def test_a_run_beats_its_baseline_and_predicts_new_rows(tmp_path: Path) -> None:
    run = training(tmp_path)
    selection = trained(run)
    assert selection.validation is not None
    assert selection.baseline == pytest.approx(0.5, abs=0.05)
    assert selection.validation > 0.75
    fresh = coerce(small_table(100), run.schema)
    y = (fresh["y"] == "yes").to_numpy().astype(np.int64)
    assert score(METRICS["roc_auc"], y, predicted(selection, fresh)) > 0.7


def test_the_preparation_says_what_was_decided(tmp_path: Path) -> None:
    table = TABLE.assign(id=[f"C{i:04}" for i in range(300)], same=1, copy=TABLE["x"])
    preparation = training(tmp_path, table, drop=("noise",)).prepare()
    assert (preparation.task, preparation.metric, preparation.validation_method) == ("binary", "roc_auc", "5-fold")
    assert preparation.features == ("x", "group")
    assert preparation.dropped == {
        "noise": "left out as asked",
        "id": "it identifies rows",
        "same": "it has the same value in every row",
        "copy": "it is a copy of 'x'",
    }
    assert preparation.classes == ("no", "yes")


def test_the_same_seed_gives_the_same_bits(tmp_path: Path) -> None:
    frame = coerce(TABLE, infer_schema(TABLE, {}, "y"))
    one, two, other = (
        predicted(trained(training(tmp_path / name, max_models=4, seed=seed)), frame)
        for name, seed in (("one", 3), ("two", 3), ("other", 4))
    )
    assert one.tobytes() == two.tobytes()
    assert one.tobytes() != other.tobytes()


def test_threads_do_not_change_the_result(tmp_path: Path) -> None:
    frame = coerce(TABLE, infer_schema(TABLE, {}, "y"))
    one, two = (
        predicted(trained(training(tmp_path / str(threads), max_models=3, threads=threads)), frame)
        for threads in (1, 2)
    )
    assert one.tobytes() == two.tobytes()


def test_a_second_run_on_the_folder_does_nothing_again(tmp_path: Path) -> None:
    events: list[Progress] = []
    first = training(tmp_path)
    outcomes = [first.fit(name, None, Control(events.append)) for name in first.prepare().candidates]
    selection = first.select()
    assert sum(isinstance(event, FitStarted) for event in events) == 3
    assert sum(isinstance(event, FitFinished) for event in events) == 3
    events.clear()
    second = training(tmp_path)
    again = [second.fit(name, None, Control(events.append)) for name in second.prepare().candidates]
    assert again == outcomes
    assert second.select(None, Control(events.append)) == selection
    assert second.importance(5) == second.importance(5)
    assert events == []


def test_a_run_that_was_moved_still_finds_its_members(tmp_path: Path) -> None:
    trained(training(tmp_path / "before"))
    (tmp_path / "before").rename(tmp_path / "after")
    assert all(member.folder.is_dir() for member in training(tmp_path / "after").select().members)


def test_a_folder_is_not_reused_for_another_question(tmp_path: Path) -> None:
    training(tmp_path).prepare()
    with pytest.raises(BadArguments, match="metric=None, not 'f1'"):
        training(tmp_path, metric="f1").prepare()


@pytest.mark.parametrize("rare", [1, 2, 5])
def test_a_rare_class_is_in_every_prediction(tmp_path: Path, rare: int) -> None:
    grade = np.array(["low", "fair", "good", "high"])[np.digitize(TABLE["x"], [-1, 0, 1])]
    grade[:rare] = "rare"
    run = training(tmp_path, TABLE.assign(y=grade), max_models=3)
    preparation = run.prepare()
    selection = trained(run)
    assert any("'rare'" in note for note in preparation.notes)
    for outcome in run.outcomes():
        assert outcome.status == "done", outcome.detail
    prediction = predicted(selection, run.frame)
    assert prediction.shape == (300, 5)
    assert np.all(prediction[:, preparation.classes.index("rare")] > 0)


def test_regression_is_learned(tmp_path: Path) -> None:
    table = TABLE.assign(y=3 * TABLE["x"] + (TABLE["group"] == "a") + RNG.normal(size=300) / 10)
    selection = trained(training(tmp_path, table, max_models=3))
    assert selection.metric == "rmse"
    assert selection.validation is not None
    assert selection.baseline is not None
    assert selection.validation < selection.baseline / 5


def test_one_column_is_enough(tmp_path: Path) -> None:
    assert trained(training(tmp_path, TABLE[["x", "y"]], max_models=3)).validation is not None


@pytest.mark.parametrize(
    "column",
    [
        pytest.param([np.inf, -np.inf, 1.0] * 100, id="infinite"),
        pytest.param([f"level {i % 1000}" for i in range(300)], id="levels"),
        pytest.param([np.nan] * 299 + [1.0], id="one known"),
        pytest.param(["a word or two of text here, number " + str(i % 7) for i in range(300)], id="text"),
        pytest.param(pd.date_range("2024", periods=300, freq="h").astype(str).tolist(), id="dates"),
    ],
)
def test_awkward_columns_do_not_stop_any_model(tmp_path: Path, column: list[object]) -> None:
    run = training(tmp_path, TABLE.assign(odd=column), max_models=3)
    trained(run)
    assert [outcome.status for outcome in run.outcomes()] == ["done"] * 4


def test_the_baseline_ranks_no_row_above_another(tmp_path: Path) -> None:
    table = TABLE[:43].assign(y=["yes"] * 9 + ["no"] * 34)
    assert training(tmp_path, table).fit("dummy").validation == 0.5


def test_text_alone_can_be_learned_from(tmp_path: Path) -> None:
    words = np.where(TABLE["y"] == "yes", "please cancel my line today", "thanks for the kind help")
    notes = [f"{text} {' '.join(RNG.choice(['the', 'of', 'a', 'and', 'so'], 6))}" for text in words]
    table = pd.DataFrame({"note": notes, "y": TABLE["y"]})
    schema = infer_schema(table, {"note": "text"}, "y")
    spec = TrainSpec(target="y", max_models=3, threads=2)
    selection = trained(TrainingRun(tmp_path, coerce(table, schema), schema, spec))
    assert selection.validation is not None
    assert selection.validation > 0.95


def test_rows_without_a_target_are_left_out_with_a_note(tmp_path: Path) -> None:
    table = TABLE.assign(y=TABLE["y"].where(np.arange(300) % 10 > 0, None))
    preparation = training(tmp_path, table).prepare()
    assert preparation.rows == 270
    assert preparation.notes[0] == "30 row(s) without a target are left out."


def test_a_tuned_metric_chooses_its_threshold(tmp_path: Path) -> None:
    rare = TABLE.assign(y=np.where(TABLE["x"] + RNG.normal(size=300) > 1.8, "yes", "no"))
    selection = trained(training(tmp_path, rare, metric="f1"))
    assert 0 < selection.threshold < 0.5


@pytest.mark.parametrize(
    ("choices", "error", "words"),
    [
        ({"target": "z"}, ColumnNotFound, "'z' is not in the dataset"),
        ({"drop": ("nois",)}, ColumnNotFound, "Did you mean 'noise'"),
        ({"metric": "rmse"}, BadChoice, "metric of a binary task"),
        ({"models": ("tree",)}, BadChoice, "not a known model"),
        ({"max_models": None, "budget_seconds": 0.0}, BadBudget, "budget of 0 s"),
        ({"max_models": None, "budget_seconds": -1.0}, BadBudget, "budget of -1 s"),
        ({"drop": ("x", "group", "noise")}, TargetUnusable, "No column is left"),
    ],
)
def test_wrong_requests_are_refused_before_anything_is_written(
    tmp_path: Path, choices: dict[str, object], error: type[Exception], words: str
) -> None:
    table = coerce(TABLE, infer_schema(TABLE, {}))
    spec = TrainSpec.model_validate({"target": "y", "max_models": 2} | choices)
    with pytest.raises(error, match=words):
        TrainingRun(tmp_path / "run", table, infer_schema(TABLE, {}), spec).prepare()
    assert not (tmp_path / "run").exists()


def test_a_name_that_is_no_candidate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match="candidate"):
        training(tmp_path).fit("../escape")


def test_selecting_from_nothing_is_an_error(tmp_path: Path) -> None:
    run = training(tmp_path)
    run.prepare()
    with pytest.raises(NothingTrained):
        run.select()


def test_one_failing_candidate_does_not_take_the_run_with_it(tmp_path: Path) -> None:
    run = training(tmp_path)
    run.prepare()
    run.fit("dummy")
    # a column that vanished between preparation and fit makes the features fail
    table = run.frame.drop(columns=["group"])
    broken = TrainingRun(tmp_path, table, run.schema, run.spec)
    outcome = broken.fit("linear")
    assert (outcome.status, outcome.validation) == ("failed", None)
    assert "KeyError" in outcome.detail
    assert run.select().name == "dummy"


def test_a_refit_that_fails_leaves_the_models_of_the_folds(tmp_path: Path) -> None:
    run = training(tmp_path)
    run.prepare()
    run.fit("linear")
    broken = TrainingRun(tmp_path, run.frame.drop(columns=["group"]), run.schema, run.spec)
    selection = broken.select()
    assert len(selection.members) == 5
    assert "KeyError" in selection.notes[-1]


def test_no_time_is_a_skip_and_the_dummy_is_there_all_the_same(tmp_path: Path) -> None:
    run = training(tmp_path, max_models=None, budget_seconds=5.0)
    run.prepare()
    assert run.fit("dummy", 0.0).status == "done"
    outcome = run.fit("lightgbm", 0.0)
    assert (outcome.status, outcome.detail) == ("skipped", "no time left before a first model was fitted")
    assert run.select(0.0).name == "dummy"


def test_without_time_to_refit_the_fold_models_are_averaged(tmp_path: Path) -> None:
    run = training(tmp_path, max_models=None, budget_seconds=60.0)
    run.prepare()
    run.fit("linear", 10)
    selection = run.select(0.0)
    assert [member.name for member in selection.members] == [f"linear/fold-{fold}" for fold in range(5)]
    assert sum(member.weight for member in selection.members) == pytest.approx(1.0)
    assert "no time to fit it on all rows" in selection.notes[-1]


def test_trials_vary_the_best_family(tmp_path: Path) -> None:
    run = training(tmp_path, models=("forest",), max_models=1)
    run.prepare()
    run.fit("forest")
    assert run.trial_names(2) == ["forest-t1", "forest-t2"]
    run.fit("forest-t1")
    assert run.trial_names(1) == ["forest-t2"]


def test_importance_finds_the_column_that_matters(tmp_path: Path) -> None:
    run = training(tmp_path)
    trained(run)
    found = run.importance(10)
    assert found[0].column == "x"
    assert {row.column for row in found} == {"x", "group", "noise"}


def test_validation_predictions_are_of_rows_not_fitted_on(tmp_path: Path) -> None:
    run = training(tmp_path)
    selection = trained(run)
    found = run.validated()
    assert score(METRICS["roc_auc"], found.y, found.prediction) == pytest.approx(selection.validation)
    assert len(found.frame) == len(found.y)
    fold = run.held_out()
    assert 0 < len(fold.frame) == len(fold.y) < len(found.frame)
    assert fold.predict(fold.frame).shape == (len(fold.frame), 2)


def test_an_estimate_names_every_candidate(tmp_path: Path) -> None:
    found, memory = training(tmp_path).estimate()
    assert [name for name, _ in found] == ["dummy", "linear", "lightgbm"]
    assert all(0 <= seconds < 60 for _, seconds in found)
    assert memory > 10


def large_table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(50_000, 18)), columns=[f"x{i}" for i in range(18)])
    table["c"] = rng.choice([f"level {i}" for i in range(40)], 50_000)
    table["d"] = rng.choice([f"name {i}" for i in range(1_000)], 50_000)
    table["y"] = np.where(table["x0"] * table["x1"] + table["x2"] + rng.normal(size=50_000) > 0, "yes", "no")
    return table


def test_the_budget_is_kept_on_50_000_rows(tmp_path: Path) -> None:
    run = training(tmp_path, large_table(), max_models=None, budget_seconds=5.0)
    began = time.monotonic()
    names = run.prepare().candidates
    for left, name in zip((1.0, 1.0, 1.2, 0.6, 0.6), names, strict=True):
        run.fit(name, left)
    selection = run.select(0.6)
    assert time.monotonic() - began < 5.0 * 1.1 + 3
    assert selection.validation is not None
    assert selection.validation > 0.6


@pytest.mark.parametrize("name", ["linear", "lightgbm", "forest"])
def test_cancel_stops_a_fit_within_two_seconds_and_keeps_what_there_is(tmp_path: Path, name: str) -> None:
    run = training(tmp_path, large_table(), max_models=1)
    run.prepare()
    flag = threading.Event()
    timer = threading.Timer(1.5, flag.set)
    began = time.monotonic()
    timer.start()
    outcome = run.fit(name, None, Control(cancelled=flag.is_set))
    timer.join()
    # a linear fit may be through before the cancel
    assert outcome.status in {"stopped", "skipped", "done"}
    assert time.monotonic() - began < 1.5 + 2.0


def test_outcomes_on_disk_are_plain_json(tmp_path: Path) -> None:
    trained(training(tmp_path))
    files = list(tmp_path.rglob("*.json"))
    assert len(files) > 20
    for path in files:
        json.loads(path.read_text(), parse_constant=pytest.fail)
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {".json", ".npz", ".txt", ".skops"}


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes"])
def test_bundled_sets_are_learned(tmp_path: Path, name: str) -> None:
    table, target = sample_frame(name)
    selection = trained(training(tmp_path, table, target))
    assert selection.name != "dummy"


def test_a_selection_is_made_again_when_there_are_more_candidates(tmp_path: Path) -> None:
    run = training(tmp_path)
    run.prepare()
    run.fit("dummy")
    assert run.select().name == "dummy"
    assert {row.importance for row in run.importance(5)} == {0.0}
    run.fit("linear")
    assert run.select().name == "linear"
    assert run.importance(5)[0].importance > 0
    assert training(tmp_path).select() == run.select()


def test_a_run_does_not_go_on_with_other_candidates(tmp_path: Path) -> None:
    training(tmp_path, models=("linear",), max_models=1).prepare()
    for choices in ({"models": ("forest",)}, {"max_models": 3, "models": ("linear",)}):
        with pytest.raises(BadArguments, match="This run was prepared with m"):
            training(tmp_path, **choices).prepare()
    again = training(tmp_path, models=None, max_models=None)
    again.prepare()
    assert again.spec.models == ("linear",)
    assert again.spec.max_models == 1


def test_huge_targets_are_learned_and_what_cannot_is_a_failed_candidate(tmp_path: Path) -> None:
    x = RNG.normal(size=120)
    table = pd.DataFrame({"x": x, "y": (x + RNG.normal(size=120) / 10) * 1e200})
    run = training(tmp_path, table, max_models=3)
    selection = trained(run)
    assert {outcome.status for outcome in run.outcomes()} <= {"done", "failed"}
    outcome = next(outcome for outcome in run.outcomes() if outcome.model == "linear")
    assert outcome.status == "done"
    assert selection.validation is not None
    assert selection.baseline is not None
    assert selection.validation < 0.5 * selection.baseline


def test_importance_in_fixed_count_mode_ignores_the_clock(tmp_path: Path) -> None:
    run = training(tmp_path)
    trained(run)
    assert len(run.importance(0.0)) == 3
