"""Durable jobs, seen from a client: enqueued in the home's database, run by a worker process, followed from here."""

import shutil
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from engine.errors import DiskFull, NotFound, WorkerLost
from engine.progress import PROGRESS, Progress, Watch, silent
from tools.cancels import Cancels
from tools.jobs import CANCELLED, INTERNAL_CODE, Failure, Outcome, State, is_job_id, once
from tools.journal import SCHEDULED, STREAM, WORKFLOW, application_name, home_id, open_client, queue_name
from tools.tracing import carried
from tools.worker_process import WorkerCommand, WorkerProcess
from tools.workshop import JobStatus

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus

ACTIVE = frozenset({"ENQUEUED", "DELAYED", "PENDING"})
READ_EVERY_S = 0.1
LOOK_EVERY_S = 0.4
"""How long a silent job is waited for before the worker is looked after."""
LEAST_FREE_BYTES = 64 * 1024
"""With less room than this the journal of a silent job cannot be written."""
MOST_ENDS = 4
"""Workers that may end during one job without a new event in between."""


class DbosJobs:
    """Jobs on DBOS. Starts a worker when none serves the home, starts it again when it dies, ends it on close."""

    def __init__(self, database_url: str, home: Path, worker: WorkerCommand | None, *, concurrency: int = 1) -> None:
        self._database_url = database_url
        self._home = home
        self._concurrency = concurrency
        self._worker = WorkerProcess(worker, home) if worker is not None else None
        self._guard = Lock()
        self._opened: tuple[DBOSClient, Cancels, str] | None = None

    def run(self, tool: str, request: BaseModel, job: str, watch: Watch = silent) -> dict[str, object]:
        left_behind = self._under_way(job)
        outcome = self._attempt(tool, request, job, watch)
        if left_behind and outcome.worth_repeating:
            # its end was on record before we came, e.g. from a disk that was full then; now it is asked for anew
            outcome = self._attempt(tool, request, job, watch)
        return outcome.value()

    def _attempt(self, tool: str, request: BaseModel, job: str, watch: Watch) -> Outcome:
        self.start(tool, request, job)
        for progress in self.follow(job):
            watch(progress)
        return self._outcome(self._row(job))

    def _under_way(self, job: str) -> bool:
        """Whether an earlier client began this job and it has not ended."""
        client, _, home = self._open()
        found = client.list_workflows(workflow_ids=[job], application_name=application_name(home))
        return bool(found) and found[0].status in ACTIVE

    def start(self, tool: str, request: BaseModel, job: str) -> None:
        client, _, home = self._open()
        found = client.list_workflows(workflow_ids=[job], application_name=application_name(home))
        if found and found[0].status not in ACTIVE:
            if not self._outcome(found[0]).worth_repeating:
                return
            # e.g. the disk was full: what the tool itself keeps on disk is not done again
            client.delete_workflow(job)
        self.warm()
        options = {"workflow_name": WORKFLOW, "queue_name": queue_name(home), "workflow_id": job}
        # the span that asks for it goes along, where spans are kept
        trace = tuple(filter(None, (carried(),)))
        client.enqueue(options, tool, request.model_dump(mode="json"), job, time.time(), *trace)

    def warm(self) -> None:
        """Start the worker now if none serves the home, so that it is ready when the first job comes."""
        if self._worker is not None:
            self._worker.ensure()

    def follow(self, job: str, after: int = 0) -> Iterator[Progress]:
        self._row(job)
        yield from islice(once(self._told(job)), after, None)

    def progress(self, job: str) -> list[Progress]:
        from dbos import error as dbos_error

        self._row(job)
        told: list[tuple[str, Progress]] = []
        try:
            for value in self._open()[0].read_stream(job, STREAM, timeout_seconds=0):
                told.append(_event(value))
        except dbos_error.DBOSStreamTimeoutError:
            pass
        return list(once(told))

    def status(self, job: str) -> JobStatus:
        return self._status(self._row(job), self._open()[1].asked(job))

    def list(self, limit: int = 50) -> list[JobStatus]:
        client, cancels, home = self._open()
        rows = client.list_workflows(
            name=WORKFLOW, application_name=application_name(home), limit=limit, sort_desc=True
        )
        asked = cancels.among([row.workflow_id for row in rows])
        return [self._status(row, row.workflow_id in asked) for row in rows]

    def schedule(self, name: str, cron: str | None, about: Mapping[str, str]) -> None:
        client, _, home = self._open()
        if client.get_schedule(name) is not None:
            client.delete_schedule(name)
        if cron is not None:
            client.create_schedule(
                schedule_name=name, workflow_name=SCHEDULED, schedule=cron, context=dict(about),
                queue_name=queue_name(home),
            )  # fmt: skip

    def cancel(self, job: str) -> JobStatus:
        client, cancels, _ = self._open()
        row = self._row(job)
        cancels.ask(job)
        # a job that no worker has touched has nothing to keep; one that a worker began ends by itself
        if row.status == "ENQUEUED" and not client.list_workflow_steps(job):
            client.cancel_workflow(job)
        return self.status(job)

    def close(self) -> None:
        """Let go of the database and end the worker that was started from here."""
        if self._worker is not None:
            self._worker.close()
        with self._guard:
            if self._opened is not None:
                self._opened[0].destroy()
                self._opened[1].close()
                self._opened = None

    def _open(self) -> "tuple[DBOSClient, Cancels, str]":
        with self._guard:
            if self._opened is None:
                home = home_id(self._home)
                client = open_client(self._database_url, home, self._concurrency)
                self._opened = client, Cancels(self._database_url), home
            return self._opened

    def _row(self, job: str) -> "WorkflowStatus":
        client, _, home = self._open()
        here = application_name(home)
        rows = client.list_workflows(workflow_ids=[job], application_name=here) if is_job_id(job) else []
        if not rows:
            raise NotFound("job", job, [status.job for status in self.list(limit=20)])
        return rows[0]

    def _told(self, job: str) -> Iterator[tuple[str, Progress]]:
        """The stream as it was written, repeats included; looks after the worker while nothing comes."""
        from dbos import error as dbos_error

        client, offset = self._open()[0], 0
        ends = self._worker.ends if self._worker else 0
        while True:
            try:
                stream = client.read_stream(
                    job, STREAM, offset=offset, polling_interval_sec=READ_EVERY_S, timeout_seconds=LOOK_EVERY_S
                )
                for value in stream:
                    offset += 1
                    ends = self._worker.ends if self._worker else 0
                    yield _event(value)
                return
            except dbos_error.DBOSStreamTimeoutError:
                self._look_after_worker(job, ends)

    def _look_after_worker(self, job: str, ends: int) -> None:
        if shutil.disk_usage(self._home).free < LEAST_FREE_BYTES:
            # the journal retries a full disk for ever, so a job would be waited for without an end
            raise DiskFull(self._home)
        if self._worker is None:
            return
        self._worker.ensure()
        if self._worker.ends - ends >= MOST_ENDS:
            raise WorkerLost(
                f"The worker ended {MOST_ENDS} times while it worked on {job}; its last words: "
                f"{self._worker.last_words()!r}.",
                f"See {str(self._home / 'logs' / 'worker.log')!r}. Finished steps are kept: "
                "the same command goes on from there.",
            )

    def _outcome(self, row: "WorkflowStatus") -> Outcome:
        if row.status == "SUCCESS":
            return Outcome.model_validate(row.output)
        if row.status == "CANCELLED":
            return CANCELLED
        sentence = f"The job was given up: {row.error or row.status}."
        return Outcome(
            failure=Failure(code=INTERNAL_CODE, sentence=sentence, hint="logs/worker.log in the home has the details.")
        )

    def _status(self, row: "WorkflowStatus", asked: bool) -> JobStatus:
        tool, request = _call(row)
        outcome = None if row.status in ACTIVE else self._outcome(row)
        failure = outcome.failure if outcome else None
        return JobStatus(
            job=row.workflow_id,
            tool=tool,
            state=outcome.state if outcome else _active_state(row.status, asked),
            created=_time(row.created_at),
            updated=_time(row.updated_at),
            request=request,
            result=outcome.result if outcome else None,
            error=str(failure) if failure else None,
            error_code=failure.code if failure else None,
        )


def _active_state(status: str, asked: bool) -> State:
    if asked:
        return "cancelling"
    return "running" if status == "PENDING" else "queued"


def _event(value: dict[str, Any]) -> tuple[str, Progress]:
    return str(value["step"]), PROGRESS.validate_python(value["event"])


def _call(row: "WorkflowStatus") -> tuple[str, dict[str, object]]:
    tool, request, *_ = row.input["args"] if row.input else ("", {})
    return str(tool), dict(request)


def _time(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
