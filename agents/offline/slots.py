"""What a message says besides what it wants: files, ids, time, metric, models, columns, rows.

Each reader takes its words out of the text and leaves a placeholder, so that what remains can be read on:
'train on a.csv within 2 minutes' becomes 'train on _source_ _budget_'.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from agents.offline.tables import FAMILIES, METRICS, NO_FAMILY, SAMPLES
from agents.offline.words import NUMBER, mended, number


@dataclass(frozen=True)
class Slots:
    """`rest` is the message with placeholders; a field that was not mentioned is None or empty.

    Units: budget in seconds, `factor` multiplies the last budget. `target` and `drop` are words, not yet columns.
    """

    rest: str = ""
    source: str | None = None
    out: str | None = None
    query: str | None = None
    datasets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    budget: float | None = None
    factor: float | None = None
    max_models: int | None = None
    seed: int | None = None
    fraction: float | None = None
    top: int | None = None
    metric: str | None = None
    families: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    only: bool = False
    unknown_family: str | None = None
    target: str | None = None
    drop: tuple[str, ...] = ()
    rows: tuple[dict[str, object], ...] = ()
    alias: str | None = None
    ordinal: int | None = None
    name: str | None = None
    quoted: tuple[str, ...] = ()


PLACEHOLDER = re.compile(r"(?<!\w)_[a-z]+(?:_[a-z]+)?\d*_(?!\w)")
LONGEST = 1_000
"""Characters of a request that are read, files, ids, quotes and rows in JSON not counted."""


def read_slots(text: str, known: frozenset[str] = frozenset()) -> Slots:
    """Everything that `text` mentions; `known` are column names (lower case) that are no typing errors."""
    slots = Slots(rest=" ".join(text.split()))
    for reader in PROTECTED:
        slots = reader(slots)
    # requests are short; a long text is cut so that no pattern can be made to run for long
    slots = replace(slots, rest=mended(slots.rest[:LONGEST], known))
    for reader in READERS:
        slots = reader(slots)
    return replace(slots, rest=" ".join(slots.rest.split()))


Reader = Callable[[Slots], Slots]

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


def _take(slots: Slots, pattern: re.Pattern[str], placeholder: str) -> tuple[re.Match[str] | None, str]:
    match = pattern.search(slots.rest)
    if match is None:
        return None, slots.rest
    return match, f"{slots.rest[: match.start()]} {placeholder} {slots.rest[match.end() :]}"


def _group(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


# before typing errors are mended: what must stay letter for letter


def _json_rows(slots: Slots) -> Slots:
    match, rest = _take(slots, _JSON, "_rows_")
    if match is None:
        return slots
    try:
        value = json.loads(match.group())
    except json.JSONDecodeError:
        return slots
    rows = value if isinstance(value, list) else [value]
    return replace(slots, rows=tuple(row for row in rows if isinstance(row, dict)), rest=rest)


def _out(slots: Slots) -> Slots:
    match, rest = _take(slots, _OUT, "_out_")
    writes = match is not None and (_WRITES.search(match.group()) or _BARE_PATH.search(slots.rest[: match.start()]))
    if match is None or not writes:
        return slots
    return replace(slots, out=_group(match), rest=rest)


def _source(slots: Slots) -> Slots:
    for pattern in (_QUOTED_PATH, _URL, _SAMPLE, _BARE_PATH, _SLASHED):
        match, rest = _take(slots, pattern, "_source_")
        if match is not None:
            text = match.group(1) if pattern is _QUOTED_PATH else match.group()
            return replace(slots, source=text.lower() if pattern is _SAMPLE else text, rest=rest)
    return slots


def _query(slots: Slots) -> Slots:
    if slots.source is None or "://" not in slots.source:
        return slots
    match, rest = _take(slots, _QUERY, "_query_")
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
        quoted.append(_group(match))
        return f"_quoted{len(quoted) - 1}_"

    return replace(slots, rest=_QUOTED.sub(keep, slots.rest), quoted=tuple(quoted))


# after it


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_UNIT = r"(h|hours?|hrs?|m|mins?|minutes?|s|secs?|seconds?)"
_AMOUNT = re.compile(
    rf"(?<![\w.])(?P<number>\d+(?:[.,]\d+)?|{NUMBER}(?=[\s-]))\s*-?\s*(?P<unit>{_UNIT})(?=\b|\d)(?P<half>\s+and a half)?",
    re.IGNORECASE,
)
_AND_HALF = re.compile(rf"(\d+|one|two|three|a|an)\s+and\s+a\s+half\s+{_UNIT}\b", re.IGNORECASE)
_BUDGET = re.compile(
    r"(?:\b(?:within|in|for|under|at most|max(?:imum)?(?: of)?|up to|about|around|only|with|use|using|take|give it|"
    r"a|the|time|budget|limit)(?: of|:|=)?\s+)*(?:_time_(?:\s*(?:and|,)?\s*_time_)*)(?:\s+(?:budget|limit|of training|max))*",
    re.IGNORECASE,
)
_BARE_BUDGET = re.compile(
    r"\b(?:with a |a )?(?:time )?(?:budget|limit)(?: of|=|:| is)?\s*(\d+(?:\.\d+)?)\b", re.IGNORECASE
)
_FACTORS = (
    (re.compile(r"\b(?:double|twice)(?: the| as much)? (?:time|budget|long)\b|\btwice as long\b", re.IGNORECASE), 2.0),
    (re.compile(r"\bhalf the (?:time|budget)\b|\bhalf as long\b", re.IGNORECASE), 0.5),
    (re.compile(r"\b(?:train |run |for )?(?:longer|more time|bigger budget|larger budget)\b", re.IGNORECASE), 2.0),
    (re.compile(r"\b(?:less time|shorter|smaller budget|quicker)\b", re.IGNORECASE), 0.5),
)
_SEED = re.compile(r"\b(?:with |using )?(?:the )?(?:random )?seed(?: of| is|=|:)?\s*(\d+)", re.IGNORECASE)
_MAX_MODELS = re.compile(
    rf"\b(?:train|try|fit|exactly|at most|max(?:imum)?(?: of)?|use|with)\s+({NUMBER})\s+(?:different )?"
    r"(?:models|candidates|variants)\b|\bmax_models\s*[=:]?\s*(\d+)|\b(\d+)\s+(?:models|candidates)\b",
    re.IGNORECASE,
)
_FRACTION = re.compile(
    r"\b(?:hold(?:ing)?[- ]?out|test (?:set|split|size|share|fraction)(?: of)?|seal|keep)\s*(?:of|=|:)?\s*"
    r"(\d+(?:\.\d+)?)\s*(%|percent|per cent)?(?:\s+(?:for testing|as test|of the rows))?",
    re.IGNORECASE,
)
_TOP = re.compile(rf"\btop[- ]({NUMBER})\b|\b({NUMBER}) most important\b", re.IGNORECASE)
_ALIAS = re.compile(r"\b(champion|challenger)\b", re.IGNORECASE)
_PRODUCTION = re.compile(r"\b(?:the )?(?:default|production|live|official)(?: (?:model|one|version))?\b", re.IGNORECASE)
_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4}
_ORDINAL = re.compile(
    r"\b(?:the )?(first|1st|second|2nd|third|3rd|fourth|4th|fifth|last|(?<=the )other)(?= (?:one|model|dataset|job|of)\b|[?.!,]|$)"
    r"(?: one| model| dataset| job)?|(?:\bnumber |\bno\. ?|#)(\d+)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"\b(?:call|name) (?:it|the model|this model) (?:as )?([\w-]+)|\b(?:model )?named ([\w-]+)", re.IGNORECASE
)
_PAIR = re.compile(r"([A-Za-z_][\w .]*?)\s*(?:=|:(?!/))\s*(.+?)(?=\s*(?:,|;|$|\band\s+[A-Za-z_][\w ]*?\s*[=:]))")
_SETTINGS = re.compile(r"\b(?:target|label|metric|models?|drop|budget|name|seed|goal|data)\s*$", re.IGNORECASE)


def _sample_words(slots: Slots) -> Slots:
    """'the churn sample', 'sample data': a bundled sample by words."""
    if slots.source is not None:
        return slots
    for pattern, name in SAMPLES:
        match, rest = _take(slots, pattern, "_source_")
        if match is not None:
            return replace(slots, source=f"sample:{name}", rest=rest)
    return slots


def _budget(slots: Slots) -> Slots:
    total, rest = 0.0, slots.rest

    def half_first(match: re.Match[str]) -> str:
        nonlocal total
        total += (number(match.group(1)) + 0.5) * _UNITS[match.group(2)[0].lower()]
        return " _time_ "

    def amount(match: re.Match[str]) -> str:
        nonlocal total
        half = 0.5 if match.group("half") else 0.0
        total += (number(match.group("number")) + half) * _UNITS[match.group("unit")[0].lower()]
        return " _time_ "

    rest = _AMOUNT.sub(amount, _AND_HALF.sub(half_first, rest))
    if total:
        return replace(slots, budget=total, rest=_BUDGET.sub(" _budget_ ", " ".join(rest.split())))
    match, rest = _take(slots, _BARE_BUDGET, "_budget_")
    return slots if match is None else replace(slots, budget=float(match.group(1)), rest=rest)


def _factor(slots: Slots) -> Slots:
    for pattern, factor in _FACTORS:
        match, rest = _take(slots, pattern, "_factor_")
        if match is not None:
            return replace(slots, factor=factor, rest=rest)
    return slots


def _whole(field: str, pattern: re.Pattern[str]) -> Reader:
    def reader(slots: Slots) -> Slots:
        match, rest = _take(slots, pattern, f"_{field}_")
        return slots if match is None else replace(slots, rest=rest, **{field: int(number(_group(match)))})  # type: ignore[arg-type]

    return reader


def _fraction(slots: Slots) -> Slots:
    match, rest = _take(slots, _FRACTION, "_fraction_")
    if match is None:
        return slots
    value = float(match.group(1))
    share = value / 100 if match.group(2) or value >= 1 else value
    return replace(slots, fraction=share, rest=rest) if 0 < share < 1 else slots


def _metric(slots: Slots) -> Slots:
    for pattern, name in METRICS:
        match, rest = _take(slots, pattern, "_metric_")
        if match is not None:
            return replace(slots, metric=name, rest=rest)
    return slots


def _families(slots: Slots) -> Slots:
    wanted: list[str] = []
    refused: list[str] = []
    rest = slots.rest
    for pattern, name in FAMILIES:
        while match := pattern.search(rest):
            negated = NO_FAMILY.search(rest[: match.start()])
            (refused if negated else wanted).append(name)
            rest = f"{rest[: match.start()]} {'_nofamily_' if negated else '_family_'} {rest[match.end() :]}"
    strange = next((name for name in wanted + refused if name.startswith("?")), None)
    return replace(
        slots,
        families=tuple(dict.fromkeys(name for name in wanted if not name.startswith("?"))),
        without=tuple(dict.fromkeys(name for name in refused if not name.startswith("?"))),
        only=bool(re.search(r"\b(only|just)\b[^.]*_family_|_family_ only\b", " ".join(rest.split()))),
        unknown_family=strange[1:] if strange else None,
        rest=rest,
    )


def _alias(slots: Slots) -> Slots:
    match, rest = _take(slots, _ALIAS, "_alias_")
    if match is not None:
        return replace(slots, alias=match.group(1).lower(), rest=rest)
    match, rest = _take(slots, _PRODUCTION, "_alias_")
    return slots if match is None else replace(slots, alias="champion", rest=rest)


def _ordinal(slots: Slots) -> Slots:
    match, rest = _take(slots, _ORDINAL, "_ordinal_")
    if match is None:
        return slots
    if match.group(2):
        return replace(slots, ordinal=int(match.group(2)) - 1, rest=rest)
    word = match.group(1).lower()
    return replace(slots, ordinal={"last": -1, "other": 1, **_ORDINALS}[word], rest=rest)


def _name(slots: Slots) -> Slots:
    match, rest = _take(slots, _NAME, "_name_")
    return slots if match is None else replace(slots, name=_group(match), rest=rest)


def _pairs(slots: Slots) -> Slots:
    """'tenure=3, Contract=Two year' is one row."""
    row: dict[str, object] = {}
    start: int | None = None
    for match in _PAIR.finditer(slots.rest):
        name = _NOISE.sub("", match.group(1)).strip()
        no_cell = match.group(2).startswith("_") and not match.group(2).startswith("_quoted")
        if not name or no_cell or _SETTINGS.search(match.group(1)) or name.startswith("_"):
            continue
        row[unquoted(name, slots)] = _cell(unquoted(match.group(2).strip(" .?!"), slots))
        start = match.start() if start is None else start
    if not row or start is None:
        return slots
    # the words before the first name are part of its match: keep the verb
    before = slots.rest[:start] + _leading(slots.rest[start:])
    return replace(slots, rows=(*slots.rows, row), rest=f"{before} _rows_")


_NOISE = re.compile(
    r"^.*\b(?:for|with|of|when|where|if|is|has|having|and|predict|row|customer|a|an|someone|somebody|rows?|one)\b\s+",
    re.IGNORECASE,
)


def _leading(text: str) -> str:
    """What stands before the name of the first pair."""
    head = re.split(r"[=:]", text, maxsplit=1)[0]
    match = _NOISE.match(head)
    return head[: match.end()] if match else ""


def _cell(text: str) -> object:
    try:
        return json.loads(text) if re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text) else text
    except json.JSONDecodeError:
        return text


def unquoted(text: str, slots: Slots) -> str:
    """The text with quoted words back in their places, without the quotes."""
    return re.sub(r"_quoted(\d+)_", lambda match: slots.quoted[int(match.group(1))], text)


_END = (
    r"(?=\s*(?:$|[;!?]|\.(?:\s|$)|,\s+(?:and\s+)?(?:with|within|only|using|use|best|optimi\w+|without|seed|in|for|then|_)|"
    r"\b(?:from|using|within|with|without|in|on|by|based|instead|please|then|again|to|for|given|when|as|but|and (?:use|train|re-?run|retrain|run|go|again|"
    r"predict|then|only|with|show|try|optimi\w+|explain|_))\b|\s_))"
)
_DROP = re.compile(
    r"\b(?:without|drop(?:ping)?|ignor(?:e|ing)|exclud(?:e|ing)|leav(?:e|ing) out|except(?: for)?|"
    r"remov(?:e|ing)|don'?t use|do not use|not using|omit(?:ting)?|skip(?:ping)?)\s+(?:the\s+)?(?:columns?|features?|fields?|variables?)?\s*"
    r"(?:called\s+|named\s+)?(?!_(?!quoted)|a model|it\b|this\b|that\b|an? )(.+?)(?:\s+(?:column|feature|field)s?)?"
    + _END,
    re.IGNORECASE,
)
_TARGETS = (
    re.compile(
        r"\b(?:--)?(?:target|label|dependent|outcome)(?:\s+(?:column|variable|field))?\s*(?:is|=|:|should be|will be|being|called|named|\s)\s*"
        r"(?!(?:column|variable|field|is)\b)(?:the\s+)?(?:column\s+)?(.+?)" + _END,
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:predict(?:s|ing)?|forecast(?:ing)?|classif(?:y|ies|ying)|estimat(?:e|es|ing)|model(?:l?ing)?|regress(?:ing)?|"
        r"model (?:for|of))\s+(?!(?:for|with|on|in|a|using)\b)(?:the\s+)?(?:column\s+)?(?:value of\s+)?(.+?)" + _END,
        re.IGNORECASE,
    ),
    re.compile(r"\bfor\s+(?:predicting\s+)?(?:the\s+)?(?!_)(.+?)" + _END, re.IGNORECASE),
)


def _drop(slots: Slots) -> Slots:
    names: list[str] = []
    rest = slots.rest
    while match := _DROP.search(rest):
        names += [part.strip() for part in re.split(r",|\band\b|\bor\b|&", match.group(1)) if part.strip()]
        rest = f"{rest[: match.start()]} _drop_ {rest[match.end() :]}"
    cleaned = [unquoted(re.sub(r"^(?:the|column|feature)\s+", "", name), slots) for name in names]
    return replace(slots, drop=tuple(dict.fromkeys(cleaned)), rest=rest)


def _target(slots: Slots) -> Slots:
    for pattern in _TARGETS:
        match = pattern.search(slots.rest)
        if match is not None and match.group(1).strip():
            return replace(slots, target=unquoted(match.group(1).strip(), slots))
    return slots


PROTECTED: tuple[Reader, ...] = (_json_rows, _query, _out, _source, _query, _ids, _quotes)
READERS: tuple[Reader, ...] = (
    _sample_words,
    _whole("seed", _SEED),
    _budget,
    _factor,
    _whole("max_models", _MAX_MODELS),
    _fraction,
    _whole("top", _TOP),
    _metric,
    _families,
    _alias,
    _name,
    _pairs,
    _ordinal,
    _drop,
    _target,
)
"""In this order: what has a plain form first, so that the words of columns are read from what is left."""
