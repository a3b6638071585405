"""The composition root: the only place that knows which classes stand behind the workshop."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from engine.environment import keep_caches_in
from engine.files import typed_disk_errors
from engine.redaction import guard_logs, keep_out
from millwright.settings import Settings, child_environment, secrets_of
from tools.audit import Actor, surface

if TYPE_CHECKING:
    from tools.workshop import Jobs, Workshop

WORKER = "millwright.worker"
LEAST_BUDGET_S = 2.0
"""Of a retraining, whatever the budget of a training is when none is asked for."""


@contextmanager
def open_workshop(settings: Settings | None = None, *, inline: bool = False) -> "Iterator[Workshop]":
    """The workshop of a home. Jobs run in a worker process that is started when needed and ended with the block.

    Args:
        settings: read from the environment when left out.
        inline: run jobs in this process instead, with the same records on disk.

    Raises:
        BadSettings: the settings cannot be read.
        HomeNotWritable: the home cannot be made.
    """
    settings = settings or Settings()
    home = made_home(settings.home)
    watch_over(settings, home)
    if inline:
        yield inline_workshop(settings)
        return
    from tools.durable import DbosJobs
    from tools.worker_process import WorkerCommand

    command = WorkerCommand(
        (sys.executable, "-m", WORKER, str(os.getpid())), settings.for_worker(), child_environment(settings.threads)
    )
    jobs = DbosJobs(
        settings.jobs_url, home, command if settings.jobs.own_worker else None, concurrency=settings.jobs.concurrency
    )
    try:
        yield _workshop(settings, jobs)
    finally:
        jobs.close()


def inline_workshop(settings: Settings) -> "Workshop":
    """A workshop whose jobs run in this process."""
    from tools.inline import InlineJobs

    home = made_home(settings.home)
    return _workshop(settings, InlineJobs(home, lambda: inline_workshop(settings)))


def serve_jobs(settings: Settings | None = None, *, started: float | None = None) -> None:
    """Run the home's jobs in this process until it is told to stop.

    Raises:
        HomeBusy: another worker serves this home.
        BadSettings, HomeNotWritable: as `open_workshop`.
    """
    settings = settings or Settings()
    home = made_home(settings.home)
    watch_over(settings, home)
    from tools.inline import InlineJobs
    from tools.registrar import RegistrarProcess
    from tools.worker import serve
    from tools.workshop import Workshop

    registrar = RegistrarProcess(home, settings.tracking_uri)

    made: list[Workshop] = []

    def workshop() -> Workshop:
        # a job does not start jobs of its own through the worker that runs it: that would wait for itself
        if not made:
            own = _workshop(settings, InlineJobs(home, workshop))
            made.append(replace(own, registrar=registrar, actor=Actor(surface="worker")))
        return made[0]

    serve(
        workshop,
        home=home,
        database_url=settings.jobs_url,
        started=started if started is not None else time.time(),
        concurrency=settings.jobs.concurrency,
        beside=registrar.start,
        prepare=warm_up,
        scheduled=lambda about: _look_after(settings, workshop(), about["monitor"]),
    )


def _look_after(settings: Settings, workshop: "Workshop", monitor: str) -> None:
    """The loop of a monitor whose time has come. It goes as far as it can; what needs a person is told and waits."""
    from engine.errors import ApprovalNeeded, Busy, MillwrightError, NotFound
    from graphs.checkpoints import open_saver
    from graphs.loop_types import LoopRequest
    from graphs.loops import run_loop

    log = logging.getLogger("millwright.worker")
    request = LoopRequest(monitor=monitor, budget_seconds=max(settings.budget_seconds, LEAST_BUDGET_S))
    with open_saver(settings.database_url or workshop.home) as saver:
        try:
            run_loop(workshop, saver, request)
        except (ApprovalNeeded, Busy, NotFound) as error:
            log.info("%s: %s", monitor, error)
        except MillwrightError as error:
            # e.g. a policy that was edited into none: said each time, and gone on with once it is mended
            log.warning("%s: %s", monitor, error)


def warm_up() -> None:
    """Load what a training needs, in the order in which it is needed; the last of it while the first fits run."""
    for name in ("tools.train_job", "engine.report.render", "engine.report.plots"):
        import_module(name)


def watch_over(settings: Settings, home: Path) -> None:
    """Keep the secrets of the settings out of what this process logs and keeps, and keep its spans if that is asked.

    Raises:
        BadSettings: the spans cannot be sent.
    """
    keep_out(secrets_of(settings))
    guard_logs()
    tracing = settings.tracing
    if tracing.exporter != "none":
        from tools.tracing_spans import start

        start(tracing.exporter, home, tracing.endpoint, tracing.content)


def made_home(home: Path) -> Path:
    """The home's full path; the folder exists and can be written.

    Raises:
        HomeNotWritable, DiskFull: it does not, or cannot.
    """
    path = home.resolve()
    with typed_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    keep_caches_in(path / "cache")
    return path


def _workshop(settings: Settings, jobs: "Jobs") -> "Workshop":
    from engine.data.load import DataLimits
    from engine.data.store import Datasets
    from engine.registry import Registry
    from tools.catalogue import CATALOGUE
    from tools.monitoring import Monitoring
    from tools.workshop import Workshop

    home = made_home(settings.home)
    return Workshop(
        home=home,
        datasets=Datasets(home / "datasets", DataLimits.model_validate(settings.data.model_dump())),
        registry=Registry(home, settings.tracking_uri),
        tools=CATALOGUE,
        jobs=jobs,
        now=_now,
        monitoring=Monitoring(home, _now, settings.database_url, settings.alerts),
        threads=settings.threads,
        actor=Actor(who="api" if surface.get() == "http" else "", surface=surface.get()),
    )


def _now() -> datetime:
    return datetime.now(UTC)
