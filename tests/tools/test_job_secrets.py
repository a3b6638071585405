"""A job that breaks with secrets in its words leaves none of them: neither in the database nor in a log."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine import redaction
from engine.errors import JobFailed
from millwright.compose import watch_over
from tests.tools.leaky_worker import SECRETS, leaky_workshop, settings
from tools import tracing
from tools.durable import DbosJobs
from tools.tracing_file import kept_spans
from tools.worker_process import WorkerCommand

WORKER = str(Path(__file__).with_name("leaky_worker.py"))
HOWS = ("typed", "bug", "typed in a step", "bug in a step")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = redaction._exact
    yield
    redaction._exact = before
    tracing.record(None)


def test_no_byte_of_the_home_holds_a_secret_of_a_broken_job(home: Path) -> None:
    url = f"sqlite:///{home / 'millwright.db'}"
    watch_over(settings(home), home)
    jobs = DbosJobs(url, home, WorkerCommand((sys.executable, WORKER, str(home), url, str(os.getpid()))))
    told = []
    try:
        workshop = replace(leaky_workshop(home), jobs=jobs)
        for how in HOWS:
            with tracing.span("the turn", {}), pytest.raises(JobFailed) as caught:
                workshop.call("leak", how=how)
            told.append(str(caught.value))
        told += [str(job.model_dump()) for job in jobs.list()]
    finally:
        jobs.close()
    for text in told:
        assert not [secret for secret in SECRETS if secret in text]
    assert sum("***" in text for text in told) == 2 * len(HOWS)
    files = [path for path in home.rglob("*") if path.is_file()]
    log = home / "logs" / "worker.log"
    assert {log, home / "millwright.db", home / "traces.jsonl"} <= set(files)
    for path in files:
        assert not [secret for secret in SECRETS if secret.encode() in path.read_bytes()], path
    assert log.read_text().count("postgresql://me:***@host/db") >= len(HOWS)


def test_a_trace_goes_on_in_the_worker_that_does_the_job(home: Path) -> None:
    url = f"sqlite:///{home / 'millwright.db'}"
    watch_over(settings(home), home)
    jobs = DbosJobs(url, home, WorkerCommand((sys.executable, WORKER, str(home), url, str(os.getpid()))))
    try:
        with tracing.span("the turn", {}), pytest.raises(JobFailed):
            replace(leaky_workshop(home), jobs=jobs).call("leak", how="typed")
    finally:
        jobs.close()
    spans = {span.name: span for span in kept_spans(home)}
    turn, tool, job = spans["the turn"], spans["execute_tool leak"], spans["job leak"]
    assert turn.trace == tool.trace == job.trace
    assert (tool.parent, job.parent) == (turn.span, tool.span)
    assert job.process != tool.process
    assert tool.failed
