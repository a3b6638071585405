"""Words for plans, crews, research, code, notes, tests and deployment plans. Figures and names are the results' own."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.offline.conversation import Json
from agents.offline.wording import figure, name_of, one_line, scored, seconds

_MOST = 8


def rows_in(result: Mapping[str, Any], name: str) -> list[Json]:
    """The rows listed under `name`."""
    return [row for row in result.get(name) or [] if isinstance(row, dict)]


def planned(result: Json) -> str:
    """Words for make_plan, edit_plan and show_plan."""
    lines = [f"Plan {result.get('plan')} for: {name_of(result.get('goal'))}"]
    lines += [_row(row) for row in rows_in(result, "rows")]
    total = [f"about {seconds(result['seconds'])}" if result.get("seconds") is not None else ""]
    total += [f"{figure(result['memory_mb'])} MB" if result.get("memory_mb") is not None else ""]
    if any(total):
        lines.append(f"Together {' and '.join(filter(None, total))}.")
    lines += [
        f"Found: {one_line(row.get('sentence') or row.get('text') or row)}" for row in rows_in(result, "findings")[:2]
    ]
    lines += [f"Changed: {one_line(change)}" for change in list(result.get("changes") or [])[:4]]
    lines += _left_out(result)
    return "\n".join([*lines, "Say 'run the plan', or what to change."])


def _row(row: Json) -> str:
    time = f", {seconds(row['seconds'])}" if row.get("seconds") is not None else ""
    waits = ", waits for your yes" if row.get("waits") else ""
    return f"{row.get('number')}. {name_of(row.get('tool'))}{time}{waits}: {one_line(row.get('why', ''))}"


def _left_out(result: Json) -> list[str]:
    """What the goal asks for and no step does, in full: its end is what to say."""
    return [f"Left out: {' '.join(str(row.get('sentence') or '').split())}" for row in rows_in(result, "left_out")]


def plan_run(result: Json) -> str:
    """Words for run_plan and approve_step."""
    lines = [f"Plan {result.get('plan')} is {name_of(result.get('state'))}."]
    if result.get("model"):
        lines.append(f"The model is {result['model']}: {scored(result.get('metric'))}.")
    lines += [
        f"{name_of(row.get('step'))}: {name_of(row.get('state'))}. {one_line(row.get('reason') or '')}".strip()
        for row in rows_in(result, "steps")
        if row.get("state") not in ("done", None)
    ]
    waiting = result.get("waits_for")
    if isinstance(waiting, Mapping):
        lines.append(
            f"{name_of(waiting.get('step'))} ({name_of(waiting.get('tool'))}) waits: {one_line(waiting.get('why'))}"
        )
        lines += [f"Mind: {one_line(leak)}" for leak in waiting.get("leaks") or []]
        lines.append("Say 'approve the step' or 'do not approve it'.")
    elif result.get("report"):
        lines += [*_left_out(result), f"Report: {result['report']}"]
    return "\n".join(lines)


def crew_done(result: Json) -> str:
    """Words for run_crew: what each of them ended with, on a line."""
    lines = [
        f"The crew made {result.get('model_id')} for {name_of(result.get('target'))} in "
        f"{seconds(result.get('seconds'))}."
    ]
    lines += [
        f"- {name_of(row.get('agent'))}: {one_line(_first(row.get('output')))}"
        for row in rows_in(result, "tasks")[:_MOST]
    ]
    lines += [f"Missing: {one_line(gap)}" for gap in list(result.get("missing") or [])[:2]]
    return "\n".join([*lines, f"Report: {result.get('report')}"])


def _first(text: object) -> str:
    """The first line that is more than a heading."""
    lines = [line.strip(" #*-|") for line in str(text or "").splitlines()]
    return next((line for line in lines if len(line.split()) > 3), next(iter(lines), ""))


def researched(result: Json) -> str:
    """Words for research."""
    found = rows_in(result, "findings")
    lines = [f"{one_line(row.get('text', ''))}" for row in found[:5]] or ["Nothing was found that results bear out."]
    checked, struck = figure(result.get("claims_checked")), figure(result.get("claims_struck"))
    lines.append(f"{checked} figures were checked against the results, {struck} struck out.")
    if not result.get("documents"):
        lines.append("No documents are indexed here, so none were searched.")
    lines += [
        f'Source: {name_of(row.get("doc"))}: "{one_line(row.get("quote", ""))}"'
        for row in rows_in(result, "sources")[:2]
    ]
    return "\n".join([*lines, f"Report: {result.get('report')}; notebook: {result.get('notebook')}"])


def code(result: Json) -> str:
    """Words for write_code."""
    return f"{one_line(result.get('explanation', ''))}\n```python\n{str(result.get('code', '')).rstrip()}\n```"


def remembered(result: Json) -> str:
    """Words for remember."""
    memory = result.get("memory") or {}
    note = f" {one_line(result['note'])}" if result.get("note") else ""
    return f"Noted ({memory.get('id')}): {one_line(memory.get('text', ''))}.{note}"


def memories(result: Json) -> str:
    """Words for list_memories."""
    rows = rows_in(result, "memories")
    if not rows:
        return "I have no notes. Say for example 'remember that I prefer recall'."
    lines = [_memory(row) for row in rows[:_MOST]]
    more = [f"and {len(rows) - _MOST} more"] if len(rows) > _MOST else []
    return "\n".join([f"{figure(result.get('kept'))} note(s) are kept:", *lines, *more])


def _memory(row: Json) -> str:
    return f"- {row.get('id')}: {one_line(row.get('text', ''))}"


def which_memory(rows: Sequence[Json], alike: bool) -> str:
    """Which note is to be forgotten."""
    if not rows:
        return "I have no notes, so there is nothing to forget."
    head = "Several notes are like that:" if alike else "No note is like that. There are:"
    return "\n".join([head, *(_memory(row) for row in rows[:_MOST]), f"Say 'forget {rows[0].get('id')}'."])


def forgotten(result: Json) -> str:
    """Words for forget."""
    rows = rows_in(result, "forgotten")
    if not rows:
        return "Nothing was forgotten."
    return "\n".join(
        [f"Forgotten; {figure(result.get('kept'))} note(s) are left:", *(_memory(row) for row in rows[:_MOST])]
    )


def tested(result: Json) -> str:
    """Words for test_model: what failed or needs a look, and nothing of what passed."""
    lines = [one_line(result.get("summary") or f"{result.get('model')} was tested.")]
    every = [*rows_in(result, "requirements"), *rows_in(result, "checks")]
    for status in ("failed", "warned"):
        lines += [
            f"{status.capitalize()}: {name_of(row.get('name'))}: {one_line(row.get('detail', ''))}"
            for row in every
            if row.get("status") == status
        ][:4]
    return "\n".join([*lines, f"In full: {result.get('file')}"])


def deployment(result: Json) -> str:
    """Words for plan_deployment."""
    lines = [one_line(result.get("summary") or "")]
    trial = result.get("trial")
    if isinstance(trial, Mapping):
        rows = f"{figure(trial.get('rows_a'))} and {figure(trial.get('rows_b'))} rows"
        lines.append(
            f"A/B test: {rows}, {figure(trial.get('days'))} days, to see a difference of {figure(trial.get('detect'))}."
        )
    back = (result.get("rollback") or {}).get("back_to")
    lines.append(f"Back to: {back}." if back else "No model is champion yet, so there is none to go back to.")
    lines += [f"Risk: {one_line(risk)}" for risk in list(result.get("risks") or [])[:2]]
    return "\n".join([*lines, "Nothing is deployed." + (f" In full: {result['file']}" if result.get("file") else "")])
