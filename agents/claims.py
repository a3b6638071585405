"""The figures and names that a text states, and those that a result holds.

A figure is read as it is shown: its digits after the point say to what it was rounded, a percent sign that it is a
share, thousands separators nothing. What touches it (a unit, a bracket, a word) does not hide it.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from agents.numerals import FILLER, plain_digit, without_chinese, without_html

_BLANKS = ",_'’\u00a0\u2009\u202f"
_SPACED = r"(?<![\w.,])(?<!\w-)[1-9]\d{0,2}(?: \d{3})+(?:\.\d+)?(?!\d|[.,]\d)"
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)\]])[+\-−])?"
    rf"(?P<digits>{_SPACED}|(?<!\d)\.\d+|\d+(?:[.{_BLANKS}]\d+)*)"
    r"(?P<power>[eE][+-]?\d{1,4}(?!\w))?"
    r"(?P<unit>\s?(?:[%％‰‱]|(?:per cent|percent|pct)\b)|\s?(?:k|K|M|bn|thousand|million|billion)\b|[^\W\d_]+)?"
)
_GROUPED = re.compile(rf"[1-9]\d{{0,2}}(?:[{_BLANKS} ]\d{{3}})+(?:\.\d+)?")
_GROUPED_BY_POINTS = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3}){2,}(?:,\d+)?|(?:\.\d{3})+,\d+)")
_PLAIN = re.compile(r"\d*[.,]?\d+")
_SHARES = {"%": -2, "％": -2, "per cent": -2, "percent": -2, "pct": -2, "‰": -3, "‱": -4}
_MULTIPLES = {"k": 3, "K": 3, "thousand": 3, "M": 6, "million": 6, "bn": 9, "billion": 9}
_ORDINAL = re.compile(r"\d{1,2}(?:st|nd|rd|th)")
_RANGE = re.compile(r"(?<=\d)(?:\s?[–—]\s?|-|\s-\s)(?=[\d.])")
_LISTED = re.compile(r"^\s*(\d+)[.)]\s", re.MULTILINE)
_CITED = re.compile(r"\[r\d{1,6}\]")
_QUOTE = re.compile(r"“([^”]+)”")
_WORD = re.compile(r"\b[A-Za-z]\w*_\w+\b")
_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(
    r"\b[A-Za-z][\w-]*\.(?:csv|tsv|parquet|jsonl?|xlsx?|md|txt|pdf|html?|py|ipynb|png|jpe?g|npz|onnx|zip|db|sqlite)\b"
)
_MOMENT = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?"
_ID = re.compile(rf"\b(?:ds|mdl|mon|run|job|loop)_[0-9a-z]\w*|\b{_MOMENT}\b")
_DATE = re.compile(r"(?<![\d.])\d{1,4}([./])\d{1,2}\1\d{1,4}(?![.]?\d)|(?<![\d:])\d{1,2}:\d\d(?::\d\d)?(?![:\d])")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
_DAY = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?:\s?[–-]\s?\d{{1,2}}(?:st|nd|rd|th)?)? (?:of )?{_MONTH}(?:,? \d{{4}}\b)?(?![a-z])"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:\s?[–-]\s?\d{{1,2}})?(?:,? \d{{4}}\b)?(?![\d.,]?\d)|\b{_MONTH} \d{{4}}\b"
)
"""A day in words: '27 June 2024', 'June 3–9', 'March 2025'."""
_MIXED = re.compile(r"(?<![\w.,])(?!\d+(?:\.\d+)?[eE]\d+\b)\d+(?:[.,]\d+)*[^\W\d_]+\d\w*")
_TIMES = re.compile(r"(?<=\d)[xX×](?=\d)")
_MARKED = re.compile(r"(?<=[\d.,])[*~\\]+(?=[\d.,])")
_ODD_LETTER = re.compile(r"[^\x20-\x7e\n\r\t]")
_NAMED = re.compile(r"[^\W\d_]-?$")
_GLUED = re.compile(r"(?:accuracy|precision|recall|auc|auroc|rmse|mae|loss)$", re.IGNORECASE)
"""'accuracy97' is no name."""
_INVISIBLE = frozenset({"Cf", "Cc", "Mn", "Me"})
_FEW = 2
"""Digits that may end a word without being a figure: F1, r2, gpt-4, lightgbm-t12."""
INTERVAL_LEVEL = Decimal("0.95")
"""Of every interval that a tool returns under the name `ci`."""


@dataclass(frozen=True)
class Figure:
    """A number as a text shows it. `value` is that of a share for a percentage: '84.2 %' has the value 0.842."""

    value: Decimal
    shown: str
    span: tuple[int, int]
    step: Decimal
    """One unit of the last digit shown, in the units of `value`."""
    percent: bool
    signed: bool
    token: str = ""
    """The word that it is part of, such as '5-fold'; '' when it stands alone."""


@dataclass(frozen=True)
class Name:
    """A name that a text puts in `code marks`, a word_with_a_line, an id, a date, an hour, or a passage in “curly
    quotes”."""

    value: str
    span: tuple[int, int]
    quoted: bool = False


@dataclass(frozen=True)
class _Readable:
    """A text in which only what may be a figure is left, and where each of its letters stood."""

    text: str
    places: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.places[start], self.ends[end - 1]


def code_marked(name: object) -> str:
    """A name in code marks, which nothing in it can leave."""
    return f"`{one_spaced(str(name))}`"


def one_spaced(text: str) -> str:
    """A text as it stands in code marks or quotes: blanks are one space, and the marks themselves are others."""
    return " ".join(text.replace("`", "ˋ").replace("“", '"').replace("”", '"').split())


def figures_in(text: str) -> list[Figure]:
    """The numbers that are stated in words meant for people, in order. Numbers of a list, citations such as [r3] and
    digits inside names, ids and `code marks` are none; dates and hours are names."""
    readable = _readable(text)
    return [figure for match in _NUMBER.finditer(readable.text) for figure in _figures(match, readable, text)]


def names_in(text: str) -> list[Name]:
    """The names that a text states, in order."""
    quotes = [Name(match.group(1).strip(), match.span(1), quoted=True) for match in _QUOTE.finditer(text)]
    plain = _blank(text, _QUOTE)
    marked = [Name(match.group(1).strip(), match.span(1)) for match in _CODE.finditer(plain)]
    plain = _blank(plain, _CODE)
    ids = [Name(match.group(), match.span()) for match in _ID.finditer(plain)]
    words = [Name(match.group(), match.span()) for match in _WORD.finditer(_blank(plain, _ID))]
    folded = _folded(text)
    odd = [
        Name(match.group(), folded.span(*match.span()))
        for pattern in (_DAY, _DATE, _MIXED)
        for match in pattern.finditer(folded.text)
    ]
    return sorted([*quotes, *marked, *ids, *words, *odd], key=lambda name: name.span)


def without_quoted(text: str) -> str:
    """The text with what stands in quotes or `code marks` replaced by other marks; places stay."""
    return _blank(text, _QUOTE, _CODE)


def numbers_of(result: object) -> Iterator[Decimal]:
    """Every number in a result, how many items each of its lists of names or rows has, and the level of intervals."""
    if isinstance(result, bool) or result is None:
        return
    if isinstance(result, int | float):
        yield from _decimal(result)
    elif isinstance(result, Mapping):
        for key, value in result.items():
            if key == "ci" and value:
                yield INTERVAL_LEVEL
            yield from numbers_of(value)
    elif isinstance(result, Sequence) and not isinstance(result, str):
        if result and not all(isinstance(item, int | float) for item in result):
            yield Decimal(len(result))
        for value in result:
            yield from numbers_of(value)


def names_of(result: object) -> Iterator[str]:
    """Every text in a result, keys included: names of columns stand in either place."""
    if isinstance(result, str):
        yield result
    elif isinstance(result, Mapping):
        for key, value in result.items():
            yield str(key)
            yield from names_of(value)
    elif isinstance(result, Sequence):
        for value in result:
            yield from names_of(value)


def shows(figure: Figure, value: Decimal) -> bool:
    """Whether `figure` is `value`, rounded to the digits shown.

    What is not a whole number never counts as 0 or 1, and a percentage is never that of a count.
    """
    if figure.value.is_nan() or value.is_nan():
        return False
    if (figure.percent and value.as_tuple().exponent == 0) or (value < 0 and not figure.signed):
        return False
    if figure.step < 1 and not figure.percent and value in (0, 1) and value.as_tuple().exponent == 0:
        return False  # a score of 1.0 is not how many there are of something
    if figure.value == value:
        return True
    if figure.value in (0, 1, -1) or (figure.step >= 1 and abs(value) < 1):
        return False
    try:
        # a half of decimal digits is a little more or less than one in binary: 18.95 is shown as 18.9 and as 19.0
        halves = (ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_HALF_DOWN)
        return any(value.quantize(figure.step, rounding=how) == figure.value for how in halves)
    except InvalidOperation:  # more digits than a decimal holds
        return False


def stands_in(word: str, text: str) -> bool:
    """Whether `word` stands in `text` as a whole: 'r2' does not stand in 'r21', nor '0.8' in '0.84'."""
    return word in text and re.search(rf"(?<!\w)(?<!\d[.,:]){re.escape(word)}(?!\w|[.,:]\d)", text) is not None


def _readable(text: str) -> _Readable:
    folded = _folded(text)
    plain = _blank(_blank(folded.text, _ID), _WORD, _FILE, _DAY, _DATE, _MIXED)
    # 0.81-0.85 is two numbers, and the second is not negative
    plain = _RANGE.sub(lambda found: ";" * len(found.group()), _TIMES.sub(";", plain))
    return _Readable(plain, folded.places, folded.ends)


@lru_cache(maxsize=64)
def _folded(text: str) -> _Readable:
    """Without names and marks, digits as 0 to 9, and nothing invisible left that could part a number."""
    plain = _without_list_numbers(_blank(without_html(text), _QUOTE, _CODE, _CITED))
    plain = plain if plain.isascii() else without_chinese(plain)
    plain = _MARKED.sub(lambda found: "\u200b" * len(found.group()), plain)
    letters: list[str] = []
    places: list[int] = []
    ends: list[int] = []
    end = 0
    for odd in _ODD_LETTER.finditer(plain):
        place, letter = odd.start(), odd.group()
        letters.append(plain[end:place])
        places += range(end, place)
        ends += range(end + 1, place + 1)
        end = odd.end()
        if letter == FILLER:
            ends[-1:] = [end] * len(ends[-1:])
        elif unicodedata.category(letter) not in _INVISIBLE:
            before = letters[-1][-1:] or (letters[-2][-1:] if len(letters) > 1 else "")
            letters.append(plain_digit(letter, before, plain[end : end + 1]))
            places += [place] * len(letters[-1])
            ends += [end] * len(letters[-1])
    letters.append(plain[end:])
    places += range(end, len(plain))
    ends += range(end + 1, len(plain) + 1)
    shown = "".join(letters)
    kept = _blank(shown, _ID, _WORD, _FILE)
    # a time of ratios as 5x2 is two numbers, and no mixed word
    return _Readable(_TIMES.sub(";", kept), tuple(places), tuple(ends))


def _without_list_numbers(text: str) -> str:
    """The text without the numbers of a list, which count up from 1."""
    expected = 1

    def blank(found: re.Match[str]) -> str:
        nonlocal expected
        number = int(found[1][:6])
        if number not in (1, expected):
            return found.group()
        expected = number + 1
        return "".join(letter if letter.isspace() else " " for letter in found.group())

    return _LISTED.sub(blank, text)


def _figures(match: re.Match[str], readable: _Readable, text: str) -> Iterator[Figure]:
    digits, unit = match["digits"], match["unit"] or ""
    before = readable.text[max(0, match.start() - 10) : match.start()]
    if _NAMED.search(before) and len(digits) <= _FEW and digits.isdigit() and not _GLUED.search(before):
        return  # F1, r2, gpt-4
    if _ORDINAL.fullmatch(digits + unit):
        return
    token = _token(readable.text, match)
    value = _value_of(digits)
    if value is not None:
        yield _figure(match, value, readable, text, token)
        return
    # a row of numbers without blanks, such as 0.84,0.91
    for part in re.finditer(r"[^,]+", digits):
        place = match.start("digits") + part.start()
        end = place + len(part.group())
        start, stop = readable.span(place, end)
        number = _value_of(part.group()) or "NaN"
        yield _made(number, 0, text[start:stop], (start, stop), token)


def _figure(match: re.Match[str], value: str, readable: _Readable, text: str, token: str) -> Figure:
    power, unit = match["power"] or "", (match["unit"] or "").strip()
    shift = _SHARES.get(unit, _MULTIPLES.get(unit, 0)) + int(power[1:] or 0)
    start, end = readable.span(*match.span())
    signed = bool(match["sign"])
    if match["sign"] in ("-", "−"):
        value = f"-{value}"
    if unit[:1] and unicodedata.category(unit[0]) == "No":
        value = "NaN"  # 650² is not 650
    return _made(value, shift, text[start:end], (start, end), token, percent=unit in _SHARES, signed=signed)


def _made(
    value: str,
    shift: int,
    shown: str,
    span: tuple[int, int],
    token: str,
    *,
    percent: bool = False,
    signed: bool = False,
) -> Figure:
    # by its digits and power, as arithmetic would round what is long
    number = Decimal(value if value == "NaN" else f"{value}e{shift}")
    exponent = number.as_tuple().exponent
    step = Decimal((0, (1,), exponent)) if isinstance(exponent, int) else Decimal(1)
    return Figure(number, shown, span, step, percent, signed, token)


def _value_of(digits: str) -> str | None:
    """Digits as Python writes them: '0,842' has a decimal comma, '7,043' a separator. None when they are no number."""
    if _GROUPED.fullmatch(digits):
        return re.sub(rf"[{_BLANKS} ]", "", digits)
    if _GROUPED_BY_POINTS.fullmatch(digits):
        return digits.replace(".", "").replace(",", ".")
    return digits.replace(",", ".") if _PLAIN.fullmatch(digits) else None


def _token(text: str, match: re.Match[str]) -> str:
    """The word around a figure; '' when nothing but blanks and marks is there."""
    before = re.search(r"[\w.-]*$", text[max(0, match.start() - 80) : match.start()])
    after = re.match(r"[\w.-]*", text[match.end() :])
    assert before is not None
    assert after is not None
    whole = f"{before.group()}{match.group()}{after.group()}".strip(".- ")
    return whole if any(letter.isalpha() for letter in whole) else ""


def _decimal(value: float) -> Iterator[Decimal]:
    number = Decimal(repr(value))
    if number.is_finite():
        yield number


def _blank(text: str, *patterns: re.Pattern[str]) -> str:
    """The text with what matches replaced by marks that are part of no number, so that places stay."""
    for pattern in patterns:
        text = pattern.sub(lambda found: ";" * len(found.group()), text)
    return text
