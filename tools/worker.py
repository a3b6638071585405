"""The worker process: takes jobs from the home's queue and runs each as a DBOS workflow of recorded steps."""

import contextvars
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from engine.database import driver_url
from engine.progress import Control, FitProgress, Progress
from engine.redaction import scrub
from tools import tracing
from tools import tracing_names as names
from tools.cancels import Cancels
from tools.jobs import CANCELLED, Outcome, Recorded, finish
from tools.journal import (
    JOURNAL_VERSION,
    QUEUE_POLL_S,
    SCHEDULED,
    STREAM,
    WORKFLOW,
    application_name,
    home_id,
    open_client,
    queue_name,
)
from tools.lock import home_lock
from tools.workshop import JsonValue, Workshop

PROGRESS_EVERY_S = 0.3
"""A fit's progress is told at most this often: each telling is a transaction."""
RECOVERIES = 50

Scheduled = Callable[[Mapping[str, str]], None]

log = logging.getLogger("millwright.worker")


class DurableJob:
    """A job seen from inside its workflow."""

    def __init__(self, job: str, began: float, cancelled: Callable[[], bool]) -> None:
        self.id = job
        self.began = began
        self.control = Control(self._tell, cancelled)
        self._step = ""
        self._context: contextvars.Context | None = None
        self._guard = threading.Lock()
        self._told: dict[str, float] = {}

    def step(self, name: str, function: Callable[[], JsonValue]) -> JsonValue:
        recorded = Recorded.model_validate(DBOS.run_step({"name": name}, self._run, name, function))
        if recorded.failure is not None:
            raise recorded.failure.error()
        return cast(JsonValue, recorded.value)

    def _run(self, name: str, function: Callable[[], object]) -> dict[str, Any]:
        self._step, self._context = name, contextvars.copy_context()
        try:
            return Recorded.run(function).model_dump(mode="json")
        except Exception as error:
            scrub(error)  # the journal keeps it
            raise
        finally:
            self._step, self._context = "", None

    def _tell(self, progress: Progress) -> None:
        with self._guard:
            if isinstance(progress, FitProgress) and not self._due(progress):
                return
            value = {"step": self._step, "event": progress.model_dump(mode="json")}
            if self._context is None:
                DBOS.write_stream(STREAM, value)
            else:
                # a fit may tell from a thread of its own, which does not carry the step's context
                self._context.run(DBOS.write_stream, STREAM, value)

    def _due(self, progress: FitProgress) -> bool:
        now = time.monotonic()
        if progress.done < progress.total and now - self._told.get(progress.model, 0.0) < PROGRESS_EVERY_S:
            return False
        self._told[progress.model] = now
        return True


class Runner:
    """Runs one job after another with the tools of a workshop."""

    def __init__(self, workshop: Callable[[], Workshop], cancels: Cancels, started: float) -> None:
        self._workshop = workshop
        self._cancels = cancels
        self._idle_since = started

    def run(self, tool: str, request: dict[str, Any], job: str, asked: float, trace: str = "") -> dict[str, Any]:
        """The workflow: deterministic but for what happens inside the tool's recorded steps."""
        log.info("%s %s begins", tool, job)
        try:
            with tracing.within(trace), tracing.span(f"job {tool}", {names.TOOL: tool, names.JOB: job}) as span:
                outcome = self._outcome(tool, request, job, max(asked, self._idle_since))
                if outcome.failure is not None:
                    span.tell({names.ERROR: outcome.failure.code})
        finally:
            self._idle_since = time.time()
        log.info("%s %s is %s", tool, job, outcome.state)
        return outcome.model_dump(mode="json")

    def _outcome(self, tool: str, request: dict[str, Any], job: str, began: float) -> Outcome:
        with self._cancels.flag(job) as flag:
            context = DurableJob(job, began, flag.is_set)
            if context.step("begin", lambda: self._cancels.asked(job)):
                return CANCELLED
            workshop = replace(self._workshop(), job=context)
            spec = workshop.tools[tool]
            return finish(lambda: spec.function(workshop, spec.request.model_validate(request)))


def serve(
    workshop: Callable[[], Workshop],
    *,
    home: Path,
    database_url: str,
    started: float,
    concurrency: int = 1,
    beside: Callable[[], None] | None = None,
    prepare: Callable[[], None] | None = None,
    scheduled: Scheduled | None = None,
) -> None:
    """Serve the home's jobs until SIGTERM or SIGINT; then leave at once, since any moment is a safe one to stop.

    Args:
        workshop: makes the workshop; called when the first job begins, in the job's thread.
        started: epoch seconds at which this process began; a job that waited for it counts its time from there.
        beside: run once the home is ours, before anything slow, e.g. to start a process that the jobs will need.
        prepare: run beside the first job, e.g. slow imports that only its last step needs.
        scheduled: what a schedule has done when its time comes; given what the schedule is about.

    Raises:
        HomeBusy: another worker serves this home.
    """
    with home_lock(home):
        if beside is not None:
            beside()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        _launch(Runner(workshop, Cancels(database_url), started), scheduled, home, database_url, concurrency)
        if prepare is not None:
            threading.Thread(target=_quietly(prepare), name="prepare", daemon=True).start()
        log.info("worker %d serves %s", os.getpid(), home)
        stop.wait()
        log.info("worker %d stops", os.getpid())
        tracing.close()
        logging.shutdown()
        # threads of a running fit would hold up an ordinary exit; the journal goes on from the last step
        os._exit(0)


def _launch(runner: Runner, scheduled: Scheduled | None, home: Path, database_url: str, concurrency: int) -> None:
    name = home_id(home)
    open_client(database_url, name, concurrency).destroy()
    config: DBOSConfig = {
        "name": application_name(name),
        "system_database_url": driver_url(database_url),
        "run_admin_server": False,
        "executor_id": f"worker-{name}",
        "application_version": JOURNAL_VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "notification_listener_polling_interval_sec": QUEUE_POLL_S,
    }
    DBOS(config=config)
    DBOS.workflow(name=WORKFLOW, max_recovery_attempts=RECOVERIES)(_workflow(runner))
    DBOS.workflow(name=SCHEDULED, max_recovery_attempts=RECOVERIES)(_on_schedule(scheduled))
    DBOS.listen_queues([queue_name(name)])
    DBOS.launch()


def _workflow(runner: Runner) -> Callable[[str, dict[str, Any], str, float], dict[str, Any]]:
    def run_tool(tool: str, request: dict[str, Any], job: str, asked: float, trace: str = "") -> dict[str, Any]:
        return runner.run(tool, request, job, asked, trace)

    return run_tool


def _on_schedule(scheduled: Scheduled | None) -> Callable[[Any, dict[str, str]], None]:
    """One recorded step: a worker that is killed in it does it again, and what it does finds its own records."""

    def run_scheduled(at: Any, about: dict[str, str]) -> None:  # noqa: ANN401  a time, however it is serialised
        log.info("scheduled for %s: %s", at, about)
        if scheduled is not None:
            DBOS.run_step({"name": "scheduled"}, scheduled, about)

    return run_scheduled


def _quietly(prepare: Callable[[], None]) -> Callable[[], None]:
    """Whatever fails while preparing fails again, with its proper error, where it is needed."""

    def run() -> None:
        try:
            prepare()
        except Exception:
            log.warning("preparing failed", exc_info=True)

    return run
