"""Words about the work itself. Every figure is copied from a result; what is added says what the figures mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.offline.conversation import Json
from agents.offline.wording import figure, name_of, scored

_MEASURES: Mapping[str, str] = {
    "roc_auc": "how well it ranks: the chance that a positive row gets a higher score than a negative one",
    "average_precision": "how clean the top of the ranking is, which suits a rare class",
    "f1": "the balance of precision and recall at one threshold",
    "macro_f1": "f1 of every class, each counting alike, which suits uneven classes",
    "accuracy": "the share of right answers, which a rare class hardly moves",
    "balanced_accuracy": "the share of right answers within each class, averaged",
    "log_loss": "how good the probabilities are, the smaller the better",
    "precision": "how many of the rows called positive are",
    "recall": "how many of the positive rows are found",
    "rmse": "the typical error, large ones counting more, the smaller the better",
    "mae": "the mean error in the target's own unit, the smaller the better",
    "r2": "the share of the spread that is explained",
}
_SMALLER = frozenset({"log_loss", "rmse", "mae"})
_PAST: Mapping[str, str] = {
    "import_dataset": "loaded {source}",
    "profile_dataset": "described {dataset}",
    "estimate_training": "estimated a training for {target}",
    "train_model": "trained a model for {target}",
    "evaluate_model": "evaluated {model}",
    "compare_models": "compared the models",
    "explain_model": "explained {model}",
    "predict": "predicted with {model}",
    "promote_model": "promoted {model} to {alias}",
    "distil_model": "distilled {model}",
    "optimise_model": "optimised {model}",
    "export_model": "exported {model}",
    "benchmark_models": "measured how fast the models are",
    "create_monitor": "set up a monitor",
    "check_drift": "checked for drift",
    "retrain_model": "trained a challenger",
    "make_plan": "made a plan",
    "edit_plan": "changed the plan",
    "run_plan": "ran the plan",
    "run_crew": "had the crew work on {target}",
    "research": "looked into a question",
    "write_code": "wrote code",
    "test_model": "tested {model}",
    "plan_deployment": "planned the deployment of {model}",
    "remember": "took a note",
}
"""What a call did; looking at lists is not told."""
_MOST_PAST = 12


def why_model(shown: Json, asked: Sequence[str]) -> str:
    """Why the best candidate was taken, and where `asked` stood."""
    rows = [row for row in shown.get("leaderboard") or [] if isinstance(row, dict)]
    scores = [row for row in rows if row.get("validation") is not None]
    if not scores:
        return "No leaderboard is recorded for this model, so I cannot say what it was chosen over."
    metric = name_of((shown.get("validation") or {}).get("name") or "the metric")
    best, others = scores[0], scores[1:3]
    text = f"{name_of(best.get('model'))} had the best {metric} in validation: {figure(best['validation'])}"
    if others:
        text += " against " + " and ".join(
            f"{figure(row['validation'])} of {name_of(row.get('model'))}" for row in others
        )
    lines = [f"{text}.", *(_stood(name, rows, metric) for name in asked)]
    return "\n".join([*lines, _next(asked, rows)])


def _stood(name: str, rows: Sequence[Json], metric: str) -> str:
    for place, row in enumerate(rows, 1):
        if row.get("model") != name:
            continue
        if row.get("validation") is None:
            return (
                f"{name} gave no result: {name_of(row.get('status'))} {name_of(row.get('detail') or '')}".strip() + "."
            )
        return f"{name} came {_PLACES.get(place, f'in place {place}')} with {metric} {figure(row['validation'])}."
    return f"{name} was not among the candidates: I take those that usually do well on such columns in such a time."


_PLACES = {1: "first", 2: "second", 3: "third"}


def _next(asked: Sequence[str], rows: Sequence[Json]) -> str:
    untried = [name for name in asked if name not in {row.get("model") for row in rows}]
    return f"Say 'use {untried[0]} instead' to try it." if untried else "'show the leaderboard' lists all of them."


def no_candidate(family: str) -> str:
    """For 'why not xgboost?'."""
    return f"There is no candidate for {family} here; lightgbm is the nearest thing to boosted trees."


def why_metric(shown: Json, asked: str | None, training: Json | None) -> str:
    """Why this metric; `training` are the settings of the last one, where it was in this conversation."""
    used = str((shown.get("validation") or {}).get("name") or "")
    if not used:
        return "No validation score is recorded for this model."
    why = ""
    if training is not None:
        named = training.get("metric") is not None
        why = ", because you asked for it" if named else ", the usual one for such a target, since none was named"
    lines = [f"It was chosen by {used}{why}. It says {_MEASURES.get(used, 'how good the model is')}."]
    if asked is not None and asked != used:
        lines.append(
            f"{asked} says {_MEASURES.get(asked, 'something else')}. Say 'use {asked} instead' to choose by it."
        )
    return "\n".join(lines)


def judged(shown: Json) -> str:
    """Whether a model is better than the baseline, how sure its score is, and whether validation and test agree."""
    summary = shown.get("summary") or {}
    test, validation, baseline = summary.get("metric") or {}, shown.get("validation") or {}, shown.get("baseline") or {}
    lines = [f"{name_of(summary.get('model'))} has {scored(test)} on the sealed test rows."]
    lines.append(_against_baseline(test, baseline))
    lines.append(_against_validation(test, validation))
    lines.append("Whether that is enough depends on what a wrong answer costs; 'evaluate it on FILE' tries other rows.")
    return "\n".join(line for line in lines if line)


def _against_baseline(test: Json, baseline: Json) -> str:
    interval, level = _interval(test), baseline.get("value")
    if interval is None or not isinstance(level, int | float) or baseline.get("name") != test.get("name"):
        return ""
    smaller = test.get("name") in _SMALLER
    clear = interval[1] < level if smaller else interval[0] > level
    said = f"the dummy baseline has {figure(level)}"
    if clear:
        return f"That is better than guessing: the whole interval beats the baseline ({said})."
    return f"That is not surely better than guessing: the interval does not clear the baseline ({said})."


def _against_validation(test: Json, validation: Json) -> str:
    interval, value = _interval(test), validation.get("value")
    if interval is None or not isinstance(value, int | float) or validation.get("name") != test.get("name"):
        return ""
    if interval[0] <= value <= interval[1]:
        return f"Validation agrees ({figure(value)} lies inside the interval), so I see no overfitting."
    worse = value < interval[0] if test.get("name") in _SMALLER else value > interval[1]
    if worse:
        return f"In validation it looked better ({figure(value)}): expect the test figure, not that one."
    return f"In validation it was a little worse ({figure(value)}), so the test figure may be lucky."


def _interval(score: Json) -> tuple[float, float] | None:
    ci = score.get("ci")
    return (float(ci[0]), float(ci[1])) if isinstance(ci, list | tuple) and len(ci) == 2 else None


def data_used(row: Json, source: str | None, training: Json | None) -> str:
    """Words for which table is in use."""
    text = f"{name_of(row.get('name') or row.get('dataset'))} ({row.get('dataset')})"
    if source or row.get("source"):
        text += f", from {name_of(source or row.get('source'))}"
    if row.get("rows") is not None:
        text += f", {figure(row['rows'])} rows"
    target = (training or {}).get("target")
    of_it = target is not None and (training or {}).get("dataset") == row.get("dataset")
    return f"We are on {text}." + (f" The target is {name_of(target)}." if of_it else " No target is chosen yet.")


def done_so_far(past: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any] | None]]) -> str:
    """The calls of the conversation, in order, with the figure of each training."""
    told = [_step(tool, arguments, result) for tool, arguments, result in past if tool in _PAST]
    if not told:
        return "Nothing was done yet in this conversation. Give me a file and say what to predict."
    earlier = len(told) - _MOST_PAST
    head = f"So far (the last {_MOST_PAST} of {len(told)} steps):" if earlier > 0 else "So far:"
    lines = [f"{place}. {text}" for place, text in enumerate(told, 1)][-_MOST_PAST:]
    return "\n".join([head, *lines])


def _step(tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any] | None) -> str:
    slots = {name: name_of(value) for name, value in arguments.items() if isinstance(value, str)}
    text = _PAST[tool].format_map(_Named(slots))
    if result is None:
        return f"{text}, which failed"
    if tool == "train_model" and result.get("model"):
        return f"{text}: {name_of(result.get('best'))} ({result['model']}), {scored(result.get('metric'))}"
    return text


class _Named(dict[str, str]):
    """Names by their place in a sentence; one that was not given is 'it'."""

    def __missing__(self, key: str) -> str:
        return "it"
