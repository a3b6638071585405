"""One optimisation in a process that may end itself: `python -m tests.tools.optimise_child HOME MODEL PLACE`.

PLACE is the stage, or the variant that is through, at which the process kills itself; '' lets it come to its end.
"""

import os
import signal
import sys
from pathlib import Path

from engine.progress import FitFinished, Progress, StageStarted
from millwright.compose import inline_workshop
from millwright.settings import Settings
from tools.catalogue import invoke

CALL = "killed-and-gone-on-with"


def main(home: Path, model: str, place: str) -> None:
    def watch(progress: Progress) -> None:
        reached = {StageStarted: "stage", FitFinished: "model"}.get(type(progress))
        if place and reached and getattr(progress, reached) == place:
            os.kill(os.getpid(), signal.SIGKILL)

    asked = {"model": model, "variants": ("onnx",), "max_drop": 0.2, "budget_seconds": 25}
    found = invoke(inline_workshop(Settings(home=home)), "optimise_model", asked, call_id=CALL, watch=watch)
    (home / "found.json").write_text(found.model_dump_json())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
