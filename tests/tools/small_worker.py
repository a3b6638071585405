"""A real worker over tools small enough for tests: `python small_worker.py HOME DATABASE_URL [PARENT]`."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from engine.errors import ColumnNotFound, DiskFull, HomeBusy, NothingTrained
from engine.progress import FitFinished, FitProgress, FitStarted, StageStarted
from tools.monitoring import Monitoring
from tools.spec import Estimate, ToolRequest, ToolResult, ToolSpec
from tools.worker_process import BUSY_EXIT
from tools.workshop import Jobs, Workshop

STARTED = time.time()


class StepsRequest(ToolRequest):
    """Run `steps` steps of `seconds` each; each appends its number to `effects` when it is through."""

    effects: str
    steps: int = 3
    seconds: float = 0.1
    die_in_step: int | None = None
    fail: str | None = None


class StepsResult(ToolResult):
    steps: int
    cancelled: bool = False


def run_steps(workshop: Workshop, request: StepsRequest) -> StepsResult:
    job = workshop.job
    assert job is not None
    if request.fail == "fixable":
        raise ColumnNotFound("chrun", ["age", "churn"])
    if request.fail == "once" and not Path(request.effects).with_suffix(".failed").exists():
        Path(request.effects).with_suffix(".failed").touch()
        raise DiskFull(workshop.home)
    if request.fail == "typed":
        raise NothingTrained("Nothing was trained.", "Give it more time.")
    if request.fail == "bug":
        raise ZeroDivisionError("a bug")
    done = 0
    for number in range(request.steps):
        if not job.step(f"step:{number}", partial(_step, workshop, request, number)):
            return StepsResult(steps=done, cancelled=True)
        done += 1
    return StepsResult(steps=done)


def _step(workshop: Workshop, request: StepsRequest, number: int) -> bool:
    assert workshop.job is not None
    control, model, effects = workshop.job.control, f"m{number}", Path(request.effects)
    control.watch(StageStarted(stage=f"stage {number}"))
    control.watch(FitStarted(model=model, index=number + 1, total=request.steps))
    until = time.monotonic() + request.seconds
    while time.monotonic() < until:
        if control.cancelled():
            return False
        time.sleep(0.02)
    control.watch(FitProgress(model=model, done=1, total=1))
    if request.die_in_step == number and not effects.with_suffix(".died").exists():
        effects.with_suffix(".died").touch()
        os.kill(os.getpid(), 9)
    with effects.open("a") as file:
        file.write(f"{number}\n")
    control.watch(FitFinished(model=model, status="done", metric="f1", validation=0.5, seconds=request.seconds))
    return True


def no_estimate(_: Workshop, __: Any) -> Estimate:
    return Estimate(seconds=0.0, memory_mb=0.0)


STEPS = ToolSpec(
    name="steps",
    description="Steps for tests.",
    request=StepsRequest,
    result=StepsResult,
    function=run_steps,
    effect="compute",
    estimate=no_estimate,
    job=True,
)
TOOLS: Mapping[str, ToolSpec] = {"steps": STEPS}


def small_workshop(home: Path, jobs: Jobs | None = None) -> Workshop:
    """A workshop without datasets and registry: the tools of these tests touch neither."""
    nothing = cast(Any, None)
    return Workshop(
        home=home,
        datasets=nothing,
        registry=nothing,
        tools=TOOLS,
        jobs=jobs if jobs is not None else nothing,
        now=lambda: datetime.now(UTC),
        monitoring=Monitoring(home, lambda: datetime.now(UTC)),
    )


def main() -> None:
    from engine.parent import die_with
    from tools.worker import serve

    home, database_url = Path(sys.argv[1]), sys.argv[2]
    logging.basicConfig(level=logging.INFO)
    if len(sys.argv) > 3:
        sys.stdin.readline()
        die_with(int(sys.argv[3]))
    try:
        serve(lambda: small_workshop(home), home=home, database_url=database_url, started=STARTED)
    except HomeBusy:
        sys.exit(BUSY_EXIT)


if __name__ == "__main__":
    main()
