"""An answer as it streams: words go out as they come, and what may be a claim when its sentence has been proved.

From the first character of a claim the text is held until its sentence ends. At the first claim that nothing holds,
all that follows is held until the whole answer is there.
"""

import re
from collections.abc import Callable

from agents.proof import Ground
from graphs.events import Emit, TextDelta, TextRevised

LOOK = TextDelta(text="")
"""Tells nothing; whoever listens may stop the turn at it."""
WINDOW = 4_000
"""Characters before a sentence that it is checked with: the heading of its table, the numbers of its list."""
_FIGURES = frozenset(
    re.findall(
        r"\w+",
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
        "billion dozen half halves third thirds quarter quarters fifth tenth once twice thrice double doubled doubles "
        "triple tripled triples halved couple",
    )
)
_BEGINNINGS = frozenset(word[:length] for word in _FIGURES for length in range(1, len(word) + 1))
_SAFE = re.compile(r"[A-Za-z \n,;:!?'\"()/&*#>|=.\-]*")
_ODD = re.compile(r"[^A-Za-z\s,;:!?'\"()/&*#>|=.\-–—…]")
_LETTERS = re.compile(r"[A-Za-z]+")
_LAST = re.compile(r"[A-Za-z]+$")
_UNBROKEN = re.compile(r"\S*$")
_INTRODUCING = ("column", "feature", "target", "dataset", "model", "variant", "candidate")
"""What a name in plain letters follows: one that is nearly known is a claim."""
_INTRODUCED = re.compile(rf"\b(?:{'|'.join(_INTRODUCING)})s?\s+(?=([A-Za-z][\w-]*))", re.IGNORECASE)
_INTRODUCES = (*_INTRODUCING, *(f"{word}s" for word in _INTRODUCING))
_TAIL = 32
"""Characters in which the word before a name stands."""
_LEAST_NAME = 4
_END = re.compile(r"[.!?。！？][\"')\]*]*\s|\n")


class Telling:
    """What has been told of an answer, and what is held.

    Args:
        ground: gives what the answer may state; asked for when there is something to check.
        final: whether this answer is told with what is wrong in it struck. Then a word is held until it ends, as a name
            may begin in it: no part of what is struck has been shown before.
    """

    def __init__(self, ground: Callable[[], Ground], emit: Emit, final: bool) -> None:
        self._ground, self._emit, self._final = ground, emit, final
        self._told: list[str] = []
        self._held = ""
        self._looked = 0
        self._before = " "
        self._tail, self._named = "", False
        self._claimed = self._doubted = False

    def hear(self, piece: str) -> None:
        """Take in the next piece of the answer."""
        if not (self._held or self._final or self._named) and _is_plain(piece, self._before, self._tail):
            self._tell(piece)
            return
        self._held += piece
        if not self._doubted:
            self._pass_on()
        if self._held:
            self._emit(LOOK)

    def settle(self, text: str) -> None:
        """Tell what is left, so that `text` is what has been told."""
        told = "".join(self._told)
        if not text.startswith(told):
            self.withdraw()
            told = ""
        self._held = ""
        if len(text) > len(told):
            self._tell(text[len(told) :])

    def withdraw(self) -> None:
        """Take back what has been told."""
        if self._told:
            self._emit(TextRevised(deltas=len(self._told), characters=sum(map(len, self._told))))
        self._told, self._held = [], ""
        self._tail, self._named = "", False

    def _tell(self, text: str) -> None:
        self._told.append(text)
        self._before = text[-1]
        self._tail = (self._tail + text)[-_TAIL:]
        last = self._tail.rstrip()
        self._named = not last or last.lower().endswith(_INTRODUCES)
        self._emit(TextDelta(text=text))

    def _pass_on(self) -> None:
        """Tell all that is known to state nothing unproved."""
        while self._held:
            if not self._claimed:
                begin, self._claimed = self._first_claim()
                if begin:
                    self._tell(self._held[:begin])
                    self._held = self._held[begin:]
            end = self._sentence_end() if self._claimed else None
            if end is None:
                return
            if not self._holds(end):
                self._doubted = True
                return
            self._tell(self._held[:end])
            self._held, self._looked, self._claimed = self._held[end:], 0, False

    def _first_claim(self) -> tuple[int, bool]:
        """Up to where what is held states nothing, and whether a claim may begin there."""
        place = _claim_at(self._held, self._before)
        name, near = self._name_begun()
        if name is not None and (place is None or name < place):
            return name, near
        if place is None and not self._final:
            place = _figure_begun(self._held, self._before)
            return len(self._held) if place is None else place, False
        # a name in which there is a line begins with its word
        unbroken = _UNBROKEN.search(self._held, 0, len(self._held) if place is None else place)
        assert unbroken is not None
        return unbroken.start(), place is not None

    def _name_begun(self) -> tuple[int | None, bool]:
        """Where a name begins that is told to be one and not known, and whether it has ended and is nearly known."""
        text, told = self._tail + self._held, len(self._tail)
        spaced = f"model {text.lstrip()}" if len(self._tail) == _TAIL and self._tail.isspace() else text
        shift = len(spaced) - len(text)
        for found in _INTRODUCED.finditer(spaced):
            start, end = (place - shift - told for place in found.span(1))
            if start < 0:
                continue
            if end == len(self._held):
                return start, False
            if end - start >= _LEAST_NAME and self._ground().doubts(found.group(1)):
                return start, True
        return None, False

    def _sentence_end(self) -> int | None:
        """The end of the last sentence in what is held in which no mark is open; None where there is none."""
        end = None
        for found in _END.finditer(self._held, max(0, self._looked - 8)):
            sentence = self._held[: found.end()]
            line = sentence[sentence.rfind("\n", 0, found.start()) + 1 :]
            whole = found.group().endswith("\n") or line.count("`") % 2 == 0
            if whole and sentence.count("“") <= sentence.count("”"):
                end = found.end()
        self._looked = len(self._held)
        return end

    def _holds(self, end: int) -> bool:
        told = "".join(self._told)
        start = max(0, told.rfind("\n", 0, max(0, len(told) - WINDOW)) + 1)
        shown = len(told) - start
        claims = self._ground().check(told[start:] + self._held[:end])
        return all(claim.grounded or claim.span[1] <= shown for claim in claims)


def _is_plain(piece: str, before: str, tail: str) -> bool:
    """Whether no claim begins in the piece. Most pieces are a word, and looked at first: this is done for each."""
    word = piece.strip(" ")
    if word.isalpha() and word.lower() not in _BEGINNINGS:
        return True
    if _SAFE.fullmatch(piece) is None or _INTRODUCED.search(tail + piece):
        return False
    return _figure_word(piece, before) is None and _figure_begun(piece, before) is None


def _claim_at(text: str, before: str) -> int | None:
    """Where a claim may begin in `text`, which stands behind the character `before`."""
    word = _figure_word(text, before)
    for found in _ODD.finditer(text, 0, len(text) if word is None else word):
        if not found.group().isalpha():
            return found.start()
    return word


def _figure_word(text: str, before: str) -> int | None:
    """Where a figure in words begins whose end is there."""
    for found in _LETTERS.finditer(text):
        start, end = found.span()
        # what stands first may be the rest of a word that has been told
        if end < len(text) and found.group().lower() in _FIGURES and not (start == 0 and before.isalpha()):
            return start
    return None


def _figure_begun(text: str, before: str) -> int | None:
    """Where the last word begins, when it may become a figure."""
    found = _LAST.search(text)
    if found is None or found.group().lower() not in _BEGINNINGS or (found.start() == 0 and before.isalpha()):
        return None
    return found.start()
