"""What a goal in words requires of the model: a score, an answer's time, a size."""

import re

from crews.brief import Demands

_NUMBER = r"(?P<number>\d+(?:[.,]\d+)?)"
_AT_MOST = (
    r"(?:at most|no more than|not more than|less than|faster than|smaller than|within|under|below|max(?:imum)?|<=?|in)"
)
_AT_LEAST = r"(?:at least|no less than|not less than|more than|better than|minimum|min|above|over|>=?|of|=)"
_METRIC = (
    r"(?P<metric>roc[ _-]?auc|auc|average[ _-]precision|pr[ _-]auc|macro[ _-]f1|f1(?:[ _-]macro)?|"
    r"balanced[ _-]accuracy|accuracy|precision|recall|log[ _-]?loss|rmse|mae|r2)"
)
_SCORE = rf"{_NUMBER}\s*(?P<percent>%|percent\b|per cent\b)?"
_ERROR_METRICS = frozenset({"rmse", "mae", "log_loss"})
_SCORES = (
    re.compile(
        rf"\b{_METRIC}(?: score)?(?: (?:is|be|must be|should be))?\s*{_AT_LEAST}\s*(?:at least\s*)?{_SCORE}", re.I
    ),
    re.compile(rf"{_AT_LEAST}\s*{_SCORE}\s*(?:of\s*)?{_METRIC}\b", re.I),
)
_ERRORS = (re.compile(rf"\b(?P<metric>rmse|mae|log[ _-]?loss)(?: (?:is|be|must be))?\s*{_AT_MOST}\s*{_NUMBER}", re.I),)
_LATENCY = re.compile(rf"{_AT_MOST}\s*{_NUMBER}\s*(?:ms|milliseconds?|millis)\b", re.I)
_SIZE = re.compile(rf"{_AT_MOST}\s*{_NUMBER}\s*(?:mb|megabytes?)\b", re.I)
_BASELINE = re.compile(r"\bbeats? (?:the |a )?(?:baseline|dummy|guess(?:ing)?)\b", re.I)
LONGEST = 2_000
"""Characters of a goal that are read: no pattern can be made to run for long by it."""


def demands_in(goal: str) -> Demands:
    """What the words require. What they do not say is not required."""
    text = goal[:LONGEST]
    found: dict[str, object] = {**_score(text)}
    for name, pattern in (("max_latency_ms", _LATENCY), ("max_size_mb", _SIZE)):
        match = pattern.search(text)
        if match and _value(match) > 0:
            found[name] = _value(match)
    if _BASELINE.search(text):
        found["must_beat_baseline"] = True
    return Demands.model_validate(found)


def merged(asked: Demands, words: Demands) -> Demands:
    """What was asked for by option, and what the words add to it."""
    scored = {} if asked.min_score is None else {"min_score": asked.min_score, "metric": asked.metric}
    return Demands.model_validate({**words.given, **asked.given, **scored})


def _score(text: str) -> dict[str, object]:
    from engine.metrics import metric_name

    for pattern in (*_ERRORS, *_SCORES):
        match = pattern.search(text)
        if match is None:
            continue
        name = _known(metric_name(match["metric"]))
        share = match.groupdict().get("percent") is not None
        if share and name in _ERROR_METRICS:
            continue
        return {"metric": name, "min_score": round(_value(match) / 100, 6) if share else _value(match)}
    return {}


def _known(name: str) -> str:
    return {"rocauc": "roc_auc", "logloss": "log_loss"}.get(name, name)


def _value(match: re.Match[str]) -> float:
    return float(match["number"].replace(",", "."))
