"""What the loop says on its way, from the figures that the tools returned."""

import shlex

from engine.figures import figure
from graphs.loop_types import Proposal
from tools.drift import ActionAdvice

MOST = 5


def diagnosed(advice: ActionAdvice) -> str:
    """Level, features since when, and the worst slices."""
    lines = [f"{advice.model} is {advice.level}."]
    if advice.features:
        named = ", ".join(
            f"{found.column} ({found.level} since window {found.since})" for found in advice.features[:MOST]
        )
        more = f" and {len(advice.features) - MOST} more" if len(advice.features) > MOST else ""
        lines.append(f"Drifted: {named}{more}.")
    lines += [
        f"Worst where {worst.rows_where}: error {figure(worst.error)}, elsewhere {figure(worst.error_elsewhere)} "
        f"({worst.rows} rows)."
        for worst in advice.slices[:2]
    ]
    return " ".join(lines) + "\n"


def decided(advice: ActionAdvice, retrain: bool) -> str:
    """The policy's action and why."""
    action = advice.action.replace("_", " ")
    due = f", due {advice.due}" if advice.due else ""
    reasons = f" {' '.join(advice.reasons)}" if advice.reasons else ""
    then = "A challenger is trained now." if retrain else "Nothing is trained."
    return f"Policy: {action}{due}.{reasons} {then}\n"


def gated(proposal: Proposal) -> str:
    """How the challenger did, and what follows."""
    follows = {
        "promote": "Promoting it is put before you.",
        "roll_back": f"Rolling back to {proposal.model} is put before you.",
        "keep": "Nothing is promoted.",
    }
    return f"{proposal.why} {follows[proposal.action]}\n"


def announced(monitor: str, proposal: Proposal) -> str:
    """What waits for a decision, with the figures, and how to give it."""
    back = f"Rolling {proposal.name} back to {proposal.model}"
    step = back if proposal.action == "roll_back" else f"Making {proposal.model} the champion of {proposal.name}"
    return f"{proposal.why} {step} waits for approval: millwright monitor run {shlex.quote(monitor)}"
