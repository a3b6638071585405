"""What all jobs share, and jobs in this process: names, errors as JSON, events told once, records on disk."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import (
    BadChoice,
    ColumnNotFound,
    DiskFull,
    Fixable,
    JobFailed,
    MillwrightError,
    NotFound,
    SourceNotFound,
)
from engine.progress import FitFinished, FitProgress, FitStarted, Note, Progress, StageStarted
from tests.tools.small_worker import StepsRequest, small_workshop
from tools.cancels import POLL_S, Cancels
from tools.inline import InlineJobs
from tools.jobs import Failure, Outcome, job_id, model_id, once, run_id
from tools.pace import LEAST_NETWORK_S, Pace


def inline(home: Path) -> InlineJobs:
    return InlineJobs(home, lambda: small_workshop(home))


def test_a_call_has_one_job_one_run_and_one_model() -> None:
    job = job_id("session-1:call-2")
    assert job == job_id("session-1:call-2") != job_id("session-1:call-3")
    assert job_id(None) != job_id(None)
    assert run_id(job) == "run_" + job.removeprefix("job_")
    assert model_id(run_id(job)).startswith("mdl_")


@pytest.mark.parametrize(
    "error",
    [
        ColumnNotFound("chrun", ["churn"]),
        SourceNotFound("x.csv"),
        BadChoice("metric", "auc", ["roc_auc"]),
        NotFound("dataset", "ds_1"),
    ],
)
def test_a_fixable_error_comes_back_in_its_own_class(error: Fixable) -> None:
    again = Failure.model_validate(Failure.of(error).model_dump(mode="json")).error()
    assert type(again) is type(error)
    assert (str(again), again.code) == (str(error), error.code)


def test_any_other_error_comes_back_as_a_failed_job_with_its_code() -> None:
    again = Failure.of(DiskFull(Path("/home"))).error()
    assert isinstance(again, JobFailed)
    assert again.code == "disk_full"


def test_an_event_that_is_told_again_after_a_crash_is_passed_on_once() -> None:
    finished = FitFinished(model="a", status="done", metric="f1", validation=0.5, seconds=1.0)
    told: list[tuple[str, Progress]] = [
        ("fit:a", FitStarted(model="a", index=1, total=2)),
        ("fit:a", FitProgress(model="a", done=1, total=2)),
        ("fit:a", FitStarted(model="a", index=1, total=2)),
        ("fit:a", FitProgress(model="a", done=1, total=2)),
        ("fit:a", FitProgress(model="a", done=2, total=2)),
        ("fit:a", finished),
        ("fit:a", finished.model_copy(update={"seconds": 1.2})),
        ("select", StageStarted(stage="select")),
        ("select", Note(text="x")),
    ]
    kinds = [event.kind for event in once(told)]
    assert kinds == ["fit_started", "fit_progress", "fit_progress", "fit_finished", "stage", "note"]


def test_a_job_in_this_process_records_its_steps_and_runs_once(home: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    request = StepsRequest(effects=str(tmp_path / "effects"), steps=2, seconds=0)
    assert inline(home).run("steps", request, "job_a", seen.append)["steps"] == 2
    assert inline(home).run("steps", request, "job_a") == {"steps": 2, "cancelled": False}
    assert (tmp_path / "effects").read_text() == "0\n1\n"
    assert list(inline(home).follow("job_a", after=2)) == seen[2:]
    assert inline(home).status("job_a").state == "done"
    assert {path.name for path in (home / "jobs" / "job_a" / "steps").iterdir()} == {
        path.name for path in (home / "jobs" / "job_a" / "steps").glob("step-?-*.json")
    }


def test_a_job_in_this_process_goes_on_from_its_last_recorded_step(home: Path, tmp_path: Path) -> None:
    request = StepsRequest(effects=str(tmp_path / "effects"), steps=3, seconds=0)
    jobs = inline(home)
    jobs.run("steps", request, "job_a")
    folder = home / "jobs" / "job_a"
    (folder / "outcome.json").unlink()
    next((folder / "steps").glob("step-2*")).unlink()
    assert jobs.run("steps", request, "job_a")["steps"] == 3
    assert (tmp_path / "effects").read_text() == "0\n1\n2\n2\n"


def test_a_line_that_a_kill_tore_is_told_whole_by_the_job_that_goes_on(home: Path, tmp_path: Path) -> None:
    request = StepsRequest(effects=str(tmp_path / "effects"), steps=2, seconds=0)
    jobs = inline(home)
    jobs.run("steps", request, "job_a")
    folder, before = home / "jobs" / "job_a", jobs.progress("job_a")
    text = (folder / "events.jsonl").read_text()
    (folder / "events.jsonl").write_text(text[:-20])
    assert jobs.progress("job_a") == before[:-1]
    (folder / "outcome.json").unlink()
    next((folder / "steps").glob("step-1*")).unlink()
    jobs.run("steps", request, "job_a")
    assert [event.kind for event in jobs.progress("job_a")] == [event.kind for event in before]


def test_a_cancel_is_heard_after_the_database_was_away(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    cancels = Cancels(url)
    with cancels.flag("job_a") as raised:
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
            connection.execute("ALTER TABLE millwright_cancels RENAME TO away")
        time.sleep(3 * POLL_S)
        with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
            connection.execute("ALTER TABLE away RENAME TO millwright_cancels")
        cancels.ask("job_a")
        assert raised.wait(5)
    cancels.close()


def test_a_job_started_in_the_background_is_followed_and_cancelled(home: Path, tmp_path: Path) -> None:
    jobs = inline(home)
    jobs.start("steps", StepsRequest(effects=str(tmp_path / "effects"), steps=100, seconds=0.1), "job_a")
    for event in jobs.follow("job_a"):
        if isinstance(event, FitFinished):
            jobs.cancel("job_a")
    assert jobs.status("job_a").state == "cancelled"
    assert [status.job for status in jobs.list()] == ["job_a"]


def test_a_failed_job_in_this_process_is_run_again_unless_its_arguments_were_wrong(home: Path, tmp_path: Path) -> None:
    jobs = inline(home)

    def run(fail: str) -> Callable[[], object]:
        return lambda: jobs.run(
            "steps", StepsRequest(effects=str(tmp_path / "effects"), steps=1, fail=fail), f"job_{fail}"
        )

    for fail in ("once", "fixable"):
        with pytest.raises(MillwrightError):
            run(fail)()
    assert run("once")() == {"steps": 1, "cancelled": False}
    with pytest.raises(ColumnNotFound):
        run("fixable")()


def test_an_outcome_says_its_state() -> None:
    assert Outcome(result={"cancelled": False}).state == "done"
    assert Outcome(result={"cancelled": True}).state == "cancelled"
    assert Outcome(failure=Failure(code="x", sentence="y")).state == "failed"


class TestPace:
    def test_without_a_budget_no_clock_is_looked_at(self) -> None:
        pace = Pace(None)
        assert pace.for_fit(1e6, 3, any_model=True) is None
        assert pace.for_select(1e6, cancelled=False) is None

    def test_the_first_model_comes_early_and_always(self) -> None:
        assert Pace(100.0).for_fit(1.0, 4, any_model=False) == pytest.approx(15.0)
        assert Pace(2.0).for_fit(5.0, 4, any_model=False) == pytest.approx(0.8)
        assert Pace(2.0).for_fit(5.0, 3, any_model=False, tried=2) == pytest.approx(3.2)

    def test_fits_share_what_is_left_and_the_last_may_have_it_all(self) -> None:
        pace = Pace(60.0)
        left = pace.left(10.0) or 0.0
        assert pace.for_fit(10.0, 1, any_model=True) == pytest.approx(left)
        assert left / 3 < (pace.for_fit(10.0, 3, any_model=True) or 0.0) < left
        assert pace.for_fit(59.0, 2, any_model=True) == 0.0

    def test_a_network_needs_more_to_be_worth_a_try(self) -> None:
        assert Pace(60.0).for_fit(50.0, 1, any_model=True, least=LEAST_NETWORK_S) == 0.0
        assert Pace(2.0).for_fit(5.0, 1, any_model=False, least=LEAST_NETWORK_S) == pytest.approx(LEAST_NETWORK_S)

    def test_the_only_candidate_has_all_that_is_left(self) -> None:
        pace = Pace(60.0)
        assert pace.for_fit(10.0, 1, any_model=False) == pytest.approx(pace.left(10.0))

    def test_networks_keep_a_quarter_for_the_last_fit(self) -> None:
        assert Pace(60.0, networks=True).refit == pytest.approx(15.0)
        assert Pace(None, networks=True).refit == 0.0

    def test_a_machine_that_was_slow_to_begin_keeps_more_for_the_end(self) -> None:
        assert Pace(60.0, start=20.0).ending > Pace(60.0).ending
        assert Pace(10.0, start=60.0).ending == pytest.approx(5.0)
