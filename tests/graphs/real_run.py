"""A run with the real tools in its own process, killed at a word: python -m tests.graphs.real_run HOME RUN [resume]."""

import sys
from pathlib import Path

from agents.offline import OfflinePlanner
from graphs.checkpoints import open_saver
from graphs.events import Event, ToolProgress
from graphs.runs import RunRequest, resume_run, start_run
from graphs.studio import studio_workshop
from tests.graphs.smallshop import kill_here


def main(home: Path, run: str, *, again: bool) -> None:
    def listen(event: Event) -> None:
        said = event.progress if isinstance(event, ToolProgress) else event
        words = [str(getattr(said, name)) for name in ("kind", "model", "stage", "call") if hasattr(said, name)]
        kill_here(home, " ".join(words))

    workshop, model = studio_workshop(home), OfflinePlanner()
    request = RunRequest(
        goal="predict which customers churn",
        data="sample:churn",
        budget_seconds=None,
        max_models=2,
        models=("linear", "lightgbm"),
        approve_all=True,
    )
    with open_saver(home) as saver:
        if again:
            summary = resume_run(workshop, model, saver, run, emit=listen)
        else:
            summary = start_run(workshop, model, saver, request, run, emit=listen)
    sys.stdout.write(summary.model_dump_json())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], again=sys.argv[3:] == ["resume"])
