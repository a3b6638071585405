"""How often and over how much a monitor looks: schedules as cron expressions, windows, and spans of hours."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.offline.words import NUMBER, number

_HOURS = {"mi": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}
_UNIT = r"(?:min(?:ute)?s?|h(?:ou)?rs?|h|days?|weeks?)"
_SPAN = re.compile(rf"(?<![\w.])({NUMBER})\s*-?\s*({_UNIT})\b", re.IGNORECASE)
_COUNT = r"(\d[\d,]*)"
_ROWS = r"(?:rows?|predictions?|records?|samples?|customers?|cases?|observations?|examples?|answers?)"
_WINDOW = r"(?:windows?|batch(?:es)?|blocks?|chunks?)"
_WINDOW_ROWS = (
    re.compile(
        rf"\b{_WINDOW} (?:of|with|=|size|sized?)\s*(?:of\s+)?(?:size\s+)?{_COUNT}(?:\s*{_ROWS})?\b", re.IGNORECASE
    ),
    re.compile(rf"\b{_COUNT}[- ]?{_ROWS}[- ](?:per |a |in a |in each |each )?{_WINDOW}", re.IGNORECASE),
    re.compile(rf"\b(?:every|per|each|after|in steps of) {_COUNT} {_ROWS}\b", re.IGNORECASE),
    re.compile(rf"\b(?:{_COUNT}) {_ROWS}\b", re.IGNORECASE),
)
_WINDOW_SPAN = re.compile(
    rf"\b{_WINDOW} of (?:size )?(?P<after>(?:{NUMBER})\s*-?\s*{_UNIT})\b"
    rf"|(?P<before>\b(?:{NUMBER})\s*-?\s*{_UNIT})[- ]{_WINDOW}",
    re.IGNORECASE,
)
_WINDOW_NAMED = re.compile(rf"\b(hourly|daily|weekly)[- ]{_WINDOW}", re.IGNORECASE)
_NAMED_HOURS = {"hourly": 1.0, "daily": 24.0, "weekly": 168.0}


@dataclass(frozen=True)
class Window:
    """How much is compared at a time: `rows`, or all of `hours`."""

    rows: int | None = None
    hours: float | None = None


def window_of(text: str) -> Window | None:
    """The window that `text` asks for: 'windows of 200 rows', '6-hour windows'; None when it asks for none."""
    span = _WINDOW_SPAN.search(text)
    if span is not None:
        return Window(hours=hours_of(span.group("after") or span.group("before")))
    named = _WINDOW_NAMED.search(text)
    if named is not None:
        return Window(hours=_NAMED_HOURS[named.group(1).lower()])
    found = next((match for pattern in _WINDOW_ROWS if (match := pattern.search(text))), None)
    return None if found is None else Window(rows=int(number(found.group(1))))


def hours_of(text: str) -> float | None:
    """The hours of the first span of time in `text`: 'half an hour', '2 days'; None without one."""
    found = _SPAN.search(text)
    if found is None:
        return None
    unit = found.group(2).lower()
    return number(found.group(1)) * _HOURS[unit[:2] if unit.startswith("mi") else unit[0]]


# schedules

_CRON = re.compile(r"(?<!\S)[\"'`]?((?:[\d*/,-]+\s+){4}[\d*/,-]+)[\"'`]?(?!\S)")
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_OF_DAY = {"morning": 6, "noon": 12, "midday": 12, "evening": 18, "night": 0, "midnight": 0}
_AT = re.compile(
    r"\bat (?:about )?(\d{1,2})(?::(\d{2}))?\s*(am|pm|a\.m\.|p\.m\.|o'?clock|h\b|utc)?|\bat (noon|midday|midnight)\b",
    re.IGNORECASE,
)
_EVERY = r"(?:every|each|once (?:an?|every|each|per)|one time an?)"


def schedule_of(text: str) -> str | None:
    """When to check by itself, as a cron expression; None when `text` says nothing of it.

    '' says that the text asks for a rhythm that a cron expression cannot hold.
    """
    cron = _CRON.search(text)
    if cron is not None:
        return " ".join(cron.group(1).split())
    rest = _WINDOW_NAMED.sub("", _WINDOW_SPAN.sub("", text))
    for pattern, expression in _RHYTHMS:
        match = pattern.search(rest)
        if match is not None:
            return expression(match, *_time_of_day(rest))
    return None


def _time_of_day(text: str) -> tuple[int, int]:
    """Hour and minute of 'at 6:30', of 'every evening'; midnight without."""
    match = _AT.search(text)
    if match is not None and match.group(4):
        return _OF_DAY[match.group(4).lower()], 0
    if match is not None:
        half = (match.group(3) or "").lower()[:1]
        hour = int(match.group(1)) % (12 if half in ("a", "p") else 24)
        return hour + 12 * (half == "p"), min(int(match.group(2) or 0), 59)
    named = next((hour for word, hour in _OF_DAY.items() if re.search(rf"\b{word}s?\b", text, re.IGNORECASE)), 0)
    return named, 0


def _every_so_often(match: re.Match[str], hour: int, minute: int) -> str:
    """'every 15 minutes', 'every 2 days'."""
    count, unit = number(match.group(1)), match.group(2).lower()
    minutes = round(count * 60 * _HOURS[unit[:2] if unit.startswith("mi") else unit[0]])
    hours, days = minutes // 60, minutes // (60 * 24)
    if minutes and 60 % minutes == 0:
        return f"*/{minutes} * * * *" if 1 < minutes < 60 else "0 * * * *" if minutes == 60 else "* * * * *"
    if hours and 24 % hours == 0 and minutes == hours * 60:
        return f"0 */{hours} * * *" if hours < 24 else f"{minute} {hour} * * *"
    if 1 < days < 31 and minutes == days * 60 * 24:
        return f"{minute} {hour} */{days} * *"
    return ""


def _weekday(match: re.Match[str], hour: int, minute: int) -> str:
    return f"{minute} {hour} * * {_DAYS[match.group(1).lower()[:3]]}"


def _fixed(expression: str) -> Callable[[re.Match[str], int, int], str]:
    return lambda match, hour, minute: expression.format(hour=hour, minute=minute)


_RHYTHM_WORDS: Mapping[str, Callable[[re.Match[str], int, int], str]] = {
    rf"\bevery ({NUMBER})\s*-?\s*({_UNIT})\b(?! {_WINDOW})": _every_so_often,
    rf"\b{_EVERY} (?:few )?seconds?\b|\bevery {NUMBER} sec": _fixed(""),
    rf"\b{_EVERY} half(?:[- ]an)?[- ]hour\b|\bhalf[- ]hourly\b": _fixed("*/30 * * * *"),
    r"\btwice an hour\b": _fixed("*/30 * * * *"),
    rf"\b{_EVERY} minute\b": _fixed("* * * * *"),
    rf"\bhourly\b|\b{_EVERY} (?:full )?hour\b|\bby the hour\b": _fixed("0 * * * *"),
    r"\btwice (?:a|per|every|each) day\b|\btwice daily\b": _fixed("0 */12 * * *"),
    rf"\b{_EVERY} (?:working|week|business) ?day\b|\b(?:on )?weekdays\b": _fixed("{minute} {hour} * * 1-5"),
    rf"\b(?:{_EVERY}|on) (mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:days?)?\b": _weekday,
    rf"\bdaily\b|\bnightly\b|\b{_EVERY} (?:single )?(?:day|night|morning|evening|noon|midnight)\b": _fixed(
        "{minute} {hour} * * *"
    ),
    rf"\bweekly\b|\b{_EVERY} week\b": _fixed("{minute} {hour} * * 1"),
    rf"\bmonthly\b|\b{_EVERY} month\b": _fixed("{minute} {hour} 1 * *"),
}
_RHYTHMS = tuple((re.compile(pattern, re.IGNORECASE), expression) for pattern, expression in _RHYTHM_WORDS.items())
