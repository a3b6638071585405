"""What is to be done about drift, step by step, with the commands that do it."""

import shlex
from typing import NamedTuple

from engine.drift.policy import ActionName
from engine.report.drawing import short
from engine.report.drift_subject import DriftSubject

_LONGEST_NAME = 200


class Step(NamedTuple):
    """One thing to do, with the command that does it; '' where there is none."""

    sentence: str
    command: str = ""


_LOOK = Step(
    "Look at the changed columns below: did the world change, or the way the data is collected? A broken source is "
    "mended at the source; a retraining would only learn its errors."
)


def steps(subject: DriftSubject) -> list[Step]:
    """The steps of the action in the order in which they are done; none where no action was decided."""
    if subject.action is None:
        return []
    by_action: dict[ActionName, list[Step]] = {
        "go_on": [_go_on(subject)],
        "watch_closer": [_LOOK, *_watch(subject)],
        "prepare_retraining": [_LOOK, *_retrain(subject)],
        "roll_back_and_retrain": [_roll_back(subject), _LOOK, *_retrain(subject)],
    }
    return by_action[subject.action.name]


def _go_on(subject: DriftSubject) -> Step:
    if subject.monitor is None:
        return Step("Nothing is to be done.")
    return Step("Nothing is to be done. The next window is compared like this one.", _check(subject.monitor))


def _watch(subject: DriftSubject) -> list[Step]:
    if subject.monitor is None:
        return [Step("Compare again when newer rows are there.")]
    return [
        Step("Compare again as soon as new rows are there.", _check(subject.monitor)),
        Step("Log the true values as they come in: with them errors are measured, without they are only estimated."),
    ]


def _retrain(subject: DriftSubject) -> list[Step]:
    train = Step(
        "Train a challenger on old and fresh rows; it competes with the model in use on the newest labelled rows.",
        f"millwright monitor retrain {_word(subject.monitor)}" if subject.monitor else "",
    )
    if subject.model_id is None:
        return [train]
    return [
        train,
        Step("Put both side by side.", f"millwright models compare {_word(subject.model_id)} CHALLENGER"),
        Step("If the challenger is the better one, put it to use.", "millwright models promote CHALLENGER"),
    ]


def _roll_back(subject: DriftSubject) -> Step:
    name = subject.model_name or subject.model_id
    return Step(
        "If an earlier version does better on these rows, put it back to use until there is a new one.",
        f"millwright models rollback {_word(name)}" if name else "",
    )


def _check(monitor: str) -> str:
    return f"millwright monitor check {_word(monitor)}"


def _word(name: str) -> str:
    """One word of a shell, whatever the name holds."""
    return shlex.quote(short(name, _LONGEST_NAME))
