"""What every tool receives as its first argument."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from engine.progress import Control, Progress, Watch, silent
from tools.audit import ANYBODY, Actor
from tools.spec import ToolResult, ToolSpec

if TYPE_CHECKING:
    from engine.data.store import Datasets
    from engine.registry import Registry
    from tools.monitoring import Monitoring
    from tools.registrar import RegistrarProcess

JsonValue = TypeVar("JsonValue")


class JobStatus(BaseModel):
    """Where a job stands. `error` is a sentence and a hint; `result` is the tool's result as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    job: str
    tool: str
    state: str
    created: datetime
    updated: datetime
    request: dict[str, object]
    result: dict[str, object] | None = None
    error: str | None = None
    error_code: str | None = None


class Jobs(Protocol):
    """Durable jobs, seen from the caller."""

    def run(self, tool: str, request: BaseModel, job: str, watch: Watch = silent) -> dict[str, object]:
        """Start job `job` or find it, pass on its progress, return the result as JSON.

        A job that failed by no fault of its arguments (a full disk, a lost worker) is run again.
        """
        ...

    def start(self, tool: str, request: BaseModel, job: str) -> None:
        """Start job `job` without waiting; an id that exists already is left as it is, unless it is to be run again."""
        ...

    def warm(self) -> None:
        """Get ready for a first job that will come soon, without waiting for it."""
        ...

    def follow(self, job: str, after: int = 0) -> Iterator[Progress]:
        """The job's progress from event number `after` on, until it ends."""
        ...

    def progress(self, job: str) -> list[Progress]:
        """What the job has said so far, without waiting."""
        ...

    def status(self, job: str) -> JobStatus: ...

    def list(self, limit: int = 50) -> list[JobStatus]: ...

    def schedule(self, name: str, cron: str | None, about: Mapping[str, str]) -> None:
        """Have the worker look after something whenever `cron` (in UTC) comes; None ends the schedule `name`.

        Raises:
            BadArguments: there is no worker that looks at the clock.
        """
        ...

    def cancel(self, job: str) -> JobStatus:
        """Ask the job to stop; it ends within 2 s of its current unit of work and keeps the best so far."""
        ...


class JobContext(Protocol):
    """The job seen from inside: recorded steps, progress, the cancel flag."""

    @property
    def id(self) -> str: ...

    @property
    def control(self) -> Control: ...

    @property
    def began(self) -> float:
        """Epoch seconds from which the job's time counts: when it was asked for, or when a worker turned to it."""
        ...

    def step(self, name: str, function: Callable[[], JsonValue]) -> JsonValue:
        """Run `function` once and record its JSON result; a replay after a crash returns the record."""
        ...


@dataclass(frozen=True)
class Workshop:
    """Everything a tool may touch. Made by the composition root, or by hand in a test."""

    home: Path
    datasets: "Datasets"
    registry: "Registry"
    tools: Mapping[str, ToolSpec]
    jobs: Jobs
    now: Callable[[], datetime]
    monitoring: "Monitoring"
    job: JobContext | None = None
    threads: int = 1
    registrar: "RegistrarProcess | None" = None
    actor: Actor = ANYBODY

    @property
    def runs(self) -> Path:
        """Where training runs keep their work."""
        return self.home / "runs"

    def call(self, tool: str, /, **arguments: object) -> ToolResult:
        """Call a tool by name, e.g. `workshop.call("train_model", dataset="ds_1", target="churn")`."""
        from tools.catalogue import invoke

        return invoke(self, tool, arguments)
