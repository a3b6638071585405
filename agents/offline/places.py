"""Readers of what must stay letter for letter: files, addresses, ids, quoted words, rows in JSON."""

import json
import re
from dataclasses import replace

from agents.offline.slots import Reader, Slots, group_of, take
from agents.offline.tables import SAMPLES

_EXTENSION = r"(?:csv|tsv|txt|parquet|pq|jsonl?|ndjson|xlsx?|gz|feather|sqlite)"
_PATH = rf"(?:[A-Za-z]:)?[\w.~/\\+@%*-]*\.{_EXTENSION}(?:\.gz)?"
_OUT = re.compile(
    rf"\b(?:(?:save|write|store|output|export|put)\b[\w\s]*?\b(?:to|as|into|in)|to|into|out=?)\s+"
    rf"(?:\"([^\"]+)\"|'([^']+)'|({_PATH})\b)",
    re.IGNORECASE,
)
_WRITES = re.compile(r"\b(save|write|store|output|export|put|out)\b", re.IGNORECASE)
_QUOTED_PATH = re.compile(rf"[\"'`“]([^\"'`”]*\.{_EXTENSION}(?:\.gz)?)[\"'`”]", re.IGNORECASE)
_URL = re.compile(r"\b(?:sqlite|postgres(?:ql)?(?:\+\w+)?|mysql(?:\+\w+)?)://[^\s\"']+", re.IGNORECASE)
_QUERY = re.compile(r"\b(select\s.+?\sfrom\s.+?)(?=$|;|\"|')", re.IGNORECASE)
_SAMPLE = re.compile(r"\bsample:([\w-]+)", re.IGNORECASE)
_BARE_PATH = re.compile(rf"(?<![\w=]){_PATH}\b(?!:)", re.IGNORECASE)
_SLASHED = re.compile(r"(?<!\w)(?:\.{0,2}/|~/)[\w.~/+@%-]+\w")
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|`([^`]+)`|(?<!\w)'([^']+)'(?!\w)")
_JSON = re.compile(r"\[\s*\{.*\}\s*\]|\{.*\}", re.DOTALL)
_IDS = {
    "datasets": re.compile(r"\bds_[0-9a-z]+\b"),
    "models": re.compile(r"\bmdl_[0-9a-z]+\b|\b[\w-]+@(?:champion|challenger)\b"),
    "jobs": re.compile(r"\bjob_[0-9a-z]+\b"),
}


def _json_rows(slots: Slots) -> Slots:
    match, rest = take(slots, _JSON, "_rows_")
    if match is None:
        return slots
    try:
        value = json.loads(match.group())
    except json.JSONDecodeError:
        return slots
    rows = value if isinstance(value, list) else [value]
    return replace(slots, rows=tuple(row for row in rows if isinstance(row, dict)), rest=rest)


def _out(slots: Slots) -> Slots:
    match, rest = take(slots, _OUT, "_out_")
    writes = match is not None and (_WRITES.search(match.group()) or _BARE_PATH.search(slots.rest[: match.start()]))
    if match is None or not writes:
        return slots
    return replace(slots, out=group_of(match), rest=rest)


def _source(slots: Slots) -> Slots:
    for pattern in (_QUOTED_PATH, _URL, _SAMPLE, _BARE_PATH, _SLASHED):
        match, rest = take(slots, pattern, "_source_")
        if match is not None:
            text = match.group(1) if pattern is _QUOTED_PATH else match.group()
            return replace(slots, source=text.lower() if pattern is _SAMPLE else text, rest=rest)
    return slots


def _query(slots: Slots) -> Slots:
    if slots.source is None or "://" not in slots.source:
        return slots
    match, rest = take(slots, _QUERY, "_query_")
    return slots if match is None else replace(slots, query=match.group(1).strip(), rest=rest)


def _ids(slots: Slots) -> Slots:
    found: dict[str, tuple[str, ...]] = {}
    rest = slots.rest
    for kind, pattern in _IDS.items():
        found[kind] = tuple(dict.fromkeys(pattern.findall(rest)))
        rest = pattern.sub(f"_{kind[:-1]}_", rest)
    return replace(slots, rest=rest, **found)  # type: ignore[arg-type]


def _quotes(slots: Slots) -> Slots:
    """Quoted words keep their quotes as '_quotedN_', to be put back where a column is read."""
    quoted: list[str] = []

    def keep(match: re.Match[str]) -> str:
        quoted.append(group_of(match))
        return f"_quoted{len(quoted) - 1}_"

    return replace(slots, rest=_QUOTED.sub(keep, slots.rest), quoted=tuple(quoted))


def sample_words(slots: Slots) -> Slots:
    """'the churn sample', 'sample data': a bundled sample by words."""
    if slots.source is not None:
        return slots
    for pattern, name in SAMPLES:
        match, rest = take(slots, pattern, "_source_")
        if match is not None:
            return replace(slots, source=f"sample:{name}", rest=rest)
    return slots


PROTECTED: tuple[Reader, ...] = (_json_rows, _query, _out, _source, _query, _ids, _quotes)
"""A query may hold anything that looks like a path, so it is read as soon as there is an address for it."""
