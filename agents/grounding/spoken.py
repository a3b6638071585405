"""Figures in words: 'three models', 'half of the rows', 'twice as fast', 'zero point nine', 'an accuracy of XCIX'."""

import re
from collections.abc import Iterator
from decimal import Decimal

from agents.claims import Figure, without_quoted
from agents.grounding.words import FRACTION, FRACTIONS, METRIC, NUMBER_WORD, NUMBERS, TWICE

_DIGITS = {
    "zero": 0,
    "oh": 0,
    "nought": 0,
    "naught": 0,
    "one": 1,
    **{word: int(n) for word, n in NUMBERS.items() if n < 10},
}
_WHOLE = NUMBERS | {word: Decimal(n) for word, n in _DIGITS.items()}
_DIGIT = "|".join(_DIGITS)
_ANY = "|".join(sorted(_WHOLE, key=len, reverse=True))
_POINT = re.compile(
    rf"\b(?P<whole>(?:{_ANY})(?:[- ](?:{_DIGIT}))?[- ])?point[- ](?P<rest>(?:{_DIGIT})(?:[- ,]+(?:{_DIGIT}))*)\b"
    r"(?P<share>[- ](?:%|per ?cent))?",
    re.IGNORECASE,
)
_SCORED = re.compile(
    r"[\s*_`)]*(?:(?:score|value|of|is|was|at|to|now|reaches|reached|scores?|about|around|over|nearly|almost|exactly|"
    r"=|:)[\s*_`]*){1,4}"
)
_WORDS = re.compile(
    rf"(?:(?:{_ANY}|hundred)(?:[- ]|\b)(?:and )?)+(?P<share>\s?(?:%|per ?cent))?(?![\w-])", re.IGNORECASE
)
_ROMAN = re.compile(
    r"(?=[MDCLXVI]{2})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?P<share>\s?(?:%|per ?cent))?(?!\w)"
)
_LETTERS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def in_words(text: str) -> list[Figure]:
    """The figures that a text states in words. What is one word may be two figures' for none: the longest counts."""
    plain = without_quoted(text)
    found = [*_counts(plain), *_decimals(plain), *_scores(plain)]
    found.sort(key=lambda figure: (figure.span[0], -figure.span[1]))
    kept: list[Figure] = []
    for figure in found:
        if not kept or figure.span[0] >= kept[-1].span[1]:
            kept.append(figure)
    return kept


def _counts(text: str) -> Iterator[Figure]:
    for found in NUMBER_WORD.finditer(text):
        parts = [found[part].casefold() for part in ("tens", "ones", "few", "lot") if found[part]]
        value = sum((NUMBERS[part] for part in parts), Decimal(0))
        value *= NUMBERS[found["big"].strip().casefold()] if found["big"] else 1
        yield _figure(value, text, found.span())
    for found in FRACTION.finditer(text):
        over, under = FRACTIONS[re.split(r"[- ]", found["many"].casefold())[-1]]
        yield _figure(Decimal(over) / Decimal(under), text, found.span("many"), "fraction")
    for found in TWICE.finditer(text):
        yield _figure(Decimal(3 if found.group().casefold() == "thrice" else 2), text, found.span(), "twice")


def _decimals(text: str) -> Iterator[Figure]:
    """'zero point eight four' as 0.84."""
    for found in _POINT.finditer(text):
        whole = sum((_WHOLE[word.casefold()] for word in re.findall(r"[A-Za-z]+", found["whole"] or "")), Decimal(0))
        digits = "".join(str(_DIGITS[word.casefold()]) for word in re.findall(r"[A-Za-z]+", found["rest"]))
        yield _score(Decimal(f"{whole}.{digits}"), text, found)


def _scores(text: str) -> Iterator[Figure]:
    """What is said of a metric in number words or Roman numerals: 'an accuracy of ninety-nine percent'."""
    for metric in METRIC.finditer(text.casefold()):
        joint = _SCORED.match(text, metric.end())
        if joint is None:
            continue
        found = _ROMAN.match(text, joint.end())
        if found is not None:
            letters = re.match("[MDCLXVI]*", found.group())
            yield _score(Decimal(_roman(letters.group() if letters else "")), text, found)
        elif (found := _WORDS.match(text, joint.end())) is not None:
            value = _spoken(re.findall(r"[a-z]+", found.group().casefold()))
            if value != 1 or found["share"]:  # 'one of the best'
                yield _score(value, text, found)


def _spoken(words: list[str]) -> Decimal:
    value = Decimal(0)
    for word in words:
        if word in ("hundred", "thousand"):
            value = (value or 1) * _WHOLE[word]
        elif word in _WHOLE:
            value += _WHOLE[word]
    return value


def _roman(letters: str) -> int:
    values = [_LETTERS[letter] for letter in letters]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _figure(value: Decimal, text: str, span: tuple[int, int], token: str = "") -> Figure:
    return Figure(value, text[slice(*span)], span, Decimal(1), percent=False, signed=False, token=token)


def _score(value: Decimal, text: str, found: re.Match[str]) -> Figure:
    """A figure with the digits after the point that were said."""
    shift = -2 if found["share"] else 0
    value = value.scaleb(shift)
    exponent = value.as_tuple().exponent
    step = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    start, end = found.start(), found.start() + len(found.group().rstrip(" -"))
    return Figure(value, text[start:end], (start, end), step, percent=bool(found["share"]), signed=False)
