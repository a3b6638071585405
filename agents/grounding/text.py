"""What a text says of each figure in it: unit, metric, names, what is counted, and what it may have been made of.

A figure in a table is read as if its row and its column stood before it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agents.claims import Figure, figures_in
from agents.grounding.sentence import (
    CLAUSE,
    ID,
    Known,
    Named,
    Place,
    bound,
    compared,
    has_stage,
    listed_units,
    metric_at,
    metrics_of,
    named_in,
    owner,
    pair_at,
    respectively,
    stage_of,
)
from agents.grounding.spoken import in_words
from agents.grounding.words import (
    NUMBERS,
    SENSES,
    WISHES,
    Unit,
    is_against,
    rough_word,
    stem,
    unit_after,
    unit_in,
    unit_of_key,
    vocabulary,
)

_SENTENCE = re.compile(r"(?:(?<!\bi\.e)(?<!\be\.g)(?<!\bvs)(?<!\bca)(?<!approx)[.!?](?=[\s*])|;(?![^\[(\n]*[\])])|\n)+")
_ROW = re.compile(r"\s*\|")
_RULE = re.compile(r"[\s|:+-]*-[\s|:+-]*")
_WORD = re.compile(r"[A-Za-z]+(?:\d+(?![\d.]))?")
_STOP = re.compile(
    r"[,.;:()|\[\]\d]|\b(?:of|in|for|and|or|is|are|was|were|on|with|by|to|from|at|than|as|has|have|per|each|the|a|an|this"
    r"|it|we|i|which|that|its|you|so|but|while)\b"
)
_HEADING = re.compile(r"\s*(?:#+\s|\*\*[^*]+\*\*:?\s*$|[^|]*:\s*$)")
_PRONOUN = re.compile(r"[\s*>-]*(?:it|its|it's|this|that|the same|which)\b", re.IGNORECASE)
_OTHER = re.compile(
    r"\b(?:new|newer|other|previous|old|older|earlier|first|second|third|best|both|last|another)\b", re.IGNORECASE
)
_LEVEL = re.compile(r"^\s*(?:confidence|interval|ci\b|bootstrap|bound)", re.IGNORECASE)
_KEPT_FOR = re.compile(
    r"[\s*_`]*(?:(?:rows|are|is|were|was|used|kept|held|sealed|back|left|set|aside|go|them|these|of|the)\s+)*"
    r"(?:for|as|in)\s+(?:the\s+|a\s+)?(training|test|testing|validation)\b"
)
_PART_OF = re.compile(r"\s*(?:out of|of)\s+(?:the\s+|all\s+|its\s+)?(\w[\w.,]*(?<=\w))")
_WHOLE_OF = re.compile(r"\d(?:\s+(?:out of|of)|\s[a-z]+\s(?:out of|of))\s+(?:the |all |its )*$")
_DOING = re.compile(r"\W*[a-z]+ (?:is|are|was|were) ([a-z]+)")
_GOES_ON = re.compile(
    r"(?:\(\s*(?:about |around |roughly |some |i\.e\. |or |~|≈)*"
    r"|\d[\s\w%]*,?\s*(?:or|i\.e\.|that is)\s+(?:about |by )*)$"
)
"""'a change of 1.1 (about 3 %)': what is said of the first is said of the second."""
_LABEL = re.compile(r"([A-Za-z]+)[\s*_`]*(?:[:=#|]|is|was|are|of)?[\s*_`:(]*$")
_RATIO = re.compile(r"\b(?:times|ratio|speed-?up|factor)\b", re.IGNORECASE)
_FACTOR = re.compile(r"\b(?:speed-?up|factor|ratio)(?: of)?\W*$", re.IGNORECASE)
_SMALL, _BREAK = re.compile(r"[a-z]+"), re.compile(r"[,;:.()|\d]")
_MARK = "\0"
_OF_WHAT = re.compile(r"^ (?:CPU|GPU|core|node|machine|wall[- ]clock)[- ](?=[a-z])")
"""'3.4 CPU hours'."""
_ID = re.compile(r"[\s*_`]*[A-Za-z]+[\w-]*\d[\s*_`]*")
_CLASS = re.compile(r"\d{1,2}s")
_OF_CLASS = re.compile(r"\b(?:the|real|actual|all|many|few|as|\d{1,2}s (?:or|and))\s*$")
_WITHOUT = vocabulary("without dropping removing leaving")


@dataclass(slots=True)
class Asked:
    """A figure, and what the text says that it is."""

    figure: Figure
    before: str
    after: str
    words: frozenset[str] = frozenset()
    """Of its sentence, as stems."""
    near: frozenset[str] = frozenset()
    """Those next to it."""
    nouns: tuple[str, ...] = ()
    """The words right behind it, such as what is counted."""
    label: str = ""
    """The word right before it: 'version' of 'version 2'."""
    unit: Unit | None = None
    metric: str = ""
    stage: str = ""
    """'test', 'validation' or ''."""
    names: tuple[str, ...] = ()
    """What it may be about, the nearest first; of these the first `beside` stand right beside it."""
    beside: int = 0
    topics: tuple[str, ...] = ()
    """Ids of which the text spoke before."""
    topic: str = ""
    """The metric of which it spoke before."""
    sides: tuple[str, ...] = ()
    """What it may be a difference of; `ordered` when the second is what the first is set against."""
    ordered: bool = False
    senses: frozenset[str] = frozenset()
    """'up', 'worse', 'either' ... of the words for differences near it."""
    ratio: bool = False
    kind: str = ""
    """'level' of an interval, 'spread' behind ±, 'fraction', 'twice', or ''."""
    rough: str = ""
    """A word before it such as 'about'."""
    wish: bool = False
    """It is told as something asked for."""
    table: bool = False
    part: bool = False
    """It is the first of 'k of n'; `total` the second."""
    total: bool = False
    doing: str = ""
    """What is said of what is counted: 'logged' of '240 predictions are logged'."""
    pair: int = 0
    """1 when it and the next figure are the ends of an interval, 2 when they may be."""
    sentence: int = 0
    earlier: Unit | None = None
    """The unit of the figures before it in its sentence."""


@dataclass(slots=True)
class _Topic:
    """What the sentences before were about."""

    ids: dict[str, str] = field(default_factory=dict)
    heading: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    metric: str = ""
    stage: str = ""
    header: tuple[str, ...] | None = None
    """The heads of the columns of the table that is being read; none outside of tables."""

    def remember(self, sentence: str, named: Sequence[Named]) -> None:
        names = tuple(one.name for one in named)
        metrics = metrics_of(sentence)
        self.metric = metrics[-1][2] if metrics else self.metric
        self.stage = stage_of(sentence, "")
        self.ids |= {name.partition("_")[0]: name for name in names if ID.fullmatch(name)}
        if _HEADING.match(sentence):
            self.heading = names
        self.last = names or self.last


def asked_in(text: str, known: Known, before: str = "") -> list[Asked]:
    """Every figure of a text, in order, with what is said of it. `before` is what was said before the text."""
    topic = _Topic()
    for start, end in _sentences(before):
        topic.remember(before[start:end], named_in(before[start:end], known))
    figures = sorted([*figures_in(text), *in_words(text)], key=lambda figure: figure.span)
    figures = [figure for figure in figures if not _is_class(figure.shown, text[: figure.span[0]])]
    sentences = list(_sentences(text))
    asked: list[Asked] = []
    for number, (start, end) in enumerate(sentences):
        sentence = text[start:end]
        own = [figure for figure in figures if start <= figure.span[0] < end]
        is_row = _ROW.match(sentence) is not None
        if is_row and topic.header is None:
            follows = text[slice(*sentences[number + 1])] if number + 1 < len(sentences) else ""
            topic.header = tuple(_heads(sentence)) if _RULE.fullmatch(follows) else ()
            is_row = not topic.header  # figures in the heads are read as those of a sentence
        elif not is_row:
            topic.header = None
        if is_row:
            asked += _of_row(sentence, start, own, known, topic)
            continue
        named = named_in(sentence, known)
        asked += _of_sentence(sentence, start, own, named, topic, half=text[start - 1 : start] == ";")
        topic.remember(sentence, named)
    return asked


def _is_class(shown: str, before: str) -> bool:
    """Whether a figure is the name of a class: '11 of the 4s'."""
    return _CLASS.fullmatch(shown) is not None and _OF_CLASS.search(before[-16:]) is not None


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for mark in _SENTENCE.finditer(text):
        yield start, mark.end()
        start = mark.end()
    if start < len(text):
        yield start, len(text)


def _of_sentence(
    sentence: str, offset: int, figures: Sequence[Figure], named: Sequence[Named], topic: _Topic, *, half: bool
) -> Iterator[Asked]:
    """The figures of a sentence, or of the second `half` of one, behind a semicolon."""
    if not figures:
        return
    words, metrics = stems(sentence), metrics_of(sentence)
    plain = _without(sentence, metrics)
    spans = [(figure.span[0] - offset, figure.span[1] - offset) for figure in figures]
    shared, listed = respectively(sentence, spans, named), listed_units(sentence, spans, figures)
    inherited, topics, staged = _inherited(sentence, named, topic), _topics(sentence, named, topic), has_stage(sentence)
    last_end, unit, senses = 0, None, frozenset[str]()
    out: list[Asked] = []
    ends = [*(start for start, _ in spans[1:]), len(sentence)]
    for number, (figure, (start, end), follows) in enumerate(zip(figures, spans, ends, strict=True)):
        at = Place(sentence, start, end, follows)
        one = Asked(figure, at.before, sentence[end:], words=words, sentence=offset, topic=topic.metric, earlier=unit)
        one.metric = metric_at(at, metrics)
        goes_on = half and not metrics and not staged and figure.step < 1 and not figure.percent
        one.sides, one.ordered = compared(at, named)
        _fill(one, plain[last_end:start], plain[end:follows])
        names, one.beside = ([shared[number]], 1) if number in shared else bound(at, named)
        if names or not is_against(at.before):
            one.names, one.topics = (*names, *inherited), topics
            one.stage = stage_of(at.before, at.between) if staged else topic.stage if goes_on else ""
        one.unit = one.unit or (None if figure.percent or one.kind or one.metric else listed.get(number))
        if (
            out
            and out[-1].part
            and out[-1].unit is None
            and one.unit
            and plain[last_end:start].strip().startswith("of")
        ):
            out[-1].unit = one.unit
        if goes_on and one.unit is None and one.senses <= {"cost"}:
            one.metric = topic.metric
        one.pair = pair_at(at) if number + 1 < len(figures) else 0
        if one.label == "by" or _GOES_ON.search(at.before[-60:]):
            one.senses |= senses
        last_end, unit, senses = end, one.unit or unit, senses | one.senses
        if (
            number > 1
            and out[-1].pair == 1
            and plain[spans[number - 2][1] : spans[number - 1][0]].strip() in ("[", "(")
        ):
            for each in out[-2:]:  # '0.41 [0.33, 0.48] for the student'
                whose = owner(at, named)
                each.names, each.beside = (*whose, *each.names), max(each.beside, len(whose))
        out.append(one)
    yield from out


def _without(sentence: str, metrics: Sequence[tuple[int, int, str]]) -> str:
    """The sentence with other marks for the names of metrics; places stay."""
    for start, end, _ in metrics:
        sentence = f"{sentence[:start]}{_MARK * (end - start)}{sentence[end:]}"
    return sentence


def _inherited(sentence: str, named: Sequence[Named], topic: _Topic) -> tuple[str, ...]:
    """What the sentences before were about, where this one goes on about it."""
    pronoun = _PRONOUN.match(sentence) and not named
    return (*(topic.last[:1] if pronoun else ()), *topic.heading)


def _topics(sentence: str, named: Sequence[Named], topic: _Topic) -> tuple[str, ...]:
    """The ids that were named last, where this sentence does not speak of another thing."""
    if _OTHER.search(sentence):
        return ()
    own = {one.name.partition("_")[0] for one in named if ID.fullmatch(one.name)}
    return tuple(name for prefix, name in topic.ids.items() if prefix not in own)


def _of_row(line: str, offset: int, figures: Sequence[Figure], known: Known, topic: _Topic) -> Iterator[Asked]:
    """The figures of a table's row, each with its row's names and its column's heading before it."""
    cells = _cells(line)
    owned = [[figure for figure in figures if start <= figure.span[0] - offset < end] for start, end in cells]
    label = " ".join(
        line[a:b].strip(" *_`") for (a, b), own in zip(cells, owned, strict=True) if not own or _ID.fullmatch(line[a:b])
    )[:200]
    names = tuple(one.name for start, end in cells for one in named_in(line[start:end], known))
    heads = (*(topic.header or ()), *[""] * len(cells))
    for (start, end), own, heading in zip(cells, owned, heads, strict=False):
        above = tuple(one.name for one in named_in(heading, known))
        for number, figure in enumerate(own):
            left, right = figure.span[0] - offset, figure.span[1] - offset
            inside, after = line[start:left], line[right:end]
            before = f"{label} {heading} {inside}"
            one = Asked(figure, before, after, words=stems(f"{before} {after}"), table=True, sentence=offset)
            one.names = (*above, *names, *topic.heading)
            one.sides, one.beside = tuple(dict.fromkeys(one.names)), len(above) + len(names)
            found = metrics_of(inside) or metrics_of(heading) or metrics_of(label)
            one.metric = found[-1][2] if found else ""
            near = f"{heading}: {inside}" if heading else before
            _fill(one, _without(near, metrics_of(near)), after)
            one.ratio = one.ratio or _RATIO.search(heading) is not None
            one.unit = one.unit or unit_in(heading) or (unit_of_key(heading) if "_" in heading else unit_in(label))
            one.stage = stage_of(f"{label} {heading}", after)
            follows = own[number + 1].span[0] - offset if number + 1 < len(own) else end
            one.pair = pair_at(Place(line, left, right, follows)) if number + 1 < len(own) else 0
            yield one


def _heads(line: str) -> Iterator[str]:
    yield from (line[start:end].strip(" *_`") for start, end in _cells(line))


def _cells(line: str) -> list[tuple[int, int]]:
    bars = [found.start() for found in re.finditer(r"(?<!\\)\|", line)]
    ends = bars if line.rstrip().endswith("|") else [*bars, len(line)]
    return [(start + 1, end) for start, end in pairwise(ends)]


def _fill(one: Asked, near: str, after: str) -> None:
    """What the words between a figure and its neighbours say of it."""
    figure = one.figure
    one.rough = rough_word(one.before)
    if figure.token in ("fraction", "twice"):
        one.kind = figure.token
    elif figure.percent and _LEVEL.match(one.after):
        one.kind = "level"
    elif one.before.rstrip()[-3:].endswith(("±", "+/-")):
        one.kind = "spread"
    one.unit = None if one.kind or figure.percent else unit_after(figure.shown, _OF_WHAT.sub(" ", one.after, count=1))
    clause = CLAUSE.split(near)[-1]
    label = _LABEL.search(clause[-40:])
    _count(one, after)
    if label and not (":" in label.group() and one.nouns):
        one.label = stem(label.group(1))
    one.ratio = _FACTOR.search(near[-40:]) is not None
    before, behind = _SMALL.findall(near.casefold()), _SMALL.findall(_BREAK.split(after, maxsplit=1)[0].casefold())
    one.senses = frozenset(SENSES[word] for word in (*before, *behind) if word in SENSES)
    if "cost" in one.words and one.words & _WITHOUT:
        one.senses |= {"cost"}
    one.wish = not WISHES.isdisjoint((*before[-8:], *behind[:4]))
    hints = _WORD.findall(clause)[-4:]
    close = _WORD.findall(_BREAK.split(one.after[:80], maxsplit=1)[0])[:6]
    one.near = frozenset((*one.nouns, *map(stem, hints), *map(stem, close)))


def _count(one: Asked, after: str) -> None:
    """What a figure counts, by the words behind it."""
    counts = not one.figure.percent
    rest, of = after, _PART_OF.match(one.after)
    if of is not None and counts and (any(letter.isdigit() for letter in of[1]) or of[1].casefold() in NUMBERS):
        one.part, rest = True, one.after[of.end() :]
    rest = rest.lstrip(" -\u00a0\u202f*_`")
    stop = _STOP.search(rest)
    one.nouns = tuple(stem(word) for word in _WORD.findall(rest[: stop.start() if stop else 60])[:4])
    if _WHOLE_OF.search(one.before[-32:]):
        one.nouns, one.total = one.nouns[:1], True
    kept, doing = _KEPT_FOR.match(one.after), _DOING.match(one.after)
    if kept and counts and one.unit is None:
        one.nouns = (stem(kept[1]), "row")
    one.doing = stem(doing[1]) if doing else ""


def stems(text: str) -> frozenset[str]:
    """The words of a text, as stems."""
    return frozenset(stem(word) for word in _WORD.findall(text))
