"""Results of optimising, exporting and measuring in words: the choice, its cost, the table, what was refused."""

import re
from collections.abc import Iterable, Sequence

from agents.offline.conversation import Json
from agents.offline.variants import mentioned
from agents.offline.watched import rows_of
from agents.offline.wording import figure, name_of, names, notes, one_line

EAGER = "eager"
MOST_REFUSED = 4
LONGEST_REASON = 600
_OF_ITS_VALUE = ("rmse", "mae", "log_loss")
"""Metrics whose drop is a share of their value."""

Row = Json


def optimised(result: Json, *, name: str | None = None, asked: str | None = None) -> str:
    """Words for optimise_model. `asked` is the one variant that was asked for, if it was one."""
    lines = [*_choice(result, asked), "", *table(result), "", *_refused(result), *_tested(result)]
    return "\n".join([*lines, *_kept_or_registered(result, name), *_about(result), *notes(result, 1)])


def shown(result: Json) -> str:
    """Words for show_optimisation."""
    lines = [f"The optimisation of {result.get('source')}:", *_choice(result, None), "", *table(result), ""]
    model = [] if _kept(result) else [f"The model is {result.get('model')}."]
    return "\n".join([*lines, *_refused(result), *_tested(result), *model, *_about(result)])


def answered(result: Json, words: str, name: str | None = None) -> str:
    """The answer to a question about the table; the whole table where the question is none that a part answers."""
    rows = _named(result, words)
    if re.search(r"\bwhy\b|\bhow come\b|\brefused\b|\brejected\b|\bfailed\b|\bskipped\b", words, re.IGNORECASE):
        return _reasons(result, rows, refusals=re.search(r"\bwhy\b|\bhow come\b", words, re.IGNORECASE) is None)
    asked = next((what for what in _BEST if re.search(what[0], words, re.IGNORECASE)), None)
    if asked is not None and not rows:
        return _best(result, *asked[1:])
    if rows and re.search(r"\b(?:show|display|table|page|report)\b", words, re.IGNORECASE) is None:
        return "\n".join(_costs(result, row) for row in rows)
    return shown(result)


# the choice


def _kept(result: Json) -> bool:
    return result.get("chosen") == EAGER


def _choice(result: Json, asked: str | None) -> list[str]:
    lines = [f"Nothing was worth it. {_told(result.get('reason'))}" if _kept(result) else _chosen(result)]
    if asked is not None and asked != result.get("chosen"):
        row = next((row for row in _rows(result) if row.get("name") == asked), None)
        lines.append(f"Not {asked}, which you named: {_why(row) if row else 'it was not made.'}")
    met = "is met" if result.get("met") else "is not met"
    lines.append(f"The goal {met}: {_goal(result)}.")
    if not result.get("met") and result.get("nearest"):
        lines.append(f"Nearest: {_told(result['nearest'])}")
    return lines


def _chosen(result: Json) -> str:
    """The reason, which names the variant first where the goal is met."""
    name, reason = name_of(result.get("chosen")), _told(result.get("reason"))
    if reason.startswith(name):
        return f"Chosen: {reason}"
    return reason if name in reason else f"{name} is chosen: {reason}"


def _told(text: object) -> str:
    """Sentences of the engine on one line."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def _goal(result: Json) -> str:
    goal = result.get("goal") or {}
    parts = [_may_be_lost(goal)]
    if goal.get("max_latency_ms") is not None:
        parts.append(f"one row in {figure(goal['max_latency_ms'])} ms at most")
    if goal.get("max_size_mb") is not None:
        parts.append(f"{figure(goal['max_size_mb'])} MB at most")
    return f"{', '.join(parts)}; {name_of(goal.get('prefer'))} first"


def _may_be_lost(goal: Json) -> str:
    metric, most = name_of(goal.get("metric")), figure(goal.get("max_drop"))
    if goal.get("metric") in _OF_ITS_VALUE:
        return f"{metric} may grow by a share of {most}"
    return f"{metric} may fall by {most}"


def _tested(result: Json) -> list[str]:
    if result.get("test_drop") is None:
        return []
    return [f"On the sealed test rows {_change(result, result['test_drop'])}."]


def _change(result: Json, drop: float) -> str:
    """'f1 falls by 0.004': a drop below nothing is a gain."""
    metric = name_of((result.get("goal") or {}).get("metric"))
    if drop == 0:
        return f"{metric} stays as it was"
    of_its_value = metric in _OF_ITS_VALUE
    worse, better = ("grows", "falls") if of_its_value else ("falls", "rises")
    return f"{metric} {worse if drop > 0 else better} by {'a share of ' if of_its_value else ''}{figure(abs(drop))}"


def _kept_or_registered(result: Json, name: str | None) -> list[str]:
    if _kept(result):
        return [f"Nothing was registered; {result.get('model')} is what it was."]
    of = f" of {name_of(name)}" if name else ""
    return [f"It is registered as a new version{of}: {result.get('model')}. 'promote it' makes it the champion."]


def _about(result: Json) -> list[str]:
    split = [f"Left to Python: {_ended(_told(result['split']))}"] if result.get("split") and not _kept(result) else []
    return [*split, _measured(result), f"Report: {result.get('report')}"]


def _measured(result: Json) -> str:
    noise = [float(share) for share in (result.get("noise") or {}).values()]
    text = f"Measured on {name_of(result.get('machine'))}"
    return f"{text}; the same model measured twice differed by {max(noise):.0%}." if noise else f"{text}."


# the table


def table(result: Json) -> list[str]:
    """A Markdown table of the variants that were compared or measured, the chosen one in bold."""
    metric = name_of((result.get("goal") or {}).get("metric"))
    lost = f"{metric} worse by (share)" if metric in _OF_ITS_VALUE else f"{metric} lost"
    eager = _one_row(next((row for row in _rows(result) if row.get("name") == EAGER), {}))
    lines = [f"| variant | 1 row, ms | times faster | {lost} | MB | status |", "|---|---:|---:|---:|---:|---|"]
    for row in _rows(result):
        if row.get("drop") is None and not row.get("latency_ms"):
            continue
        name = f"**{_cell(row.get('name'))}**" if row.get("name") == result.get("chosen") else _cell(row.get("name"))
        one = _one_row(row)
        cells = (name, _figure(one), _figure(_times(eager, one)), _figure(row.get("drop")), _figure(row.get("size_mb")))
        lines.append(f"| {' | '.join((*cells, _cell(row.get('status'))))} |")
    return lines


def _times(eager: float | None, one: float | None) -> float | None:
    return round(eager / one, 2) if eager and one else None


def _one_row(row: Row) -> float | None:
    found = (row.get("latency_ms") or {}).get("1")
    return None if found is None else float(found)


def _figure(value: object) -> str:
    return "–" if value is None else figure(value)


def _cell(value: object) -> str:
    return name_of(value).replace("|", "/")


def _rows(result: Json) -> list[Row]:
    return rows_of(result, "variants")


def _refused(result: Json) -> list[str]:
    """A line for each of the first that were refused or failed, and the names of the rest."""
    rows = [row for row in _rows(result) if row.get("status") in ("refused", "failed")]
    lines = [f"- {_why(row)}" for row in rows[:MOST_REFUSED]]
    if len(rows) > MOST_REFUSED:
        lines.append(f"- refused or failed, too: {names(row.get('name') for row in rows[MOST_REFUSED:])}.")
    for status in ("skipped", "not applicable"):
        left = [row.get("name") for row in _rows(result) if row.get("status") == status]
        if left:
            lines.append(f"- {status}: {names(left, 13)}.")
    return lines


def _why(row: Row) -> str:
    """'pruned was refused: ...'."""
    status = {"ok": "is fine", "refused": "was refused", "failed": "failed", "skipped": "was skipped"}
    head = f"{name_of(row.get('name'))} {status.get(str(row.get('status')), 'is not applicable')}"
    why = one_line(row.get("why") or "")
    return _ended(f"{head}: {why}" if why else head)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


# questions


_BEST: tuple[tuple[str, str, str, str, bool], ...] = (
    (r"\b(?:fastest|quickest)\b", "fastest", "latency", "ms for one row", True),
    (r"\bslowest\b", "slowest", "latency", "ms for one row", False),
    (r"\bsmallest\b", "smallest", "size_mb", "MB", True),
    (r"\b(?:largest|biggest)\b", "largest", "size_mb", "MB", False),
    (r"\bleast memory\b", "leanest in memory", "peak_mb", "MB of memory", True),
    (r"\bmost memory\b", "hungriest for memory", "peak_mb", "MB of memory", False),
    (r"\bmost accurate\b|\bloses? (?:the )?least\b", "most accurate", "drop", "lost", True),
    (r"\bthroughput\b", "best in throughput", "rows_per_second", "rows a second", False),
)
"""Pattern, what it is called, the figure, its unit, whether less is better."""


def _best(result: Json, called: str, what: str, unit: str, less: bool) -> str:
    """The best of those that may be used, and a refused one that would be better still."""
    rows = [row for row in _rows(result) if _value(row, what) is not None]
    usable = [row for row in rows if row.get("status") == "ok"]
    if not usable:
        return f"None of the variants that may be used was measured for that. Report: {result.get('report')}"

    def order(row: Row) -> float:
        value = _value(row, what)
        return (value or 0.0) * (1 if less else -1)

    best, first = min(usable, key=order), min(rows, key=order)
    text = f"The {called} of those that may be used is {_costs(result, best)}"
    if first is not best and order(first) < order(best):
        text = f"{text}\nWith {_amount(first, what, unit)} {_why(first)}"
    chosen = result.get("chosen")
    return text if best.get("name") == chosen else f"{text}\n{_chosen(result)}"


def _value(row: Row, what: str) -> float | None:
    found = _one_row(row) if what == "latency" else row.get(what)
    return None if found is None else float(found)


def _amount(row: Row, what: str, unit: str) -> str:
    return f"{figure(_value(row, what))} {unit}"


def _costs(result: Json, row: Row) -> str:
    """What a variant costs and gives: 'onnx: f1 falls by 0.002 (95 % interval ...), 3.1 times faster, 0.3 MB ...'."""
    eager = next((other for other in _rows(result) if other.get("name") == EAGER), {})
    parts = []
    if row.get("drop") is not None:
        interval = row.get("drop_ci")
        about = (
            f" (95 % interval {figure(interval[0])} to {figure(interval[1])})"
            if isinstance(interval, list | tuple) and len(interval) == 2
            else ""
        )
        parts.append(f"{_change(result, float(row['drop']))}{about}")
    times = _times(_one_row(eager), _one_row(row))
    if times is not None and row is not eager:
        parts.append(
            f"{figure(times)} times as fast ({figure(_one_row(row))} ms instead of {figure(_one_row(eager))} ms)"
        )
    if row.get("size_mb") is not None:
        instead = f" instead of {figure(eager['size_mb'])} MB" if eager.get("size_mb") and row is not eager else ""
        parts.append(f"{figure(row['size_mb'])} MB{instead}")
    if row.get("peak_mb") is not None:
        parts.append(f"{figure(row['peak_mb'])} MB of memory")
    told = f"{name_of(row.get('name'))}: {', '.join(parts)}." if parts else ""
    return told if row.get("status") == "ok" and told else f"{told} {_why(row)}".strip()


def _reasons(result: Json, rows: Sequence[Row], refusals: bool) -> str:
    """Why the variants that were named stand where they stand; without a name why the chosen one was chosen."""
    if not rows and not refusals:
        return "\n".join(_choice(result, None))
    if not rows:
        return "\n".join(_refused(result)) or "Nothing was refused, and nothing failed."
    return "\n".join(_reason(result, row) for row in rows)


def _reason(result: Json, row: Row) -> str:
    if row.get("name") == result.get("chosen"):
        return _chosen(result)
    if row.get("status") == "ok":
        return f"{_costs(result, row)} {_chosen(result)}"
    return _costs(result, row)


def _named(result: Json, words: str) -> list[Row]:
    """The rows that the words name: 'the pruned one', 'quantisation'."""
    wanted, refused = mentioned(words)
    chosen = {*wanted, *refused}
    return [row for row in _rows(result) if row.get("name") in chosen]


# files and times


def exported(result: Json) -> str:
    """Words for export_model."""
    lines = [
        f"Wrote {result.get('out')} ({figure(result.get('size_mb'))} MB), exported by "
        f"{names(result.get('exporters') or [])}.",
        f"On {figure(result.get('rows'))} rows, real and spoilt ones, its answers differ from those of "
        f"{result.get('model')} by {figure(result.get('parity'))} at most "
        f"({figure(result.get('tolerance'))} is allowed)."
        if result.get("rows")
        else f"It is the file of {result.get('model')}, byte for byte.",
        "It is fed with:",
        *(
            f"- {name_of(entry.get('name'))}: {one_line(entry.get('what'))}; {names(entry.get('columns') or [], 6)}"
            for entry in rows_of(result, "inputs")
        ),
        f"It gives {one_line(result.get('output'))}.",
        f"Left to Python: {_ended(_told(result['split']))}"
        if result.get("split")
        else "It takes raw rows whole: nothing is left to Python.",
    ]
    return "\n".join([*lines, *notes(result, 2)])


def benchmarked(result: Json) -> str:
    """Words for benchmark_models."""
    heads = (
        "model",
        "kind",
        "1 row, ms",
        "95 % within",
        "32 rows, ms",
        "rows a second",
        "cold start, ms",
        "memory MB",
        "MB",
    )
    lines = [f"| {' | '.join(heads)} |", f"|---|---|{'---:|' * 7}"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows_of(result, "rows")]
    failed = [f"- {name_of(model)}: {one_line(why)}" for model, why in (result.get("failed") or {}).items()]
    told = (
        [one_line(result.get("verdict")), "", *lines, ""]
        if rows_of(result, "rows")
        else [one_line(result.get("verdict"))]
    )
    return "\n".join([*told, *failed, _measured(result)])


def _cells(row: Row) -> Iterable[str]:
    latency, within = row.get("latency_ms") or {}, row.get("p95_ms") or {}
    figures = (
        *(latency.get("1"), within.get("1"), latency.get("32"), row.get("rows_per_second"), row.get("cold_ms")),
        *(row.get("peak_mb"), row.get("size_mb")),
    )
    return (_cell(row.get("model")), _cell(row.get("kind")), *map(_figure, figures))
