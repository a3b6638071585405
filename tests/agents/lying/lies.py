"""Lies made of true replies, of thirteen kinds, by a fixed seed. What is made here knows nothing of how claims are
checked: it alters letters of the text, by the numbers of the results."""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from itertools import pairwise

from tests.agents.lying.replies import Reply

_FIGURE = re.compile(
    r"(?<![\w.,/:#-])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w/])|(?<![\w.,/:#-])-?\d+(?:\.\d+)?(?![\w/]|[.,]\d)"
)
_METRICS = {
    "roc_auc": ("roc_auc", "ROC AUC"),
    "f1": ("f1", "F1"),
    "recall": ("recall", "Recall"),
    "precision": ("precision", "Precision"),
    "accuracy": ("accuracy", "Accuracy"),
    "rmse": ("rmse", "RMSE"),
    "mae": ("mae", "MAE", "mean absolute error"),
    "log_loss": ("log_loss", "log loss"),
}
_UNITS = {
    "ms": ("s", "minutes"), "s": ("ms", "minutes"), "seconds": ("minutes", "hours", "ms"), "MB": ("GB", "kB"),
    "kB": ("MB", "GB"), "minutes": ("hours", "seconds"),
}  # fmt: skip
_COUNTED = re.compile(
    r"\s(?:(?:training|test|sealed|numeric) )?(?:rows|columns|models|candidates|jobs|variants|checks)\b"
)
_WORDS = ["two", "three", "four", "five", "six", "seven", "eight", "nine"]
_NUMBER_WORD = re.compile(
    rf"\b(?:{'|'.join(_WORDS)})(?= (?:\w+ )?(?:models|columns|candidates|jobs|integers|categories)\b)", re.I
)
_INTERVAL = re.compile(r"(?:\[|interval (?:of |is )?|CI )(?P<low>-?\d+\.\d+)\s?%?(?:, | to |–)(?P<high>-?\d+\.\d+)")
KINDS = (
    "digit", "swapped digits", "rounded up", "wrong unit", "other's score", "invented interval", "wrong base",
    "wrong sign", "wrong metric", "off by ten", "wrong count", "validation for test", "stale score",
)  # fmt: skip


@dataclass(frozen=True)
class Lie:
    """A reply with one thing altered. `spans` is where: one claim that touches one of them must be found out."""

    kind: str
    reply: Reply
    text: str
    spans: Sequence[tuple[int, int]]


def lies(replies: Sequence[Reply], seed: int) -> dict[str, list[Lie]]:
    """Every lie that can be made of the replies, by kind, in an order that the seed says."""
    chance = random.Random(seed)
    made: dict[str, list[Lie]] = {kind: [] for kind in KINDS}
    for reply in replies:
        for kind, start, end, put in _altered(reply, chance):
            text = f"{reply.text[:start]}{put}{reply.text[end:]}"
            spans = [(start, start + len(put))]
            if kind == "wrong metric":
                spans = _beside(text, start + len(put))
            made[kind].append(Lie(kind, reply, text, spans))
    for listed in made.values():
        chance.shuffle(listed)
    return made


def _altered(reply: Reply, chance: random.Random) -> Iterator[tuple[str, int, int, str]]:
    text = reply.text
    for found in _FIGURE.finditer(text):
        if _is_place(text, found) or not _is_told(text, found):
            continue
        shown = found.group()
        for kind, put in _by_letters(shown, text[found.end() : found.end() + 3], chance):
            if kind != "wrong sign" or "difference" not in text[max(0, found.start() - 80) : found.start()]:
                yield kind, *found.span(), put
        if "." not in shown and _COUNTED.match(text[found.end() :]) and "of" not in text[found.end() :][:4]:
            value = int(shown.replace(",", ""))
            yield "wrong count", *found.span(), f"{value + chance.choice([1, 2, 3, -1]):,}"
        unit = re.match(r" ?(ms|seconds|s|MB|kB|minutes)\b", text[found.end() :])
        if unit and shown not in ("0", "0.0") and "goal" not in text[max(0, found.start() - 30) : found.start()]:
            start = found.end() + unit.start(1)
            yield "wrong unit", start, start + len(unit[1]), chance.choice(_UNITS[unit[1]])
        yield from (("other's score", *found.span(), put) for put in _of_others(reply, found, chance))
        yield from ((kind, *found.span(), put) for kind, put in _of_other_scores(reply, found))
    for word in _NUMBER_WORD.finditer(text):
        others = [other for other in _WORDS if other != word.group().lower()]
        yield "wrong count", *word.span(), chance.choice(others)
    yield from _intervals(text, chance)
    yield from _metrics(text, chance)


def _by_letters(shown: str, after: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    digits = [n for n, letter in enumerate(shown) if letter.isdigit()]
    if len(digits) < 2:
        return
    place = chance.choice(digits[1:])
    yield "digit", _with(shown, place, str((int(shown[place]) + chance.randint(1, 9)) % 10))
    unlike = [(a, b) for a, b in pairwise(digits) if b == a + 1 and shown[a] != shown[b]]
    unlike = [(a, b) for a, b in unlike if a != digits[0] or shown[b] != "0"]
    if unlike:
        a, b = chance.choice(unlike)
        yield "swapped digits", _with(_with(shown, a, shown[b]), b, shown[a])
    number = Decimal(shown.replace(",", ""))
    places = -int(number.as_tuple().exponent)
    if places >= 2 and shown[-1] in "1234" and number > 0:
        up = number.quantize(Decimal(1).scaleb(1 - places), rounding=ROUND_CEILING)
        yield "rounded up", f"{up:,}"
    if number != 0:
        yield "off by ten", f"{number.scaleb(chance.choice([1, -1])):,f}"
        if "." in shown:
            yield "wrong sign", shown[1:] if shown[0] == "-" else f"-{shown}"
    if re.match(r" ?%", after) and 5 < number < 95:
        share = number / 100
        yield "wrong base", str((100 * share / (1 - share)).quantize(Decimal(1).scaleb(-max(0, places))))


def _with(text: str, place: int, letter: str) -> str:
    return f"{text[:place]}{letter}{text[place + 1 :]}"


def _is_place(text: str, found: re.Match[str]) -> bool:
    """Whether it is the number of a list, or of a class or version that is not a figure."""
    line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    return not line.strip() and text[found.end() : found.end() + 1] in (".", ")")


def _is_told(text: str, found: re.Match[str]) -> bool:
    """Whether it is told of a result: not the level of an interval, nor part of a path or a name."""
    return not re.match(r" ?% (?:interval|CI|confidence|bound)|%? ?CI\b", text[found.end() :]) and text[
        found.end() : found.end() + 5
    ] not in ("-fold",)


def _of_others(reply: Reply, found: re.Match[str], chance: random.Random) -> Iterator[str]:
    """What is true of another row of the same list, where the row's name is the last before the figure in its line."""
    text, shown = reply.text, found.group()
    line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    clause = re.split(r"[;.]\s", line)[-1]
    number = Decimal(shown.replace(",", ""))
    scale = Decimal("0.01") if re.match(r" ?%", text[found.end() :]) else Decimal(1)
    for rows in _tables(reply.results):
        names = [name for name, _ in rows]
        placed = [(place.end(), name) for name in names for place in _places(name, clause)]
        if not placed or len({name for _, name in placed}) != 1:
            continue
        end, name = max(placed)
        if (
            re.search(r"\d|\bthan\b|\bagainst\b", clause[end:].replace("95 %", "").replace("95%", ""))
            and "|" not in line
        ):
            continue
        if re.search(r"\b(?:than|against|over|beats?)\b", clause) or clause[end:][:1] == "/":
            continue
        own = dict(rows)[name]
        for key, value in own.items():
            if not _same(number * scale, value, number * scale):
                continue
            others = [fields[key] for other, fields in rows if other != name and key in fields]
            put = [_like(other / scale, shown) for other in others]
            put = [
                one
                for one in put
                if one != shown
                and not any(_same(Decimal(one.replace(",", "")) * scale, v, number * scale) for v in own.values())
            ]
            if put:
                yield chance.choice(put)
                return


def _of_other_scores(reply: Reply, found: re.Match[str]) -> Iterator[tuple[str, str]]:
    """In place of the score on the test: that of the validation, or that of another model than the named one."""
    text, shown = reply.text, found.group()
    percent = re.match(r" ?%", text[found.end() :])
    number = Decimal(shown.replace(",", "")) * (Decimal("0.01") if percent else 1)
    line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
    named = set(re.findall(r"mdl_\w+", text))
    trained = [one for result in reply.results for one in _trained(result) if "." in shown]
    for _, _, value, validation in trained:
        put = _like(validation / (Decimal("0.01") if percent else 1), shown)
        on_test = re.search(r"\btest\b", line) and not re.search(r"valid|\bthan\b|from", line)
        if _same(number, value, number) and on_test and put != shown and not _same(number, validation, number):
            yield "validation for test", put
            break
    for model, name, value, _ in trained:
        if {model} != named or not _same(number, value, number):
            continue
        others = [_like(other, shown) for m, n, other, _ in trained if (m, n) != (model, name) and n == name]
        others = [put for put in others if put != shown]
        if others and not percent:
            yield "stale score", others[-1]
            break


def _trained(value: object) -> Iterator[tuple[str, str, Decimal, Decimal]]:
    """The model, the metric, the score on the test and that of the validation of each training."""
    if not isinstance(value, Mapping):
        return
    metric, validation = value.get("metric"), value.get("validation")
    if isinstance(metric, Mapping) and isinstance(validation, Mapping) and isinstance(value.get("model"), str):
        scores = [Decimal(repr(one["value"])) for one in (metric, validation)]
        yield str(value["model"]), str(metric["name"]), scores[0], scores[1]
    for item in value.values():
        yield from _trained(item)


def _tables(results: Sequence[Mapping[str, object]]) -> Iterator[list[tuple[str, dict[str, Decimal]]]]:
    for result in results:
        yield from _lists(result)


def _lists(value: object) -> Iterator[list[tuple[str, dict[str, Decimal]]]]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _lists(item)
    elif isinstance(value, list):
        rows = [(_name(item), _numbers(item)) for item in value if isinstance(item, Mapping) and _name(item)]
        if len(rows) > 1 and len({name for name, _ in rows}) == len(rows):
            yield rows
        for item in value:
            yield from _lists(item)


def _name(row: Mapping[str, object]) -> str:
    return next((str(row[key]) for key in ("model", "column", "name") if isinstance(row.get(key), str)), "")


def _numbers(row: Mapping[str, object]) -> dict[str, Decimal]:
    found = {key: Decimal(repr(item)) for key, item in row.items() if isinstance(item, float)}
    metric = row.get("metric")
    if isinstance(metric, Mapping):
        found["value"] = Decimal(repr(metric["value"]))
    return found


def _places(name: str, text: str) -> Iterator[re.Match[str]]:
    return re.finditer(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)


def _same(number: Decimal, value: Decimal, like: Decimal) -> bool:
    exponent = like.as_tuple().exponent
    return isinstance(exponent, int) and value.quantize(Decimal(1).scaleb(exponent), ROUND_HALF_EVEN) == number


def _like(value: Decimal, shown: str) -> str:
    places = len(shown.partition(".")[2])
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):,f}"


def _intervals(text: str, chance: random.Random) -> Iterator[tuple[str, int, int, str]]:
    for found in _INTERVAL.finditer(text):
        low, high = Decimal(found["low"]), Decimal(found["high"])
        if low == high:
            continue
        side = chance.choice(["low", "high"])
        middle = ((low + high) / 2).quantize(low)
        end = low - (high - low) / 4 if side == "low" else high + (high - low) / 4
        yield "invented interval", *found.span(side), str(chance.choice([middle, end.quantize(low)]))


def _metrics(text: str, chance: random.Random) -> Iterator[tuple[str, int, int, str]]:
    for name, spellings in _METRICS.items():
        for spelling in spellings:
            for found in re.finditer(
                rf"(?<![\w-]){re.escape(spelling)}(?= (?:of |is |was |on the test (?:is |of )?)?-?\d+\.\d)", text
            ):
                other = chance.choice([one for one in _METRICS if one != name])
                yield "wrong metric", *found.span(), _METRICS[other][0] if "_" in spelling else _METRICS[other][-1]


def _beside(text: str, start: int) -> list[tuple[int, int]]:
    found = _FIGURE.search(text, start)
    return [found.span()] if found else []
