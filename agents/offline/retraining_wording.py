"""Results of retraining and of going back in words."""

from agents.offline.conversation import Json
from agents.offline.wording import figure, name_of, notes, one_line


def retrained(result: Json) -> str:
    """Words for retrain_model."""
    stopped = " It was stopped early." if result.get("cancelled") else ""
    lines = [
        f"Trained the challenger {result.get('challenger')} on {figure(result.get('fresh_rows'))} fresh and "
        f"{figure(result.get('old_rows'))} old rows ({name_of(result.get('trained_on'))}).{stopped}",
        f"On {figure(result.get('gate_rows'))} rows that neither was trained on: {name_of(result.get('metric'))} "
        f"{_value(result, 'challenger_value')}, the champion {result.get('champion')} has "
        f"{_value(result, 'champion_value')}{_improvement(result)}.",
        one_line(result.get("verdict")),
        *notes(result, 1),
        *_after_retraining(result),
    ]
    return "\n".join(lines)


def _value(result: Json, name: str) -> str:
    return "no value" if result.get(name) is None else figure(result[name])


def _improvement(result: Json) -> str:
    interval = result.get("improvement")
    if not isinstance(interval, list | tuple) or len(interval) != 2:
        return ""
    p = f" (p {figure(result['p_value'])})" if result.get("p_value") is not None else ""
    return f"; the difference lies between {figure(interval[0])} and {figure(interval[1])}{p}"


def _after_retraining(result: Json) -> list[str]:
    if result.get("passed"):
        return []
    if result.get("roll_back_to"):
        return [
            f"{result['roll_back_to']}, a champion before, does better on these rows. Say 'roll back' to return to it."
        ]
    return ["The champion stays. Say 'retrain it with more time' to try again."]


def not_passed(result: Json) -> str:
    """Why a challenger is not promoted by a mere 'promote it'."""
    challenger = result.get("challenger")
    verdict = one_line(result.get("verdict"))
    return f"{challenger} did not win: {verdict} Say 'promote {challenger}' to use it all the same."


def rolled_back(result: Json) -> str:
    """Words for roll_back_model."""
    before = f" It was {result['previous']}." if result.get("previous") else ""
    version = f"{name_of(result.get('name'))} version {figure(result.get('version'))}"
    return f"{result.get('model')} ({version}) is the {name_of(result.get('alias'))} again.{before}"
