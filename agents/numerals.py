"""Numerals of other kinds than 0 to 9 as such digits: of any script, in circles, fractions, Chinese, in HTML."""

import html
import re
import unicodedata

_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,12}\d{0,2});")
_TAG = re.compile(r"(?<=[\d.,])(?:</?[A-Za-z][^<>\n]{0,80}>)+(?=[\d.,%])")
FILLER = "\ue000"
"""Fills the place of what was longer; belongs to the letter before it."""
_SMALL = {letter: n for n, letter in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_ALL = "".join((*_SMALL, *_TENS))
_CHINESE = re.compile(rf"(?P<share>百分之)?(?P<whole>[{_ALL}]+)(?:[点點](?P<rest>[{''.join(_SMALL)}]+))?")
_LEAST = 2
"""One alone is a word: 一个模型 is 'a model'."""


def without_html(text: str) -> str:
    """The text with entities as the letters that they stand for and without tags inside a number; places stay, as
    what is left over is filled with letters that nobody sees."""
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found.group()).ljust(len(found.group()), FILLER), text)
    return _TAG.sub(lambda found: FILLER * len(found.group()), text) if "<" in text else text


def without_chinese(text: str) -> str:
    """The text with Chinese numerals of several letters as digits; places stay where there is room for the digits.

    零点九九 is 0.99, 百分之九十九 is 99%, 三百二十 is 320. What has no room for its digits, as 九万, stays as it is.
    """
    return _CHINESE.sub(_as_digits, text)


def _as_digits(found: re.Match[str]) -> str:
    whole, rest = found["whole"], found["rest"]
    if len(whole) + len(rest or "") < _LEAST and not found["share"]:
        return found.group()
    digits = "".join(str(_SMALL[letter]) for letter in whole) if set(whole) <= _SMALL.keys() else str(_counted(whole))
    if rest:
        digits += "." + "".join(str(_SMALL[letter]) for letter in rest)
    if found["share"]:
        digits += "%"
    size = len(found.group())
    return digits.ljust(size, FILLER) if len(digits) <= size else found.group()


def _counted(letters: str) -> int:
    """The value of numerals with tens, hundreds and thousands."""
    myriads, total, digit = 0, 0, 0
    for letter in letters:
        size = _TENS.get(letter)
        if size is None:
            digit = _SMALL[letter]
        elif size == _TENS["万"]:
            myriads, total, digit = (myriads + (total + digit or 1)) * size, 0, 0
        else:
            total, digit = total + (digit or 1) * size, 0
    return myriads + total + digit


def plain_digit(letter: str, before: str, after: str) -> str:
    """A digit of any script, in a circle or in brackets as 0 to 9, ½ as 0.5; other letters as they are.

    One in a circle that stands alone is the mark of a list.
    """
    kind = unicodedata.decomposition(letter).partition(" ")[0]
    if kind == "<fraction>":
        shown = f"{unicodedata.numeric(letter, 0.0):.4g}"
        return f";{shown}" if before.isdigit() else shown
    if kind not in ("<super>", "<sub>") and unicodedata.category(letter) in ("No", "Nl"):
        value = unicodedata.numeric(letter, 0.5)
        touched = _is_of_number(before) or _is_of_number(after)
        return str(int(value)) if touched and value.is_integer() else letter
    return str(unicodedata.decimal(letter, letter))


def _is_of_number(letter: str) -> bool:
    return letter != "" and (letter in ".%" or letter.isnumeric())
