"""Retraining with the real engine on a few hundred rows: what is trained on, who wins, and what happens only once."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.data.tables import read_part
from engine.database import file_lock
from engine.drift.levels import Level
from engine.errors import JobFailed, NotFound, TooFewRows
from engine.monitoring.records import Monitor, Retraining
from engine.progress import FitFinished, Progress, StageStarted, Watch
from tests.engine.monitoring.logged import check
from tests.homes import workshop_at
from tools.catalogue import invoke
from tools.drift import Retrained
from tools.jobs import CANCELLED_CODE, job_id
from tools.retrain_job import best_of
from tools.retrain_rows import CONTEST_SHARE
from tools.workshop import Workshop

NAME = "stream"
MODELS = ("linear",)


class Killed(BaseException):
    """What ends a job here as if its process had died: no job catches it."""


def table(rows: int, seed: int, changed: bool = False) -> pd.DataFrame:
    """x0 and x1 with a class that follows both; where the world has changed, x0 means the opposite."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 3))
    odds = 2 * x[:, 0] * (-1 if changed else 1) + x[:, 1]
    y = np.where(random.random(rows) < 1 / (1 + np.exp(-2 * odds)), "yes", "no")
    return pd.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "x2": x[:, 2], "y": y})


@pytest.fixture(scope="session")
def champions_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion of 400 rows and a monitor of it, to copy."""
    folder = tmp_path_factory.mktemp("champion")
    (folder / "home").mkdir()
    workshop = workshop_at(folder / "home")
    table(400, seed=0).to_csv(folder / "train.csv", index=False)
    workshop.call("import_dataset", source=str(folder / "train.csv"), target="y", name=NAME)
    workshop.call("train_model", dataset=NAME, models=MODELS, max_models=1, budget_seconds=None, name=NAME)
    workshop.call("promote_model", model=NAME)
    workshop.call("create_monitor", model=NAME, window_rows=100)
    return workshop.home


@pytest.fixture
def workshop(champions_home: Path, home: Path) -> Workshop:
    shutil.copytree(champions_home, home, dirs_exist_ok=True)
    return workshop_at(home)


def predict(workshop: Workshop, frame: pd.DataFrame, prefix: str = "r") -> pd.DataFrame:
    """Have rows answered and logged; returns them with their ids."""
    rows = frame.assign(id=[f"{prefix}{place}" for place in range(len(frame))])
    asked = tuple(rows.drop(columns="y").to_dict("records"))
    workshop.call("predict", model=f"{NAME}@champion", rows=asked, id_column="id")
    return rows


def label(workshop: Workshop, rows: pd.DataFrame) -> None:
    workshop.call("log_labels", monitor=NAME, rows=tuple(rows[["id", "y"]].to_dict("records")), id_column="id")


def retrain(workshop: Workshop, watch: Watch = lambda _: None, call: str = "one") -> Retrained:
    arguments = {"monitor": NAME, "budget_seconds": 2.0}
    found = invoke(workshop, "retrain_model", arguments, call_id=call, watch=watch)
    assert isinstance(found, Retrained)
    return found


def at_stage(stage: str, then: Callable[[], None]) -> Watch:
    """Do something when the job gets to a stage."""

    def watch(progress: Progress) -> None:
        if isinstance(progress, StageStarted) and progress.stage == stage:
            then()

    return watch


def die() -> None:
    raise Killed


def monitor_of(workshop: Workshop) -> Monitor:
    return workshop.monitoring.monitors.get(NAME)


def retrainings(workshop: Workshop) -> Sequence[Retraining]:
    return workshop.monitoring.monitors.retrainings.list(monitor_of(workshop).id)


def champion(workshop: Workshop) -> str:
    return workshop.registry.get(f"{NAME}@champion").model_id


def values(frame: pd.DataFrame) -> set[float]:
    """What tells these rows from any other; texts of numbers are cut at nine digits."""
    return set(frame["x0"].round(9))


def trained_on(workshop: Workshop) -> list[pd.DataFrame]:
    """All rows of each dataset that challengers came from, sealed ones too."""
    made = [one for one in workshop.datasets.list() if one.name.startswith(f"{NAME},")]
    return [pd.concat([read_part(one.folder, "train"), read_part(one.folder, "test")]) for one in made]


# a world that changed


Changed = tuple[Workshop, Retrained, pd.DataFrame]


@pytest.fixture(scope="module")
def changed(champions_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """A retraining after 400 rows of another world, and these rows."""
    home = tmp_path_factory.mktemp("changed") / "home"
    shutil.copytree(champions_home, home)
    workshop = workshop_at(home)
    rows = predict(workshop, table(400, seed=1, changed=True))
    label(workshop, rows)
    return workshop, retrain(workshop), rows


def test_in_a_changed_world_the_challenger_wins_and_nothing_is_promoted(changed: Changed) -> None:
    workshop, found, _ = changed
    assert found.passed
    assert found.champion_value is not None
    assert found.challenger_value is not None
    assert found.champion_value < 0.4
    assert found.challenger_value > 0.9
    assert found.improvement is not None
    assert found.improvement[0] > 0.4
    assert champion(workshop) == found.champion
    assert workshop.registry.get(found.challenger).aliases == ()
    assert [(one.state, one.challenger) for one in retrainings(workshop)] == [("won", found.challenger)]


def test_where_the_world_changed_rows_of_it_alone_are_tried_too_and_win(changed: Changed) -> None:
    workshop, found, _ = changed
    assert (found.trained_on, found.fresh_rows, found.old_rows) == ("fresh rows alone", 240, 0)
    assert len(trained_on(workshop)) == 2
    assert "old and fresh rows" in found.notes[0]


def test_the_contest_is_on_rows_that_nobody_was_trained_on(changed: Changed) -> None:
    workshop, found, rows = changed
    contest = values(rows.tail(found.gate_rows))
    assert len(contest) == found.gate_rows == CONTEST_SHARE * 400
    assert all(contest.isdisjoint(values(frame)) for frame in trained_on(workshop))


def test_the_sealed_rows_of_the_champion_are_not_looked_at_and_not_trained_on(changed: Changed) -> None:
    workshop, _, _ = changed
    dataset = workshop.datasets.get(NAME)
    assert workshop.registry.looks(dataset.id) == 1
    sealed = values(read_part(dataset.folder, "test"))
    assert all(sealed.isdisjoint(values(frame)) for frame in trained_on(workshop))


# one that did not


def test_in_an_equal_world_the_challenger_does_not_win(workshop: Workshop) -> None:
    label(workshop, predict(workshop, table(240, seed=2)))
    found = retrain(workshop)
    assert not found.passed
    assert "is not shown to be better than" in found.verdict
    assert (found.trained_on, found.gate_rows, found.fresh_rows) == ("old and fresh rows", 100, 140)
    assert found.old_rows == workshop.datasets.get(NAME).train_rows
    assert [one.state for one in retrainings(workshop)] == ["lost"]


# what is trained on


def choices_of(workshop: Workshop) -> list[pd.DataFrame]:
    """The rows that a retraining takes; it ends before it trains."""
    with pytest.raises(Killed):
        retrain(workshop, at_stage("train", die))
    return trained_on(workshop)


def test_rows_that_the_champion_knows_already_are_not_fresh(workshop: Workshop) -> None:
    known = workshop.datasets.training_frame(NAME)[["x0", "x1", "x2", "y"]].head(60)
    sealed = read_part(workshop.datasets.get(NAME).folder, "test")[["x0", "x1", "x2", "y"]].head(20)
    label(workshop, predict(workshop, pd.concat([known, sealed, table(170, seed=3)], ignore_index=True)))
    (frame,) = choices_of(workshop)
    assert len(frame) == workshop.datasets.get(NAME).train_rows + 250 - 80 - 100
    assert values(sealed).isdisjoint(values(frame))


def checked(workshop: Workshop, red_from: int) -> None:
    """Have a check on record for each window, at RED from this one on."""
    monitor, monitors = monitor_of(workshop), workshop.monitoring.monitors
    for window in monitors.windows.due(monitor, workshop.now()):
        level = Level.RED if window.number >= red_from else Level.GREEN
        monitors.history.record_check(check(monitor.id, window.number, {"x0": level}))


def test_once_a_trouble_shows_the_rows_since_then_are_split_between_contest_and_training(workshop: Workshop) -> None:
    rows = pd.concat(
        [predict(workshop, table(300, seed=5)), predict(workshop, table(300, seed=6, changed=True), prefix="s")]
    )
    label(workshop, rows)
    checked(workshop, red_from=4)
    fresh, both = sorted(choices_of(workshop), key=len)
    assert values(fresh) == values(rows[300:480])
    assert values(rows[:480]) < values(both)
    assert values(rows[480:]).isdisjoint(values(both))


def test_rows_of_one_call_are_parted_where_the_troubled_window_begins(workshop: Workshop) -> None:
    rows = predict(workshop, pd.concat([table(300, seed=5), table(300, seed=6, changed=True)], ignore_index=True))
    label(workshop, rows)
    checked(workshop, red_from=4)
    assert values(min(choices_of(workshop), key=len)) == values(rows[300:480])


def test_what_the_champion_learned_since_the_trouble_began_counts_when_fresh_rows_stand_alone(
    workshop: Workshop,
) -> None:
    known = workshop.datasets.training_frame(NAME)[["x0", "x1", "x2", "y"]].head(200)
    rows = predict(workshop, pd.concat([known, table(200, seed=14)], ignore_index=True))
    label(workshop, rows)
    checked(workshop, red_from=1)
    both, alone = sorted(choices_of(workshop), key=len, reverse=True)
    assert values(alone) == values(rows[:250])
    assert len(both) == workshop.datasets.get(NAME).train_rows + 50


def test_rows_that_the_champion_was_trained_on_are_not_in_the_contest(workshop: Workshop) -> None:
    known = workshop.datasets.training_frame(NAME)[["x0", "x1", "x2", "y"]].head(80)
    rows = predict(workshop, pd.concat([table(170, seed=15), known], ignore_index=True))
    label(workshop, rows)
    (frame,) = choices_of(workshop)
    assert values(rows[70:170]).isdisjoint(values(frame))
    assert len(frame) == workshop.datasets.get(NAME).train_rows + 70


def test_where_the_champion_knows_nearly_all_rows_there_are_too_few_for_a_contest(workshop: Workshop) -> None:
    known = workshop.datasets.training_frame(NAME)[["x0", "x1", "x2", "y"]].head(150)
    label(workshop, predict(workshop, pd.concat([known, table(40, seed=16)], ignore_index=True)))
    with pytest.raises(TooFewRows, match="40 labelled rows of 'stream' are new to its champion; 150 are needed"):
        retrain(workshop)
    assert [one.state for one in retrainings(workshop)] == ["failed"]


def test_a_label_that_the_champion_does_not_know_is_left_out_and_told(workshop: Workshop) -> None:
    rows = table(240, seed=4)
    rows.loc[5, "y"] = "mabye"
    label(workshop, predict(workshop, rows))
    (frame,) = choices_of(workshop)
    assert set(frame["y"]) == {"yes", "no"}
    assert len(frame) == workshop.datasets.get(NAME).train_rows + 139


def test_with_too_few_labels_nothing_is_begun_and_the_next_step_is_told(workshop: Workshop) -> None:
    label(workshop, predict(workshop, table(200, seed=7)).head(120))
    with pytest.raises(TooFewRows, match="120 logged rows of 'stream' have labels; 150 are needed") as few:
        retrain(workshop)
    assert "log_labels" in few.value.hint
    assert retrainings(workshop) == ()
    with pytest.raises(NotFound):
        workshop.jobs.status(job_id("one"))


# once


def test_of_two_that_retrain_at_once_one_is_told_busy(workshop: Workshop) -> None:
    label(workshop, predict(workshop, table(200, seed=8)))
    with ThreadPoolExecutor(1) as pool:

        def meanwhile() -> None:
            busy = pool.submit(retrain, workshop, call="two").exception()
            assert isinstance(busy, JobFailed)
            assert busy.code == "retraining_busy"
            raise Killed

        with pytest.raises(Killed):
            retrain(workshop, at_stage("rows", meanwhile))
    assert [one.state for one in retrainings(workshop)] == ["running"]


def test_a_killed_retraining_goes_on_where_it_was_with_the_rows_that_it_chose(workshop: Workshop) -> None:
    rows = predict(workshop, table(300, seed=9, changed=True))
    label(workshop, rows.tail(200))
    with pytest.raises(Killed):
        retrain(workshop, at_stage("contest", die))
    models = len(workshop.registry.list())
    # with these the share for the contest is greater, and would reach back to rows that were trained on
    label(workshop, rows.head(100))
    found = retrain(workshop)
    assert (found.gate_rows, found.fresh_rows) == (100, 100)
    assert [(one.id, one.state) for one in retrainings(workshop)] == [(found.retraining, "won")]
    assert len(workshop.registry.list()) == models == 2
    assert [workshop.registry.looks(one.id) for one in workshop.datasets.list()] == [1, 1]


def test_a_finished_retraining_that_is_asked_for_again_is_the_same(changed: Changed) -> None:
    workshop, found, _ = changed
    assert retrain(workshop) == found
    assert len(retrainings(workshop)) == 1


def test_one_that_is_cancelled_keeps_the_challenger_it_has_and_trains_no_other(workshop: Workshop) -> None:
    label(workshop, predict(workshop, table(400, seed=1, changed=True)))

    def watch(progress: Progress) -> None:
        if isinstance(progress, FitFinished) and progress.model != "dummy":
            workshop.jobs.cancel(job_id("one"))

    found = retrain(workshop, watch)
    assert (found.cancelled, found.trained_on, found.notes) == (True, "old and fresh rows", ())
    assert len(workshop.registry.list()) == 2


# what stands in the way


def begun(workshop: Workshop, job: str) -> str:
    """A retraining on record as running."""
    now = champion(workshop)
    retrainings_ = workshop.monitoring.monitors.retrainings
    return retrainings_.begin(monitor_of(workshop).id, 1, champion=now, at=workshop.now(), job=job).retraining.id


def test_asking_anew_passes_over_a_challenger_that_nobody_promoted(workshop: Workshop) -> None:
    label(workshop, predict(workshop, table(200, seed=11)))
    won = begun(workshop, "job_1")
    workshop.monitoring.monitors.retrainings.finish(won, "won", at=workshop.now(), challenger="mdl_1")
    choices_of(workshop)
    assert [one.state for one in retrainings(workshop)] == ["declined", "running"]


def cancel(workshop: Workshop) -> None:
    workshop.jobs.cancel(job_id("one"))


@pytest.mark.parametrize("meanwhile", [lambda workshop: None, cancel], ids=["queued", "cancelling"])
def test_one_whose_process_was_killed_does_not_stand_in_the_way(
    workshop: Workshop, meanwhile: Callable[[Workshop], None]
) -> None:
    label(workshop, predict(workshop, table(200, seed=17)))
    choices_of(workshop)
    meanwhile(workshop)
    with pytest.raises(Killed):
        retrain(workshop, at_stage("train", die), call="two")
    assert [one.state for one in retrainings(workshop)] == ["failed", "running"]
    with pytest.raises(JobFailed, match="another retraining took its place"):
        retrain(workshop)


def test_one_that_another_process_works_on_keeps_others_out_and_one_of_another_journal_does_not(
    workshop: Workshop,
) -> None:
    label(workshop, predict(workshop, table(200, seed=19)))
    begun(workshop, "job_of_another_journal")
    lock = workshop.monitoring.folder(monitor_of(workshop).id) / "retraining.lock"
    with file_lock(lock), pytest.raises(JobFailed, match="Another process is working on retraining 'stream'") as busy:
        retrain(workshop)
    assert busy.value.code == "retraining_busy"
    choices_of(workshop)
    assert [one.state for one in retrainings(workshop)] == ["failed", "running"]


def test_without_any_challenger_there_is_no_contest_and_that_reads_as_cancelled() -> None:
    with pytest.raises(JobFailed, match="cancelled before it had a challenger") as cancelled:
        best_of([])
    assert cancelled.value.code == CANCELLED_CODE


def test_one_that_fails_in_a_way_nobody_foresaw_is_on_record_as_failed(workshop: Workshop) -> None:
    label(workshop, predict(workshop, table(200, seed=13)))

    def stumble() -> None:
        raise RuntimeError("out of order")

    with pytest.raises(JobFailed, match="RuntimeError: out of order"):
        retrain(workshop, at_stage("rows", stumble))
    assert [(one.state, one.verdict) for one in retrainings(workshop)] == [
        ("failed", {"sentence": "RuntimeError('out of order')"})
    ]
