"""What each member of the development crew does next where no language model leads it.

A rule reads the ledger of its task, so a member that is started again goes on where it was, and one whose work is sent
back does what is missing. Whatever it says is taken from results.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from agents.plan import ModelProposal, RoundProposal
from agents.rules import choose_models, next_round
from crews.brief import Brief
from crews.ledger import TRAINING, Ledger, ToolRecord, trained_seconds
from crews.rule import Move
from engine.figures import figure
from tools.data import DatasetProfile
from tools.deploying import DeploymentPlan
from tools.testing import ModelTest
from tools.training import Explanation, Task, TrainingEstimate, TrainingResult, family_of

Result = TypeVar("Result", bound=BaseModel)
Rule = Callable[[Brief, Ledger], Move]

RESERVE_SHARE, LEAST_RESERVE, MOST_RESERVE = 0.15, 2.0, 60.0
"""Of the budget, for the look at the sealed rows, the explanation and the package."""
FIRST_SHARE = 0.6
"""Of the rest, for the first round; what it leaves is for tuning."""
LEAST_ROUND = 1.0
QUICK = frozenset({"linear", "lightgbm"})
"""Families that are recommended where the pilot had no time for them."""
TEST_SECONDS = 30.0


def result_in(ledger: Ledger, tool: str, kind: type[Result]) -> Result | None:
    """The newest result of a tool in this crew run, in its type."""
    record = ledger.last(tool)
    return None if record is None else kind.model_validate_json(record.result)


def trainings(ledger: Ledger) -> list[TrainingResult]:
    """The rounds of training in their order."""
    made = [record for record in ledger.calls if record.tool == "train_model" and record.ok]
    return [TrainingResult.model_validate_json(record.result) for record in made]


def seconds_of(record: ToolRecord) -> float:
    """How long a call took: for a training its own account, since who goes on with a job sees only the end of it."""
    return trained_seconds([record]) if record.tool == TRAINING and record.ok else record.seconds


def model_of(ledger: Ledger, brief: Brief) -> TrainingResult | None:
    """The newest training that registered a model of the target asked for."""
    fitting = [one for one in trainings(ledger) if one.model and (one.dataset, one.target) == _subject(brief)]
    return fitting[-1] if fitting else None


def _subject(brief: Brief) -> tuple[str, str]:
    return brief.dataset, brief.target


def recommended(brief: Brief, profile: DatasetProfile, estimate: TrainingEstimate | None) -> ModelProposal:
    """The candidates worth training, from the profile and the timed pilot."""
    task = estimate.task if estimate is not None else task_of(brief) or profile.task
    facts: dict[str, object] = {"rows": profile.rows, "task": task, "asked": brief.models}
    facts |= {"features": len(profile.columns) - 1 - len(brief.drop), "budget_seconds": brief.budget_seconds}
    facts["metric"] = brief.demands.metric
    if estimate is None:
        return choose_models(facts)
    fitting, left_out = _timed(estimate, brief)
    facts |= {"models": fitting, "features": estimate.features, "metric": brief.demands.metric or estimate.metric}
    chosen = choose_models(facts)
    if brief.models:
        return chosen
    reasons = "; ".join(f"{name} {why}" for name, why in left_out.items())
    untimed = ", ".join(name for name in chosen.models if name in _untimed(estimate))
    words = [
        f"Left out by the pilot: {reasons}." if reasons else "",
        f"Not timed by the pilot and kept all the same: {untimed}." if untimed else "",
        chosen.why,
    ]
    return chosen.model_copy(update={"why": " ".join(filter(None, words))})


def _untimed(estimate: TrainingEstimate) -> set[str]:
    """The families of which the pilot timed nothing."""
    timed = {family_of(row.model) for row in estimate.candidates if row.seconds is not None}
    return {family_of(row.model) for row in estimate.candidates} - timed


def _timed(estimate: TrainingEstimate, brief: Brief) -> tuple[list[str], dict[str, str]]:
    """The families that fit into the budget by the pilot, else the fastest, and why the others are left out.

    A pilot too short to time a family says nothing against those that are quick on any table.
    """
    times: dict[str, float | None] = {}
    for row in estimate.candidates:
        times.setdefault(family_of(row.model), row.seconds)
    times.pop("dummy", None)
    limit = brief.budget_seconds
    fitting = [name for name, took in times.items() if limit is None or _fits(name, took, limit)]
    if not fitting:
        timed = {name: took for name, took in times.items() if took is not None}
        fitting = [min(timed, key=lambda name: timed[name])] if timed else list(times)
    others = {name: took for name, took in times.items() if name not in fitting}
    untimed = "was not timed within the pilot's time"
    return fitting, {name: untimed if took is None else f"takes {figure(took)} s" for name, took in others.items()}


def _fits(family: str, took: float | None, limit: float) -> bool:
    return family in QUICK if took is None else took <= limit


# the Data Scientist


def analyse(brief: Brief, ledger: Ledger) -> Move:
    """Profile the data, time a pilot, recommend."""
    profile = result_in(ledger, "profile_dataset", DatasetProfile)
    if profile is None:
        return _call(ledger, "analyse", "profile_dataset", {"dataset": brief.dataset, "target": brief.target})
    estimate = result_in(ledger, "estimate_training", TrainingEstimate)
    if estimate is None:
        choices = {**_choices(brief), "models": brief.models, "budget_seconds": brief.budget_seconds}
        return _call(ledger, "analyse", "estimate_training", choices | {"metric": brief.demands.metric})
    chosen = recommended(brief, profile, estimate)
    words = [
        f"There are {profile.rows:,} training rows and {estimate.features:,} features to predict {brief.target}.",
        f"It is a {estimate.task} task; I would judge by {chosen.metric or estimate.metric}, by {estimate.validation}.",
        f"I recommend {', '.join(chosen.models)}. {chosen.why}",
        f"The pilot expects {figure(estimate.seconds)} s and {figure(estimate.memory_mb)} MB.",
        *_warnings(profile.warnings),
    ]
    return Move(text=" ".join(words))


def _warnings(warnings: Sequence[str]) -> list[str]:
    if not warnings:
        return ["The profile has no warning."]
    return [f"The profile has {len(warnings)} warning(s), listed in the report."]


# the ML Engineer


def implement(brief: Brief, ledger: Ledger) -> Move:
    """Train, tune while it pays, finish with one look at the sealed rows, explain."""
    rounds, finished = trainings(ledger), model_of(ledger, brief)
    if finished is None:
        return _train(brief, ledger, rounds)
    if result_in(ledger, "explain_model", Explanation) is None:
        return _call(ledger, "implement", "explain_model", {"model": finished.model})
    assert finished.metric is not None
    low, high = finished.metric.ci
    words = [
        f"The model is {finished.model}: {finished.best}, chosen among {len(finished.leaderboard)} candidates.",
        f"On {finished.metric.rows:,} sealed rows its {finished.metric.name} is {figure(finished.metric.value)} "
        f"(95 % interval {figure(low)} to {figure(high)}).",
        *_validated(finished),
        *_tuned(brief, ledger),
        *_most_used(finished),
    ]
    return Move(text=" ".join(words))


def _train(brief: Brief, ledger: Ledger, rounds: Sequence[TrainingResult]) -> Move:
    shared: dict[str, object] = {**_choices(brief), **_recommended_choices(brief, ledger)}
    if brief.budget_seconds is None:
        # a fixed number of models is trained in one round, and what comes of it is reproducible
        return _call(ledger, "implement", "train_model", {**shared, "budget_seconds": None, "name": brief.name})
    left = brief.budget_seconds - trained_seconds(ledger.calls)
    if not rounds:
        first = max(LEAST_ROUND, FIRST_SHARE * (left - _reserve(brief)))
        return _call(ledger, "implement", "train_model", {**shared, "finish": False, **_seconds(first)})
    shared["run"] = rounds[-1].run
    if len(rounds) == 1 and (trials := _trials(rounds, left - _reserve(brief), brief)):
        tuning = {"finish": False, "trials": trials, **_seconds(left - _reserve(brief))}
        return _call(ledger, "implement", "train_model", {**shared, **tuning})
    return _call(ledger, "implement", "train_model", {**shared, "name": brief.name, **_seconds(left)})


def _trials(rounds: Sequence[TrainingResult], seconds: float, brief: Brief) -> int:
    """How many tuned variants pay, by the rule that runs follow too."""
    choice = _choice(rounds[-1], seconds)
    return choice.trials if choice.action == "tune" and seconds >= LEAST_ROUND else 0


def _choice(result: TrainingResult, seconds: float) -> RoundProposal:
    board = [row.model_dump(mode="json") for row in result.leaderboard]
    return next_round({"leaderboard": board, "gains": [], "seconds_left": seconds, "cancelled": result.cancelled})


def _recommended_choices(brief: Brief, ledger: Ledger) -> dict[str, object]:
    profile = result_in(ledger, "profile_dataset", DatasetProfile)
    if profile is None:
        return {"models": brief.models, "metric": brief.demands.metric}
    chosen = recommended(brief, profile, result_in(ledger, "estimate_training", TrainingEstimate))
    return {"models": list(chosen.models), "metric": chosen.metric}


def _validated(result: TrainingResult) -> list[str]:
    if result.validation is None or result.baseline is None:
        return []
    value, dummy = figure(result.validation.value), figure(result.baseline.value)
    return [f"Validated by {result.validation.method} it has {value}, the baseline {dummy}."]


def tuned_variants(ledger: Ledger) -> list[int]:
    """How many tuned variants each round of training was asked for."""
    return [_count(one.arguments.get("trials")) for one in ledger.calls if one.tool == TRAINING and one.ok]


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _tuned(brief: Brief, ledger: Ledger) -> list[str]:
    """Why nothing was tuned, where nothing was; without the seconds left, which no tool result holds."""
    if any(tuned_variants(ledger)):
        return []
    if brief.budget_seconds is None:
        return ["Nothing was tuned: a fixed number of models is trained in one round."]
    first = trainings(ledger)[0]
    choice = _choice(first, brief.budget_seconds - first.seconds - _reserve(brief))
    if choice.action == "stop" and not re.search(r"\d", choice.why):
        return [f"Nothing was tuned. {choice.why}"]
    return ["Nothing was tuned: what the first round left of the budget is too little for one more fit."]


def _most_used(result: TrainingResult) -> list[str]:
    columns = [row.column for row in result.importance[:3]]
    return [f"It relies most on {', '.join(columns)}."] if columns else []


def _reserve(brief: Brief) -> float:
    return min(MOST_RESERVE, max(LEAST_RESERVE, RESERVE_SHARE * (brief.budget_seconds or 0.0)))


def _seconds(seconds: float) -> dict[str, object]:
    return {"budget_seconds": round(max(LEAST_ROUND, seconds), 1)}


# the QA Engineer


def test(brief: Brief, ledger: Ledger) -> Move:
    """Try the model on edge cases and hold it against what is required."""
    found = result_in(ledger, "test_model", ModelTest)
    if found is None:
        trained = model_of(ledger, brief)
        if trained is None:
            return Move(text="There is no model to test.")
        seconds = min(TEST_SECONDS, brief.budget_seconds or TEST_SECONDS)
        asked = {"model": trained.model, "seconds": seconds, "seed": brief.seed, **brief.demands.given}
        return _call(ledger, "test", "test_model", asked)
    return Move(text=found.summary)


# the MLOps Engineer


def deploy(brief: Brief, ledger: Ledger) -> Move:
    """Plan how the model would be served, watched, tried out and taken back."""
    found = result_in(ledger, "plan_deployment", DeploymentPlan)
    if found is None:
        trained = model_of(ledger, brief)
        if trained is None:
            return Move(text="There is no model to deploy.")
        return _call(ledger, "deploy", "plan_deployment", {"model": trained.model})
    return Move(text=found.summary)


RULES: dict[str, Rule] = {"analyse": analyse, "implement": implement, "test": test, "deploy": deploy}


def _choices(brief: Brief) -> dict[str, object]:
    return {
        "dataset": brief.dataset,
        "target": brief.target,
        "drop": list(brief.drop),
        "seed": brief.seed,
        "max_models": brief.max_models,
        "task": task_of(brief),
    }


def task_of(brief: Brief) -> Task | None:
    """The task that was asked for, or that the metric asked for belongs to; None leaves it to the data."""
    from engine.metrics import METRICS

    metric = METRICS.get(brief.demands.metric or "")
    return brief.task or ("regression" if metric is not None and metric.tasks == ("regression",) else None)


def _call(ledger: Ledger, task: str, tool: str, arguments: dict[str, object]) -> Move:
    """The call.

    Raises:
        Fixable: the very same was refused before. A rule has no other arguments; the user has.
    """
    for one in ledger.of(task):
        if one.tool == tool and one.failure is not None and _same(one, arguments):
            raise one.failure.error()
    return Move(tool=tool, arguments=arguments)


def _same(record: ToolRecord, arguments: dict[str, object]) -> bool:
    """Whether these are the arguments of the record, but for the seconds, which change with the time left."""
    asked = json.loads(json.dumps(arguments))
    return all(record.arguments.get(name) == value for name, value in asked.items() if name != "budget_seconds")
