"""Sessions of the offline planner with real tools, kept for the tests of grounding.

`python -m tests.agents.lying.recording [NAME ...]` holds them anew and writes `sessions/NAME.json`. The replies of
people's hands in `replies_*.json` are about these results: after a new recording their figures are others.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conversations.recording import record

SESSIONS = Path(__file__).parent / "sessions"
LINES: Mapping[str, Sequence[str]] = {
    "churn": (
        "load sample:churn",
        "describe it",
        "how long would it take to predict churned in 6 seconds?",
        "train a model with target churned in 6 seconds",
        "how sure are you?",
        "what matters most?",
        "now with f1",
        "compare the models",
        "show the leaderboard",
        "list models",
        "evaluate the first one",
        "what did you do so far?",
    ),
    "diabetes": (
        "load sample:diabetes",
        "describe the data",
        "predict progression within 5 seconds",
        "now with mae",
        "drop column s5",
        "compare the models",
        "which columns matter?",
        "how good is it?",
        "what was the baseline?",
        "list datasets",
    ),
    "breast_cancer": (
        "train on sample:breast_cancer within 6 seconds",
        "describe it",
        "only linear",
        "now with recall",
        "compare the models",
        "what matters most?",
        "show the second one",
        "how long did it take?",
        "list models",
    ),
    "members": (
        "load DATA/members.csv",
        "describe it",
        "predict left within 5 seconds",
        "how sure are you?",
        "make it answer in 5 ms and lose at most 1 % roc_auc",
        "which variant is fastest?",
        "how fast is it?",
        "export it to model.onnx",
        "y",
        "promote it",
        "y",
    ),
    "watched": (
        "train on DATA/members.csv target left 4 seconds and promote it",
        "y",
        "watch it",
        "y",
        "predict DATA/members.csv",
        "check it for drift with sample:churn",
        "check DATA/members.csv for drift",
        "check the monitor",
        "any alerts?",
        "what should I do?",
        "monitor status",
    ),
    "wine": (
        "load DATA/wine list.csv",
        "what is in it?",
        "how long would it take to predict quality?",
        "predict quality within 4 seconds",
        "distil it within 5 seconds",
        "compare the models",
        "what matters most?",
        "predict sugar=3, acid=2, alcohol=11",
        "test the model for edge cases",
        "list jobs",
    ),
    "board": (
        "load sample:diabetes",
        "train with target progression within 60 seconds",
        "show the leaderboard",
        "how sure are you?",
        "load sample:breast_cancer",
        "train with target diagnosis within 60 seconds",
        "show the leaderboard",
        "what matters most?",
        "compare the models",
        "how fast is it?",
    ),
    "digits": (
        "load sample:digits",
        "train with target digit within 6 seconds",
        "how sure are you?",
        "evaluate it",
        "now with accuracy",
        "compare the models",
        "show the leaderboard",
    ),
}


def main() -> None:
    for name in sys.argv[1:] or LINES:
        turns = record(LINES[name])
        lines = ",\n".join(json.dumps(turn.model_dump(mode="json"), ensure_ascii=False) for turn in turns)
        (SESSIONS / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
