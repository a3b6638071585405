"""Words: typing errors, stems, number words. Nothing here knows what a request is."""

import re


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for tables that read better as a line than as a list."""
    return frozenset(text.split())


ORDINARY = word_set(
    "mode models modes data date dates does done doing dose dope dropped drops steps stop stops state stated tell test "
    "tests time times than then them these this those thing things think three there their train trains use used user "
    "users year years cause case cases call called cost costs production product products balance state cancer "
    "process processes optimised optimized optimiser optimizer speed"
)
"""Words that are right as they are, however near they lie to one of VOCABULARY."""

VOCABULARY = word_set(
    "train training retrain model models predict prediction predictions predicting explain explanation compare "
    "comparison dataset datasets import profile describe summary summarise summarize evaluate evaluation estimate "
    "promote cancel status progress metric accuracy recall precision balanced budget seconds minutes minute hour hours "
    "features feature column columns champion challenger importance important forest random linear logistic lightgbm "
    "boosting seed drop without exclude ignore leaderboard report classify classifier regression regressor optimise "
    "optimize instead target which customers matters because please hello thanks running finished available help "
    "average within candidates accurate importances justify monitor monitoring drift drifted acknowledge alert alerts"
)
"""Words that requests are made of; a word that is nearly one of them is read as it."""

_DIGITS = (
    "a=1 an=1 one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11 twelve=12 fifteen=15 "
    "twenty=20 thirty=30 forty=40 forty-five=45 fifty=50 sixty=60 ninety=90 hundred=100 half=0.5 half-a=0.5 "
    "half-an=0.5 a-quarter-of-an=0.25 quarter-of-an=0.25 a-couple-of=2 couple-of=2 a-few=3"
)
NUMBERS = {
    (word if word == "forty-five" else word.replace("-", " ")): float(value)
    for word, value in (pair.split("=") for pair in _DIGITS.split())
}
DIGITS = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?"
"""Pattern of a number in digits: '1,000' and '12,500.5' have thousands, '1,5' is one and a half."""
NUMBER = rf"(?:{DIGITS}|" + "|".join(sorted((re.escape(word) for word in NUMBERS), key=len, reverse=True)) + ")"
"""Pattern of a number in digits or words."""

_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_WORD = re.compile(r"[A-Za-z][A-Za-z-]{3,}")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_ENDINGS = ("ations", "ation", "ments", "ment", "ings", "ing", "ers", "er", "ies", "ied", "es", "ed", "s", "y", "e")
_SHORTEST_STEM = 3


def number(text: str) -> float:
    """The value of what NUMBER matched: '1,000' is a thousand, '1,5' is one and a half."""
    lowered = " ".join(text.lower().split())
    if _THOUSANDS.fullmatch(lowered):
        return float(lowered.replace(",", ""))
    return NUMBERS[lowered] if lowered in NUMBERS else float(lowered.replace(",", "."))


def mended(text: str, known: frozenset[str] = frozenset()) -> str:
    """The text with typing errors in words of VOCABULARY put right; words in `known` (lower case) stay."""

    def mend(match: re.Match[str]) -> str:
        word = match.group().lower()
        if word in VOCABULARY or word in ORDINARY or word in known:
            return match.group()
        near = [right for right in VOCABULARY if _near(word, right)]
        return min(near, key=lambda right: (distance(word, right), right)) if near else match.group()

    return _WORD.sub(mend, text)


def _near(word: str, right: str) -> bool:
    if word[0] != right[0] or abs(len(word) - len(right)) > 2 or word.rstrip("s") == right.rstrip("s"):
        return False
    steps = distance(word, right)
    if len(right) <= 5:
        # a changed letter makes another word of a short one ('trail'); letters swapped or missing do not
        return steps == 1 and (len(word) != len(right) or sorted(word) == sorted(right))
    return steps <= (1 if len(right) <= 7 else 2)


def distance(a: str, b: str) -> int:
    """Letters inserted, left out, changed or swapped with their neighbour to make `b` of `a`."""
    rows = [list(range(len(b) + 1))]
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            step = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                step = min(step, rows[-2][j - 2] + 1)
            row.append(step)
        rows.append(row)
    return rows[-1][-1]


def parts(name: str) -> list[str]:
    """The words of a name in lower case: 'MonthlyCharges' and 'monthly_charges' are monthly, charges."""
    return [part.lower() for part in _PARTS.findall(name)]


def stem(word: str) -> str:
    """The word without its ending: churn, churned and churning are one."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return _single(word.removesuffix(ending))
    return word


def _single(word: str) -> str:
    """'cancelled' and 'cancel' end alike."""
    doubled = len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeiou"
    return word[:-1] if doubled else word
