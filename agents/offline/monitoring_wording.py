"""Results about drift and monitors in words: what is found, what is asked for, and what can be said next."""

from collections.abc import Mapping, Sequence

from agents.offline.conversation import Json
from agents.offline.watched import rows_of
from agents.offline.wording import figure, name_of, notes, one_line

MOST = 3
"""Columns, findings, reasons or alerts that are named one by one."""
_ACTIONS: Mapping[str, str] = {
    "go_on": "go on",
    "watch_closer": "watch closer",
    "prepare_retraining": "prepare a retraining",
    "roll_back_and_retrain": "roll back and retrain",
}
_STATES: Mapping[str, str] = {
    "running": "is running",
    "won": "has won and waits for your yes",
    "lost": "did not win",
    "failed": "failed",
    "promoted": "was promoted",
    "declined": "was declined",
    "rolled_back": "was rolled back",
}
_LOOK_CLOSER = "Say 'what should I do?' or 'plot drift over time'."
_ACT = "Say 'what should I do?', 'retrain it' or 'roll back'."

# comparisons


def checked(result: Json) -> str:
    """Words for check_drift, whose arguments `data`, `model` and `reference` may stand beside the result."""
    windows = rows_of(result, "windows")
    found = windows[-1] if windows else _row(result, "found")
    who = _who(result)
    if not found:
        head = f"{who} is {result.get('level')}. No window has become complete since the last check."
        return "\n".join([head, *notes(result), "Say 'how many rows are waiting?'."])
    lines = [
        f"{who} is {found.get('level')}: {figure(found.get('rows'))} rows{_window(found)} compared with "
        f"{figure(found.get('reference_rows'))} of the reference.",
        *(["No window has become complete since."] if result.get("monitor") and not windows else []),
        *_earlier(windows),
        *_drifted(found, windows),
        *(_performance(row) for row in rows_of(found, "performance")),
        *_policy(found),
        *_told(found),
        f"Report: {found.get('report')}",
        *notes(result, 1),
        _after_check(result, str(found.get("level"))),
    ]
    return "\n".join(lines)


def page(result: Json) -> str:
    """Where the page of a comparison without a monitor lies."""
    found = _row(result, "found")
    return f"The report of that comparison ({found.get('level')}) is in {found.get('report')}."


def _who(result: Json) -> str:
    if result.get("monitor"):
        return f"{name_of(result.get('model') or 'The model')} ({name_of(result['monitor'])})"
    against = result.get("reference") or (f"the training rows of {result['model']}" if result.get("model") else None)
    return f"{name_of(result.get('data'))}{f' against {name_of(against)}' if against else ''}"


def _window(found: Json) -> str:
    return f" of window {figure(found['window'])}" if found.get("window") is not None else ""


def _earlier(windows: Sequence[Json]) -> list[str]:
    """The levels of the windows before the newest that were checked now."""
    before = windows[:-1][-MOST:]
    listed = ", ".join(f"{figure(row.get('window'))} {row.get('level')}" for row in before)
    return [f"The windows before it: {listed}."] if listed else []


def _drifted(found: Json, windows: Sequence[Json]) -> list[str]:
    """The worst columns with their effect, and findings that name none of them."""
    columns = rows_of(found, "columns")
    history = [(row.get("window"), {str(one.get("column")) for one in rows_of(row, "columns")}) for row in windows]
    listed = [
        f"{name_of(row.get('column'))} ({row.get('level')}{_effect(row)}{_since(str(row.get('column')), history)})"
        for row in columns[:MOST]
    ]
    besides = [
        f"- {one_line(sentence)}"
        for sentence in found.get("findings") or []
        if not any(str(row.get("column")) in str(sentence) for row in columns)
    ]
    head = f"Drifted: {_with_rest(listed, len(columns))}." if listed else "No column has drifted."
    return [head, *besides[:MOST]]


def _effect(row: Json) -> str:
    return f", {name_of(row.get('test'))} effect {figure(row['effect'])}" if row.get("effect") is not None else ""


def _since(column: str, history: Sequence[tuple[object, set[str]]]) -> str:
    """', since window 5': the first of the unbroken run of windows, oldest first, in which a column drifted.

    '' when it did not in the newest; 'at least' where the run begins with the oldest window at hand, but the first.
    """
    run = []
    for window, drifted in reversed(history):
        if column not in drifted:
            break
        run.append(window)
    if not run:
        return ""
    at_least = "at least " if len(run) == len(history) and run[-1] != 1 else ""
    return f", {at_least}since window {figure(run[-1])}"


def _performance(row: Json) -> str:
    """'Performance on labels: roc_auc 0.71, baseline 0.86, a drop of 0.17 (200 rows, RED).'"""
    how = "Performance on labels" if row.get("source") == "labels" else "Performance as estimated without labels"
    if row.get("value") is None:
        return f"{how}: {name_of(row.get('metric'))} cannot be told from {figure(row.get('rows'))} rows."
    baseline = f", baseline {figure(row['baseline'])}" if row.get("baseline") is not None else ""
    drop = f", relative drop {figure(row['drop'])}" if row.get("drop") is not None else ""
    value = f"{name_of(row.get('metric'))} {figure(row['value'])}"
    return f"{how}: {value}{baseline}{drop} ({figure(row.get('rows'))} rows, {row.get('level')})."


def _policy(row: Json) -> list[str]:
    """The action that the policy asks for, with its date."""
    if not row.get("action"):
        return []
    due = f" by {name_of(row['due'])}" if row.get("due") else ""
    return [f"The policy asks to {_ACTIONS.get(str(row['action']), name_of(row['action']))}{due}."]


def _told(row: Json) -> list[str]:
    alerts = [one_line(alert) for alert in row.get("alerts") or []]
    return [f"Alerts: {_with_rest(alerts[:MOST], len(alerts), '; ')}."] if alerts else []


def _after_check(result: Json, level: str) -> str:
    if result.get("monitor"):
        return _next(level)
    if level == "GREEN":
        return "Nothing is to be done. Say 'watch it' to keep an eye on the model."
    return f"Say 'watch it' to keep an eye on the model, or 'train on {one_line(result.get('data'))}' for a new one."


def _next(level: str) -> str:
    if level == "GREEN":
        return "Nothing is to be done."
    return _LOOK_CLOSER if level == "YELLOW" else _ACT


# monitors


def created(result: Json) -> str:
    """Words for create_monitor."""
    own = f" by {name_of(result['name'])}" if result.get("name") != result.get("model") else ""
    lines = [
        f"{name_of(result.get('model'))} is watched from now on{own} ({result.get('monitor')}): its predictions are "
        f"compared, {name_of(result.get('window'))} at a time, with the training rows of {result.get('reference')}.",
        f"{_checks(result)} {_retrains(result)}",
        f"Thresholds, actions and routes of alerts are in {result.get('policy')}.",
        "Say 'check the monitor' or 'how is the model doing?' at any time.",
    ]
    return "\n".join(lines)


def _checks(row: Json) -> str:
    if row.get("paused"):
        return "It is paused."
    if not row.get("schedule"):
        return "It is checked when you ask for it."
    following = f", next at {name_of(row['next_check'])}" if row.get("next_check") else ""
    return f"It is checked by itself ({name_of(row['schedule'])}, UTC{following})."


def _retrains(row: Json) -> str:
    if row.get("retrain") == "never":
        return "It never retrains by itself."
    return "When the policy asks for it a challenger is trained; promoting it is always asked."


def states(result: Json) -> str:
    """Words for monitor_status."""
    rows = rows_of(result, "monitors")
    if len(rows) == 1:
        return "\n".join([*_state(rows[0]), _next(str(rows[0].get("level")))])
    lines = [f"{figure(len(rows))} monitors:"]
    for place, row in enumerate(rows[:10], 1):
        first, *rest = _state(row)
        lines += [f"{place}. {first}", *(f"   {line}" for line in rest)]
    return "\n".join([*lines, "Name one for more, for example 'check the first one'."])


def _state(row: Json) -> list[str]:
    checks = sorted(rows_of(row, "checks"), key=lambda check: int(check.get("window") or 0))
    return [
        f"{name_of(row.get('name'))} ({row.get('monitor')}) is {row.get('level')}. {_checks(row)}",
        *(_newest(checks) if checks else ["No window was checked yet."]),
        f"{figure(row.get('logged'))} rows logged, {figure(row.get('labelled'))} labelled, "
        f"{figure(row.get('waiting_rows'))} not checked yet.",
        *_open_alerts([row]),
        *(_retraining(line) for line in _latest(rows_of(row, "retrainings"))),
    ]


def _newest(checks: Sequence[Json]) -> list[str]:
    """The newest checked window, with since when each column has drifted."""
    last = checks[-1]
    history = [(check.get("window"), {str(name) for name in check.get("drifted") or []}) for check in checks]
    drifted = [f"{name_of(column)}{_since(str(column), history)}" for column in last.get("drifted") or []]
    lines = [
        f"Window {figure(last.get('window'))} at {name_of(last.get('at'))}: {last.get('level')}, "
        f"{figure(last.get('rows'))} rows. "
        + (f"Drifted: {_with_rest(drifted[:MOST], len(drifted), '; ')}." if drifted else "No column has drifted.")
    ]
    if last.get("value") is not None:
        lines.append(
            f"Performance: {name_of(last.get('metric'))} {figure(last['value'])} on {figure(last.get('labelled'))} "
            f"labelled rows, baseline {figure(last.get('baseline'))}."
        )
    return lines


def _open_alerts(rows: Sequence[Json]) -> list[str]:
    found = [alert for row in rows for alert in rows_of(row, "alerts") if alert.get("state") == "open"]
    if not found:
        return []
    listed = [f"{alert.get('alert')} ({alert.get('level')}: {one_line(alert.get('title'))})" for alert in found[:MOST]]
    return [f"Open alerts: {_with_rest(listed, len(found), '; ')}. Say 'acknowledge the alert'."]


def alerts(result: Json) -> str:
    """The alerts of monitor_status, open ones first, with who was told."""
    found = [alert for row in rows_of(result, "monitors") for alert in rows_of(row, "alerts")]
    if not found:
        return "There are no alerts."
    ordered = sorted(found, key=lambda alert: alert.get("state") != "open")
    lines = [
        f"{place}. {alert.get('alert')} ({alert.get('level')}, {name_of(alert.get('state'))}, "
        f"{name_of(alert.get('created'))}): {one_line(alert.get('title'))}.{_deliveries(alert)}"
        for place, alert in enumerate(ordered[:10], 1)
    ]
    some_open = any(alert.get("state") == "open" for alert in found)
    return "\n".join([f"{figure(len(found))} alert(s), open ones first:", *lines, *(_OPEN if some_open else ())])


_OPEN = ("Say 'acknowledge the alert' when you look after it, or 'silence it for a day'.",)


def _deliveries(alert: Json) -> str:
    told = [one_line(delivery) for delivery in alert.get("deliveries") or []]
    return f" Told: {_with_rest(told[:MOST], len(told), '; ')}." if told else ""


def _latest(retrainings: Sequence[Json]) -> list[Json]:
    return sorted(retrainings, key=lambda row: str(row.get("begun")))[-1:]


def _retraining(row: Json) -> str:
    sentence = f" {one_line(row['sentence'])}" if row.get("sentence") else ""
    state = _STATES.get(str(row.get("state")), name_of(row.get("state")))
    return f"The retraining {row.get('retraining')} {state}.{sentence}"


# decisions


def advised(result: Json) -> str:
    """Words for evaluate_actions."""
    retraining = _row(result, "retraining")
    lines = [
        f"{name_of(result.get('model'))} is {result.get('level')}. {' '.join(_policy(result))}",
        *(f"- {one_line(reason)}" for reason in list(result.get("reasons") or [])[:MOST]),
        *_features(rows_of(result, "features")),
        *(_slice(row) for row in rows_of(result, "slices")[:MOST]),
        *([_retraining(retraining)] if retraining else []),
        *(f"Next: {one_line(step)}" for step in list(result.get("next_steps") or [])[:MOST]),
        _after_advice(result, retraining),
    ]
    return "\n".join(lines)


def _features(rows: Sequence[Json]) -> list[str]:
    listed = [
        f"{name_of(row.get('column'))} ({row.get('level')} since window {figure(row.get('since'))}{_size(row)})"
        for row in rows[:MOST]
    ]
    return [f"Drifted: {_with_rest(listed, len(rows))}."] if listed else ["No column has drifted."]


def _size(row: Json) -> str:
    return f", effect {figure(row['effect'])}" if row.get("effect") is not None else ""


def _slice(row: Json) -> str:
    return (
        f"Worst where {name_of(row.get('rows_where'))}: error {figure(row.get('error'))}, elsewhere "
        f"{figure(row.get('error_elsewhere'))} ({figure(row.get('rows'))} rows)."
    )


def _after_advice(result: Json, retraining: Json) -> str:
    if retraining.get("state") == "won" and retraining.get("challenger"):
        return f"Say 'promote {retraining['challenger']}' to use the challenger."
    said = ["'retrain it'"] if result.get("retrain") and not retraining else []
    if result.get("roll_back_to") and result.get("level") in ("ORANGE", "RED"):
        said.append(f"'roll back' to return to {result['roll_back_to']}")
    if said:
        return f"Say {' or '.join(said)}."
    return "Nothing has to be done." if result.get("level") == "GREEN" else "Say 'plot drift over time' to look closer."


# answers


def reported(result: Json) -> str:
    """Words for drift_report."""
    return f"{one_line(result.get('shows'))}: {result.get('path')} (the monitor is {result.get('level')})."


def acknowledged(result: Json) -> str:
    """Words for acknowledge_alert."""
    alert = _row(result, "alert")
    text = (
        f"{alert.get('alert')} ({alert.get('level')}: {one_line(alert.get('title'))}) is {name_of(alert.get('state'))}."
    )
    until = result.get("silenced_until")
    return f"{text} Alerts below RED are silent until {name_of(until)}." if until else text


def labelled(result: Json) -> str:
    """Words for log_labels."""
    lines = [
        f"{figure(result.get('joined'))} labels met their rows, {figure(result.get('changed'))} changed an earlier "
        f"label, {figure(result.get('waiting'))} wait for rows that are not logged yet.",
        *notes(result),
        "Say 'check the monitor' to judge the model by them.",
    ]
    return "\n".join(lines)


def _with_rest(listed: Sequence[str], of: int, between: str = ", ") -> str:
    rest = of - len(listed)
    return between.join(listed) + (f" and {figure(rest)} more" if rest > 0 else "")


def _row(result: Json, name: str) -> Json:
    row = result.get(name)
    return row if isinstance(row, dict) else {}
