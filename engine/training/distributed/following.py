"""Waiting for a training in other processes, with an open ear."""

import time
from collections.abc import Callable

from engine.training.distributed.event_file import EventReader
from engine.training.distributed.job import FitJob
from engine.training.events import Listener

POLL_SECONDS = 0.1


def follow(ended: Callable[[], bool], job: FitJob, listener: Listener, stop: Callable[[], bool]) -> None:
    """Pass on a job's events, and the caller's wish to stop, until it has `ended`."""
    events = EventReader(job.events)
    over = False
    while not over:
        over = ended()
        for event in events.new():
            listener(event)
        if not job.stop.exists() and stop():
            job.stop.touch()
        if not over:
            time.sleep(POLL_SECONDS)
