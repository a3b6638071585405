"""Results in words. Every figure is copied from a tool's result; every name from data is shown as a name, shortened."""

import re
from collections.abc import Iterable, Mapping

from agents.offline.conversation import Json
from engine.figures import figure as in_figures

LONGEST_NAME = 60
LONGEST_NOTE = 300
_PATH = re.compile(r"(?:~|\.{0,2}|[A-Za-z]:|\w+:/)[/\\]|\S+[/\\]\S+$")


def name_of(name: object) -> str:
    """A name from data, on one line and no longer than a line can take; of a path its end, in whole names."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(name)).split())
    if len(text) <= LONGEST_NAME:
        return text
    end = re.search(r"[/\\].+", text[1 - LONGEST_NAME :]) if _PATH.match(text) else None
    return f"…{end.group()}" if end else text[: LONGEST_NAME - 1] + "…"


def names(items: Iterable[object], most: int = 8) -> str:
    """Names, comma-separated, and how many more there are."""
    every = [name_of(item) for item in items]
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")


def figure(value: object) -> str:
    """A figure as engine.figures has it; anything else as a name."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return name_of(value)
    return in_figures(value)


def seconds(value: object) -> str:
    """Seconds with one decimal."""
    return f"{value:.1f} s" if isinstance(value, int | float) else name_of(value)


def scored(value: Mapping[str, object] | None) -> str:
    """'roc_auc 0.8634 (95 % interval 0.8471 to 0.879, 1,409 rows)' of a MetricValue or ValidationValue."""
    if not value:
        return "no score"
    text = f"{name_of(value.get('name'))} {figure(value.get('value'))}"
    details = []
    interval = value.get("ci")
    if isinstance(interval, list | tuple) and len(interval) == 2:
        details.append(f"95 % interval {figure(interval[0])} to {figure(interval[1])}")
    if value.get("rows") is not None:
        details.append(f"{figure(value['rows'])} rows")
    if value.get("method"):
        details.append(name_of(value["method"]))
    return f"{text} ({', '.join(details)})" if details else text


def measured(importance: object) -> list[Json]:
    """The rows of the columns that matter by more than the spread of the measurement, in their order."""
    rows = [row for row in importance if isinstance(row, dict)] if isinstance(importance, list) else []
    return [row for row in rows if float(row.get("importance") or 0) > float(row.get("deviation") or 0)]


def top_columns(importance: object, most: int = 3) -> str:
    """What matters most, as a sentence; '' when nothing was measured."""
    if not importance:
        return ""
    found = [row.get("column") for row in measured(importance)]
    if not found:
        return "No column matters measurably."
    return f"What matters most: {names(found[:most], most)}."


def notes(result: Json, most: int = 2) -> list[str]:
    """The first notes or warnings of a result, as lines."""
    listed = result.get("notes") or result.get("warnings") or []
    return [f"Note: {one_line(note)}" for note in list(listed)[:most]]


def one_line(note: object) -> str:
    """A sentence on one line, shortened where it is long."""
    text = " ".join(str(note).split())
    return text if len(text) <= LONGEST_NOTE else text[: LONGEST_NOTE - 1] + "…"


def imported(result: Json) -> str:
    """Words for import_dataset."""
    kinds: dict[str, int] = {}
    for column in result.get("columns") or []:
        kinds[str(column.get("kind"))] = kinds.get(str(column.get("kind")), 0) + 1
    train, test = figure(result.get("train_rows")), figure(result.get("test_rows"))
    lines = [
        f"Loaded {name_of(result.get('name'))} as {result.get('dataset')}: {figure(result.get('rows'))} rows, "
        f"{figure(len(result.get('columns') or []))} columns "
        f"({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items(), key=lambda item: -item[1]))}).",
        f"{train} rows are for training, {test} are sealed as the test ({name_of(result.get('split'))}).",
    ]
    if result.get("target"):
        lines.append(f"Target: {name_of(result['target'])}.")
    lines.append("Next: say what to predict, or 'describe it'.")
    return "\n".join([*lines, *notes(result)])


def datasets(result: Json) -> str:
    """Words for list_datasets."""
    rows = result.get("datasets") or []
    if not rows:
        return "There are no datasets yet. Give me a file, or try 'load sample:churn'."
    lines = [
        f"{place}. {row.get('dataset')}: {name_of(row.get('name'))}, {figure(row.get('rows'))} rows, "
        f"{figure(len(row.get('columns') or []))} columns"
        + (f", target {name_of(row['target'])}" if row.get("target") else "")
        for place, row in enumerate(rows[:10], 1)
    ]
    return "\n".join([f"{figure(len(rows))} dataset(s), newest first:", *lines])


def profiled(result: Json) -> str:
    """Words for profile_dataset."""
    columns = [column for column in result.get("columns") or [] if isinstance(column, dict)]
    lines = [
        f"{result.get('dataset')} has {figure(result.get('rows'))} training rows and {figure(len(columns))} columns."
    ]
    if result.get("target"):
        shares = ", ".join(
            f"{name_of(label)} {figure(share)}" for label, share in list((result.get("class_shares") or {}).items())[:5]
        )
        lines.append(
            f"Target {name_of(result['target'])} ({name_of(result.get('task'))})"
            + (f"; class shares: {shares}." if shares else ".")
        )
    related = sorted((c for c in columns if c.get("relation") is not None), key=lambda c: -float(c["relation"]))[:3]
    if related:
        lines.append(
            "Most related to the target: "
            + ", ".join(f"{name_of(c['name'])} ({figure(c['relation'])})" for c in related)
            + "."
        )
    missing = sorted((c for c in columns if c.get("missing")), key=lambda c: -float(c["missing"]))[:3]
    if missing:
        lines.append(
            "Most missing: " + ", ".join(f"{name_of(c['name'])} ({figure(c['missing'])})" for c in missing) + "."
        )
    else:
        lines.append("No value is missing.")
    return "\n".join([*lines, *notes(result)])


def estimated(result: Json) -> str:
    """Words for estimate_training."""
    each = ", ".join(
        f"{name_of(row.get('model'))} {_timed(row.get('seconds'))}" for row in result.get("candidates") or []
    )
    lines = [
        f"Training {name_of(result.get('target'))} ({name_of(result.get('task'))}, {name_of(result.get('metric'))}, "
        f"{name_of(result.get('validation'))}) on {figure(result.get('rows'))} rows would take about "
        f"{seconds(result.get('seconds'))} and {figure(result.get('memory_mb'))} MB.",
    ]
    if each:
        lines.append(f"Of that: {each}.")
    return "\n".join([*lines, *notes(result), "Say 'go ahead' to train it."])


def _timed(value: object) -> str:
    return "(not timed)" if value is None else seconds(value)


def trained(result: Json) -> str:
    """Words for train_model."""
    if not result.get("model"):
        return _not_registered(result)
    stopped = " It was stopped early; this is the best so far." if result.get("cancelled") else ""
    lines = [
        f"Trained in {seconds(result.get('seconds'))}: {name_of(result.get('best'))} predicts "
        f"{name_of(result.get('target'))} best; the model is {result['model']}.{stopped}",
        f"On the sealed test rows: {scored(result.get('metric'))}.",
        f"In validation: {scored(result.get('validation'))}; the dummy baseline has {scored(result.get('baseline'))}.",
    ]
    top = top_columns(result.get("importance"))
    if top:
        lines.append(top)
    lines.append(f"Report: {result.get('report')}. Next: ask 'how sure are you?', or say 'predict FILE'.")
    return "\n".join([*lines, *notes(result, 1)])


def _not_registered(result: Json) -> str:
    if result.get("validation"):
        return (
            f"{name_of(result.get('best'))} is best so far in validation: {scored(result['validation'])}, after "
            f"{seconds(result.get('seconds'))}. Nothing was registered (run {result.get('run')})."
        )
    return (
        f"The training ended after {seconds(result.get('seconds'))} without a usable model (run {result.get('run')})."
    )


def evaluated(result: Json) -> str:
    """Words for evaluate_model."""
    others = result.get("others") or {}
    lines = [f"{result.get('model')} on {name_of(result.get('data'))}: {scored(result.get('metric'))}."]
    if others:
        lines.append(
            "Also: " + ", ".join(f"{name_of(name)} {figure(value)}" for name, value in list(others.items())[:6]) + "."
        )
    if result.get("looks"):
        lines.append(f"The sealed test of this dataset has now been looked at {figure(result['looks'])} time(s).")
    return "\n".join([*lines, *notes(result)])


def compared(result: Json) -> str:
    """Words for compare_models."""
    rows = result.get("rows") or []
    if not rows:
        return "There are no models to compare yet."
    lines = [
        f"{place}. {row.get('model')} ({_version(row)}, {name_of(row.get('kind'))}): {scored(row.get('metric'))}"
        for place, row in enumerate(rows[:10], 1)
    ]
    return "\n".join([*lines, one_line(result.get("verdict"))])


def explained(result: Json) -> str:
    """Words for explain_model."""
    rows = [row for row in result.get("importance") or [] if isinstance(row, dict)]
    if not rows:
        return f"No importance is recorded for {result.get('model')}."
    rows = measured(rows)
    if not rows:
        return f"No column matters measurably to {result.get('model')}. Report: {result.get('report')}"
    metric = name_of(result.get("metric"))
    lines = [f"To predict {name_of(result.get('target'))}, {result.get('model')} relies most on:"]
    lines += [
        f"{place}. {name_of(row.get('column'))}: shuffling it costs {figure(row.get('importance'))} of {metric}"
        for place, row in enumerate(rows[:5], 1)
    ]
    return "\n".join([*lines, f"That is what the model uses, not what causes it. Report: {result.get('report')}"])


def predicted(result: Json) -> str:
    """Words for predict."""
    rows = [row for row in result.get("predictions") or [] if isinstance(row, dict)]
    after = [*_logged(result), *notes(result)]
    if result.get("out"):
        head = f"Predicted {figure(result.get('rows'))} rows with {result.get('model')}; they are in {result['out']}."
        return "\n".join([head, *after])
    if len(rows) == 1:
        return "\n".join([f"Prediction: {_prediction(rows[0])}, by {result.get('model')}.", *after])
    lines = [f"{place}. {_prediction(row)}" for place, row in enumerate(rows[:5], 1)]
    head = f"Predicted {figure(result.get('rows'))} rows with {result.get('model')}. The first of them:"
    return "\n".join([head, *lines, *after])


def _logged(result: Json) -> list[str]:
    """That a monitor has the rows, with the id of the first, by which labels are told later."""
    rows = result.get("predictions")
    if not result.get("logged") or not isinstance(rows, list) or not rows:
        return []
    first = f", the first as {name_of(rows[0]['row_id'])}" if rows[0].get("row_id") else ""
    return [f"{figure(result['logged'])} row(s) are logged for the monitor{first}: true values are told by row id."]


def _prediction(row: Json) -> str:
    label = row.get("prediction")
    chance = row.get(f"probability_{label}")
    # a class is a name even where it looks like a number: 2021 is not 2,021
    return f"{name_of(label)} (probability {figure(chance)})" if chance is not None else figure(label)


def models(result: Json) -> str:
    """Words for list_models."""
    rows = result.get("models") or []
    if not rows:
        return "There are no models yet. Say for example 'train on sample:churn'."
    lines = [
        f"{place}. {row.get('model')}: {_version(row)}, "
        f"predicts {name_of(row.get('target'))} with {scored(row.get('metric'))}"
        for place, row in enumerate(rows[:10], 1)
    ]
    return "\n".join([f"{figure(len(rows))} model(s), newest first:", *lines])


def _version(row: Json) -> str:
    aliases = row.get("aliases") or []
    text = f"{name_of(row.get('name'))} version {figure(row.get('version'))}"
    return f"{text} [{names(aliases)}]" if aliases else text


def shown(result: Json) -> str:
    """Words for show_model."""
    summary = result.get("summary") or {}
    lines = [
        f"{summary.get('model')} ({_version(summary)}) is {name_of(summary.get('kind'))} and predicts "
        f"{name_of(summary.get('target'))} from {figure(len(result.get('columns') or {}))} columns.",
        f"On the sealed test rows: {scored(summary.get('metric'))}.",
        f"In validation: {scored(result.get('validation'))}; the dummy baseline has {scored(result.get('baseline'))}.",
    ]
    top = top_columns(result.get("importance"))
    if top:
        lines.append(top)
    return "\n".join([*lines, f"Report: {result.get('report')}"])


def leaderboard(result: Json) -> str:
    """The candidates of a model's training, from show_model or train_model."""
    rows = [row for row in result.get("leaderboard") or [] if isinstance(row, dict)]
    if not rows:
        return "No leaderboard is recorded for this model."
    metric = name_of((result.get("validation") or {}).get("name") or "validation score")
    lines = [
        f"{place}. {name_of(row.get('model'))}: {metric} {figure(row['validation'])} in {seconds(row.get('seconds'))}"
        if row.get("validation") is not None
        else f"{place}. {name_of(row.get('model'))}: {name_of(row.get('status'))} {one_line(row.get('detail', ''))}"
        for place, row in enumerate(rows[:10], 1)
    ]
    return "\n".join(["Candidates by their validation score, best first:", *lines])


def promoted(result: Json) -> str:
    """Words for promote_model."""
    text = f"{result.get('model')} ({_version(result)}) is now the {name_of(result.get('alias'))}."
    previous = result.get("previous")
    return f"{text} Before it was {previous}." if previous else text


def job(result: Json) -> str:
    """Words for job_status and cancel_job."""
    text = f"{result.get('job')} ({name_of(result.get('tool'))}) is {name_of(result.get('state'))}"
    summary = f": {one_line(result['summary'])}" if result.get("summary") else ""
    error = f" It failed: {one_line(result['error'])}" if result.get("error") else ""
    return f"{text}{summary}{'' if summary.endswith('.') else '.'}{error}"


def jobs(result: Json) -> str:
    """Words for list_jobs."""
    rows = result.get("jobs") or []
    if not rows:
        return "There are no jobs yet."
    lines = [f"{place}. {job(row)}" for place, row in enumerate(rows[:10], 1)]
    return "\n".join([f"{figure(len(rows))} job(s), newest first:", *lines])
