"""The words beside figures: units, metrics, number words, and those that say how one figure was made of others."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Unit:
    """A kind of measure, and how many of its smallest unit (microseconds, bytes) one is."""

    kind: str
    size: Decimal


def _time(size: str) -> Unit:
    return Unit("time", Decimal(size))


def _bytes(size: int) -> Unit:
    return Unit("size", Decimal(size))


_TIMES = {
    _time("1"): "us µs μs microsecond microseconds",
    _time("1e3"): "ms msec millisecond milliseconds milli",
    _time("1e6"): "s sec secs second seconds",
    _time("60e6"): "min mins minute minutes",
    _time("3600e6"): "h hr hrs hour hours",
    _time("86400e6"): "day days",
}
_SIZES = {
    _bytes(1): "byte bytes",
    _bytes(10**3): "kb kilobyte kilobytes",
    _bytes(10**6): "mb megabyte megabytes",
    _bytes(10**9): "gb gigabyte gigabytes",
    _bytes(10**12): "tb terabyte terabytes",
    _bytes(2**10): "kib kibibyte kibibytes",
    _bytes(2**20): "mib mebibyte mebibytes",
    _bytes(2**30): "gib gibibyte gibibytes",
}
UNITS = {word: unit for table in (_TIMES, _SIZES) for unit, words in table.items() for word in words.split()}
_TAKES = vocabulary("time duration elapsed took wait age lag latency fit train run total delay spent wall budget")
"""Words before `min` where it means minutes."""
_ALONE = frozenset({"s", "ms", "mb", "kb", "gb"})
"""Units that a key may be alone."""
_KEYS = {**{word: unit for word, unit in UNITS.items() if len(word) > 1}, "s": _time("1e6")}
RATE = Unit("rate", Decimal(1))
_AFTER = re.compile(r"[\s\u00a0\u202f-]?([A-Za-zµμ]+)(?:\s?/\s?s\b|\s+(?:per|a|each)\s+second\b)?")
_PER_SECOND = re.compile(r"^\W{0,2}(?:[a-z]+\s){0,2}[a-z]*\s?(?:/\s?s\b|(?:per|a|each|every)\s+second\b)")

_METRICS = {
    "roc_auc": r"roc[-_ ]?auc|auc[-_ ]roc|area under the (?:roc )?curve|auroc|auc",
    "average_precision": r"average[-_ ]precision|pr[-_ ]?auc",
    "balanced_accuracy": r"balanced[-_ ]accuracy",
    "macro_f1": r"macro[-_ ](?:averaged )?f1(?:[-_ ]score)?|f1[-_ ]macro",
    "f1": r"f1(?:[-_ ]score)?",
    "precision": r"precision",
    "recall": r"recall|sensitivity",
    "accuracy": r"accuracy|(?<=% )accurate|acc",
    "log_loss": r"log[-_ ]?loss|cross[-_ ]entropy",
    "rmse": r"rmse|root[- ]mean[- ]squared?[- ]error",
    "mae": r"mae|mean[- ]absolute[- ]error",
    "r2": r"r2(?:[-_ ]score)?|r²|r-squared",
}
METRIC = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_METRICS.values())})(?![A-Za-z])")
"""In small letters."""
_WHOLE = {name: re.compile(rf"(?:{pattern})", re.IGNORECASE) for name, pattern in _METRICS.items()}

ERRORS = frozenset({"log_loss", "rmse", "mae"})
"""The metrics of which less is better; nobody tells them in percent."""
_ALIKE = {
    "row": "record sample observation example instance line n support",
    "column": "variable attribute field",
    "maximum": "max highest largest",
    "minimum": "min lowest smallest",
    "mean": "average",
    "deviation": "std sd stdev spread",
    "relation": "correlation related correlate",
    "distinct": "unique different",
    "missing": "null empty absent",
    "train": "training trained",
    "test": "sealed holdout unseen testing",
    "number": "numeric numerical",
    "category": "categorical categorie",
    "memory": "ram",
    "looks": "look looked",
    "candidate": "algorithm learner",
    "alert": "alarm",
    "done": "finished completed",
    "apply": "applicable",
    "keep": "kept keeping",
}
_SAME = {word: one for one, words in _ALIKE.items() for word in words.split()}
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_FEW = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen"
)
NUMBERS = {
    **{word: Decimal(n) for n, word in enumerate(_FEW.split(), 2)},
    **{word: Decimal(10 * n) for n, word in enumerate(_TENS.split(), 2)},
    "dozen": Decimal(12),
    "hundred": Decimal(100),
    "thousand": Decimal(1000),
}
COUNTED = (
    r"rows?|records?|columns?|features?|inputs?|models?|candidates?|algorithms?|folds?|class(?:es)?|datasets?|variants?"
    r"|monitors?|alerts?|alarms?|jobs?|runs?|seconds?|minutes?|hours?|milliseconds|percent|per cent|points?|trials?"
    r"|checks?|windows?|samples?|examples?|observations?|categor(?:y|ies)|integers?|values?|identifiers?|looks?|fits?"
)
_ONES, _MANY = "|".join(sorted(_FEW.split(), key=len, reverse=True)), _TENS.replace(" ", "|")
_IDLE = (
    r"(?:[a-z]+ )?(?:ways?|things?|options?|steps?|reasons?|kinds?|sorts?|sides?|questions?|answers?|caveats?|remarks?"
    r"|ideas?|suggestions?|possibilit(?:y|ies)|sentences?|words?)"
    r"|fifths|thirds|quarters|or|more|others?|different|separate|together"
    r"|of (?:the |my |these )?(?:reasons?|ways?|best|most|largest|few|us)|and|in|can|could|would"
)
"""What may follow a number in words that tells nothing of a result."""
_NUMBER = (
    rf"(?:(?P<tens>{_MANY})(?:[- ](?P<ones>{_ONES}))?|(?P<few>{_ONES})|(?:a|one) (?P<lot>dozen|hundred|thousand))"
    rf"(?P<big> hundred| thousand)?"
)
_NOT_BEHIND = "".join(rf"(?<!{word} )" for word in (r"\bthe", "these", "those", "other", "both", "last", "first"))
NUMBER_WORD = re.compile(
    rf"\b(?:{_NOT_BEHIND}(?<!-)(?={_NUMBER.replace('?P<', '?P<_')}(?:fold\b|[ -](?!(?:{_IDLE})\b)[a-z]))"
    rf"|(?<=\bonly )(?={_NUMBER.replace('?P<', '?P<___')}\b)"
    rf"|(?={_NUMBER.replace('?P<', '?P<__')}(?:[ -][a-z]+){{0,2}}[ -](?:{COUNTED})\b)){_NUMBER}",
    re.IGNORECASE,
)
"""A number in words is told of a result where something follows that it counts: 'one' and 'two ways' are none."""
FRACTION = re.compile(
    r"(?<!and a )\b(?P<many>half|(?:a|one) third|two[- ]thirds|(?:a|one) quarter|three[- ]quarters|(?:a|one) fifth"
    r"|a tenth)(?: of)?(?: all)?(?: the| its| your)?(?: [a-z]+)?"
    r"(?= (?:rows|columns|models|candidates|values|records|samples|features|checks|jobs)\b)",
    re.IGNORECASE,
)
FRACTIONS = {
    "half": (1, 2), "third": (1, 3), "thirds": (2, 3), "quarter": (1, 4), "quarters": (3, 4), "fifth": (1, 5),
    "tenth": (1, 10),
}  # fmt: skip
TWICE = re.compile(r"\b(?:twice|double|thrice)(?= (?:as|the)\b)", re.IGNORECASE)

_UP = (
    "higher more greater larger bigger longer rose rises risen rise gained grew grows increase increased increases "
    "raises raised climbs climbed jumps jumped widens widened doubled doubles tripled up above"
)
_DOWN = (
    "lower less fewer smaller shorter fell falls fallen fall drop drops dropped decrease decreased decreases reduced "
    "reduces down below under lost loses lose loss lowers lowered cuts cut saves saved "
    "shrinks shrank shrunk sinks sank slips cheaper"
)
_BETTER = (
    "better improves improved improvement improve gain gains ahead lead leads beats outperforms outperformed advantage"
)
_WORSE = "worse behind trails trailing degraded degrades deteriorated"
_FASTER, _SLOWER = "faster quicker sooner", "slower later"
_EITHER = "difference gap margin differ differs differed apart change changed changes"
SENSES = {
    word: sense
    for sense, words in (
        ("up", _UP), ("down", _DOWN), ("better", _BETTER), ("worse", _WORSE), ("faster", _FASTER), ("slower", _SLOWER),
        ("either", _EITHER),
    )
    for word in words.split()
}  # fmt: skip
POINTS = re.compile(
    r"^\s?(?:%|percent|per cent|percentage)?[\s-]*(?:points?\b|pts\b|ppts?\b|pp\b|p\.p\.)", re.IGNORECASE
)
TIMES = re.compile(r"^\s?(?:[x×](?!\w)|times\b|-?fold\b)", re.IGNORECASE)
NUMBERED = vocabulary(
    "grade class label digit category group level version bin cluster fold epoch trial quarter day week horizon layer"
)
"""Words before a number that is a name."""
WISHES = vocabulary(
    "budget limit within at most least goal target asked wanted requested max maximum allow allowed may below "
    "under said gave given your want wish wished ask cap ceiling up tolerate tolerance"
)
"""Words by which a text speaks of what was asked for."""
ABOUT = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|some|circa|close to|approx\.?)(?: an?)?|[~≈])\s*$", re.IGNORECASE
)
OVER = re.compile(
    r"\b(?:over|more than|above|at least|just above|upwards of|exceeds|exceeding)(?: an?)?\s*$", re.IGNORECASE
)
UNDER = re.compile(
    r"\b(?:under|less than|below|at most|nearly|almost|just under|not quite|up to)(?: an?)?\s*$", re.IGNORECASE
)
VERSUS = re.compile(
    r"\b(?:than|over|against|beats?|versus|vs\.?|compared (?:to|with)|ahead of|outperforms|behind|instead of|unlike"
    r"|relative to|from|to)\s+(?:the |its |that of |with )*$",
    re.IGNORECASE,
)


def rough_word(before: str) -> str:
    """The word such as 'about', 'over' or 'nearly' in which a text before a figure ends; '' for none."""
    last, tail = before.rstrip()[-1:], before[-24:]
    if not (last.isalpha() or last in "~≈."):
        return ""
    rough = ABOUT.search(tail) or OVER.search(tail) or UNDER.search(tail)
    return rough.group() if rough else ""


def is_against(before: str) -> bool:
    """Whether a text ends in a word that sets something against what follows, such as 'than' or 'compared with'."""
    return VERSUS.search(before[-48:]) is not None


@lru_cache(maxsize=4000)
def stem(word: str) -> str:
    """A word in small letters and the singular, with one word for those that say the same."""
    low = word.casefold()
    if low.endswith("ies") and len(low) > 4:
        low = f"{low[:-3]}y"
    elif low.endswith(("sses", "xes", "ches", "shes")):
        low = low[:-2]
    elif low.endswith("s") and not low.endswith(("ss", "us", "is")) and len(low) > 3:
        low = low[:-1]
    return _SAME.get(low, low)


@lru_cache(maxsize=4000)
def words_of(key: str) -> frozenset[str]:
    """The stems of the words of a key: `train_rows` has train and row."""
    return frozenset(stem(word) for word in re.findall(r"[A-Za-z]+\d*|\d+", key.replace("_", " ")))


def lowered(text: str) -> str:
    """A text in small letters, each in its place."""
    low = text.lower()
    return low if len(low) == len(text) else text


@lru_cache(maxsize=4000)
def metric_of(text: str) -> str:
    """The metric that a text names as a whole; '' for none."""
    return next((name for name, pattern in _WHOLE.items() if pattern.fullmatch(text)), "")


@lru_cache(maxsize=4000)
def unit_of_key(key: str) -> Unit | None:
    """The unit that a word of a key says: ms of `p95_ms`, seconds of `budget_seconds` and of `seconds_left`."""
    if re.search(r"per_s(?:ec(?:ond)?)?(?![a-z])", key):
        return RATE
    *first, last = key.casefold().split("_")
    if last == "min" and _TAKES.isdisjoint(first) and not any(word.endswith("time") for word in first):
        return None  # the least
    if last in _KEYS and (first or len(last) > 2 or last in _ALONE):
        return _KEYS[last]
    if last == "min":
        return _KEYS[last]
    units = (
        _KEYS[word] for word in reversed(first) if (len(word) > 2 or word in _ALONE) and word in _KEYS and word != "min"
    )
    return next(units, None)


def unit_after(shown: str, after: str) -> Unit | None:
    """The unit of a figure: the letters that touch it, or the word that follows."""
    if shown.endswith(("%", "％", "‰", "‱", "k", "K", "M")):
        return None
    if _PER_SECOND.match(after):
        return RATE
    own = re.search(r"[A-Za-zµμ]+$", shown)
    if own is not None and own.group() != shown.replace("-", " ").split()[-1]:
        return UNITS.get(own.group().casefold())
    follows = _AFTER.match(after)
    return UNITS.get(follows.group(1).casefold()) if follows else None


def unit_in(heading: str) -> Unit | None:
    """The unit that the head of a column or a row names last: 'Size (MB)', 'rows a second'."""
    if re.search(r"(?:\b(?:per|a|each)\s+|/\s?)s(?:ec|econd)?\b", heading):
        return RATE
    for word in reversed(re.findall(r"(?<![_\w])[A-Za-zµμ]+(?![_\w])", heading)):
        if word.casefold() in UNITS and (len(word) > 1 or re.search(rf"[(\[,]\s*{word}\b", heading)):
            return UNITS[word.casefold()]
    return None


def greater_is_better(metric: str) -> bool:
    """Whether more of a metric is better; what is not known is taken to be a score."""
    return metric not in ERRORS
