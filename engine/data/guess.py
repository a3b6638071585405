"""Which kind a column is, judged from its cells and its name, with the reason in words."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.data.cells import (
    BLANKS,
    NUMBER_BLANKS,
    Kind,
    Parsed,
    as_text,
    best_date_format,
    clip,
    is_number_dtype,
    parse,
    stripped,
)
from engine.data.image_text import ANY_IMAGE, MOSTLY, image_sizes

_SAMPLE = 500

ENOUGH = 0.99
"""Share of present cells that must read as a number or a date; the rest become missing and are named."""

_UUID = r"(?i)^\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$"
_THINGS = (
    "customer|client|user|account|order|patient|passenger|employee|product|item|transaction|session|record|row|person|"
    "student|member|invoice|loan|policy|device|ticket|case|subject|sample"
)
_STRONG_NAME = re.compile(rf"(^|_)(id|ids|uid|uuid|guid|index|rownum|row_number|({_THINGS})id)$|^id_|^unnamed_\d+$")
_WEAK_NAME = re.compile(r"(^|_)(code|key|ref|reference|number|no|nr|num|hash|token|serial|name)$")


@dataclass(frozen=True)
class Guess:
    """A kind and why; `caution` says what a person should know (cells given up, infinite values), '' if nothing."""

    kind: Kind
    reason: str
    parsed: Parsed
    caution: str = ""
    date_format: str | None = None


def guess(column: pd.Series) -> Guess:
    """Judge one column from its cells and `column.name`."""
    name = str(column.name)
    if pd.api.types.is_bool_dtype(column.dtype):
        return Guess("boolean", "held as true/false", parse(column, "boolean"))
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return Guess("datetime", "held as dates", parse(column, "datetime"))
    if is_number_dtype(column):
        return _of_numbers(column, name)
    return _of_text(as_text(column), name)


def cautions(name: str, kind: Kind, found: Parsed) -> str:
    """What was given up while reading the column, in a sentence."""
    parts = []
    if found.lost:
        parts.append(f"{found.lost} cell(s) are no {kind} and count as missing, e.g. {_quoted(found.examples)}")
    if found.infinite:
        parts.append(f"{found.infinite} infinite value(s) count as missing")
    if found.rounded:
        parts.append(f"{found.rounded} value(s) that are not whole were rounded")
    return f"Column {clip(name)!r}: {'; '.join(parts)}." if parts else ""


def _quoted(examples: tuple[str, ...]) -> str:
    return ", ".join(repr(example) for example in examples)


def _of_numbers(column: pd.Series, name: str) -> Guess:
    found = parse(column, "number")
    values = found.values.dropna()
    whole = bool((values == np.rint(values)).all()) and bool((values.abs() < 2.0**53).all())
    # a float column without a gap was meant as floats; with gaps it may be integers that pandas had to widen
    integers = pd.api.types.is_integer_dtype(column.dtype) or (whole and bool(column.isna().any()) and len(values) > 0)
    return _numeric(column, name, found, integers, "held as numbers")


def _numeric(column: pd.Series, name: str, found: Parsed, integers: bool, how: str) -> Guess:
    kind: Kind = "integer" if integers else "number"
    found = parse(column, "integer") if integers else found
    caution = cautions(name, kind, found)
    if integers and _numbers_rows(found.values, name):
        why = f"whole numbers, each different, under the name {clip(name)!r}"
        return Guess("identifier", why, parse(column, "identifier"))
    whole = "whole numbers" if integers else "numbers"
    blanks = f", {found.missing} missing" if found.missing else ""
    return Guess(kind, f"{whole}, {how}{blanks}", found, caution)


def _numbers_rows(values: pd.Series, name: str) -> bool:
    """Whole numbers that only number the rows: an id's name and (nearly) all different."""
    if not _STRONG_NAME.search(plain_name(name)) or len(values) < 2:
        return False
    present = values.dropna()
    return len(present) > 0 and present.nunique() >= ENOUGH * len(present)


def plain_name(name: str) -> str:
    """'customerID' and 'Customer Id' -> 'customer_id'."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def _of_text(text: pd.Series, name: str) -> Guess:
    cells = stripped(text)
    present = cells.dropna()
    if present.empty:
        return Guess("category", "every cell is missing", parse(text, "category"))
    if present.str.startswith(ANY_IMAGE).mean() >= MOSTLY:
        found = parse(text, "image")
        return Guess("image", _sizes_in_words(found), found, cautions(name, "image", found))
    if _is_true_or_false(present):
        return Guess("boolean", "true and false in words", parse(text, "boolean"))
    return _text_as_number(text, present, name) or _text_as_date(text, name) or _words(text, present, name)


def _sizes_in_words(found: Parsed) -> str:
    sizes = image_sizes(found.values)
    if not sizes:
        return "images, none of which can be read"
    return f"images of {next(iter(sizes))}" if len(sizes) == 1 else f"images of {len(sizes):,} sizes"


def _is_true_or_false(present: pd.Series) -> bool:
    words = frozenset({"true", "false"})
    return str(present.iloc[0]).lower() in words and bool(present.str.lower().isin(words).all())


def _text_as_number(text: pd.Series, present: pd.Series, name: str) -> Guess | None:
    if len(present) > 2 * _SAMPLE:
        sample = parse(present.iloc[:: len(present) // _SAMPLE], "number")
        if sample.lost > 0.5 * sample.present:
            return None  # words: spare the full reading
    found = parse(text, "number")
    if found.present == 0 or found.lost > (1 - ENOUGH) * found.present:
        return None
    digits = present[~present.isin(BLANKS | NUMBER_BLANKS)]
    if digits.str.match(r"^[+-]?0\d").any() or digits.str.match(r"^[+-]?\d{19,}$").any():
        return None  # leading zeros or more digits than any number holds: a code, not a quantity
    integers = bool(digits.str.match(r"^[+-]?\d+$").sum() == found.present - found.lost - found.infinite)
    return _numeric(text, name, found, integers, "written as text")


def _text_as_date(text: pd.Series, name: str) -> Guess | None:
    form = best_date_format(stripped(text), ENOUGH)
    if form is None:
        return None
    found = parse(text, "datetime", form)
    if found.lost > (1 - ENOUGH) * found.present:
        return None
    unsure = _day_or_month(text, form)
    caution = " ".join(
        filter(None, (cautions(name, "datetime", found), unsure and f"Column {clip(name)!r}: {unsure}."))
    )
    reason = f"dates written as {_form_in_words(form)}" + (f"; {unsure}" if unsure else "")
    return Guess("datetime", reason, found, caution, form)


def _form_in_words(form: str) -> str:
    return "ISO 8601" if form == "ISO8601" else form


def _day_or_month(text: pd.Series, form: str) -> str:
    """Says so when every date reads both ways."""
    swapped = form.replace("%m/%d", "%d/%m") if "%m/%d" in form else ""
    if not swapped or swapped == form:
        return ""
    return "" if parse(text, "datetime", swapped).lost else "day and month cannot be told apart; read as month/day/year"


def _words(text: pd.Series, present: pd.Series, name: str) -> Guess:
    distinct = present.drop_duplicates()
    share = len(distinct) / len(present)
    sample = distinct.head(5000)
    tokens = float((sample.str.count(r"\s+") + 1).mean())
    length = float(sample.str.len().mean())
    why = _identifier_reason(name, sample, share, len(present), tokens)
    if why:
        return Guess("identifier", why, parse(text, "identifier"))
    wordy = (tokens >= 4 or length >= 40) and share >= 0.2
    phrases = tokens >= 2 and share >= 0.9 and len(distinct) > 50
    if wordy or phrases:
        reason = f"free text: {tokens:.0f} words a cell on average, {share:.0%} of the cells differ"
        return Guess("text", reason, parse(text, "text"))
    return Guess("category", f"words with {len(distinct):,} different values", parse(text, "category"))


def _identifier_reason(name: str, sample: pd.Series, share: float, rows: int, tokens: float) -> str:
    """Why these words only name the rows, '' when they say something about them."""
    if rows < 2 or share < ENOUGH or tokens > 1.5:
        return ""
    if sample.str.match(_UUID).all():
        return "UUIDs, each different"
    plain = plain_name(name)
    if _STRONG_NAME.search(plain):
        return f"each value different, under the name {clip(name)!r}"
    if rows < 20 or not sample.str.contains(r"\d").mean() > 0.9:
        return ""
    masks = sample.str.replace(r"\d", "9", regex=True).str.replace(r"[A-Za-z]", "a", regex=True)
    alike = float(masks.value_counts(normalize=True).iloc[0])
    if alike >= 0.8 or (_WEAK_NAME.search(plain) and alike >= 0.3):
        return f"each value different and shaped alike, e.g. {clip(sample.iloc[0], 20)!r}"
    return ""
