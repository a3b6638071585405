"""A draft by rule: what the results of a research say, in sentences whose figures and names stand in those results."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from agents.claims import code_marked, one_spaced
from agents.research import MOST_FINDINGS, DraftProposal, Finding, Json
from engine.figures import figure
from engine.metrics import METRICS

TOP = 5
QUOTES = 3
WARNINGS = 3
_SHARE_DIGITS = 1


def draft_findings(facts: Mapping[str, object]) -> DraftProposal:
    """One or more findings for each result, in the order in which the question is answered."""
    found = [finding for one in _results(facts) for finding in _findings(one)]
    if not found:
        ids = tuple(str(row["id"]) for row in _rows(facts.get("results")))
        found = [Finding(text="The results do not answer the question.", receipts=ids)]
    return DraftProposal(findings=tuple(found[:MOST_FINDINGS]))


def _results(facts: Mapping[str, object]) -> list[Json]:
    rows = [row for row in _rows(facts.get("results")) if row.get("tool") in _WRITERS and row.get("result")]
    order = list(_WRITERS)
    leaks = {leak["column"] for row in rows if row["tool"] == "profile_dataset" for leak in _leaks(row["result"])}
    rows = [{**row, "result": _without_leaks(row["result"], leaks)} for row in rows]
    return sorted(rows, key=lambda row: order.index(row["tool"]))


def _leaks(profile: Json) -> list[Json]:
    return _rows(profile.get("leaks"))


def _without_leaks(result: Json, leaks: set[str]) -> Json:
    """A result in which no column that gives the target away is among those that drive it."""
    if not leaks or "importance" not in result:
        return result
    rows = _rows(result["importance"])
    return {
        **result,
        "importance": [row for row in rows if row["column"] not in leaks],
        "leaking": [row["column"] for row in rows if row["column"] in leaks and row["importance"] > 0],
    }


def _findings(row: Json) -> Iterator[Finding]:
    for text in _WRITERS[row["tool"]](row["result"]):
        yield Finding(text=text, receipts=(str(row["id"]),))


def _explanation(result: Json) -> Iterator[str]:
    leaking = ", ".join(code_marked(name) for name in result.get("leaking", ()))
    if leaking:
        yield (
            f"{code_marked(result.get('model'))} was trained with {leaking}, which give the target away: "
            "its scores are not to be trusted."
        )
    yield from _importance(result.get("model"), result.get("importance"), result.get("metric"))


def _training(result: Json) -> Iterator[str]:
    model, metric = result.get("model"), result.get("metric")
    if isinstance(metric, dict):
        best = code_marked(result.get("best"))
        yield f"{code_marked(model)} ({best}) scores {_interval(metric)} on the sealed test rows."
    yield from _against_baseline(model, result.get("validation"), result.get("baseline"), metric)
    if result.get("cancelled"):
        yield "The training was stopped before it was through; the best so far was kept."


def _shown(result: Json) -> Iterator[str]:
    summary = result.get("summary") or {}
    metric = summary.get("metric")
    if isinstance(metric, dict):
        model = f"{code_marked(summary.get('model'))} ({code_marked(summary.get('kind'))})"
        yield f"{model} scored {_interval(metric)} on the sealed test rows when it was made."
    yield from _against_baseline(summary.get("model"), result.get("validation"), result.get("baseline"), metric)


def _evaluation(result: Json) -> Iterator[str]:
    metric = result["metric"]
    others = ", ".join(f"{name} {figure(value)}" for name, value in list(result.get("others", {}).items())[:TOP])
    more = f"; {others}" if others else ""
    model, rows = code_marked(result["model"]), figure(result["rows"])
    yield f"Measured again on {rows} rows, {model} has {_interval(metric)}{more}."
    looks = result.get("looks")
    if isinstance(looks, int) and looks > 1:
        yield f"The sealed test rows have been looked at {looks} times; each look makes them a little less telling."


def _comparison(result: Json) -> Iterator[str]:
    rows = _rows(result.get("rows"))
    if len(rows) < 2:
        return
    listed = ", ".join(f"{code_marked(row['model'])} {figure(row['metric']['value'])}" for row in rows[:TOP])
    metric = rows[0]["metric"]["name"]
    yield (
        f"Side by side ({code_marked(metric)}): {listed}."
        if result.get("comparable")
        else (f"The models do not share data, target and metric, so their scores cannot be compared: {listed}.")
    )


def _profile(result: Json) -> Iterator[str]:
    columns = _rows(result.get("columns"))
    target = result.get("target")
    yield f"{code_marked(result['dataset'])} has {figure(result['rows'])} training rows{_balance(result, target)}."
    leaks = {leak["column"]: one_spaced(leak["sentence"]) for leak in _leaks(result)}
    for name, sentence in leaks.items():
        yield f"{code_marked(name)} is left out of what is trained here and of what drives the target: “{sentence}”"
    no_drivers = {target, *leaks}
    related = sorted(
        (column for column in columns if column.get("relation") is not None and column["name"] not in no_drivers),
        key=lambda column: -column["relation"],
    )[:TOP]
    if related:
        listed = ", ".join(f"{code_marked(column['name'])} {figure(column['relation'])}" for column in related)
        yield f"Most strongly related to {code_marked(target)}, each column taken alone: {listed}."
    missing = sorted((c for c in columns if c.get("missing_share")), key=lambda column: -column["missing_share"])[:TOP]
    if missing:
        listed = ", ".join(f"{code_marked(column['name'])} {_share(column['missing_share'])}" for column in missing)
        yield f"Values are missing in {listed} of the rows."
    warnings = [warning for warning in result.get("warnings", ()) if one_spaced(warning) not in leaks.values()]
    for warning in warnings[:WARNINGS]:
        yield f"A warning about the data: “{one_spaced(warning)}”"


def _estimate(result: Json) -> Iterator[str]:
    rows = [row for row in _rows(result.get("candidates")) if row.get("seconds") is not None]
    listed = ", ".join(f"{code_marked(row['model'])} {figure(row['seconds'])}" for row in rows[:TOP])
    yield f"A training is expected to take {figure(result['seconds'])} s. Timed on a sample, in seconds: {listed}."


def _documents(result: Json) -> Iterator[str]:
    answer = result.get("answer") or {}
    if not answer.get("found"):
        yield "The documents do not answer the question."
        return
    for quote in _rows(answer.get("citations"))[:QUOTES]:
        yield f"The document {code_marked(quote['doc'])} says: “{one_spaced(quote['quote'])}”"


_WRITERS: Mapping[str, Callable[[Json], Iterator[str]]] = {
    "explain_model": _explanation,
    "train_model": _training,
    "show_model": _shown,
    "evaluate_model": _evaluation,
    "compare_models": _comparison,
    "profile_dataset": _profile,
    "estimate_training": _estimate,
    "search_documents": _documents,
}
"""In the order in which the findings stand."""


def _importance(model: object, rows: object, metric: object) -> Iterator[str]:
    told = [row for row in _rows(rows) if row["importance"] > 0][:TOP]
    if not told:
        yield f"{code_marked(model)} relies on no column that could be told from chance."
        return
    listed = ", ".join(f"{code_marked(row['column'])} {figure(row['importance'])}" for row in told)
    yield f"{code_marked(model)} relies most on {listed} (loss of {code_marked(metric)} when the column is shuffled)."
    doubtful = [row for row in told if row["importance"] < 2 * row["deviation"]]
    if doubtful:
        listed = ", ".join(f"{code_marked(row['column'])} ± {figure(row['deviation'])}" for row in doubtful)
        yield f"Of these, some are hardly told from chance: {listed}."


def _against_baseline(model: object, validation: object, baseline: object, metric: object) -> Iterator[str]:
    """Whether the model beats the guess that looks at no column, by validation and by the interval on sealed rows."""
    if not isinstance(validation, dict) or not isinstance(baseline, dict) or validation["name"] != baseline["name"]:
        return
    known = METRICS.get(validation["name"])
    if known is None:
        return
    better = known.improvement(validation["value"], baseline["value"]) > 0
    same = isinstance(metric, dict) and metric["name"] == baseline["name"]
    sure = same and isinstance(metric, dict) and _lies_beyond(known.improvement, metric["ci"], baseline["value"])
    measured = f"{code_marked(known.name)} {figure(validation['value'])}"
    guess = f"the baseline that looks at no column {figure(baseline['value'])}"
    verdict = "better than guessing" if better else "no better than guessing"
    told = f"By validation {code_marked(model)} has {measured}, {guess}: it is {verdict}"
    if same:
        told += ", and its interval on the sealed rows " + ("says so too" if sure else "does not rule out chance")
    yield f"{told}."


def _lies_beyond(improvement: Callable[[float, float], float], ci: Sequence[float], baseline: float) -> bool:
    return all(improvement(end, baseline) > 0 for end in ci)


def _balance(result: Json, target: object) -> str:
    shares = result.get("class_shares") or {}
    if not shares or not target:
        return ""
    listed = ", ".join(f"{code_marked(name)} {_share(share)}" for name, share in list(shares.items())[:TOP])
    return f"; of {code_marked(target)}: {listed}"


def _interval(metric: Json) -> str:
    low, high = metric["ci"]
    return f"{code_marked(metric['name'])} {figure(metric['value'])} (95 % interval {figure(low)} to {figure(high)})"


def _share(value: float) -> str:
    text = f"{100 * value:.{_SHARE_DIGITS}f}"
    # not all and not nothing, so it must not look like either
    return f"{text} %" if float(text) not in (0.0, 100.0) or value in (0, 1) else figure(value)


def _rows(value: Any) -> list[Json]:  # noqa: ANN401  any JSON value
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list | tuple) else []
