"""A process that trains until it is killed within an epoch. Argument: the folder of the checkpoints."""

import os
import signal
import sys
from pathlib import Path

from engine.training.events import LoopEvent, StepDone
from tests.engine.training.small import full_training


def kill_at_step_8(event: LoopEvent) -> None:
    if isinstance(event, StepDone) and event.step == 8:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    full_training(Path(sys.argv[1]), listener=kill_at_step_8)
