"""What a text may state, prepared once; and the line through what it may not.

Beside the figures and names that results hold, a sentence of a result may be repeated word for word: 'No new window of
500 rows was complete.' states nothing of its own. What was only asked for is no result, though a tool repeats it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property, lru_cache

from agents.calculated import without_unfounded
from agents.claims import figures_in, one_spaced
from agents.grounding import Claim, Facts
from agents.grounding.facts import Result
from agents.grounding.text import asked_in
from agents.grounding.words import FRACTIONS, NUMBERS, words_of

NOT_HELD = "(not in the results)"
LEAST_REPEATED = 6
"""Characters of several words that count as a sentence of a result, such as '5 rows'."""
LEAST_DIGITS = 3
"""Digits by which a number of a result is known as one that its call gave."""
USERS = ("said:", "remembered:")
"""What the ids begin with under which a user's own words stand."""
_NAME = re.compile(r"`[^`\n]+`|\b\w+_\w+\b")
_END = re.compile(r"(?<=[.!?:;])\s+|\n+")
_NUMBER_WORDS = frozenset({*NUMBERS, *FRACTIONS, "a", "one", "hundred", "thousand", "twice", "double", "thrice"})
_SENTENCE = re.compile(r"(?<!approx)(?<!\be\.g)(?<!\bi\.e)(?<!\bca)(?<!\bvs)[.!?。！？][\"')\]*]*(?:\s+|$)|;|\n")
_CLAUSE = re.compile(r",(?!\d)|:\s|[()—–]|\s(?:and|but|while|whereas|though|although)\s")
_WISH = re.compile(
    r"\b(?:ask(?:ed|s)?|want(?:ed|s)?|wish(?:ed|es)?|request(?:ed|s)?|requires?|required|prefer(?:red|s)?"
    r"|limit(?:ed|s)?|budgets?|(?<!on the )(?<!of the )targets?|goals?|at (?:the )?(?:most|least)|no more than|up to"
    r"|within|under|below|max(?:imum)?|min(?:imum)?|threshold|tolerance|tolerate|cap(?:ped)?|ceiling|deadline"
    r"|settings?|set to|allow(?:ed|s)?|planned|try|tries|aim(?:ed|s)?|said|says|told|remember(?:ed|s)?|instead of"
    r"|may(?! be)"
    r"|you (?:have|had|gave|mentioned|meant|named|need|needed|wrote|chose)|if|shall|should|i['’]ll|i will|i can"
    r"|would|let me|going to|your(?=\W+#))\b",
    re.IGNORECASE,
)
"""Words of a wish, a limit, a setting, or of what somebody said. `#` stands where the figure is."""
_GIVEN = re.compile(
    r"\W*(?:[a-zµ%]+\W+)?(?:(?:was|is|were) the (?:\w+ )?)?"
    r"(?:(?:that )?you (?:gave|asked|set|allowed|named)|budget|limit|deadline)\b",
    re.IGNORECASE,
)
"""What stands behind a figure that was given: 'of the 12 s you gave it', 'the 6 s budget'."""
_OUTCOME = (
    r"reached|reaches|reaching|scored|scores|scoring|got|gets|achieved|achieves|achieving|attained|attains|obtained"
    r"|obtains|hits?|met|meets|done|finished|completed|succeeded|managed|delivered|delivers|gave|gives|yielded|yields"
    r"|produced|produces|returned|made|makes|measured|found|took|takes|equals|proved|proves|confirmed|confirms|fell"
    r"|fulfilled|satisfied|beats?|exceeded|exceeds|surpassed|surpasses|ended|ends|landed|shows|showed|won|wins"
)
_AS_WANTED = r"(?:just |exactly )?as (?:you |was |were )?(?:want|ask|wish|request|plan|agree|require|desire)\w*"
_DONE = re.compile(
    rf"(?<!you )(?<!you have )\b(?:{_OUTCOME}|able to|did (?:indeed |really )?(?:reach|score|get|hit|meet|achieve)"
    rf"|com(?:es|ing) (?:to|out)|came (?:to|out)|turned out|stands at|{_AS_WANTED})\b",
    re.IGNORECASE,
)
_FULFILLED = re.compile(rf"\b{_AS_WANTED}", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(?:is|are|was|were|be|been)\b(?!\s+(?:limited|set|asked|allowed|planned|wanted|capped|meant|required|given))"
    r"|\b(?:it|that|this|here|there)['’]s\b|="
    r"|\b(?:scores?|accuracy|precision|recall|f1|auc|loss|errors?|results?|outcome|performance)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot)|n['’]t)\s+(?!only|just|merely)(?:yet |quite )?"
    r"(?:reach|score|got|get|achieve|attain|obtain|hit|met|meet|be|found|exceed|beat|done)\w*"
    r"|\b(?:is|was|are|were)(?:\s+not|n['’]t|\s+no)\b(?!\s+(?:only|just|merely|less|lower|worse|fewer|below))",
    re.IGNORECASE,
)


class Ground:
    """The results that a text is checked against.

    Args:
        results: JSON-like dictionaries, each with an `id`; `{"id": ..., "said": text}` is what somebody said. Figures
            of it, and those of a result's `arguments`, are founded only where the text does not tell them as an
            outcome; those of a user (`said:1`, `remembered:1`) only as a wish, a limit, a setting or a question.
    """

    def __init__(self, results: Sequence[Result]) -> None:
        self._results = results = without_unfounded(results)
        self._measured = _measured(results)
        self._facts = Facts([*self._measured, *_words(self._measured)])
        self._names: dict[str, bool] = {}
        self._last: tuple[str, dict[tuple[str, tuple[int, int]], Claim]] | None = None

    def check(self, text: str) -> list[Claim]:
        """Every figure and name that `text` states, in order, each with the result that holds it."""
        claims = self._facts.check(text)
        if not all(claim.grounded for claim in claims):
            claims = _as_repeated(text, claims, self._sentences)
        if not all(claim.grounded for claim in claims):
            claims = [claim if claim.grounded else self._as_said(text, claim) for claim in claims]
        return claims

    def doubts(self, name: str) -> bool:
        """Whether a word that is told to be a model's or a column's name is none, but nearly one."""
        if name not in self._names:
            self._names[name] = not all(claim.grounded for claim in self._facts.check(f"model {name}"))
        return self._names[name]

    def _as_said(self, text: str, claim: Claim) -> Claim:
        """The claim, founded by what was asked for if it is told as that."""
        found = self._said_of(text).get((claim.value, claim.span))
        if found is None or (_is_figure(claim.value) and not may_be_said(text, found)):
            return claim
        return found

    def _said_of(self, text: str) -> dict[tuple[str, tuple[int, int]], Claim]:
        if self._last is None or self._last[0] != text:
            claims = _as_repeated(text, self._asked.check(text), self._asked_sentences)
            self._last = text, {(claim.value, claim.span): claim for claim in claims if claim.grounded}
        return self._last[1]

    @cached_property
    def _asked(self) -> Facts:
        """All that was measured or asked for."""
        return Facts([*self._results, *_words(self._results)])

    @cached_property
    def _sentences(self) -> list[tuple[str, str]]:
        return _sentences(self._measured)

    @cached_property
    def _asked_sentences(self) -> list[tuple[str, str]]:
        return _sentences(self._results)


def strike(text: str, claims: Sequence[Claim]) -> tuple[str, list[Claim]]:
    """A text with the claims that nothing holds struck and marked, and the claims where they stand in it now."""
    out: list[str] = []
    moved: list[Claim] = []
    end = shift = 0
    for claim in sorted(claims, key=lambda claim: claim.span):
        start, stop = claim.span
        if claim.grounded or start < end:
            moved.append(replace(claim, span=(start + shift, stop + shift)))
            continue
        first, last = _around(text, (start, stop))
        first = max(first, end)
        line = f"{struck(text[first:last])} {NOT_HELD}"
        place = shift + first + line.find(text[start:stop])
        moved.append(replace(claim, span=(place, place + stop - start)))
        out += [text[end:first], line]
        end, shift = last, shift + len(line) - (last - first)
    return "".join([*out, text[end:]]), moved


def struck(text: str) -> str:
    """A text with a line through it, in Markdown."""
    return f"~~{text.replace('~~', '')}~~"


def _around(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """With the marks around a name or a quote, as a line drawn inside them would not show."""
    start, end = span
    while start > 0 and end < len(text) and text[start - 1] + text[end] in ("``", "“”"):
        start, end = start - 1, end + 1
    return start, end


def _as_repeated(text: str, claims: Sequence[Claim], sentences: Sequence[tuple[str, str]]) -> list[Claim]:
    """The claims, those among them founded that stand in a sentence of a result as it is."""
    repeated = list(_repeated(text, sentences))
    return [claim if claim.grounded else _in_one_of(repeated, claim) for claim in claims]


def _repeated(text: str, sentences: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int, str]]:
    """Where sentences of results stand in `text` as they are, and whose they are."""
    for sentence, result in sentences:
        if sentence in text:
            # '500 rows' does not stand in '1500 rows', nor in '-500 rows'
            whole = rf"(?<![\w+\-−])(?<!\d[.,:]){re.escape(sentence)}(?!\w|[.,:]\d)"
            yield from ((*found.span(), result) for found in re.finditer(whole, text))


def _in_one_of(repeated: Sequence[tuple[int, int, str]], claim: Claim) -> Claim:
    start, stop = claim.span
    holder = next((result for first, last, result in repeated if first <= start and stop <= last), None)
    return claim if holder is None else replace(claim, grounded=True, result_id=holder)


def _sentences(results: Sequence[Result]) -> list[tuple[str, str]]:
    # what was said is no result: a figure that the user wants is not one that was measured
    return [found for result in results if "said" not in result for found in _told(result)]


def _words(results: Sequence[Result]) -> Iterator[Result]:
    """The names inside the texts of results: they may be repeated without the sentence around them."""
    for result in results:
        if "said" not in result:
            names = {name.strip("`") for text in texts_of(result) for name in _NAME.findall(text)}
            if names:
                yield {"id": result["id"], "said": " ".join(sorted(names))}


def _told(result: Result) -> Iterator[tuple[str, str]]:
    for text in texts_of(result):
        for sentence in _END.split(text):
            if len(sentence) >= LEAST_REPEATED and " " in sentence.strip():
                yield sentence.strip(), str(result["id"])


def texts_of(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys not among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from texts_of(item)


# what was asked for, and what is told as an outcome


def _measured(results: Sequence[Result]) -> list[Result]:
    """The results without the figures that were only asked for, also where a tool gives them back."""
    given = [text for result in results for text in texts_of(result.get("arguments")) if any(map(str.isdigit, text))]
    echoes = {one_spaced(part) for text in given for part in _END.split(text) if figures_in(part.replace("`", " "))}
    return [_unasked(result, sorted(echoes, key=len, reverse=True)) for result in results]


def _unasked(result: Result, echoes: Sequence[str]) -> Result:
    if isinstance(said := result.get("said"), str):
        return {**result, "said": _without_figures(said)}
    arguments = result.get("arguments")
    given = list(_numbers(arguments, frozenset()))
    if not given and not echoes:
        return result
    kept = {key: _new(value, given, echoes, words_of(key)) for key, value in result.items() if key != "id"}
    return {**kept, **({"arguments": _blank(arguments)} if "arguments" in result else {}), "id": result["id"]}


def _new(
    value: object, given: Sequence[tuple[Decimal, frozenset[str]]], echoes: Sequence[str], words: frozenset[str]
) -> object:
    """A value of a result without what its call gave: a number that is called alike or has many digits, a sentence."""
    if isinstance(value, str):
        return _unsaid(value, echoes)
    if isinstance(value, Mapping):
        return {key: _new(item, given, echoes, words | words_of(str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_new(item, given, echoes, words) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = Decimal(repr(value))
    alike = [names for one, names in given if one == number]
    # 0.5 may be a cutoff and a score; who gave 0.9999 gave this one
    long = bool(alike) and len(number.normalize().as_tuple().digits) >= LEAST_DIGITS
    return "" if long or any(names & words for names in alike) else value


def _unsaid(text: str, echoes: Sequence[str]) -> str:
    spaced = one_spaced(text)
    for echo in echoes:
        if echo in spaced:
            whole = rf"(?<!\w)(?<!\d[.,:]){re.escape(echo)}(?!\w|[.,:]\d)"
            spaced = text = re.sub(whole, lambda found: _without_figures(found.group()), spaced)
    return text


def _numbers(value: object, words: frozenset[str]) -> Iterator[tuple[Decimal, frozenset[str]]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, words | words_of(str(key)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item, words)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield Decimal(repr(value)), words


def _blank(value: object) -> object:
    """What was asked for without its figures; names in it stay known."""
    if isinstance(value, str):
        return _without_figures(value)
    if isinstance(value, Mapping):
        return {key: _blank(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_blank(item) for item in value]
    return value if isinstance(value, bool) or not isinstance(value, int | float) else ""


@lru_cache(maxsize=512)
def _without_figures(text: str) -> str:
    # a figure in code marks is one too; places stay
    for one in reversed(asked_in(text.replace("`", " "), {})):
        start, end = one.figure.span
        text = f"{text[:start]}…{text[end:]}"
    return text


def _is_figure(value: str) -> bool:
    plain = value.strip("`“” ")
    in_words = all(word.casefold() in _NUMBER_WORDS for word in re.split(r"[\s-]", plain))
    return in_words or bool(figures_in(plain)) or (" " in plain and bool(asked_in(plain, {})))


def may_be_said(text: str, claim: Claim) -> bool:
    """Whether a text tells a figure, which was only asked for, as something that was asked for."""
    sentence, before, clause = _around_claim(text, claim.span)
    of_user = str(claim.result_id).startswith(USERS)
    behind = clause.partition("#")[2]
    if _GIVEN.match(behind) and not _DONE.search(behind):
        return True
    if _DONE.search(clause):
        return False
    wish, told = _WISH.search(clause), _TOLD.search(clause)
    if told:
        return sentence.rstrip().endswith("?") or (wish is not None and wish.start() <= told.start())
    if wish:
        return True
    marks = [*((found.end(), False) for found in (*_DONE.finditer(before), *_TOLD.finditer(before)))]
    marks += [(found.end(), True) for found in _WISH.finditer(before)]
    if marks:
        return max(marks)[1]
    return sentence.rstrip().endswith("?") or not (of_user or _FULFILLED.search(sentence))


def _around_claim(text: str, span: tuple[int, int]) -> tuple[str, str, str]:
    """The sentence of a claim, what stands in it before the claim's clause, and the clause; denials are wishes."""
    start = max((found.end() for found in _SENTENCE.finditer(text, 0, span[0])), default=0)
    after = _SENTENCE.search(text, span[1])
    end = after.end() if after else len(text)
    first = max((found.end() for found in _CLAUSE.finditer(text, start, span[0])), default=start)
    follows = _CLAUSE.search(text, span[1], end)
    clause = f"{text[first : span[0]]} # {text[span[1] : follows.start() if follows else end]}"
    return text[start:end], _DENIED.sub("wanted", text[start:first]), _DENIED.sub("wanted", clause)
