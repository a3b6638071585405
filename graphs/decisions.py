"""The two decisions a chat model takes inside a run: which candidates, and whether another round pays."""

import re
from collections.abc import Sequence
from itertools import pairwise

from agents.plan import ModelProposal, RoundProposal
from agents.rules import choose_models, next_round
from engine.families import NETWORKS
from engine.metrics import METRICS
from engine.naming import did_you_mean
from graphs.pace import MAX_ROUNDS
from graphs.proposals import Facts, Question
from graphs.run_plan import MOST_TRIALS, Outlook
from graphs.run_types import RunRequest
from tools.data import DatasetProfile
from tools.training import TrainingResult, family_of


def model_facts(
    request: RunRequest, profile: DatasetProfile, outlook: Outlook, seconds: float | None
) -> dict[str, object]:
    """What is known before the first round; `asked` is what the user has fixed, `metric` what the plan shows.

    The metric is None where the plan leaves it to the engine.
    """
    metric = request.metric or outlook.metric
    return {
        "goal": request.goal,
        "task": outlook.task,
        "target": outlook.target,
        "rows": outlook.rows,
        "features": outlook.features,
        "class_shares": profile.class_shares,
        "warnings": profile.warnings,
        "models": list(outlook.candidates),
        "seconds_each": outlook.candidates,
        "asked": request.models,
        "metric": metric,
        "metrics": [known.name for known in METRICS.values() if outlook.task in known.tasks],
        "budget_seconds": None if seconds is None else round(seconds, 1),
    }


def check_models(proposal: ModelProposal, facts: Facts) -> str | None:
    """What is wrong with the proposed candidates or metric."""
    models, metrics = _names(facts["models"]), _names(facts["metrics"])
    unknown = [name for name in proposal.models if name not in models]
    if unknown:
        near = did_you_mean(unknown[0], models)
        return f"models: {unknown[0]!r} is not a candidate. Candidates are: {', '.join(models)}. {near}".strip()
    if len(set(proposal.models)) < len(proposal.models):
        return "models: a candidate is named twice."
    if proposal.metric is not None and proposal.metric not in metrics:
        return f"metric: {proposal.metric!r} does not fit the task. Choose from: {', '.join(metrics)}."
    if facts["asked"] and set(proposal.models) != set(_names(facts["asked"])):
        return f"models: the user asked for exactly these: {', '.join(_names(facts['asked']))}."
    if proposal.metric not in (None, facts["metric"]):
        return f"metric: the approved plan says {facts['metric'] or 'the usual one of the task'}; leave it null."
    return None


def round_facts(rounds: Sequence[TrainingResult], seconds: float | None, goal: str) -> dict[str, object]:
    """What is known after a round; `seconds` are those that further rounds may take in all."""
    last = rounds[-1]
    return {
        "goal": goal,
        "metric": last.validation.name if last.validation else None,
        "leaderboard": [row.model_dump(mode="json", exclude={"detail"}) for row in last.leaderboard],
        "gains": gains(rounds),
        "seconds_left": seconds,
        "rounds_left": MAX_ROUNDS - len(rounds),
        "cancelled": last.cancelled,
    }


def check_round(proposal: RoundProposal, facts: Facts) -> str | None:
    """What is wrong with the proposed round."""
    if proposal.action == "stop":
        return None if proposal.trials == 0 else "trials: it is 0 when action is 'stop'."
    if not 1 <= proposal.trials <= MOST_TRIALS:
        return f"trials: from 1 to {MOST_TRIALS} when action is 'tune'."
    return None


def gains(rounds: Sequence[TrainingResult]) -> list[float]:
    """By how much each round after the first improved the best validation score; positive is better."""
    scores = [result.validation for result in rounds]
    return [
        METRICS[new.name].improvement(new.value, old.value) if new and old else 0.0 for old, new in pairwise(scores)
    ]


def last_fit_seconds(result: TrainingResult) -> float:
    """What fitting the best candidate on all rows is expected to take beyond the usual reserve: that of a network."""
    best = next((row for row in result.leaderboard if row.model == result.best), None)
    if best is None or result.validation is None or family_of(best.model) not in NETWORKS:
        return 0.0
    folds = re.search(r"(\d+)-fold", result.validation.method)
    return best.seconds / (int(folds[1]) if folds else 1)


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list | tuple) else []


CHOOSE_MODELS = Question("propose_models", ModelProposal, check_models, choose_models)
NEXT_ROUND = Question("propose_round", RoundProposal, check_round, next_round)
