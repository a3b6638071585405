"""Readers of what must stay letter for letter: files, addresses, ids, quoted words, rows in JSON."""

import json
import re
from dataclasses import replace

from agents.offline.slots import Reader, Slots, group_of, take
from agents.offline.tables import SAMPLES

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
_EXTENSION = r"(?:csv|tsv|txt|parquet|pq|jsonl?|ndjson|xlsx?|gz|feather|sqlite|npz|png|jpe?g|gif|bmp|webp|tiff?)"
_PATH = rf"(?:[A-Za-z]:)?[\w.~/\\+@%*-]{{0,400}}\.{_EXTENSION}(?:\.gz)?"
_OUT = re.compile(
    rf"\b(?:(?:save|write|store|output|export|put)\b[\w\s]*?\b(?:to|as|into|in)|to|into|out=?)\s+"
    rf"(?:\"([^\"]+)\"|'([^']+)'|({_PATH})\b)",
    re.IGNORECASE,
)
_WRITES = re.compile(r"\b(save|write|store|output|export|put|out)\b", re.IGNORECASE)
_QUOTED_PATH = re.compile(rf"[\"'`“]([^\"'`”]*\.{_EXTENSION}(?:\.gz)?)[\"'`”]", re.IGNORECASE)
_URL = re.compile(r"\b(?:sqlite|postgres(?:ql)?(?:\+\w+)?|mysql(?:\+\w+)?)://[^\s\"']+", re.IGNORECASE)
_QUERY = re.compile(r"\b(select\s.+?\sfrom\s.+?)(?=$|;|\"|')", re.IGNORECASE)
_SAMPLE = re.compile(r"\bsample:[\w-]+", re.IGNORECASE)
_BARE_PATH = re.compile(rf"(?<![\w=]){_PATH}\b(?!:\S)", re.IGNORECASE)
_BEGINS = r"(?:[A-Za-z]:[\\/]|\\\\|~/|\.{1,2}/|/|[\w-]{1,60}/)"
_STOPS = (
    r"(?!(?:and|then|to|with|into|from|for|within|using|please|load|save|write|predict|train|on|in|out|target|as|by|"
    r"without|is|or)\b|[A-Za-z]:[\\/]|[~.]{0,2}/)"
)
_SPACED_PATH = re.compile(
    rf"(?<![\w=\"'`/\\.:~])({_BEGINS}[^\s\"'`<>|*?,;]{{1,200}}(?: {_STOPS}[^\s\"'`<>|*?,;]{{1,200}}){{1,8}}?"
    rf"\.{_EXTENSION}(?:\.gz)?)(?![\w.])",
    re.IGNORECASE,
)
"""A path that was pasted as it is, with blanks in its names; the words of a request end it."""
_SLASHED = re.compile(r"(?<!\w)(?:\.{0,2}/|~/)[\w.~/+@%-]{1,400}\w/?")
_FOLDER = r"(?:folder|directory|dir)"
_NO_NAME = (
    r"(?:a|an|the|this|that|my|per|of|with|without|for|is|are|and|or|where|which|who|to|in|on|at|as|into|from|has|have|"
    r"contains?|containing|should|each|then|using|within|please|classifier|images?|texts?|files?|train\w*|predict\w*)\b"
)
_NAMED_FOLDER = re.compile(
    rf"\b{_FOLDER}(?:\s*:\s*|\s+)(?:called\s+|named\s+|at\s+)?(?:[\"'`“]([^\"'`”]+)[\"'`”]|(?!{_NO_NAME})([\w~][\w./~+-]*\w/?|\w+))",
    re.IGNORECASE,
)
_FOLDER_OF_A_NAME = re.compile(
    rf"\b(?:the|my|our)\s+(?!{_NO_NAME}|(?:same|whole|other|new|next|last|first|current|data|photo|picture|sub|parent)\b)"
    rf"([\w-]+)\s+{_FOLDER}\b",
    re.IGNORECASE,
)
_QUOTED_FOLDER = re.compile(
    r"(?<![=:])(?<![=:] )(?:\"([^\"\s]{1,200}/[^\"\s]*)\"|'([^'\s]{1,200}/[^'\s]*)'|`([^`\s]{1,200}/[^`\s]*)`)"
)
_NO_PATH = r"(?!(?:and/or|yes/no|true/false|train/test|spam/ham|ham/spam|input/output|he/she|his/her|n/a|w/o|km/h)\b)"
_CLOSED_FOLDER = re.compile(rf"(?<![\w/.:=-]){_NO_PATH}[A-Za-z_][\w.~+-]*/(?:[\w.~+-]+/)*(?![\w/])")
_PATH_ASKED_FOR = re.compile(
    r"\b(?:on|in|from|of|load|import|read|open|use|using|at|is|are|with)\s+(?:the\s+|all\s+|my\s+)?"
    rf"(?:(?:images?|texts?|files?|photos?|pictures?|data)\s+(?:in|from|under)\s+)?({_NO_PATH}[A-Za-z_][\w.~+-]*(?:/[\w.~+-]*\w)+)"
    r"(?=\s*(?:$|[,;:!?)]|\.(?:\s|$)|(?:and|then|with|within|to|for|using|without|please|in|by|on|as|best)\b))",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|`([^`]+)`|(?<!\w)'([^']+)'(?!\w)")
_JSON = re.compile(r"\[\s*\{.*\}\s*\]|\{.*\}", re.DOTALL)
_IDS = {
    "datasets": re.compile(r"\bds_[0-9a-z]+\b"),
    "models": re.compile(r"\bmdl_[0-9a-z]+\b|\b[\w-]{1,100}@(?:champion|challenger)\b"),
    "jobs": re.compile(r"\bjob_[0-9a-z]+\b"),
    "monitors": re.compile(r"\bmon_[0-9a-z]+\b"),
    "alerts": re.compile(r"\balr_[0-9a-z]+\b"),
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
    for pattern in _SOURCES:
        match, rest = take(slots, pattern, "_source_")
        if match is not None:
            text = group_of(match) if match.re.groups else match.group()
            verb = match.group()[: match.group().find(text)] if pattern is _PATH_ASKED_FOR else ""
            rest = f"{rest[: match.start()]} {verb} {rest[match.start() :]}"
            return replace(slots, source=match.group().lower() if pattern is _SAMPLE else text, rest=rest)
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


_SOURCES = (
    *(_NAMED_FOLDER, _QUOTED_PATH, _QUOTED_FOLDER, _URL, _SAMPLE, _SPACED_PATH, _BARE_PATH, _SLASHED, _CLOSED_FOLDER),
    *(_PATH_ASKED_FOR, _FOLDER_OF_A_NAME),
)
"""A folder is told from a word by a slash, or by being called a folder."""

PROTECTED: tuple[Reader, ...] = (_json_rows, _query, _out, _source, _query, _ids, _quotes)
"""A query may hold anything that looks like a path, so it is read as soon as there is an address for it."""
