"""Telling the true values of logged predictions: from a file, or row by row."""

import re

from agents.offline.conversation import Json
from agents.offline.finding import given
from agents.offline.monitor_finding import monitor_for
from agents.offline.monitoring_wording import labelled
from agents.offline.playing import Asked, Play, Request

NO_LABELS = "Which file holds the labels? It needs a column with the row ids and one with the true values."

_NAME = r"[\"'`]?([A-Za-z_][\w.-]*)[\"'`]?"
_COLUMN = r"(?:(?:the |a )?(?:column|field)\s+)?(?:called |named )?"
_ID = r"(?:row[ _-]?)?(?:ids?|keys?)"
_HOLDER = rf"\b(?!(?:here|these|those|they|this|that|it|what)\b){_NAME}"
_IS = r"(?:is|are|as|holds|has|contains)"
_LABEL = r"(?:labels?|truth|outcomes?|target|answers?|values?)"
_ID_COLUMN = (
    re.compile(
        rf"\b{_ID}[ _]?(?:column|field)?\s*(?:=|:|\b(?:is|are|in|called)\b|\s)+\s*{_COLUMN}{_NAME}", re.IGNORECASE
    ),
    re.compile(rf"{_HOLDER} {_IS} the {_ID}\b", re.IGNORECASE),
    re.compile(rf"\b(?:match|join|key|identifi)(?:ed)? (?:them )?(?:by|on|with) {_COLUMN}{_NAME}", re.IGNORECASE),
)
_LABEL_COLUMN = (
    re.compile(rf"\b{_LABEL}[ _](?:column|field)\s*(?:=|:|\b(?:is|called|named)\b)?\s*{_NAME}", re.IGNORECASE),
    re.compile(rf"(?<!id )\b(?:column|field)\s*(?:=|:|\b(?:is|called|named)\b)?\s*{_NAME}", re.IGNORECASE),
    re.compile(rf"{_HOLDER} {_IS} the (?:true )?{_LABEL}\b", re.IGNORECASE),
)
_ONE_ROW = re.compile(
    r"\b(?:row|id|prediction|case)\s+[\"'`]?([\w-]+)[\"'`]?\s+"
    r"(?:was|is|turned out(?: to be)?|has(?: the label)?|had|=|:)\s+"
    r"(?:(?:really|actually|in fact|an?|the) )*[\"'`]?([\w.-]*\w)[\"'`]?",
    re.IGNORECASE,
)


def log_labels(play: Play, request: Request) -> str:
    """The true values of rows that a monitor has logged."""
    data = request.slots.source or next(iter(request.slots.datasets), None)
    rows = [] if data else _told_rows(request)
    if data is None and not rows:
        raise Asked("source", NO_LABELS)
    wanted = _columns(request) if data else {"rows": rows}
    return labelled(play.use_mended("log_labels", **given(monitor=monitor_for(play, request), data=data, **wanted)))


def _told_rows(request: Request) -> list[Json]:
    """Rows in JSON, or 'row a17 was Yes'."""
    if request.slots.rows and "{" in request.words:
        return [dict(row) for row in request.slots.rows]
    return [{"row_id": match.group(1), "label": match.group(2)} for match in _ONE_ROW.finditer(request.words)]


def id_column(request: Request) -> str | None:
    """The column of row ids, where the words name one: 'the ids are in customerID'."""
    return _taken(_ID_COLUMN, request.words.replace(request.slots.source or "", " ", 1))[0]


def _columns(request: Request) -> Json:
    """The columns of ids and labels, where the words name them."""
    text = request.words.replace(request.slots.source or "", " ", 1)
    ids, text = _taken(_ID_COLUMN, text)
    labels, _ = _taken(_LABEL_COLUMN, text)
    return given(id_column=ids, label_column=labels)


def _taken(patterns: tuple[re.Pattern[str], ...], text: str) -> tuple[str | None, str]:
    """The name that the first matching pattern finds, and the text without it."""
    match = next((found for pattern in patterns if (found := pattern.search(text))), None)
    if match is None:
        return None, text
    return match.group(1), f"{text[: match.start()]} {text[match.end() :]}"
