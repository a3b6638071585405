"""A Ray cluster and jobs on it, in a network namespace that has nothing but its own loopback: Ray listens everywhere.

unshare --net --pid --fork --kill-child --mount-proc python ray_loopback.py FOLDER; ends with all of Ray.
"""

import json
import subprocess
import sys
from pathlib import Path

from engine.errors import JobFailed
from engine.training.distributed.launch import launch
from engine.training.events import LoopEvent, StepDone
from engine.training.spec import DistributedSpec
from tests.engine.training.distributed.small_job import SPEC, alone, farthest, small_job

PORT = 6399
TWO = DistributedSpec(strategy="ddp", processes=2, ray_address=f"127.0.0.1:{PORT}", timeout_seconds=60)


def start_head(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    command = [
        sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--head", "--num-cpus=2",
        "--node-ip-address=127.0.0.1", f"--port={PORT}", "--include-dashboard=false", "--disable-usage-stats",
        "--object-store-memory=100000000", f"--temp-dir={folder}",
    ]  # fmt: skip
    subprocess.run(command, check=True)


def main(folder: Path) -> None:
    start_head(folder / "r")
    job = small_job(folder / "job", SPEC)
    steps: list[int] = []

    def listen(event: LoopEvent) -> None:
        if isinstance(event, StepDone):
            steps.append(event.step)

    report = launch(job, TWO, listener=listen)
    weights, _ = alone(small_job(folder / "one", SPEC.model_copy(update={"batch_size": 8})))
    long = small_job(folder / "long", SPEC.model_copy(update={"epochs": 100_000}))
    stopped = launch(long, TWO, stop=lambda: long.events.exists())
    code = ""
    try:
        launch(small_job(folder / "bad", SPEC.model_copy(update={"learning_rate": 1e30, "clip_norm": None})), TWO)
    except JobFailed as error:
        code = error.code
    facts = {
        "steps": steps,
        "ended": report.ended,
        "weights": farthest(job.weights(), weights),
        "stopped": stopped.ended,
        "code": code,
    }
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
