"""Answer a question with the documents' own sentences, each quoted with its place; or say that nothing was found."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from rag.index import Index
from rag.retrieve import Hit, retrieve
from rag.words import terms

ENOUGH = 0.55
"""Share of the question that a passage must hold; measured on questions with and without an answer (decision 0030)."""

PASSAGES = 3
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n\s*|\n(?=\s*(?:[-*+]|\d+[.)]|#)\s)")


class Citation(BaseModel):
    """`quote` is exactly characters [start, end) of document `doc`, found under the headings `path`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    doc: str
    title: str
    path: tuple[str, ...]
    start: int
    end: int
    quote: str


class Answer(BaseModel):
    """`confidence` in [0, 1]: the share of the question's terms, weighted by rarity, in the best passage.

    Without an answer `found` is False, `citations` is empty and `text` says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    found: bool
    confidence: float
    text: str
    citations: tuple[Citation, ...]


def answer(index: Index, question: str, quotes: int = 3) -> Answer:
    """Quote at most `quotes` sentences that hold most of what the question asks for, best first."""
    wanted = _weights(index, question)
    hits = retrieve(index, question, PASSAGES)
    confidence = max((_share(wanted, f"{' '.join(hit.path)} {hit.text}") for hit in hits), default=0.0)
    if confidence < ENOUGH:
        return Answer(question=question, found=False, confidence=confidence, text=_nothing(index), citations=())
    citations = tuple(_best(wanted, hits, quotes))
    text = "\n".join(f"“{each.quote}” [{number}]" for number, each in enumerate(citations, start=1))
    return Answer(question=question, found=True, confidence=confidence, text=text, citations=citations)


def _nothing(index: Index) -> str:
    return f"The {index.info.documents:,} indexed documents do not answer this."


def _weights(index: Index, question: str) -> dict[str, float]:
    return {term: index.rarity(term) for term in terms(question)}


def _share(wanted: dict[str, float], text: str) -> float:
    """Share of the wanted terms' weight that the text holds, in [0, 1]."""
    total = sum(wanted.values())
    present = set(terms(text))
    return sum(weight for term, weight in wanted.items() if term in present) / total if total else 0.0


def _best(wanted: dict[str, float], hits: Sequence[Hit], quotes: int) -> Iterator[Citation]:
    """The sentences that say most, in falling order; the better passage wins a tie. At least the first is given."""
    ranked = sorted(
        ((_share(wanted, hit.text[start:end]), hit, start, end) for hit in hits for start, end in sentences(hit.text)),
        key=lambda each: -each[0],
    )
    floor = ranked[0][0] / 2
    for share, hit, start, end in ranked[:quotes]:
        if share >= floor:
            yield Citation(
                doc=hit.doc,
                title=hit.title,
                path=hit.path,
                start=hit.start + start,
                end=hit.start + end,
                quote=hit.text[start:end],
            )


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Character spans of the sentences and list items of a text, without blanks at their ends."""
    cuts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    for start, end in pairwise(cuts):
        body = text[start:end]
        if body.strip():
            yield start + len(body) - len(body.lstrip()), start + len(body.rstrip())
