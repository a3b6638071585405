"""What becomes of conversations and crew runs whose language model is the hostile server, mode by mode.

    python benchmarks/hostile.py [--runs 100] [--how sessions|millwright|crewai] [--modes stall reset ...]

`sessions` talk through graphs.sessions and the real ChatOpenAI, `millwright` are development crews with Millwright's
model, `crewai` is one agent with CrewAI's own model and our tools in its hands. The tools are real and small; what they
were really called with is compared with what the server really sent whole. The table goes to stdout as Markdown; what
was wrong, if anything, below it. The exit code is 1 then.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    from agents.loopback_modes import MODES

    parser = argparse.ArgumentParser(description="Conversations and crew runs with the hostile server.")
    parser.add_argument("--runs", type=int, default=100, help="conversations or crew runs in each mode")
    parser.add_argument("--how", choices=("sessions", "millwright", "crewai"), default="sessions")
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES, metavar="MODE")
    asked = parser.parse_args()
    play = talks if asked.how == "sessions" else crews
    start, wrong = time.monotonic(), list[str]()
    print("| mode | runs | answered | asked for a yes | errors | tools run | wrong | s, median | s, longest |")
    print("|---|---|---|---|---|---|---|---|---|")
    for mode in asked.modes:
        with tempfile.TemporaryDirectory() as folder:
            found = play(Path(folder), asked.how, mode, asked.runs)
        print(row(mode, found), flush=True)
        wrong += [f"{mode}: {one}" for run in found for one in run["wrong"]]
    print(f"\n{len(wrong)} wrong in {time.monotonic() - start:.0f} s.", *wrong, sep="\n")
    return 1 if wrong else 0


def talks(folder: Path, how: str, mode: str, runs: int) -> list[dict[str, Any]]:
    """Conversations, one after the other."""
    from graphs.checkpoints import open_saver
    from tests.hostile import talk

    with open_saver(folder) as saver:
        return [vars(talk(folder, saver, mode, number)) for number in range(runs)]


def crews(folder: Path, how: str, mode: str, runs: int) -> list[dict[str, Any]]:
    """Crew runs, in a crew's process."""
    from crews.process import run_in_crew_process

    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    given: dict[str, object] = {"root": str(folder), "hows": [how], "modes": [mode], "numbers": list(range(runs))}
    found: Any = run_in_crew_process("tests.hostile_crew:play", given, home=folder, environment=environment)
    return list(found[how][mode])


def row(mode: str, found: list[dict[str, Any]]) -> str:
    """One line of the table."""
    ends, seconds = Counter(run["end"] for run in found), [run["seconds"] for run in found]
    cells = (mode, len(found), ends["answer"], ends["question"], ", ".join(errors(found)) or "0")
    more = (sum(run["ran"] for run in found), sum(len(run["wrong"]) for run in found))
    times = (f"{statistics.median(seconds):.2f}", f"{max(seconds):.2f}")
    return f"| {' | '.join(str(cell) for cell in (*cells, *more, *times))} |"


def errors(found: list[dict[str, Any]]) -> Iterator[str]:
    """How many ended with an error, by its code."""
    for code, number in Counter(run["code"] for run in found if run["end"] == "error").most_common():
        yield f"{number} {code}"


if __name__ == "__main__":
    sys.exit(main())
