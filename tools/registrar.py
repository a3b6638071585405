"""Registering a finished training in MLflow from a process beside the worker.

Importing MLflow and making its database takes seconds of pure Python. In the worker they would be taken from the fits;
in a process of their own they pass beside them, and the worker never loads MLflow at all.
"""

import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel, ConfigDict

from engine.errors import MillwrightError, WorkerLost
from engine.registry import Registry
from tools.jobs import Failure

MODULE = "tools.registrar"


class Enrolment(BaseModel):
    """A packaged model to be registered, and what MLflow keeps of its run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    model_id: str
    name: str
    dataset: str
    package: str
    params: dict[str, object]
    metrics: dict[str, float]


class _Reply(BaseModel):
    failure: Failure | None = None


class _Home(BaseModel):
    home: str
    tracking_uri: str | None = None
    index: str | None = None


def enrol(registry: Registry, enrolment: Enrolment) -> None:
    """Write the run and register its package; once, however often it is called."""
    registry.log_run(enrolment.run_id, dataset=enrolment.dataset, params=enrolment.params, metrics=enrolment.metrics)
    registry.register(
        Path(enrolment.package), name=enrolment.name, run_id=enrolment.run_id, model_id=enrolment.model_id
    )


class RegistrarProcess:
    """The process beside the worker. It ends when the worker does, since the worker holds its standard input open.

    Args:
        home, tracking_uri, index: those of the registry in the worker, so that both write to the same tables.
    """

    def __init__(self, home: Path, tracking_uri: str | None = None, index: str | None = None) -> None:
        self._home = _Home(home=str(home), tracking_uri=tracking_uri, index=index)
        self._guard = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to load MLflow and to make its database."""
        with self._guard:
            self._running()

    def enrol(self, enrolment: Enrolment) -> None:
        """As `enrol`, in the other process.

        Raises:
            MillwrightError: what the registry raised there.
            WorkerLost: that process cannot be kept alive.
        """
        with self._guard:
            # the second time for a process that was killed meanwhile: registering twice is registering once
            answer = self._ask(enrolment) or self._ask(enrolment)
        if not answer:
            raise WorkerLost("The process that registers models ended twice.", "logs/worker.log has its last words.")
        reply = _Reply.model_validate_json(answer)
        if reply.failure is not None:
            raise reply.failure.error()

    def _ask(self, enrolment: Enrolment) -> str:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(enrolment.model_dump_json() + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return ""
        return process.stdout.readline()

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert self._process.stdin is not None
            self._process.stdin.write(self._home.model_dump_json() + "\n")
            self._process.stdin.flush()
        return self._process


def answer(requests: Iterable[str], replies: TextIO) -> None:
    """Register what comes, one JSON document a line, until the input ends."""
    lines = iter(requests)
    home = _Home.model_validate_json(next(lines))
    registry = Registry(Path(home.home), home.tracking_uri, index=home.index)
    # beside the reading, so that the end of the input is noticed at any time
    opening = threading.Thread(target=_opened, args=(registry,), daemon=True)
    opening.start()
    for line in lines:
        opening.join()
        replies.write(_reply(registry, line).model_dump_json() + "\n")
        replies.flush()


def _opened(registry: Registry) -> None:
    """Open early; an error comes again, and is then told, with the first request."""
    try:
        registry.open()
    except MillwrightError:
        return


def _reply(registry: Registry, line: str) -> _Reply:
    try:
        enrol(registry, Enrolment.model_validate_json(line))
    except MillwrightError as error:
        return _Reply(failure=Failure.of(error))
    except Exception as error:
        sentence = f"The model could not be registered: {type(error).__name__}: {error}."
        return _Reply(failure=Failure(code="not_registered", sentence=sentence, hint="The package itself is whole."))
    return _Reply()


if __name__ == "__main__":
    answer(sys.stdin, sys.stdout)
