"""What the next attempt changes after a failed validation: what is legal, the rule, and the question to a model."""

from collections.abc import Collection, Mapping, Sequence

from engine.families import CLASSIC, NEEDS
from engine.metrics import METRICS
from engine.naming import did_you_mean
from graphs.pipeline_types import Attempt, PipelineRequest, RetryProposal, Setup
from graphs.proposals import Facts, Question
from tools.training import family_of

MOST_TRIALS = 20
USUAL_TRIALS = 8
LEAST_FOR_A_NETWORK = 8.0
"""Seconds below which a network has hardly begun to learn."""
SCORES = frozenset({"beats_baseline", "min_score"})
NOTHING_LEFT = "Nothing is left to change that could mend it."

Legal = dict[str, object]


def retry_facts(
    request: PipelineRequest, attempts: Sequence[Attempt], kinds: Collection[str], seconds: float | None
) -> dict[str, object]:
    """What is known after a failed attempt. `kinds` are those of the columns; `seconds` what may still be used."""
    last = attempts[-1]
    return {
        "goal": request.goal,
        "metric": last.metric,
        "greater_is_better": METRICS[last.metric].greater_is_better if last.metric else None,
        "failed": {check.name: check.why for check in last.failed},
        "attempts": [_told(attempt) for attempt in attempts],
        "base": base_of(attempts).number,
        "attempts_left": request.attempts - len(attempts),
        "seconds_left": seconds,
        "legal": _legal(request, attempts, kinds, seconds),
    }


def _told(attempt: Attempt) -> dict[str, object]:
    change = attempt.prepared.change
    return {
        "number": attempt.number,
        "change": None if change is None else change.model_dump(mode="json"),
        "score": attempt.score,
        "baseline": attempt.baseline,
        "best": attempt.best,
        "left_out": list(attempt.prepared.drop),
        "failed": [check.name for check in attempt.failed],
        "leaderboard": [row.model_dump(mode="json") for row in attempt.leaderboard],
    }


def _legal(
    request: PipelineRequest, attempts: Sequence[Attempt], kinds: Collection[str], seconds: float | None
) -> Legal:
    last = attempts[-1]
    failed = {check.name for check in last.failed}
    found: Legal = {}
    leaks = [name for name in trained_leaks(last) if name not in request.keep]
    if "no_leak" in failed and leaks:
        found["drop"] = leaks
    # a score with a leak in it is worth nothing: that is mended first, and alone
    if failed & SCORES and "no_leak" not in failed:
        found |= _for_the_score(request, attempts, kinds, seconds)
    return {**found, "stop": True}


def _for_the_score(
    request: PipelineRequest, attempts: Sequence[Attempt], kinds: Collection[str], seconds: float | None
) -> Legal:
    base, last, found = base_of(attempts), attempts[-1], Legal()
    tried = {name for attempt in attempts for name in attempt.prepared.setup.restored}
    out = [column for column in base.prepared.decisions if column.may_help and column.action == "leave out"]
    again = [column.column for column in out if column.column not in tried]
    if again:
        found["restore"] = again
    others = [] if request.models is not None else _untried(attempts, kinds, seconds)
    if others:
        found["other_models"] = others
    if seconds is not None and seconds >= 1 and last.cut and not any(a.prepared.setup.longer for a in attempts):
        found["more_time"] = True
    fitted = any(row.validation is not None and row.model != "dummy" for row in base.leaderboard)
    if fitted and (seconds is None or seconds >= 1):
        found["more_trials"] = MOST_TRIALS if request.max_models is None else min(MOST_TRIALS, request.max_models)
    return found


def base_of(attempts: Sequence[Attempt]) -> Attempt:
    """The attempt that the next one is built on: the best without a leak, of equals the latest; or else the last."""
    clean = [attempt for attempt in attempts if not trained_leaks(attempt)]
    return best_of(clean) if clean else attempts[-1]


def best_of(attempts: Sequence[Attempt]) -> Attempt:
    """The attempt with the best validation score; of equals the latest."""
    scored = [attempt for attempt in attempts if attempt.score is not None]
    if not scored:
        return attempts[-1]
    greater = METRICS[str(scored[-1].metric)].greater_is_better
    return max(scored, key=lambda attempt: ((attempt.score or 0.0) * (1 if greater else -1), attempt.number))


def trained_leaks(attempt: Attempt) -> tuple[str, ...]:
    """Columns that the profile names as leaks and that were trained on all the same."""
    return tuple(name for name in attempt.prepared.leaks if name not in attempt.prepared.drop)


def _untried(attempts: Sequence[Attempt], kinds: Collection[str], seconds: float | None) -> list[str]:
    tried = {family_of(row.model) for attempt in attempts for row in attempt.leaderboard}
    slow = () if seconds is not None and seconds < LEAST_FOR_A_NETWORK else ("network", *NEEDS)
    return [name for name in (*CLASSIC, *slow) if name not in tried and (name not in NEEDS or NEEDS[name] in kinds)]


def check_retry(proposal: RetryProposal, facts: Facts) -> str | None:
    """What is wrong with a proposal."""
    legal = facts["legal"]
    assert isinstance(legal, Mapping)
    if proposal.action not in legal:
        return f"action: {proposal.action!r} is not possible now. Possible are: {', '.join(legal)}."
    given = {"columns": proposal.columns, "models": proposal.models, "trials": proposal.trials}
    wanted = _FIELDS.get(proposal.action)
    for name, value in given.items():
        if name != wanted and value:
            return f"{name}: leave it empty when action is {proposal.action!r}."
    if wanted is None:
        return None
    if wanted == "trials":
        return None if 1 <= proposal.trials <= legal["more_trials"] else f"trials: from 1 to {legal['more_trials']}."
    return _outside(wanted, proposal.columns or proposal.models, legal[proposal.action])


def _outside(field: str, named: Sequence[str], allowed: Sequence[str]) -> str | None:
    if not named:
        return f"{field}: name at least one of {', '.join(allowed)}."
    strange = [name for name in named if name not in allowed]
    if strange:
        return f"{field}: {strange[0]!r} is not among {', '.join(allowed)}. {did_you_mean(strange[0], allowed)}".strip()
    return None


_FIELDS = {"drop": "columns", "restore": "columns", "other_models": "models", "more_trials": "trials"}


def choose_retry(facts: Facts) -> RetryProposal:
    """The change by rule: leaks out; else undo what may have cost score, then what has not been tried, then more."""
    legal, failed = facts["legal"], facts["failed"]
    assert isinstance(legal, Mapping)
    assert isinstance(failed, Mapping)
    if "drop" in legal:
        return RetryProposal(action="drop", columns=tuple(legal["drop"]), why=f"No leak may stay: {failed['no_leak']}")
    why = " ".join(str(text) for text in failed.values())
    if "restore" in legal:
        columns = tuple(legal["restore"])
        return RetryProposal(action="restore", columns=columns, why=f"What was left out may have cost score. {why}")
    if "other_models" in legal:
        return RetryProposal(action="other_models", models=tuple(legal["other_models"]), why=f"Not tried yet. {why}")
    if "more_time" in legal:
        return RetryProposal(action="more_time", why=f"Some candidates were cut short. {why}")
    if "more_trials" in legal:
        trials = min(USUAL_TRIALS, int(legal["more_trials"]))
        return RetryProposal(action="more_trials", trials=trials, why=f"Variants of the best family may do. {why}")
    return RetryProposal(action="stop", why=f"{NOTHING_LEFT} {why}")


def next_setup(before: Setup, change: RetryProposal | None) -> Setup:
    """The setup of the next attempt. `change` is None where the user changed the request instead."""
    left_out = dict(before.left_out)
    again = {"trials": 0, "trials_before": 0}
    match change:
        case RetryProposal(action="drop", columns=columns, why=why):
            return before.model_copy(update={"left_out": left_out | dict.fromkeys(columns, why), **again})
        case RetryProposal(action="restore", columns=columns):
            kept = {name: why for name, why in left_out.items() if name not in columns}
            return before.model_copy(update={"left_out": kept, "restored": (*before.restored, *columns), **again})
        case RetryProposal(action="other_models", models=models):
            return before.model_copy(update={"models": models, **again})
        case RetryProposal(action="more_time"):
            return before.model_copy(update={"longer": True, **again})
        case RetryProposal(action="more_trials", trials=trials):
            so_far = before.trials_before + before.trials
            return before.model_copy(update={"trials_before": so_far, "trials": trials})
        case _:
            return before.model_copy(update={"models": None, **again})


RETRY = Question("propose_retry", RetryProposal, check_retry, choose_retry)
