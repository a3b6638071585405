"""Jobs in this process, with every step on record in the home: for Python use and for tests."""

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from engine.errors import BadArguments, NotFound
from engine.files import write_json
from engine.progress import PROGRESS, Control, Progress, Watch, silent
from tools.home import read_json_if_there
from tools.jobs import CANCELLED, Outcome, Recorded, State, finish, is_job_id, once
from tools.workshop import JobStatus, JsonValue, Workshop

READ_EVERY_S = 0.05
EVENTS = "events.jsonl"


class FolderJob:
    """A job whose steps are recorded as files, one per step."""

    def __init__(self, folder: Path, job: str, watch: Watch) -> None:
        self.id = job
        self.began = time.time()
        self.control = Control(self._tell, (folder / "cancel").exists)
        self._folder = folder
        self._events = folder / EVENTS
        self._watch = watch
        self._step = ""
        self._guard = threading.Lock()
        _cut_torn_line(self._events)

    def step(self, name: str, function: Callable[[], JsonValue]) -> JsonValue:
        path = self._folder / "steps" / f"{_file_name(name)}.json"
        found = read_json_if_there(path)
        recorded = Recorded.model_validate(found) if found else self._run(name, function)
        if found is None:
            write_json(path, recorded.model_dump(mode="json"))
        if recorded.failure is not None:
            raise recorded.failure.error()
        return cast(JsonValue, recorded.value)

    def _run(self, name: str, function: Callable[[], object]) -> Recorded:
        self._step = name
        try:
            return Recorded.run(function)
        finally:
            self._step = ""

    def _tell(self, progress: Progress) -> None:
        line = json.dumps({"step": self._step, "event": progress.model_dump(mode="json")})
        with self._guard, self._events.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self._watch(progress)


class InlineJobs:
    """Runs each job where it is called. A second call with the same id returns the record of the first."""

    def __init__(self, home: Path, workshop: Callable[[], Workshop]) -> None:
        self._root = home / "jobs"
        self._workshop = workshop
        self._locks: dict[str, threading.Lock] = {}
        self._active: set[str] = set()
        self._guard = threading.Lock()

    def run(self, tool: str, request: BaseModel, job: str, watch: Watch = silent) -> dict[str, object]:
        self._enter(tool, request, job)
        return self._finished(job, watch).value()

    def start(self, tool: str, request: BaseModel, job: str) -> None:
        self._enter(tool, request, job)
        threading.Thread(target=self._finished, args=(job, silent), name=job, daemon=True).start()

    def warm(self) -> None:
        """Nothing to get ready: jobs run in this process."""

    def follow(self, job: str, after: int = 0) -> Iterator[Progress]:
        self._asked(job)
        yield from islice(once(self._told(job)), after, None)

    def progress(self, job: str) -> list[Progress]:
        self._asked(job)
        return list(once(self._written(job, 0)))

    def status(self, job: str) -> JobStatus:
        asked, folder = self._asked(job), self._root / job
        outcome = self._outcome(job)
        failure = outcome.failure if outcome else None
        changed = max(path.stat().st_mtime for path in folder.iterdir())
        return JobStatus(
            job=job,
            tool=asked["tool"],
            state=outcome.state if outcome else self._active_state(job),
            created=datetime.fromtimestamp(asked["asked"], UTC),
            updated=datetime.fromtimestamp(changed, UTC),
            request=asked["request"],
            result=outcome.result if outcome else None,
            error=str(failure) if failure else None,
            error_code=failure.code if failure else None,
        )

    def list(self, limit: int = 50) -> list[JobStatus]:
        found = [self.status(path.parent.name) for path in self._root.glob("*/job.json")]
        return sorted(found, key=lambda status: status.created, reverse=True)[:limit]

    def schedule(self, name: str, cron: str | None, about: Mapping[str, str]) -> None:
        if cron is not None:
            raise BadArguments(
                f"Nothing looks at the clock here, so {name!r} cannot be scheduled.",
                "Leave the schedule out, or open the workshop with a worker.",
            )

    def cancel(self, job: str) -> JobStatus:
        self._asked(job)
        (self._root / job / "cancel").touch()
        return self.status(job)

    def close(self) -> None:
        """Nothing to let go of."""

    def _enter(self, tool: str, request: BaseModel, job: str) -> None:
        with self._guard:
            self._active.add(job)
        folder = self._root / job
        outcome = self._outcome(job)
        if outcome is not None and outcome.worth_repeating:
            shutil.rmtree(folder)
        path = folder / "job.json"
        if not path.exists():
            write_json(path, {"tool": tool, "request": request.model_dump(mode="json"), "asked": time.time()})

    def _finished(self, job: str, watch: Watch) -> Outcome:
        with self._guard:
            lock = self._locks.setdefault(job, threading.Lock())
        try:
            with lock:
                outcome = self._outcome(job) or self._work(job, watch)
                write_json(self._root / job / "outcome.json", outcome.model_dump(mode="json"))
            return outcome
        finally:
            with self._guard:
                self._active.discard(job)

    def _work(self, job: str, watch: Watch) -> Outcome:
        folder, asked = self._root / job, self._asked(job)
        if (folder / "cancel").exists() and not (folder / "steps").exists():
            return CANCELLED
        workshop = replace(self._workshop(), job=FolderJob(folder, job, watch))
        spec = workshop.tools[asked["tool"]]
        return finish(lambda: spec.function(workshop, spec.request.model_validate(asked["request"])))

    def _told(self, job: str) -> Iterator[tuple[str, Progress]]:
        offset = 0
        while True:
            over = self._outcome(job) is not None or job not in self._active
            for told in self._written(job, offset):
                offset += 1
                yield told
            if over:
                return
            time.sleep(READ_EVERY_S)

    def _written(self, job: str, offset: int) -> Iterator[tuple[str, Progress]]:
        path = self._root / job / EVENTS
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        for line in lines[offset:]:
            value = json.loads(line)
            yield value["step"], PROGRESS.validate_python(value["event"])

    def _asked(self, job: str) -> dict[str, Any]:
        found = read_json_if_there(self._root / job / "job.json") if is_job_id(job) else None
        if found is None:
            raise NotFound("job", job, [status.job for status in self.list(limit=20)])
        return found

    def _outcome(self, job: str) -> Outcome | None:
        found = read_json_if_there(self._root / job / "outcome.json")
        return Outcome.model_validate(found) if found else None

    def _active_state(self, job: str) -> State:
        if (self._root / job / "cancel").exists():
            return "cancelling"
        return "running" if job in self._active else "queued"


def _cut_torn_line(path: Path) -> None:
    """Take away what a killed process wrote of its last line: the next line must not be joined to it."""
    if path.exists():
        text = path.read_bytes()
        os.truncate(path, text.rfind(b"\n") + 1)


def _file_name(step: str) -> str:
    """The step's name where it is one for a file, else with a hash so that two names never share a file."""
    plain = "".join(character if character.isalnum() or character in "-_." else "-" for character in step)
    return plain if plain == step else f"{plain}-{hashlib.sha256(step.encode()).hexdigest()[:6]}"
