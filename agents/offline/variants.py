"""Which variants of a model the words name, and what is to be best about it."""

import re
from collections.abc import Collection, Iterable

from engine.optimise.spec import EAGER, VARIANTS

INT8 = ("onnx-int8-dynamic", "onnx-int8-static", "onnx-int8-qat", "onnx-int8-weights")
MAKEABLE = tuple(name for name in VARIANTS if name not in (EAGER, "onnx"))
"""Those that can be left out; eager and onnx are always made."""

_QUANT = r"(?:quanti[sz]\w*|int-?8|8[- ]bits?|8bit)"


def _table(*rows: tuple[str, tuple[str, ...]]) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), names) for pattern, names in rows)


_NAMES = _table(
    (rf"pruned?[- ]{_QUANT}|{_QUANT} pruned(?: one| model)?", ("pruned-int8",)),
    (rf"student[- ]{_QUANT}|{_QUANT} student", ("student-int8",)),
    (
        rf"(?:onnx[- ])?{_QUANT}[- ]qat|qat|{_QUANT}[- ]aware(?: training)?|quantisation[- ]aware(?: training)?",
        ("onnx-int8-qat",),
    ),
    (
        rf"(?:onnx[- ])?{_QUANT}[- ]static|static(?:ally)?(?:[- ](?:onnx[- ])?{_QUANT})*|{_QUANT}(?: it)? statically",
        ("onnx-int8-static",),
    ),
    (
        rf"(?:onnx[- ])?{_QUANT}[- ]dynamic|dynamic(?:ally)?(?:[- ](?:onnx[- ])?{_QUANT})*|"
        rf"{_QUANT}(?: it)? dynamically",
        ("onnx-int8-dynamic",),
    ),
    (
        rf"(?:onnx[- ])?{_QUANT}[- ]weights|weights?[- ]only(?:[- ]{_QUANT})*|only the weights|{_QUANT} weights",
        ("onnx-int8-weights",),
    ),
    (rf"(?:onnx[- ])?{_QUANT}", INT8),
    (r"spars\w+|unstructured(?: prun\w+)?", ("sparse",)),
    (r"(?:structured )?prun(?:e|ed|ing)", ("pruned",)),
    (r"students?|distil\w*", ("student",)),
    (r"torch[. ]?compile|compil(?:e|ed|ing|ation)|inductor", ("compile",)),
    (r"bf[- ]?16|b?float[- ]?16|brain floats?|half[- ]precision|fp[- ]?16|16[- ]bits?(?: floats?)?", ("bf16",)),
    (r"(?<!for )(?<!to )onnx(?:[- ]?runtime)?|ort", ("onnx",)),
    (r"eager|original|unoptimi[sz]ed", (EAGER,)),
)
"""Pattern -> variants. The longer form stands first, and takes its words."""

_REFUSED = re.compile(
    r"\b(?:no|not|nor|without|except(?: for)?|but not|skip\w*|leav\w+ out|exclud\w+|don['’]?t (?:use|try|make)|drop|"
    r"omit\w*|anything but|everything but|all but|ignor\w+)\s+(?:any |the |all )*$",
    re.IGNORECASE,
)
_AND = re.compile(r"\s*(?:,|and|or|nor|&|,\s*(?:and|or))\s+(?:(?:the|any) )?", re.IGNORECASE)
_MARK = re.compile(r"<(\d+)>")
_ADDS = re.compile(r"\b(?:also|too|as well|in addition|includ\w+)\b", re.IGNORECASE)

_EXPLICIT = re.compile(
    r"\b(?:prefer\w*|favou?r\w*|optimi[sz]\w+(?: it| the model| \S+)? for|go for|best|most important(?: is)?|"
    r"priorit\w+|care (?:more |most )?about|rather|what counts is|minimi[sz]e|maximi[sz]e|lowest|highest|least|for)\s+"
    r"(?:the |its |low |high |small |on )*(latency|speed|throughput|size|disk|memory|ram|accuracy|quality)\b",
    re.IGNORECASE,
)
_MATTERS = re.compile(
    r"\b(latency|speed|throughput|size|disk|memory|ram|accuracy|quality)\s+(?:really )?"
    r"(?:matters|counts|comes first|first|is (?:more|most) important)\b",
    re.IGNORECASE,
)
_SAID = {"speed": "latency", "disk": "size", "ram": "memory", "quality": "accuracy"}
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE))
    for name, words in (
        ("memory", r"memory|ram"),
        ("throughput", r"throughput|(?:rows|predictions|answers|requests) (?:per|a|each) (?:second|s)|bulk|batch\w*"),
        ("accuracy", r"most accurate|as accurate as possible"),
        (
            "size",
            r"small(?:er|est)|tin(?:y|ier|iest)|shrink\w*|shrunk|compress\w*|compact|light(?:er|est|weight)|slim\w*|"
            r"downsiz\w+|condens\w+|squeez\w+|miniaturi\w+|footprint|too (?:big|large|heavy|fat)|less space|disk space|"
            r"as small as|(?:reduce|cut|lower|halve) (?:the |its )?size|size",
        ),
        (
            "latency",
            r"fast\w*|quick\w*|speed\w*|latency|too slow|slow|real[- ]?time|snappier|snappy|less time|accelerat\w+",
        ),
    )
)  # fmt: skip


def mentioned(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The variants that are named, and those that are named as not wanted; in the order of the table."""
    text = text.replace("<", " ")
    for place, (pattern, _) in enumerate(_NAMES):
        text = pattern.sub(f"<{place}>", text)
    wanted: set[str] = set()
    refused: set[str] = set()
    end, no = 0, False
    for match in _MARK.finditer(text):
        before = text[end : match.start()]
        no = _REFUSED.search(before) is not None or (no and _AND.fullmatch(before) is not None)
        (refused if no else wanted).update(_NAMES[int(match.group(1))][1])
        end = match.end()
    return _ordered(wanted), _ordered(refused)


def refused_in(words: Iterable[str]) -> bool:
    """Whether what is to be left out are variants: 'without pruning' names no column."""
    return bool(mentioned(f"without {' and '.join(words)}")[1])


def to_make(text: str, before: Collection[str] = ()) -> tuple[str, ...] | None:
    """The variants that the words choose, on top of those of `before`; () for all, None where they choose none."""
    wanted, named = mentioned(text)
    refused = {name for name in MAKEABLE if name in named or _is_one_of(name, named)}
    if refused and not wanted:
        return _ordered(set(before or MAKEABLE) - refused)
    wanted = tuple(name for name in wanted if name != EAGER)
    if not wanted:
        return None
    both = {"pruned", *INT8} <= set(wanted)
    chosen = {*wanted, *(("pruned-int8",) if both else ())} - refused
    if _ADDS.search(text):
        return _ordered({*before, *chosen}) if before else None
    return _ordered(chosen)


def preference(text: str, capped: bool = False) -> str | None:
    """What is to be best, where the words say one thing; `capped` says that they name the most it may be."""
    match = _MATTERS.search(text) or _EXPLICIT.search(text)
    if match is not None:
        word = match.group(1).lower()
        return _SAID.get(word, word)
    found = [name for name, pattern in _WORDS if pattern.search(text)]
    if {"size", "latency"} <= set(found):
        found = [name for name in found if name not in ("size", "latency")]
    if found and not (capped and found[0] == "size"):
        return found[0]
    return None


def _is_one_of(name: str, refused: tuple[str, ...]) -> bool:
    """'no pruning' is no pruned-int8 either, and 'no int8' none of those in 8 bits."""
    first, _, then = name.partition("-")
    return first in refused or (then == "int8" and set(INT8) <= set(refused))


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    chosen = set(names)
    return tuple(name for name in VARIANTS if name in chosen)
