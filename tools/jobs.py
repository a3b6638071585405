"""What every kind of job shares: its names, how its end is recorded as JSON, and the border where errors are caught."""

import hashlib
import logging
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, field_validator

from engine.errors import Fixable, JobFailed, MillwrightError, NotFound
from engine.figures import figure
from engine.progress import FitFinished, FitProgress, FitStarted, Note, Progress, StageStarted
from engine.redaction import redacted_text
from tools.spec import ToolRequest, ToolResult

State = Literal["queued", "running", "cancelling", "done", "cancelled", "failed"]
ENDED: frozenset[str] = frozenset({"done", "cancelled", "failed"})

CANCELLED_CODE = "job_cancelled"
INTERNAL_CODE = "internal_error"

_JOB_ID = re.compile(r"[A-Za-z0-9_\-]{1,64}")

log = logging.getLogger("millwright.jobs")
Value = TypeVar("Value")


def job_id(call_id: str | None) -> str:
    """The job of a tool call, e.g. 'job_3f9a0c1b2d4e': the same call always has the same job, no call a fresh one."""
    return "job_" + _short_hash(call_id or uuid.uuid4().hex)


def is_job_id(text: str) -> bool:
    """Whether a job may have this id. It comes from a user, and is then asked for in a database or as a folder."""
    return _JOB_ID.fullmatch(text) is not None


def run_id(job: str) -> str:
    """The training run that a job begins, e.g. 'run_3f9a0c1b2d4e'."""
    return "run_" + job.removeprefix("job_")


def model_id(run: str) -> str:
    """The one model that a run can register, e.g. 'mdl_1b2d4e3f9a0c'."""
    return "mdl_" + _short_hash(run)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Failure(_Record):
    """A MillwrightError as JSON, so that it can cross from a worker to its client."""

    code: str
    sentence: str
    hint: str = ""
    fixable: bool = False

    @field_validator("sentence", "hint")
    @classmethod
    def _without_secrets(cls, words: str) -> str:
        """It is kept in a database and told to whoever asks for the job."""
        return redacted_text(words)

    @classmethod
    def of(cls, error: MillwrightError) -> "Failure":
        return cls(code=error.code, sentence=error.sentence, hint=error.hint, fixable=isinstance(error, Fixable))

    def error(self) -> MillwrightError:
        """The error again: a Fixable in its own class, so that an agent can mend it; anything else as JobFailed."""
        if not self.fixable:
            return JobFailed(self.sentence, self.hint, self.code)
        kind = _fixable_classes().get(self.code, NotFound if self.code.endswith("_not_found") else Fixable)
        error = kind.__new__(kind)
        MillwrightError.__init__(error, self.sentence, self.hint)
        error.code = self.code
        return error

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()


class Outcome(_Record):
    """How a job ended: with a result or with a failure."""

    result: dict[str, object] | None = None
    failure: Failure | None = None

    @property
    def state(self) -> State:
        """done, cancelled (also where the best so far was kept) or failed."""
        if self.failure is not None:
            return "cancelled" if self.failure.code == CANCELLED_CODE else "failed"
        return "cancelled" if self.result and self.result.get("cancelled") else "done"

    @property
    def worth_repeating(self) -> bool:
        """Whether asking for the job again should run it again: it failed by no fault of its arguments."""
        failure = self.failure
        return failure is not None and not failure.fixable and failure.code != CANCELLED_CODE

    def value(self) -> dict[str, object]:
        """The result.

        Raises:
            Fixable: the job failed in a way that another argument mends; in its own class and code.
            JobFailed: it failed otherwise, or was cancelled before there was anything to keep.
        """
        if self.failure is not None:
            raise self.failure.error()
        return self.result or {}


CANCELLED = Outcome(failure=Failure(code=CANCELLED_CODE, sentence="The job was cancelled before it began."))


class Recorded(_Record):
    """A step's JSON value, or the error that it ended with: a replay must raise the same error, in its own type."""

    value: object = None
    failure: Failure | None = None

    @classmethod
    def run(cls, function: Callable[[], object]) -> "Recorded":
        try:
            return cls(value=function())
        except MillwrightError as error:
            return cls(failure=Failure.of(error))


def finish(function: Callable[[], ToolResult]) -> Outcome:
    """Run a job's function to its recorded end. This is the border: nothing but an Outcome leaves a job."""
    try:
        return Outcome(result=function().model_dump(mode="json"))
    except MillwrightError as error:
        return Outcome(failure=Failure.of(error))
    except Exception as error:
        log.exception("a job failed unexpectedly")
        sentence = f"The job failed unexpectedly: {type(error).__name__}: {error}."
        return Outcome(
            failure=Failure(code=INTERNAL_CODE, sentence=sentence, hint="logs/worker.log in the home has the details.")
        )


def event_key(step: str, progress: Progress) -> tuple[object, ...]:
    """Equal for two tellings of one event: a step that runs again after a crash tells what it told before."""
    match progress:
        case StageStarted(stage=stage, detail=detail):
            return (step, "stage", stage, detail)
        case FitStarted(model=model):
            return (step, "started", model)
        case FitProgress(model=model, done=done, total=total):
            return (step, "progress", model, done, total)
        case FitFinished(model=model):
            return (step, "finished", model)
        case Note(text=text):
            return (step, "note", text)


def once(told: Sequence[tuple[str, Progress]] | Iterator[tuple[str, Progress]]) -> Iterator[Progress]:
    """Each event of `(step, event)` pairs once, in the order of its first telling."""
    seen: set[tuple[object, ...]] = set()
    for step, progress in told:
        key = event_key(step, progress)
        if key not in seen:
            seen.add(key)
            yield progress


def summary_of(tool: str, request: ToolRequest | dict[str, object], outcome: Outcome | None) -> str:
    """One line about a job, e.g. 'train_model ds_1: lightgbm, roc_auc 0.864, mdl_1b2d4e3f9a0c'."""
    fields = request if isinstance(request, dict) else request.model_dump(mode="json")
    subject = fields.get("dataset") or fields.get("model") or fields.get("source") or ""
    head = f"{tool} {subject}".strip()
    if outcome is None:
        return head
    if outcome.failure is not None:
        return f"{head}: {outcome.failure.sentence}"
    result = outcome.result or {}
    metric = result.get("metric")
    facts = [str(result[name]) for name in ("best", "model") if result.get(name)]
    if isinstance(metric, dict):
        facts.insert(1, f"{metric['name']} {figure(metric['value'])}")
    return f"{head}: {', '.join(facts)}" if facts else head


def _fixable_classes() -> dict[str, type[Fixable]]:
    found: dict[str, type[Fixable]] = {}
    waiting: list[type[Fixable]] = [Fixable]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return found
