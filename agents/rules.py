"""The decisions of a run by rule: what the offline planner proposes, and what is taken when a model's proposal fails.

Facts arrive as JSON; what is missing has a default, what is unknown is ignored.
"""

from collections.abc import Mapping
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

from agents.plan import ModelProposal, RoundProposal
from engine.families import CLASSIC, NEEDS, NETWORKS
from tools.training import family_of

MOST_TRIALS = 8
"""Variants of one round: enough to see a gain, few enough to decide again."""
SHORT_SECONDS = 10.0
LEAST_FOR_A_NETWORK = 8.0
"""Seconds below which a network has hardly begun to learn when it must stop."""
MANY_ROWS = 200_000
MANY_CELLS_PER_SECOND = 500_000
"""Cells a second beyond which a forest leaves no time for the others."""
WIDE = 5_000
RESERVE_SHARE = 0.25
"""Share of what is left that the final steps (selection, test, importance, report) may need."""
LEAST_GAIN = 0.001
"""Share of the score that a round must gain for another one; a threshold, not a measured spread."""
BASELINES = frozenset({"dummy"})


class _Facts(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ModelFacts(_Facts):
    """What is known before the first round. `models` are the candidates there are; `asked` those the user named."""

    task: str | None = None
    rows: int = 0
    features: int = 0
    metric: str | None = None
    models: tuple[str, ...] = CLASSIC
    asked: tuple[str, ...] | None = None
    budget_seconds: float | None = None


class Row(_Facts):
    model: str
    status: str = "done"
    validation: float | None = None
    seconds: float = 0.0


class RoundFacts(_Facts):
    """What is known after a round.

    `gains` are the improvements of the best validation score by each tuning round so far, in units of the metric,
    positive is better; `seconds_left` is None in fixed-count mode, where there is no further round.
    """

    metric: str | None = None
    leaderboard: tuple[Row, ...] = ()
    gains: tuple[float, ...] = ()
    seconds_left: float | None = None
    rounds_left: int | None = None
    cancelled: bool = Field(False, description="The user asked to stop.")


def choose_models(facts: Mapping[str, object]) -> ModelProposal:
    """The candidates worth training within the budget, with the reason in words."""
    known = ModelFacts.model_validate(dict(facts))
    if known.asked:
        return ModelProposal(models=known.asked, metric=known.metric, why="These models were asked for.")
    left_out = _left_out(known)
    kept = tuple(name for name in known.models if name not in left_out)
    if not left_out:
        why = f"{_size(known)}: every candidate can be trained{_within(known)}."
        return ModelProposal(models=known.models, metric=known.metric, why=why)
    if not kept:
        why = f"{_size(known)}: nothing else is there to be trained{_within(known)}."
        return ModelProposal(models=known.models, metric=known.metric, why=why)
    reasons = "; ".join(f"{name} is left out: {reason}" for name, reason in left_out.items())
    return ModelProposal(models=kept, metric=known.metric, why=f"{_size(known)}: {reasons}.")


def _left_out(facts: ModelFacts) -> dict[str, str]:
    """Candidates that are not worth the time that there is, with the reason."""
    forest = _why_no_forest(facts) if "forest" in facts.models else ""
    return {**_networks_left_out(facts), **({"forest": forest} if forest else {})}


def _why_no_forest(facts: ModelFacts) -> str:
    seconds, cells = facts.budget_seconds, facts.rows * facts.features
    if facts.features > WIDE:
        return f"a forest is slow on {facts.features:,} features"
    if seconds is None:
        return ""
    if seconds < SHORT_SECONDS:
        return f"{seconds:g} s are better spent on the faster ones"
    if facts.rows > MANY_ROWS and cells > MANY_CELLS_PER_SECOND * seconds:
        return f"it would use up the {seconds:g} s"
    return ""


def _networks_left_out(facts: ModelFacts) -> dict[str, str]:
    """Networks, where the time is too short to train one. Linear can look at an image or a text as well."""
    seconds = facts.budget_seconds
    if seconds is None or seconds >= LEAST_FOR_A_NETWORK:
        return {}
    too_short = f"{seconds:g} s are too few to train a network"
    return {
        name: f"{too_short}, and linear looks at the {NEEDS[name]} too"
        if name in NEEDS and "linear" in facts.models
        else too_short
        for name in facts.models
        if name in NETWORKS
    }


def _size(facts: ModelFacts) -> str:
    return f"{facts.rows:,} rows and {facts.features:,} features" if facts.rows else "The size is not known"


def _within(facts: ModelFacts) -> str:
    return "" if facts.budget_seconds is None else f" within {facts.budget_seconds:g} s"


def next_round(facts: Mapping[str, object]) -> RoundProposal:
    """Tune while it pays: the last gain reached the threshold and another round can be afforded."""
    known = RoundFacts.model_validate(dict(facts))
    stop = _why_stop(known)
    if stop:
        return RoundProposal(action="stop", trials=0, why=stop)
    trials = _affordable(known)
    return RoundProposal(action="tune", trials=trials, why=_why_tune(known, trials))


def _why_stop(facts: RoundFacts) -> str:
    fitted = _fitted(facts)
    if facts.cancelled:
        return "The run was asked to stop."
    if not fitted:
        return "No model beyond the baseline has been fitted, so there is nothing to tune."
    if facts.rounds_left is not None and facts.rounds_left <= 0:
        return "All rounds are used."
    least = _least_gain(facts)
    if facts.gains and facts.gains[-1] <= least:
        threshold = f"the threshold of {LEAST_GAIN:.1%} of the score ({least:.3g})"
        return f"The last round gained {facts.gains[-1]:.3g}, not more than {threshold}."
    if _affordable(facts) < 1:
        return _why_nothing_affordable(facts)
    return ""


def _why_nothing_affordable(facts: RoundFacts) -> str:
    if facts.seconds_left is None:
        return "The fixed number of models is reached."
    return f"{facts.seconds_left:.3g} s are left and one more fit takes about {_trial_seconds(facts):.3g} s."


def _why_tune(facts: RoundFacts, trials: int) -> str:
    best = _fitted(facts)[0].model
    gained = f"the last round gained {facts.gains[-1]:.3g}" if facts.gains else "nothing has been tuned yet"
    time = "" if facts.seconds_left is None else f" and {facts.seconds_left:.3g} s are left"
    return f"{trials} variant(s) around {best}: {gained}{time}."


def _fitted(facts: RoundFacts) -> list[Row]:
    """Fits with a score, best first as the leaderboard is, without the baseline."""
    return [row for row in facts.leaderboard if row.validation is not None and row.model not in BASELINES]


def _least_gain(facts: RoundFacts) -> float:
    return abs(_fitted(facts)[0].validation or 0.0) * LEAST_GAIN


def _trial_seconds(facts: RoundFacts) -> float:
    """Seconds of one more variant: the median of the best family's fits."""
    fitted = _fitted(facts)
    family = family_of(fitted[0].model)
    return median(row.seconds for row in fitted if family_of(row.model) == family)


def _affordable(facts: RoundFacts) -> int:
    if facts.seconds_left is None:
        return 0
    usable = facts.seconds_left * (1 - RESERVE_SHARE)
    return max(0, min(MOST_TRIALS, int(usable / max(_trial_seconds(facts), 0.05))))
