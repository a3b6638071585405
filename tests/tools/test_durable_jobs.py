"""Durable jobs across two processes: followed, killed, recovered, cancelled; on SQLite and on PostgreSQL."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.database import driver_url
from engine.errors import ColumnNotFound, HomeBusy, JobFailed, NotFound, WorkerLost
from engine.progress import Progress
from tests.tools.small_worker import StepsRequest
from tools.durable import DbosJobs
from tools.lock import holder, home_lock, is_held
from tools.worker_process import WorkerCommand

SMALL_WORKER = str(Path(__file__).with_name("small_worker.py"))
Open = Callable[[], DbosJobs]


def command(home: Path, url: str) -> WorkerCommand:
    return WorkerCommand((sys.executable, SMALL_WORKER, str(home), url, str(os.getpid())))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.backend)])
def database_url(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{home / 'millwright.db'}"
        return
    server = sa.make_url(driver_url(request.getfixturevalue("postgres_url")))
    name = f"millwright_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False).replace("+psycopg", "")
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def open_jobs(home: Path, database_url: str) -> Iterator[Open]:
    opened: list[DbosJobs] = []

    def open_one() -> DbosJobs:
        opened.append(DbosJobs(database_url, home, command(home, database_url)))
        return opened[-1]

    yield open_one
    for jobs in opened:
        jobs.close()


def effects_of(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()]


def told(events: list[Progress]) -> list[str]:
    return [f"{event.kind} {getattr(event, 'model', '')}" for event in events if event.kind.startswith("fit_")]


def expected(steps: int) -> list[str]:
    return [f"fit_{what} m{n}" for n in range(steps) for what in ("started", "progress", "finished")]


def test_a_job_runs_in_the_worker_and_its_progress_arrives(open_jobs: Open, tmp_path: Path) -> None:
    seen: list[Progress] = []
    jobs, request = open_jobs(), StepsRequest(effects=str(tmp_path / "effects"))
    assert jobs.run("steps", request, "job_a", seen.append) == {"steps": 3, "cancelled": False}
    assert told(seen) == expected(3)
    assert jobs.status("job_a").state == "done"
    assert jobs.progress("job_a") == seen
    assert list(jobs.follow("job_a", after=4)) == seen[4:]


def test_the_same_job_is_run_once_however_often_it_is_asked_for(open_jobs: Open, tmp_path: Path) -> None:
    request = StepsRequest(effects=str(tmp_path / "effects"), steps=2)
    for _ in range(2):
        assert open_jobs().run("steps", request, "job_a")["steps"] == 2
    assert effects_of(tmp_path / "effects") == [0, 1]


def test_a_worker_killed_mid_step_repeats_no_finished_step_and_the_stream_goes_on(
    open_jobs: Open, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    request = StepsRequest(effects=str(tmp_path / "effects"), steps=4, seconds=0.2, die_in_step=2)
    assert open_jobs().run("steps", request, "job_a", seen.append)["steps"] == 4
    assert effects_of(tmp_path / "effects") == [0, 1, 2, 3]
    assert told(seen) == expected(4)


def test_a_new_client_goes_on_with_a_job_whose_client_and_worker_were_killed(
    open_jobs: Open, home: Path, database_url: str, tmp_path: Path
) -> None:
    effects = tmp_path / "effects"
    client = subprocess.Popen([sys.executable, "-c", CLIENT, str(home), database_url, str(effects), SMALL_WORKER])
    watcher = DbosJobs(database_url, home, None)
    try:
        wait_until(effects.exists)
        # the third step began, so the second is on record; a kill between an effect and its record repeats the effect
        wait_until(lambda: "fit_started m2" in told(watcher.progress("job_a")))
    finally:
        client.kill()
        client.wait()
        watcher.close()
    started = time.monotonic()
    wait_until(lambda: not is_held(home))
    assert time.monotonic() - started < 5
    wait_until(lambda: not alive(holder(home) or 0))
    assert open_jobs().run("steps", StepsRequest(effects=str(effects), steps=5, seconds=0.4), "job_a")["steps"] == 5
    assert effects_of(effects) == [0, 1, 2, 3, 4]


CLIENT = """
import os, sys
from pathlib import Path
from tests.tools.small_worker import StepsRequest
from tools.durable import DbosJobs
from tools.worker_process import WorkerCommand
home, url, effects, worker = sys.argv[1:]
jobs = DbosJobs(url, Path(home), WorkerCommand((sys.executable, worker, home, url, str(os.getpid()))))
jobs.run("steps", StepsRequest(effects=effects, steps=5, seconds=0.4), "job_a")
"""


def test_two_clients_on_one_home_both_finish(open_jobs: Open, tmp_path: Path) -> None:
    results: dict[str, dict[str, object]] = {}

    def run(name: str) -> None:
        jobs = open_jobs()
        request = StepsRequest(effects=str(tmp_path / name), steps=3, seconds=0.2)
        results[name] = jobs.run("steps", request, f"job_{name}")
        # the first to finish ends its worker; the other's job is then unfinished and must start one of its own
        jobs.close()

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {name: result["steps"] for name, result in results.items()} == {"a": 3, "b": 3}
    assert effects_of(tmp_path / "a") == effects_of(tmp_path / "b") == [0, 1, 2]


def test_cancel_takes_effect_within_two_seconds_and_keeps_what_was_done(open_jobs: Open, tmp_path: Path) -> None:
    jobs = open_jobs()
    jobs.start("steps", StepsRequest(effects=str(tmp_path / "effects"), steps=50, seconds=0.5), "job_a")
    wait_until(lambda: (tmp_path / "effects").exists())
    assert jobs.status("job_a").state == "running"
    asked = time.monotonic()
    assert jobs.cancel("job_a").state in {"cancelling", "cancelled"}
    list(jobs.follow("job_a"))
    assert time.monotonic() - asked < 2
    status = jobs.status("job_a")
    assert status.state == "cancelled"
    assert status.result is not None
    assert status.result["steps"] == len(effects_of(tmp_path / "effects"))


def test_a_job_cancelled_before_it_began_never_runs(open_jobs: Open, tmp_path: Path) -> None:
    jobs = open_jobs()
    jobs.start("steps", StepsRequest(effects=str(tmp_path / "first"), steps=4, seconds=0.3), "job_first")
    jobs.start("steps", StepsRequest(effects=str(tmp_path / "second")), "job_second")
    assert jobs.status("job_second").state == "queued"
    assert jobs.cancel("job_second").state == "cancelled"
    with pytest.raises(JobFailed, match="cancelled before it began") as failure:
        jobs.run("steps", StepsRequest(effects=str(tmp_path / "second")), "job_second")
    assert failure.value.code == "job_cancelled"
    list(jobs.follow("job_first"))
    assert not (tmp_path / "second").exists()


def test_errors_cross_from_the_worker_in_their_own_type_and_code(open_jobs: Open, tmp_path: Path) -> None:
    jobs = open_jobs()

    def fail(how: str) -> None:
        jobs.run("steps", StepsRequest(effects=str(tmp_path / "effects"), fail=how), f"job_{how}")

    with pytest.raises(ColumnNotFound, match=r"'chrun' is not in the dataset.*Did you mean 'churn'") as fixable:
        fail("fixable")
    assert fixable.value.code == "column_not_found"
    with pytest.raises(JobFailed, match="Nothing was trained") as typed:
        fail("typed")
    assert typed.value.code == "nothing_trained"
    with pytest.raises(JobFailed, match="ZeroDivisionError: a bug") as bug:
        fail("bug")
    assert bug.value.code == "internal_error"
    status = jobs.status("job_fixable")
    assert (status.state, status.error_code) == ("failed", "column_not_found")


def test_a_job_that_failed_by_no_fault_of_its_own_is_run_again_when_asked_for_again(
    open_jobs: Open, tmp_path: Path
) -> None:
    jobs, request = open_jobs(), StepsRequest(effects=str(tmp_path / "effects"), steps=1, fail="once")
    with pytest.raises(JobFailed, match="The disk is full") as failure:
        jobs.run("steps", request, "job_a")
    assert failure.value.code == "disk_full"
    assert jobs.run("steps", request, "job_a")["steps"] == 1
    assert jobs.status("job_a").state == "done"


def test_jobs_are_listed_newest_first_and_an_unknown_one_is_named(open_jobs: Open, tmp_path: Path) -> None:
    jobs = open_jobs()
    for name in ("job_a1", "job_a2"):
        jobs.run("steps", StepsRequest(effects=str(tmp_path / name), steps=1, seconds=0), name)
    assert [status.job for status in jobs.list()] == ["job_a2", "job_a1"]
    assert [status.job for status in jobs.list(limit=1)] == ["job_a2"]
    with pytest.raises(NotFound, match=r"no job 'job_a3'.*job_a2") as missing:
        jobs.status("job_a3")
    assert missing.value.code == "job_not_found"


def test_a_worker_that_cannot_start_is_given_up_with_its_last_words(home: Path, tmp_path: Path) -> None:
    broken = WorkerCommand((sys.executable, "-c", "raise SystemExit('no such thing')"))
    jobs = DbosJobs(f"sqlite:///{home / 'millwright.db'}", home, broken)
    with pytest.raises(WorkerLost, match="no such thing"):
        jobs.run("steps", StepsRequest(effects=str(tmp_path / "effects")), "job_a")
    jobs.close()


def test_a_second_worker_on_the_same_home_is_refused(home: Path) -> None:
    script = "import sys; from pathlib import Path; from tools.lock import home_lock\n"
    script += "with home_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    first = subprocess.Popen(
        [sys.executable, "-c", script, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        assert is_held(home)
        with pytest.raises(HomeBusy, match=f"process {first.pid}"), home_lock(home):
            pass
        first.send_signal(signal.SIGKILL)
    with home_lock(home):
        assert holder(home) == os.getpid()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def alive(process: int) -> bool:
    return Path(f"/proc/{process}").exists()
