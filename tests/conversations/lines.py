"""What ten newcomers type, as they would type it: slips, pasted paths, half sentences, once another language.

`y` and `n` answer a call that waits for approval. DATA stands for the folder of the files that `files_in` writes.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

CONVERSATIONS: Mapping[str, tuple[str, Sequence[str]]] = {
    "first-steps": (
        "Somebody with a file and no idea",
        (
            "hi",
            "what can you do",
            "i have a file DATA/members.csv and want to know who leaves",
            "whats the most important thing",
            "how good is that really?",
            "make it the champion",
            "y",
        ),
    ),
    "in-a-hurry": (
        "Fast fingers",
        (
            "tran a modle on sample:churn to perdict churned in 4 secnds",
            "use recal insted",
            "why not a neural net?",
            "compair them",
            "what did the second one score?",
            "thx",
        ),
    ),
    "pasted-path": (
        "A path from another computer",
        (
            'open "C:\\Users\\Ann\\Desktop\\wine list.csv"',
            "ok try DATA/wine list.csv",
            "predict qualty",
            "how long would 2 minutes of training help?",
            "no, the other file: DATA/members.csv",
        ),
    ),
    "half-sentences": (
        "Few words",
        (
            "DATA/members.csv",
            "left",
            "faster",
            "and without plan?",
            "better or worse?",
            "ok keep that one",
        ),
    ),
    "auf-deutsch": (
        "In German",
        (
            "hallo",
            "trainiere ein Modell auf sample:churn das churned vorhersagt, 4 Sekunden",
            "was ist am wichtigsten?",
            "danke",
        ),
    ),
    "all-at-once": (
        "Several wishes in one message",
        (
            "load sample:diabetes, tell me whats in it, train something quick (4 sec) and then show what matters most",
            "now the same with mae and list the models",
        ),
    ),
    "changes-of-mind": (
        "Corrections",
        (
            "predict months in DATA/members.csv within 4 seconds",
            "no i meant left",
            "without note",
            "no wait use note again",
            "which file are you using?",
            "what did you do so far?",
        ),
    ),
    "what-it-cannot": (
        "Things it cannot do",
        (
            "write me a poem about churn",
            "whats the weather tomorrow",
            "delete all my files",
            "how accurate will my model be?",
            "ok so what CAN you do",
        ),
    ),
    "into-production": (
        "From a model to a watched one",
        (
            "train on DATA/members.csv target left 4 seconds and promote it",
            "y",
            "watch it",
            "y",
            "predict months=3, plan=A, note=2",
            "has it drifted?",
            "roll it back",
            "n",
        ),
    ),
    "plan-first": (
        "A plan before anything runs",
        (
            "what would you do with sample:churn to predict churned in 5 seconds? dont run anything yet, make a plan",
            "use f1 instead",
            "ok run the plan",
            "y",
            "remember that i care most about recall",
            "what do you remember about me?",
        ),
    ),
}


def files_in(folder: Path) -> None:
    """The files that the lines speak of: a law that any model finds, and noise beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    members = [["client", "months", "plan", "note", "left"]]
    for row in range(240):
        months, plan = (row * 37) % 60, "ABC"[row % 3]
        members.append(
            [
                f"c{row:05d}",
                str(months),
                plan,
                str((row * 7919) % 11),
                "yes" if months + 15 * (plan == "A") < 28 else "no",
            ]
        )
    wines = [["sugar", "acid", "alcohol", "quality"]]
    for row in range(200):
        sugar, acid, alcohol = (row * 13) % 40 / 4, (row * 7) % 30 / 3, 9 + (row * 11) % 50 / 10
        wines.append(
            [f"{sugar:.2f}", f"{acid:.2f}", f"{alcohol:.1f}", f"{2 * alcohol - acid + (row * 31 % 7) / 7:.2f}"]
        )
    for name, rows in (("members.csv", members), ("wine list.csv", wines)):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
